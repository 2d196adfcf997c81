//! CONSUMER_SEND_MSG_BACK and what becomes of it: a delayed copy for `%RETRY%group`, or a dead letter.
//!
//! The decision itself is in `retry_dlq`. A retry stays on the broker that held the message, in a random one
//! of the group's retry queues there.
//!
//! Source: `AbstractSendMessageProcessor.consumerSendMsgBack`, `ScheduleMessageService`.

use crate::cluster::Cluster;
use crate::cluster::broker::retry_dlq::{SendBack, SendBackDecision};
use crate::cluster::broker::schedule_message_service::Delayed;
use crate::cluster::consumer::consume_result::max_reconsume_times_concurrently;
use crate::cluster::event::{Event, TaskSlot};
use crate::cluster::fact::{Fact, Observer, RequestKind};
use crate::cluster::ids::{BrokerId, GroupId, QueueId};
use crate::cluster::message::Record;
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::kernel::streams::{Luck, Source};

impl<O: Observer> Cluster<O> {
    /// A failed message has come back from a client.
    pub(in crate::cluster) fn send_back_arrives(&mut self, task: TaskSlot) {
        let running = self.tasks.get(task.0);
        let held = self.held_queues.get(running.held_queue.0);
        let (group, queue, consumer) = (held.group, held.queue, held.consumer);
        let (offset, failed) = running.sending_back();
        let delay_level = running.delay_level;
        let broker = self.queues[queue.index()].broker;
        self.core.emit(Fact::Request {
            broker,
            kind: RequestKind::SendBack,
            group: Some(group),
        });
        self.take_back(broker, group, (queue, offset), failed, delay_level);
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
        broker: BrokerId,
        group: GroupId,
        (queue, offset): (QueueId, u64),
        failed: Record,
        delay_level: Option<i8>,
    ) {
        let tuning = &self.config.groups[group.index()].tuning;
        let max = max_reconsume_times_concurrently(tuning.max_reconsume_times);
        let request = SendBack {
            reconsume_times: i32::from(failed.reconsume_times),
            delay_level: delay_level.map_or(tuning.delay_level_when_next_consume, i32::from),
            max_reconsume_times: Some(max),
            group_retry_max_times: max,
            group_retry_queue_nums: self.config.broker_tuning.retry_queue_nums as i32,
        };
        match request.decide() {
            SendBackDecision::DeadLetter => self.dead_letter(broker, group, queue, offset, failed),
            SendBackDecision::Retry { level } => {
                let level = self
                    .delay_levels
                    .effective(level)
                    .expect("a retry's level is at least 1");
                self.schedule_retry(broker, group, queue, offset, failed, level as u8);
            }
            SendBackDecision::Drop => unreachable!("scenarios give every group a retry queue"),
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
        self.append(dlq_queue, copy);
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

    fn schedule_retry(
        &mut self,
        broker: BrokerId,
        group: GroupId,
        queue: QueueId,
        offset: u64,
        failed: Record,
        level: u8,
    ) {
        let now = self.core.now();
        let copy = Record {
            reconsume_times: failed.reconsume_times + 1,
            ..failed
        };
        let salt = self.salts[group.index()].retry_queue;
        let retry_queues = self.retry_queues(broker, group);
        let mut luck = Luck(copy.luck).fork(salt, u64::from(copy.reconsume_times));
        let target = retry_queues[luck.below(retry_queues.len() as u64) as usize];
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
            });
        }
        self.make_visible(broker);
        if let Some(look) = self.brokers[broker.index()].schedule.next_look(level) {
            self.core
                .scheduler
                .at(look, Event::DeliverDelayed { broker, level });
        }
    }
}
