//! What is still to happen, as words: each event goes into the scheduler as its code.
//!
//! A word moves through the event list in registers, and the trace digest takes it in as it is; an enum would be
//! taken apart and put together again at every move.

use crate::cluster::event::Event;
use crate::kernel::scheduler::{Scheduler, Ticket};
use crate::kernel::time::{SimDuration, SimTime};

/// The pending events of a cluster and its clock.
#[derive(Clone, Debug)]
pub struct Agenda(Scheduler<u64>);

impl Default for Agenda {
    fn default() -> Self {
        Self(Scheduler::default().naming(kind))
    }
}

/// What an event is called, whomever it concerns.
fn kind(code: u64) -> String {
    let told = format!("{:?}", Event::from_code(code));
    let end = told.find(|c: char| !c.is_alphanumeric()).unwrap_or(told.len());
    told[..end].to_owned()
}

impl Agenda {
    /// The virtual time.
    #[inline(always)]
    pub fn now(&self) -> SimTime {
        self.0.now()
    }

    /// As [`Scheduler::at`].
    #[inline]
    pub fn at(&mut self, time: SimTime, event: Event) -> Ticket {
        self.0.at(time, event.code())
    }

    /// As [`Scheduler::after`].
    #[inline]
    pub fn after(&mut self, delay: SimDuration, event: Event) -> Ticket {
        self.0.after(delay, event.code())
    }

    /// As [`Scheduler::at_in_order`].
    #[inline(always)]
    pub fn at_in_order(&mut self, time: SimTime, event: Event) -> Ticket {
        self.0.at_in_order(time, event.code())
    }

    /// As [`Scheduler::cancel`].
    pub fn cancel(&mut self, ticket: Ticket) {
        self.0.cancel(ticket);
    }

    /// Takes out the earliest event, as its code, and moves the clock to it; `None` when nothing is left.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<(SimTime, u64)> {
        self.0.pop()
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.0.held()
    }

    /// Bytes of so many pending events.
    pub fn held_for(events: u64) -> u64 {
        Scheduler::<u64>::held_for(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::event::PqSlot;
    use crate::cluster::ids::BrokerId;

    /// Two events that let no time pass: whoever reads of it learns which.
    #[test]
    #[should_panic(expected = "the last 1000 were 500 Dispatch, 500 PullDue")]
    fn a_livelock_is_told_by_kind() {
        let mut agenda = Agenda::default();
        agenda.at(SimTime::from_nanos(9), Event::PullDue(PqSlot(3)));
        while let Some((time, code)) = agenda.pop() {
            let next = match Event::from_code(code) {
                Event::PullDue(_) => Event::Dispatch(BrokerId(1)),
                _ => Event::PullDue(PqSlot(4)),
            };
            agenda.at(time, next);
        }
    }
}
