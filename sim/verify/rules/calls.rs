//! Listener calls under way, message by message.

use crate::cluster::fact::{Fact, NoStatus};
use crate::cluster::ids::ConsumerId;
use crate::kernel::time::SimTime;
use std::collections::BTreeMap;

/// A message that a listener has.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Whose listener.
    pub consumer: ConsumerId,
    /// Its offset.
    pub offset: u64,
    /// Since when.
    pub since: SimTime,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Calls {
    /// Messages that listeners have, by client.
    open: BTreeMap<ConsumerId, u64>,
    /// Those of orderly groups, by slot.
    in_order: BTreeMap<usize, Vec<Call>>,
    /// Calls that never return, by client.
    hung: BTreeMap<ConsumerId, u64>,
    /// Listener threads where they were changed.
    threads: BTreeMap<ConsumerId, u32>,
}

impl Calls {
    /// Takes note of a fact.
    pub fn hear(&mut self, fact: &Fact) {
        match *fact {
            Fact::NoStatus {
                consumer,
                how: NoStatus::Hangs,
                ..
            } => *self.hung.entry(consumer).or_default() += 1,
            Fact::ThreadsSet { consumer, threads } => _ = self.threads.insert(consumer, threads),
            Fact::ConsumerStopped { consumer, .. } => {
                self.open.remove(&consumer);
                self.in_order.retain(|_, calls| {
                    calls.retain(|call| call.consumer != consumer);
                    !calls.is_empty()
                });
            }
            _ => {}
        }
    }

    /// A listener is called. `in_order`: the slot of an orderly queue.
    pub fn begin(&mut self, call: Call, in_order: Option<usize>) {
        *self.open.entry(call.consumer).or_default() += 1;
        if let Some(slot) = in_order {
            self.in_order.entry(slot).or_default().push(call);
        }
    }

    /// It has returned, or was cut off.
    pub fn over(&mut self, consumer: ConsumerId, offset: u64, slot: usize) {
        if let Some(calls) = self.open.get_mut(&consumer) {
            *calls = calls.saturating_sub(1);
        }
        if let Some(calls) = self.in_order.get_mut(&slot) {
            calls.retain(|call| (call.consumer, call.offset) != (consumer, offset));
        }
    }

    /// What others have of an orderly queue.
    pub fn others(&self, slot: usize, consumer: ConsumerId) -> impl Iterator<Item = &Call> {
        let calls = self.in_order.get(&slot).into_iter().flatten();
        calls.filter(move |call| call.consumer != consumer)
    }

    /// Whether a client's listener has anything.
    pub fn is_called(&self, consumer: ConsumerId) -> bool {
        self.open.get(&consumer).is_some_and(|calls| *calls > 0)
    }

    /// Clients with calls that never return, and how many.
    pub fn hung(&self) -> impl Iterator<Item = (ConsumerId, u64)> + '_ {
        self.hung.iter().map(|(consumer, calls)| (*consumer, *calls))
    }

    /// Listener threads of a client that had `first` of them.
    pub fn threads(&self, consumer: ConsumerId, first: u32) -> u32 {
        self.threads.get(&consumer).copied().unwrap_or(first)
    }
}
