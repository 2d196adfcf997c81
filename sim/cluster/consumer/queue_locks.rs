//! Locks of queues, as an orderly client sees to them.
//!
//! A client owns a queue only while the queue's broker says so. It asks before it takes a queue, renews every 20 s,
//! the first time 1 s after its start, with one request for each broker, and believes in a lock for 30 s. A task that
//! finds its lock gone asks for it by itself: granted, the task begins anew 10 ms later, else 3 s later. One thread
//! does all of this and ends the pauses of queues as well, so a broker that does not answer (1 s) delays them. (From 5.0 on
//! each renewal comes twice: the service for POP has a thread of its own, which is this one here.) A graceful shutdown gives all locks back; a killed client leaves them to expire 60 s after the last renewal.
//!
//! As in RocketMQ, a client that asks for a lock again does not look whether it has given the queue up meanwhile: it then
//! keeps others waiting for 60 s.
//!
//! Source: `ConsumeMessageOrderlyService.lockMQPeriodically` and `tryLockLaterAndReconsume`, `RebalanceImpl.lockAll`,
//! `lock` and `unlockAll`.

use crate::cluster::Cluster;
use crate::cluster::consumer::consume_orderly::RESUBMIT_DELAY;
use crate::cluster::consumer::process_queue::REBALANCE_LOCK_INTERVAL;
use crate::cluster::core::{BrokerRequest, LockBatch, UnlockBatch};
use crate::cluster::event::{CallKind, Event, PqSlot};
use crate::cluster::fact::Observer;
use crate::cluster::ids::{BrokerId, ConsumerId, QueueId};
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::SimDuration;
use std::collections::{BTreeMap, VecDeque};

/// First renewal after the start of the client instance.
const FIRST_RENEWAL: SimDuration = SimDuration::from_secs(1);
/// How long a queue waits whose lock somebody else has.
const REFUSED_DELAY: SimDuration = SimDuration::from_secs(3);

/// What the thread does.
#[derive(Debug)]
pub enum LockJob {
    /// It renews all locks, one broker after another, the next one last.
    Renew(Vec<(BrokerId, Vec<QueueId>)>),
    /// It asks for the lock of a queue whose task has found it gone.
    Relock(PqSlot),
    /// It gives a queue whose pause is over back to the listener.
    Submit(PqSlot),
}

/// `ConsumeMessageScheduledThread`.
#[derive(Debug, Default)]
pub struct LockThread {
    /// What it waits for an answer to.
    busy: Option<LockJob>,
    /// What came due meanwhile.
    late: VecDeque<LockJob>,
}

impl LockThread {
    /// The process ends.
    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }
}

impl<O: Observer> Cluster<O> {
    /// The timer starts with the consumer.
    pub(super) fn start_lock_thread(&mut self, consumer: ConsumerId) {
        if self.consumers[consumer.index()].orderly.is_some() {
            self.core
                .scheduler
                .after(FIRST_RENEWAL, Event::LockTick(consumer));
        }
    }

    /// 20 s tick: all locks are to be renewed.
    pub(in crate::cluster) fn lock_tick(&mut self, consumer: ConsumerId) {
        let client = &self.consumers[consumer.index()];
        if !client.is_alive() || client.pool.is_closed() {
            return;
        }
        // On the grid, since a client that was stopped comes late.
        let soon = self.core.now() + SimDuration::from_nanos(1);
        let next = soon.next_on_grid(client.started + FIRST_RENEWAL, REBALANCE_LOCK_INTERVAL);
        self.core.scheduler.at(next, Event::LockTick(consumer));
        if self.is_sabotaged(Sabotage::LockNotRenewed) {
            return;
        }
        for _ in 0..self.profile.lock_renewals {
            self.at_lock_thread(consumer, LockJob::Renew(Vec::new()));
        }
    }

    /// The thread takes a job up, or will when it is free.
    pub(super) fn at_lock_thread(&mut self, consumer: ConsumerId, job: LockJob) {
        let thread = &mut self.orderly(consumer).locks;
        if thread.busy.is_some() {
            thread.late.push_back(job);
        } else {
            self.do_lock_job(consumer, job);
        }
    }

    fn do_lock_job(&mut self, consumer: ConsumerId, job: LockJob) {
        match job {
            LockJob::Renew(_) => {
                let brokers = self.queues_to_lock(consumer);
                self.renew_next(consumer, brokers);
            }
            LockJob::Relock(slot) if self.consumers[consumer.index()].pool.is_closed() => {
                self.orderly_task_over(slot);
            }
            LockJob::Relock(slot) => {
                let queue = self.held_queues.get(slot.0).queue;
                self.orderly(consumer).locks.busy = Some(job);
                let broker = self.queues[queue.index()].broker;
                self.ask_for_locks(consumer, CallKind::Lock, broker, vec![queue]);
            }
            LockJob::Submit(slot) => self.submit_orderly_again(consumer, slot),
        }
    }

