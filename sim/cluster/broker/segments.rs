//! The records of one queue in memory: segments of 64, of which those that nobody reads soon are packed.
//!
//! Who keeps up reads a segment before it is full, or soon after, and never meets a packed one. A full segment is packed
//! when the queue has eight later ones and nobody has read it, or when it is kept although a good while has passed: some
//! group is far behind. A packed one is read as it is and never unpacked: whoever reads so far behind pays a little for
//! each record.

use crate::cluster::broker::packed_segment::PackedSegment;
use crate::cluster::message::Record;
use crate::kernel::memory;
use std::collections::VecDeque;

/// Records in one segment.
const SEGMENT: usize = 64;
/// So many full segments are left to who is about to read them.
const NEAR: usize = 8;
/// Releases between two looks for full segments that have been there at the look before. At four releases a second they
/// are 8 to 16 s old: who commits every 5 s has let them go.
const RELEASES_TO_LOOK: u8 = 32;

#[derive(Debug)]
enum Segment {
    Plain(Vec<Record>),
    Packed(PackedSegment),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Segments {
    /// Full segments.
    full: VecDeque<Segment>,
    /// The newest segment.
    newest: Vec<Record>,
    /// Where the first record of each segment lies in the commit log.
    positions: VecDeque<u64>,
    /// Emptied segments, kept for the next append.
    spare: Vec<Vec<Record>>,
    /// Offset of the first record of the first segment.
    base: u64,
    /// One past the last record.
    end: u64,
    /// One past the last record that anybody has read.
    read_to: u64,
    /// The end at the last look for old segments.
    end_at_look: u64,
    releases: u8,
    /// All full segments below are packed, as far as looks have come.
    looked_to: u64,
    packed: usize,
    /// Bytes of packed segments.
    packed_bytes: u64,
}

impl Segments {
    /// Appends a record, which lies at `position` of the commit log, and tells its offset.
    #[inline]
    pub fn append(&mut self, record: Record, position: u64) -> u64 {
        if self.end.is_multiple_of(SEGMENT as u64) {
            self.begin_segment(position);
        }
        self.newest.push(record);
        self.end += 1;
        self.end - 1
    }

    /// Where the record at `offset` lies in the commit log, to 63 records of this queue.
    ///
    /// # Panics
    /// If the record was released or never stored.
    pub fn position(&self, offset: u64) -> u64 {
        self.positions[((offset - self.base) / SEGMENT as u64) as usize]
    }

    /// Does something with the record at `offset`.
    ///
    /// # Panics
    /// If the record was released or never stored.
    #[inline]
    pub fn with<R>(&self, offset: u64, see: impl FnOnce(&Record) -> R) -> R {
        assert!(
            self.base <= offset && offset < self.end,
            "invariant L4 broken: offset {offset} is read outside the kept records {}..{}",
            self.base,
            self.end
        );
        let at = (offset - self.base) as usize;
        let unpacked;
        let record = match self.full.get(at / SEGMENT) {
            None => &self.newest[at % SEGMENT],
            Some(Segment::Plain(records)) => &records[at % SEGMENT],
            Some(Segment::Packed(packed)) => {
                unpacked = packed.get(at % SEGMENT);
                &unpacked
            }
        };
        see(record)
    }

    /// Somebody has read all below `offset`, as far as it wanted.
    #[inline]
    pub fn note_read(&mut self, offset: u64) {
        self.read_to = self.read_to.max(offset);
    }

    /// Frees whole segments below `safe`, and packs those that stay for long.
    pub fn release(&mut self, safe: u64) {
        while self.has_releasable() && self.base + SEGMENT as u64 <= safe {
            match self.full.pop_front() {
                None => self.newest.clear(),
                Some(Segment::Plain(records)) => self.recycle(records),
                Some(Segment::Packed(packed)) => {
                    self.packed -= 1;
                    self.packed_bytes -= packed.held();
                }
            }
            self.positions.pop_front();
            self.base += SEGMENT as u64;
        }
        self.releases += 1;
        if self.releases == RELEASES_TO_LOOK {
            self.releases = 0;
            self.pack_old();
        }
    }

    /// Whether a later release may free something.
    #[inline]
    pub fn has_releasable(&self) -> bool {
        self.base + SEGMENT as u64 <= self.end
    }

    /// First record that is kept.
    #[inline]
    pub fn base(&self) -> u64 {
        self.base
    }

    /// One past the last record.
    #[inline]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Bytes that they hold.
    pub fn held(&self) -> u64 {
        let plain = self.full.len() - self.packed + self.spare.len();
        plain as u64 * memory::of::<Record>(SEGMENT)
            + memory::of_vec(&self.newest)
            + self.packed_bytes
            + memory::of_deque(&self.full)
            + memory::of_deque(&self.positions)
    }

    fn begin_segment(&mut self, position: u64) {
        if !self.newest.is_empty() {
            self.pack_unread();
            let newest = std::mem::replace(&mut self.newest, self.spare.pop().unwrap_or_default());
            self.full.push_back(Segment::Plain(newest));
        }
        self.newest.reserve_exact(SEGMENT);
        self.positions.push_back(position);
    }

