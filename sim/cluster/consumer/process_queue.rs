//! What a client has taken from one queue and not finished: the cache behind flow control and commits.
//!
//! A commit names one offset, below which everything is done. So the offset to commit is the lowest one still
//! in the cache, however many above it are finished. The orderly listener moves messages on to a second map
//! while it works on them; they come back if it fails.
//!
//! Two quirks of the original are kept, because the numbers show in thresholds and commits: a message that is
//! pulled a second time replaces the first without being counted, and `queueOffsetMax` is the offset of the
//! last *new* message put, not the highest.
//!
//! Left out: locks between threads, and the statistics for `mqadmin`.
//!
//! Source: `ProcessQueue`.

use crate::cluster::consumer::offset_window::OffsetWindow;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::VecDeque;

pub use crate::cluster::consumer::offset_window::{CachedMessage, Progress};

/// `PULL_MAX_IDLE_TIME`: a queue not asked for so long is dropped and taken anew.
pub const PULL_MAX_IDLE_TIME: SimDuration = SimDuration::from_secs(120);
/// `REBALANCE_LOCK_MAX_LIVE_TIME`: how long the client believes in a lock that it did not renew.
pub const REBALANCE_LOCK_MAX_LIVE_TIME: SimDuration = SimDuration::from_secs(30);
/// `REBALANCE_LOCK_INTERVAL`: period at which a client renews its locks.
pub const REBALANCE_LOCK_INTERVAL: SimDuration = SimDuration::from_secs(20);

/// The cache of one queue at one client. What only the orderly listener needs comes last.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct ProcessQueue {
    /// Given up: pulls end, listener results are thrown away.
    pub dropped: bool,
    /// Orderly: the broker's lock is held, as far as this client knows.
    pub locked: bool,
    consuming: bool,
    /// When a pull was last attempted, flow-controlled attempts included; the creation time at first.
    pub last_pull: SimTime,
    msg_count: i64,
    msg_size: i64,
    queue_offset_max: u64,
    cached: OffsetWindow,
    /// Orderly: when the lock was last granted; the creation time at first.
    pub last_lock: SimTime,
    accumulated: u64,
    taken: OffsetWindow,
}

impl ProcessQueue {
    /// An empty cache, made at `now`.
    pub fn new(now: SimTime) -> Self {
        Self {
            dropped: false,
            locked: false,
            last_lock: now,
            last_pull: now,
            cached: OffsetWindow::default(),
            taken: OffsetWindow::default(),
            msg_count: 0,
            msg_size: 0,
            queue_offset_max: 0,
            accumulated: 0,
            consuming: false,
        }
    }

    /// Whether it has no room for messages yet.
    #[inline]
    pub fn has_no_room(&self) -> bool {
        self.cached.has_no_room()
    }

    /// Gets room for messages.
    #[inline]
    pub fn lend_room(&mut self, room: VecDeque<CachedMessage>) {
        self.cached.lend_room(room);
    }

    /// Gives its room back, if nothing is cached.
    #[inline]
    pub fn give_room_back(&mut self) -> Option<VecDeque<CachedMessage>> {
        self.cached.give_room_back()
    }

    /// `putMessage`: takes pulled messages in. Returns `dispatchToConsume`: whether the orderly listener needs a
    /// new task, because there is something to do and none exists.
    pub fn put(&mut self, messages: impl IntoIterator<Item = CachedMessage>) -> bool {
        for message in messages {
            if self.cached.insert(message) {
                self.queue_offset_max = message.offset;
                self.msg_count += 1;
                self.msg_size += i64::from(message.body_size);
            }
        }
        let dispatch = !self.cached.is_empty() && !self.consuming;
        self.consuming |= dispatch;
        dispatch
    }

    /// Notes the queue's max offset as the broker told it along with the last message of a pull.
    pub fn note_max_offset(&mut self, last: u64, max_offset: u64) {
        if max_offset > last {
            self.accumulated = max_offset - last;
        }
    }

    /// `removeMessage`: these are done. Returns the offset to commit: `None` if the cache was empty before,
    /// one past the last new message if it is empty afterwards, else the lowest offset that is left.
    #[inline]
    pub fn remove(&mut self, offsets: impl IntoIterator<Item = u64>) -> Option<u64> {
        self.remove_all(offsets.into_iter().map(|offset| (offset, None)))
    }

