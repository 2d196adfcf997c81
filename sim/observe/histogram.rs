//! A histogram of whole numbers, to three digits, that takes a value in about a nanosecond.
//!
//! Each octave is cut into 1 024 equal bins, so that a value differs from its bin's ends by less than one in a
//! thousand; below 2 048 units every unit has its own bin. The bins grow with the largest value, not with the number
//! of values. Two histograms of one unit can be added. The layout is that of HdrHistogram, which the tests
//! compare with; its crate takes several times as long for a value.

use crate::kernel::memory;

/// Bins of an octave are 2 to this.
const OCTAVE_BITS: u32 = 10;
/// Bins of an octave.
const OCTAVE: u64 = 1 << OCTAVE_BITS;

/// Counts of values by bin.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// Values are told apart in units of 2 to this.
    unit_bits: u32,
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// An empty histogram that tells values apart in units of 2 to the `unit_bits`.
    pub const fn with_unit_bits(unit_bits: u32) -> Self {
        Self {
            unit_bits,
            counts: Vec::new(),
            total: 0,
        }
    }

    /// One more value.
    #[inline(always)]
    pub fn record(&mut self, value: u64) {
        let bin = bin_of(value >> self.unit_bits);
        self.total += 1;
        match self.counts.get_mut(bin) {
            Some(count) => *count += 1,
            None => self.grow_and_count(bin),
        }
    }

    #[cold]
    #[inline(never)]
    fn grow_and_count(&mut self, bin: usize) {
        // Whole octaves at a time.
        self.counts
            .resize((bin / OCTAVE as usize + 1) * OCTAVE as usize, 0);
        self.counts[bin] += 1;
    }

    /// Takes all values of `other` in.
    ///
    /// # Panics
    /// If the units differ.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(
            self.unit_bits, other.unit_bits,
            "histograms of one unit can be added"
        );
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, others) in self.counts.iter_mut().zip(&other.counts) {
            *mine += others;
        }
        self.total += other.total;
    }

    /// What was recorded since this histogram was as `earlier` is.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut rest = self.clone();
        for (mine, theirs) in rest.counts.iter_mut().zip(&earlier.counts) {
            *mine -= theirs;
        }
        rest.total -= earlier.total;
        rest
    }

    /// Number of values.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The upper end of the bin in which the value lies that a share `q` of all does not exceed; 0 without values.
    pub fn quantile(&self, q: f64) -> u64 {
        let rank = ((q * self.total as f64).ceil() as u64).clamp(1, self.total.max(1));
        let mut below = 0;
        for (_, upper, count) in self.bins() {
            below += count;
            if below >= rank {
                return upper;
            }
        }
        0
    }

    /// Lowest and highest value and count of every bin that holds something, in rising order.
    pub fn bins(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        self.filled().map(|(bin, count)| {
            let (lower, upper) = Self::range(bin, self.unit_bits);
            (lower, upper, count)
        })
    }

    /// Number and count of every bin that holds something, in rising order.
    pub fn filled(&self) -> impl Iterator<Item = (usize, u64)> {
        let counts = self.counts.iter().copied().enumerate();
        counts.filter(|(_, count)| *count > 0)
    }

    /// Lowest and highest value of a bin, in a histogram that tells values apart in units of 2 to the `unit_bits`.
    pub fn range(bin: usize, unit_bits: u32) -> (u64, u64) {
        let (lower, upper) = range_of(bin as u64);
        let unit = (1 << unit_bits) - 1;
        (lower << unit_bits, upper << unit_bits | unit)
    }

    /// Bytes of one whose largest value is `value`. Its room doubles when it does not do: a third more on the mean.
    pub fn held_for(value: u64, unit_bits: u32) -> u64 {
        let octaves = bin_of(value >> unit_bits) as u64 / OCTAVE + 1;
        memory::of::<u64>((octaves * OCTAVE) as usize * 4 / 3)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.counts)
    }
}

/// The bin of a value in units.
#[inline(always)]
fn bin_of(units: u64) -> usize {
    // Position of the leading bit beyond the bits that a bin keeps; 0 for all that fits into two octaves.
    let shift = (u64::BITS - OCTAVE_BITS - 1).saturating_sub(units.leading_zeros());
    (u64::from(shift) * OCTAVE + (units >> shift)) as usize
}

/// Lowest and highest value of a bin, in units.
fn range_of(bin: u64) -> (u64, u64) {
    let shift = (bin / OCTAVE).saturating_sub(1);
    let lower = (bin - shift * OCTAVE) << shift;
    (lower, lower + ((1 << shift) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bins follow each other without a gap, at the seams of octaves too.
    #[test]
    fn bins_tile_the_numbers() {
        let mut next = 0;
        for bin in 0..20_000 {
            let (lower, upper) = range_of(bin);
            assert_eq!(lower, next);
            assert_eq!((bin_of(lower), bin_of(upper)), (bin as usize, bin as usize));
            next = upper + 1;
        }
        assert_eq!(range_of(bin_of(u64::MAX) as u64).1, u64::MAX);
    }

    #[test]
    fn an_empty_histogram_says_nothing() {
        let histogram = Histogram::with_unit_bits(9);
        assert_eq!((histogram.len(), histogram.quantile(0.5)), (0, 0));
        assert_eq!(histogram.bins().count(), 0);
    }

    proptest! {
        /// Quantiles are those of HdrHistogram with the same unit and three digits.
        #[test]
        fn quantiles_are_those_of_hdr_histogram(
            values in prop::collection::vec((0_u32..45, any::<u64>()), 1..300),
            unit_bits in prop::sample::select(vec![0_u32, 9]),
        ) {
            let mut own = Histogram::with_unit_bits(unit_bits);
            let mut hdr = hdrhistogram::Histogram::<u64>::new_with_bounds(1 << unit_bits, 1 << 50, 3).unwrap();
            for (bits, random) in values {
                let value = random >> (63 - bits);
                own.record(value);
                hdr.record(value).unwrap();
            }
            prop_assert_eq!(own.len(), hdr.len());
            for q in [0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
                prop_assert_eq!(own.quantile(q), hdr.value_at_quantile(q), "{}", q);
            }
        }
    }
}
