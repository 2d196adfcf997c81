//! An entry of one slot of time, in two words.

use crate::kernel::event_list::Scheduled;
use crate::kernel::event_list::quad_heap::Keyed;
use crate::kernel::time::SimTime;

/// Binary logarithm of a slot's length in nanoseconds: a slot is 8.4 ms.
///
/// Hops stay within a slot and meet the heap only; the longer ones of the service times, and timers of seconds, do not.
pub const SLOT_BITS: u32 = 23;

/// Bits of a place that number the entries: 41.
const NUMBER_BITS: u32 = u64::BITS - SLOT_BITS;

/// The slot in which an entry is due.
#[inline(always)]
pub fn slot_of<E>(entry: &Scheduled<E>) -> u64 {
    entry.time.as_nanos() >> SLOT_BITS
}

/// See the module. Lists move a third less than they would with [`Scheduled`], and compare one word instead of two.
#[derive(Clone, Copy, Debug)]
pub struct InSlot<E> {
    /// Nanoseconds since the start of the slot; then how many sequence numbers after the first one of its list.
    place: u64,
    event: E,
}

impl<E: Copy> InSlot<E> {
    /// `entry` in a list whose sequence numbers count from `first_seq`.
    #[inline(always)]
    pub fn pack(entry: Scheduled<E>, first_seq: u64) -> Self {
        let number = entry.seq - first_seq;
        assert!(
            number >> NUMBER_BITS == 0,
            "more than 2⁴¹ events while something of one slot was pending"
        );
        let since = entry.time.as_nanos() & ((1 << SLOT_BITS) - 1);
        Self {
            place: since << NUMBER_BITS | number,
            event: entry.event,
        }
    }

    /// The entry as it was, in `slot`.
    #[inline(always)]
    pub fn unpack(&self, slot: u64, first_seq: u64) -> Scheduled<E> {
        Scheduled {
            time: SimTime::from_nanos(slot << SLOT_BITS | self.since()),
            seq: first_seq + (self.place & ((1 << NUMBER_BITS) - 1)),
            event: self.event,
        }
    }

    /// When it is due: nanoseconds since the start of the slot.
    #[inline(always)]
    pub fn since(&self) -> u64 {
        self.place >> NUMBER_BITS
    }
}

impl<E: Copy> Keyed for InSlot<E> {
    type Key = u64;
    #[inline(always)]
    fn key(&self) -> u64 {
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        for (time, seq) in [(0, 7), (1, 8), ((3 << SLOT_BITS) - 1, 1 << (NUMBER_BITS - 1))] {
            let time = SimTime::from_nanos(time);
            let entry = Scheduled {
                time,
                seq,
                event: 'e',
            };
            let back = InSlot::pack(entry, 7).unpack(slot_of(&entry), 7);
            assert_eq!((back.time, back.seq, back.event), (time, seq, 'e'));
        }
    }

    #[test]
    #[should_panic(expected = "more than 2⁴¹ events")]
    fn numbers_do_not_run_into_times() {
        let entry = Scheduled {
            time: SimTime::ZERO,
            seq: 1 << NUMBER_BITS,
            event: (),
        };
        InSlot::pack(entry, 0);
    }
}