    /// [`remove`](Self::remove) of one message.
    #[inline(always)]
    pub fn remove_one(&mut self, offset: u64) -> Option<u64> {
        if self.cached.is_empty() {
            return None;
        }
        if let Some(size) = self.cached.remove(offset) {
            self.msg_count -= 1;
            self.msg_size -= i64::from(size);
        }
        Some(self.offset_to_commit())
    }

    /// [`remove`](Self::remove) to the letter: `msgSize` shrinks by the size of the message that the caller holds,
    /// not of the one in the cache. The two are the same record, unless somebody made them differ.
    pub fn remove_messages(&mut self, messages: &[CachedMessage]) -> Option<u64> {
        self.remove_all(
            messages
                .iter()
                .map(|message| (message.offset, Some(message.body_size))),
        )
    }

    #[inline]
    fn remove_all(&mut self, messages: impl IntoIterator<Item = (u64, Option<u32>)>) -> Option<u64> {
        if self.cached.is_empty() {
            return None;
        }
        for (offset, size) in messages {
            if let Some(cached) = self.cached.remove(offset) {
                self.msg_count -= 1;
                self.msg_size -= i64::from(size.unwrap_or(cached));
            }
        }
        Some(self.offset_to_commit())
    }

    #[inline(always)]
    fn offset_to_commit(&mut self) -> u64 {
        if self.msg_count == 0 {
            self.msg_size = 0;
        }
        self.cached
            .first()
            .map_or(self.queue_offset_max + 1, |lowest| lowest.offset)
    }

    /// The cached message at `offset`; those that the orderly listener works on are not in the cache.
    #[inline]
    pub fn get(&self, offset: u64) -> Option<&CachedMessage> {
        self.cached.get(offset)
    }

    /// The cached message at `offset`, to be changed.
    #[inline]
    pub fn get_mut(&mut self, offset: u64) -> Option<&mut CachedMessage> {
        self.cached.get_mut(offset)
    }

    /// `containsMessage`: whether the cache holds `offset`.
    pub fn contains(&self, offset: u64) -> bool {
        self.cached.get(offset).is_some()
    }

    /// All cached messages in offset order.
    pub fn cached(&self) -> impl Iterator<Item = &CachedMessage> {
        self.cached.iter()
    }

    /// All messages that the orderly listener works on, in offset order.
    pub fn taken(&self) -> impl Iterator<Item = &CachedMessage> {
        self.taken.iter()
    }

    /// How many messages are cached; those with the orderly listener not counted.
    pub fn cached_count(&self) -> usize {
        self.cached.len()
    }

    /// `msgCount`: messages cached or with the orderly listener.
    #[inline]
    pub fn msg_count(&self) -> i64 {
        self.msg_count
    }

    /// `msgSize`: their bodies, bytes.
    #[inline]
    pub fn msg_size(&self) -> i64 {
        self.msg_size
    }

    /// `getMaxSpan`: highest minus lowest cached offset; 0 if nothing is cached.
    #[inline]
    pub fn max_span(&self) -> u64 {
        match (self.cached.first(), self.cached.last()) {
            (Some(first), Some(last)) => last.offset - first.offset,
            _ => 0,
        }
    }

    /// The lowest cached offset: what blocks the commit.
    #[inline]
    pub fn lowest(&self) -> Option<u64> {
        self.cached.first().map(|first| first.offset)
    }

    /// `queueOffsetMax`: offset of the last new message put; 0 at first.
    pub fn queue_offset_max(&self) -> u64 {
        self.queue_offset_max
    }

    /// `msgAccCnt`: how far the broker was ahead of the last message pulled.
    pub fn accumulated(&self) -> u64 {
        self.accumulated
    }

    /// `hasTempMessage`: whether anything is cached.
    pub fn has_temp_message(&self) -> bool {
        !self.cached.is_empty()
    }

    /// `isLockExpired`: more than 30 s since the lock was granted.
    pub fn is_lock_expired(&self, now: SimTime) -> bool {
        now.since(self.last_lock) > REBALANCE_LOCK_MAX_LIVE_TIME
    }

    /// `isPullExpired`: more than 120 s since a pull was attempted.
    pub fn is_pull_expired(&self, now: SimTime) -> bool {
        now.since(self.last_pull) > PULL_MAX_IDLE_TIME
    }

