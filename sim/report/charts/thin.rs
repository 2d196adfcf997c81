//! Fewer points without losing a peak.

/// At most `most` points of a series that show the same picture: of each stretch the lowest and the highest
/// stay, in their order, and the two ends stay.
pub fn extremes(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    let most = most.max(4);
    if points.len() <= most {
        return points.to_vec();
    }
    let inner = &points[1..points.len() - 1];
    let stretch = inner.len().div_ceil((most - 2) / 2);
    let mut kept = Vec::with_capacity(most);
    kept.push(points[0]);
    for chunk in inner.chunks(stretch) {
        let (mut low, mut high) = (0, 0);
        for (i, point) in chunk.iter().enumerate() {
            if point.1 < chunk[low].1 {
                low = i;
            }
            if point.1 > chunk[high].1 {
                high = i;
            }
        }
        kept.push(chunk[low.min(high)]);
        if low != high {
            kept.push(chunk[low.max(high)]);
        }
    }
    kept.push(points[points.len() - 1]);
    kept
}

/// The highest of each of at most `most` equal stretches, at the middle of the stretch; the first and the last
/// stretch reach out to the ends. What is left over by the division is the first stretch: all series begin
/// at 0, but the end is what people look at.
pub fn peaks(at: &[f64], values: &[f64], most: usize) -> Vec<(f64, f64)> {
    let n = at.len().min(values.len());
    let (at, values) = (&at[..n], &values[..n]);
    let stretch = n.div_ceil(most.max(1)).max(1);
    let highest = values
        .rchunks(stretch)
        .map(|chunk| chunk.iter().copied().fold(0.0, f64::max));
    let middle = at
        .rchunks(stretch)
        .map(|chunk| (chunk[0] + chunk[chunk.len() - 1]) / 2.0);
    let mut points: Vec<(f64, f64)> = middle.zip(highest).collect();
    points.reverse();
    if let (Some(first), Some(&start)) = (points.first_mut(), at.first()) {
        first.0 = start;
    }
    if let (Some(last), Some(&end)) = (points.last_mut(), at.last()) {
        last.0 = end;
    }
    points
}

/// A total as rates: the bounds of at most about `windows` windows, equal but for the last one, and the growth per second
/// in each.
pub fn rates(at: &[f64], totals: &[u64], windows: usize) -> (Vec<f64>, Vec<f64>) {
    let n = at.len().min(totals.len());
    let (at, totals) = (&at[..n], &totals[..n]);
    let stride = at.len().saturating_sub(1).div_ceil(windows).max(1);
    let mut picks: Vec<usize> = (0..at.len()).step_by(stride).collect();
    if picks.last().is_some_and(|&last| last + 1 < at.len()) {
        picks.push(at.len() - 1);
    }
    let rate = |pair: &[usize]| {
        let (from, to) = (pair[0], pair[1]);
        let seconds = at[to] - at[from];
        if seconds > 0.0 {
            totals[to].saturating_sub(totals[from]) as f64 / seconds
        } else {
            0.0
        }
    };
    (
        picks.iter().map(|&i| at[i]).collect(),
        picks.windows(2).map(rate).collect(),
    )
}

/// `most` of `n` things, evenly spread, the first and the last among them.
pub fn evenly(n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    (0..most)
        .map(|i| i * (n - 1) / most.saturating_sub(1).max(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One peak and one dip among 100 000 points survive, and so do the ends.
    #[test]
    fn peaks_dips_and_ends_survive() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i), 10.0)).collect();
        points[31_415].1 = 99.0;
        points[77_777].1 = -5.0;
        let thin = extremes(&points, 2000);
        assert!(thin.len() <= 2000);
        assert!(thin.contains(&(31_415.0, 99.0)) && thin.contains(&(77_777.0, -5.0)));
        assert_eq!((thin[0], thin[thin.len() - 1]), (points[0], points[99_999]));
        assert!(thin.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn short_series_stay_as_they_are() {
        for n in [0_u32, 1, 2, 2000] {
            let points: Vec<(f64, f64)> = (0..n).map(|i| (f64::from(i), f64::from(i % 7))).collect();
            assert_eq!(extremes(&points, 2000), points);
        }
    }

    #[test]
    fn no_length_exceeds_the_bound() {
        for n in 1..500_u32 {
            let points: Vec<(f64, f64)> = (0..n).map(|i| (f64::from(i), f64::from(i * 37 % 11))).collect();
            for most in [4, 5, 10, 50] {
                assert!(extremes(&points, most).len() <= most, "{n} {most}");
            }
        }
    }

    /// Seven points in stretches of three: 1 + 3 + 3.
    #[test]
    fn peaks_stand_in_the_middle_and_reach_the_ends() {
        let at = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(
            peaks(&at, &[5.0, 0.0, 9.0, 0.0, 1.0, 2.0, 3.0], 3),
            [(0.0, 5.0), (2.0, 9.0), (6.0, 3.0)]
        );
        assert_eq!(peaks(&at, &[4.0], 3), [(0.0, 4.0)]);
        assert_eq!(peaks(&[], &[], 3), []);
    }

    #[test]
    fn an_even_choice_has_both_ends() {
        assert_eq!(evenly(100, 4), [0, 33, 66, 99]);
        assert_eq!(evenly(3, 4), [0, 1, 2]);
        assert_eq!(evenly(5, 1), [0]);
    }
}
