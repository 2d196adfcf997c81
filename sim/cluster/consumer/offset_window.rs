//! A sorted map from offset to message, shaped for one use: offsets arrive rising and leave from near the front.
//!
//! Messages lie in a ring buffer in offset order. Taking one out of the middle leaves a tombstone, so the
//! others keep their places; the first and the last slot are never tombstones. Without gaps between slots the
//! place of a message is its distance from the front, found without a search; short gaps are therefore filled
//! with tombstones. With long ones (filtered messages) a search halves its way, in O(log n). Each slot is cleared once, so
//! all the rest is O(1) amortised while offsets arrive in order. An offset below the last one is inserted where it belongs,
//! in O(n); that happens only when offsets are pulled twice.
//!
//! Plays the part of the `TreeMap`s inside `ProcessQueue`.

use crate::cluster::consumer::spare_rooms::LENT;
use crate::cluster::ids::{MessageId, TopicId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use std::collections::VecDeque;
use std::ops::Range;

/// A message in a consumer's cache: what the client needs to know of it until it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedMessage {
    /// Queue offset.
    pub offset: u64,
    /// When the broker stored this record.
    pub stored: SimTime,
    /// When its producer made it.
    pub born: SimTime,
    /// Its random word.
    pub luck: u64,
    /// Which message it is, a copy of which.
    pub id: MessageId,
    /// Body size, bytes.
    pub body_size: u32,
    /// The user topic from which it came; the same as the queue's topic unless this is a retry.
    pub origin_topic: TopicId,
    /// Attempts so far, and whether a listener has it.
    pub progress: Progress,
}

const _: () = assert!(
    size_of::<CachedMessage>() <= 56,
    "caches hold a thousand of these per queue"
);

/// How far the client got with a cached message; eight bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress(u64);

impl Progress {
    const TOMBSTONE: u64 = 1 << 63;
    const START_SHIFT: u32 = 16;
    const START_MASK: u64 = (Self::TOMBSTONE - 1) >> Self::START_SHIFT;
    const TIMES_MASK: u64 = (1 << Self::START_SHIFT) - 1;

    /// Fresh from a pull: no listener has it yet.
    pub const fn new(reconsume_times: u16) -> Self {
        Self(reconsume_times as u64)
    }

    /// `reconsumeTimes`: failed attempts so far.
    pub const fn reconsume_times(self) -> u16 {
        (self.0 & Self::TIMES_MASK) as u16
    }

    /// Counts one failed attempt; stops at 65 535.
    pub const fn add_reconsume(&mut self) {
        if self.0 & Self::TIMES_MASK < Self::TIMES_MASK {
            self.0 += 1;
        }
    }

    /// When the latest listener call began, in whole milliseconds as RocketMQ notes it
    /// (`CONSUME_START_TIME`); `None` if no listener has had it.
    pub const fn consume_started(self) -> Option<SimTime> {
        match (self.0 >> Self::START_SHIFT) & Self::START_MASK {
            0 => None,
            millis => Some(SimTime::from_nanos((millis - 1) * NANOS_PER_MILLI)),
        }
    }

    /// A listener call begins at `now`.
    pub const fn start(&mut self, now: SimTime) {
        let millis = now.as_nanos() / NANOS_PER_MILLI + 1;
        self.0 = self.0 & !(Self::START_MASK << Self::START_SHIFT) | millis << Self::START_SHIFT;
    }
}

const NANOS_PER_MILLI: u64 = 1_000_000;

impl CachedMessage {
    fn is_tombstone(&self) -> bool {
        self.progress.0 & Progress::TOMBSTONE != 0
    }
}

/// Gaps of at most so many offsets are filled with tombstones.
const FILLED_GAP: u64 = 8;

/// Messages by offset.
#[derive(Clone, Debug, Default)]
pub struct OffsetWindow {
    slots: VecDeque<CachedMessage>,
    live: u32,
}

impl OffsetWindow {
    /// How many messages there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.live as usize
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The message with the lowest offset.
    #[inline]
    pub fn first(&self) -> Option<&CachedMessage> {
        self.slots.front()
    }

    /// The message with the highest offset.
    #[inline]
    pub fn last(&self) -> Option<&CachedMessage> {
        self.slots.back()
    }

    /// All messages in offset order.
    pub fn iter(&self) -> impl Iterator<Item = &CachedMessage> {
        self.slots.iter().filter(|slot| !slot.is_tombstone())
    }

