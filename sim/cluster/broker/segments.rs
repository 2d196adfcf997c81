//! The records of one queue in memory: those near the end as they are, in a ring that is no longer than they need; what
//! nobody reads soon packed, 64 to a segment.
//!
//! Who keeps up reads a record soon after it came, and never meets a packed one. A full segment is packed when the queue
//! has eight later ones and nobody has read it, or when it is kept although a good while has passed: some group is far
//! behind. A packed one is read as it is and never unpacked: whoever reads so far behind pays a little for each record.
//!
//! Records are given up in whole segments, four times a second; the ring lets what nobody needs go earlier, before it takes
//! more room. A queue of few messages a second keeps few in memory, and those in few cache lines.

use crate::cluster::broker::packed_segment::PackedSegment;
use crate::cluster::message::Record;
use crate::kernel::memory;
use std::collections::VecDeque;

/// Records in one segment.
const SEGMENT: u64 = 64;
/// So many full segments are left to who is about to read them.
const NEAR: u64 = 8;
/// Releases between two looks for full segments that have been there at the look before. At four releases a second they
/// are 8 to 16 s old: who commits every 5 s has let them go.
const RELEASES_TO_LOOK: u8 = 32;
/// Room of the ring at first; it grows by halves.
const LEAST_ROOM: usize = 8;
/// A ring with more room is cut when it is three quarters empty, to no less than this.
const FREE_ROOM: usize = 64;

/// See the module.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Segments {
    /// The records from `recent_from` to the end.
    recent: VecDeque<Record>,
    recent_from: u64,
    /// Offset of the first record of the first segment.
    base: u64,
    /// One past the last record that anybody has read.
    read_to: u64,
    /// What is looked at once in 64 records; made with the first.
    old: Option<Box<Old>>,
}

#[derive(Debug, Default)]
struct Old {
    /// Where the first record of each segment lies in the commit log.
    positions: VecDeque<u64>,
    /// Packed segments: all from `packed_from` to the ring.
    packed: VecDeque<PackedSegment>,
    /// Their first record; those before it in its segment went with the ring.
    packed_from: u64,
    /// Bytes of packed segments.
    packed_bytes: u64,
    /// The end of the last full segment at the last look for old ones.
    end_at_look: u64,
    releases: u8,
}

impl Segments {
    /// Appends a record, which lies at `position` of the commit log, and tells its offset.
    #[inline]
    pub fn append(&mut self, record: Record, position: u64) -> u64 {
        let offset = self.end();
        if offset.is_multiple_of(SEGMENT) {
            self.begin_segment(position);
        }
        self.recent.push_back(record);
        offset
    }

