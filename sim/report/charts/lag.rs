//! Lag over time: the group's total, and queue by queue.
//!
//! Above, what operators see (max offset − committed offset) and what is truly left to do (max offset −
//! finished): the first one moves in the steps of the offset commits. Below, the twelve queues with the
//! highest lag as lines, the range of all others as a grey band.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Canvas, svg};
use crate::report::charts::frame::{self, Event, FOOT, HEADING, Panel};
use crate::report::charts::labels::{self, Label};
use crate::report::charts::style::{
    self, DIM, LABEL, LINES_MAX, MAIN, RIGHT_MARGIN, SECOND, SMALL, THICK, THIN, WIDTH,
};
use crate::report::charts::{Drawing, Subject, span, text, thin};
use crate::report::model::GroupSeries;

/// Points of one line; more cannot be seen.
const POINTS_MAX: usize = 2000;
/// Points of one line among many.
const POINTS_MAX_QUEUE: usize = 600;

const TOTAL_HEIGHT: f64 = 210.0;
const QUEUES_HEIGHT: f64 = 200.0;
/// From the foot of one panel to the top of the next.
const BETWEEN: f64 = 40.0;

/// Draws the lag of one group.
pub fn draw(subject: &Subject<'_>) -> Drawing {
    let (name, lag) = (subject.short_name(), &subject.group.lag);
    let Some(series) = subject.report.timeline.groups.get(subject.name) else {
        let title = format!("Lag of {name}");
        return (
            title.clone(),
            frame::notice(&title, "The run was too short to look at it even once."),
        );
    };
    if lag.max == 0 && subject.group.backlog.max == 0 {
        let title = format!("Lag of {name} — none");
        return (
            title.clone(),
            frame::notice(
                &title,
                "No message ever waited: lag and backlog were 0 throughout.",
            ),
        );
    }
    let when = lag
        .max_at_seconds
        .map_or(String::new(), |at| format!(" at {}", span(at)));
    let title = format!("Lag of {name} — max {}{when}", text::count(lag.max, "message"));
    let note = match lag.drain_seconds {
        Some(drain) => format!(
            "back to 1 % of it {} later; {} at the end",
            span(drain),
            text::count(lag.last, "message")
        ),
        None => format!("{} at the end", text::count(lag.last, "message")),
    };

    let picture = Picture::of(subject, series);
    let svg = svg(WIDTH, picture.height(), &title, |canvas| {
        frame::heading(canvas, &title, &note);
        picture.draw(canvas);
    });
    (title, svg)
}

type Points = Vec<(f64, f64)>;

/// Everything to be drawn, measured but not placed.
struct Picture {
    time: Axis,
    events: Vec<Event>,
    /// Highest lag between two looks, lag at each look, backlog at each look.
    total: [Points; 3],
    lag_max: u64,
    /// The queues that stand out: label, highest lag, points; by falling highest lag.
    queues: Vec<(String, u64, Points)>,
    rest: Option<Rest>,
}

/// Queues that do not stand out.
struct Rest {
    count: u64,
    lowest: Points,
    highest: Points,
}

impl Picture {
    fn of(subject: &Subject<'_>, series: &GroupSeries) -> Self {
        let at = &subject.report.timeline.time_seconds;
        let end = subject.duration_nanos();
        let (queues, rest) = split_queues(subject, series, at);
        Self {
            time: axis::time(end, 9),
            events: subject
                .report
                .rebalance
                .get(subject.name)
                .map_or(Vec::new(), |rebalance| {
                    frame::events(&rebalance.changes, axis::seconds(end) / 200.0)
                }),
            total: [&series.lag_max, &series.lag, &series.backlog]
                .map(|values| points(at, values, POINTS_MAX)),
            lag_max: highest(&series.lag_max)
                .max(highest(&series.lag))
                .max(highest(&series.backlog)),
            queues,
            rest,
        }
    }

    fn has_queues(&self) -> bool {
        self.queues.len() > 1 || self.rest.is_some()
    }

    fn top(&self) -> f64 {
        HEADING + 22.0 + frame::strip_height(&self.events)
    }

    fn height(&self) -> f64 {
        let queues = if self.has_queues() {
            QUEUES_HEIGHT + BETWEEN
        } else {
            0.0
        };
        self.top() + TOTAL_HEIGHT + queues + FOOT
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let queue_max = self.queues.iter().map(|(_, max, _)| *max).max().unwrap_or(0);
        let (total_axis, queue_axis) = (axis::whole(self.lag_max), axis::whole(queue_max));
        let remarks: Vec<String> = self.queues.iter().map(|(_, max, _)| remark(*max)).collect();
        let queue_labels = self
            .queues
            .iter()
            .zip(&remarks)
            .map(|((name, ..), remark)| (name.as_str(), remark.as_str()));
        let room =
            labels::room(queue_labels, SMALL, 250.0).max(labels::room([("committed", "")], LABEL, 250.0));
        let (left, right) = (
            frame::left_room(&total_axis).max(frame::left_room(&queue_axis)),
            WIDTH - room.max(RIGHT_MARGIN),
        );
        let top = self.top();
        let total = Panel {
            left,
            right,
            top,
            bottom: top + TOTAL_HEIGHT,
            x: self.time.clone(),
            y: total_axis,
        };
        total.grid(canvas, "messages not yet consumed by the group");
        let below = total.bottom + BETWEEN;
        let queues = Panel {
            left,
            right,
            top: below,
            bottom: below + QUEUES_HEIGHT,
            x: self.time.clone(),
            y: queue_axis,
        };
        let last = if self.has_queues() { &queues } else { &total };
        if self.has_queues() {
            queues.grid(canvas, &self.queue_caption());
        }
        frame::mark(canvas, &total, &self.events, last.bottom);
        self.draw_total(canvas, &total, room);
        if self.has_queues() {
            self.draw_queues(canvas, &queues, room, &remarks);
        }
        last.foot(canvas, "virtual time since the start");
    }

