//! How a comparison is read: which tables its results take, and what stands in their cells, in the terminal and on the
//! page for a pull request alike.

use super::figures::{self, Figure, Scale};
use super::model::{Better, Comparison, DifferenceReport, Finding, MetricReport};

/// Variants that a table with all there is to know about each can hold.
const LONG: usize = 6;
/// Grids of one metric at most, where more than two factors vary.
const GRIDS: usize = 6;

/// Which tables the results take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A block a metric, a row a variant, with differences in full.
    Long,
    /// A row a variant, a column a metric.
    Compact,
    /// A grid a metric.
    Grid(Axes),
}

/// Which factors span a grid; all are positions in the design's factors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axes {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Those with one grid for each combination of their values.
    pub(super) rest: Vec<usize>,
}

impl Axes {
    /// All combinations of the values of the factors that span no grid, the last fastest; one empty one without any.
    pub(super) fn combinations(&self, comparison: &Comparison) -> Vec<Vec<u64>> {
        let mut all: Vec<Vec<u64>> = vec![Vec::new()];
        for &factor in &self.rest {
            let values = comparison.design.factors[factor].values.len() as u64;
            let longer = |row: &Vec<u64>| -> Vec<Vec<u64>> {
                (0..values).map(|value| [&row[..], &[value]].concat()).collect()
            };
            all = all.iter().flat_map(longer).collect();
        }
        all
    }

    /// What one of them says: `threads = 5, service = 20ms`.
    pub(super) fn told(&self, comparison: &Comparison, rest: &[u64]) -> String {
        let factors = &comparison.design.factors;
        let one = |(&cell, &at): (&u64, &usize)| {
            format!(
                "{} = {}",
                last(&factors[at].path),
                named(&factors[at].values[cell as usize])
            )
        };
        let all: Vec<String> = rest.iter().zip(&self.rest).map(one).collect();
        all.join(", ")
    }

    /// Which variant stands at this place of a grid.
    pub(super) fn at(
        &self,
        comparison: &Comparison,
        row: usize,
        column: usize,
        rest: &[u64],
    ) -> Option<usize> {
        comparison.variants.iter().position(|variant| {
            let cell = |factor: usize| variant.cells[factor];
            cell(self.rows) == row as u64
                && cell(self.columns) == column as u64
                && self
                    .rest
                    .iter()
                    .zip(rest)
                    .all(|(&factor, &wanted)| cell(factor) == wanted)
        })
    }

    /// What stands in the corner of a grid.
    pub(super) fn corner(&self, comparison: &Comparison) -> String {
        let path = |at: usize| last(&comparison.design.factors[at].path);
        format!("{} ↓  {} →", path(self.rows), path(self.columns))
    }
}

impl Form {
    pub(super) fn of(comparison: &Comparison) -> Self {
        let factors = &comparison.design.factors;
        let varied: Vec<usize> = (0..factors.len())
            .filter(|&at| factors[at].values.len() > 1)
            .collect();
        let placed = (comparison.variants.iter()).all(|variant| variant.cells.len() == factors.len());
        match varied[..] {
            [rows, columns, ref rest @ ..] if placed => {
                let grids = (rest.iter()).fold(1, |n: usize, &at| n.saturating_mul(factors[at].values.len()));
                match grids <= GRIDS {
                    true => Self::Grid(Axes {
                        rows,
                        columns,
                        rest: rest.to_vec(),
                    }),
                    false => Self::Compact,
                }
            }
            _ if comparison.variants.len() <= LONG => Self::Long,
            _ => Self::Compact,
        }
    }
}

/// What a difference comes to, as a sign and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
    /// Whether that is good; `None` if it is neither.
    pub(super) good: Option<bool>,
}

impl Mark {
    pub(super) fn of(finding: Finding, better: Option<Better>) -> Self {
        let (sign, lower) = match finding {
            Finding::Lower => ("▼", true),
            Finding::Higher => ("▲", false),
            Finding::Identical => return Self::neutral("=", "same"),
            Finding::Unclear => return Self::neutral("≈", "unclear"),
            Finding::Unmeasured => return Self::neutral("?", "too few"),
        };
        let good = better.map(|better| (better == Better::Lower) == lower);
        let word = match good {
            Some(true) => "better",
            Some(false) => "worse",
            None if lower => "lower",
            None => "higher",
        };
        Self { sign, word, good }
    }

    fn neutral(sign: &'static str, word: &'static str) -> Self {
        Self {
            sign,
            word,
            good: None,
        }
    }
}

/// What is behind the title of a metric: which way is better.
pub(super) fn direction(metric: &MetricReport) -> &'static str {
    match metric.better {
        Some(Better::Lower) => "lower is better",
        Some(Better::Higher) => "higher is better",
        None => "neither way is better",
    }
}

/// The unit of all numbers of a metric.
pub(super) fn scale(metric: &MetricReport) -> Scale {
    Scale::of(
        metric.unit,
        metric.estimates.iter().filter_map(|estimate| estimate.mean),
    )
}

/// The title of a metric and the unit of its numbers: `mean latency (billing), ms`.
pub(super) fn with_unit(metric: &MetricReport) -> String {
    match scale(metric).name() {
        "" => metric.title.clone(),
        unit => format!("{}, {unit}", metric.title),
    }
}

