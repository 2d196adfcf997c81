//! Tasks of a listener and the threads that they wait for.
//!
//! A `ConsumeRequest` waits until a thread of the [`ListenerPool`] is free; from then on it is a [`RunningTask`]. There
//! may be one for each cached message, so both are small. What a thread does is in `consume_concurrently`; an orderly
//! client takes threads of the same pool.
//!
//! Source: `ConsumeMessageConcurrentlyService.ConsumeRequest`, its `consumeExecutor`.

use crate::cluster::consumer::listener::Outcome;
use crate::cluster::consumer::process_queue::CleanExpired;
use crate::cluster::consumer::send_message_back::AfterFailure;
use crate::cluster::event::PqSlot;
use crate::cluster::fact::NoStatus;
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::VecDeque;
use std::ops::Range;

/// Listener threads of one client and the tasks that wait for them.
#[derive(Debug)]
pub struct ListenerPool {
    pub(super) threads: u32,
    pub(super) busy: u32,
    pub(super) waiting: VecDeque<ConsumeRequest>,
    pub(super) closed: bool,
    pub(super) consume_timeout: SimDuration,
}

/// A task that no thread has begun: messages of one pull that follow each other. What a filter has taken out between
/// them is not in the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConsumeRequest {
    pub(super) held_queue: PqSlot,
    /// Offsets from the first message to the last, both included; at most 1024.
    pub(super) span: u16,
    /// How often they have failed here and could not be sent back.
    pub(super) local_attempts: u16,
    pub(super) first_offset: u64,
}

const _: () = assert!(size_of::<ConsumeRequest>() <= 16, "one for each cached message");

/// Who works on a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskOf {
    /// A thread of the pool.
    Listener,
    /// The clean-up, which sends a message back that a thread of the pool still has.
    CleanUp,
    /// A call that takes no notice of the end of its client: it ends as it would have, for nothing.
    Outliving,
}

/// A listener call under way, or a message that the clean-up sends back.
#[derive(Debug)]
pub struct RunningTask {
    /// Whose messages.
    pub held_queue: PqSlot,
    pub(super) messages: u16,
    /// Offsets from the first message to the last, both included.
    pub(super) span: u16,
    pub(super) first_offset: u64,
    /// How often its messages failed before and could not be sent back.
    pub(super) local_attempts: u16,
    pub(super) began: SimTime,
    pub(super) outcome: Outcome,
    /// Who works on it.
    pub(super) of: TaskOf,
    /// The client is gone; what is left is the event.
    pub(super) abandoned: bool,
    /// Offsets at its head whose messages have succeeded, or were sent back since, gaps between them included.
    pub(super) dealt_with: u16,
    /// `delayLevelWhenNextConsume`, if the listener has set one of its own, else [`GROUPS_LEVEL`].
    pub(super) delay_level: i8,
    /// What happens after a failure. Boxed, since few calls ever fail.
    pub(super) after_failure: Option<Box<AfterFailure>>,
}

/// The delay level is that of the group.
pub(super) const GROUPS_LEVEL: i8 = i8::MIN;

const _: () = assert!(size_of::<RunningTask>() <= 40, "one for each busy thread");

impl RunningTask {
    /// Offsets from its first message to its last. Those that are not in the cache are not among its messages.
    #[inline]
    pub(super) fn offsets(&self) -> Range<u64> {
        self.first_offset..self.first_offset + u64::from(self.span)
    }

    /// One message's share of the time that the call has taken.
    #[inline]
    pub(super) fn share(&self, now: SimTime) -> SimDuration {
        let busy = now.since(self.began);
        // Nearly all calls have one message, and a division is dear.
        if self.messages == 1 {
            busy
        } else {
            busy / u64::from(self.messages.max(1))
        }
    }

    /// The listener returns `RECONSUME_LATER` whatever it would have returned.
    pub(super) fn block(&mut self) {
        self.outcome = Outcome::Later;
        self.dealt_with = 0;
        self.delay_level = GROUPS_LEVEL;
    }

    /// A message that the clean-up sends back.
    pub(super) fn clean_up(held_queue: PqSlot, offset: u64, local_attempts: u16, now: SimTime) -> Self {
        Self {
            held_queue,
            messages: 1,
            span: 1,
            first_offset: offset,
            local_attempts,
            began: now,
            outcome: Outcome::Later,
            of: TaskOf::CleanUp,
            abandoned: false,
            dealt_with: 0,
            delay_level: CleanExpired::SEND_BACK_LEVEL as i8,
            after_failure: None,
        }
    }

    /// `delayLevelWhenNextConsume`, if the listener has set one of its own.
    pub(in crate::cluster) fn delay_level(&self) -> Option<i8> {
        Some(self.delay_level).filter(|level| *level != GROUPS_LEVEL)
    }

    /// Whether it is the work of `whom`.
    pub(super) fn is_of(&self, whom: TaskOf) -> bool {
        self.of == whom
    }

    /// When the listener was called.
    pub(super) fn began(&self) -> SimTime {
        self.began
    }

    /// Why the listener returns no status, if it does not.
    #[inline]
    pub(super) fn no_status(&self) -> Option<NoStatus> {
        match self.outcome {
            Outcome::Success | Outcome::Later | Outcome::Forward => None,
            Outcome::Throw => Some(NoStatus::Threw),
            Outcome::Null => Some(NoStatus::ReturnedNull),
            Outcome::Hang => Some(NoStatus::Hangs),
        }
    }
}

impl ListenerPool {
    /// An idle pool, whose calls are overdue after `consume_timeout`.
    pub fn new(threads: u32, consume_timeout: SimDuration) -> Self {
        Self {
            threads,
            busy: 0,
            waiting: VecDeque::new(),
            closed: false,
            consume_timeout,
        }
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.busy == 0 && self.waiting.is_empty()
    }

    /// `updateCorePoolSize`: so many threads from now on. Calls that run go on.
    pub fn resize(&mut self, threads: u32) {
        self.threads = threads;
    }

    /// Takes no more tasks.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether it takes no more tasks.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a task would find a thread.
    pub(super) fn has_free_thread(&self) -> bool {
        self.busy < self.threads
    }

    /// An orderly task begins.
    pub(super) fn take_thread(&mut self) {
        self.busy += 1;
    }

    /// An orderly task is over.
    pub(super) fn give_thread_back(&mut self) {
        self.busy -= 1;
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_deque(&self.waiting)
    }

    /// Bytes of one in which so many tasks have waited.
    pub fn held_for(tasks: u64) -> u64 {
        memory::of_grown::<ConsumeRequest>(tasks)
    }
}
