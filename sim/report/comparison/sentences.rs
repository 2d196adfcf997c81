//! What ran and what to mind, in sentences that the terminal and the page for a pull request share.

use super::figures::{self, factor, percent};
use super::model::{
    Better, Comparison, ExpectCount, Finding, Luck, MetricReport, StudyWarning, Unit, VariantReport,
    WarmupRule,
};
use super::reading::{Form, in_words};
use crate::report::charts::text::{compact, count, grouped};
use crate::report::table::words::span;

/// Labels that a list names at most; the rest is counted.
const SHOWN: usize = 8;

/// `4 variants × 20 seeds (7 … 26) = 80 runs of 10 m`; of a study that was interrupted, what was planned, too.
pub(super) fn runs(comparison: &Comparison) -> String {
    let run = &comparison.run;
    let variants = comparison.variants.len() as u64;
    let each = match comparison.design.luck {
        Luck::Common => format!(" ({})", seeds(&run.seeds)),
        Luck::Independent => " of their own".to_owned(),
    };
    let product = format!(
        "{} × {}{each}",
        count(variants, "variant"),
        count(run.seeds.len() as u64, "seed")
    );
    let length = match run.duration_least_seconds < run.duration_most_seconds {
        true => format!(
            "{} to {}",
            span(run.duration_least_seconds),
            span(run.duration_most_seconds)
        ),
        false => span(run.duration_seconds),
    };
    let even = variants * run.seeds.len() as u64 == run.runs;
    match (run.complete, even) {
        (true, true) => format!("{product} = {} of {length}", count(run.runs, "run")),
        (true, false) => format!("{product}, {} of {length}", count(run.runs, "run")),
        (false, _) => {
            let planned = variants * run.seeds_planned;
            format!(
                "{product}, {} of {} runs of {length}",
                grouped(run.runs),
                grouped(planned)
            )
        }
    }
}

/// `7 … 26` if they follow each other, else the first of them.
fn seeds(seeds: &[String]) -> String {
    let numbers: Option<Vec<u64>> = seeds.iter().map(|seed| seed.parse().ok()).collect();
    let numbers = numbers.unwrap_or_default();
    let follow = numbers
        .windows(2)
        .all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    match &numbers[..] {
        [first, .., last] if follow && numbers.len() > 2 => format!("{first} … {last}"),
        _ if seeds.len() > 4 => format!("{}, …", seeds[..4].join(", ")),
        _ => seeds.join(", "),
    }
}

/// What ran in all: `19.3 M messages · 133 M events`, as parts.
pub(super) fn size(comparison: &Comparison) -> [String; 2] {
    [
        format!("{} messages", compact(comparison.run.messages)),
        format!("{} events", compact(comparison.run.events)),
    ]
}

/// Whose luck, and what it saved.
pub(super) fn luck(comparison: &Comparison) -> Vec<String> {
    let design = &comparison.design;
    if design.luck == Luck::Independent {
        return vec![
            "seeds of its own for every variant: a control, intervals are wider than they need be".to_owned(),
        ];
    }
    let met = match design.same_messages {
        true => "every variant meets the same messages",
        false => "every variant has the same seeds, but not the same messages",
    };
    std::iter::once(met.to_owned()).chain(saved(comparison)).collect()
}

/// What common luck saved: how many times as many runs intervals as narrow would take without it.
fn saved(comparison: &Comparison) -> Option<String> {
    let differences = comparison.metrics.iter().flat_map(|metric| &metric.differences);
    let mut factors: Vec<f64> = differences.filter_map(|d| d.variance_reduction).collect();
    factors.sort_by(f64::total_cmp);
    let (least, most) = (*factors.first()?, *factors.last()?);
    // The lower one of two in the middle: no number that no difference has.
    let median = factor(factors[(factors.len() - 1) / 2]);
    let of = match factors.len() {
        1 => String::new(),
        several => format!(
            " (median of {several} differences; {} … {})",
            factor(least),
            factor(most)
        ),
    };
    Some(format!(
        "with seeds of its own for each, intervals as narrow would take {median} the runs{of}"
    ))
}

/// What a metric comes to: its verdict, and all variants in order as far as they are told apart.
pub(super) fn verdict(metric: &MetricReport) -> Vec<String> {
    metric.verdict.iter().cloned().chain(order(metric)).collect()
}

