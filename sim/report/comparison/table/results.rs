//! A block a metric: each variant's estimate, and its difference from the baseline in full.

use super::sheet::{GAP, INDENT, aligned, widths};
use crate::report::comparison::figures::{Figure, NOTHING, effect, probability, relative_parts};
use crate::report::comparison::model::{Comparison, DifferenceReport, MetricReport};
use crate::report::comparison::reading::{self, Mark};
use crate::report::table::page::{DIM, Page};

/// Columns of a block.
const HEADS: [&str; 7] = ["variant", "estimate", "", "difference", "relative", "p", "effect"];
/// How far the name of a variant is cut before a column is left out.
const SHORT: usize = 18;
/// Columns that are left out where not all fit, the first one first.
const LEAST_TELLING: [usize; 4] = [6, 5, 3, 4];

impl Page {
    pub(super) fn long(&mut self, comparison: &Comparison) {
        let blocks: Vec<Vec<Vec<String>>> = (comparison.metrics.iter())
            .map(|metric| self.block(comparison, metric))
            .collect();
        let heads = HEADS.map(str::to_owned).to_vec();
        let widths = widths(blocks.iter().flatten().chain([&heads]));
        let mut kept: Vec<usize> = (0..HEADS.len()).collect();
        let beside = |kept: &[usize]| INDENT + kept[1..].iter().map(|&at| GAP + widths[at]).sum::<usize>();
        for least in LEAST_TELLING {
            if beside(&kept) + widths[0].min(SHORT) > self.width {
                kept.retain(|&at| at != least);
            }
        }
        let room = self.width.saturating_sub(beside(&kept)).max(SHORT);
        let mut wide: Vec<usize> = kept.iter().map(|&at| widths[at]).collect();
        wide[0] = wide[0].min(room);
        let pick =
            |row: &[String]| -> Vec<String> { kept.iter().filter_map(|&at| row.get(at).cloned()).collect() };
        for (at, (metric, block)) in comparison.metrics.iter().zip(&blocks).enumerate() {
            self.heading(&metric.title, reading::direction(metric));
            if at == 0 {
                self.row(&pick(&heads), &wide, Some(DIM));
            }
            for row in block {
                self.row(&pick(row), &wide, None);
            }
        }
    }

    /// The rows of one metric.
    fn block(&self, comparison: &Comparison, metric: &MetricReport) -> Vec<Vec<String>> {
        let baseline = reading::baseline(comparison);
        let scale = reading::scale(metric);
        let differences: Vec<Option<&DifferenceReport>> = (0..metric.estimates.len())
            .map(|at| reading::difference(metric, at, baseline))
            .collect();
        let estimates = (0..metric.estimates.len()).map(|at| reading::estimate(metric, scale, Some(at)));
        let estimates = aligned(&estimates.collect::<Vec<_>>());
        let gap = |d: &DifferenceReport| Some(scale.difference(d.mean?, d.half_width));
        let gaps = aligned(&figures(&differences, gap));
        let shares = |d: &DifferenceReport| Some(relative_parts(d.relative?, d.relative_half_width));
        let shares = aligned(&figures(&differences, shares));
        let rows = metric.estimates.iter().zip(estimates).zip(differences);
        let rows = rows.zip(gaps.into_iter().zip(shares));
        rows.map(|(((estimate, value), found), (gap, share))| {
            let mut row = vec![reading::named(&estimate.variant), value];
            let Some(found) = found else {
                row.push("• baseline".to_owned());
                return row;
            };
            let mark = Mark::of(found.finding, metric.better);
            row.push(self.marked(mark, &format!("{} {}", mark.sign, mark.word)));
            if found.mean.is_some() {
                row.extend([
                    gap,
                    share,
                    found.p_adjusted.map_or(NOTHING.to_owned(), probability),
                    found.effect.map_or(NOTHING.to_owned(), effect),
                ]);
            }
            row
        })
        .collect()
    }
}

fn figures(
    differences: &[Option<&DifferenceReport>],
    of: impl Fn(&DifferenceReport) -> Option<Figure>,
) -> Vec<Figure> {
    let one = |found: &Option<&DifferenceReport>| found.and_then(&of).unwrap_or_default();
    differences.iter().map(one).collect()
}
