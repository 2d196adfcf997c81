//! The orderly listener: one task for each queue, which works through it batch by batch.
//!
//! A task is made when messages arrive and none exists. It takes a thread of the pool and keeps it until the cache
//! is empty, 60 s are over, the lock is gone, or the listener fails: then the queue pauses and a new task begins with
//! the same batch. Nobody overtakes a message that fails; it comes again until it succeeds, or until it has failed
//! `maxReconsumeTimes` times, which is never by default; then it goes to the dead letters (`orderly_dead_letter`). A
//! call that hangs keeps its queue and its thread for ever. Attempts are counted in the cache: at another
//! client they start again.
//!
//! With `autoCommit` off, results are kept until the listener commits, and count against `pullThresholdForQueue`:
//! who never commits stops after some thousand messages.
//!
//! What a batch may come to is decided in `consume_result`; locks and the thread that sees to them are in
//! `queue_locks`.
//!
//! Source: `ConsumeMessageOrderlyService`.

use crate::cluster::Cluster;
use crate::cluster::config::{ListenerKind, OrderlySettings};
use crate::cluster::consumer::consume_result::{
    ConsumeOrderlyStatus, OrderlyContext, OrderlySettled, at_their_limit, max_reconsume_times_orderly, pause,
    settle_orderly,
};
use crate::cluster::consumer::listener::{Call, Outcome, Seen};
use crate::cluster::consumer::orderly_dead_letter::Sending;
use crate::cluster::consumer::process_queue::CachedMessage;
use crate::cluster::consumer::queue_locks::{LockJob, LockThread};
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::{Fact, NoStatus, Observer};
use crate::cluster::ids::{BrokerId, ConsumerId, QueueId};
use crate::cluster::sabotage::Sabotage;
use crate::kernel::memory;
use crate::kernel::scheduler::Ticket;
use crate::kernel::streams::Luck;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::VecDeque;

/// `MAX_TIME_CONSUME_CONTINUOUSLY`: how long a task may keep its thread.
pub const MAX_TIME_CONSUME_CONTINUOUSLY: SimDuration = SimDuration::from_secs(60);
/// Pause before a task begins anew: after those 60 s, or with a lock that was won again.
pub(super) const RESUBMIT_DELAY: SimDuration = SimDuration::from_millis(10);
/// Pause before a client asks for the lock of a queue whose task found it gone.
const RELOCK_DELAY: SimDuration = SimDuration::from_millis(10);
/// The same if the task found it gone before its first batch.
const FIRST_RELOCK_DELAY: SimDuration = SimDuration::from_millis(100);

/// What a client needs to consume in order.
#[derive(Debug, Default)]
pub struct ConsumeOrderly {
    /// Queues whose task waits for a thread.
    waiting: VecDeque<PqSlot>,
    /// Queues that are no longer in the table although a call of theirs runs.
    pub(super) outlived: Vec<PqSlot>,
    /// Queues whose task has a thread and waits for the call of an outlived cache of the same queue.
    barred: Vec<PqSlot>,
    /// The thread that renews locks and ends pauses.
    pub(super) locks: LockThread,
    /// Queues that wait for the pull thread to read their start offset again; the first is being asked for.
    pub(super) start_offsets: VecDeque<PqSlot>,
    /// Locks that a shutdown has yet to give back, by broker, the next one last.
    pub(super) unlock_left: Vec<(BrokerId, Vec<QueueId>)>,
    /// Messages that it has sent to `%RETRY%group` itself.
    pub(super) retry_sends: u32,
}

impl ConsumeOrderly {
    /// Whether no task waits for a thread.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes that it holds, itself included.
    pub(super) fn held(&self) -> u64 {
        let queues = memory::of_deque(&self.waiting) + memory::of_deque(&self.start_offsets);
        let outlived = memory::of_vec(&self.outlived) + memory::of_vec(&self.barred);
        let unlocked = self.unlock_left.iter().map(|(_, queues)| memory::of_vec(queues));
        let unlock_left = memory::of_vec(&self.unlock_left) + unlocked.sum::<u64>();
        memory::of::<Self>(1) + queues + outlived + unlock_left
    }
}

