//! What a client does with messages that its listener has failed: it sends them back, one after another.
//!
//! The thread waits for each answer. If the broker cannot be reached, or does not answer within 5 s, the rest of the
//! call's messages stay in the cache, count one attempt more, and go to the listener again after 5 s. Left out: before
//! that, RocketMQ tries to send such a message to `%RETRY%group` as an ordinary message, on any broker.
//!
//! Source: `ConsumeMessageConcurrentlyService.processConsumeResult`, `DefaultMQPushConsumerImpl.sendMessageBack`.

use crate::cluster::Cluster;
use crate::cluster::consumer::connection::CONNECT_TIMEOUT;
use crate::cluster::consumer::consume_concurrently::RunningTask;
use crate::cluster::consumer::consume_result::LOCAL_RETRY_DELAY;
use crate::cluster::event::{Event, TaskSlot};
use crate::cluster::fact::Observer;
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::cluster::message::Record;
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::scheduler::Ticket;
use crate::kernel::time::{SimDuration, SimTime};

/// How long a client waits for the answer to a message sent back.
const SEND_BACK_TIMEOUT: SimDuration = SimDuration::from_secs(5);

/// Where the messages of a failed call are.
#[derive(Debug)]
pub enum AfterFailure {
    /// One is on its way back.
    Returning {
        /// As the broker will see it.
        message: Record,
        /// When it was sent; `None` if there was no connection for it.
        sent: Option<SimTime>,
        /// When the client waits no longer, if the link is in trouble.
        fails: Option<(SimTime, Ticket)>,
    },
    /// They wait to go to the listener again. No thread is busy with them.
    WaitsForRetry,
}

impl RunningTask {
    /// Offset and content of the message that is being sent back.
    ///
    /// # Panics
    /// If none is.
    pub fn sending_back(&self) -> (u64, Record) {
        let Some(AfterFailure::Returning { message, .. }) = self.after_failure.as_deref() else {
            panic!("a message on its way back is noted with its task");
        };
        (self.first_offset + u64::from(self.dealt_with), *message)
    }
}

impl<O: Observer> Cluster<O> {
    /// Sends the next failed message of a task back; the thread waits for the answer.
    pub(super) fn send_back_next(&mut self, slot: TaskSlot) {
        let now = self.core.now();
        let task = self.tasks.get(slot.0);
        let held = self.held_queues.get(task.held_queue.0);
        let offset = task.first_offset + u64::from(task.dealt_with);
        let message = held
            .process_queue
            .get(offset)
            .expect("a failed message stays in the cache");
        // The broker goes by the record that it has stored: attempts that it never heard of do not count.
        let mut message = Record::from(message);
        message.reconsume_times = message.reconsume_times.saturating_sub(task.local_attempts);
        let (consumer, broker) = (held.consumer, self.queues[held.queue.index()].broker);
        let connected = self.connect(consumer, broker);
        let task = self.tasks.get_mut(slot.0);
        task.after_failure = Some(Box::new(AfterFailure::Returning {
            message,
            sent: connected.then_some(now),
            fails: None,
        }));
        if connected {
            self.core.travel(
                Endpoint::Consumer(consumer),
                Server::Broker(broker),
                Direction::Up,
                Event::SendBackArrives(slot),
            );
        }
        if self.troubled(consumer, Server::Broker(broker)).is_some() {
            let limit = if connected {
                SEND_BACK_TIMEOUT
            } else {
                CONNECT_TIMEOUT
            };
            self.time_send_back(slot, now + limit);
        }
    }

    /// Schedules the failure of a message on its way back over a link in trouble.
    fn time_send_back(&mut self, slot: TaskSlot, due: SimTime) {
        let ticket = self.core.scheduler.at(due, Event::SendBackFails(slot));
        if let Some(AfterFailure::Returning { fails, .. }) =
            self.tasks.get_mut(slot.0).after_failure.as_deref_mut()
        {
            *fails = Some((due, ticket));
        }
    }

