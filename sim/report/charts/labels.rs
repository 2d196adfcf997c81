//! Labels beside a plot, pushed apart so that none covers another.

use crate::report::charts::canvas::{Anchor, Canvas};
use crate::report::charts::frame::Plot;
use crate::report::charts::style::{Colour, HAIRLINE, QUIET};
use crate::report::charts::text;

/// Distance of the labels from the plot; leader lines bridge it.
const GAP: f64 = 12.0;

/// What stands beside the end of a line.
#[derive(Clone, Debug)]
pub struct Label {
    /// The height at which it belongs, in pixels.
    pub y: f64,
    /// Colour of its leader line, which is that of what it names.
    pub colour: Colour,
    /// The name, in that colour darkened to be read.
    pub name: String,
    /// What more is to say, in grey; may be empty.
    pub remark: String,
}

/// Room that the widest of `labels` takes beside the plot, in pixels; at most `most`.
pub fn room<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>, size: f64, most: f64) -> f64 {
    let widest = labels
        .into_iter()
        .map(|(name, remark)| text::width(name, size) + remark_width(remark, size))
        .fold(0.0, f64::max);
    (widest + GAP + 8.0).min(most)
}

/// Draws `labels` at the right of `panel`, each as close to its height as the others allow. Names too long
/// for `room` are shortened.
pub fn beside(canvas: &mut Canvas<'_>, mut labels: Vec<Label>, panel: &Plot, room: f64, size: f64) {
    let (x, top, bottom) = (panel.right, panel.top + size / 2.0, panel.bottom - size / 2.0);
    labels.sort_by(|a, b| a.y.total_cmp(&b.y));
    let wanted: Vec<f64> = labels.iter().map(|label| label.y).collect();
    let placed = apart(&wanted, size * 1.15, top, bottom);
    for (label, y) in labels.iter().zip(placed) {
        let ink = label.colour.readable();
        canvas.path([(x + 1.0, label.y), (x + GAP - 3.0, y)], label.colour, HAIRLINE);
        let name = text::fitted(&label.name, size, room - GAP - remark_width(&label.remark, size));
        canvas.text(&name, (x + GAP, y), Anchor::Start, size, ink);
        if !label.remark.is_empty() {
            let behind = x + GAP + text::width(&name, size) + text::width(" ", size);
            canvas.text(&label.remark, (behind, y), Anchor::Start, size, QUIET);
        }
    }
}

fn remark_width(remark: &str, size: f64) -> f64 {
    if remark.is_empty() {
        0.0
    } else {
        text::width(" ", size) + text::width(remark, size)
    }
}

/// Heights as close to `wanted` (rising) as can be, in sum of squares, at least `step` from each other and
/// within `low` … `high`; if they cannot all fit, the step shrinks.
///
/// Less its rank times the step, a height only must not fall: that is isotonic regression, solved by pooling
/// neighbours that violate it.
pub fn apart(wanted: &[f64], step: f64, low: f64, high: f64) -> Vec<f64> {
    let gaps = wanted.len().saturating_sub(1) as f64;
    let step = if gaps * step > high - low {
        (high - low).max(0.0) / gaps
    } else {
        step
    };
    let mut pools: Vec<(f64, f64)> = Vec::new(); // mean of the pool, its size
    for (rank, &y) in wanted.iter().enumerate() {
        let mut pool = (y - rank as f64 * step, 1.0);
        while let Some(&(mean, size)) = pools.last() {
            if mean <= pool.0 {
                break;
            }
            pools.pop();
            pool = ((mean * size + pool.0 * pool.1) / (size + pool.1), size + pool.1);
        }
        pools.push(pool);
    }
    let top = (high - gaps * step).max(low);
    let flat = pools
        .iter()
        .flat_map(|&(mean, size)| std::iter::repeat_n(mean.clamp(low, top), size as usize));
    flat.enumerate().map(|(rank, y)| y + rank as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &[f64], expected: &[f64]) {
        let found = apart(wanted, 10.0, 0.0, 100.0);
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 1e-9, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn labels_with_room_stay_where_they_belong() {
        check(&[10.0, 30.0, 80.0], &[10.0, 30.0, 80.0]);
        check(&[], &[]);
    }

    /// Three at one height: the middle one stays, the others move by one step.
    #[test]
    fn crowded_labels_move_apart_evenly() {
        check(&[50.0, 50.0, 50.0], &[40.0, 50.0, 60.0]);
    }

    #[test]
    fn labels_stay_within_their_bounds() {
        check(&[0.0, 0.0, 0.0], &[0.0, 10.0, 20.0]);
        check(&[100.0, 100.0], &[90.0, 100.0]);
    }

    /// 21 labels 10 px apart need 200 px; in 100 px they stand every 5 px.
    #[test]
    fn too_many_labels_share_what_there_is() {
        let found = apart(&[50.0; 21], 10.0, 0.0, 100.0);
        assert!(
            found.windows(2).all(|w| (w[1] - w[0] - 5.0).abs() < 1e-9),
            "{found:?}"
        );
    }
}
