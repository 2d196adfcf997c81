//! CONSUMER_SEND_MSG_BACK and what becomes of it: a delayed copy for `%RETRY%group`, or a dead letter.
//!
//! The decision itself is in `retry_dlq`. A retry stays on the broker that held the message, in a random one
//! of the group's retry queues there.
//!
//! Source: `AbstractSendMessageProcessor.consumerSendMsgBack`, `ScheduleMessageService`.

use crate::cluster::Cluster;
use crate::cluster::broker::broker_controller::SAVE_DELAY_PROGRESS;
use crate::cluster::broker::retry_dlq::{RetryTopicSend, SendBack, SendBackDecision};
use crate::cluster::broker::schedule_message_service::Delayed;
use crate::cluster::consumer::consume_result::{client_retry_level, max_reconsume_times_concurrently};
use crate::cluster::consumer::send_message_back::Way;
use crate::cluster::event::{Event, TaskSlot};
use crate::cluster::fact::{DropCause, Fact, Observer, RequestKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::cluster::message::Record;
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::cluster::sabotage::Sabotage;
use crate::kernel::streams::{Luck, Source};

impl<O: Observer> Cluster<O> {
    /// A failed message has come back from a client.
    pub(in crate::cluster) fn send_back_arrives(&mut self, task: TaskSlot) {
        let running = self.tasks.get(task.0);
        let held = self.held_queues.get(running.held_queue.0);
        let (group, queue, consumer) = (held.group, held.queue, held.consumer);
        let (offset, failed, way) = running.sending_back();
        let delay_level = running.delay_level();
        let target = match way {
            Way::Back => queue,
            Way::Retry(send) => send.queue,
        };
        let broker = self.queues[target.index()].broker;
        if self.brokers[broker.index()].is_down {
            self.tasks.get_mut(task.0).refuse();
            let (client, event) = (Endpoint::Consumer(consumer), Event::SendBackReplyArrives(task));
            return self
                .core
                .travel(client, Server::Broker(broker), Direction::Down, event);
        }
        let kind = match way {
            Way::Back => RequestKind::SendBack,
            Way::Retry(_) => RequestKind::Send,
        };
        self.core.emit(Fact::Request {
            broker,
            kind,
            group: Some(group),
        });
        match way {
            Way::Back => self.take_back((broker, consumer), group, (queue, offset), failed, delay_level),
            Way::Retry(send) => self.take_ordinary(group, (queue, offset), failed, send.queue),
        }
        let event = Event::SendBackReplyArrives(task);
        self.core.travel(
            Endpoint::Consumer(consumer),
            Server::Broker(broker),
            Direction::Down,
            event,
        );
    }

    /// Schedules a retry of the record at an offset of a queue, or gives it up. The listener may have chosen the
    /// delay level.
    fn take_back(
        &mut self,
        (broker, consumer): (BrokerId, ConsumerId),
        group: GroupId,
        (queue, offset): (QueueId, u64),
        failed: Record,
        delay_level: Option<i8>,
    ) {
        let tuning = &self.config.groups[group.index()].tuning;
        let undue = i32::from(self.is_sabotaged(Sabotage::DeadTooLate));
        let max = max_reconsume_times_concurrently(tuning.max_reconsume_times) + undue;
        let request = SendBack {
            reconsume_times: i32::from(failed.reconsume_times),
            delay_level: delay_level.map_or(tuning.delay_level_when_next_consume, i32::from),
            max_reconsume_times: Some(max),
            group_retry_max_times: max,
            group_retry_queue_nums: self.retry_queue_nums(group).map_or(0, |number| number as i32),
        };
        match request.decide() {
            SendBackDecision::DeadLetter => self.dead_letter(broker, group, queue, offset, failed),
            SendBackDecision::Retry { level } => {
                let undue = i32::from(self.is_sabotaged(Sabotage::LevelTooHigh));
                let level = self
                    .delay_levels
                    .effective(level + undue)
                    .expect("a retry's level is at least 1");
                let target = self.random_retry_queue(broker, group, &failed);
                if self.is_sabotaged(Sabotage::RetryTwice) {
                    self.schedule_retry(group, (queue, offset), failed, level as u8, target);
                }
                self.schedule_retry(group, (queue, offset), failed, level as u8, target);
            }
            SendBackDecision::Drop => self.core.emit(Fact::Dropped {
                consumer,
                group,
                queue,
                offset,
                message: failed.id,
                cause: DropCause::NoRetryQueue,
            }),
        }
    }

    /// An ordinary message for `target`, a queue of the retry topic: a copy of the record at an offset of a queue, which
    /// could not be sent back.
    fn take_ordinary(
        &mut self,
        group: GroupId,
        (queue, offset): (QueueId, u64),
        failed: Record,
        target: QueueId,
    ) {
        let max =
            max_reconsume_times_concurrently(self.config.groups[group.index()].tuning.max_reconsume_times);
        let send = RetryTopicSend {
            reconsume_times: i32::from(failed.reconsume_times) + 1,
            max_reconsume_times: Some(max),
            group_retry_max_times: max,
            delay_level: client_retry_level(failed.reconsume_times),
            group_has_lock: false,
            dead_at_limit: self.profile.dead_at_limit,
        };
        match (send.decide(), self.delay_levels.effective(send.delay_level)) {
            (SendBackDecision::Retry { .. }, Some(level)) => {
                self.schedule_retry(group, (queue, offset), failed, level as u8, target);
            }
            _ => {
                let broker = self.queues[target.index()].broker;
                self.dead_letter(broker, group, queue, offset, failed);
            }
        }
    }

    pub(super) fn dead_letter(
        &mut self,
        broker: BrokerId,
        group: GroupId,
        queue: QueueId,
        offset: u64,
        failed: Record,
    ) {
        let now = self.core.now();
        let copy = Record {
            stored: now,
            reconsume_times: failed.reconsume_times + 1,
            ..failed
        };
        let dlq_queue = self.dead_letter_queue(broker, group);
        if !self.is_sabotaged(Sabotage::DeadLetterNotStored) {
            self.append(dlq_queue, copy);
        }
        self.core.emit(Fact::DeadLettered {
            group,
            queue,
            offset,
            dlq_queue,
            message: copy.id,
            reconsume_times: copy.reconsume_times,
            origin_topic: copy.origin_topic,
            born: copy.born,
        });
        self.make_visible(broker);
    }

    /// A retry queue of the group on `broker`, for the copy of a message that was sent back.
    fn random_retry_queue(&mut self, broker: BrokerId, group: GroupId, failed: &Record) -> QueueId {
        let salt = self.salts[group.index()].retry_queue;
        let retry_queues = self.retry_queues(broker, group);
        let mut luck = Luck(failed.luck).fork(salt, u64::from(failed.reconsume_times) + 1);
        retry_queues[luck.below(retry_queues.len() as u64) as usize]
    }

    fn schedule_retry(
        &mut self,
        group: GroupId,
        (queue, offset): (QueueId, u64),
        failed: Record,
        level: u8,
        target: QueueId,
    ) {
        let now = self.core.now();
        let broker = self.queues[target.index()].broker;
        let copy = Record {
            reconsume_times: failed.reconsume_times.saturating_add(1),
            ..failed
        };
        let delay = self.delay_levels.delay(i32::from(level));
        let size = copy.stored_size();
        if self.brokers[broker.index()].commit_log.is_full(now, size) {
            self.begin_file(broker);
        }
        self.brokers[broker.index()].commit_log.append_delayed(size);
        let delayed = Delayed {
            due: now + delay,
            since: now,
            group,
            queue: target,
            record: copy,
            again: false,
        };
        if let Some(look) = self.brokers[broker.index()].schedule.schedule(level, delayed) {
            self.core
                .scheduler
                .at(look, Event::DeliverDelayed { broker, level });
        }
        self.core.emit(Fact::RetryScheduled {
            group,
            queue,
            offset,
            message: copy.id,
            reconsume_times: copy.reconsume_times,
            level,
            delay,
        });
    }

    /// The schedule service looks at a level and moves what is due.
    pub(in crate::cluster) fn deliver_delayed(&mut self, broker: BrokerId, level: u8) {
        let now = self.core.now();
        if !self.brokers[broker.index()].schedule.is_look(level, now) {
            return;
        }
        let last_save = self.last_save(broker, SAVE_DELAY_PROGRESS);
        while let Some(due) = self.brokers[broker.index()].schedule.take_due(level, now) {
            let record = Record {
                stored: now,
                ..due.record
            };
            let offset = self.append(due.queue, record);
            self.core.emit(Fact::RetryStored {
                group: due.group,
                queue: due.queue,
                offset,
                message: record.id,
                reconsume_times: record.reconsume_times,
                waited: now.since(due.since),
                again: due.again,
            });
            let schedule = &mut self.brokers[broker.index()].schedule;
            schedule.delivered(level, now, last_save, due);
        }
        self.make_visible(broker);
        if let Some(look) = self.brokers[broker.index()].schedule.next_look(level) {
            self.core
                .scheduler
                .at(look, Event::DeliverDelayed { broker, level });
        }
    }
}