/// `order: X_STICKY < AVG ≈ AVG_BY_CIRCLE < CONSISTENT_HASH`; `None` if that says nothing or nobody could read it.
fn order(metric: &MetricReport) -> Option<String> {
    const READABLE: usize = 8;
    let ranking = metric.ranking.as_ref()?;
    let told = ranking.separated.contains(&true);
    let (first, rest) = ranking.order.split_first()?;
    if !told || !(2..READABLE).contains(&rest.len()) {
        return None;
    }
    let sign = match metric.better {
        Some(Better::Higher) => ">",
        _ => "<",
    };
    let mut text = format!("order: {}", in_words(first));
    let neighbours = ranking.order.windows(2).zip(&ranking.separated);
    for (pair, apart) in neighbours {
        // Of the baseline the finding is told already, corrected for the whole study.
        let apart = finding(metric, &pair[0], &pair[1])
            .map_or(*apart, |found| matches!(found, Finding::Lower | Finding::Higher));
        text.push_str(&format!(
            " {} {}",
            if apart { sign } else { "≈" },
            in_words(&pair[1])
        ));
    }
    Some(text)
}

/// What is found of two variants of which one is the baseline: it has no difference of its own.
fn finding(metric: &MetricReport, one: &str, other: &str) -> Option<Finding> {
    let of = |label: &str| {
        metric
            .differences
            .iter()
            .find(|difference| difference.variant == label)
    };
    match (of(one), of(other)) {
        (Some(found), None) | (None, Some(found)) => Some(found.finding),
        _ => None,
    }
}

/// What was left out at the start of each run; `None` if nothing was.
pub(super) fn warmup(comparison: &Comparison) -> Option<String> {
    let warmup = &comparison.design.warmup;
    let length = span(warmup.seconds);
    let why = match warmup.rule {
        WarmupRule::Fixed => "given for the study",
        WarmupRule::Mser5 => "by MSER-5 over pilot runs, the longest of all variants",
        WarmupRule::Scenario | WarmupRule::NotFound => "as the scenario says",
    };
    (warmup.seconds > 0.0).then(|| format!("the first {length} of each run left out, {why}"))
}

/// Why it stopped when it did; `None` with a fixed number of seeds.
pub(super) fn stopping(comparison: &Comparison) -> Option<String> {
    let stopping = comparison.design.stopping.as_ref()?;
    let target = percent(stopping.target);
    let reached = (stopping.reached).map_or("cannot be told".to_owned(), |share| {
        format!("is {} of it", percent(share))
    });
    // Of metrics that nobody named the first decides.
    let of = match (comparison.design.default_metrics, comparison.metrics.first()) {
        (true, Some(first)) => format!(" of {}", first.title),
        _ => String::new(),
    };
    Some(match stopping.met {
        true => {
            format!("every half-width{of} is at most {target} of the baseline's mean; the widest {reached}")
        }
        false => {
            format!("{target} of the baseline's mean was asked for, but the widest half-width{of} {reached}")
        }
    })
}

/// An expectation that failed in some run, and how often it held where it failed.
pub(super) struct Failed<'a> {
    pub(super) text: &'a str,
    /// `held in 5 of 20 runs of AVG, in none of X_STICKY`.
    pub(super) held: String,
}

/// The expectations that failed somewhere, each once, in the order in which variants have them.
pub(super) fn failed(variants: &[VariantReport]) -> Vec<Failed<'_>> {
    let mut found: Vec<(&str, Vec<(&str, &ExpectCount)>)> = Vec::new();
    for variant in variants {
        for one in variant.expect.iter().filter(|one| one.held < one.runs) {
            let label = variant.label.as_str();
            match found.iter_mut().find(|(text, _)| *text == one.text) {
                Some((_, places)) => places.push((label, one)),
                None => found.push((&one.text, vec![(label, one)])),
            }
        }
    }
    (found.into_iter())
        .map(|(text, places)| Failed {
            text,
            held: held(&places),
        })
        .collect()
}

fn held(places: &[(&str, &ExpectCount)]) -> String {
    let shown = places.iter().take(SHOWN).map(|(label, one)| match one.held {
        0 => format!("in none of {} of {}", count(one.runs, "run"), in_words(label)),
        held => format!("in {held} of {} of {}", count(one.runs, "run"), in_words(label)),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match places.len().saturating_sub(SHOWN) as u64 {
        0 => format!("held {shown}"),
        more => format!("held {shown}, and not always in {}", count(more, "more variant")),
    }
}

/// Of how many expectations it was asked whether they hold.
pub(super) fn expectations(variants: &[VariantReport]) -> u64 {
    variants
        .iter()
        .map(|variant| variant.expect.len())
        .max()
        .unwrap_or(0) as u64
}

/// Everything to mind, with the variants concerned where the text does not name them.
pub(super) fn warnings(comparison: &Comparison) -> Vec<String> {
    comparison.warnings.iter().map(with_variants).collect()
}

fn with_variants(warning: &StudyWarning) -> String {
    let told = (warning.variants.iter()).all(|label| warning.text.contains(label.as_str()));
    match told {
        true => warning.text.clone(),
        false => format!("{} ({})", warning.text, listed(&warning.variants)),
    }
}

/// `A, B, C`, the first of them if there are many.
pub(super) fn listed(labels: &[String]) -> String {
    let shown: Vec<String> = labels.iter().take(SHOWN).map(|label| in_words(label)).collect();
    match labels.len().saturating_sub(SHOWN) as u64 {
        0 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), grouped(more)),
    }
}

