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

    #[test]
    fn an_even_choice_has_both_ends() {
        assert_eq!(evenly(100, 4), [0, 33, 66, 99]);
        assert_eq!(evenly(3, 4), [0, 1, 2]);
        assert_eq!(evenly(5, 1), [0]);
    }
}
