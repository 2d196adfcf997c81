//! Calls that take too long: their messages are sent back while the listener still has them (`consumeTimeout`).
//!
//! Every `consumeTimeout` from its start on, a client looks at the lowest message of each queue, up to sixteen times.
//! One whose call began longer ago is sent back with level 3 and then leaves the cache, if it is still the lowest; the
//! commit does not move by that. A message that waits for a thread has no such time and hides what hangs behind it.
//! So a call that hangs is found between one and two times `consumeTimeout` after its begin. One thread does all that
//! and waits for each broker. What the call returns later comes too late: in 5.x it changes nothing, in 4.9 a failure
//! is sent back once more. While no call can be overdue, nobody looks. Left out: in a broadcasting group RocketMQ sends
//! such messages to a retry topic that nobody reads; there they stay with their calls.
//!
//! Source: `ConsumeMessageConcurrentlyService.cleanExpireMsg`, `ProcessQueue.cleanExpiredMsg`.

use crate::cluster::Cluster;
use crate::cluster::consumer::client::ClientState;
use crate::cluster::consumer::consume_request::{RunningTask, TaskOf};
use crate::cluster::consumer::process_queue::{CachedMessage, CleanExpired};
use crate::cluster::consumer::send_message_back::Way;
use crate::cluster::event::{Event, PqSlot, TaskSlot};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::ConsumerId;
use crate::cluster::message::Record;
use crate::kernel::time::{SimDuration, SimTime};

/// The clean-up thread of a client.
#[derive(Debug, Default)]
pub struct CleanUp {
    /// It will look at its next tick.
    will_look: bool,
    /// Queues yet to be looked at, the next one last.
    queues: Vec<PqSlot>,
    /// The queue in hand.
    look: Option<(PqSlot, CleanExpired)>,
    /// Messages that have left the cache while a listener had them, until it returns.
    taken: Vec<(PqSlot, CachedMessage)>,
}

impl CleanUp {
    /// Whether the message at `offset` has left the cache while a listener had it.
    pub(super) fn has_taken(&self, held_queue: PqSlot, offset: u64) -> bool {
        let is_it =
            |(slot, message): &(PqSlot, CachedMessage)| (*slot, message.offset) == (held_queue, offset);
        self.taken.iter().any(is_it)
    }

    /// The message at `offset`, if it has left the cache while a listener had it: that is told once.
    pub(super) fn take(&mut self, held_queue: PqSlot, offset: u64) -> Option<CachedMessage> {
        let is_it =
            |(slot, message): &(PqSlot, CachedMessage)| (*slot, message.offset) == (held_queue, offset);
        let at = self.taken.iter().position(is_it)?;
        Some(self.taken.swap_remove(at).1)
    }
}

impl<O: Observer> Cluster<O> {
    fn consume_timeout(&self, consumer: ConsumerId) -> SimDuration {
        let group = self.consumers[consumer.index()].group;
        self.config.groups[group.index()]
            .tuning
            .consume_timeout
            .duration()
    }

    /// A call that began at `since`, or begins now, may be overdue one day: the clean-up looks from then on.
    pub(super) fn expect_overdue(&mut self, consumer: ConsumerId, since: SimTime) {
        let timeout = self.consume_timeout(consumer);
        let client = &mut self.consumers[consumer.index()];
        if client.is_broadcasting || std::mem::replace(&mut client.clean_up.will_look, true) {
            return;
        }
        let soon = since.max(self.core.scheduler.now()) + SimDuration::from_nanos(1);
        let tick = soon.next_on_grid(client.started, timeout);
        self.core.scheduler.at(tick, Event::CleanExpired(consumer));
    }

    /// Tick of the clean-up.
    pub(in crate::cluster) fn clean_expired(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        client.clean_up.will_look = false;
        // A shutdown stops this thread first.
        if client.state != ClientState::Running {
            return;
        }
        let busy = !client.pool.is_idle();
        if client.clean_up.look.is_none() {
            client.clean_up.queues = client.held.values().rev().copied().collect();
            self.clean_next(consumer);
        }
        if busy {
            self.expect_overdue(consumer, self.core.now());
        }
    }

    /// Looks on, up to the next message that is to be sent back.
    fn clean_next(&mut self, consumer: ConsumerId) {
        let now = self.core.now();
        let timeout = self.consume_timeout(consumer);
        loop {
            let clean_up = &mut self.consumers[consumer.index()].clean_up;
            let Some((slot, look)) = &mut clean_up.look else {
                let Some(slot) = clean_up.queues.pop() else {
                    return;
                };
                if let Some(held) = self.held_queues.find(slot.0) {
                    clean_up.look = Some((slot, CleanExpired::new(&held.process_queue, timeout)));
                }
                continue;
            };
            let slot = *slot;
            let held = self
                .held_queues
                .find(slot.0)
                .filter(|held| held.consumer == consumer);
            match held.and_then(|held| look.next(&held.process_queue, now)) {
                Some(message) => return self.send_overdue_back(slot, &message),
                None => clean_up.look = None,
            }
        }
    }

    /// Sends a message back that a listener still has.
    fn send_overdue_back(&mut self, held_queue: PqSlot, message: &CachedMessage) {
        let local_attempts = self.local_attempts_of(held_queue, message.offset);
        let mut record = Record::from(message);
        record.reconsume_times = record.reconsume_times.saturating_sub(local_attempts);
        self.held_queues.get_mut(held_queue.0).calls += 1;
        let task = RunningTask::clean_up(held_queue, message.offset, local_attempts, self.core.now());
        let slot = TaskSlot(self.tasks.insert(task));
        self.put_on_its_way(slot, record, Way::Back);
    }

    /// How often a message has failed here and could not be sent back: the broker knows nothing of that.
    fn local_attempts_of(&self, held_queue: PqSlot, offset: u64) -> u16 {
        let tasks = self.tasks.iter().map(|(_, task)| task);
        let mut having = tasks.filter(|task| {
            task.held_queue == held_queue && task.is_of(TaskOf::Listener) && task.offsets().contains(&offset)
        });
        having.next().map_or(0, |task| task.local_attempts)
    }

    /// The broker has taken the message, or it could not be had to: on to the next look.
    pub(super) fn overdue_settled(&mut self, slot: TaskSlot, sent_back: bool) {
        let task = self.tasks.remove(slot.0);
        let (held_queue, offset) = (task.held_queue, task.first_offset);
        let held = self.held_queues.get_mut(held_queue.0);
        let (consumer, queue) = (held.consumer, held.queue);
        let clean_up = &mut self.consumers[consumer.index()].clean_up;
        if sent_back && held.process_queue.lowest() == Some(offset) {
            let message = held.process_queue.get(offset).copied();
            if let Some((_, look)) = &clean_up.look {
                look.sent_back(&mut held.process_queue, offset);
            }
            if held.push.is_some() {
                // Where messages are pushed, no empty pull moves the offset later.
                let queue = &held.process_queue;
                let next = queue.lowest().unwrap_or(queue.queue_offset_max() + 1);
                held.offset.update(next, true);
            }
            clean_up
                .taken
                .extend(message.map(|message| (held_queue, message)));
        }
        if sent_back {
            self.core.emit(Fact::ConsumeTimedOut {
                consumer,
                queue,
                offset,
            });
        }
        self.cache_changed(held_queue);
        self.call_ended(held_queue);
        self.clean_next(consumer);
    }
}