    /// The link got into trouble: the clock runs for what is on its way back over it.
    pub(super) fn time_send_backs(&mut self, consumer: ConsumerId, broker: BrokerId) {
        let now = self.core.now();
        let sent = |task: &RunningTask| {
            let held = self.held_queues.get(task.held_queue.0);
            let here = held.consumer == consumer && self.queues[held.queue.index()].broker == broker;
            match task.after_failure.as_deref() {
                Some(AfterFailure::Returning {
                    sent, fails: None, ..
                }) if here && !task.abandoned => *sent,
                _ => None,
            }
        };
        let tasks = self.tasks.iter();
        let tasks = tasks.filter_map(|(slot, task)| Some((TaskSlot(slot), sent(task)?)));
        for (slot, sent) in tasks.collect::<Vec<_>>() {
            self.time_send_back(slot, (sent + SEND_BACK_TIMEOUT).max(now));
        }
    }

    /// A message on its way back has waited long enough. What is on the wire of it is lost.
    pub(in crate::cluster) fn send_back_times_out(&mut self, slot: TaskSlot) {
        let now = self.core.now();
        let Some(task) = self.tasks.find(slot.0) else {
            return;
        };
        let Some(AfterFailure::Returning {
            fails: Some((due, _)),
            sent,
            ..
        }) = task.after_failure.as_deref()
        else {
            return;
        };
        // The client may have been stopped when the time came, and read the answer since. What is on the wire of a
        // client that is gone comes to its end by itself.
        if *due > now || (task.abandoned && sent.is_some()) {
            return;
        }
        let held = self.held_queues.get(task.held_queue.0);
        let (consumer, broker) = (held.consumer, self.queues[held.queue.index()].broker);
        self.recall_send_back(slot, consumer, broker);
        self.send_back_failed(slot);
    }

    /// The broker cannot be reached: what is left of the call goes to the listener again.
    pub(super) fn send_back_failed(&mut self, slot: TaskSlot) {
        self.cancel_failure(slot);
        let task = self.tasks.get_mut(slot.0);
        if task.abandoned {
            return self.forget_task(slot);
        }
        let (held_queue, done) = (
            task.held_queue,
            task.first_offset..task.first_offset + u64::from(task.dealt_with),
        );
        task.first_offset = done.end;
        task.span -= std::mem::take(&mut task.dealt_with);
        task.after_failure = Some(Box::new(AfterFailure::WaitsForRetry));
        let again = task.offsets();
        let held = self.held_queues.get_mut(held_queue.0);
        let consumer = held.consumer;
        for offset in again {
            if let Some(message) = held.process_queue.get_mut(offset) {
                message.progress.add_reconsume();
            }
        }
        if !done.is_empty() && !held.process_queue.dropped {
            self.settle_messages(held_queue, done);
        }
        self.core
            .scheduler
            .after(LOCAL_RETRY_DELAY, Event::LocalRetry(slot));
        self.thread_is_free(consumer);
    }

    /// Messages that could not be sent back go to the listener again.
    pub(in crate::cluster) fn local_retry(&mut self, slot: TaskSlot) {
        if self.tasks.get(slot.0).abandoned {
            return self.forget_task(slot);
        }
        let task = self.tasks.remove(slot.0);
        self.resubmit(&task);
    }

    /// The broker has taken a failed message back.
    pub(in crate::cluster) fn send_back_reply_arrives(&mut self, slot: TaskSlot) {
        self.cancel_failure(slot);
        let task = self.tasks.get_mut(slot.0);
        if task.abandoned {
            return self.forget_task(slot);
        }
        task.dealt_with += 1;
        let cache = &self.held_queues.get(task.held_queue.0).process_queue;
        while task.dealt_with < task.span && !cache.contains(task.first_offset + u64::from(task.dealt_with)) {
            task.dealt_with += 1;
        }
        if task.dealt_with < task.span {
            return self.send_back_next(slot);
        }
        // The queue may have been dropped meanwhile: then its offset moves no more.
        if !self.held_queues.get(task.held_queue.0).process_queue.dropped {
            self.settle(slot);
        }
        self.finish_task(slot);
    }

    /// No failure of the message on its way back is due any more.
    fn cancel_failure(&mut self, slot: TaskSlot) {
        let after = self.tasks.get_mut(slot.0).after_failure.as_deref_mut();
        if let Some(AfterFailure::Returning { fails, .. }) = after
            && let Some((_, ticket)) = fails.take()
        {
            self.core.scheduler.cancel(ticket);
        }
    }
}
