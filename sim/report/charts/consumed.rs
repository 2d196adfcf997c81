//! Messages consumed per second by each consumer, one lane each, all lanes to one scale.
//!
//! Sixteen lines on top of each other cannot be told apart; sixteen lanes can, and show at a glance who came,
//! who went and who stood idle. A lane belongs to a member: the lives of a restarted one share it. Beyond 40
//! members, the 20 that consumed most and the 20 that consumed least are shown.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::frame::{self, Event, FOOT, HEADING, Panel};
use crate::report::charts::style::{
    self, AXIS, Colour, GRID, HAIRLINE, INDENT, INK, LABEL, QUIET, SMALL, THIN, WIDTH,
};
use crate::report::charts::{Drawing, Subject, span, text};
use crate::report::model::GroupSeries;

/// Lanes that fit on one sheet.
const LANES_MAX: usize = 40;
/// Windows into which a run is cut.
const WINDOWS: usize = 240;
/// Height that all lanes share, in pixels, as long as none gets thinner than [`LANE_MIN`].
const LANES_HEIGHT: f64 = 280.0;
const LANE_MIN: f64 = 20.0;
/// A lane at least this high has an axis of its own.
const LANE_WITH_AXIS: f64 = 56.0;

/// Draws what the consumers of one group consumed.
pub fn draw(subject: &Subject<'_>) -> Drawing {
    let name = subject.short_name();
    let title = format!("Consumed by each consumer of {name}");
    let Some(series) = subject.report.timeline.groups.get(subject.name) else {
        return (
            title.clone(),
            frame::notice(&title, "The run was too short to look at it even once."),
        );
    };
    let mut lanes = lanes(subject, series);
    let total: u64 = lanes.iter().map(|lane| lane.consumed).sum();
    if total == 0 {
        return (
            title.clone(),
            frame::notice(&title, "No listener returned a result."),
        );
    }
    let title = format!("{title} — {}", shares(&lanes, total));
    let members = lanes.len();
    thin_out(&mut lanes);
    let picture = Picture::of(subject, lanes, total, members);
    let svg = svg(WIDTH, picture.height(), &title, |canvas| {
        frame::heading(canvas, &title, &picture.note());
        picture.draw(canvas);
    });
    (title, svg)
}

/// One member.
struct Lane {
    name: String,
    colour: Colour,
    consumed: u64,
    /// Start of each window (the last entry is the end of the last one), seconds.
    bounds: Vec<f64>,
    /// Consumed per second in each window.
    rates: Vec<f64>,
    /// From when to when it lived, seconds.
    lives: Vec<(f64, f64)>,
}

fn lanes(subject: &Subject<'_>, series: &GroupSeries) -> Vec<Lane> {
    let at = &subject.report.timeline.time_seconds;
    let end = subject.report.run.duration_seconds;
    let members = subject.members();
    let lane = |(i, member): (usize, &crate::report::charts::Member<'_>)| {
        let mut totals = vec![0_u64; at.len()];
        for values in member
            .lives
            .iter()
            .filter_map(|life| series.consumer_consumed.get(*life))
        {
            totals
                .iter_mut()
                .zip(values)
                .for_each(|(total, value)| *total += value);
        }
        let (bounds, rates) = rates(at, &totals);
        let life = |key: &&str| {
            let consumer = &subject.report.consumers[*key];
            consumer
                .started_seconds
                .map(|from| (from, consumer.stopped_seconds.unwrap_or(end)))
        };
        Lane {
            name: member.name.to_owned(),
            colour: style::hue(i),
            consumed: totals.last().copied().unwrap_or(0),
            bounds,
            rates,
            lives: member.lives.iter().filter_map(life).collect(),
        }
    };
    members.iter().enumerate().map(lane).collect()
}

/// Windows of at most [`WINDOWS`] equal parts (the last one may be shorter) and the growth per second in each.
fn rates(at: &[f64], totals: &[u64]) -> (Vec<f64>, Vec<f64>) {
    let stride = at.len().saturating_sub(1).div_ceil(WINDOWS).max(1);
    let mut picks: Vec<usize> = (0..at.len()).step_by(stride).collect();
    if picks.last().is_some_and(|&last| last + 1 < at.len()) {
        picks.push(at.len() - 1);
    }
    let rate = |pair: &[usize]| {
        let (from, to) = (pair[0], pair[1]);
        let seconds = at[to] - at[from];
        if seconds > 0.0 {
            totals[to].saturating_sub(totals[from]) as f64 / seconds
        } else {
            0.0
        }
    };
    (
        picks.iter().map(|&i| at[i]).collect(),
        picks.windows(2).map(rate).collect(),
    )
}

/// Who did most and who did least, in words.
fn shares(lanes: &[Lane], total: u64) -> String {
    let share = |lane: &Lane| text::percent(lane.consumed as f64, total as f64);
    // Of equals the first one is named.
    let most = lanes.iter().rev().max_by_key(|lane| lane.consumed);
    let least = lanes.iter().min_by_key(|lane| lane.consumed);
    match (most, least) {
        (Some(most), Some(least)) if lanes.len() > 1 => {
            let short = |lane: &Lane| text::fitted(&lane.name, style::TITLE, 150.0);
            format!(
                "most {} ({}), least {} ({})",
                short(most),
                share(most),
                short(least),
                share(least)
            )
        }
        _ => text::count(total, "message"),
    }
}

