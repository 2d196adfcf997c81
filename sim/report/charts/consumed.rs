//! Messages consumed per second by each consumer, one lane each, all lanes to one scale.
//!
//! Sixteen lines on top of each other cannot be told apart; sixteen lanes can, and show at a glance who came,
//! who went and who stood idle. A lane belongs to a member: the lives of a restarted one share it. Beyond 40
//! members, the 20 that consumed most and the 20 that consumed least are shown. Two lanes below tell how unevenly
//! they shared the work in each twelfth of the run, each from even to its own highest.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::events::events;
use crate::report::charts::frame::{self, FOOT, HEADING, Plot};
use crate::report::charts::panel::{Panel, Shown};
use crate::report::charts::strip::Strip;
use crate::report::charts::style::{
    self, AXIS, Colour, GRID, HAIRLINE, INDENT, LABEL, QUIET, SMALL, THIN, WIDTH,
};
use crate::report::charts::{Drawing, Subject, span, text, thin};
use crate::report::model::{GroupSeries, SkewReport};

/// Lanes that fit on one sheet.
const LANES_MAX: usize = 40;
/// Windows into which a run is cut; half as many if there are many lanes.
const WINDOWS: usize = 240;
const LANES_MANY: usize = 12;
/// Height that all lanes share, in pixels, as long as none gets thinner than [`LANE_MIN`].
const LANES_HEIGHT: f64 = 280.0;
const LANE_MIN: f64 = 20.0;
/// Height of the lane of an index of skew, and its distance from those of the consumers, in pixels.
const INDEX_HEIGHT: f64 = 38.0;
const INDEX_GAP: f64 = 14.0;
/// A lane at least this high has an axis of its own.
const LANE_WITH_AXIS: f64 = 56.0;

/// Draws what the consumers of one group consumed.
pub fn draw(subject: &Subject<'_>) -> Drawing {
    let title = format!("Consumption of {}", subject.short_name());
    let series = subject.report.timeline.groups.get(subject.name);
    let Some(series) = series.filter(|_| subject.report.timeline.time_seconds.len() > 1) else {
        return frame::notice(title, "The run was too short to look at it twice.");
    };
    let mut lanes = lanes(subject, series);
    let total = lanes
        .iter()
        .fold(0_u64, |sum, lane| sum.saturating_add(lane.consumed));
    if total == 0 {
        return frame::notice(title, "No listener returned a result.");
    }
    let title = format!("{title} — {}", shares(&lanes, total));
    let members = lanes.len();
    thin_out(&mut lanes);
    let picture = Picture::of(subject, lanes, total, members);
    let svg = svg(WIDTH, picture.height(), &title, |canvas| {
        frame::heading(canvas, &title, &picture.note());
        picture.draw(canvas);
    });
    let panels = vec![picture.shown()];
    Drawing { title, svg, panels }
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

impl Lane {
    /// Length of a window, seconds.
    fn window(&self) -> f64 {
        if let [a, b, ..] = self.bounds[..] {
            b - a
        } else {
            0.0
        }
    }

    fn remark(&self, total: u64) -> String {
        let share = text::percent(self.consumed as f64, total as f64);
        format!("{} · {share}", text::compact(self.consumed))
    }

    /// The steps of the rate, one list of points for each stretch of windows in which the member lived.
    fn runs(&self) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
        for (window, &rate) in self.bounds.windows(2).zip(&self.rates) {
            let (from, to) = (window[0], window[1]);
            if rate == 0.0 && !self.lives.iter().any(|life| life.0 < to && from < life.1) {
                continue;
            }
            let steps = [(from, rate), (to, rate)];
            match runs
                .last_mut()
                .filter(|run| run.last().is_some_and(|last| last.0 == from))
            {
                Some(run) => run.extend(steps),
                None => runs.push(steps.to_vec()),
            }
        }
        runs
    }
}

/// One index of skew, window by window.
struct Index {
    name: &'static str,
    /// From, to (seconds), value.
    steps: Vec<(f64, f64, f64)>,
    /// Value where all have the same; the lane begins there.
    even: f64,
    /// Greatest of all windows.
    max: f64,
}

impl Index {
    fn remark(&self) -> String {
        format!("up to {:.2}", self.max)
    }
}

/// The indices of skew, if there are consumers and windows to compare.
fn indices(subject: &Subject<'_>) -> Vec<Index> {
    let skew = &subject.group.skew;
    let index = |name, even, of: fn(&SkewReport) -> f64| {
        let windows = skew.windows.iter();
        let steps: Vec<(f64, f64, f64)> = windows
            .filter_map(|window| {
                let skew = (window.consumer_messages.as_ref()).filter(|skew| skew.count > 1)?;
                Some((window.from_seconds, window.to_seconds, of(skew)))
            })
            .collect();
        Index {
            name,
            even,
            max: steps.iter().map(|step| step.2).fold(even, f64::max),
            steps,
        }
    };
    let indices = [
        index("max ÷ mean", 1.0, |skew| skew.max_over_mean),
        index("Gini", 0.0, |skew| skew.gini),
    ];
    indices
        .into_iter()
        .filter(|index| index.steps.len() > 1)
        .collect()
}