    fn draw_total(&self, canvas: &mut Canvas<'_>, panel: &Panel, room: f64) {
        let [peaks, lag, backlog] = &self.total;
        let floor = [
            (panel.px(peaks.last().map_or(0.0, |p| p.0)), panel.bottom),
            (panel.left, panel.bottom),
        ];
        canvas.area(peaks.iter().map(|&p| panel.at(p)).chain(floor), MAIN, 12);
        canvas.path(lag.iter().map(|&p| panel.at(p)), MAIN, THICK);
        canvas.path(backlog.iter().map(|&p| panel.at(p)), SECOND, THIN);
        let ends = [("not committed", lag, MAIN), ("not finished", backlog, SECOND)];
        let names = ends.map(|(name, points, colour)| label(panel, points, colour, name, ""));
        labels::beside(
            canvas,
            names.to_vec(),
            panel.right,
            room,
            (panel.top + 6.0, panel.bottom - 6.0),
            LABEL,
        );
    }

    fn draw_queues(&self, canvas: &mut Canvas<'_>, panel: &Panel, room: f64, remarks: &[String]) {
        if let Some(rest) = &self.rest {
            let band = rest.highest.iter().chain(rest.lowest.iter().rev());
            canvas.area(band.map(|&p| panel.at(p)), DIM, 60);
        }
        let mut names = Vec::new();
        // The highest is drawn last, on top of the others.
        for (i, ((name, _, points), remark)) in self.queues.iter().zip(remarks).enumerate().rev() {
            canvas.path(points.iter().map(|&p| panel.at(p)), style::hue(i), THIN);
            names.push(label(panel, points, style::hue(i), name, remark));
        }
        labels::beside(
            canvas,
            names,
            panel.right,
            room,
            (panel.top + 2.0, panel.bottom - 2.0),
            SMALL,
        );
    }

    fn queue_caption(&self) -> String {
        match &self.rest {
            Some(rest) => format!(
                "messages not committed, the {} queues with the highest lag; grey: range of the {} others",
                self.queues.len(),
                text::grouped(rest.count)
            ),
            None => "messages not committed, queue by queue".to_owned(),
        }
    }
}

/// The queues that stand out, and the others; retry queues only where something waited in them.
fn split_queues(
    subject: &Subject<'_>,
    series: &GroupSeries,
    at: &[f64],
) -> (Vec<(String, u64, Points)>, Option<Rest>) {
    let own = |label: &str| {
        subject
            .report
            .queues
            .get(label)
            .is_some_and(|queue| subject.group.topics.contains(&queue.topic))
    };
    let mut queues: Vec<(&String, u64, &Vec<u64>)> = series
        .queue_lag
        .iter()
        .map(|(label, values)| (label, highest(values), values))
        .filter(|(label, max, _)| *max > 0 || own(label))
        .collect();
    // A stable sort: equal maxima stay in the order of the report.
    queues.sort_by_key(|(_, max, _)| std::cmp::Reverse(*max));
    let others = queues.split_off(queues.len().min(LINES_MAX));
    let rest = (!others.is_empty()).then(|| {
        let range = |pick: fn(u64, u64) -> u64| -> Vec<u64> {
            let at_look = |i: usize| {
                others
                    .iter()
                    .filter_map(|(_, _, v)| v.get(i).copied())
                    .reduce(pick)
            };
            (0..at.len()).map(|i| at_look(i).unwrap_or(0)).collect()
        };
        Rest {
            count: others.len() as u64,
            lowest: points(at, &range(u64::min), POINTS_MAX_QUEUE),
            highest: points(at, &range(u64::max), POINTS_MAX_QUEUE),
        }
    });
    let lines = queues
        .into_iter()
        .map(|(label, max, v)| (label.clone(), max, points(at, v, POINTS_MAX_QUEUE)));
    (lines.collect(), rest)
}

fn points(at: &[f64], values: &[u64], most: usize) -> Points {
    let all: Points = at
        .iter()
        .zip(values)
        .map(|(&at, &value)| (at, value as f64))
        .collect();
    thin::extremes(&all, most)
}

fn highest(values: &[u64]) -> u64 {
    values.iter().copied().max().unwrap_or(0)
}

fn remark(max: u64) -> String {
    format!("max {}", text::grouped(max))
}

fn label(panel: &Panel, points: &Points, colour: style::Colour, name: &str, remark: &str) -> Label {
    let y = panel.py(points.last().map_or(0.0, |p| p.1));
    Label {
        y,
        colour,
        name: name.to_owned(),
        remark: remark.to_owned(),
    }
}
