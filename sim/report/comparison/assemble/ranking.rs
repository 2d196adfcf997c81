//! Who is better than whom, as far as the runs tell.
//!
//! Every pair of variants in every metric is compared, and all these comparisons are corrected for each other (Holm):
//! the chance that even one place of one ranking is wrong stays below the level. What the study does not tell from the
//! baseline is not told from it here either.

use super::Material;
use super::contrast::{Adjusted, Contrasts, difference};
use crate::report::comparison::model::{Better, RankingReport};
use crate::study::holm;
use std::collections::BTreeMap;

/// More variants than this are not ranked: nobody reads it, and pairs grow with the square.
const RANKED: usize = 40;

/// The variants in the order of their estimates, the best first, and all pairs of places.
struct Draft {
    metric: usize,
    order: Vec<usize>,
    pairs: Vec<Pair>,
}

/// Two places of an order.
struct Pair {
    ahead: usize,
    behind: usize,
    /// Probability of such a difference if there were none; 1 if the runs differ the other way.
    p: f64,
}

impl Contrasts {
    /// A ranking of each of these metrics that was measured in all runs, by metric; none of fewer than two variants, or
    /// of too many.
    pub(super) fn rankings(
        &self,
        material: &Material<'_>,
        metrics: &[usize],
        adjusted: &Adjusted,
    ) -> BTreeMap<usize, RankingReport> {
        let drafts: Vec<Draft> = (metrics.iter())
            .filter_map(|&metric| self.draft(material, metric))
            .collect();
        let p: Vec<f64> = (drafts.iter())
            .flat_map(|draft| draft.pairs.iter().map(|pair| pair.p))
            .collect();
        let mut corrected = holm::adjusted(&p).into_iter();
        let limit = 1.0 - material.level;
        let ranked = drafts.iter().map(|draft| {
            let told: Vec<(usize, usize)> = (draft.pairs.iter().zip(corrected.by_ref()))
                .filter(|(pair, p)| *p < limit && draft.agrees(material.baseline, pair, adjusted, limit))
                .map(|(pair, _)| (pair.ahead, pair.behind))
                .collect();
            (draft.metric, draft.ranking(material, &told))
        });
        ranked.collect()
    }

    fn draft(&self, material: &Material<'_>, metric: usize) -> Option<Draft> {
        let of = self.of(metric);
        let whole = of
            .iter()
            .all(|measured| measured.says.iter().all(Option::is_some));
        if !(2..=RANKED).contains(&of.len()) || !whole {
            return None;
        }
        let sign = match material.metrics[metric].better {
            Some(Better::Higher) => -1.0,
            _ => 1.0,
        };
        let mut order = Vec::new();
        for (variant, measured) in of.iter().enumerate() {
            order.push((sign * measured.estimate?, variant));
        }
        // Equals keep the order of the study.
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let order: Vec<usize> = order.into_iter().map(|(_, variant)| variant).collect();
        let mut pairs = Vec::new();
        for ahead in 0..order.len() {
            for behind in ahead + 1..order.len() {
                let found = difference(material, &of[order[behind]], &of[order[ahead]])?;
                let p = if sign * found.mean > 0.0 { found.p } else { 1.0 };
                pairs.push(Pair { ahead, behind, p });
            }
        }
        Some(Draft { metric, order, pairs })
    }
}

impl Draft {
    /// Whether the comparison with the baseline, if this is one, says the same.
    fn agrees(&self, baseline: usize, pair: &Pair, adjusted: &Adjusted, limit: f64) -> bool {
        let other = match [self.order[pair.ahead], self.order[pair.behind]] {
            [one, other] | [other, one] if one == baseline => other,
            _ => return true,
        };
        adjusted.get(&(self.metric, other)).is_some_and(|p| *p < limit)
    }

    fn ranking(&self, material: &Material<'_>, told: &[(usize, usize)]) -> RankingReport {
        let places = self.order.len();
        let label = |place: usize| material.variants[self.order[place]].label.clone();
        let all_told = |first: usize| {
            let mut pairs = (0..first).flat_map(|ahead| (first..places).map(move |behind| (ahead, behind)));
            pairs.all(|pair| told.contains(&pair))
        };
        let best = (1..places).find(|first| all_told(*first)).unwrap_or(0);
        RankingReport {
            order: (0..places).map(label).collect(),
            separated: (1..places)
                .map(|place| told.contains(&(place - 1, place)))
                .collect(),
            best: (0..best).map(label).collect(),
        }
    }
}