fn lanes(subject: &Subject<'_>, series: &GroupSeries) -> Vec<Lane> {
    let at = &subject.report.timeline.time_seconds;
    let end = subject.report.run.duration_seconds;
    let members = subject.members();
    let windows = if members.len() > LANES_MANY {
        WINDOWS / 2
    } else {
        WINDOWS
    };
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
                .for_each(|(total, value)| *total = total.saturating_add(*value));
        }
        let (bounds, rates) = thin::rates(at, &totals, windows);
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

/// Who did most and who did least, in words.
fn shares(lanes: &[Lane], total: u64) -> String {
    let share = |lane: &Lane| text::percent(lane.consumed as f64, total as f64);
    // Of equals the first one is named.
    let most = lanes.iter().rev().max_by_key(|lane| lane.consumed);
    let least = lanes.iter().min_by_key(|lane| lane.consumed);
    let short = |lane: &Lane| text::fitted(&lane.name, style::TITLE, 140.0);
    match (most, least) {
        (Some(most), Some(least)) if lanes.len() > 1 && most.consumed == least.consumed => {
            format!(
                "{} by each of its {} consumers",
                text::count(most.consumed, "message"),
                lanes.len()
            )
        }
        (Some(most), Some(least)) if lanes.len() > 1 => {
            format!(
                "most by {} ({}), least by {} ({})",
                short(most),
                share(most),
                short(least),
                share(least)
            )
        }
        (Some(only), _) => format!(
            "{} by {}, its only consumer",
            text::count(total, "message"),
            short(only)
        ),
        (None, _) => text::count(total, "message"),
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
    /// End of what is not measured, seconds.
    warm_up: Option<f64>,
    time: Axis,
    rate: Axis,
    rate_max: f64,
    lanes: Vec<Lane>,
    indices: Vec<Index>,
    /// Width of the names, pixels.
    names: f64,
    left: f64,
    right: f64,
    strip: Strip,
    total: u64,
    members: usize,
}

impl Picture {
    fn of(subject: &Subject<'_>, lanes: Vec<Lane>, total: u64, members: usize) -> Self {
        let time = axis::time(subject.duration_nanos(), 9);
        let rate_max = lanes
            .iter()
            .flat_map(|lane| &lane.rates)
            .copied()
            .fold(0.0, f64::max);
        let rate = axis::linear(rate_max);
        let widest = |widths: &mut dyn Iterator<Item = f64>| widths.fold(0.0, f64::max);
        let indices = indices(subject);
        let named = lanes.iter().map(|lane| lane.name.as_str());
        let named = named.chain(indices.iter().map(|index| index.name));
        let names = widest(&mut named.map(|name| text::width(name, LABEL))).min(190.0);
        let remarked = lanes.iter().map(|lane| lane.remark(total));
        let remarked = remarked.chain(indices.iter().map(Index::remark));
        let remarks = widest(&mut remarked.map(|remark| text::width(&remark, SMALL)));
        let ticks = if lane_height(lanes.len()) >= LANE_WITH_AXIS {
            widest(&mut rate.ticks.iter().map(|tick| text::width(&tick.label, SMALL))) + 14.0
        } else {
            8.0
        };
        let (left, right) = (INDENT + names + ticks, WIDTH - remarks - 18.0);
        let strip = Strip::of(&events(subject), &time, left, right);
        Self {
            warm_up: subject.report.run.measured_from_seconds,
            time,
            rate,
            rate_max,
            lanes,
            indices,
            names,
            left,
            right,
            strip,
            total,
            members,
        }
    }

    fn has_axes(&self) -> bool {
        lane_height(self.lanes.len()) >= LANE_WITH_AXIS
    }

    fn height(&self) -> f64 {
        self.bottom() + FOOT
    }

    /// Lower edge of the last lane, in pixels.
    fn bottom(&self) -> f64 {
        let lanes = self.panel(0, self.lanes.len()).bottom;
        match self.indices.len() {
            0 => lanes,
            indices => lanes + INDEX_GAP + INDEX_HEIGHT * indices as f64,
        }
    }

    fn note(&self) -> String {
        let window = self.lanes.first().map_or(0.0, |lane| lane.window());
        let mut note = format!(
            "messages per second in windows of {}; at the right: all messages, share",
            span(window)
        );
        if !self.has_axes() {
            note.push_str(&format!("; full height: {} /s", text::number(self.rate_max)));
        }
        if !self.indices.is_empty() {
            note.push_str("; below: skew of the messages");
        }
        if self.members > self.lanes.len() {
            let half = LANES_MAX / 2;
            let members = text::grouped(self.members as u64);
            note.push_str(&format!(
                "; the {half} busiest and the {half} least busy of {members}"
            ));
        }
        note
    }

    /// All lanes as one panel, with those that consumed most.
    fn shown(&self) -> Panel {
        let mut busiest: Vec<&Lane> = self.lanes.iter().collect();
        busiest.sort_by_key(|lane| std::cmp::Reverse(lane.consumed));
        busiest.truncate(style::LINES_MAX);
        let shown = |lane: &&Lane| {
            let starts = lane.bounds.iter().copied().zip(lane.rates.iter().copied());
            Shown::new(&lane.name, "messages/s", lane.colour, &starts.collect::<Vec<_>>())
        };
        let mut whole = self.panel(0, self.lanes.len());
        whole.bottom = self.bottom();
        Panel::of(&whole, busiest.iter().map(shown).collect())
    }

    /// The panel of `lanes` lanes from the `first` on.
    fn panel(&self, first: usize, lanes: usize) -> Plot {
        let (top, step) = (HEADING + 6.0 + self.strip.height(), lane_height(self.lanes.len()));
        Plot {
            left: self.left,
            right: self.right,
            top: top + step * first as f64,
            bottom: top + step * (first + lanes) as f64,
            x: self.time.clone(),
            y: self.rate.clone(),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let mut whole = self.panel(0, self.lanes.len());
        whole.bottom = self.bottom();
        whole.warm_up(canvas, self.warm_up);
        for tick in &whole.x.ticks {
            let x = whole.px(tick.at);
            canvas.line((x, whole.top), (x, whole.bottom), GRID, HAIRLINE);
        }
        self.strip.draw(canvas, whole.top, whole.bottom);
        whole.warm_up_name(canvas, self.warm_up);
        for (i, lane) in self.lanes.iter().enumerate() {
            let mut panel = self.panel(i, 1);
            // Air between the lanes.
            panel.top += ((panel.bottom - panel.top) * 0.12).min(14.0);
            self.draw_lane(canvas, &panel, lane);
        }
        for (i, index) in self.indices.iter().enumerate() {
            let bottom = whole.bottom - INDEX_HEIGHT * (self.indices.len() - 1 - i) as f64;
            self.draw_index(canvas, index, bottom);
        }
        whole.foot(canvas, frame::TIME);
    }

    fn draw_index(&self, canvas: &mut Canvas<'_>, index: &Index, bottom: f64) {
        let mut panel = self.panel(0, 1);
        (panel.top, panel.bottom) = (bottom - INDEX_HEIGHT + 8.0, bottom);
        panel.y = axis::linear(index.max - index.even);
        for run in index.steps.chunk_by(|a, b| a.1 == b.0) {
            let steps = run
                .iter()
                .flat_map(|&(from, to, value)| [(from, value - index.even), (to, value - index.even)]);
            let outline: Vec<(f64, f64)> = steps.map(|p| panel.at(p)).collect();
            let (first, last) = (outline[0].0, outline[outline.len() - 1].0);
            let floor = [(last, panel.bottom), (first, panel.bottom)];
            canvas.area(outline.iter().copied().chain(floor), QUIET, 20);
            canvas.path(outline, QUIET, THIN);
        }
        canvas.line((panel.left, bottom), (panel.right, bottom), AXIS, HAIRLINE);
        let middle = (panel.top + panel.bottom) / 2.0;
        canvas.text(
            index.name,
            (INDENT + self.names, middle),
            Anchor::End,
            LABEL,
            QUIET,
        );
        canvas.text(
            &index.remark(),
            (panel.right + 8.0, middle),
            Anchor::Start,
            SMALL,
            QUIET,
        );
    }

    fn draw_lane(&self, canvas: &mut Canvas<'_>, panel: &Plot, lane: &Lane) {
        if self.has_axes() {
            // Two or three ticks are enough in a lane of a few; one alone has room for all.
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
        for run in lane.runs() {
            let outline: Vec<(f64, f64)> = run.into_iter().map(|p| panel.at(p)).collect();
            let (first, last) = (outline[0].0, outline[outline.len() - 1].0);
            let floor = [(last, panel.bottom), (first, panel.bottom)];
            canvas.area(outline.iter().copied().chain(floor), lane.colour, 35);
            canvas.path(outline, lane.colour, THIN);
        }
        let middle = (panel.top + panel.bottom) / 2.0;
        let name = text::fitted(&lane.name, LABEL, self.names + 1.0);
        canvas.text(
            &name,
            (INDENT + self.names, middle),
            Anchor::End,
            LABEL,
            lane.colour.readable(),
        );
        canvas.text(
            &lane.remark(self.total),
            (panel.right + 8.0, middle),
            Anchor::Start,
            SMALL,
            QUIET,
        );
    }
}

/// Height of one of `lanes` lanes, in pixels.
fn lane_height(lanes: usize) -> f64 {
    (LANES_HEIGHT / lanes.max(1) as f64).max(LANE_MIN).round()
}
