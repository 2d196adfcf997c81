//! Who is better than whom, as far as the runs tell.

use super::Material;
use super::contrast::{Contrasts, difference};
use crate::report::comparison::model::{Better, RankingReport};
use crate::study::holm;

/// More variants than this are not ranked: nobody reads it, and pairs grow with the square.
const RANKED: usize = 40;

impl Contrasts {
    /// The variants by one metric; `None` if there are fewer than two, too many, or one that was not measured.
    ///
    /// All pairs of the metric are corrected for each other. What the study, over all metrics (`adjusted`), does not
    /// tell from the baseline is not told from it here either.
    pub(super) fn ranking(
        &self,
        material: &Material<'_>,
        metric: usize,
        adjusted: &[((usize, usize), f64)],
    ) -> Option<RankingReport> {
        let of = self.of(metric);
        if !(2..=RANKED).contains(&of.len()) {
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
        let pairs: Vec<(usize, usize)> = (0..order.len())
            .flat_map(|low| (low + 1..order.len()).map(move |high| (low, high)))
            .collect();
        let mut p = Vec::new();
        for &(low, high) in &pairs {
            p.push(difference(material, &of[order[high]], &of[order[low]])?.p);
        }
        let counts = |p: f64| p < 1.0 - material.level;
        let told = |(low, high): (usize, usize)| {
            let other = match [order[low], order[high]] {
                [one, other] if one == material.baseline => other,
                [other, one] if one == material.baseline => other,
                _ => return true,
            };
            adjusted
                .iter()
                .any(|(key, p)| *key == (metric, other) && counts(*p))
        };
        let apart: Vec<(usize, usize)> = (pairs.iter().zip(holm::adjusted(&p)))
            .filter(|(pair, p)| counts(*p) && told(**pair))
            .map(|(pair, _)| *pair)
            .collect();
        let label = |place: usize| material.variants[order[place]].label.clone();
        let beaten = |place: usize| apart.iter().any(|&(_, high)| high == place);
        Some(RankingReport {
            order: (0..order.len()).map(label).collect(),
            separated: (1..order.len())
                .map(|place| apart.contains(&(place - 1, place)))
                .collect(),
            best: (0..order.len())
                .filter(|place| !beaten(*place))
                .map(label)
                .collect(),
        })
    }
}