    /// The last instant at which it is not, unless it is asked for again.
    pub fn pull_expires(&self) -> SimTime {
        self.last_pull + PULL_MAX_IDLE_TIME
    }

    /// `clear`: forgets all messages (reset of the offset by an operator).
    pub fn clear(&mut self) {
        self.cached.clear();
        self.taken.clear();
        self.msg_count = 0;
        self.msg_size = 0;
        self.queue_offset_max = 0;
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.cached.held() + self.taken.held()
    }

    /// Bytes of one that has had so many messages.
    pub fn held_for(messages: u64) -> u64 {
        OffsetWindow::held_for(messages)
    }
}

/// The orderly listener's side.
impl ProcessQueue {
    /// `takeMessages`: hands the lowest `batch_size` messages to the listener. If there are none, the task ends,
    /// and the next [`put`](Self::put) asks for a new one.
    pub fn take_messages(&mut self, batch_size: usize) -> Vec<CachedMessage> {
        let mut batch = Vec::with_capacity(batch_size.min(self.cached.len()));
        while batch.len() < batch_size
            && let Some(message) = self.cached.pop_first()
        {
            self.taken.insert(message);
            batch.push(message);
        }
        if batch.is_empty() {
            self.consuming = false;
        }
        batch
    }

    /// `commit`: everything with the listener is done. Returns the offset to commit, `None` if nothing was with
    /// it (Java throws `NoSuchElementException` there, which the client logs and ignores).
    pub fn commit(&mut self) -> Option<u64> {
        let highest = self.taken.last()?.offset;
        self.msg_count -= self.taken.len() as i64;
        if self.msg_count == 0 {
            self.msg_size = 0;
        } else {
            self.msg_size -= self
                .taken
                .iter()
                .map(|message| i64::from(message.body_size))
                .sum::<i64>();
        }
        self.taken.clear();
        Some(highest + 1)
    }

    /// `rollback`: everything with the listener goes back to the cache.
    pub fn rollback(&mut self) {
        while let Some(message) = self.taken.pop_first() {
            self.cached.insert(message);
        }
    }

    /// `makeMessageToConsumeAgain`: these go back to the cache, as they are now.
    pub fn make_message_to_consume_again(&mut self, messages: &[CachedMessage]) {
        for message in messages {
            self.taken.remove(message.offset);
            self.cached.insert(*message);
        }
    }
}

/// Looks for messages whose listener call hangs: at most 16 looks at the head of the queue.
///
/// Each look names a message to be sent back at level 3, or ends the round. A message that waits for a
/// thread has no start time and hides whatever hangs behind it. One that could not be sent back is tried
/// again at once, until the looks are used up.
///
/// Source: `ProcessQueue.cleanExpiredMsg`.
#[derive(Clone, Copy, Debug)]
pub struct CleanExpired {
    timeout: SimDuration,
    looks_left: usize,
}

impl CleanExpired {
    /// The delay level at which hanging messages are sent back.
    pub const SEND_BACK_LEVEL: i32 = 3;
    const LOOKS: usize = 16;

    /// Begins a round over `queue`; `timeout` is `consumeTimeout`. Orderly consumers have no such round.
    pub fn new(queue: &ProcessQueue, timeout: SimDuration) -> Self {
        Self {
            timeout,
            looks_left: queue.cached.len().min(Self::LOOKS),
        }
    }

    /// The next message to be sent back; `None` ends the round.
    pub fn next(&mut self, queue: &ProcessQueue, now: SimTime) -> Option<CachedMessage> {
        self.looks_left = self.looks_left.checked_sub(1)?;
        let head = queue.cached.first()?;
        let started = head.progress.consume_started()?;
        // RocketMQ compares whole milliseconds.
        (now.since(started).as_millis() > self.timeout.as_millis()).then_some(*head)
    }

