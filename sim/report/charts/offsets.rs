//! Finished and not committed, queue by queue: what the next owner would read again if this one died at that moment.
//!
//! Finished is what was consumed, and what a filter passed over. The committed offset and what is finished run so close
//! that two lines would be one; so their distance is drawn. One lane a queue, all to one scale; the twelve queues that
//! ever had most. All is as it was at the samples: each value is the highest of those in its stretch.

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

/// Stretches of a run.
const STRETCHES: usize = 180;
/// Widest that names may grow, pixels.
const NAME_MAX: f64 = 230.0;
/// Height of all lanes together, and of one, pixels.
const LANES_HEIGHT: f64 = 300.0;
const LANE_MAX: f64 = 110.0;

struct Lane<'r> {
    name: &'r str,
    colour: Colour,
    most: u64,
    points: Vec<(f64, f64)>,
}

impl Lane<'_> {
    fn remark(&self) -> String {
        format!("max {}", text::compact(self.most))
    }
}

/// Draws what was not committed, if there ever was any.
pub fn draw(subject: &Subject<'_>) -> Option<Drawing> {
    let timeline = &subject.report.timeline;
    let at = &timeline.time_seconds;
    let queues = &timeline.groups.get(subject.name)?.queue_uncommitted;
    let peak = |values: &Vec<u64>| {
        let most = values.iter().copied().max()?;
        let when = values.iter().position(|&value| value == most)?;
        Some((most, *at.get(when)?))
    };
    let peaks = queues.values().filter_map(peak);
    let (most, when) = peaks.reduce(|most, next| if next.0 > most.0 { next } else { most })?;
    if most == 0 || at.len() < 2 {
        return None;
    }
    let lanes: Vec<Lane<'_>> = queues
        .iter()
        .take(style::LINES_MAX)
        .enumerate()
        .map(|(number, (name, values))| {
            let values: Vec<f64> = values.iter().map(|&value| value as f64).collect();
            Lane {
                name,
                colour: style::hue(number),
                most: queues[name].iter().copied().max().unwrap_or(0),
                points: thin::peaks(at, &values, STRETCHES),
            }
        })
        .collect();
    let title = format!(
        "Finished, not committed: {} — up to {} of one queue, sampled at {}",
        subject.short_name(),
        text::count(most, "message"),
        span(when)
    );
    let stretch = timeline.interval_seconds * at.len().div_ceil(STRETCHES) as f64;
    let all = subject
        .report
        .queues
        .values()
        .filter(|queue| subject.group.topics.contains(&queue.topic))
        .count();
    let which = if lanes.len() == style::LINES_MAX && all > lanes.len() {
        format!("the {} queues with most; ", lanes.len())
    } else {
        String::new()
    };
    let note = format!(
        "what is read again if the owner dies; {which}highest sample in each {}; full height: {}",
        span(stretch),
        text::count(most, "message")
    );
    Some(Picture::of(subject, lanes, most).draw(title, &note))
}

struct Picture<'r> {
    lanes: Vec<Lane<'r>>,
    names: f64,
    strip: Strip,
    whole: Plot,
    warm_up: Option<f64>,
}

impl<'r> Picture<'r> {
    fn of(subject: &Subject<'_>, lanes: Vec<Lane<'r>>, most: u64) -> Self {
        let time = axis::time(subject.duration_nanos(), 9);
        let widest = |widths: &mut dyn Iterator<Item = f64>| widths.fold(0.0, f64::max);
        let names = widest(&mut lanes.iter().map(|lane| text::width(lane.name, LABEL))).min(NAME_MAX);
        let remarks = widest(&mut lanes.iter().map(|lane| text::width(&lane.remark(), SMALL)));
        let (left, right) = (INDENT + names + 8.0, WIDTH - remarks - 18.0);
        let strip = Strip::of(&events(subject), &time, left, right);
        let top = HEADING + 6.0 + strip.height();
        let lane = (LANES_HEIGHT / lanes.len() as f64).min(LANE_MAX).round();
        let whole = Plot {
            left,
            right,
            top,
            bottom: top + lane * lanes.len() as f64,
            x: time,
            y: Axis {
                low: 0.0,
                high: most as f64,
                ticks: Vec::new(),
            },
        };
        Self {
            lanes,
            names,
            strip,
            whole,
            warm_up: subject.report.run.measured_from_seconds,
        }
    }

    fn draw(&self, title: String, note: &str) -> Drawing {
        let whole = &self.whole;
        let svg = svg(WIDTH, whole.bottom + FOOT, &title, |canvas| {
            frame::heading(canvas, &title, note);
            whole.warm_up(canvas, self.warm_up);
            for tick in &whole.x.ticks {
                let x = whole.px(tick.at);
                canvas.line((x, whole.top), (x, whole.bottom), GRID, HAIRLINE);
            }
            self.strip.draw(canvas, whole.top, whole.bottom);
            whole.warm_up_name(canvas, self.warm_up);
            for (number, lane) in self.lanes.iter().enumerate() {
                self.draw_lane(canvas, number, lane);
            }
            whole.foot(canvas, frame::TIME);
        });
        let shown = |lane: &Lane<'_>| Shown::new(lane.name, "messages", lane.colour, &lane.points);
        let panels = vec![Panel::of(whole, self.lanes.iter().map(shown).collect())];
        Drawing { title, svg, panels }
    }

    fn draw_lane(&self, canvas: &mut Canvas<'_>, number: usize, lane: &Lane<'_>) {
        let whole = &self.whole;
        let height = (whole.bottom - whole.top) / self.lanes.len() as f64;
        let bottom = whole.top + height * (number + 1) as f64;
        // Air between the lanes.
        let plot = Plot {
            top: bottom - height * 0.86,
            bottom,
            x: whole.x.clone(),
            y: whole.y.clone(),
            ..*whole
        };
        let outline: Vec<(f64, f64)> = lane.points.iter().map(|&point| plot.at(point)).collect();
        if let (Some(first), Some(last)) = (outline.first(), outline.last()) {
            let floor = [(last.0, bottom), (first.0, bottom)];
            canvas.area(outline.iter().copied().chain(floor), lane.colour, 35);
        }
        canvas.line((plot.left, bottom), (plot.right, bottom), AXIS, HAIRLINE);
        canvas.path(outline, lane.colour, THIN);
        let middle = (plot.top + bottom) / 2.0;
        let name = text::fitted(lane.name, LABEL, self.names + 1.0);
        let ink = lane.colour.readable();
        canvas.text(&name, (INDENT + self.names, middle), Anchor::End, LABEL, ink);
        let at = (plot.right + 8.0, middle);
        canvas.text(&lane.remark(), at, Anchor::Start, SMALL, QUIET);
    }
}