    /// Another segment is full: the one that is no longer near the end is packed if nobody has read it.
    fn pack_unread(&mut self) {
        if let Some(place) = self.full.len().checked_sub(NEAR)
            && self.read_to <= self.start(place)
        {
            self.pack(place);
        }
    }

    /// Packs the full segment at `place`, unless it is packed.
    fn pack(&mut self, place: usize) {
        if let Segment::Plain(records) = &mut self.full[place] {
            let packed = PackedSegment::new(records);
            let emptied = std::mem::take(records);
            self.packed += 1;
            self.packed_bytes += packed.held();
            self.full[place] = Segment::Packed(packed);
            self.recycle(emptied);
        }
    }

    /// Offset of the first record of the segment at `place`.
    fn start(&self, place: usize) -> u64 {
        self.base + (place * SEGMENT) as u64
    }

    fn recycle(&mut self, mut emptied: Vec<Record>) {
        if self.spare.len() < 4 {
            emptied.clear();
            self.spare.push(emptied);
        }
    }

    /// Packs full segments that have been there at the look before.
    fn pack_old(&mut self) {
        let from = self.looked_to.max(self.base);
        let full_to = self.start(self.full.len());
        let old = std::mem::replace(&mut self.end_at_look, full_to);
        for start in (from..old).step_by(SEGMENT) {
            self.pack(((start - self.base) / SEGMENT as u64) as usize);
        }
        self.looked_to = from.max(old);
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

    fn filled(n: u64) -> Segments {
        let mut segments = Segments::default();
        for i in 0..n {
            assert_eq!(segments.append(record(i), i * 200), i);
        }
        segments
    }

    #[track_caller]
    fn holds(segments: &Segments, offsets: impl IntoIterator<Item = u64>) {
        for offset in offsets {
            assert_eq!(segments.with(offset, |record| *record), record(offset));
            assert_eq!(segments.position(offset), offset / 64 * 64 * 200);
        }
    }

    /// Of 20 full segments the last 8 stay plain. The 21st begins with its first record.
    #[test]
    fn what_nobody_reads_is_packed() {
        let mut segments = filled(20 * 64);
        assert_eq!((segments.full.len(), segments.packed), (19, 11));
        segments.append(record(20 * 64), 20 * 64 * 200);
        assert_eq!((segments.full.len(), segments.packed), (20, 12));
        holds(&segments, 0..=20 * 64);
    }

    /// A reader that keeps up meets plain segments only; what lies below it is packed when it has grown old.
    #[test]
    fn what_is_read_in_time_is_packed_if_it_stays() {
        let mut segments = Segments::default();
        for i in 0..6400 {
            segments.append(record(i), i * 200);
            segments.note_read(i + 1);
        }
        assert_eq!(segments.packed, 0);
        let plain = segments.held();
        for _ in 0..2 * RELEASES_TO_LOOK - 1 {
            segments.release(0);
        }
        assert_eq!(segments.packed, 0);
        segments.release(0);
        assert_eq!((segments.packed, segments.full.len()), (99, 99));
        assert!(segments.held() < plain / 2);
        holds(&segments, 0..6400);
    }

    /// Nothing is left of what is released, packed or not.
    #[test]
    fn released_segments_are_given_back() {
        let mut segments = filled(6400);
        segments.release(64 * 80 + 63);
        assert_eq!(
            (segments.base(), segments.end(), segments.packed),
            (64 * 80, 6400, 11)
        );
        holds(&segments, 64 * 80..6400);
        segments.release(6400);
        assert_eq!(
            (segments.base(), segments.packed, segments.packed_bytes),
            (6400, 0, 0)
        );
        assert!(!segments.has_releasable());
        segments.append(record(6400), 6400 * 200);
        holds(&segments, [6400]);
    }

    /// Waiting costs less than half of a record. The rows of [`record`] have 64 (luck) + 16 + 4 (times) + 8 + 6 (numbers) +
    /// 3 + 2 + 1 bits.
    #[test]
    fn a_waiting_record_is_small() {
        let segments = filled(64 * 1000);
        assert!(segments.held() / 64_000 < 20, "{}", segments.held() / 64_000);
    }

    proptest! {
        /// Whatever happens in between, what is kept can be read, near the end or far behind.
        #[test]
        fn it_is_a_list(steps in prop::collection::vec((0_u8..4, 0_u64..500), 1..80)) {
            let mut segments = Segments::default();
            for (step, n) in steps {
                let (base, end) = (segments.base(), segments.end());
                match step {
                    0 | 1 => (end..end + n).for_each(|i| {
                        segments.append(record(i), i * 200);
                    }),
                    2 => segments.note_read((base + n).min(end)),
                    _ => (0..n % 40).for_each(|_| segments.release((base + n).min(end))),
                }
                holds(&segments, segments.base()..segments.end());
                let packed = segments.full.iter().filter_map(|segment| match segment {
                    Segment::Plain(_) => None,
                    Segment::Packed(packed) => Some(packed.held()),
                });
                let packed: Vec<u64> = packed.collect();
                prop_assert_eq!(packed.len(), segments.packed);
                prop_assert_eq!(packed.iter().sum::<u64>(), segments.packed_bytes);
            }
        }
    }
}
