//! When a run ends before its time: bounds on what it may cost, and somebody who asks it to stop.
//!
//! The run looks at them now and then, and where the bound on events lies. If it is to stop, it ends right behind the
//! instant that it has come to: what is due then still happens, the closing sample is taken as ever, and the account
//! balances. So a run that is cut short is the beginning of the whole one.

use crate::cluster::Cluster;
use crate::cluster::fact::Observer;
use std::sync::atomic::{AtomicBool, Ordering};

/// Events between two looks at the least: some milliseconds.
const LOOK: u64 = 1 << 16;
/// Events for each thing that a look counts, at the least: so looks cost a hundredth of the run.
const EVENTS_PER_PART: u64 = 16;
/// Events between two looks when what the run holds is wanted.
const LOOK_TO_WEIGH: u64 = 1 << 12;

/// How far a run may go. By default: to its end, whatever it costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds<'a> {
    /// Events. A run that would do more ends with the instant of the first that is too many.
    pub events: Option<u64>,
    /// Bytes that the model holds.
    pub memory: Option<u64>,
    /// Whether [`Finished::peak`](crate::cluster::Finished::peak) is wanted. Looks come more often then.
    pub weigh: bool,
    /// Once it is set the run stops.
    pub interrupt: Option<&'a AtomicBool>,
}

/// Why a run has ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It would do more events than it may.
    Events {
        /// The bound.
        bound: u64,
    },
    /// It holds more than it may.
    Memory {
        /// The bound, bytes.
        bound: u64,
        /// What it holds, bytes.
        held: u64,
    },
    /// Somebody asked it to.
    Interrupted,
}

impl Bounds<'_> {
    /// The number of the event before which the first look is taken.
    pub(super) fn first_look(&self) -> u64 {
        self.next_look(0, 0)
    }

    /// The same after a look before event `now`; a look that counts `parts` things is not taken too often.
    fn next_look(&self, now: u64, parts: usize) -> u64 {
        let look = match (self.weigh, self.memory, self.interrupt) {
            (false, None, None) => u64::MAX,
            (true, ..) => now + LOOK_TO_WEIGH.max(EVENTS_PER_PART * parts as u64),
            _ => now + LOOK.max(EVENTS_PER_PART * parts as u64),
        };
        look.min(self.events.map_or(u64::MAX, |bound| bound.saturating_add(1)))
    }
}

impl<O: Observer> Cluster<O> {
    /// A look before event `number` happens: why the run is to stop, or the number of the event before which to look again.
    #[cold]
    #[inline(never)]
    pub(super) fn look(&mut self, bounds: &Bounds<'_>, number: u64) -> Result<u64, Stopped> {
        if let Some(bound) = bounds.events.filter(|bound| number > *bound) {
            return Err(Stopped::Events { bound });
        }
        if bounds
            .interrupt
            .is_some_and(|asked| asked.load(Ordering::Relaxed))
        {
            return Err(Stopped::Interrupted);
        }
        if bounds.weigh {
            self.weigh();
        }
        if let Some(bound) = bounds.memory {
            let held = self.held();
            if held > bound {
                return Err(Stopped::Memory { bound, held });
            }
        }
        Ok(bounds.next_look(number, self.parts()))
    }

    /// Notes what it holds, if that is more than ever before.
    pub(super) fn weigh(&mut self) {
        let holding = self.holding();
        if holding.total() > self.peak.total() {
            self.peak = holding;
        }
    }

    /// How many things a look at the memory counts.
    fn parts(&self) -> usize {
        let entities = self.queues.len() + self.consumers.len() + self.core.directory.producers.len();
        entities + self.core.envelopes.len()
    }
}
