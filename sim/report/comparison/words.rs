//! What the numbers come to, in sentences that say no more than the intervals allow.

use super::figures;
use super::model::{Comparison, DifferenceReport, Finding, MetricReport, RankingReport, Unit};
use super::reading::in_words;
use crate::report::charts::text::count;

/// Variants that one sentence names; the rest is counted.
const NAMED: usize = 6;

/// The verdict on the metric at this position.
pub fn verdict(comparison: &Comparison, at: usize) -> Vec<String> {
    let metric = &comparison.metrics[at];
    if comparison.run.seeds.len() < 2 && !metric.differences.is_empty() {
        return vec!["one seed shows no difference".to_owned()];
    }
    let mut sentences = Vec::new();
    sentences.extend(best(comparison, metric));
    let found = |wanted: &[Finding]| -> Vec<&DifferenceReport> {
        (metric.differences.iter())
            .filter(|difference| wanted.contains(&difference.finding))
            .collect()
    };
    let baseline = in_words(&comparison.design.baseline);
    let different = found(&[Finding::Lower, Finding::Higher]);
    if !different.is_empty() {
        let list = listed(&different, |difference| changed(metric, difference));
        sentences.push(format!("against {baseline}: {list}"));
    }
    let (constant, unclear): (Vec<_>, Vec<_>) =
        (found(&[Finding::Unclear]).into_iter()).partition(|difference| difference.half_width == Some(0.0));
    if !constant.is_empty() {
        let seeds = count(comparison.run.seeds.len() as u64, "seed");
        let list = listed(&constant, |difference| changed(metric, difference));
        sentences.push(format!(
            "the same in every run, of which {seeds} are too few to be sure: {list}"
        ));
    }
    if !unclear.is_empty() {
        let seeds = count(comparison.run.seeds.len() as u64, "seed");
        let list = listed(&unclear, |difference| at_most(metric, difference));
        sentences.push(format!(
            "no difference from {baseline} that {seeds} can show: {list}"
        ));
    }
    let identical = found(&[Finding::Identical]);
    if !identical.is_empty() {
        let list = listed(&identical, |difference| in_words(&difference.variant));
        sentences.push(format!("the same as {baseline} in every run: {list}"));
    }
    let unmeasured = found(&[Finding::Unmeasured]);
    if !unmeasured.is_empty() {
        let list = listed(&unmeasured, |difference| in_words(&difference.variant));
        sentences.push(format!("too few runs measured it to compare: {list}"));
    }
    sentences
}

/// Who wins, if anybody is told apart.
fn best(comparison: &Comparison, metric: &MetricReport) -> Option<String> {
    let ranking = decided(metric)?;
    let estimate = |label: &str| {
        let of = metric
            .estimates
            .iter()
            .find(|estimate| estimate.variant == label)?;
        Some(figures::estimate(of.mean?, of.half_width, metric.unit))
    };
    let sentence = match ranking.best.as_slice() {
        [one] => {
            let runner_up = ranking.order.iter().find(|label| *label != one)?;
            format!(
                "{} is best with {}, before {} with {}",
                in_words(one),
                estimate(one)?,
                in_words(runner_up),
                estimate(runner_up)?
            )
        }
        several if several.len() <= NAMED => {
            let list = joined(&several.iter().map(|label| in_words(label)).collect::<Vec<_>>());
            let mut means = several.iter().map(|label| estimate(label));
            let first = means.next()??;
            match means.all(|mean| mean.as_ref() == Some(&first)) {
                true => format!("{list} are best with {first}"),
                false => format!("{list} are best; these seeds do not tell them apart"),
            }
        }
        several => format!(
            "{} of {} are best, {} the first of them; these seeds do not tell them apart",
            several.len(),
            comparison.variants.len(),
            in_words(&several[0])
        ),
    };
    Some(sentence)
}

/// The ranking of a metric with a better direction, if it tells the best from the others.
fn decided(metric: &MetricReport) -> Option<&RankingReport> {
    metric.better?;
    let ranking = metric.ranking.as_ref()?;
    (!ranking.best.is_empty()).then_some(ranking)
}

/// `X_STICKY 75 % fewer (± 2 %)`.
fn changed(metric: &MetricReport, difference: &DifferenceReport) -> String {
    let lower = difference.finding == Finding::Lower;
    let word = direction(metric, lower);
    let label = in_words(&difference.variant);
    match (difference.relative, difference.mean) {
        (Some(relative), _) if relative.abs() < 2.0 => {
            let by = figures::relative_parts(relative.abs(), difference.relative_half_width);
            let number = by.number.trim_start_matches('+');
            match by.rest.is_empty() {
                true => format!("{label} {number} {word}"),
                false => format!("{label} {number} {word} ({})", by.rest),
            }
        }
        (Some(relative), _) => format!("{label} {} as much", figures::factor(1.0 + relative)),
        (None, Some(mean)) => format!(
            "{label} {}",
            figures::difference(mean, difference.half_width, metric.unit)
        ),
        (None, None) => label,
    }
}

