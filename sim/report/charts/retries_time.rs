//! Retries over time: how many messages wait for their next attempt, and how many are dead so far.

use crate::report::charts::axis;
use crate::report::charts::events::events;
use crate::report::charts::over_time::{self, Line, Points, Row};
use crate::report::charts::style::{ALARM, SECOND, THICK};
use crate::report::charts::{Drawing, Subject, text, thin};

/// Points of a line.
const POINTS_MAX: usize = 1000;
const HEIGHT: f64 = 150.0;
const DEAD_HEIGHT: f64 = 100.0;

/// Draws what waited and what died, if any message came back.
pub fn draw(subject: &Subject<'_>) -> Option<Drawing> {
    let timeline = &subject.report.timeline;
    let series = timeline.groups.get(subject.name)?;
    let most = |values: &[u64]| values.iter().copied().max().unwrap_or(0);
    let (waiting, dead) = (most(&series.awaiting_retry), most(&series.dead));
    if waiting == 0 && dead == 0 {
        return None;
    }
    let row = |caption: &str, name: &str, values: &[u64], colour, height| {
        let points = timeline.time_seconds.iter().copied();
        let all: Points = points.zip(values.iter().map(|&value| value as f64)).collect();
        let line = Line::new(name, colour, THICK, vec![thin::extremes(&all, POINTS_MAX)]);
        Row {
            caption: caption.to_owned(),
            unit: "messages",
            height,
            y: axis::whole(most(values)),
            place: over_time::as_it_is,
            steps: None,
            lines: vec![Line { shade: 14, ..line }],
        }
    };
    let mut rows = vec![row(
        "messages that wait for their next attempt",
        "waiting",
        &series.awaiting_retry,
        SECOND,
        HEIGHT,
    )];
    if dead > 0 {
        rows.push(row(
            "dead letters so far",
            "dead",
            &series.dead,
            ALARM,
            DEAD_HEIGHT,
        ));
    }
    let title = format!(
        "Retries of {} over time — up to {} waiting, {}",
        subject.short_name(),
        text::count(waiting, "message"),
        text::count(dead, "dead letter")
    );
    let note = "a message waits from its failure until it is delivered from the retry topic";
    Some(over_time::draw(
        subject.report,
        &events(subject),
        title,
        note,
        &rows,
    ))
}
