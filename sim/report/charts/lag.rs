//! Lag over time: the group's total, and queue by queue.
//!
//! Above, what operators see (max offset − committed offset) and what is truly left to do (max offset −
//! finished): the first one moves in the steps of the offset commits. Where the group filters, what the broker's metric
//! makes of the first one is a line too. Then how long the oldest message waits. Below, the twelve queues with the
//! highest lag as lines, the range of all others as a grey band. There the highest value of each stretch of
//! the run is drawn: the saw teeth of twelve queues' commits over each other would hide what happens.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Canvas, svg};
use crate::report::charts::events::events;
use crate::report::charts::frame::{self, FOOT, HEADING, Plot};
use crate::report::charts::labels::{self, Label};
use crate::report::charts::panel::{Panel, Shown};
use crate::report::charts::strip::Strip;
use crate::report::charts::style::{
    self, Colour, DIM, HAIRLINE, LABEL, LINES_MAX, MAIN, PAPER, RIGHT_MARGIN, SECOND, SMALL, THICK, THIN,
    THIRD, WIDTH,
};
use crate::report::charts::{Drawing, Subject, nanos, span, text, thin};
use crate::report::model::GroupSeries;

/// Points of the total's lines.
const POINTS_MAX: usize = 2000;
/// Stretches of the queues' lines.
const STRETCHES: usize = 180;

/// What all of them count.
const UNIT: &str = "messages";

/// How the line of ages is called.
const AGE: &str = "oldest";

const TOTAL_HEIGHT: f64 = 210.0;
const AGE_HEIGHT: f64 = 90.0;
const QUEUES_HEIGHT: f64 = 200.0;
/// From the foot of one panel to the top of the next.
const BETWEEN: f64 = 42.0;
/// Widest that labels may grow.
const ROOM_MAX: f64 = 250.0;

/// Draws the lag of one group.
pub fn draw(subject: &Subject<'_>) -> Drawing {
    let (name, lag) = (subject.short_name(), &subject.group.lag);
    let series = subject.report.timeline.groups.get(subject.name);
    let Some(series) = series.filter(|series| !series.lag.is_empty()) else {
        let title = format!("Lag of {name}");
        return frame::notice(title, "The run was too short to look at it even once.");
    };
    let total = Total::of(subject, series);
    let is_whole = subject.report.run.measured_from_seconds.is_none();
    if lag.max == 0 && subject.group.backlog.max == 0 && (is_whole || total.max == 0) {
        return frame::notice(
            format!("Lag of {name} — none"),
            "No message ever waited: lag and backlog were 0 throughout.",
        );
    }
    let when = lag
        .max_at_seconds
        .map_or(String::new(), |at| format!(" at {}", span(at)));
    let title = format!("Lag of {name} — max {}{when}", text::count(lag.max, "message"));
    let last = text::count(lag.last, "message");
    let note = match lag.drain_seconds {
        Some(drain) => format!("back to 1 % of it {} later; {last} at the end", span(drain)),
        None if lag.last == lag.max => "still there at the end".to_owned(),
        None => format!("mean {}; {last} at the end", text::number(lag.mean)),
    };

    let queues = Queues::of(subject, series);
    let sheet = Sheet::of(subject, &total, queues.as_ref());
    let svg = svg(WIDTH, sheet.height(), &title, |canvas| {
        frame::heading(canvas, &title, &note);
        sheet.draw(canvas, &total, queues.as_ref());
    });
    let panels = sheet.panels(&total, queues.as_ref());
    Drawing { title, svg, panels }
}

type Points = Vec<(f64, f64)>;

/// What the upper panel shows.
struct Total {
    /// Highest lag between two looks.
    peaks: Points,
    lag: Points,
    backlog: Points,
    /// What the broker's metric says, where the group filters and it says otherwise.
    estimate: Option<Points>,
    /// Age of the oldest message that waits, seconds; nothing if none ever waited.
    age: Points,
    max: u64,
}

