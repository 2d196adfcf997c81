//! What a client does with messages that its listener has failed: it sends them back, one after another.
//!
//! The thread waits for each answer. If the broker cannot be reached, or does not answer within 5 s, the message goes to
//! the retry topic as an ordinary one (`inner_producer`). If that fails too, the rest of the call's messages stay in the
//! cache, count one attempt more, and go to the listener again after 5 s.
//!
//! Source: `ConsumeMessageConcurrentlyService.processConsumeResult`, `DefaultMQPushConsumerImpl.sendMessageBack`.

use crate::cluster::Cluster;
use crate::cluster::consumer::consume_request::{RunningTask, TaskOf};
use crate::cluster::consumer::consume_result::LOCAL_RETRY_DELAY;
use crate::cluster::consumer::inner_producer::RetrySend;
use crate::cluster::event::{Event, TaskSlot};
use crate::cluster::fact::Observer;
use crate::cluster::ids::{BrokerId, ConsumerId, QueueId};
use crate::cluster::message::Record;
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::scheduler::Ticket;
use crate::kernel::time::{SimDuration, SimTime};

/// How long a client waits for the answer to a message sent back.
const SEND_BACK_TIMEOUT: SimDuration = SimDuration::from_secs(5);

/// When a client waits no longer for the answer to what it sent at `sent`.
fn patience_ends(way: Way, sent: SimTime) -> SimTime {
    match way {
        Way::Back => sent + SEND_BACK_TIMEOUT,
        Way::Retry(send) => send.deadline(),
    }
}

/// Where the messages of a failed call are.
#[derive(Debug)]
pub enum AfterFailure {
    /// One is on its way back.
    Returning {
        /// As the broker will see it.
        message: Record,
        /// In which way.
        way: Way,
        /// When it was sent; `None` if there was no connection for it.
        sent: Option<SimTime>,
        /// When the client waits no longer, if the link is in trouble.
        fails: Option<(SimTime, Ticket)>,
        /// The broker was down when it came: the answer is that nobody is there.
        refused: bool,
    },
    /// They wait to go to the listener again. No thread is busy with them.
    WaitsForRetry,
    /// Not a failure: they are on their way to another topic.
    Forwarding {
        /// The queue there.
        to: QueueId,
    },
}

/// How a message goes back.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// CONSUMER_SEND_MSG_BACK, to the broker that has it.
    Back,
    /// As an ordinary message to the retry topic.
    Retry(RetrySend),
}

impl RunningTask {
    /// Offset and content of the message that is being sent back, and how.
    ///
    /// # Panics
    /// If none is.
    pub fn sending_back(&self) -> (u64, Record, Way) {
        let Some(AfterFailure::Returning { message, way, .. }) = self.after_failure.as_deref() else {
            panic!("a message on its way back is noted with its task");
        };
        (self.first_offset + u64::from(self.dealt_with), *message, *way)
    }

    /// The broker to which a message was sent back is down.
    pub fn refuse(&mut self) {
        if let Some(AfterFailure::Returning { refused, .. }) = self.after_failure.as_deref_mut() {
            *refused = true;
        }
    }

    fn is_refused(&self) -> bool {
        let after = self.after_failure.as_deref();
        matches!(after, Some(AfterFailure::Returning { refused: true, .. }))
    }
}

impl<O: Observer> Cluster<O> {
    /// Sends the next failed message of a task back, if there is one; the thread waits for the answer.
    pub(super) fn send_back_next(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
        let (held_queue, local_attempts) = (task.held_queue, task.local_attempts);
        let held = self.held_queues.get(held_queue.0);
        let (consumer, end) = (held.consumer, task.offsets().end);
        let mut offset = task.first_offset + u64::from(task.dealt_with);
        let mut found = None;
        while offset < end {
            let clean_up = &mut self.consumers[consumer.index()].clean_up;
            found = held.process_queue.get(offset).copied();
            // The clean-up has sent it back before.
            let taken = clean_up.take(held_queue, offset);
            found = found.or(taken.filter(|_| self.profile.sends_back_what_timed_out));
            if found.is_some() {
                break;
            }
            offset += 1;
            self.tasks.get_mut(slot.0).dealt_with += 1;
        }
        let Some(message) = found else {
            return self.all_sent_back(slot);
        };
        // The broker goes by the record that it has stored: attempts that it never heard of do not count.
        let mut message = Record::from(&message);
        message.reconsume_times = message.reconsume_times.saturating_sub(local_attempts);
        self.put_on_its_way(slot, message, Way::Back);
    }

