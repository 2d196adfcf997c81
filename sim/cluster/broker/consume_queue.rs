//! One queue of one topic at its broker: the records, and how far pulls may see.
//!
//! The real broker keeps bodies in the commit log and an index of 20-byte entries per queue. Here the queue
//! holds its records itself (`segments`) and forgets what nobody can ask for any more: memory follows the
//! backlog, not the history. Offsets are those of the real index: dense, from 0, assigned at the append.
//! A record is visible only once the dispatch thread has indexed it. Where a record lies in the commit log is known to
//! the segment.
//!
//! Source: `ConsumeQueue`, `ReputMessageService`.

use crate::cluster::broker::segments::Segments;
use crate::cluster::event::PqSlot;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, TopicId};
use crate::cluster::message::Record;
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use std::ops::Range;

/// See the module. Two cache lines: where queues are many, each message meets one that no cache holds any more.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct ConsumeQueue {
    /// Topic of the queue.
    pub topic: TopicId,
    /// Broker of the queue.
    pub broker: BrokerId,
    /// Whether it lies below `readQueueNums`: pulls of other queues are refused.
    pub readable: bool,
    /// Whether it lies below `readQueueNums` or `writeQueueNums`: sends to other queues are refused.
    pub writable: bool,
    /// The running dispatch pass has indexed a record of this queue.
    in_pass: bool,
    /// An operator has set an offset that no pull has heard of yet.
    has_resets: bool,
    /// `MessageQueue.hashCode` of its name.
    pub java_hash: i32,
    /// One past the last record that pulls may see.
    visible: u64,
    /// `minOffset`: what lies below is deleted.
    min: u64,
    segments: Segments,
    /// First record that the running dispatch pass, or the last one, has indexed.
    pass_from: u64,
    /// Where the first record of all lies in the commit log.
    head_position: u64,
    /// One past the last record in a full file of the commit log.
    in_full_files: u64,
    visitors: Box<Visitors>,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<ConsumeQueue>() == 128, "two cache lines");

/// Who may come back to a queue, and what groups are to hear.
#[derive(Debug, Default)]
struct Visitors {
    /// Held queues of clients that may still commit or ask for an offset of this queue.
    readers: Vec<PqSlot>,
    /// Clients that have asked where to start, and the least that they may have been told.
    askers: Vec<(ConsumerId, u64)>,
    /// Offsets that an operator has set and no pull has heard of yet.
    resets: Vec<(GroupId, u64)>,
    /// See [`ConsumeQueue::keep_whole_segments`].
    keeps_whole_segments: bool,
}

impl ConsumeQueue {
    /// An empty queue.
    pub fn new(topic: TopicId, broker: BrokerId, java_hash: i32) -> Self {
        Self {
            topic,
            broker,
            java_hash,
            readable: true,
            writable: true,
            segments: Segments::default(),
            head_position: 0,
            visible: 0,
            min: 0,
            in_full_files: 0,
            in_pass: false,
            pass_from: 0,
            has_resets: false,
            visitors: Box::default(),
        }
    }

    /// Appends a record, which lies at `position` of the commit log, and tells its offset.
    #[inline]
    pub fn append(&mut self, record: Record, position: u64) -> u64 {
        let offset = self.segments.append(record, position);
        if offset == 0 {
            self.head_position = position;
        }
        offset
    }

