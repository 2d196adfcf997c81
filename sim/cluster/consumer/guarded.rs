//! Listener calls at the guard of their client: they pass, wait on their threads, or are blocked.
//!
//! A call that waits keeps its thread: threads are what a guard with `wait` runs out of. Calls wait in order; the guard
//! is looked at again when a window of its clock ends, or when a call that counts against its concurrency ends.

use crate::cluster::Cluster;
use crate::cluster::consumer::guard::Verdict;
use crate::cluster::consumer::listener::Outcome;
use crate::cluster::event::{Event, TaskSlot};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::ConsumerId;
use crate::kernel::time::SimDuration;

impl<O: Observer> Cluster<O> {
    /// A call that will take `busy` comes to the guard.
    #[inline(never)]
    pub(super) fn ask_guard(&mut self, consumer: ConsumerId, slot: TaskSlot, busy: SimDuration) {
        let now = self.core.now();
        let guard = &mut self.consumers[consumer.index()].guard;
        let guard = guard.as_mut().expect("calls ask a guard that is there");
        // Nobody overtakes who waits.
        let verdict = match guard.waiting.is_empty() {
            true => guard.ask(now),
            false => Verdict::Block,
        };
        match verdict {
            Verdict::Pass(wait) => self.pass_guard(consumer, slot, busy, (wait, wait)),
            Verdict::Block if guard.lets_wait() => {
                guard.waiting.push_back((slot, busy, now));
                self.look_at_guard_in_time(consumer);
            }
            Verdict::Block => {
                self.core.emit(Fact::GuardBlocked { consumer });
                self.tasks.get_mut(slot.0).block();
                self.listener_works(slot, SimDuration::ZERO);
            }
        }
    }

    /// A call passes after `wait` more; it has waited for `waited` then.
    fn pass_guard(
        &mut self,
        consumer: ConsumerId,
        slot: TaskSlot,
        busy: SimDuration,
        (wait, waited): (SimDuration, SimDuration),
    ) {
        self.core.emit(Fact::GuardPassed { consumer, waited });
        if let Some(guard) = &mut self.consumers[consumer.index()].guard {
            guard.inside.push(slot);
        }
        self.listener_works(slot, wait + busy);
    }

    /// A call has ended, which may have passed the guard.
    #[inline(never)]
    pub(super) fn leave_guard(&mut self, consumer: ConsumerId, slot: TaskSlot) {
        if let Some(guard) = &mut self.consumers[consumer.index()].guard
            && let Some(at) = guard.inside.iter().position(|inside| *inside == slot)
        {
            guard.inside.swap_remove(at);
            guard.leave();
            self.let_waiting_pass(consumer);
        }
    }

    /// A window of the guard's clock has ended.
    pub(in crate::cluster) fn guard_opens(&mut self, consumer: ConsumerId) {
        if let Some(guard) = &mut self.consumers[consumer.index()].guard {
            guard.will_look = false;
        }
        self.let_waiting_pass(consumer);
    }

    /// Whoever waits passes, one after another, as long as the guard lets them.
    fn let_waiting_pass(&mut self, consumer: ConsumerId) {
        let now = self.core.now();
        while let Some(guard) = &mut self.consumers[consumer.index()].guard
            && let Some(&(slot, busy, since)) = guard.waiting.front()
        {
            let Verdict::Pass(wait) = guard.ask(now) else {
                return self.look_at_guard_in_time(consumer);
            };
            guard.waiting.pop_front();
            self.pass_guard(consumer, slot, busy, (wait, now.since(since) + wait));
        }
    }

    fn look_at_guard_in_time(&mut self, consumer: ConsumerId) {
        let now = self.core.now();
        let Some(guard) = &mut self.consumers[consumer.index()].guard else {
            return;
        };
        if let Some(next) = guard.opens(now)
            && !std::mem::replace(&mut guard.will_look, true)
        {
            self.core.scheduler.at(next, Event::GuardOpens(consumer));
        }
    }

    /// The process ends: calls that wait at the guard are forgotten, since no event of theirs is to come.
    pub(super) fn abandon_waiting(&mut self, consumer: ConsumerId) {
        let guard = self.consumers[consumer.index()].guard.as_mut();
        let waiting = guard.map(|guard| std::mem::take(&mut guard.waiting));
        for (slot, ..) in waiting.unwrap_or_default() {
            if self.tasks.get(slot.0).outcome != Outcome::Hang {
                self.discard(slot);
                self.idempotence.call_cut_off(slot);
                self.forget_task(slot);
            }
        }
    }
}