/// The consumption of one held queue.
#[derive(Debug, Default)]
pub struct OrderlyQueue {
    pub(super) step: Step,
    /// When the step is over, if that is known.
    due: Option<(SimTime, Ticket)>,
    /// The batch in hand: with the listener, or on its way to the dead letters.
    pub(super) batch: Vec<CachedMessage>,
    /// When the task got its thread.
    began: SimTime,
    /// Batches that succeeded since the last commit, where the listener commits by hand.
    uncommitted: u32,
    /// How often the listener has rolled back since it last got on. RocketMQ counts no attempt then; luck does.
    rolled_back: u16,
    /// `PullRequest.previouslyLocked`: the start offset was read after the lock was won.
    pub(super) previously_locked: bool,
    /// A rebalance has dropped it, and it is still in the table.
    pub(super) given_up: bool,
}

/// Where the task of a queue is.
#[derive(Debug, Default)]
pub enum Step {
    /// There is none.
    #[default]
    Idle,
    /// It waits for a thread.
    Waiting,
    /// It has a thread and waits for the call of an outlived cache.
    Barred,
    /// The listener is at work.
    Calling {
        /// Since when.
        since: SimTime,
        /// How it will end.
        outcome: Outcome,
    },
    /// Messages that have failed too often are sent to the dead letters.
    Sending(Box<Sending>),
    /// The queue pauses, then a new task begins.
    Paused,
    /// The lock was gone; it is soon to be asked for.
    Unlocked,
    /// The thread that sees to locks is to take it up.
    AtLockThread,
}

impl OrderlyQueue {
    /// Whether the listener is at work: who gives the queue up waits for it.
    pub(super) fn is_calling(&self) -> bool {
        matches!(self.step, Step::Calling { .. })
    }

    /// Whether its task has a thread.
    fn has_thread(&self) -> bool {
        matches!(self.step, Step::Barred | Step::Calling { .. } | Step::Sending(_))
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.batch) + memory::of::<Self>(1)
    }
}

impl<O: Observer> Cluster<O> {
    /// How the listener of an orderly group commits.
    fn orderly_settings(&self, slot: PqSlot) -> OrderlySettings {
        let group = self.held_queues.get(slot.0).group;
        match self.config.groups[group.index()].listener {
            ListenerKind::Orderly(settings) => settings,
            ListenerKind::Concurrently => unreachable!("only orderly groups have such queues"),
        }
    }

    pub(super) fn orderly(&mut self, consumer: ConsumerId) -> &mut ConsumeOrderly {
        let orderly = self.consumers[consumer.index()].orderly.as_deref_mut();
        orderly.expect("the client is an orderly one")
    }

    pub(super) fn orderly_queue(&mut self, slot: PqSlot) -> &mut OrderlyQueue {
        let orderly = self.held_queues.get_mut(slot.0).orderly.as_deref_mut();
        orderly.expect("the queue is consumed in order")
    }

    /// Makes a task for a queue that has none.
    pub(super) fn submit_orderly(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.calls += 1;
        let consumer = held.consumer;
        self.submit_orderly_again(consumer, slot);
    }

    /// A task waits for a thread, unless the pool takes no more.
    pub(super) fn submit_orderly_again(&mut self, consumer: ConsumerId, slot: PqSlot) {
        if self.consumers[consumer.index()].pool.is_closed() {
            return self.orderly_task_over(slot);
        }
        self.orderly_queue(slot).step = Step::Waiting;
        self.orderly(consumer).waiting.push_back(slot);
        self.run_orderly(consumer);
    }

    /// Gives waiting tasks to free threads.
    pub(super) fn run_orderly(&mut self, consumer: ConsumerId) {
        while self.consumers[consumer.index()].pool.has_free_thread() {
            let Some(slot) = self.orderly(consumer).waiting.pop_front() else {
                return;
            };
            if self.held_queues.get(slot.0).process_queue.dropped {
                self.orderly_task_over(slot);
                continue;
            }
            self.consumers[consumer.index()].pool.take_thread();
            self.orderly_task_begins(consumer, slot);
        }
    }