impl Total {
    fn of(subject: &Subject<'_>, series: &GroupSeries) -> Self {
        let at = &subject.report.timeline.time_seconds;
        let points = |values: &[u64]| -> Points {
            let all: Points = at
                .iter()
                .zip(values)
                .map(|(&at, &value)| (at, value as f64))
                .collect();
            thin::extremes(&all, POINTS_MAX)
        };
        Self {
            peaks: points(&series.lag_max),
            lag: points(&series.lag),
            backlog: points(&series.backlog),
            estimate: Some(&series.lag_estimate)
                .filter(|estimate| !estimate.is_empty() && **estimate != series.lag)
                .map(|estimate| points(estimate)),
            age: age(at, &series.oldest_waiting_seconds),
            max: [&series.lag_max, &series.lag, &series.backlog]
                .map(|values| highest(values))
                .into_iter()
                .max()
                .unwrap_or(0),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, panel: &Plot, room: f64) {
        let end = self.peaks.last().map_or(panel.left, |p| panel.px(p.0));
        let floor = [(end, panel.bottom), (panel.left, panel.bottom)];
        canvas.area(self.peaks.iter().map(|&p| panel.at(p)).chain(floor), MAIN, 12);
        canvas.path(
            self.peaks.iter().map(|&p| panel.at(p)),
            MAIN.mixed(PAPER, 60),
            HAIRLINE,
        );
        canvas.path(self.lag.iter().map(|&p| panel.at(p)), MAIN, THICK);
        for (_, colour, points) in self.lines().skip(1) {
            canvas.path(points.iter().map(|&p| panel.at(p)), colour, THIN);
        }
        let names = self
            .lines()
            .map(|(name, colour, points)| label(panel, points, colour, name, ""));
        labels::beside(canvas, names.collect(), panel, room, LABEL);
    }

    fn shown(&self) -> Vec<Shown> {
        self.lines()
            .map(|(name, colour, points)| Shown::new(name, UNIT, colour, points))
            .collect()
    }

    /// Name, colour and points of each line.
    fn lines(&self) -> impl Iterator<Item = (&'static str, Colour, &Points)> {
        let estimate = self
            .estimate
            .iter()
            .map(|points| ("broker’s estimate", THIRD, points));
        let sure = [
            ("not committed", MAIN, &self.lag),
            ("not finished", SECOND, &self.backlog),
        ];
        sure.into_iter().chain(estimate)
    }
}

/// The age of the oldest waiting message as a line, if anything ever waited.
fn age(at: &[f64], seconds: &[f64]) -> Points {
    let all: Points = at.iter().copied().zip(seconds.iter().copied()).collect();
    if all.iter().any(|point| point.1 > 0.0) {
        thin::extremes(&all, POINTS_MAX)
    } else {
        Points::new()
    }
}

/// What the lower panel shows.
struct Queues {
    /// The queues that stand out, by falling highest lag.
    lines: Vec<Line>,
    /// How many do not, and their lowest and highest.
    rest: Option<(u64, Points, Points)>,
    /// Length of a stretch, seconds.
    stretch: f64,
}

struct Line {
    label: String,
    max: u64,
    points: Points,
}

impl Line {
    fn remark(&self) -> String {
        format!("max {}", text::compact(self.max))
    }
}

impl Queues {
    /// None if the group reads one queue only: that one is the total. Retry queues count where messages waited.
    fn of(subject: &Subject<'_>, series: &GroupSeries) -> Option<Self> {
        let at = &subject.report.timeline.time_seconds;
        let own = |label: &str| {
            subject
                .report
                .queues
                .get(label)
                .is_some_and(|queue| subject.group.topics.contains(&queue.topic))
        };
        let line = |(label, values): (&String, &Vec<u64>)| Line {
            label: label.clone(),
            max: highest(values),
            points: thin::peaks(
                at,
                &values.iter().map(|&value| value as f64).collect::<Vec<_>>(),
                STRETCHES,
            ),
        };
        let mut lines: Vec<Line> = series
            .queue_lag
            .iter()
            .map(line)
            .filter(|line| line.max > 0 || own(&line.label))
            .collect();
        if lines.len() < 2 {
            return None;
        }
        // A stable sort: equal maxima stay in the order of the report.
        lines.sort_by_key(|line| std::cmp::Reverse(line.max));
        let others = lines.split_off(lines.len().min(LINES_MAX));
        let range = |pick: fn(f64, f64) -> f64| -> Points {
            let lists: Vec<&Points> = others.iter().map(|line| &line.points).collect();
            let Some(first) = lists.first() else {
                return Points::new();
            };
            let at_stretch = |i: usize| {
                lists
                    .iter()
                    .filter_map(|l| Some(l.get(i)?.1))
                    .reduce(pick)
                    .unwrap_or(0.0)
            };
            first
                .iter()
                .enumerate()
                .map(|(i, p)| (p.0, at_stretch(i)))
                .collect()
        };
        let rest = (!others.is_empty()).then(|| (others.len() as u64, range(f64::min), range(f64::max)));
        let stretch = subject.report.timeline.interval_seconds * at.len().div_ceil(STRETCHES) as f64;
        Some(Self { lines, rest, stretch })
    }