/// The estimate of a variant; a dash if there is none.
pub(super) fn estimate(metric: &MetricReport, scale: Scale, at: Option<usize>) -> Figure {
    let estimate = at.and_then(|at| metric.estimates.get(at));
    match estimate.and_then(|estimate| Some((estimate.mean?, estimate.half_width))) {
        Some((mean, half_width)) => scale.estimate(mean, half_width),
        None => Figure {
            number: figures::NOTHING.to_owned(),
            rest: String::new(),
        },
    }
}

/// How a variant stands to the baseline; `None` for the baseline itself.
pub(super) fn mark(metric: &MetricReport, at: usize, baseline: usize) -> Option<Mark> {
    difference(metric, at, baseline).map(|found| Mark::of(found.finding, metric.better))
}

/// The last part of a path: `count` of `groups.billing.consumers.count`.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Position of the baseline among the variants.
pub(super) fn baseline(comparison: &Comparison) -> usize {
    let found = (comparison.variants.iter()).position(|variant| variant.label == comparison.design.baseline);
    found.unwrap_or(0)
}

/// The difference of the variant at `at` from the baseline at `baseline`; `None` for the baseline itself.
pub(super) fn difference(metric: &MetricReport, at: usize, baseline: usize) -> Option<&DifferenceReport> {
    match at.cmp(&baseline) {
        std::cmp::Ordering::Less => metric.differences.get(at),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => metric.differences.get(at - 1),
    }
}

/// A label as it stands in a row of its own: it can be seen even if it is empty.
pub(super) fn named(label: &str) -> String {
    match label.trim().is_empty() {
        true => format!("\"{label}\""),
        false => label.to_owned(),
    }
}

/// A label in a sentence or a list: those of grids have commas of their own.
pub(super) fn in_words(label: &str) -> String {
    match label.contains(", ") {
        true => format!("({label})"),
        false => named(label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::fixture;
    use crate::report::comparison::model::{FactorReport, VariantReport};

    /// A study with so many values for each factor.
    fn study(values: &[u64]) -> Comparison {
        let mut made = Comparison::default();
        made.design.factors = (values.iter())
            .map(|&values| FactorReport {
                path: "a.b".to_owned(),
                values: (0..values).map(|value| value.to_string()).collect(),
            })
            .collect();
        made.variants = vec![
            VariantReport {
                cells: vec![0; values.len()],
                ..VariantReport::default()
            };
            values.iter().product::<u64>() as usize
        ];
        made
    }

    #[test]
    fn the_form_suits_the_study() {
        let grid = |rows, columns, rest: &[usize]| {
            Form::Grid(Axes {
                rows,
                columns,
                rest: rest.to_vec(),
            })
        };
        for (values, form) in [
            (&[6][..], Form::Long),
            (&[7], Form::Compact),
            (&[2, 2], grid(0, 1, &[])),
            (&[1, 4], Form::Long),
            (&[3, 1, 4], grid(0, 2, &[])),
            (&[2, 3, 6], grid(0, 1, &[2])),
            (&[2, 2, 7], Form::Compact),
        ] {
            assert_eq!(Form::of(&study(values)), form, "{values:?}");
        }
        assert_eq!(Form::of(&Comparison::default()), Form::Long);
    }

    #[test]
    fn marks_say_which_way_is_better() {
        for (finding, better, text, good) in [
            (Finding::Lower, Some(Better::Lower), "▼ better", Some(true)),
            (Finding::Lower, Some(Better::Higher), "▼ worse", Some(false)),
            (Finding::Higher, Some(Better::Lower), "▲ worse", Some(false)),
            (Finding::Higher, Some(Better::Higher), "▲ better", Some(true)),
            (Finding::Higher, None, "▲ higher", None),
            (Finding::Lower, None, "▼ lower", None),
            (Finding::Identical, Some(Better::Lower), "= same", None),
            (Finding::Unclear, Some(Better::Lower), "≈ unclear", None),
            (Finding::Unmeasured, None, "? too few", None),
        ] {
            let mark = Mark::of(finding, better);
            assert_eq!(
                (format!("{} {}", mark.sign, mark.word).as_str(), mark.good),
                (text, good)
            );
        }
    }

    /// Differences follow the variants, with the baseline left out wherever it stands.
    #[test]
    fn differences_belong_to_their_variants() {
        let made = fixture::strategies();
        let metric = &made.metrics[0];
        assert_eq!(difference(metric, 0, 0), None);
        for at in 1..4 {
            let found = difference(metric, at, 0).expect("a difference");
            assert_eq!(found.variant, metric.estimates[at].variant);
        }
        let mut other = made.clone();
        other.design.baseline = "X_STICKY".to_owned();
        assert_eq!(baseline(&other), 3);
        assert_eq!(difference(metric, 0, 3), metric.differences.first());
    }

    #[test]
    fn labels_can_be_seen() {
        assert_eq!(named(" "), "\" \"");
        assert_eq!(named("5, 20ms"), "5, 20ms");
        assert_eq!(in_words("5, 20ms"), "(5, 20ms)");
        assert_eq!(in_words(""), "\"\"");
    }
}