/// Keeps the members with the most and with the least consumed, in their order.
fn thin_out(lanes: &mut Vec<Lane>) {
    if lanes.len() <= LANES_MAX {
        return;
    }
    let mut ranks: Vec<usize> = (0..lanes.len()).collect();
    ranks.sort_by_key(|&i| std::cmp::Reverse(lanes[i].consumed));
    let middle = LANES_MAX / 2..ranks.len() - LANES_MAX / 2;
    let dropped: std::collections::BTreeSet<usize> = ranks[middle].iter().copied().collect();
    let mut index = 0;
    lanes.retain(|_| {
        index += 1;
        !dropped.contains(&(index - 1))
    });
}

struct Picture {
    time: Axis,
    events: Vec<Event>,
    lanes: Vec<Lane>,
    total: u64,
    members: usize,
    rate_max: f64,
    window: f64,
}

impl Picture {
    fn of(subject: &Subject<'_>, lanes: Vec<Lane>, total: u64, members: usize) -> Self {
        let end = subject.duration_nanos();
        let changes = subject
            .report
            .rebalance
            .get(subject.name)
            .map_or(&[][..], |r| &r.changes);
        let bounds = lanes.first().map_or(&[][..], |lane| &lane.bounds);
        Self {
            time: axis::time(end, 9),
            events: frame::events(changes, axis::seconds(end) / 200.0),
            window: if let [a, b, ..] = bounds { b - a } else { 0.0 },
            rate_max: lanes
                .iter()
                .flat_map(|lane| &lane.rates)
                .copied()
                .fold(0.0, f64::max),
            lanes,
            total,
            members,
        }
    }

    fn lane_height(&self) -> f64 {
        (LANES_HEIGHT / self.lanes.len() as f64).max(LANE_MIN).round()
    }

    fn has_axes(&self) -> bool {
        self.lane_height() >= LANE_WITH_AXIS
    }

    fn top(&self) -> f64 {
        HEADING + 6.0 + frame::strip_height(&self.events)
    }

    fn height(&self) -> f64 {
        self.top() + self.lane_height() * self.lanes.len() as f64 + FOOT
    }

    fn note(&self) -> String {
        let mut note = format!(
            "messages per second, averaged over windows of {}",
            span(self.window)
        );
        if !self.has_axes() {
            note.push_str(&format!(
                "; each lane reaches up to {} /s",
                text::number(self.rate_max)
            ));
        }
        if self.members > self.lanes.len() {
            let half = LANES_MAX / 2;
            note.push_str(&format!(
                "; {half} busiest and {half} least busy of {}",
                text::grouped(self.members as u64)
            ));
        }
        note
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let (step, top) = (self.lane_height(), self.top());
        let y = axis::linear(self.rate_max);
        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
        let ticks = if self.has_axes() {
            widest(&mut y.ticks.iter().map(|t| text::width(&t.label, SMALL))) + 14.0
        } else {
            8.0
        };
        let names = widest(&mut self.lanes.iter().map(|l| text::width(&l.name, LABEL))).min(190.0);
        let remarks = widest(&mut self.lanes.iter().map(|l| text::width(&self.remark(l), SMALL)));
        let (left, right) = (INDENT + names + ticks, WIDTH - remarks - 18.0);
        let panel = |i: usize, lanes: usize| Panel {
            left,
            right,
            top: top + step * i as f64,
            bottom: top + step * (i + lanes) as f64,
            x: self.time.clone(),
            y: y.clone(),
        };
        let whole = panel(0, self.lanes.len());
        for tick in &whole.x.ticks {
            let x = whole.px(tick.at);
            canvas.line((x, whole.top), (x, whole.bottom), GRID, HAIRLINE);
        }
        frame::mark(canvas, &whole, &self.events, whole.bottom);
        for (i, lane) in self.lanes.iter().enumerate() {
            let lane_panel = Panel {
                top: top + step * i as f64 + (step * 0.12).min(14.0),
                ..panel(i, 1)
            };
            self.draw_lane(canvas, &lane_panel, lane, names);
        }
        whole.foot(canvas, "virtual time since the start");
    }

    fn draw_lane(&self, canvas: &mut Canvas<'_>, panel: &Panel, lane: &Lane, names: f64) {
        if self.has_axes() {
            // Three ticks are enough in a lane of a few; one alone has room for all.
            let skip = if self.lanes.len() > 1 { 2 } else { 1 };
            for tick in panel.y.ticks.iter().step_by(skip) {
                let y = panel.py(tick.at);
                canvas.line((panel.left, y), (panel.right, y), GRID, HAIRLINE);
                canvas.text(&tick.label, (panel.left - 6.0, y), Anchor::End, SMALL, QUIET);
            }
        }
        for &(from, to) in &lane.lives {
            canvas.line(
                (panel.px(from), panel.bottom),
                (panel.px(to), panel.bottom),
                AXIS,
                THIN,
            );
        }
        let outline: Vec<(f64, f64)> = lane
            .bounds
            .windows(2)
            .zip(&lane.rates)
            .flat_map(|(window, &rate)| [panel.at((window[0], rate)), panel.at((window[1], rate))])
            .collect();
        if let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) {
            let floor = [(last.0, panel.bottom), (first.0, panel.bottom)];
            canvas.area(outline.iter().copied().chain(floor), lane.colour, 35);
            canvas.path(outline, lane.colour, THIN);
        }
        let middle = (panel.top + panel.bottom) / 2.0;
        let name = text::fitted(&lane.name, LABEL, names + 1.0);
        canvas.text(
            &name,
            (INDENT + names, middle),
            Anchor::End,
            LABEL,
            lane.colour.mixed(INK, 25),
        );
        canvas.text(
            &self.remark(lane),
            (panel.right + 8.0, middle),
            Anchor::Start,
            SMALL,
            QUIET,
        );
    }

    fn remark(&self, lane: &Lane) -> String {
        let share = text::percent(lane.consumed as f64, self.total as f64);
        format!("{} · {share}", text::grouped(lane.consumed))
    }
}