/// `X_STICKY (below 1.3 %, if there is one)`.
fn at_most(metric: &MetricReport, difference: &DifferenceReport) -> String {
    let label = in_words(&difference.variant);
    let reach = |mean: Option<f64>, half: Option<f64>| Some(mean?.abs() + half?);
    if let Some(reach) = reach(difference.relative, difference.relative_half_width) {
        return format!("{label} (below {}, if any)", figures::percent(reach));
    }
    match reach(difference.mean, difference.half_width) {
        Some(reach) => format!("{label} (below {}, if any)", figures::value(reach, metric.unit)),
        None => label,
    }
}

/// The comparative that fits.
fn direction(metric: &MetricReport, lower: bool) -> &'static str {
    let things = [
        "moves",
        "duplicates",
        "retries",
        "letters",
        "messages",
        "consumers",
        "deliveries",
        "rounds",
        "requests",
    ];
    let counts = |word: &str| metric.unit == Unit::Count && things.contains(&word);
    let words = match metric.unit {
        Unit::Seconds => ["shorter", "longer"],
        _ if metric.title.split(' ').any(counts) => ["fewer", "more"],
        _ => ["lower", "higher"],
    };
    words[usize::from(!lower)]
}

/// As many as a sentence bears, the largest differences first.
fn listed(differences: &[&DifferenceReport], words: impl Fn(&DifferenceReport) -> String) -> String {
    let size = |difference: &&DifferenceReport| difference.mean.map_or(0.0, f64::abs);
    let mut kept: Vec<usize> = (0..differences.len()).collect();
    // The order of the study, of those that differ most.
    kept.sort_by(|a, b| size(&differences[*b]).total_cmp(&size(&differences[*a])));
    kept.truncate(NAMED);
    kept.sort_unstable();
    let mut parts: Vec<String> = kept.into_iter().map(|at| words(differences[at])).collect();
    let rest = differences.len() - parts.len();
    if rest > 0 {
        parts.push(format!("and {rest} more"));
    }
    parts.join(", ")
}

fn joined(labels: &[String]) -> String {
    match labels {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Whether one variant has it all, or which one wins what.
pub fn trade_offs(comparison: &Comparison) -> Vec<String> {
    let decided: Vec<(&MetricReport, &RankingReport)> = (comparison.metrics.iter())
        .filter_map(|metric| Some((metric, decided(metric)?)))
        .collect();
    if decided.len() < 2 {
        return Vec::new();
    }
    let never_beaten: Vec<String> = (comparison.variants.iter())
        .filter(|variant| (decided.iter()).all(|(_, ranking)| ranking.best.contains(&variant.label)))
        .map(|variant| in_words(&variant.label))
        .collect();
    if !never_beaten.is_empty() {
        let verb = if never_beaten.len() == 1 { "is" } else { "are" };
        return vec![format!(
            "{} {verb} best, or not told from the best, in all {} metrics that tell variants apart",
            joined(&never_beaten),
            decided.len()
        )];
    }
    let mut sentences = vec!["no variant is best in everything".to_owned()];
    let winners = comparison.variants.iter().filter_map(|variant| {
        let label = &variant.label;
        let titles = |wins: bool| -> Vec<String> {
            let fits = |ranking: &RankingReport| match wins {
                // A prize that many share is none.
                true => {
                    let shared = ranking.best.len();
                    ranking.best.contains(label) && (shared == 1 || shared * 4 <= ranking.order.len())
                }
                false => ranking.order.last() == Some(label) && !ranking.best.contains(label),
            };
            let fitting = decided.iter().filter(|(_, ranking)| fits(ranking));
            fitting.map(|(metric, _)| metric.title.clone()).collect()
        };
        let (wins, loses) = (titles(true), titles(false));
        if wins.is_empty() {
            return None;
        }
        let label = in_words(label);
        Some(match loses.is_empty() {
            true => format!("{label} wins {}", joined(&wins)),
            false => format!(
                "{label} wins {}, and comes last in {}",
                joined(&wins),
                joined(&loses)
            ),
        })
    });
    sentences.extend(winners.take(NAMED));
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::fixture;

    /// `5, 20ms` within a list would read as two.
    #[test]
    fn labels_of_grids_stand_in_brackets() {
        let made = fixture::grid();
        let told = verdict(&made, 1);
        assert!(
            told[0].starts_with("(40, 20ms) is best with 32.5 ± 0.5, before "),
            "{told:?}"
        );
        assert!(told[1].starts_with("against (5, 20ms): (5, 40ms) "), "{told:?}");
        assert!(
            trade_offs(&made)
                .iter()
                .any(|line| line.starts_with("(40, 20ms) ")),
            "{:?}",
            trade_offs(&made)
        );
    }
}