    fn shown(&self) -> Vec<Shown> {
        let lines = self.lines.iter().enumerate();
        let shown = |(i, line): (usize, &Line)| Shown::new(&line.label, UNIT, style::hue(i), &line.points);
        lines.map(shown).collect()
    }

    fn caption(&self) -> String {
        let stretch = format!("highest in each {}", span(self.stretch));
        match &self.rest {
            Some((count, ..)) => format!(
                "messages not committed ({stretch}): the {} worst queues; grey: range of the {} others",
                self.lines.len(),
                text::grouped(*count)
            ),
            None => format!("messages not committed, queue by queue ({stretch})"),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, panel: &Plot, room: f64) {
        if let Some((_, lowest, highest)) = &self.rest {
            let band = highest.iter().chain(lowest.iter().rev());
            canvas.area(band.map(|&p| panel.at(p)), DIM, 60);
        }
        // The highest is drawn last, on top of the others.
        for (i, line) in self.lines.iter().enumerate().rev() {
            canvas.path(line.points.iter().map(|&p| panel.at(p)), style::hue(i), THIN);
        }
        let name = |(i, line): (usize, &Line)| {
            label(panel, &line.points, style::hue(i), &line.label, &line.remark())
        };
        labels::beside(
            canvas,
            self.lines.iter().enumerate().map(name).collect(),
            panel,
            room,
            SMALL,
        );
    }
}

/// Where everything lies.
struct Sheet {
    /// End of what is not measured, seconds.
    warm_up: Option<f64>,
    strip: Strip,
    total: Plot,
    age: Option<Plot>,
    queues: Option<Plot>,
    room: f64,
}

impl Sheet {
    fn of(subject: &Subject<'_>, total: &Total, queues: Option<&Queues>) -> Self {
        let x = axis::time(subject.duration_nanos(), 9);
        let total_axis = axis::whole(total.max);
        let queue_axis = queues.map(|queues| axis::whole(queues.lines.first().map_or(0, |line| line.max)));
        let names = total.lines().map(|(name, ..)| (name, ""));
        let mut room = labels::room(names, LABEL, ROOM_MAX).max(RIGHT_MARGIN);
        for line in queues.iter().flat_map(|queues| &queues.lines) {
            room = room.max(labels::room(
                [(line.label.as_str(), line.remark().as_str())],
                SMALL,
                ROOM_MAX,
            ));
        }
        let oldest = total.age.iter().map(|point| point.1).fold(0.0, f64::max);
        let age_axis = (oldest > 0.0).then(|| duration_axis(oldest));
        let axes = [Some(&total_axis), age_axis.as_ref(), queue_axis.as_ref()];
        let left = axes
            .into_iter()
            .flatten()
            .map(frame::left_room)
            .fold(0.0, f64::max);
        let right = WIDTH - room;
        let strip = Strip::of(&events(subject), &x, left, right);
        let panel = |top: f64, height: f64, y: Axis| Plot {
            left,
            right,
            top,
            bottom: top + height,
            x: x.clone(),
            y,
        };
        let total = panel(HEADING + 22.0 + strip.height(), TOTAL_HEIGHT, total_axis);
        let age = age_axis.map(|axis| panel(total.bottom + BETWEEN, AGE_HEIGHT, axis));
        let above = age.as_ref().unwrap_or(&total).bottom;
        let queues = queue_axis.map(|axis| panel(above + BETWEEN, QUEUES_HEIGHT, axis));
        Self {
            warm_up: subject.report.run.measured_from_seconds,
            strip,
            total,
            age,
            queues,
            room,
        }
    }

