//! The concurrent listener: threads, tasks, results, send-back.
//!
//! One pool for each client, one FIFO of tasks for all its queues. A task carries up to
//! `consumeMessageBatchMaxSize` messages of one pull. When its queue was dropped before it began, it ends
//! silently; when dropped meanwhile, its result is thrown away. Success removes the messages from the process
//! queue and moves the offset up to the lowest unfinished; failure sends them back, one after another, while
//! the thread waits. What a message costs and how a call ends is the affair of `listener`; what happens after a
//! failure, that of `send_message_back`. A call that hangs has no end: its thread is lost until the process ends.
//!
//! Source: `ConsumeMessageConcurrentlyService`.

use crate::cluster::consumer::client::{ClientState, ConsumerClient};
use crate::cluster::consumer::consume_request::{ConsumeRequest, GROUPS_LEVEL, RunningTask, TaskOf};
use crate::cluster::consumer::listener::{Call, Handling, Outcome, Seen};
use crate::cluster::consumer::process_queue::{CachedMessage, ProcessQueue};
use crate::cluster::consumer::send_message_back::AfterFailure;
use crate::cluster::directory::Directory;
use crate::cluster::event::{Event, PqSlot, TaskSlot};
use crate::cluster::fact::{DropCause, Fact, Observer};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::cluster::sabotage::Sabotage;
use crate::cluster::{Cluster, LuckSalts};
use crate::kernel::streams::Luck;
use crate::kernel::time::{SimDuration, SimTime};
use std::ops::Range;

/// What the listener of `client` does with a message, or its forwarder.
#[inline(always)]
fn handling(
    client: &ConsumerClient,
    salts: &LuckSalts,
    directory: &Directory,
    now: SimTime,
    queue: QueueId,
    message: &CachedMessage,
) -> Handling {
    let luck = Luck(message.luck);
    let reconsume_times = message.progress.reconsume_times();
    if let Some(forwarder) = &client.forwarder {
        let mut draws = luck.fork(salts.service, u64::from(reconsume_times));
        return Handling {
            service: forwarder.service.sample(&mut draws),
            outcome: Outcome::Success,
            delay_level: None,
        };
    }
    if !client.listener.has_rules() {
        return client.listener.handle(salts, luck, reconsume_times);
    }
    let place = directory.queue(queue);
    let seen = Seen {
        id: message.id,
        luck,
        reconsume_times,
        queue: (place.topic, place.broker, place.index),
    };
    client
        .listener
        .handle_by_rules(salts, &directory.attributes, now, &seen)
}

/// How far the message behind the first `count` of a task lies from the first one; its span if there is none.
fn distance(cache: &ProcessQueue, task: &ConsumeRequest, count: u16) -> u16 {
    let present = |distance: &u16| cache.contains(task.first_offset + u64::from(*distance));
    let behind = (0..task.span).filter(present).nth(count.into());
    behind.unwrap_or(task.span)
}

impl<O: Observer> Cluster<O> {
    /// Cuts what a pull brought into tasks, in offset order.
    #[inline(always)]
    pub(in crate::cluster) fn submit_consume_request(&mut self, slot: PqSlot, first: u64, messages: u32) {
        let held = self.held_queues.get_mut(slot.0);
        let consumer = held.consumer;
        let batch = self.config.groups[held.group.index()]
            .tuning
            .consume_message_batch_max_size;
        let pool = &mut self.consumers[consumer.index()].pool;
        // A closed pool rejects its tasks: the messages stay in the cache, unfinished.
        if pool.closed {
            return;
        }
        let mut at = 0;
        while at < messages {
            let size = batch.min(messages - at);
            let first_offset = first + u64::from(at);
            pool.waiting.push_back(ConsumeRequest {
                held_queue: slot,
                span: size as u16,
                local_attempts: 0,
                first_offset,
            });
            held.calls += 1;
            at += size;
        }
        if pool.has_free_thread() {
            self.run_tasks(consumer);
        }
    }

    /// The same for messages with gaps between them.
    #[inline(never)]
    pub(super) fn submit_scattered(&mut self, slot: PqSlot, offsets: Vec<u64>) {
        let held = self.held_queues.get_mut(slot.0);
        let consumer = held.consumer;
        let tuning = &self.config.groups[held.group.index()].tuning;
        let pool = &mut self.consumers[consumer.index()].pool;
        if pool.closed {
            return;
        }
        for call in offsets.chunks(tuning.consume_message_batch_max_size as usize) {
            let (first_offset, last) = (call[0], call[call.len() - 1]);
            pool.waiting.push_back(ConsumeRequest {
                held_queue: slot,
                span: (last - first_offset + 1) as u16,
                local_attempts: 0,
                first_offset,
            });
            held.calls += 1;
        }
        self.run_tasks(consumer);
    }

