//! What brokers were asked: requests by kind, and how many a second.
//!
//! Both are about the cluster, so there is one of each in a report. Beyond twelve brokers, those with the most requests
//! have a colour; the others are grey.

use crate::report::charts::axis;
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::events::events_of_all;
use crate::report::charts::frame::{self, HEADING};
use crate::report::charts::over_time::{self, Line, Row};
use crate::report::charts::style::{self, AXIS, Colour, DIM, INDENT, INK, LABEL, SMALL, THIN, WIDTH};
use crate::report::charts::throughput::Rates;
use crate::report::charts::{Drawing, text};
use crate::report::model::{BrokerReport, Report, RequestsReport};

const ROW: f64 = 26.0;
const FOOT: f64 = 22.0;
const LOAD_HEIGHT: f64 = 210.0;
/// Room for the number behind a bar, pixels.
const NUMBER: f64 = 130.0;

/// The name of a kind, and how often it came.
type Kind = (&'static str, fn(&RequestsReport) -> u64);

/// RocketMQ's names of the kinds; what it does not know has a name without capitals.
const KINDS: [Kind; 12] = [
    ("SEND_MESSAGE", |of| of.send),
    ("PULL_MESSAGE", |of| of.pull),
    ("UPDATE_CONSUMER_OFFSET", |of| of.update_offset),
    ("QUERY_CONSUMER_OFFSET", |of| of.query_offset),
    ("GET_MAX_OFFSET, SEARCH_OFFSET", |of| of.lookup_offset),
    ("HEART_BEAT", |of| of.heartbeat),
    ("GET_CONSUMER_LIST_BY_GROUP", |of| of.consumer_list),
    ("CONSUMER_SEND_MSG_BACK", |of| of.send_back),
    ("LOCK_BATCH_MQ", |of| of.lock_batch),
    ("UNLOCK_BATCH_MQ", |of| of.unlock_batch),
    ("UNREGISTER_CLIENT", |of| of.unregister),
    ("acknowledge a push", |of| of.acknowledge),
];

/// Brokers with their colours, by falling number of requests.
fn brokers(report: &Report) -> Vec<(&str, &BrokerReport, Colour)> {
    let mut brokers: Vec<(&str, &BrokerReport)> = report
        .cluster
        .brokers
        .iter()
        .map(|(name, broker)| (name.as_str(), broker))
        .collect();
    if brokers.len() > style::LINES_MAX {
        brokers.sort_by_key(|(_, broker)| std::cmp::Reverse(broker.requests.total));
    }
    let colour = |number: usize| {
        if number < style::LINES_MAX {
            style::hue(number)
        } else {
            DIM
        }
    };
    let coloured = brokers.into_iter().enumerate();
    coloured
        .map(|(number, (name, broker))| (name, broker, colour(number)))
        .collect()
}

/// Draws requests by kind, if there were any.
pub fn draw(report: &Report) -> Option<Drawing> {
    let brokers = brokers(report);
    let count = |of: fn(&RequestsReport) -> u64| {
        let counts = brokers.iter().map(|(_, broker, _)| of(&broker.requests));
        counts.fold(0_u64, u64::saturating_add)
    };
    let mut kinds: Vec<_> = KINDS
        .into_iter()
        .map(|(name, of)| (name, of, count(of)))
        .filter(|(.., count)| *count > 0)
        .collect();
    kinds.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let total = kinds.iter().fold(0_u64, |sum, kind| sum.saturating_add(kind.2));
    let &(first, _, most) = kinds.first()?;
    let title = format!(
        "Requests to brokers — {}, {} of them {first}",
        text::compact(total),
        text::percent(most as f64, total as f64)
    );
    let stored = brokers
        .iter()
        .fold(0_u64, |sum, (_, broker, _)| sum.saturating_add(broker.stored));
    let mut note = format!(
        "{} for each message stored",
        text::number(total as f64 / stored.max(1) as f64)
    );
    if brokers.len() > 1 {
        note.push_str("; by broker");
    }
    let top = HEADING + if brokers.len() > 1 { 26.0 } else { 4.0 };
    let height = top + ROW * kinds.len() as f64 + FOOT;
    let svg = svg(WIDTH, height, &title, |canvas| {
        frame::heading(canvas, &title, &note);
        legend(canvas, &brokers);
        let names = kinds.iter().map(|(name, ..)| text::width(name, LABEL));
        let left = INDENT + names.fold(0.0, f64::max) + 10.0;
        let scale = (WIDTH - NUMBER - left) / most as f64;
        for (number, (name, of, count)) in kinds.iter().enumerate() {
            let y = top + ROW * (number as f64 + 0.5);
            canvas.text(name, (left - 8.0, y), Anchor::End, LABEL, INK);
            let mut x = left;
            for (_, broker, colour) in &brokers {
                let end = x + of(&broker.requests) as f64 * scale;
                if end > x {
                    canvas.rect((x, y - 8.0), (end, y + 8.0), *colour);
                }
                x = end;
            }
            let share = text::percent(*count as f64, total as f64);
            let words = format!("{} · {share}", text::compact(*count));
            canvas.text(&words, (x + 7.0, y), Anchor::Start, SMALL, INK);
        }
        canvas.line((left, top), (left, height - FOOT), AXIS, THIN);
    });
    Some(Drawing::still(title, svg))
}

/// Which colour is which broker, where there is more than one.
fn legend(canvas: &mut Canvas<'_>, brokers: &[(&str, &BrokerReport, Colour)]) {
    let (mut x, y) = (INDENT, HEADING + 8.0);
    for (name, _, colour) in brokers.iter().filter(|_| brokers.len() > 1) {
        let name = text::fitted(name, LABEL, 150.0);
        let width = 20.0 + text::width(&name, LABEL);
        if x + width > WIDTH - INDENT {
            break;
        }
        canvas.rect((x, y - 5.0), (x + 14.0, y + 5.0), *colour);
        canvas.text(&name, (x + 20.0, y), Anchor::Start, LABEL, INK);
        x += width + 20.0;
    }
}

/// Draws requests a second, if the run was looked at twice.
pub fn draw_load(report: &Report) -> Option<Drawing> {
    let at = &report.timeline.time_seconds;
    let mut lines = Vec::new();
    let (mut highest, mut window, mut last_window) = (0.0_f64, 0.0, 0.0);
    for (name, _, colour) in brokers(report).into_iter().take(style::LINES_MAX) {
        let Some(series) = report.timeline.brokers.get(name) else {
            continue;
        };
        let rates = Rates::of(at, &series.requests);
        (window, last_window) = (rates.window, rates.last_window);
        highest = highest.max(rates.max());
        lines.push(Line::new(name, colour, THIN, vec![rates.points]));
    }
    if at.len() < 2 || highest == 0.0 {
        return None;
    }
    let title = format!(
        "Load of brokers — up to {} requests a second",
        text::number(highest)
    );
    let mut note = format!(
        "requests of all kinds, in windows of {}",
        crate::report::charts::span(window)
    );
    if report.cluster.brokers.len() > style::LINES_MAX {
        let all = text::grouped(report.cluster.brokers.len() as u64);
        note.push_str(&format!("; the {} busiest of {all} brokers", style::LINES_MAX));
    }
    let row = Row {
        caption: "requests per second".to_owned(),
        unit: "requests/s",
        height: LOAD_HEIGHT,
        y: axis::linear(highest),
        place: over_time::as_it_is,
        steps: Some(last_window),
        lines,
    };
    Some(over_time::draw(
        report,
        &events_of_all(report),
        title,
        &note,
        &[row],
    ))
}
