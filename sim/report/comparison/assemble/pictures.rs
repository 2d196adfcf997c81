//! What only charts show: lag over time, work by consumer.

use super::Material;
use super::contrast::factor;
use crate::report::comparison::model::{ConsumerShares, LagBand};
use crate::report::comparison::outcome::{GroupOutcome, Outcome, Work};
use crate::study::sample::Sample;
use indexmap::IndexMap;

impl Material<'_> {
    pub(super) fn lag_bands(&self) -> IndexMap<String, Vec<LagBand>> {
        self.by_group(|at, runs| {
            let label = self.variants[at].label.clone();
            let first = runs.first()?;
            let mut band = LagBand {
                variant: label,
                time_seconds: first.0.time_seconds.clone(),
                ..LagBand::default()
            };
            let factor = factor(runs.len(), self.level).unwrap_or(0.0);
            for point in 0..first.1.lag.len() {
                let values: Vec<f64> = (runs.iter())
                    .filter_map(|(_, group)| group.lag.get(point))
                    .map(|lag| *lag as f64)
                    .collect();
                let sample = Sample::of(&values)?;
                let half = factor * sample.error().unwrap_or(0.0);
                band.mean.push(sample.mean);
                band.low.push((sample.mean - half).max(0.0));
                band.high.push(sample.mean + half);
            }
            Some(band)
        })
    }

    pub(super) fn consumer_shares(&self) -> IndexMap<String, Vec<ConsumerShares>> {
        let all = self.by_group(|at, runs| {
            let mut shares = ConsumerShares {
                variant: self.variants[at].label.clone(),
                ..ConsumerShares::default()
            };
            for name in runs.first()?.1.consumers.keys() {
                let of = |measure: fn(&Work) -> f64| {
                    let values = runs
                        .iter()
                        .map(|(_, group)| group.consumers.get(name).map_or(0.0, measure));
                    Sample::of(&values.collect::<Vec<f64>>())
                };
                let busy = of(|work| work.busy_seconds)?;
                shares.names.push(name.clone());
                shares.messages.push(of(|work| work.messages)?.mean);
                shares.busy_seconds.push(busy.mean);
                shares.busy_half_width.push(busy.half_width(self.level));
                shares.queues.push(of(|work| work.queues)?.mean);
            }
            (!shares.names.is_empty()).then_some(shares)
        });
        all.into_iter().filter(|(_, shares)| !shares.is_empty()).collect()
    }

    /// One entry for each group that all variants have, of what `of` makes of a variant's runs.
    fn by_group<T>(
        &self,
        of: impl Fn(usize, &[(&Outcome, &GroupOutcome)]) -> Option<T>,
    ) -> IndexMap<String, Vec<T>> {
        let names = self.of_baseline().first().into_iter();
        let names = names.flat_map(|run| run.groups.iter().map(|group| group.name.clone()));
        let of_group = |name: String| {
            let of_variant = |(at, runs): (usize, &Vec<Outcome>)| {
                let group = |run: &'_ Outcome| run.groups.iter().position(|group| group.name == name);
                let runs: Vec<(&Outcome, &GroupOutcome)> = (runs.iter())
                    .filter_map(|run| Some((run, &run.groups[group(run)?])))
                    .collect();
                of(at, &runs)
            };
            let made = self.outcomes.iter().enumerate().filter_map(of_variant).collect();
            (name, made)
        };
        names.map(of_group).collect()
    }
}
