//! Faults of the simulator itself, made on purpose: a check that has never failed proves nothing.
//!
//! Not to be taken for faults of the cluster, which a scenario's timeline makes and which lose nothing in secret.

use crate::cluster::consumer::process_queue::CachedMessage;

/// A fault of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The n-th message from now that reaches a client vanishes there, and nobody is told.
    LoseMessage(u64),
}

impl Sabotage {
    /// Messages of one pull have reached a client.
    pub(super) fn message_arrives(&mut self, messages: &mut Vec<CachedMessage>) {
        let Self::LoseMessage(left) = self;
        let (nth, here) = (*left, messages.len() as u64);
        // The only message of an answer stays: an answer without messages would be another fault.
        if (1..=here).contains(&nth) && here > 1 {
            messages.remove(nth as usize - 1);
            *left = 0;
        } else if nth > 0 {
            *left = nth.saturating_sub(here).max(1);
        }
    }
}
