//! Flow control: when consumers put their pulls off, and because of what. One lane a consumer, one colour a cause.
//!
//! An episode lasts from the first pull put off to the last before a second without any, of whatever queue. Where more
//! than one threshold was exceeded, it has the colour of the one that counted most. Not drawn if no pull was put off.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::events::events;
use crate::report::charts::frame::{self, FOOT, HEADING, Plot};
use crate::report::charts::panel::Panel;
use crate::report::charts::strip::Strip;
use crate::report::charts::style::{
    Colour, DIM, GRID, HAIRLINE, INDENT, INK, LABEL, MAIN, QUIET, SECOND, SMALL, THIRD, WIDTH,
};
use crate::report::charts::{Drawing, Subject, span, text};
use crate::report::model::{ConsumerReport, EpisodeReport};

/// Lanes that fit on one sheet.
const LANES_MAX: usize = 40;
/// Least width of an episode, pixels.
const BAR_MIN: f64 = 2.0;
const LANES_HEIGHT: f64 = 240.0;

/// The thresholds, by RocketMQ's names.
const CAUSES: [(&str, Colour); 3] = [
    ("pullThresholdForQueue", MAIN),
    ("pullThresholdSizeForQueue", SECOND),
    ("consumeConcurrentlyMaxSpan", THIRD),
];

struct Lane<'r> {
    name: &'r str,
    consumer: &'r ConsumerReport,
}

impl Lane<'_> {
    fn remark(&self) -> String {
        let flow = &self.consumer.flow_control;
        let put_off = flow.count.saturating_add(flow.size).saturating_add(flow.span);
        format!("{}× · {}", text::compact(put_off), span(flow.lasted_seconds))
    }
}

/// Which threshold counted most in an episode.
fn cause(episode: &EpisodeReport) -> usize {
    let counts = [episode.count, episode.size, episode.span];
    // Of equals the first one.
    (0..3).rev().max_by_key(|&i| counts[i]).unwrap_or(0)
}

/// Draws the episodes of a group.
pub fn draw(subject: &Subject<'_>) -> Option<Drawing> {
    let consumers = subject.report.consumers.iter();
    let of_group = |consumer: &ConsumerReport| consumer.group == subject.name;
    let mut lanes: Vec<Lane<'_>> = consumers
        .filter(|(_, consumer)| of_group(consumer) && consumer.flow_control.episodes > 0)
        .map(|(name, consumer)| Lane { name, consumer })
        .collect();
    if lanes.is_empty() {
        return None;
    }
    let all = lanes.len();
    if all > LANES_MAX {
        let lasted = |lane: &Lane<'_>| lane.consumer.flow_control.lasted_seconds;
        let mut longest: Vec<f64> = lanes.iter().map(lasted).collect();
        longest.sort_by(|a, b| b.total_cmp(a));
        let least = longest[LANES_MAX - 1];
        lanes.retain(|lane| lasted(lane) >= least);
        lanes.truncate(LANES_MAX);
    }
    let flows = || lanes.iter().map(|lane| &lane.consumer.flow_control);
    let episodes = flows().fold(0_u64, |sum, flow| sum.saturating_add(flow.episodes));
    let kept: usize = flows().map(|flow| flow.list.len()).sum();
    let title = format!(
        "Flow control of {} — {}, {} in all",
        subject.short_name(),
        text::count(episodes, "episode"),
        span(flows().map(|flow| flow.lasted_seconds).sum())
    );
    let mut notes = vec!["pulls put off by a full cache; at the right: how many, how long".to_owned()];
    if all > lanes.len() {
        let all = text::grouped(all as u64);
        notes.push(format!("the {} longest of {all} consumers", lanes.len()));
    }
    if (kept as u64) < episodes {
        notes.push("the first 50 episodes of each are drawn".to_owned());
    }
    Some(Picture::of(subject, lanes).draw(title, &notes.join("; ")))
}

struct Picture<'r> {
    lanes: Vec<Lane<'r>>,
    names: f64,
    strip: Strip,
    plot: Plot,
    end: f64,
}

