//! Records that wait, in as few bits as they take.
//!
//! Neighbours in a queue are alike: they come from the same producers, soon after each other, and their sizes lie close
//! together. Of each field a packed segment keeps the least value and, for each record, how far it lies above it, in
//! just so many bits as the farthest takes. All rows have the same width, so any record is read alone, and nothing is
//! unpacked to read its neighbour. A luck is a random word: nothing shortens it.

use crate::cluster::ids::{MessageId, ProducerId, TopicId};
use crate::cluster::message::Record;
use crate::kernel::memory;
use crate::kernel::time::SimTime;

/// What a row consists of, in the order of [`values`].
const FIELDS: usize = 8;
/// Words before the rows: the widths, a byte each, and the least values.
const HEADER: usize = 1 + FIELDS;

/// See the module.
#[derive(Debug)]
pub struct PackedSegment {
    words: Box<[u64]>,
}

/// What is stored of a record. The number of a message and its producer are kept apart: each is close to its neighbours',
/// their union is not.
fn values(record: &Record) -> [u64; FIELDS] {
    let stored = record.stored.as_nanos();
    [
        stored,
        stored.wrapping_sub(record.born.as_nanos()),
        record.luck,
        record.id.number(),
        u64::from(record.id.producer().0),
        u64::from(record.body_size),
        u64::from(record.origin_topic.0),
        u64::from(record.reconsume_times),
    ]
}

/// The record of these values.
fn record([stored, age, luck, number, producer, size, topic, times]: [u64; FIELDS]) -> Record {
    Record {
        born: SimTime::from_nanos(stored.wrapping_sub(age)),
        stored: SimTime::from_nanos(stored),
        luck,
        id: MessageId::new(ProducerId(producer as u32), number),
        body_size: size as u32,
        origin_topic: TopicId(topic as u32),
        reconsume_times: times as u16,
    }
}

impl PackedSegment {
    /// Packs `records`, of which there must be one at least.
    pub fn new(records: &[Record]) -> Self {
        let (mut least, mut most) = ([u64::MAX; FIELDS], [0; FIELDS]);
        for record in records {
            for (field, value) in values(record).into_iter().enumerate() {
                least[field] = value.min(least[field]);
                most[field] = value.max(most[field]);
            }
        }
        let width = |field: usize| (u64::BITS - (most[field] - least[field]).leading_zeros()) as u8;
        let widths: [u8; FIELDS] = std::array::from_fn(width);
        let row: usize = widths.iter().map(|width| usize::from(*width)).sum();
        let mut words = vec![0; HEADER + (row * records.len()).div_ceil(64)].into_boxed_slice();
        words[0] = u64::from_le_bytes(widths);
        words[1..HEADER].copy_from_slice(&least);
        let mut at = HEADER * 64;
        for record in records {
            for (field, value) in values(record).into_iter().enumerate() {
                let width = usize::from(widths[field]);
                put(&mut words, at, width, value - least[field]);
                at += width;
            }
        }
        Self { words }
    }

    /// The record at `place` of those that were packed, from 0.
    pub fn get(&self, place: usize) -> Record {
        let widths = self.words[0].to_le_bytes();
        let row: usize = widths.iter().map(|width| usize::from(*width)).sum();
        let mut at = HEADER * 64 + place * row;
        let field = |field: usize| {
            let width = usize::from(widths[field]);
            let value = self.words[1 + field] + bits(&self.words, at, width);
            at += width;
            value
        };
        let mut values = [0; FIELDS];
        (0..FIELDS)
            .map(field)
            .zip(&mut values)
            .for_each(|(value, place)| *place = value);
        record(values)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of::<u64>(self.words.len())
    }
}

/// Writes `value` into the `width` bits from bit `at` on, 64 at most, which are all 0.
#[inline]
fn put(words: &mut [u64], at: usize, width: usize, value: u64) {
    // What has no bits may lie behind the last word.
    if width == 0 {
        return;
    }
    let (word, bit) = (at / 64, at % 64);
    words[word] |= value << bit;
    if bit + width > 64 {
        words[word + 1] |= value >> (64 - bit);
    }
}