    /// A task has its thread; now it needs the queue, which an outlived call may still have.
    fn orderly_task_begins(&mut self, consumer: ConsumerId, slot: PqSlot) {
        let queue = self.held_queues.get(slot.0).queue;
        let outlived = &self.consumers[consumer.index()]
            .orderly
            .as_ref()
            .map(|o| &o.outlived);
        let is_barred = outlived.is_some_and(|slots| {
            let is_it = |other: &PqSlot| *other != slot && self.held_queues.get(other.0).queue == queue;
            slots.iter().any(is_it)
        });
        if is_barred {
            self.orderly_queue(slot).step = Step::Barred;
            self.orderly(consumer).barred.push(slot);
            return;
        }
        let now = self.core.now();
        let held = self.held_queues.get(slot.0);
        let cache = &held.process_queue;
        if cache.locked && !cache.is_lock_expired(now) {
            self.orderly_queue(slot).began = now;
            self.next_orderly_batch(slot);
        } else if cache.dropped {
            self.orderly_task_ends(slot);
        } else {
            self.orderly_lock_is_gone(slot, FIRST_RELOCK_DELAY);
        }
    }

    /// Hands the next batch to the listener, or ends the task.
    fn next_orderly_batch(&mut self, slot: PqSlot) {
        let now = self.core.now();
        let held = self.held_queues.get_mut(slot.0);
        let cache = &mut held.process_queue;
        if cache.dropped {
            return self.orderly_task_ends(slot);
        }
        if !cache.locked || cache.is_lock_expired(now) {
            return self.orderly_lock_is_gone(slot, RELOCK_DELAY);
        }
        let orderly = held
            .orderly
            .as_deref_mut()
            .expect("the queue is consumed in order");
        if now.since(orderly.began) > MAX_TIME_CONSUME_CONTINUOUSLY {
            return self.orderly_pauses(slot, RESUBMIT_DELAY);
        }
        let tuning = &self.config.groups[held.group.index()].tuning;
        let batch = cache.take_messages(tuning.consume_message_batch_max_size as usize);
        if batch.is_empty() {
            return self.orderly_task_ends(slot);
        }
        orderly.batch = batch;
        self.call_orderly_listener(slot);
    }