    /// Where the message goes that is on its way back.
    fn destination(&self, task: &RunningTask, way: Way) -> BrokerId {
        let queue = match way {
            Way::Back => self.held_queues.get(task.held_queue.0).queue,
            Way::Retry(send) => send.queue,
        };
        self.queues[queue.index()].broker
    }

    /// Sends one message of a task on its way.
    pub(super) fn put_on_its_way(&mut self, slot: TaskSlot, message: Record, way: Way) {
        let now = self.core.now();
        let task = self.tasks.get(slot.0);
        let consumer = self.held_queues.get(task.held_queue.0).consumer;
        let broker = self.destination(task, way);
        let server = Server::Broker(broker);
        let connected = self.connect(consumer, broker);
        let task = self.tasks.get_mut(slot.0);
        task.after_failure = Some(Box::new(AfterFailure::Returning {
            message,
            way,
            sent: connected.then_some(now),
            fails: None,
            refused: false,
        }));
        if connected {
            self.core.travel(
                Endpoint::Consumer(consumer),
                server,
                Direction::Up,
                Event::SendBackArrives(slot),
            );
        }
        if self.is_down(server) || self.troubled(consumer, server).is_some() {
            let due = match connected {
                true => patience_ends(way, now),
                false => (now + self.connect_limit(consumer, broker)).min(patience_ends(way, now)),
            };
            self.time_send_back(slot, due);
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
            match task.after_failure.as_deref()? {
                AfterFailure::Returning {
                    sent: Some(sent),
                    fails: None,
                    way,
                    ..
                } if held.consumer == consumer
                    && self.destination(task, *way) == broker
                    && !task.abandoned =>
                {
                    Some(patience_ends(*way, *sent))
                }
                _ => None,
            }
        };
        let tasks = self.tasks.iter();
        let tasks = tasks.filter_map(|(slot, task)| Some((TaskSlot(slot), sent(task)?)));
        for (slot, due) in tasks.collect::<Vec<_>>() {
            self.time_send_back(slot, due.max(now));
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
            way,
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
        let consumer = self.held_queues.get(task.held_queue.0).consumer;
        let broker = self.destination(task, *way);
        self.recall_send_back(slot, consumer, broker);
        self.send_back_failed(slot);
    }

    /// The broker cannot be reached: the message goes another way, or what is left of the call to the listener again.
    pub(super) fn send_back_failed(&mut self, slot: TaskSlot) {
        self.cancel_failure(slot);
        let task = self.tasks.get_mut(slot.0);
        if task.abandoned {
            return self.forget_task(slot);
        }
        if let Some(failed) = task.after_failure.take()
            && self.send_to_retry_topic(slot, &failed)
        {
            return;
        }
        let task = self.tasks.get_mut(slot.0);
        if task.is_of(TaskOf::CleanUp) {
            return self.overdue_settled(slot, false);
        }
        let (held_queue, done) = (
            task.held_queue,
            task.first_offset..task.first_offset + u64::from(task.dealt_with),
        );
        let began = task.began();
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
        if !held.process_queue.dropped {
            self.settle_messages(held_queue, done);
        }
        self.core
            .scheduler
            .after(LOCAL_RETRY_DELAY, Event::LocalRetry(slot));
        // Until the listener is called again, its messages look as if it still had them.
        self.expect_overdue(consumer, began);
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
        if self.tasks.get(slot.0).is_refused() {
            return self.send_back_failed(slot);
        }
        self.cancel_failure(slot);
        let task = self.tasks.get_mut(slot.0);
        if task.abandoned {
            return self.forget_task(slot);
        }
        if task.is_of(TaskOf::CleanUp) {
            return self.overdue_settled(slot, true);
        }
        task.dealt_with += 1;
        self.send_back_next(slot);
    }

    /// Nothing of a failed call is left to be sent back.
    fn all_sent_back(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
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
