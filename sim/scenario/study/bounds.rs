//! How much work a study is: counted before anything is built, and refused with an estimate if it is too much.

use crate::cluster::config::ClusterConfig;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::estimate::grouped;
use crate::scenario::json::Node;
use crate::scenario::limits;
use crate::scenario::study::values::Value;
use crate::scenario::study::vary::Varied;

/// Messages that a machine simulates in a second, to tell people how long a study would take.
const MESSAGES_PER_SECOND: u128 = 1_000_000;

/// The size of a study.
pub(super) struct Work<'a> {
    pub(super) varied: &'a [Varied],
    pub(super) files: usize,
    /// Runs of each variant.
    pub(super) seeds: u32,
    /// What `--max-runs` allows.
    pub(super) max_runs: Option<u64>,
}

impl Work<'_> {
    pub(super) fn variants(&self) -> u128 {
        let counts = self.varied.iter().map(Varied::count);
        counts.fold(self.files as u128, u128::saturating_mul)
    }

    fn runs(&self) -> u128 {
        self.variants().saturating_mul(self.seeds.into())
    }

    /// Why there are too many variants or runs to begin with; `messages` tells of one run, if it can be told.
    pub(super) fn too_many(&self, messages: impl FnOnce() -> Option<u128>) -> Option<Diagnostic> {
        let (variants, runs) = (self.variants(), self.runs());
        let bound = match self.max_runs {
            Some(_) if variants > limits::VARIANTS_AT_ALL.into() => format!(
                "more than the {} variants of one study, whatever --max-runs says",
                grouped(limits::VARIANTS_AT_ALL.into())
            ),
            Some(most) if runs > most.into() => {
                format!("more than the {} of --max-runs", grouped(most.into()))
            }
            None if variants > limits::VARIANTS.into() => {
                format!("more than {} variants", grouped(limits::VARIANTS.into()))
            }
            _ => return None,
        };
        Some(self.refusal(&bound, messages()))
    }

    /// Why all runs together make too many messages: `total` in one run of each variant.
    pub(super) fn too_long(&self, total: u128) -> Option<Diagnostic> {
        let bound = limits::STUDY_MESSAGES.into();
        let too_long = self.max_runs.is_none() && total.saturating_mul(self.seeds.into()) > bound;
        too_long.then(|| {
            let bound = format!("more than {} messages in all", grouped(bound));
            self.refusal(&bound, Some(total / self.variants().max(1)))
        })
    }

    /// That all variants together do not fit into memory; one of them has so many `parts`.
    pub(super) fn too_large(&self, parts: u64) -> Diagnostic {
        let message = format!(
            "the study is too large: {} variants, one of which has {} producers, consumers, queues and timeline steps",
            grouped(self.variants()),
            grouped(parts.into())
        );
        let most = grouped(limits::STUDY_PARTS.into());
        self.at_the_longest(Diagnostic::new(message)).help(format!(
            "all variants together may have {most}: study fewer at once"
        ))
    }

    /// The same of the texts; that of one variant has so many bytes.
    pub(super) fn too_long_texts(&self, bytes: u64) -> Diagnostic {
        let message = format!(
            "the study is too large: {} variants, one of which has {} bytes of text",
            grouped(self.variants()),
            grouped(bytes.into())
        );
        let most = limits::STUDY_BYTES >> 20;
        self.at_the_longest(Diagnostic::new(message)).help(format!(
            "all variants together may have {most} MiB: study fewer at once, or shorten the file"
        ))
    }

    /// `problem`, shown at the field with most values.
    fn at_the_longest(&self, problem: Diagnostic) -> Diagnostic {
        let Some(longest) = self.varied.iter().max_by_key(|varied| varied.count()) else {
            return problem;
        };
        let values = format!("{} values", grouped(longest.count()));
        problem.at(longest.span).field(&longest.field.path).label(values)
    }

    /// The arithmetic.
    fn refusal(&self, bound: &str, messages: Option<u128>) -> Diagnostic {
        let (variants, runs) = (self.variants(), self.runs());
        let arithmetic = format!(
            "{} variants × {} seeds = {} runs",
            grouped(variants),
            grouped(self.seeds.into()),
            grouped(runs)
        );
        let (each, time) = match messages {
            Some(messages) => {
                let seconds = messages.saturating_mul(runs) / MESSAGES_PER_SECOND;
                let time = format!(
                    "at a million messages a second that takes about {}",
                    long(seconds)
                );
                (
                    format!(" of about {} messages each", grouped(rounded(messages))),
                    Some(time),
                )
            }
            None => (String::new(), None),
        };
        let mut problem = Diagnostic::new(format!("{arithmetic}{each}: {bound}"));
        problem.help.extend(time);
        problem = self.at_the_longest(problem);
        problem = problem.help("give fewer values, a greater step in a range (1..1000..100), or fewer seeds");
        if variants <= limits::VARIANTS_AT_ALL.into() {
            problem = problem.help(format!("if this is meant, lift the limit with --max-runs {runs}"));
        }
        problem
    }
}

/// Producers, consumers, queues and steps of the timeline: what makes a variant large before it runs.
pub(super) fn parts(config: &ClusterConfig) -> u64 {
    let consumers: usize = config.groups.iter().map(|group| group.consumers.len()).sum();
    let placements = config.topics.iter().flat_map(|topic| &topic.placement);
    let queues: u64 = placements
        .map(|(_, queues)| u64::from(queues.read.max(queues.write)))
        .sum();
    queues + (config.producers.len() + consumers + config.timeline.len()) as u64
}

/// Bytes of the text of a variant: of its file and of the values in it. A variant holds a few copies of them.
pub(super) fn bytes(root: &Node, values: &[&Value]) -> u64 {
    let of = |node: &Node| node.span.end - node.span.start;
    (of(root) + values.iter().map(|value| of(&value.node)).sum::<usize>()) as u64
}

/// A number for people: its two first digits.
fn rounded(n: u128) -> u128 {
    let mut unit = 1;
    while n / unit >= 100 {
        unit *= 10;
    }
    (n + unit / 2) / unit * unit
}

/// So many seconds in words.
fn long(seconds: u128) -> String {
    const UNITS: [(u128, &str); 5] = [
        (365 * 86_400, "year"),
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    // Below two of a unit the next smaller one says more.
    let fitting = UNITS.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    let (unit, name) = fitting.unwrap_or((1, "second"));
    let n = (seconds + unit / 2) / unit;
    format!("{} {name}{}", grouped(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_times_are_told_in_the_unit_that_fits() {
        let told = [0, 1, 90, 150, 7_000, 100_000, 200_000, 1_200_000_000].map(long);
        let expected = [
            "0 seconds",
            "1 second",
            "90 seconds",
            "3 minutes",
            "117 minutes",
            "28 hours",
            "2 days",
            "38 years",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn numbers_are_rounded_to_two_digits() {
        assert_eq!(
            [0, 7, 99, 60_123, 65_500].map(rounded),
            [0, 7, 99, 60_000, 66_000]
        );
    }
}
