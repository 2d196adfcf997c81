//! Consumers: what each client did in its life.

use crate::cluster::consumer::held_queue::CacheTotal;
use crate::cluster::fact::{FlowControlCause, NoStatus, PullFailure, StopKind};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::episodes::Episodes;
use crate::observe::lag::Level;

/// One life of one client.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// Which reader it is of a broadcasting group; else 0.
    pub reader: usize,
    /// Start of the process.
    pub started: Option<SimTime>,
    /// End of the process.
    pub stopped: Option<(SimTime, StopKind)>,
    /// Deliveries.
    pub deliveries: u64,
    /// Results `CONSUME_SUCCESS`.
    pub succeeded: u64,
    /// Results `RECONSUME_LATER`.
    pub failed: u64,
    /// Of these, by an exception.
    pub threw: u64,
    /// Of these, by `null`.
    pub returned_null: u64,
    /// Messages of calls that hang.
    pub hung: u64,
    /// Threads that hang.
    pub threads_hung: u64,
    /// Messages sent back by `consumeTimeout`.
    pub timed_out: u64,
    /// Results thrown away.
    pub discarded: u64,
    /// Thread time in the listener.
    pub busy: SimDuration,
    /// Queues of subscribed topics held.
    pub queues: Level,
    /// Rebalance rounds.
    pub rounds: u64,
    /// Messages that entered the cache.
    pub cached: u64,
    /// Most messages of one queue in the cache.
    pub cached_max: u32,
    /// Most messages of all queues in the cache, and most bytes.
    pub cached_all_max: CacheTotal,
    /// Pulls put off by count, size, span.
    pub flow_control: [u64; 3],
    /// From when to when.
    pub episodes: Episodes,
    /// Pulls that failed, in the order of `PullFailure`.
    pub pulls_failed: [u64; 7],
    /// Connections that it lost.
    pub connections_lost: u64,
    /// When its threads were set to another number, and to which.
    threads_set: Vec<(SimTime, u32)>,
    /// Times its process was stopped for a while.
    pub pauses: u64,
    /// Servers from which it is cut off.
    cut_off_from: u32,
    /// Servers to which its links are slow.
    slow_to: u32,
    /// 1 while its process is stopped.
    stopped_for_now: Level,
}

impl Life {
    /// It has so many listener threads from now on.
    pub fn threads_set(&mut self, now: SimTime, threads: u32) {
        self.threads_set.push((now, threads));
    }

    /// Thread time of its life between `from` and `now`, in seconds; it began with `threads`.
    pub fn thread_secs(&self, from: SimTime, now: SimTime, threads: u32) -> f64 {
        let Some(started) = self.started else {
            return 0.0;
        };
        let end = self.stopped.map_or(now, |(at, _)| at);
        let (mut sum, mut from, mut threads) = (0.0, started.max(from), threads);
        for &(at, next) in self.threads_set.iter().filter(|(at, _)| *at < end) {
            sum += at.since(from).as_secs_f64() * f64::from(threads);
            (from, threads) = (at.max(from), next);
        }
        sum + end.since(from).as_secs_f64() * f64::from(threads)
    }

    /// A life that has not begun, of this reader of a broadcasting group.
    pub fn of_reader(reader: u32) -> Self {
        Self {
            reader: reader as usize,
            ..Self::default()
        }
    }

    /// Whether the client lives.
    pub fn is_alive(&self) -> bool {
        self.started.is_some() && self.stopped.is_none()
    }

    /// How long it lived between `from` and `now`.
    pub fn length(&self, from: SimTime, now: SimTime) -> SimDuration {
        let end = self.stopped.map_or(now, |(at, _)| at);
        self.started
            .map_or(SimDuration::ZERO, |started| end.since(started.max(from)))
    }

    /// Listener results, those that were thrown away included.
    pub fn results(&self) -> u64 {
        self.consumed() + self.discarded
    }

    /// Listener results, good and bad.
    pub fn consumed(&self) -> u64 {
        self.succeeded + self.failed
    }

    /// A call with so many messages returns no status.
    pub fn no_status(&mut self, how: NoStatus, messages: u32) {
        let messages = u64::from(messages);
        match how {
            NoStatus::Threw => self.threw += messages,
            NoStatus::ReturnedNull => self.returned_null += messages,
            NoStatus::Hangs => {
                self.hung += messages;
                self.threads_hung += 1;
            }
        }
    }

    /// The process stops for a while, or goes on; whether that is news.
    pub fn sleeps(&mut self, now: SimTime, asleep: bool) -> bool {
        if !self.is_alive() || self.is_asleep() == asleep {
            return false;
        }
        self.pauses += u64::from(asleep);
        self.stopped_for_now.change(now, if asleep { 1 } else { -1 });
        true
    }

    /// A link is cut or whole again; whether the client, alive, reached all servers before and does not now, or
    /// the other way round.
    pub fn link_changes(&mut self, cut: bool) -> bool {
        let before = self.cut_off_from;
        self.cut_off_from = if cut { before + 1 } else { before.saturating_sub(1) };
        self.is_alive() && (before == 0) != (self.cut_off_from == 0)
    }

    /// A link gets slow or as fast as before; whether the client, alive, had no slow link before and has one now, or
    /// the other way round.
    pub fn link_slows(&mut self, slow: bool) -> bool {
        let before = self.slow_to;
        self.slow_to = if slow {
            before + 1
        } else {
            before.saturating_sub(1)
        };
        self.is_alive() && (before == 0) != (self.slow_to == 0)
    }

    /// Whether the process is stopped for a while.
    pub fn is_asleep(&self) -> bool {
        self.stopped_for_now.value() > 0
    }

    /// How long the process was stopped, to its end or to `now`.
    pub fn paused(&self, now: SimTime) -> SimDuration {
        let end = self.stopped.map_or(now, |(at, _)| at);
        let paused = self.stopped_for_now.integral(end);
        SimDuration::from_nanos(u64::try_from(paused).unwrap_or(u64::MAX))
    }

    /// A pull failed.
    pub fn pull_failed(&mut self, cause: PullFailure) {
        self.pulls_failed[cause as usize] += 1;
    }

    /// A pull was put off.
    pub fn put_off(&mut self, now: SimTime, by: FlowControlCause) {
        self.episodes.put_off(now, by);
        self.flow_control[by as usize] += 1;
    }
}