    /// Whether the next record needs more room.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.recent.len() == self.recent.capacity()
    }

    /// Makes room for the next record: by letting go what lies below `needed`, which nobody can ask for any more, and else by
    /// taking more.
    pub fn make_room(&mut self, needed: u64) {
        self.let_go(needed);
        let room = self.recent.capacity();
        if self.recent.len() > room / 2 || room == 0 {
            let more = room - self.recent.len() + (room / 2).max(LEAST_ROOM);
            self.recent.reserve_exact(more);
        }
    }

    /// Where the record at `offset` lies in the commit log, to 63 records of this queue.
    ///
    /// # Panics
    /// If the record was released or never stored.
    pub fn position(&self, offset: u64) -> u64 {
        let old = self.old.as_ref().expect("there are records");
        old.positions[((offset - self.base) / SEGMENT) as usize]
    }

    /// Does something with the record at `offset`.
    ///
    /// # Panics
    /// If the record was released or never stored.
    #[inline]
    pub fn with<R>(&self, offset: u64, see: impl FnOnce(&Record) -> R) -> R {
        match self.recent.get(offset.wrapping_sub(self.recent_from) as usize) {
            Some(record) => see(record),
            None => see(&self.unpacked(offset)),
        }
    }

    #[inline(never)]
    fn unpacked(&self, offset: u64) -> Record {
        let packed = (self.old.as_ref())
            .filter(|old| old.packed_from <= offset && offset < self.recent_from)
            .and_then(|old| old.get(offset));
        packed.unwrap_or_else(|| {
            panic!(
                "invariant L4 broken: offset {offset} is read outside the kept records {}..{}",
                self.kept_from(),
                self.end()
            )
        })
    }

    /// Somebody has read all below `offset`, as far as it wanted.
    #[inline]
    pub fn note_read(&mut self, offset: u64) {
        self.read_to = self.read_to.max(offset);
    }

    /// Gives up whole segments below `safe` and lets go what lies below `needed`; packs what stays for long.
    pub fn release(&mut self, safe: u64, needed: u64) {
        while self.has_releasable() && self.base + SEGMENT <= safe {
            self.base += SEGMENT;
            let old = self.old.as_mut().expect("there are records");
            old.positions.pop_front();
            old.release(self.base);
        }
        self.let_go(needed.max(self.base));
        let (len, room) = (self.recent.len(), self.recent.capacity());
        if room > FREE_ROOM && len < room / 4 {
            self.recent.shrink_to((len * 2).max(FREE_ROOM));
        }
        self.pack_old();
    }

    /// Whether a later release may give something up.
    #[inline]
    pub fn has_releasable(&self) -> bool {
        self.base + SEGMENT <= self.end()
    }

    /// Whether the record just appended is the first with which that is so.
    #[inline]
    pub fn has_first_releasable(&self) -> bool {
        self.base + SEGMENT == self.end()
    }

    /// First record that is not given up.
    #[inline]
    pub fn base(&self) -> u64 {
        self.base
    }

    /// First record in memory.
    pub fn kept_from(&self) -> u64 {
        match &self.old {
            Some(old) if !old.packed.is_empty() => old.packed_from,
            _ => self.recent_from,
        }
    }

    /// One past the last record.
    #[inline]
    pub fn end(&self) -> u64 {
        self.recent_from + self.recent.len() as u64
    }

    /// Bytes that they hold.
    pub fn held(&self) -> u64 {
        memory::of_deque(&self.recent) + self.old.as_ref().map_or(0, |old| old.held())
    }

    /// Bytes for records of which `fresh` wait for their commit and `waiting` for a reader, who is far behind, of `stored` in
    /// all. `packed` are those of a packed segment.
    pub fn held_for([fresh, waiting, stored]: [u64; 3], packed: u64) -> u64 {
        if stored == 0 {
            return 0;
        }
        let near = waiting.min((NEAR + 1) * SEGMENT);
        let far = (waiting - near) / SEGMENT;
        // A ring in which more than half is needed grows when it is full.
        let records = stored.min(near + 2 * fresh);
        let mut room = LEAST_ROOM as u64;
        while room < records {
            room += (room / 2).max(LEAST_ROOM as u64);
        }
        let places =
            memory::of_grown::<PackedSegment>(far) + memory::of_grown::<u64>(far + records.div_ceil(SEGMENT));
        memory::of::<Record>(room as usize) + memory::of::<Old>(1) + far.saturating_mul(packed) + places
    }

    /// Bytes of a packed segment of records like these.
    pub fn packed_held(record: impl Fn(u64) -> Record) -> u64 {
        let records: Vec<Record> = (0..SEGMENT).map(record).collect();
        PackedSegment::new(&records).held()
    }

    /// Records below `needed` leave the ring, unless packed ones before them stay.
    fn let_go(&mut self, needed: u64) {
        if self.kept_from() == self.recent_from && needed > self.recent_from {
            let gone = (needed - self.recent_from).min(self.recent.len() as u64);
            self.recent.drain(..gone as usize);
            self.recent_from += gone;
        }
    }

    #[inline(never)]
    fn begin_segment(&mut self, position: u64) {
        let old = self.old.get_or_insert_default();
        old.positions.push_back(position);
        // The segment that is no longer near the end is packed if nobody has read it.
        if let Some(start) = self.end().checked_sub((NEAR + 1) * SEGMENT)
            && self.read_to <= start
        {
            self.pack_below(start + SEGMENT);
        }
    }

    /// Packs all below `to`, the end of a full segment.
    fn pack_below(&mut self, to: u64) {
        let Some(old) = &mut self.old else { return };
        if old.packed.is_empty() {
            old.packed_from = self.recent_from;
        }
        while self.recent_from < to {
            let end = (self.recent_from + 1).next_multiple_of(SEGMENT);
            let records: Vec<Record> = self.recent.drain(..(end - self.recent_from) as usize).collect();
            self.recent_from = end;
            old.add(PackedSegment::new(&records));
        }
    }

    /// Now and then packs what was full at the look before.
    fn pack_old(&mut self) {
        let end = self.end();
        let Some(old) = &mut self.old else { return };
        old.releases += 1;
        if old.releases == RELEASES_TO_LOOK {
            old.releases = 0;
            let to = std::mem::replace(&mut old.end_at_look, end - end % SEGMENT);
            self.pack_below(to);
        }
    }
}

