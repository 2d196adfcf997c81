//! A process that is stopped for a while: garbage collection, SIGSTOP, a machine asleep.
//!
//! Nothing of it runs, but its kernel goes on: connections stay open, what arrives waits in the socket. When the
//! process goes on, all that came due meanwhile happens at once, in its order: answers are read, timers fire, a
//! connection that a broker has closed is found to be closed. Only then does it look for answers that have not come
//! in time (in RocketMQ the two race). Listener calls that were to end meanwhile end then. Left out: a call that
//! computes would need the rest of its time.

use crate::cluster::Cluster;
use crate::cluster::config::Action;
use crate::cluster::core::Envelope;
use crate::cluster::event::{Event, PqSlot, TaskSlot};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, ConsumerId};

impl<O: Observer> Cluster<O> {
    /// Timeline: the process stops.
    pub(in crate::cluster) fn consumer_pause(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        if !client.is_alive() || client.is_paused() {
            return;
        }
        client.paused = Some(Vec::new());
        self.paused += 1;
        self.has_paused = true;
        self.core.emit(Fact::ConsumerPaused { consumer });
        self.watch_all_for_silence(consumer);
    }

    /// The brokers that know the client are to look whether it is silent.
    pub(super) fn watch_all_for_silence(&mut self, consumer: ConsumerId) {
        for broker in 0..self.brokers.len() {
            if self.consumers[consumer.index()].connections.get(broker).is_some() {
                self.watch_for_silence(BrokerId(broker as u32));
            }
        }
    }

    /// Timeline: the process goes on.
    pub(in crate::cluster) fn consumer_resume(&mut self, consumer: ConsumerId) {
        if !self.consumers[consumer.index()].is_paused() {
            return;
        }
        let due = self.end_pause(consumer);
        self.core.emit(Fact::ConsumerResumed { consumer });
        for event in due {
            self.handle_now(event);
        }
    }

    /// Ends a pause, if there is one, and tells what came due in it: time-outs last, since an answer that lies in
    /// the socket by then is an answer.
    pub(super) fn end_pause(&mut self, consumer: ConsumerId) -> Vec<Event> {
        let due = self.consumers[consumer.index()].paused.take();
        self.paused -= u32::from(due.is_some());
        let mut due = due.unwrap_or_default();
        due.sort_by_key(|event| event.is_time_out());
        due
    }

    /// Keeps an event of a stopped client until it goes on; false if the event concerns nobody who is stopped.
    #[inline(never)]
    pub(in crate::cluster) fn defer(&mut self, event: Event) -> bool {
        let Some(consumer) = self.whose(event) else {
            return false;
        };
        let paused = &mut self.consumers[consumer.index()].paused;
        if let Some(due) = paused {
            due.push(event);
        }
        paused.is_some()
    }

    /// The client in which an event happens, if it happens in one.
    fn whose(&self, event: Event) -> Option<ConsumerId> {
        let of_queue = |slot: PqSlot| self.held_queues.find(slot.0).map(|held| held.consumer);
        let of_task = |task: TaskSlot| of_queue(self.tasks.find(task.0)?.held_queue);
        match event {
            Event::ConsumerReady(consumer)
            | Event::RoutePoll(consumer)
            | Event::HeartbeatTick(consumer)
            | Event::PersistTick(consumer)
            | Event::RebalanceWake(consumer)
            | Event::ShutdownDeadline(consumer)
            | Event::GuardOpens(consumer)
            | Event::CleanExpired(consumer)
            | Event::LockTick(consumer)
            | Event::ConsumeLockTimeout(consumer)
            | Event::CallTimeout { consumer, .. } => Some(consumer),
            Event::PullDue(slot)
            | Event::PullReplyArrives(slot)
            | Event::PullFails(slot)
            | Event::RepairOffset(slot)
            | Event::PushArrives(slot)
            | Event::OrderlyDue(slot)
            | Event::UnlockDue(slot) => of_queue(slot),
            Event::ConsumeDone(task)
            | Event::SendBackReplyArrives(task)
            | Event::ForwardReplyArrives(task)
            | Event::SendBackFails(task)
            | Event::LocalRetry(task) => of_task(task),
            Event::Deliver(slot) => match self.core.envelopes.get(slot.0) {
                Envelope::ToConsumer { connection, .. } => Some(connection.consumer),
                Envelope::ConsumerRoutes { to, .. } => Some(*to),
                _ => None,
            },
            // A process that is stopped does not hear that it is to shut down, and sets no threads.
            Event::Timeline(entry) => match self.config.timeline[entry as usize].action {
                Action::Leave(member) | Action::SetThreads { member, .. } => Some(self.member(member)),
                _ => None,
            },
            _ => None,
        }
    }
}
