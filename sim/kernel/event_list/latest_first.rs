//! The order of a run: the latest entry first, so that the earliest is taken from the end.

use crate::kernel::event_list::in_slot::{InSlot, SLOT_BITS};
use crate::kernel::event_list::quad_heap::Keyed;
use std::cmp::Reverse;

/// Binary logarithm of the number of parts.
const PART_BITS: u32 = 8;
/// Parts of a slot, 33 µs each.
const PARTS: usize = 1 << PART_BITS;
/// Fewer entries are not worth the parts.
const FEW: usize = 64;

/// Sorts the entries of one slot by time and order, latest first. `scratch`, which is empty, is room that is used again.
///
/// Timers that were set at one instant for another one come as they must go, and are looked at once. Others are dealt out to
/// parts of the slot, in time proportional to their number, and sorted there; where all are due within one part, as a whole.
pub fn sort_latest_first<E: Copy>(run: &mut [InSlot<E>], scratch: &mut Vec<InSlot<E>>) {
    if run.is_sorted_by(|a, b| a.key() > b.key()) {
        return;
    }
    if run.len() < FEW {
        return run.sort_unstable_by_key(|entry| Reverse(entry.key()));
    }
    let part = |entry: &InSlot<E>| PARTS - 1 - (entry.since() >> (SLOT_BITS - PART_BITS)) as usize;
    // How many there are in each part, then where the next one of it goes: at last, where it ends.
    let mut ends = [0_usize; PARTS];
    run.iter().for_each(|entry| ends[part(entry)] += 1);
    let mut start = 0;
    for end in &mut ends {
        start += std::mem::replace(end, start);
    }
    scratch.extend_from_slice(run);
    for entry in scratch.iter() {
        let next = &mut ends[part(entry)];
        run[*next] = *entry;
        *next += 1;
    }
    let mut start = 0;
    for end in ends {
        // Mostly one or two.
        if end > start + 1 {
            run[start..end].sort_unstable_by_key(|entry| Reverse(entry.key()));
        }
        start = end;
    }
    scratch.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::event_list::Scheduled;
    use crate::kernel::time::SimTime;
    use proptest::prelude::*;

    /// Times that are spread, close together, and all alike.
    fn times() -> impl Strategy<Value = Vec<u64>> {
        let below = prop_oneof![Just(1_u64), Just(3), Just(100_000), Just(1 << SLOT_BITS)];
        below.prop_flat_map(|below| prop::collection::vec(0..below, 0..400))
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_time_and_number(times in times(), shuffle in any::<bool>()) {
            let entry = |(seq, time): (u64, &u64)| Scheduled { time: SimTime::from_nanos(*time), seq, event: seq };
            let mut entries: Vec<_> = (0..).zip(&times).map(entry).collect();
            if shuffle {
                entries.sort_by_key(|entry| entry.seq.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            }
            let mut run: Vec<_> = entries.iter().map(|entry| InSlot::pack(*entry, 0)).collect();
            let mut scratch = Vec::new();
            sort_latest_first(&mut run, &mut scratch);
            prop_assert!(scratch.is_empty());
            let sorted: Vec<_> = run.iter().rev().map(|entry| entry.unpack(0, 0)).map(|e| (e.time, e.seq, e.event)).collect();
            let mut expected: Vec<_> = entries.iter().map(|e| (e.time, e.seq, e.event)).collect();
            expected.sort_unstable();
            prop_assert_eq!(sorted, expected);
        }
    }
}