    /// The message at `offset`.
    #[inline]
    pub fn get(&self, offset: u64) -> Option<&CachedMessage> {
        let slot = &self.slots[self.find(offset)?];
        (!slot.is_tombstone()).then_some(slot)
    }

    /// The message at `offset`, to be changed. Its offset must stay.
    #[inline]
    pub fn get_mut(&mut self, offset: u64) -> Option<&mut CachedMessage> {
        let place = self.find(offset)?;
        let slot = &mut self.slots[place];
        (!slot.is_tombstone()).then_some(slot)
    }

    /// Puts `message` at its offset; whether none was there.
    #[inline(always)]
    pub fn insert(&mut self, message: CachedMessage) -> bool {
        debug_assert!(!message.is_tombstone());
        let follows = |last: &CachedMessage| last.offset + 1 == message.offset;
        if !self.slots.back().is_none_or(follows) && !self.make_room(message) {
            return self.insert_within(message);
        }
        self.slots.push_back(message);
        self.live += 1;
        true
    }

    /// Fills a short gap between the last slot and `message`; whether it lies behind the last slot.
    #[inline(never)]
    fn make_room(&mut self, message: CachedMessage) -> bool {
        let last = self.slots.back().map(|last| last.offset);
        if last.is_some_and(|last| last >= message.offset) {
            return false;
        }
        let gap = last.map_or(0, |last| message.offset - last - 1);
        if (1..=FILLED_GAP).contains(&gap) {
            self.fill(message.offset - gap..message.offset);
        }
        true
    }

    /// Takes the message at `offset` out; the size of its body.
    #[inline(always)]
    pub fn remove(&mut self, offset: u64) -> Option<u32> {
        let place = self.find(offset)?;
        let message = &self.slots[place];
        if message.is_tombstone() {
            return None;
        }
        let body_size = message.body_size;
        self.live -= 1;
        if place == 0 {
            self.slots.pop_front();
            while self.slots.front().is_some_and(CachedMessage::is_tombstone) {
                self.slots.pop_front();
            }
        } else if place + 1 == self.slots.len() {
            self.slots.pop_back();
            while self.slots.back().is_some_and(CachedMessage::is_tombstone) {
                self.slots.pop_back();
            }
        } else {
            self.slots[place].progress.0 |= Progress::TOMBSTONE;
        }
        Some(body_size)
    }

    /// Takes the message with the lowest offset out.
    pub fn pop_first(&mut self) -> Option<CachedMessage> {
        let lowest = *self.first()?;
        self.remove(lowest.offset);
        Some(lowest)
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.live = 0;
    }

    /// Whether it has no room yet.
    #[inline]
    pub fn has_no_room(&self) -> bool {
        self.slots.capacity() == 0
    }

    /// Gets room for its messages, of which there are none yet.
    #[inline]
    pub fn lend_room(&mut self, room: VecDeque<CachedMessage>) {
        debug_assert!(room.is_empty() && self.has_no_room());
        self.slots = room;
    }

    /// Gives its room back, if there is no message and somebody else may need so little.
    #[inline]
    pub fn give_room_back(&mut self) -> Option<VecDeque<CachedMessage>> {
        let may_go = self.slots.is_empty() && (1..=LENT).contains(&self.slots.capacity());
        may_go.then(|| std::mem::take(&mut self.slots))
    }

    /// Puts tombstones into a gap behind the last slot.
    fn fill(&mut self, gap: Range<u64>) {
        let mut tombstone = *self.slots.back().expect("a gap has two sides");
        tombstone.progress.0 |= Progress::TOMBSTONE;
        self.slots
            .extend(gap.map(|offset| CachedMessage { offset, ..tombstone }));
    }

    /// The slot of `offset`.
    #[inline(always)]
    fn find(&self, offset: u64) -> Option<usize> {
        let first = self.slots.front()?.offset;
        // What lies before the first is far beyond the last.
        let distance = offset.wrapping_sub(first) as usize;
        match self.slots.get(distance) {
            Some(slot) if slot.offset == offset => Some(distance),
            _ => self.search(offset).ok(),
        }
    }

    /// The slot of `offset`, or where it would be put.
    #[inline(never)]
    fn search(&self, offset: u64) -> Result<usize, usize> {
        self.slots.binary_search_by_key(&offset, |slot| slot.offset)
    }

    /// Puts `message` at or before the last slot; whether none was there.
    #[inline(never)]
    fn insert_within(&mut self, message: CachedMessage) -> bool {
        match self.search(message.offset) {
            Ok(place) => {
                let displaced = std::mem::replace(&mut self.slots[place], message);
                if !displaced.is_tombstone() {
                    return false;
                }
            }
            Err(place) => self.slots.insert(place, message),
        }
        self.live += 1;
        true
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_deque(&self.slots)
    }