    /// Gives waiting tasks to free threads.
    #[inline]
    fn run_tasks(&mut self, consumer: ConsumerId) {
        loop {
            let client = &mut self.consumers[consumer.index()];
            if !client.pool.has_free_thread() {
                return;
            }
            let Some(request) = client.pool.waiting.pop_front() else {
                return;
            };
            if self.held_queues.get(request.held_queue.0).process_queue.dropped {
                self.call_ended(request.held_queue);
            } else if client.is_idempotent {
                self.begin_with_memory(consumer, request);
            } else {
                self.begin::<false>(consumer, request);
            }
        }
    }

    /// A thread calls a listener that remembers.
    #[inline(never)]
    fn begin_with_memory(&mut self, consumer: ConsumerId, request: ConsumeRequest) {
        self.begin::<true>(consumer, request);
    }

    /// A thread calls the listener, which remembers what it has done or does not.
    #[inline]
    fn begin<const IS_IDEMPOTENT: bool>(&mut self, consumer: ConsumerId, request: ConsumeRequest) {
        let now = self.core.now();
        let known = match IS_IDEMPOTENT {
            true => self.ask_store_about(consumer, &request),
            false => Vec::new(),
        };
        let mut handled = Vec::new();
        let client = &mut self.consumers[consumer.index()];
        client.pool.busy += 1;
        let group = client.group;
        let salts = &self.salts[group.index()];
        let held = self.held_queues.get_mut(request.held_queue.0);
        let mut call = Call::new(client.listener.acks_index());
        let mut messages = 0;
        for offset in request.first_offset..request.first_offset + u64::from(request.span) {
            // In a gap, or the clean-up has taken it out before it was tried again.
            let Some(message) = held.process_queue.get_mut(offset) else {
                continue;
            };
            messages += 1;
            message.progress.start(now);
            let reconsume_times = message.progress.reconsume_times();
            let handling = handling(client, salts, &self.core.directory, now, held.queue, message);
            if IS_IDEMPOTENT {
                let suppressed = known[(offset - request.first_offset) as usize] == Some(true);
                let works = !call.is_over() && !suppressed && handling.outcome == Outcome::Success;
                handled.push((*message, suppressed, works));
                call.add(if suppressed { Handling::NOTHING } else { handling });
            } else {
                call.add(handling);
            }
            let fact = Fact::Delivered {
                consumer,
                group,
                queue: held.queue,
                offset,
                message: message.id,
                luck: message.luck,
                reconsume_times,
                born: message.born,
                stored: message.stored,
                position: messages - 1,
            };
            self.core.emit_often(fact);
        }
        let dealt_with = if messages == request.span {
            call.succeeded
        } else {
            distance(&held.process_queue, &request, call.succeeded)
        };
        let task = self.tasks.insert(RunningTask {
            held_queue: request.held_queue,
            messages,
            span: request.span,
            first_offset: request.first_offset,
            local_attempts: request.local_attempts,
            began: now,
            outcome: match client.forwarder {
                Some(_) => Outcome::Forward,
                None => call.outcome,
            },
            of: TaskOf::Listener,
            abandoned: false,
            dealt_with,
            delay_level: call.delay_level.unwrap_or(GROUPS_LEVEL),
            after_failure: None,
        });
        if IS_IDEMPOTENT {
            self.note_call(TaskSlot(task), group, &handled);
        }
        let client = &self.consumers[consumer.index()];
        let hangs = call.outcome == Outcome::Hang;
        let is_guarded = client.guard.is_some();
        if hangs || is_guarded || call.busy > client.pool.consume_timeout {
            self.expect_overdue(consumer, now);
        }
        if is_guarded {
            return self.ask_guard(consumer, TaskSlot(task), call.busy);
        }
        self.listener_works(TaskSlot(task), call.busy);
    }

    /// The listener works for `busy`, if it does not hang.
    #[inline(always)]
    pub(super) fn listener_works(&mut self, slot: TaskSlot, busy: SimDuration) {
        if self.tasks.get(slot.0).outcome == Outcome::Hang {
            return self.tell_no_status(slot);
        }
        self.core.scheduler.after(busy, Event::ConsumeDone(slot));
    }

    /// Asks the store of a listener that remembers about what it is called with.
    #[inline(never)]
    fn ask_store_about(&mut self, consumer: ConsumerId, request: &ConsumeRequest) -> Vec<Option<bool>> {
        let held = self.held_queues.get(request.held_queue.0);
        let offsets = request.first_offset..request.first_offset + u64::from(request.span);
        let messages = offsets.map(|offset| held.process_queue.get(offset).copied());
        let messages: Vec<Option<CachedMessage>> = messages.collect();
        self.look_up_call(consumer, &messages)
    }

