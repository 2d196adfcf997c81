//! Messages in and out, per second: what was stored in the topics of a group, what it finished, what came back.
//!
//! Where the first line lies above the second, a backlog grows. Retries and dead letters have a row of their own, because
//! they are few beside the rest, or should be.

use crate::report::charts::axis;
use crate::report::charts::events::events;
use crate::report::charts::over_time::{self, Line, Points, Row};
use crate::report::charts::style::{ALARM, MAIN, SECOND, THICK, THIN, THIRD};
use crate::report::charts::{Drawing, Subject, frame, span, text, thin};
use crate::report::model::GroupSeries;

/// Windows into which a run is cut.
const WINDOWS: usize = 240;

/// How many times the usual rate a few windows may have before the axis is cut.
const CUT: f64 = 6.0;

const HEIGHT: f64 = 210.0;
const RETRIES_HEIGHT: f64 = 90.0;

/// Draws what came in and what went out.
pub fn draw(subject: &Subject<'_>) -> Drawing {
    let title = format!("Throughput of {}", subject.short_name());
    let timeline = &subject.report.timeline;
    let series = timeline.groups.get(subject.name);
    let Some(series) = series.filter(|_| timeline.time_seconds.len() > 1) else {
        return frame::notice(title, "The run was too short to look at it twice.");
    };
    let stored = stored(subject);
    let rates = |totals: &[u64]| Rates::of(&timeline.time_seconds, totals);
    let (stored, succeeded) = (rates(&stored), rates(&series.succeeded));
    if stored.total == 0 && succeeded.total == 0 {
        return frame::notice(format!("{title} — none"), "No message was stored in its topics.");
    }
    let seconds = subject.report.run.duration_seconds;
    let mean = |rates: &Rates| text::number(rates.total as f64 / seconds.max(f64::MIN_POSITIVE));
    let title = format!(
        "{title} — {} /s in, {} /s out on average",
        mean(&stored),
        mean(&succeeded)
    );
    let mut note = format!(
        "in windows of {}; stored: {}, succeeded: {}",
        span(stored.window),
        text::count(stored.total, "message"),
        text::grouped(succeeded.total)
    );
    let most = stored.max().max(succeeded.max());
    let high = top([&stored, &succeeded]).unwrap_or(most);
    if high < most {
        note.push_str(&format!("; cut at the top: up to {} /s", text::number(most)));
    }
    let mut rows = vec![Row {
        caption: "messages per second".to_owned(),
        unit: "messages/s",
        height: HEIGHT,
        y: axis::linear(high),
        place: over_time::as_it_is,
        steps: Some(stored.last_window),
        lines: vec![
            Line {
                shade: 12,
                ..Line::new("stored", MAIN, THICK, vec![stored.points])
            },
            Line::new("succeeded", THIRD, THIN, vec![succeeded.points]),
        ],
    }];
    rows.extend(came_back(subject, series));
    over_time::draw(subject.report, &events(subject), title, &note, &rows)
}

/// Where the axis ends if the highest rates are so few and so far off that all else would be flat: a backlog that is
/// there at the start arrives in one window.
fn top(rates: [&Rates; 2]) -> Option<f64> {
    let mut all: Vec<f64> = rates
        .iter()
        .flat_map(|rates| &rates.points)
        .map(|p| p.1)
        .collect();
    all.sort_by(f64::total_cmp);
    let usual = *all.get(all.len() * 97 / 100)?;
    let most = *all.last()?;
    (usual > 0.0 && most > CUT * usual).then_some(usual * 1.5)
}

/// Retries and dead letters, if there were any.
fn came_back(subject: &Subject<'_>, series: &GroupSeries) -> Option<Row> {
    let at = &subject.report.timeline.time_seconds;
    let lines = [
        ("retries", &series.retries, SECOND),
        ("dead", &series.dead, ALARM),
    ];
    let rates = lines.map(|(name, totals, colour)| (name, Rates::of(at, totals), colour));
    let highest = rates.iter().map(|(_, rates, _)| rates.max()).fold(0.0, f64::max);
    let last_window = rates[0].1.last_window;
    let lines = rates
        .into_iter()
        .filter(|(_, rates, _)| rates.total > 0)
        .map(|(name, rates, colour)| Line {
            shade: 20,
            ..Line::new(name, colour, THIN, vec![rates.points])
        });
    let lines: Vec<Line> = lines.collect();
    (!lines.is_empty()).then(|| Row {
        caption: "sent back for a retry, and dead: messages per second".to_owned(),
        unit: "messages/s",
        height: RETRIES_HEIGHT,
        y: axis::linear(highest),
        place: over_time::as_it_is,
        steps: Some(last_window),
        lines,
    })
}

/// Records stored so far in the topics that the group subscribes to.
fn stored(subject: &Subject<'_>) -> Vec<u64> {
    let mut sum = vec![0_u64; subject.report.timeline.time_seconds.len()];
    for topic in &subject.group.topics {
        let stored = subject
            .report
            .timeline
            .topics
            .get(topic)
            .map(|topic| &topic.stored);
        for (sum, value) in sum.iter_mut().zip(stored.into_iter().flatten()) {
            *sum = sum.saturating_add(*value);
        }
    }
    sum
}

/// How a total grew.
pub(super) struct Rates {
    /// Start of each window, and growth per second in it.
    pub points: Points,
    /// Length of a window, and of the last one, seconds.
    pub window: f64,
    pub last_window: f64,
    pub total: u64,
}

impl Rates {
    pub fn of(at: &[f64], totals: &[u64]) -> Self {
        let (bounds, rates) = thin::rates(at, totals, WINDOWS);
        let length = |pair: Option<&[f64]>| pair.map_or(0.0, |pair| pair[1] - pair[0]);
        Self {
            window: length(bounds.windows(2).next()),
            last_window: length(bounds.windows(2).last()),
            points: bounds.into_iter().zip(rates).collect(),
            total: totals.last().copied().unwrap_or(0),
        }
    }

    pub fn max(&self) -> f64 {
        self.points.iter().map(|point| point.1).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(values: impl Iterator<Item = f64>) -> Rates {
        Rates {
            points: (0_u32..).map(f64::from).zip(values).collect(),
            window: 1.0,
            last_window: 1.0,
            total: 0,
        }
    }

    /// One window of a hundred has 30 000 where all others have 200: the axis ends at 300. Ten of them are no exception.
    #[test]
    fn a_lone_burst_does_not_flatten_the_rest() {
        let burst = |windows| rates((0..100).map(move |n| if n < windows { 30_000.0 } else { 200.0 }));
        let calm = rates(std::iter::repeat_n(200.0, 100));
        assert_eq!(top([&burst(1), &calm]), Some(300.0));
        assert_eq!(top([&burst(10), &calm]), None);
        assert_eq!(top([&calm, &calm]), None);
        assert_eq!(
            top([&rates(std::iter::empty()), &rates(std::iter::empty())]),
            None
        );
    }
}