    /// Bytes of one that has had so many messages.
    pub fn held_for(messages: u64) -> u64 {
        memory::of_grown::<CachedMessage>(messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn message(offset: u64, luck: u64) -> CachedMessage {
        CachedMessage {
            offset,
            stored: SimTime::ZERO,
            born: SimTime::ZERO,
            luck,
            id: MessageId(0),
            body_size: 7 * offset as u32 + luck as u32 % 7,
            origin_topic: TopicId(0),
            progress: Progress::new(0),
        }
    }

    #[test]
    fn a_window_holds_what_is_foreseen() {
        for count in [0, 1, 5, 32, 33, 1000] {
            let mut window = OffsetWindow::default();
            (0..count).for_each(|offset| assert!(window.insert(message(offset, 0))));
            assert_eq!(window.held(), OffsetWindow::held_for(count), "{count}");
        }
    }

    /// Removing 1 leaves a tombstone; removing 0 then clears both, and the distance from the front holds again.
    #[test]
    fn tombstones_leave_with_the_front() {
        let mut window = OffsetWindow::default();
        (0..4).for_each(|offset| assert!(window.insert(message(offset, 0))));
        assert!(window.remove(1).is_some());
        assert!(window.remove(1).is_none());
        assert_eq!((window.len(), window.slots.len()), (3, 4));
        assert!(window.remove(0).is_some());
        assert_eq!((window.len(), window.slots.len()), (2, 2));
        assert_eq!(window.first().map(|m| m.offset), Some(2));
    }

    /// A gap of eight offsets is filled, so that places are distances; nine stay open. Both find what is there.
    #[test]
    fn short_gaps_are_filled_and_long_ones_are_not() {
        for (second, slots) in [(11, 2), (12, 3), (19, 10), (20, 2), (1000, 2)] {
            let mut window = OffsetWindow::default();
            window.insert(message(10, 1));
            window.insert(message(second, 2));
            assert_eq!((window.len(), window.slots.len()), (2, slots), "10 and {second}");
            assert_eq!(window.get(second).map(|found| found.luck), Some(2));
            assert_eq!(window.get(second - 1).is_some(), second == 11);
        }
    }

    #[test]
    fn start_time_and_attempts_do_not_disturb_each_other() {
        let mut progress = Progress::new(u16::MAX - 1);
        assert_eq!(progress.consume_started(), None);
        progress.start(SimTime::from_nanos(1_999_999));
        progress.add_reconsume();
        progress.add_reconsume();
        assert_eq!(progress.reconsume_times(), u16::MAX);
        assert_eq!(progress.consume_started(), Some(SimTime::from_nanos(1_000_000)));
        progress.start(SimTime::ZERO);
        assert_eq!(progress.consume_started(), Some(SimTime::ZERO));
        assert_eq!(progress.reconsume_times(), u16::MAX);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64, u64),
        Remove(u64),
        PopFirst,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u64..60, any::<u64>()).prop_map(|(offset, luck)| Step::Insert(offset, luck)),
            4 => (0u64..60).prop_map(Step::Remove),
            1 => Just(Step::PopFirst),
        ]
    }

    proptest! {
        /// Whatever comes in whatever order, the window answers as a sorted map does.
        #[test]
        fn agrees_with_a_sorted_map(steps in proptest::collection::vec(step(), 0..200)) {
            let (mut window, mut map) = (OffsetWindow::default(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Insert(offset, luck) => {
                        let new = message(offset, luck);
                        prop_assert_eq!(window.insert(new), map.insert(offset, new).is_none());
                    }
                    Step::Remove(offset) => {
                        let removed = map.remove(&offset).map(|message| message.body_size);
                        prop_assert_eq!(window.remove(offset), removed);
                    }
                    Step::PopFirst => prop_assert_eq!(window.pop_first(), map.pop_first().map(|(_, m)| m)),
                }
                prop_assert_eq!(window.len(), map.len());
                prop_assert_eq!(window.is_empty(), map.is_empty());
                prop_assert_eq!(window.first(), map.first_key_value().map(|(_, m)| m));
                prop_assert_eq!(window.last(), map.last_key_value().map(|(_, m)| m));
                prop_assert!(window.iter().eq(map.values()));
                for offset in 0..60 {
                    prop_assert_eq!(window.get(offset), map.get(&offset));
                }
            }
        }
    }
}
