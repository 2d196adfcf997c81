//! Estimates, differences from the baseline, and all differences for a ranking.

use super::Material;
use crate::report::comparison::model::{DifferenceReport, EstimateReport, Finding, Luck};
use crate::study::paired::{self, Difference};
use crate::study::quantile::{self, RunSpans};
use crate::study::sample::{self, Sample};
use crate::study::{holm, sequential};
use std::collections::BTreeMap;

/// Values beyond a quantile, in all runs together, that make its interval trustworthy.
const TAIL_LEAST: f64 = 100.0;

/// One metric of one variant.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// The estimate; `None` if no run measured it.
    pub(super) estimate: Option<f64>,
    /// Run by run, what each says of the estimate: its own number, or the pseudo-value of a quantile.
    pub(super) says: Vec<Option<f64>>,
    /// Run by run, its own number.
    alone: Vec<Option<f64>>,
    /// Whether it is a quantile beyond which too few values lie.
    pub(super) few: bool,
}

/// Corrected probabilities, by metric and variant.
pub(super) type Adjusted = BTreeMap<(usize, usize), f64>;

/// All numbers by metric and variant.
#[derive(Debug)]
pub(super) struct Contrasts {
    measured: Vec<Vec<Measured>>,
    /// By metric and variant; `None` for the baseline, and where too few runs measured both.
    differences: Vec<Vec<Option<Difference>>>,
}

impl Contrasts {
    /// Of the first `metrics`.
    pub(super) fn new(material: &Material<'_>, metrics: usize) -> Self {
        let variants = 0..material.outcomes.len();
        let of_metric = |at| -> Vec<Measured> {
            variants
                .clone()
                .map(|variant| measured(material, at, variant))
                .collect()
        };
        let measured: Vec<Vec<Measured>> = (0..metrics).map(of_metric).collect();
        let differences = measured.iter().map(|of_metric| {
            let baseline = &of_metric[material.baseline];
            let of = |(at, variant): (usize, &Measured)| {
                let other = at != material.baseline;
                other.then(|| difference(material, variant, baseline)).flatten()
            };
            of_metric.iter().enumerate().map(of).collect()
        });
        Self {
            differences: differences.collect(),
            measured,
        }
    }

    /// The corrected probability of every comparison with the baseline among these metrics.
    pub(super) fn adjusted(&self, metrics: &[usize]) -> Adjusted {
        let (mut keys, mut p) = (Vec::new(), Vec::new());
        for &metric in metrics {
            for (variant, difference) in self.differences[metric].iter().enumerate() {
                if let Some(difference) = difference {
                    keys.push((metric, variant));
                    p.push(difference.p);
                }
            }
        }
        keys.into_iter().zip(holm::adjusted(&p)).collect()
    }

    /// Half-widths of the differences of all variants but the baseline.
    pub(super) fn half_widths(&self, metric: usize, baseline: usize) -> Vec<Option<f64>> {
        let all = self.differences[metric].iter().enumerate();
        let others = all.filter(|(variant, _)| *variant != baseline);
        others
            .map(|(_, found)| found.as_ref().map(|found| found.half_width))
            .collect()
    }

    pub(super) fn of(&self, metric: usize) -> &[Measured] {
        &self.measured[metric]
    }

    pub(super) fn estimate(&self, material: &Material<'_>, metric: usize, variant: usize) -> EstimateReport {
        let of = &self.measured[metric][variant];
        let says: Vec<f64> = of.says.iter().flatten().copied().collect();
        let alone: Vec<f64> = of.alone.iter().flatten().copied().collect();
        let (says, own) = (Sample::of(&says), Sample::of(&alone));
        EstimateReport {
            variant: material.variants[variant].label.clone(),
            runs: alone.len() as u64,
            mean: of.estimate,
            half_width: says.and_then(|sample| sample.half_width(material.level)),
            deviation: says.and_then(|sample| sample.deviation),
            min: own.map(|sample| sample.min),
            max: own.map(|sample| sample.max),
            values: of.alone.clone(),
        }
    }

    pub(super) fn difference(
        &self,
        material: &Material<'_>,
        metric: usize,
        variant: usize,
        p_adjusted: Option<f64>,
    ) -> DifferenceReport {
        let label = material.variants[variant].label.clone();
        let (Some(found), Some(p_adjusted)) = (&self.differences[metric][variant], p_adjusted) else {
            return DifferenceReport {
                variant: label,
                finding: Finding::Unmeasured,
                ..DifferenceReport::default()
            };
        };
        let base = found.other;
        let base = (base != 0.0).then_some(base);
        let finding = match p_adjusted < 1.0 - material.level {
            _ if found.identical => Finding::Identical,
            true if found.mean < 0.0 => Finding::Lower,
            true => Finding::Higher,
            false => Finding::Unclear,
        };
        DifferenceReport {
            variant: label,
            finding,
            runs: found.runs as u64,
            mean: Some(found.mean),
            half_width: Some(found.half_width),
            relative: base.map(|base| found.mean / base.abs()),
            relative_half_width: base.and_then(|base| sequential::relative(found.half_width, base)),
            p: Some(found.p),
            p_adjusted: Some(p_adjusted),
            effect: found.effect,
            correlation: found.correlation,
            variance_reduction: found.variance_reduction,
        }
    }
}

fn measured(material: &Material<'_>, metric: usize, variant: usize) -> Measured {
    let runs = &material.outcomes[variant];
    let alone: Vec<Option<f64>> = runs.iter().map(|run| run.values[metric]).collect();
    if material.metrics[metric].quantile.is_none() {
        let values: Vec<f64> = alone.iter().flatten().copied().collect();
        return Measured {
            estimate: Sample::of(&values).map(|sample| sample.mean),
            says: alone.clone(),
            alone,
            few: false,
        };
    }
    let spans: Vec<&RunSpans> = runs.iter().filter_map(|run| run.spans[metric].as_ref()).collect();
    let q = material.metrics[metric].quantile.as_ref().map_or(0.5, |of| of.q);
    match quantile::quantile(&spans, q) {
        None => Measured {
            says: vec![None; runs.len()],
            alone,
            estimate: None,
            few: false,
        },
        Some(found) => Measured {
            estimate: Some(found.merged),
            few: found.beyond < TAIL_LEAST,
            says: match found.pseudo.is_empty() {
                true => vec![None; runs.len()],
                false => found.pseudo.into_iter().map(Some).collect(),
            },
            alone,
        },
    }
}

/// How `variant` differs from `other`; `None` if fewer than two runs measured both.
pub(super) fn difference(
    material: &Material<'_>,
    variant: &Measured,
    other: &Measured,
) -> Option<Difference> {
    let mut found = match material.luck {
        Luck::Common => {
            let pairs = variant.says.iter().zip(&other.says);
            let pairs = pairs.filter_map(|(a, b)| Some(((*a)?, (*b)?)));
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
            paired::paired(&a, &b, material.level)?
        }
        Luck::Independent => {
            let says = |of: &Measured| of.says.iter().flatten().copied().collect::<Vec<f64>>();
            paired::unpaired(&says(variant), &says(other), material.level)?
        }
    };
    // Of quantiles, the merged ones are told, and pseudo-values have another mean. Of means that some runs did not
    // measure, the pairs are.
    if variant.says != variant.alone {
        found.mean = variant.estimate? - other.estimate?;
        found.other = other.estimate?;
    }
    Some(found)
}

/// Half-width ÷ standard error with so many runs.
pub(super) fn factor(runs: usize, level: f64) -> Option<f64> {
    sample::factor(runs, level)
}