    /// A call hangs, or ends without a status.
    #[inline(never)]
    fn tell_no_status(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
        let held = self.held_queues.get(task.held_queue.0);
        if let Some(how) = task.no_status() {
            self.core.emit(Fact::NoStatus {
                consumer: held.consumer,
                queue: held.queue,
                offset: task.first_offset,
                messages: u32::from(task.messages),
                how,
            });
        }
    }

    /// The listener returns.
    #[inline(always)]
    pub(in crate::cluster) fn consume_done(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
        let held = self.held_queues.get(task.held_queue.0);
        let client = &self.consumers[held.consumer.index()];
        let is_plain = !(task.abandoned
            || held.process_queue.dropped
            || client.guard.is_some()
            || client.is_idempotent
            || task.outcome == Outcome::Forward);
        if is_plain || !self.return_specially(slot) {
            self.take_result(slot);
        }
    }

    /// What there is to do before the result of a call is looked at, where anything is out of the ordinary; whether that
    /// is all.
    #[inline(never)]
    fn return_specially(&mut self, slot: TaskSlot) -> bool {
        let task = self.tasks.get(slot.0);
        let consumer = self.held_queues.get(task.held_queue.0).consumer;
        if task.abandoned {
            self.call_outlived_its_client(slot, consumer);
            return true;
        }
        if self.consumers[consumer.index()].guard.is_some() {
            self.leave_guard(consumer, slot);
        }
        let task = self.tasks.get(slot.0);
        let dropped = self.held_queues.get(task.held_queue.0).process_queue.dropped;
        if task.outcome == Outcome::Forward && !dropped {
            self.forward(slot);
            return true;
        }
        if self.consumers[consumer.index()].is_idempotent {
            self.effects_happen(slot, consumer);
        }
        let discards = dropped && !self.is_sabotaged(Sabotage::KeepDropped);
        if discards {
            self.discard(slot);
            self.finish_task(slot);
        }
        discards
    }