impl Old {
    fn get(&self, offset: u64) -> Option<Record> {
        let segment = offset / SEGMENT - self.packed_from / SEGMENT;
        let skipped = match segment {
            0 => self.packed_from % SEGMENT,
            _ => 0,
        };
        let packed = self.packed.get(segment as usize)?;
        Some(packed.get((offset % SEGMENT - skipped) as usize))
    }

    fn add(&mut self, packed: PackedSegment) {
        self.packed_bytes += packed.held();
        self.packed.push_back(packed);
    }

    /// Packed segments below `base` are no more.
    fn release(&mut self, base: u64) {
        if self.packed_from < base
            && let Some(gone) = self.packed.pop_front()
        {
            self.packed_bytes -= gone.held();
            self.packed_from = base;
        }
    }

    fn held(&self) -> u64 {
        memory::of::<Self>(1)
            + memory::of_deque(&self.positions)
            + memory::of_deque(&self.packed)
            + self.packed_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::{MessageId, TopicId};
    use crate::kernel::time::SimTime;
    use proptest::prelude::*;

    /// One like no other; every seventh is a retry copy.
    fn record(n: u64) -> Record {
        Record {
            born: SimTime::from_nanos(n * 1000),
            stored: SimTime::from_nanos(n * 1000 + n % 13),
            luck: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            id: MessageId((n << 40) + n * 3),
            body_size: (n % 5) as u32,
            origin_topic: TopicId((n % 3) as u32),
            reconsume_times: u16::from(n.is_multiple_of(7)),
        }
    }

    /// A queue to which records are appended as a broker does it; nobody needs what lies below `needed`.
    fn append(segments: &mut Segments, offset: u64, needed: u64) {
        if segments.is_full() {
            segments.make_room(needed);
        }
        assert_eq!(segments.append(record(offset), offset * 200), offset);
    }

    fn filled(n: u64) -> Segments {
        let mut segments = Segments::default();
        (0..n).for_each(|offset| append(&mut segments, offset, 0));
        segments
    }

    /// Segments that are packed.
    fn packed(segments: &Segments) -> usize {
        segments.old.as_ref().map_or(0, |old| old.packed.len())
    }

    #[track_caller]
    fn holds(segments: &Segments, offsets: impl IntoIterator<Item = u64>) {
        for offset in offsets {
            assert_eq!(segments.with(offset, |record| *record), record(offset));
            assert_eq!(segments.position(offset), offset / 64 * 64 * 200);
        }
    }

    /// Backlogs that nobody reads, of one record and of many: foreseen to a tenth, or to one segment.
    #[test]
    fn backlogs_hold_what_is_foreseen() {
        let packed = Segments::packed_held(record);
        for n in [0, 1, 64, 500, 640, 10_000, 100_000] {
            let (held, foreseen) = (filled(n).held(), Segments::held_for([0, n, n], packed));
            let near = (held / 10).max(memory::of::<Record>(SEGMENT as usize));
            assert!(
                foreseen.abs_diff(held) <= near,
                "{n} records: {foreseen} foreseen, {held} held"
            );
        }
    }

    /// Of a million that came and went, the last 1 000 wait for their commit: the ring has room for about twice as many.
    #[test]
    fn who_keeps_up_holds_what_is_foreseen() {
        let mut segments = Segments::default();
        for n in 0..1_000_000_u64 {
            let needed = n.saturating_sub(1000);
            append(&mut segments, n, needed);
            segments.note_read(n + 1);
            if n % 100 == 0 {
                segments.release(needed, needed);
            }
        }
        let foreseen = Segments::held_for([1000, 0, 1_000_000], Segments::packed_held(record));
        let factor = foreseen as f64 / segments.held() as f64;
        assert!((0.7..1.5).contains(&factor), "{foreseen}, {}", segments.held());
    }

    /// Of 20 full segments the last 8 stay plain. The 21st begins with its first record.
    #[test]
    fn what_nobody_reads_is_packed() {
        let mut segments = filled(20 * 64);
        assert_eq!((packed(&segments), segments.recent_from), (11, 11 * 64));
        append(&mut segments, 20 * 64, 0);
        assert_eq!((packed(&segments), segments.recent_from), (12, 12 * 64));
        holds(&segments, 0..=20 * 64);
    }

    /// A reader that keeps up meets plain records only; what lies below it is packed when it has grown old.
    #[test]
    fn what_is_read_in_time_is_packed_if_it_stays() {
        let mut segments = Segments::default();
        for i in 0..6400 {
            append(&mut segments, i, 0);
            segments.note_read(i + 1);
        }
        assert_eq!(packed(&segments), 0);
        let plain = segments.held();
        for _ in 0..2 * RELEASES_TO_LOOK - 1 {
            segments.release(0, 0);
        }
        assert_eq!(packed(&segments), 0);
        segments.release(0, 0);
        assert_eq!((packed(&segments), segments.end()), (100, 6400));
        holds(&segments, 0..6400);
        segments.release(0, 0);
        assert!(segments.held() < plain / 2);
    }

    /// Nothing is left of what is released, packed or not.
    #[test]
    fn released_segments_are_given_back() {
        let mut segments = filled(6400);
        segments.release(64 * 80 + 63, 64 * 80 + 63);
        assert_eq!(
            (segments.base(), segments.end(), packed(&segments)),
            (64 * 80, 6400, 11)
        );
        holds(&segments, 64 * 80..6400);
        segments.release(6400, 6400);
        let packed_bytes = segments.old.as_ref().map(|old| old.packed_bytes);
        assert_eq!(
            (segments.base(), packed(&segments), packed_bytes),
            (6400, 0, Some(0))
        );
        assert!(!segments.has_releasable());
        append(&mut segments, 6400, 6400);
        holds(&segments, [6400]);
    }

    /// A queue whose readers are at most two records behind never has room for more than eight, however many come; what
    /// is given up are whole segments all the same.
    #[test]
    fn who_keeps_up_needs_little_room() {
        let mut segments = Segments::default();
        for offset in 0..1000 {
            append(&mut segments, offset, offset.saturating_sub(2));
            assert!(segments.recent.capacity() <= LEAST_ROOM);
            assert_eq!(segments.has_first_releasable(), offset == 63);
            holds(&segments, offset.saturating_sub(2)..=offset);
        }
        assert_eq!((segments.base(), segments.end()), (0, 1000));
        segments.release(998, 998);
        assert_eq!((segments.base(), segments.kept_from()), (64 * 15, 998));
        holds(&segments, 998..1000);
    }

    /// Room that a burst took is given back when it is over.
    #[test]
    fn room_follows_what_is_there() {
        let mut segments = filled(500);
        assert!(segments.recent.capacity() >= 500);
        segments.release(495, 495);
        assert!(segments.recent.capacity() <= FREE_ROOM);
        holds(&segments, 495..500);
    }

    /// Retention deletes what a group still has to be told of: the segments go, the rest stays readable.
    #[test]
    fn what_is_needed_stays_in_memory_though_it_is_deleted() {
        let mut segments = filled(200);
        segments.release(150, 10);
        assert_eq!((segments.base(), segments.kept_from()), (128, 128));
        holds(&segments, 128..200);
    }

    #[test]
    #[should_panic(expected = "invariant L4 broken: offset 4 is read outside the kept records 5..10")]
    fn what_was_let_go_is_not_read() {
        let mut segments = filled(10);
        segments.make_room(5);
        segments.with(4, |_| ());
    }

    /// Waiting costs less than half of a record. The rows of [`record`] have 64 (luck) + 16 + 4 (times) + 8 + 6 (numbers) +
    /// 3 + 2 + 1 bits.
    #[test]
    fn a_waiting_record_is_small() {
        let segments = filled(64 * 1000);
        assert!(segments.held() / 64_000 < 20, "{}", segments.held() / 64_000);
    }

    proptest! {
        /// Whatever happens in between, what somebody may ask for can be read, near the end or far behind.
        #[test]
        fn it_is_a_list(steps in prop::collection::vec((0_u8..5, 0_u64..500), 1..80)) {
            let mut segments = Segments::default();
            let mut needed = 0;
            for (step, n) in steps {
                let (base, end) = (segments.base(), segments.end());
                match step {
                    0 | 1 => (end..end + n).for_each(|offset| append(&mut segments, offset, needed)),
                    2 => segments.note_read((base + n).min(end)),
                    3 => needed = (needed + n).min(end),
                    _ => (0..n % 40).for_each(|_| segments.release(needed, needed)),
                }
                prop_assert!(segments.base() <= needed && segments.kept_from() <= needed);
                holds(&segments, needed..segments.end());
                if let Some(old) = &segments.old {
                    let bytes = old.packed.iter().map(PackedSegment::held).sum::<u64>();
                    prop_assert_eq!(bytes, old.packed_bytes);
                }
            }
        }
    }
}