/// The `width` bits from bit `at` on, 64 at most.
#[inline]
fn bits(words: &[u64], at: usize, width: usize) -> u64 {
    if width == 0 {
        return 0;
    }
    let (word, bit) = (at / 64, at % 64);
    let mut value = words[word] >> bit;
    if bit + width > 64 {
        value |= words[word + 1] << (64 - bit);
    }
    value & (u64::MAX >> (64 - width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 64 messages of 16 producers that share 16 queues, 1.25 ms apart: rows of 64 (luck) + 27 (79 ms) + 4 (producer) + 6
    /// (number) bits; ages and sizes are all the same.
    #[test]
    fn what_neighbours_share_is_kept_once() {
        let born = |i: u64| SimTime::from_nanos(3_000_000_000 + i * 1_250_000);
        let record = |i: u64| Record {
            born: born(i),
            stored: SimTime::from_nanos(born(i).as_nanos() + 500_000),
            luck: i.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            id: MessageId::new(ProducerId((i % 16) as u32), 4_000_000 + i / 16 * 16),
            body_size: 1024,
            origin_topic: TopicId(0),
            reconsume_times: 0,
        };
        let records: Vec<Record> = (0..64).map(record).collect();
        let packed = PackedSegment::new(&records);
        assert_eq!(packed.words.len(), HEADER + 64 + 27 + 4 + 6);
        assert_eq!(packed.held(), 16 + 110 * 8);
        for (place, record) in records.iter().enumerate() {
            assert_eq!(packed.get(place), *record);
        }
    }

    /// Nothing but the header: all rows are empty.
    #[test]
    fn equal_records_cost_no_bits() {
        let record = record([u64::MAX, 1, 2, 3, 4, 5, 6, 7]);
        let packed = PackedSegment::new(&[record; 64]);
        assert_eq!(packed.words.len(), HEADER);
        assert_eq!((packed.get(0), packed.get(63)), (record, record));
    }

    /// The widest rows: 3 times 64 bits, 40 of a number, 24 of a producer, 32 + 32 + 16.
    #[test]
    fn extremes_survive() {
        let least = record([0, 0, 0, 0, 0, 0, 0, 0]);
        let most = Record {
            born: SimTime::from_nanos(1),
            stored: SimTime::from_nanos(0),
            luck: u64::MAX,
            id: MessageId(u64::MAX),
            body_size: u32::MAX,
            origin_topic: TopicId(u32::MAX),
            reconsume_times: u16::MAX,
        };
        let late = Record {
            born: SimTime::from_nanos(u64::MAX),
            stored: SimTime::from_nanos(u64::MAX),
            ..least
        };
        let records = [least, most, late, most];
        let packed = PackedSegment::new(&records);
        assert_eq!(
            packed.words.len(),
            HEADER + (4_usize * (3 * 64 + 40 + 24 + 80)).div_ceil(64)
        );
        for (place, record) in records.iter().enumerate() {
            assert_eq!(packed.get(place), *record);
        }
    }

    /// A value of any width: `bits` of it are random, so that narrow and wide fields both come.
    fn value() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0_u32..=64).prop_map(|(value, bits)| value.checked_shr(64 - bits).unwrap_or(0))
    }

    proptest! {
        /// Whatever the records, each comes back as it was.
        #[test]
        fn packing_loses_nothing(rows in prop::collection::vec(prop::array::uniform8(value()), 1..64)) {
            let records: Vec<Record> = rows
                .into_iter()
                .map(|[born, stored, luck, id, body_size, topic, times, _]| Record {
                    born: SimTime::from_nanos(born),
                    stored: SimTime::from_nanos(stored),
                    luck,
                    id: MessageId(id),
                    body_size: body_size as u32,
                    origin_topic: TopicId(topic as u32),
                    reconsume_times: times as u16,
                })
                .collect();
            let packed = PackedSegment::new(&records);
            for (place, record) in records.iter().enumerate() {
                prop_assert_eq!(packed.get(place), *record);
            }
        }
    }
}