    /// The result of a call counts.
    #[inline(always)]
    fn take_result(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
        let held = self.held_queues.get(task.held_queue.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        let busy = task.share(self.core.scheduler.now());
        let (success, succeeded) = (
            task.outcome == Outcome::Success,
            task.first_offset + u64::from(task.dealt_with),
        );
        for offset in task.offsets() {
            let Some(message) = held.process_queue.get(offset) else {
                if self.consumers[consumer.index()]
                    .clean_up
                    .has_taken(task.held_queue, offset)
                {
                    // It has been sent back meanwhile.
                    self.core.emit(Fact::ResultDiscarded {
                        consumer,
                        group,
                        queue,
                        offset,
                        busy,
                    });
                }
                continue;
            };
            let fact = Fact::Consumed {
                consumer,
                group,
                queue,
                offset,
                message: message.id,
                reconsume_times: message.progress.reconsume_times(),
                born: message.born,
                busy,
                success: offset < succeeded,
            };
            self.core.emit_often(fact);
        }
        if success {
            self.settle(slot);
            self.finish_task(slot);
        } else {
            self.tell_no_status(slot);
            match self.consumers[consumer.index()].is_broadcasting {
                true => self.drop_failed(slot),
                false => self.send_back_next(slot),
            }
        }
    }

    /// Broadcasting: what has failed is dropped, and counts as consumed.
    fn drop_failed(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
        let held = self.held_queues.get(task.held_queue.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        for offset in task.first_offset + u64::from(task.dealt_with)..task.offsets().end {
            if let Some(message) = held.process_queue.get(offset) {
                self.core.emit(Fact::Dropped {
                    consumer,
                    group,
                    queue,
                    offset,
                    message: message.id,
                    cause: DropCause::Broadcasting,
                });
            }
        }
        self.settle(slot);
        self.finish_task(slot);
    }

    /// The call of a client that is gone: cut off long ago, unless it took no notice.
    #[inline(never)]
    fn call_outlived_its_client(&mut self, slot: TaskSlot, consumer: ConsumerId) {
        if self.tasks.get(slot.0).is_of(TaskOf::Outliving) {
            if self.consumers[consumer.index()].is_idempotent {
                self.effects_happen(slot, consumer);
            }
            self.discard(slot);
        }
        self.forget_task(slot);
    }

    /// Removes a task's messages from the cache and moves the offset up.
    #[inline(always)]
    pub(super) fn settle(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
        self.settle_messages(task.held_queue, task.offsets());
    }

    /// Removes messages from the cache and moves the offset up.
    #[inline(always)]
    pub(super) fn settle_messages(&mut self, held_queue: PqSlot, offsets: Range<u64>) {
        let held = self.held_queues.get_mut(held_queue.0);
        let mut commit = None;
        for offset in offsets {
            // Those that the clean-up has taken out are done, too.
            commit = held.process_queue.remove_one(offset).or(commit);
        }
        if let Some(commit) = commit {
            held.offset.update(commit, true);
        }
        self.cache_changed(held_queue);
    }

    /// The thread is free again.
    #[inline(always)]
    pub(super) fn finish_task(&mut self, slot: TaskSlot) {
        let held_queue = self.tasks.remove(slot.0).held_queue;
        let consumer = self.held_queues.get(held_queue.0).consumer;
        self.call_ended(held_queue);
        self.thread_is_free(consumer);
    }

    /// A thread of the pool takes what waits; a shutdown may have waited for it.
    #[inline(always)]
    pub(super) fn thread_is_free(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        client.pool.busy -= 1;
        if !client.pool.waiting.is_empty() {
            self.run_tasks(consumer);
        }
        self.stop_if_drained(consumer);
    }

    /// Goes on with a shutdown that has waited for the last listener call.
    #[inline(always)]
    pub(super) fn stop_if_drained(&mut self, consumer: ConsumerId) {
        let client = &self.consumers[consumer.index()];
        if client.state == ClientState::Draining && client.is_idle() {
            self.stop(consumer);
        }
    }

    /// Timeline: `updateCorePoolSize`.
    pub(in crate::cluster) fn set_threads(&mut self, consumer: ConsumerId, threads: u32) {
        let client = &mut self.consumers[consumer.index()];
        client.pool.resize(threads);
        let is_orderly = client.orderly.is_some();
        self.core.emit(Fact::ThreadsSet { consumer, threads });
        match is_orderly {
            true => self.run_orderly(consumer),
            false => self.run_tasks(consumer),
        }
    }

    /// The results of a task do not count.
    pub(super) fn discard(&mut self, slot: TaskSlot) {
        let task = self.tasks.get(slot.0);
        let held = self.held_queues.get(task.held_queue.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        let busy = task.share(self.core.now());
        for offset in task.offsets() {
            if !held.process_queue.contains(offset) {
                continue;
            }
            self.core.emit(Fact::ResultDiscarded {
                consumer,
                group,
                queue,
                offset,
                busy,
            });
        }
    }

    /// The process ends: running calls are cut off, waiting tasks thrown away. Calls that take no notice of a shutdown
    /// (`outlive`) go on.
    pub(in crate::cluster) fn abandon_tasks(&mut self, consumer: ConsumerId, outlive: bool) {
        self.abandon_orderly(consumer);
        let pool = &mut self.consumers[consumer.index()].pool;
        pool.close();
        pool.busy = 0;
        for request in std::mem::take(&mut pool.waiting) {
            self.call_ended(request.held_queue);
        }
        self.abandon_waiting(consumer);
        let is_mine = |task: &RunningTask| {
            !task.abandoned && self.held_queues.get(task.held_queue.0).consumer == consumer
        };
        let mine: Vec<u32> = self
            .tasks
            .iter()
            .filter(|(_, task)| is_mine(task))
            .map(|(at, _)| at)
            .collect();
        for at in mine {
            let task = self.tasks.get(at);
            let (returned, hangs) = (task.after_failure.is_some(), task.outcome == Outcome::Hang);
            let after = task.after_failure.as_deref();
            let forwards = matches!(after, Some(AfterFailure::Forwarding { .. }));
            if outlive && !returned && !hangs {
                let task = self.tasks.get_mut(at);
                (task.abandoned, task.of) = (true, TaskOf::Outliving);
                continue;
            }
            // A result that was told is not taken back: the message is on its way to the broker.
            if !returned || forwards {
                self.discard(TaskSlot(at));
            }
            self.idempotence.call_cut_off(TaskSlot(at));
            match hangs {
                true => self.forget_task(TaskSlot(at)),
                false => self.tasks.get_mut(at).abandoned = true,
            }
        }
    }

    /// Puts messages that could not be sent back in front of the listener again, unless it takes no more.
    pub(super) fn resubmit(&mut self, failed: &RunningTask) {
        let held_queue = failed.held_queue;
        let consumer = self.held_queues.get(held_queue.0).consumer;
        let pool = &mut self.consumers[consumer.index()].pool;
        if pool.closed {
            return self.call_ended(held_queue);
        }
        let offsets = failed.offsets();
        pool.waiting.push_back(ConsumeRequest {
            held_queue,
            span: failed.span,
            local_attempts: failed.local_attempts.saturating_add(1),
            first_offset: failed.first_offset,
        });
        let queue = self.held_queues.get(held_queue.0).queue;
        self.core.emit(Fact::LocalRetry {
            consumer,
            queue,
            from: offsets.start,
            to: offsets.end,
        });
        self.run_tasks(consumer);
    }

    /// The last event of an abandoned task has passed.
    pub(super) fn forget_task(&mut self, slot: TaskSlot) {
        let task = self.tasks.remove(slot.0);
        self.call_ended(task.held_queue);
    }
}