    fn height(&self) -> f64 {
        self.lowest().bottom + FOOT
    }

    fn lowest(&self) -> &Plot {
        let below = self.queues.as_ref().or(self.age.as_ref());
        below.unwrap_or(&self.total)
    }

    fn panels(&self, total: &Total, queues: Option<&Queues>) -> Vec<Panel> {
        let mut panels = vec![Panel::of(&self.total, total.shown())];
        if let Some(plot) = &self.age {
            let age = Shown::new(AGE, "s", MAIN, &total.age);
            panels.push(Panel::of(plot, vec![age]));
        }
        if let (Some(plot), Some(queues)) = (&self.queues, queues) {
            panels.push(Panel::of(plot, queues.shown()));
        }
        panels
    }

    fn draw(&self, canvas: &mut Canvas<'_>, total: &Total, queues: Option<&Queues>) {
        let lowest = self.lowest();
        let all = [Some(&self.total), self.age.as_ref(), self.queues.as_ref()];
        for panel in all.into_iter().flatten() {
            panel.warm_up(canvas, self.warm_up);
        }
        self.total.grid(canvas, "messages, all queues", HEADING + 8.0);
        if let (Some(panel), Some(queues)) = (&self.queues, queues) {
            panel.grid(canvas, &queues.caption(), panel.top - 13.0);
        }
        if let Some(panel) = &self.age {
            panel.grid(canvas, "age of the oldest message that waits", panel.top - 13.0);
        }
        self.strip.draw(canvas, self.total.top, lowest.bottom);
        self.total.warm_up_name(canvas, self.warm_up);
        total.draw(canvas, &self.total, self.room);
        if let Some(panel) = &self.age {
            canvas.path(total.age.iter().map(|&p| panel.at(p)), MAIN, THIN);
            let name = label(panel, &total.age, MAIN, AGE, "");
            labels::beside(canvas, vec![name], panel, self.room, LABEL);
        }
        if let (Some(panel), Some(queues)) = (&self.queues, queues) {
            queues.draw(canvas, panel, self.room);
        }
        lowest.foot(canvas, frame::TIME);
    }
}

/// An axis of seconds from 0, whose ticks are what people say: `1.5 s`, `2 m`, `1 h`.
fn duration_axis(seconds: f64) -> Axis {
    let mut axis = axis::time(nanos(seconds), 4).with_headroom(6.0);
    axis.ticks
        .iter_mut()
        .skip(1)
        .for_each(|tick| tick.label = span(tick.at));
    axis
}

fn highest(values: &[u64]) -> u64 {
    values.iter().copied().max().unwrap_or(0)
}

fn label(panel: &Plot, points: &Points, colour: Colour, name: &str, remark: &str) -> Label {
    let y = panel.py(points.last().map_or(0.0, |p| p.1));
    Label {
        y,
        colour,
        name: name.to_owned(),
        remark: remark.to_owned(),
    }
}