    /// The broker took `offset` back: it leaves the cache if it is still the lowest. The commit does not move.
    pub fn sent_back(&self, queue: &mut ProcessQueue, offset: u64) {
        if queue.lowest() == Some(offset) {
            queue.remove([offset]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::{MessageId, TopicId};

    fn message(offset: u64) -> CachedMessage {
        CachedMessage {
            offset,
            stored: SimTime::ZERO,
            born: SimTime::ZERO,
            luck: 0,
            id: MessageId(0),
            body_size: 10,
            origin_topic: TopicId(0),
            progress: Progress::new(0),
        }
    }

    fn filled(offsets: std::ops::Range<u64>) -> ProcessQueue {
        let mut queue = ProcessQueue::new(SimTime::ZERO);
        assert!(queue.put(offsets.map(message)));
        queue
    }

    /// The lowest unfinished message holds the commit back, whatever finished above it.
    #[test]
    fn commit_is_the_lowest_unfinished_offset() {
        let mut queue = filled(100..104);
        assert_eq!(queue.remove([102]), Some(100));
        assert_eq!(queue.remove([100]), Some(101));
        assert_eq!(queue.remove([101, 103]), Some(104));
        assert_eq!(queue.remove([103]), None);
        assert_eq!((queue.msg_count(), queue.msg_size()), (0, 0));
    }

    /// A message that is pulled twice is counted once.
    #[test]
    fn second_pull_of_an_offset_counts_nothing() {
        let mut queue = filled(0..3);
        assert!(!queue.put([message(1)]));
        assert_eq!(
            (queue.msg_count(), queue.msg_size(), queue.queue_offset_max()),
            (3, 30, 2)
        );
    }

    #[test]
    fn orderly_batch_is_committed_or_comes_back() {
        let mut queue = filled(0..3);
        let batch = queue.take_messages(2);
        assert_eq!(
            (queue.msg_count(), queue.cached_count(), queue.lowest()),
            (3, 1, Some(2))
        );
        queue.make_message_to_consume_again(&batch[..1]);
        assert_eq!((queue.cached_count(), queue.lowest()), (2, Some(0)));
        assert_eq!(queue.commit(), Some(2));
        assert_eq!(queue.commit(), None);
        queue.take_messages(5);
        queue.rollback();
        assert_eq!((queue.msg_count(), queue.cached_count()), (2, 2));
    }

    /// An empty take ends the task, so that the next put asks for a new one.
    #[test]
    fn task_is_asked_for_once() {
        let mut queue = filled(0..1);
        assert!(!queue.put([message(1)]));
        assert_eq!(queue.take_messages(9).len(), 2);
        assert!(queue.take_messages(9).is_empty());
        assert!(queue.put([message(2)]));
    }

    /// Both hanging messages leave; the third waits for a thread and hides the fourth, which hangs too.
    #[test]
    fn waiting_message_hides_what_hangs_behind_it() {
        let minutes = |n: u64| SimTime::from_nanos(n * 60_000_000_000);
        let mut queue = filled(0..4);
        for offset in [0, 1, 3] {
            queue.get_mut(offset).unwrap().progress.start(minutes(1));
        }
        let mut round = CleanExpired::new(&queue, SimDuration::from_secs(900));
        let mut gone = Vec::new();
        while let Some(hanging) = round.next(&queue, minutes(17)) {
            round.sent_back(&mut queue, hanging.offset);
            gone.push(hanging.offset);
        }
        assert_eq!((gone, queue.lowest()), (vec![0, 1], Some(2)));
    }

    /// Exactly at the limit a call is not yet late.
    #[test]
    fn limits_themselves_are_not_late() {
        let mut queue = filled(0..1);
        queue.get_mut(0).unwrap().progress.start(SimTime::ZERO);
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let look = |now| {
            CleanExpired::new(&queue, SimDuration::from_secs(900))
                .next(&queue, now)
                .is_some()
        };
        assert!(!look(at(900)));
        assert!(look(at(900) + SimDuration::from_millis(1)));
        let queue = ProcessQueue::new(SimTime::ZERO);
        assert!(!queue.is_pull_expired(at(120)) && queue.is_pull_expired(at(121)));
        assert!(!queue.is_lock_expired(at(30)) && queue.is_lock_expired(at(31)));
    }

    /// 56 bytes for each message, with the listener or not; a ring buffer doubles, and keeps what it has.
    #[test]
    fn the_room_of_both_maps_counts() {
        assert_eq!(ProcessQueue::new(SimTime::ZERO).held(), 0);
        let mut queue = filled(0..1000);
        let cached = queue.held();
        assert!((56_000..120_000).contains(&cached), "{cached}");
        queue.take_messages(600);
        let taken = queue.held() - cached;
        assert!((33_600..72_000).contains(&taken), "{taken}");
    }
}