/// What the numbers mean, for somebody who has never seen an interval; only of what is shown.
pub(super) fn legend(comparison: &Comparison, form: &Form) -> Vec<String> {
    let design = &comparison.design;
    let level = percent(design.level);
    let comparisons = count(design.comparisons, "comparison");
    let mut lines = vec![format!(
        "± is half of a {level} interval: of studies with other seeds, {level} have the true value inside"
    )];
    match form {
        _ if design.comparisons == 0 => {}
        Form::Long => lines.extend([
            format!("≈ unclear: no difference that these seeds can show, once corrected for {comparisons} (Holm)"),
            format!(
                "p: the chance of such a difference if there were none, corrected likewise; it counts below {}",
                figures::value(1.0 - design.level, Unit::Ratio)
            ),
            "effect: the difference in standard deviations of one run".to_owned(),
        ]),
        Form::Compact | Form::Grid(_) => lines.extend([
            "• baseline, ▼ lower than it, ▲ higher, = the same in every run, ? too few runs to tell".to_owned(),
            format!("≈ no difference that these seeds can show, once corrected for {comparisons} (Holm)"),
        ]),
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::fixture;

    #[test]
    fn seeds_are_told_in_short() {
        let told = |all: &[&str]| seeds(&all.iter().map(|seed| (*seed).to_owned()).collect::<Vec<_>>());
        assert_eq!(told(&["7", "8", "9"]), "7 … 9");
        assert_eq!(told(&["7", "8"]), "7, 8");
        assert_eq!(told(&["7", "9", "11"]), "7, 9, 11");
        assert_eq!(told(&["1", "2", "3", "4", "6"]), "1, 2, 3, 4, …");
        assert_eq!(
            told(&["18446744073709551615", "0", "1"]),
            "18446744073709551615, 0, 1"
        );
    }

    #[test]
    fn failures_and_warnings_name_their_variants() {
        let mut made = fixture::strategies();
        made.variants[0].expect = vec![ExpectCount {
            text: "x == 0".to_owned(),
            held: 3,
            runs: 3,
        }];
        let failed = failed(&made.variants);
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].held, "held in none of 20 runs of CONSISTENT_HASH");
        // The same text is told once for all variants.
        let mut same = made.variants[2].expect[0].clone();
        same.held = 19;
        made.variants[3].expect = vec![same];
        let failed = super::failed(&made.variants);
        assert_eq!(failed.len(), 1);
        assert_eq!(
            failed[0].held,
            "held in none of 20 runs of CONSISTENT_HASH, in 19 of 20 runs of X_STICKY"
        );
        made.warnings = fixture::partial().warnings;
        made.warnings[1].variants.push("AVG".to_owned());
        assert_eq!(
            warnings(&made),
            [
                "Interrupted after 7 of 80 runs: this is what they show.",
                "Fewer than two runs of X_STICKY: it has no interval. (X_STICKY, AVG)",
            ]
        );
    }

    #[test]
    fn variants_stand_in_order_as_far_as_they_are_told_apart() {
        let made = fixture::strategies();
        let mut metric = made.metrics[3].clone();
        let told = |metric: &MetricReport| order(metric).unwrap_or_default();
        assert_eq!(
            told(&metric),
            "order: X_STICKY < CONSISTENT_HASH < AVG < AVG_BY_CIRCLE"
        );
        let ranking = metric.ranking.as_mut().expect("a ranking");
        ranking.separated = vec![false, true, false];
        metric.better = Some(Better::Higher);
        assert_eq!(
            told(&metric),
            "order: X_STICKY ≈ CONSISTENT_HASH > AVG > AVG_BY_CIRCLE"
        );
        // Told apart from the baseline within this metric, but not among all comparisons of the study.
        let ranking = made.metrics[0].ranking.as_ref().expect("a ranking");
        assert_eq!(ranking.separated, [true, true, true]);
        assert_eq!(
            told(&made.metrics[0]),
            "order: X_STICKY < AVG ≈ AVG_BY_CIRCLE < CONSISTENT_HASH"
        );
        let ranking = metric.ranking.as_mut().expect("a ranking");
        ranking.separated.fill(false);
        assert_eq!(order(&metric), None, "nothing is told");
        assert_eq!(
            order(&fixture::consumers().metrics[1]),
            None,
            "sixteen are too many"
        );
    }

    /// Nothing is compared where there is one variant alone.
    #[test]
    fn one_variant_needs_no_legend_of_differences() {
        let made = fixture::many(1, true);
        assert_eq!(legend(&made, &Form::Long).len(), 1);
    }
}
