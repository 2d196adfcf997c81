//! How latency went over time: quantiles of the successes in each sixtieth of the run.
//!
//! A success belongs to the window in which it came, so a message that waited through an outage is seen after it. Time
//! without a success is a gap.

use crate::report::charts::axis;
use crate::report::charts::events::events;
use crate::report::charts::over_time::{self, Line, Points, Row};
use crate::report::charts::style::{Colour, MAIN, QUIET, SECOND, THICK, THIN, THIRD};
use crate::report::charts::{Drawing, Subject, nanos, span};

const HEIGHT: f64 = 230.0;

/// Draws quantiles over time, if there are two windows with a success.
pub fn draw(subject: &Subject<'_>) -> Option<Drawing> {
    let latency = &subject.report.timeline.groups.get(subject.name)?.latency;
    if latency.count.iter().filter(|&&count| count > 0).count() < 2 {
        return None;
    }
    let lines: [(&str, &[Option<f64>], Colour, f64); 4] = [
        ("max", &latency.max_seconds, QUIET, THIN),
        ("p99", &latency.p99_seconds, SECOND, THIN),
        ("p95", &latency.p95_seconds, THIRD, THIN),
        ("p50", &latency.p50_seconds, MAIN, THICK),
    ];
    let values = || {
        let all = lines.iter().flat_map(|(_, values, ..)| values.iter().flatten());
        all.copied().filter(|value| value.is_finite())
    };
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(0.0, f64::max);
    let worst = latency
        .p99_seconds
        .iter()
        .zip(&latency.from_seconds)
        .filter_map(|(value, from)| Some(((*value)?, *from)))
        .fold((0.0, 0.0), |most, next| if next.0 > most.0 { next } else { most });
    let title = format!(
        "Latency of {} over time — p99 at worst {}, at {}",
        subject.short_name(),
        span(worst.0),
        span(worst.1)
    );
    let ends = latency.from_seconds.iter().zip(&latency.to_seconds);
    let windows: Vec<f64> = ends.map(|(from, to)| to - from).collect();
    let note = format!(
        "from the producer’s send to success, in windows of {}",
        span(windows.first().copied().unwrap_or(0.0))
    );
    let row = Row {
        caption: "latency, logarithmic".to_owned(),
        unit: "s",
        height: HEIGHT,
        y: axis::log_time(nanos(low), nanos(high)),
        place: over_time::by_decades,
        steps: Some(windows.last().copied().unwrap_or(0.0)),
        lines: lines
            .into_iter()
            .map(|(name, values, colour, width)| {
                Line::new(name, colour, width, runs(&latency.from_seconds, values))
            })
            .collect(),
    };
    Some(over_time::draw(
        subject.report,
        &events(subject),
        title,
        &note,
        &[row],
    ))
}

/// Stretches of windows that have a value.
fn runs(from: &[f64], values: &[Option<f64>]) -> Vec<Points> {
    let mut runs = vec![Points::new()];
    for (&from, value) in from.iter().zip(values) {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((from, *value)),
            (None, Some(run)) if !run.is_empty() => runs.push(Points::new()),
            _ => {}
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_without_success_is_a_gap() {
        let found = runs(
            &[0.0, 1.0, 2.0, 3.0, 4.0],
            &[None, Some(5.0), Some(6.0), None, Some(7.0)],
        );
        assert_eq!(found, [vec![(1.0, 5.0), (2.0, 6.0)], vec![(4.0, 7.0)]]);
    }
}