    /// Whether the next record needs more room: [`Self::make_room`] is to be called first.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.segments.is_full()
    }

    /// Makes room for the next record; nobody can ask any more for what lies below `needed`.
    pub fn make_room(&mut self, needed: u64) {
        let needed = self.may_let_go(needed);
        self.segments.make_room(needed);
    }

    /// From now on only whole segments leave memory: an operator has sent a group elsewhere, and who may still go there, or
    /// be taken for standing there, is not known from readers and commits alone.
    pub fn keep_whole_segments(&mut self) {
        self.visitors.keeps_whole_segments = true;
    }

    /// What may leave memory if nobody can ask any more for what lies below `needed`.
    fn may_let_go(&self, needed: u64) -> u64 {
        match self.visitors.keeps_whole_segments {
            true => 0,
            false => needed,
        }
    }

    /// Where the record at `offset` lies in the commit log, to 63 records of this queue.
    ///
    /// # Panics
    /// If the record was released or never stored.
    pub fn position(&self, offset: u64) -> u64 {
        self.segments.position(offset)
    }

    /// The record at `offset`.
    ///
    /// # Panics
    /// If the record was released or never stored.
    #[inline]
    pub fn get(&self, offset: u64) -> Record {
        self.segments.with(offset, |record| *record)
    }

    /// Does something with the record at `offset`: no copy of it is made.
    ///
    /// # Panics
    /// If the record was released or never stored.
    #[inline]
    pub fn with<R>(&self, offset: u64, see: impl FnOnce(&Record) -> R) -> R {
        self.segments.with(offset, see)
    }

    /// A pull has read all below `offset`: what lies above may wait for long.
    #[inline]
    pub fn note_read(&mut self, offset: u64) {
        self.segments.note_read(offset);
    }

    /// One past the last record that pulls may see (`maxOffset`).
    #[inline]
    pub fn max_offset(&self) -> u64 {
        self.visible
    }

    /// One past the last record stored, seen or not.
    #[inline]
    pub fn end_offset(&self) -> u64 {
        self.segments.end()
    }

    /// The least offset that is not deleted (`minOffset`).
    #[inline]
    pub fn min_offset(&self) -> u64 {
        self.min
    }

    /// Everything below `to` is deleted, as far as pulls may see it. Returns what is deleted now.
    pub fn delete_below(&mut self, to: u64) -> Option<Range<u64>> {
        let deleted = self.min..to.min(self.visible);
        self.min = self.min.max(deleted.end);
        (!deleted.is_empty()).then_some(deleted)
    }

    /// A file of the commit log is full: one past the last record in it, if it has any of this queue.
    pub fn end_of_file(&mut self) -> Option<u64> {
        let end = self.end_offset();
        let before = std::mem::replace(&mut self.in_full_files, end);
        (end > before).then_some(end)
    }

    /// An operator sets the offset of a group; its next pull is to hear of it (`assignResetOffset`).
    pub fn assign_reset(&mut self, group: GroupId, offset: u64) {
        self.visitors.resets.retain(|(known, _)| *known != group);
        self.visitors.resets.push((group, offset));
        self.has_resets = true;
    }

    /// Whether any offset was set that no pull has heard of.
    #[inline]
    pub fn has_resets(&self) -> bool {
        self.has_resets
    }

    /// The offset that an operator has set for `group`, if no pull has heard of it yet.
    pub fn pending_reset(&self, group: GroupId) -> Option<u64> {
        let mut resets = self.visitors.resets.iter();
        resets
            .find(|(known, _)| *known == group)
            .map(|(_, offset)| *offset)
    }

    /// Groups whose offset an operator has set and no pull has heard of.
    pub fn reset_groups(&self) -> impl Iterator<Item = GroupId> {
        self.visitors.resets.iter().map(|(group, _)| *group)
    }

    /// Whatever operators have set is forgotten, for this group or (`None`) for all.
    pub fn forget_resets(&mut self, group: Option<GroupId>) {
        let resets = &mut self.visitors.resets;
        resets.retain(|(known, _)| group.is_some_and(|group| group != *known));
        self.has_resets = !resets.is_empty();
    }

    /// The dispatch thread indexed the next record; true if it is the first of this queue in its pass.
    #[inline]
    pub fn dispatch_one(&mut self) -> bool {
        if !self.in_pass {
            self.pass_from = self.visible;
        }
        self.visible += 1;
        assert!(
            self.visible <= self.end_offset(),
            "invariant Q1 broken: a record is indexed before it is stored"
        );
        !std::mem::replace(&mut self.in_pass, true)
    }

    /// The pass is over; one past the last record that pulls may see now.
    #[inline]
    pub fn end_pass(&mut self) -> u64 {
        self.in_pass = false;
        self.visible
    }

    /// First record that the last dispatch pass has indexed.
    #[inline]
    pub fn pass_from(&self) -> u64 {
        self.pass_from
    }

    /// First record in memory.
    pub fn kept_from(&self) -> u64 {
        self.segments.kept_from()
    }

    /// A client took the queue.
    pub fn add_reader(&mut self, reader: PqSlot) {
        self.visitors.readers.push(reader);
    }

    /// Nothing of that client's hold on the queue is left.
    pub fn remove_reader(&mut self, reader: PqSlot) {
        self.visitors.readers.retain(|known| *known != reader);
    }

    /// Held queues of clients that may still commit or ask for an offset of this queue.
    pub fn readers(&self) -> &[PqSlot] {
        &self.visitors.readers
    }

    /// A client asks where its group stands; it may start at `offset` or later.
    pub fn note_asker(&mut self, asker: ConsumerId, offset: u64) {
        self.forget_asker(asker);
        self.visitors.askers.push((asker, offset));
    }

    /// A client that has asked has begun, or never will.
    pub fn forget_asker(&mut self, asker: ConsumerId) {
        self.visitors.askers.retain(|(known, _)| *known != asker);
    }

    /// The least offset at which a client may start that has asked and not begun.
    pub fn least_asked(&self) -> Option<u64> {
        self.visitors.askers.iter().map(|(_, offset)| *offset).min()
    }

    /// Whether the message at offset 0 exists and is in memory, where the commit log is from `in_memory_from` on:
    /// then the broker answers "0" to a group without an offset.
    pub fn is_young(&self, in_memory_from: u64) -> bool {
        self.visible > 0 && self.min == 0 && self.head_position >= in_memory_from
    }

    /// The first offset stored at or after `time`; the maximum if there is none. Searches records in memory
    /// only: what left it was consumed by everybody, and nobody will be sent back there.
    pub fn search_by_time(&self, time: SimTime) -> u64 {
        let first = self.segments.kept_from().max(self.min);
        let (mut low, mut high) = (first, self.visible.max(first));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.with(middle, |record| record.stored) < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Gives up whole segments below `needed`, the least offset that somebody may still ask for, and what is deleted.
    pub fn release(&mut self, needed: u64) {
        let safe = needed.max(self.min);
        self.segments.release(safe, self.may_let_go(needed));
    }

    /// Whether a later release may free something.
    #[inline]
    pub fn has_releasable(&self) -> bool {
        self.segments.has_releasable()
    }

    /// Whether the record just appended is the first with which a release may free something.
    #[inline]
    pub fn has_first_releasable(&self) -> bool {
        self.segments.has_first_releasable()
    }

    /// Records kept in memory.
    pub fn kept(&self) -> u64 {
        self.end_offset() - self.kept_from()
    }

    /// Bytes of its records.
    pub fn records_held(&self) -> u64 {
        self.segments.held()
    }

    /// Bytes that it holds beside its records.
    pub fn table_held(&self) -> u64 {
        let visitors = &self.visitors;
        let lists = memory::of_vec(&visitors.readers)
            + memory::of_vec(&visitors.askers)
            + memory::of_vec(&visitors.resets);
        memory::of::<Visitors>(1) + lists
    }

    /// Bytes that one holds beside its records and itself which so many clients read.
    pub fn table_held_for(readers: u64) -> u64 {
        memory::of::<Visitors>(1) + memory::of_grown::<PqSlot>(readers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::MessageId;

    fn record(n: u64) -> Record {
        Record {
            born: SimTime::from_nanos(n),
            stored: SimTime::from_nanos(n * 10),
            luck: n,
            id: MessageId(n),
            body_size: 1,
            origin_topic: TopicId(0),
            reconsume_times: 0,
        }
    }

    fn filled(n: u64) -> ConsumeQueue {
        let mut queue = ConsumeQueue::new(TopicId(0), BrokerId(0), 0);
        for i in 0..n {
            assert_eq!(queue.append(record(i), i * 200), i);
            queue.dispatch_one();
        }
        queue
    }

    #[test]
    fn a_record_is_invisible_until_it_is_dispatched() {
        let mut queue = ConsumeQueue::new(TopicId(0), BrokerId(0), 0);
        queue.append(record(0), 0);
        assert_eq!(
            (queue.max_offset(), queue.end_offset(), queue.is_young(0)),
            (0, 1, false)
        );
        queue.dispatch_one();
        assert_eq!((queue.max_offset(), queue.is_young(0)), (1, true));
    }

    /// What was freed does not come back when somebody stands lower.
    #[test]
    fn what_nobody_needs_is_released() {
        let mut queue = filled(1000);
        queue.release(900);
        assert_eq!(queue.kept(), 100);
        assert_eq!(queue.get(900).luck, 900);
        queue.release(100);
        assert_eq!(queue.kept(), 100);
    }

    /// 900 is 14 segments of 64 and a part. An operator has sent somebody somewhere: what a commit or a reader tells is not
    /// all there is to know, so nothing goes but whole segments.
    #[test]
    fn after_a_reset_whole_segments_go() {
        let mut queue = filled(1000);
        queue.keep_whole_segments();
        queue.make_room(900);
        assert_eq!(queue.kept(), 1000);
        queue.release(900);
        assert_eq!(queue.kept(), 1000 - 14 * 64);
    }

    /// The head is young while it is in memory and not deleted.
    #[test]
    fn a_deleted_head_is_not_young() {
        let mut queue = filled(200);
        assert!(queue.is_young(0) && !queue.is_young(1));
        assert_eq!(queue.position(70), 64 * 200);
        assert_eq!(queue.end_of_file(), Some(200));
        assert_eq!(queue.end_of_file(), None);
        assert_eq!(queue.delete_below(150), Some(0..150));
        assert_eq!(queue.delete_below(100), None);
        assert_eq!((queue.min_offset(), queue.is_young(0)), (150, false));
        assert_eq!(queue.search_by_time(SimTime::ZERO), 150);
    }

    /// One group is sent elsewhere until its pull has heard of it; others are not concerned.
    #[test]
    fn a_reset_waits_for_its_group() {
        let mut queue = filled(10);
        queue.assign_reset(GroupId(1), 3);
        queue.assign_reset(GroupId(1), 4);
        queue.assign_reset(GroupId(2), 5);
        assert_eq!(queue.pending_reset(GroupId(1)), Some(4));
        assert_eq!(queue.pending_reset(GroupId(0)), None);
        queue.forget_resets(Some(GroupId(1)));
        assert!(queue.has_resets() && queue.pending_reset(GroupId(1)).is_none());
        queue.forget_resets(None);
        assert!(!queue.has_resets());
    }

    #[test]
    #[should_panic(expected = "invariant L4")]
    fn a_released_record_cannot_be_read() {
        let mut queue = filled(200);
        queue.release(128);
        queue.get(0);
    }

    #[test]
    fn search_by_time_finds_the_first_not_older() {
        let queue = filled(100);
        for (time, offset) in [(0, 0), (10, 1), (11, 2), (990, 99), (991, 100)] {
            assert_eq!(queue.search_by_time(SimTime::from_nanos(time)), offset);
        }
    }
}