    /// The listener is called with the batch in hand.
    fn call_orderly_listener(&mut self, slot: PqSlot) {
        let now = self.core.now();
        let held = self.held_queues.get_mut(slot.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        let client = &mut self.consumers[consumer.index()];
        let salts = &self.salts[group.index()];
        let orderly = held
            .orderly
            .as_deref_mut()
            .expect("the queue is consumed in order");
        let place = &self.queues[queue.index()];
        let place = (place.topic, place.broker, self.core.directory.queue(queue).index);
        let mut call = Call::new(false);
        for (position, message) in (0..).zip(&orderly.batch) {
            let (luck, times) = (Luck(message.luck), message.progress.reconsume_times());
            let attempts = times.saturating_add(orderly.rolled_back);
            call.add(if client.listener.has_rules() {
                let seen = Seen {
                    id: message.id,
                    luck,
                    reconsume_times: attempts,
                    queue: place,
                };
                client
                    .listener
                    .handle_by_rules(salts, &self.core.directory.attributes, now, &seen)
            } else {
                client.listener.handle(salts, luck, attempts)
            });
            self.core.emit(Fact::Delivered {
                consumer,
                group,
                queue,
                offset: message.offset,
                message: message.id,
                luck: message.luck,
                reconsume_times: times,
                born: message.born,
                stored: message.stored,
                position,
            });
        }
        orderly.step = Step::Calling {
            since: now,
            outcome: call.outcome,
        };
        if call.outcome == Outcome::Hang {
            self.tell_no_orderly_status(slot, NoStatus::Hangs);
        } else {
            self.orderly_step_ends(slot, now + call.busy);
        }
    }

    /// The step in which the queue is will be over at `due`.
    pub(super) fn orderly_step_ends(&mut self, slot: PqSlot, due: SimTime) {
        let ticket = self.core.scheduler.at(due, Event::OrderlyDue(slot));
        self.orderly_queue(slot).due = Some((due, ticket));
    }

    /// The step is over before its time.
    pub(super) fn cancel_orderly_step(&mut self, slot: PqSlot) {
        if let Some((_, ticket)) = self.orderly_queue(slot).due.take() {
            self.core.scheduler.cancel(ticket);
        }
    }

    /// A step of the task of a queue is over.
    pub(in crate::cluster) fn orderly_due(&mut self, slot: PqSlot) {
        let now = self.core.now();
        let held = self.held_queues.find_mut(slot.0);
        let Some(orderly) = held.and_then(|held| held.orderly.as_deref_mut()) else {
            return;
        };
        // Its client may have been stopped when the time came, and be somewhere else by now.
        if orderly.due.take_if(|(due, _)| *due <= now).is_none() {
            return;
        }
        match orderly.step {
            Step::Calling { since, outcome } => self.orderly_listener_returns(slot, since, outcome),
            Step::Sending(_) => self.dead_letter_times_out(slot),
            Step::Paused => self.lock_thread_takes(slot, LockJob::Submit(slot)),
            Step::Unlocked => self.lock_thread_takes(slot, LockJob::Relock(slot)),
            Step::Idle | Step::Waiting | Step::Barred | Step::AtLockThread => {}
        }
    }

    fn lock_thread_takes(&mut self, slot: PqSlot, job: LockJob) {
        self.orderly_queue(slot).step = Step::AtLockThread;
        let consumer = self.held_queues.get(slot.0).consumer;
        self.at_lock_thread(consumer, job);
    }

    /// The listener returns: what comes of it, and who has waited for that.
    fn orderly_listener_returns(&mut self, slot: PqSlot, since: SimTime, outcome: Outcome) {
        let failed = outcome != Outcome::Success;
        let now = self.core.now();
        let held = self.held_queues.get(slot.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        let dropped = held.process_queue.dropped;
        let orderly = held.orderly.as_deref().expect("the queue is consumed in order");
        let busy = now.since(since) / orderly.batch.len() as u64;
        for message in &orderly.batch {
            let offset = message.offset;
            self.core.emit(if dropped {
                Fact::ResultDiscarded {
                    consumer,
                    group,
                    queue,
                    offset,
                    busy,
                }
            } else {
                Fact::Consumed {
                    consumer,
                    group,
                    queue,
                    offset,
                    message: message.id,
                    reconsume_times: message.progress.reconsume_times(),
                    born: message.born,
                    busy,
                    success: !failed,
                }
            });
        }
        match outcome {
            Outcome::Throw if !dropped => self.tell_no_orderly_status(slot, NoStatus::Threw),
            Outcome::Null if !dropped => self.tell_no_orderly_status(slot, NoStatus::ReturnedNull),
            _ => {}
        }
        self.consume_lock_is_free(consumer, slot);
        let settings = self.orderly_settings(slot);
        let status = if failed && settings.rollback {
            ConsumeOrderlyStatus::Rollback
        } else if failed {
            ConsumeOrderlyStatus::SuspendCurrentQueueAMoment
        } else {
            self.orderly_success(slot, settings)
        };
        if status == ConsumeOrderlyStatus::SuspendCurrentQueueAMoment {
            let max = self.orderly_limit(slot);
            let batch = &self.orderly_queue(slot).batch;
            let dead: VecDeque<CachedMessage> = at_their_limit(batch, max).copied().collect();
            if !dead.is_empty() {
                return self.send_dead_letters(slot, dead);
            }
        }
        self.settle_orderly_batch(slot, status, &[]);
    }

    /// A call hangs, or ends without a status.
    fn tell_no_orderly_status(&mut self, slot: PqSlot, how: NoStatus) {
        let held = self.held_queues.get(slot.0);
        let orderly = held.orderly.as_deref().expect("the queue is consumed in order");
        self.core.emit(Fact::NoStatus {
            consumer: held.consumer,
            queue: held.queue,
            offset: orderly.batch[0].offset,
            messages: orderly.batch.len() as u32,
            how,
        });
    }

    /// What the listener returns for a batch that succeeds.
    fn orderly_success(&mut self, slot: PqSlot, settings: OrderlySettings) -> ConsumeOrderlyStatus {
        if settings.auto_commit {
            return ConsumeOrderlyStatus::Success;
        }
        let orderly = self.orderly_queue(slot);
        orderly.uncommitted += 1;
        if settings
            .commit_every
            .is_some_and(|every| orderly.uncommitted >= every)
        {
            orderly.uncommitted = 0;
            ConsumeOrderlyStatus::Commit
        } else {
            ConsumeOrderlyStatus::Success
        }
    }

    fn orderly_limit(&self, slot: PqSlot) -> i32 {
        let group = self.held_queues.get(slot.0).group;
        let undue = i32::from(self.is_sabotaged(Sabotage::DeadTooLateInOrder));
        let configured = self.config.groups[group.index()].tuning.max_reconsume_times;
        max_reconsume_times_orderly(configured).saturating_add(undue)
    }

    /// The batch in hand is settled; the task takes its next one, or the queue pauses.
    pub(super) fn settle_orderly_batch(
        &mut self,
        slot: PqSlot,
        status: ConsumeOrderlyStatus,
        not_sent: &[u64],
    ) {
        let settings = self.orderly_settings(slot);
        let max_reconsume_times = self.orderly_limit(slot);
        let held = self.held_queues.get_mut(slot.0);
        let tuning = &self.config.groups[held.group.index()].tuning;
        let context = OrderlyContext {
            auto_commit: settings.auto_commit,
            max_reconsume_times,
            pause: pause(-1, tuning.suspend_current_queue_time_millis.0 as i64),
        };
        let orderly = held
            .orderly
            .as_deref_mut()
            .expect("the queue is consumed in order");
        let mut batch = std::mem::take(&mut orderly.batch);
        let cache = &mut held.process_queue;
        let OrderlySettled {
            set_offset_to,
            resume_after,
        } = settle_orderly(cache, &mut batch, status, &context, not_sent);
        if let Some(offset) = set_offset_to {
            held.offset.update(offset, false);
            orderly.rolled_back = 0;
        }
        self.cache_changed(slot);
        let Some(pause) = resume_after else {
            return self.next_orderly_batch(slot);
        };
        if status == ConsumeOrderlyStatus::Rollback {
            let orderly = self.orderly_queue(slot);
            orderly.uncommitted = 0;
            orderly.rolled_back = orderly.rolled_back.saturating_add(1);
        }
        let held = self.held_queues.get(slot.0);
        let cache = &held.process_queue;
        if !cache.dropped {
            let fact = Fact::QueueSuspended {
                consumer: held.consumer,
                group: held.group,
                queue: held.queue,
                offset: cache.lowest().expect("a batch has come back"),
                rolled_back: status == ConsumeOrderlyStatus::Rollback,
            };
            self.core.emit(fact);
        }
        self.orderly_pauses(slot, pause);
    }

    /// The task gives its thread back; a new one begins after a while.
    fn orderly_pauses(&mut self, slot: PqSlot, pause: SimDuration) {
        let consumer = self.held_queues.get(slot.0).consumer;
        if self.consumers[consumer.index()].pool.is_closed() {
            return self.orderly_task_ends(slot);
        }
        self.orderly_resumes(slot, pause);
        self.queue_object_is_free(consumer, slot);
        self.orderly_thread_is_free(consumer);
    }

    /// A new task begins after a while.
    pub(super) fn orderly_resumes(&mut self, slot: PqSlot, pause: SimDuration) {
        self.orderly_queue(slot).step = Step::Paused;
        self.orderly_step_ends(slot, self.core.now() + pause);
    }

    /// The task gives its thread back; the lock of the queue is asked for after a while.
    fn orderly_lock_is_gone(&mut self, slot: PqSlot, delay: SimDuration) {
        let consumer = self.held_queues.get(slot.0).consumer;
        if self.consumers[consumer.index()].pool.is_closed() {
            return self.orderly_task_ends(slot);
        }
        self.orderly_queue(slot).step = Step::Unlocked;
        self.orderly_step_ends(slot, self.core.now() + delay);
        self.queue_object_is_free(consumer, slot);
        self.orderly_thread_is_free(consumer);
    }

    /// The task is over, and its thread free.
    fn orderly_task_ends(&mut self, slot: PqSlot) {
        let consumer = self.held_queues.get(slot.0).consumer;
        self.queue_object_is_free(consumer, slot);
        self.orderly_task_over(slot);
        self.orderly_thread_is_free(consumer);
    }

    /// A thread of the pool takes what waits; a shutdown may have waited for it.
    fn orderly_thread_is_free(&mut self, consumer: ConsumerId) {
        self.consumers[consumer.index()].pool.give_thread_back();
        self.run_orderly(consumer);
        self.stop_if_drained(consumer);
    }

    /// There is no task any more.
    pub(super) fn orderly_task_over(&mut self, slot: PqSlot) {
        self.orderly_queue(slot).step = Step::Idle;
        self.call_ended(slot);
    }

    /// A task leaves the queue to another one of the client, if its cache is an outlived one.
    fn queue_object_is_free(&mut self, consumer: ConsumerId, slot: PqSlot) {
        let orderly = self.orderly(consumer);
        let before = orderly.outlived.len();
        orderly.outlived.retain(|other| *other != slot);
        if orderly.outlived.len() == before {
            return;
        }
        for barred in std::mem::take(&mut orderly.barred) {
            self.orderly_task_begins(consumer, barred);
        }
    }

    /// A queue leaves the table: if its task has a thread, another cache of the same queue must wait for that.
    pub(super) fn orderly_queue_leaves(&mut self, consumer: ConsumerId, slot: PqSlot) {
        if self.orderly_queue(slot).has_thread() {
            self.orderly(consumer).outlived.push(slot);
        }
    }

    /// The process ends: running calls are cut off, all tasks are gone. Their threads are gone with them.
    pub(super) fn abandon_orderly(&mut self, consumer: ConsumerId) {
        let Some(orderly) = self.consumers[consumer.index()].orderly.as_deref_mut() else {
            return;
        };
        orderly.waiting.clear();
        orderly.barred.clear();
        orderly.locks.stop();
        let outlived = std::mem::take(&mut orderly.outlived);
        let held = self.consumers[consumer.index()].held.values().copied();
        for slot in held.chain(outlived).collect::<Vec<_>>() {
            self.abandon_orderly_task(slot);
        }
    }

    fn abandon_orderly_task(&mut self, slot: PqSlot) {
        let now = self.core.now();
        let held = self.held_queues.get_mut(slot.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        let orderly = held
            .orderly
            .as_deref_mut()
            .expect("the queue is consumed in order");
        if let Some((_, ticket)) = orderly.due.take() {
            self.core.scheduler.cancel(ticket);
        }
        match std::mem::take(&mut orderly.step) {
            Step::Idle => return,
            Step::Calling { since, .. } => {
                let busy = now.since(since) / orderly.batch.len() as u64;
                for message in &orderly.batch {
                    self.core.emit(Fact::ResultDiscarded {
                        consumer,
                        group,
                        queue,
                        offset: message.offset,
                        busy,
                    });
                }
            }
            Step::Waiting
            | Step::Barred
            | Step::Sending(_)
            | Step::Paused
            | Step::Unlocked
            | Step::AtLockThread => {}
        }
        self.call_ended(slot);
    }
}