    /// What the client holds, by broker, the last one first. From 5.2 on without what it has dropped.
    fn queues_to_lock(&self, consumer: ConsumerId) -> Vec<(BrokerId, Vec<QueueId>)> {
        let mut brokers: BTreeMap<BrokerId, Vec<QueueId>> = BTreeMap::new();
        for (queue, slot) in self.consumers[consumer.index()].held.iter() {
            let dropped = self.held_queues.get(slot.0).process_queue.dropped;
            if !dropped || self.profile.renews_dropped_queues {
                let broker = self.queues[queue.index()].broker;
                brokers.entry(broker).or_default().push(*queue);
            }
        }
        brokers.into_iter().rev().collect()
    }

    fn renew_next(&mut self, consumer: ConsumerId, mut brokers: Vec<(BrokerId, Vec<QueueId>)>) {
        let Some((broker, queues)) = brokers.pop() else {
            return self.lock_thread_goes_on(consumer);
        };
        self.orderly(consumer).locks.busy = Some(LockJob::Renew(brokers));
        self.ask_for_locks(consumer, CallKind::Lock, broker, queues);
    }

    /// LOCK_BATCH_MQ.
    pub(super) fn ask_for_locks(
        &mut self,
        consumer: ConsumerId,
        by: CallKind,
        broker: BrokerId,
        queues: Vec<QueueId>,
    ) {
        let request = BrokerRequest::LockBatch(Box::new(LockBatch { queues, by }));
        self.call(consumer, by, broker, request);
    }

    /// The broker has said which of the queues asked for are the client's.
    pub(in crate::cluster) fn locks_arrive(
        &mut self,
        consumer: ConsumerId,
        by: CallKind,
        asked: &[QueueId],
        granted: &[QueueId],
    ) {
        let now = self.core.now();
        let renewal =
            by == CallKind::Lock && matches!(self.orderly(consumer).locks.busy, Some(LockJob::Renew(_)));
        for queue in asked {
            let Some(slot) = self.consumers[consumer.index()].held.get(queue) else {
                continue;
            };
            let cache = &mut self.held_queues.get_mut(slot.0).process_queue;
            if granted.contains(queue) {
                (cache.locked, cache.last_lock) = (true, now);
            } else if renewal {
                cache.locked = false;
            }
        }
        match by {
            CallKind::Lock => self.lock_job_answered(consumer, !granted.is_empty()),
            _ => self.round_lock_arrives(consumer, !granted.is_empty()),
        }
    }

    /// No answer to the thread's request will come: nothing changes.
    pub(super) fn lock_call_failed(&mut self, consumer: ConsumerId) {
        self.lock_job_answered(consumer, false);
    }

    fn lock_job_answered(&mut self, consumer: ConsumerId, granted: bool) {
        match self.orderly(consumer).locks.busy.take() {
            Some(LockJob::Renew(brokers)) => return self.renew_next(consumer, brokers),
            Some(LockJob::Relock(slot)) if self.consumers[consumer.index()].pool.is_closed() => {
                self.orderly_task_over(slot);
            }
            Some(LockJob::Relock(slot)) => {
                let pause = if granted { RESUBMIT_DELAY } else { REFUSED_DELAY };
                self.orderly_resumes(slot, pause);
            }
            Some(LockJob::Submit(_)) | None => {}
        }
        self.lock_thread_goes_on(consumer);
    }

    /// The thread is free: what came due meanwhile is done now.
    fn lock_thread_goes_on(&mut self, consumer: ConsumerId) {
        self.orderly(consumer).locks.busy = None;
        while self.orderly(consumer).locks.busy.is_none()
            && let Some(job) = self.orderly(consumer).locks.late.pop_front()
        {
            self.do_lock_job(consumer, job);
        }
    }

    /// A shutdown gives back the locks of the next broker; after the last one it goes on.
    pub(super) fn unlock_next(&mut self, consumer: ConsumerId) {
        let Some((broker, queues)) = self.orderly(consumer).unlock_left.pop() else {
            return self.stop_unlocked(consumer);
        };
        for queue in &queues {
            if let Some(slot) = self.consumers[consumer.index()].held.get(queue) {
                self.held_queues.get_mut(slot.0).process_queue.locked = false;
            }
        }
        let batch = UnlockBatch { queues, answer: true };
        let request = BrokerRequest::UnlockBatch(Box::new(batch));
        self.call(consumer, CallKind::Unregister, broker, request);
    }

    /// A shutdown begins to give locks back.
    pub(super) fn unlock_all(&mut self, consumer: ConsumerId) {
        let left = self.queues_to_lock(consumer);
        self.orderly(consumer).unlock_left = left;
        self.unlock_next(consumer);
    }
}