impl<'r> Picture<'r> {
    fn of(subject: &Subject<'_>, lanes: Vec<Lane<'r>>) -> Self {
        let time = axis::time(subject.duration_nanos(), 9);
        let widest = |widths: &mut dyn Iterator<Item = f64>| widths.fold(0.0, f64::max);
        let names = widest(&mut lanes.iter().map(|lane| text::width(lane.name, LABEL))).min(190.0);
        let remarks = widest(&mut lanes.iter().map(|lane| text::width(&lane.remark(), SMALL)));
        let (left, right) = (INDENT + names + 8.0, WIDTH - remarks - 18.0);
        let strip = Strip::of(&events(subject), &time, left, right);
        let top = HEADING + 30.0 + strip.height();
        let lane = (LANES_HEIGHT / lanes.len() as f64).clamp(17.0, 32.0).round();
        Self {
            names,
            strip,
            plot: Plot {
                left,
                right,
                top,
                bottom: top + lane * lanes.len() as f64 + 4.0,
                x: time,
                y: Axis {
                    low: 0.0,
                    high: 1.0,
                    ticks: Vec::new(),
                },
            },
            lanes,
            end: subject.report.run.duration_seconds,
        }
    }

    fn draw(&self, title: String, note: &str) -> Drawing {
        let plot = &self.plot;
        let svg = svg(WIDTH, plot.bottom + FOOT, &title, |canvas| {
            frame::heading(canvas, &title, note);
            self.legend(canvas);
            for tick in &plot.x.ticks {
                let x = plot.px(tick.at);
                canvas.line((x, plot.top), (x, plot.bottom), GRID, HAIRLINE);
            }
            self.strip.draw(canvas, plot.top, plot.bottom);
            let step = (plot.bottom - plot.top - 4.0) / self.lanes.len() as f64;
            for (number, lane) in self.lanes.iter().enumerate() {
                let upper = plot.top + step * number as f64 + 1.5;
                self.draw_lane(canvas, lane, (upper, upper + step - 3.0));
            }
            plot.foot(canvas, frame::TIME);
        });
        Drawing {
            panels: vec![Panel::of(plot, Vec::new())],
            title,
            svg,
        }
    }

    /// The causes that occur, each beside its colour.
    fn legend(&self, canvas: &mut Canvas<'_>) {
        let (mut x, y) = (INDENT, HEADING + 8.0);
        let episodes = || {
            self.lanes
                .iter()
                .flat_map(|lane| &lane.consumer.flow_control.list)
        };
        for (number, (name, colour)) in CAUSES.into_iter().enumerate() {
            if episodes().any(|episode| cause(episode) == number) {
                canvas.rect((x, y - 5.0), (x + 14.0, y + 5.0), colour);
                canvas.text(name, (x + 20.0, y), Anchor::Start, LABEL, INK);
                x += 20.0 + text::width(name, LABEL) + 22.0;
            }
        }
    }

    fn draw_lane(&self, canvas: &mut Canvas<'_>, lane: &Lane<'_>, (upper, lower): (f64, f64)) {
        let (plot, middle) = (&self.plot, (upper + lower) / 2.0);
        let life = &lane.consumer;
        let from = life.started_seconds.unwrap_or(0.0);
        let to = life.stopped_seconds.unwrap_or(self.end);
        canvas.line((plot.px(from), middle), (plot.px(to), middle), DIM, HAIRLINE);
        for episode in &life.flow_control.list {
            let (x0, x1) = (plot.px(episode.from_seconds), plot.px(episode.to_seconds));
            let colour = CAUSES[cause(episode)].1;
            canvas.rect((x0, upper), (x1.max(x0 + BAR_MIN), lower), colour);
        }
        let name = text::fitted(lane.name, LABEL, self.names + 1.0);
        canvas.text(&name, (INDENT + self.names, middle), Anchor::End, LABEL, INK);
        let at = (plot.right + 8.0, middle);
        canvas.text(&lane.remark(), at, Anchor::Start, SMALL, QUIET);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_is_of_the_cause_that_counted_most() {
        let of = |count, size, span| {
            cause(&EpisodeReport {
                count,
                size,
                span,
                ..EpisodeReport::default()
            })
        };
        assert_eq!([of(1, 0, 0), of(1, 2, 0), of(3, 2, 9), of(4, 4, 4)], [0, 1, 2, 0]);
    }
}
