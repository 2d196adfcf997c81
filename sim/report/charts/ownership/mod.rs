//! Who owned which queue when: one lane a queue, one colour an owner.
//!
//! Two owners at once share the height of the lane and are framed in red, a queue without an owner is black: both
//! are seen however short they were. A hatched bar is held by a stopped process, so nobody works on it. A red line below runs as
//! long as a failure at the head of an ordered queue holds it up. Grey is a
//! queue that consumers are not given (beyond `readQueueNums`), blank one before its first owner. Queues stand in
//! the order in which RocketMQ sorts them (topic, broker, queue id), because that order decides who gets which.
//! Beyond 40 queues, those that changed hands most are shown, filled up by an even choice of the others. Left out:
//! retry queues, of which each broker has one a group.

mod lanes;

use self::lanes::{Bar, Lane, Overlap, lanes, outside, overlaps, thin_out, within};
use std::collections::BTreeMap;

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::events::events;
use crate::report::charts::frame::{self, FOOT, HEADING, Plot};
use crate::report::charts::panel::Panel;
use crate::report::charts::strip::Strip;
use crate::report::charts::style::{
    self, ALARM, Colour, DIM, GRID, HAIRLINE, INDENT, INK, LABEL, PAPER, QUIET, SMALL, THIN, WIDTH,
};
use crate::report::charts::{Drawing, Subject, span, text};

/// Lanes that fit on one sheet.
const LANES_MAX: usize = 40;
/// Intervals drawn on one lane: more would lie on the same pixels and only swell the file.
const INTERVALS_MAX: usize = 1000;
/// Least width of the frame around two owners, in pixels.
const FRAME_MIN: f64 = 3.0;
/// Least width of a gap, in pixels.
const GAP_MIN: f64 = 2.0;
/// A gap at least this wide is hatched rather than filled.
const GAP_HATCHED: f64 = 8.0;
/// Height of the line below a blocked queue, in pixels.
const BLOCKED: f64 = 4.0;
/// Distance of the lines of a hatching, in pixels.
const HATCH: f64 = 6.0;

/// Draws the owners of the queues of one group.
pub fn draw(subject: &Subject<'_>) -> Drawing {
    let title = format!("Queue owners of {}", subject.short_name());
    let owners = Owners::of(subject);
    let mut lanes = lanes(subject, &owners);
    if lanes.iter().all(|lane| lane.held.is_empty()) {
        return frame::notice(title, "No queue ever had an owner.");
    }
    let title = format!("{title} — {}", summary(subject));
    let all = lanes.len();
    thin_out(&mut lanes);
    let note = note(subject, all, &lanes);
    let picture = Picture::of(subject, owners, lanes);
    let svg = svg(WIDTH, picture.height(), &title, |canvas| {
        frame::heading(canvas, &title, &note);
        picture.draw(canvas);
    });
    let panels = vec![Panel::of(&picture.panel(), Vec::new())];
    Drawing { title, svg, panels }
}

/// The members of the group: colour and names by number.
struct Owners {
    names: Vec<String>,
    short: Vec<String>,
    /// Which member a key of `consumers` is.
    lives: BTreeMap<String, usize>,
}

impl Owners {
    fn of(subject: &Subject<'_>) -> Self {
        let members = subject.members();
        let names: Vec<String> = members.iter().map(|m| m.name.to_owned()).collect();
        let lives = members
            .iter()
            .enumerate()
            .flat_map(|(i, m)| m.lives.iter().map(move |l| ((*l).to_owned(), i)));
        Self {
            short: tails(&names),
            lives: lives.collect(),
            names,
        }
    }

    /// Who holds a queue at the end, and in which colour the name is written.
    fn last_of(&self, lane: &Lane) -> (&str, Colour) {
        match lane.final_owner.as_ref().and_then(|key| self.lives.get(key)) {
            Some(&owner) => (&self.names[owner], style::hue(owner).readable()),
            None => ("nobody", QUIET),
        }
    }
}

/// What tells `names` apart: each without what all begin with, cut at the last sign that is no digit or letter.
fn tails(names: &[String]) -> Vec<String> {
    let Some(first) = names.first().filter(|_| names.len() > 1) else {
        return names.to_vec();
    };
    let same = |i: usize, c: char| names.iter().all(|n| n[i..].starts_with(c));
    let common = first
        .char_indices()
        .take_while(|&(i, c)| same(i, c))
        .map(|(i, c)| (i + c.len_utf8(), c));
    let cut = common
        .filter(|(_, c)| !c.is_alphanumeric())
        .last()
        .map_or(0, |(end, _)| end);
    names.iter().map(|name| name[cut..].to_owned()).collect()
}

/// What the title says: moves, the time that queues spent with none or two, who has nothing at the end.
fn summary(subject: &Subject<'_>) -> String {
    let Some(rebalance) = subject.report.rebalance.get(subject.name) else {
        return String::new();
    };
    let mut parts = match rebalance.moves {
        0 => vec!["no moves".to_owned()],
        moves => vec![text::count(moves, "move")],
    };
    if rebalance.unowned_seconds > 0.0 {
        parts.push(format!("{} without owner", span(rebalance.unowned_seconds)));
    }
    if rebalance.overlap_seconds > 0.0 {
        parts.push(format!("{} with two", span(rebalance.overlap_seconds)));
    }
    if rebalance.paused_seconds > 0.0 {
        parts.push(format!("{} with a stopped one", span(rebalance.paused_seconds)));
    }
    let blocked = subject.group.order.queues.blocked_seconds;
    if blocked > 0.0 {
        parts.push(format!("{} blocked", span(blocked)));
    }
    let idle = subject.group.skew.idle_consumers;
    if idle > 0 {
        parts.push(format!("{} without a queue", text::count(idle, "consumer")));
    }
    parts.join(", ")
}

fn note(subject: &Subject<'_>, all: usize, lanes: &[Lane]) -> String {
    let mut parts = Vec::new();
    let rebalance = subject.report.rebalance.get(subject.name);
    if let Some(rebalance) = rebalance.filter(|rebalance| rebalance.moves > 0) {
        let verb = if rebalance.moves_least == 1 {
            "move"
        } else {
            "moves"
        };
        parts.push(format!(
            "{} {verb} would have done",
            text::grouped(rebalance.moves_least)
        ));
    }
    if lanes.len() < all {
        let (shown, all) = (lanes.len(), text::grouped(all as u64));
        parts.push(format!(
            "{shown} of {all} queues: the most moved, then an even choice"
        ));
    }
    let has = |what: fn(&Lane) -> bool| lanes.iter().any(what);
    let signs = [
        ("black or white: no owner", has(|lane| !lane.gaps.is_empty())),
        (
            "red frame: two owners",
            has(|lane| !overlaps(&lane.held).is_empty()),
        ),
        (
            "hatched colour: owner stopped",
            has(|lane| lane.held.iter().any(|bar| !bar.paused.is_empty())),
        ),
        (
            "red line below: held up by its head",
            has(|lane| !lane.blocked.is_empty()),
        ),
        (
            "grey: not given to consumers",
            has(|lane| !lane.stranded.is_empty()),
        ),
    ];
    let signs = signs.iter().filter(|(_, seen)| *seen);
    parts.extend(signs.map(|(sign, _)| (*sign).to_owned()));
    if rebalance.is_some_and(|rebalance| rebalance.ownership_omitted > 0) {
        parts.push("later owners were too many to keep".to_owned());
    }
    if lanes.iter().any(|lane| lane.held.len() > INTERVALS_MAX) {
        parts.push(format!(
            "only the first {} owners of a queue are drawn",
            text::grouped(INTERVALS_MAX as u64)
        ));
    }
    parts.join("; ")
}

struct Picture {
    owners: Owners,
    lanes: Vec<Lane>,
    time: Axis,
    /// Width of the queue labels and of the last owners, pixels.
    names: f64,
    last: f64,
    left: f64,
    right: f64,
    strip: Strip,
}

impl Picture {
    fn of(subject: &Subject<'_>, owners: Owners, lanes: Vec<Lane>) -> Self {
        let widest =
            |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| text::width(t, LABEL)).fold(0.0, f64::max);
        let names = widest(&mut lanes.iter().map(|lane| lane.label.as_str())).min(230.0);
        let last = widest(&mut lanes.iter().map(|lane| owners.last_of(lane).0)).clamp(24.0, 150.0);
        let (left, right) = (INDENT + names + 8.0, WIDTH - last - 20.0);
        let time = axis::time(subject.duration_nanos(), 9);
        let strip = Strip::of(&events(subject), &time, left, right);
        Self {
            owners,
            lanes,
            time,
            names,
            last,
            left,
            right,
            strip,
        }
    }

    fn lane_height(&self) -> f64 {
        (240.0 / self.lanes.len() as f64).clamp(17.0, 32.0).round()
    }

    fn panel(&self) -> Plot {
        let top = HEADING + 8.0 + self.strip.height();
        Plot {
            left: self.left,
            right: self.right,
            top,
            bottom: top + self.lane_height() * self.lanes.len() as f64 + 4.0,
            x: self.time.clone(),
            y: axis::whole(1),
        }
    }

    fn height(&self) -> f64 {
        self.panel().bottom + FOOT
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let (panel, step) = (self.panel(), self.lane_height());
        for tick in &panel.x.ticks {
            let x = panel.px(tick.at);
            canvas.line((x, panel.top), (x, panel.bottom), GRID, HAIRLINE);
        }
        self.strip.draw(canvas, panel.top, panel.bottom);
        for (i, lane) in self.lanes.iter().enumerate() {
            let upper = panel.top + step * i as f64 + 1.5;
            self.draw_lane(canvas, &panel, lane, (upper, upper + step - 3.0));
            let middle = upper + step / 2.0 - 1.5;
            let label = text::fitted(&lane.label, LABEL, self.names + 1.0);
            canvas.text(&label, (INDENT + self.names, middle), Anchor::End, LABEL, INK);
            let (owner, ink) = self.owners.last_of(lane);
            let owner = text::fitted(owner, LABEL, self.last + 1.0);
            canvas.text(&owner, (panel.right + 8.0, middle), Anchor::Start, LABEL, ink);
        }
        panel.foot(canvas, frame::TIME);
    }

    fn draw_lane(&self, canvas: &mut Canvas<'_>, panel: &Plot, lane: &Lane, (upper, lower): (f64, f64)) {
        let middle = (upper + lower) / 2.0;
        canvas.line((panel.left, middle), (panel.right, middle), DIM, HAIRLINE);
        for &(from, to) in &lane.stranded {
            canvas.rect((panel.px(from), upper), (panel.px(to), lower), GRID);
        }
        let held = &lane.held[..lane.held.len().min(INTERVALS_MAX)];
        for bar in held {
            fill(canvas, panel, bar, (bar.from, bar.to), (upper, lower));
            // A seam of paper keeps two bars of one colour apart.
            let x = panel.px(bar.from);
            canvas.line((x, upper), (x, lower), PAPER, THIN);
            // Who still holds a queue that it is not given gets nothing from it.
            for (from, to) in within(&lane.stranded, (bar.from, bar.to)) {
                canvas.rect((panel.px(from), middle), (panel.px(to), lower), GRID);
            }
        }
        let overlaps = overlaps(held);
        for overlap in &overlaps {
            let (earlier, later) = (&held[overlap.earlier], &held[overlap.later]);
            fill(
                canvas,
                panel,
                earlier,
                (overlap.from, overlap.to),
                (upper, middle),
            );
            fill(canvas, panel, later, (overlap.from, overlap.to), (middle, lower));
            let (x0, x1) = (panel.px(overlap.from), panel.px(overlap.to));
            let widen = ((FRAME_MIN - (x1 - x0)) / 2.0).max(0.0);
            canvas.outline((x0 - widen, upper - 0.5), (x1 + widen, lower + 0.5), ALARM, 1.5);
        }
        for (i, bar) in held.iter().enumerate() {
            self.name_bar(
                canvas,
                panel,
                bar,
                &covers(i, bar, &overlaps, &lane.stranded),
                (upper, lower),
            );
        }
        let last = held.last().filter(|_| held.len() < lane.held.len());
        let shown = |gap: &&(f64, f64)| last.is_none_or(|last| gap.1 <= last.from);
        for &(from, to) in lane.gaps.iter().filter(shown) {
            draw_gap(canvas, (panel.px(from), upper), (panel.px(to), lower));
        }
        for &(from, to) in &lane.blocked {
            let (x0, x1) = (panel.px(from), panel.px(to));
            canvas.rect((x0, lower - BLOCKED), (x1.max(x0 + GAP_MIN), lower), ALARM);
        }
    }

    /// Writes the owner's name where its bar is plain: in full, or what tells it from the others, or not at all.
    fn name_bar(
        &self,
        canvas: &mut Canvas<'_>,
        panel: &Plot,
        bar: &Bar,
        covers: &[(f64, f64)],
        (upper, lower): (f64, f64),
    ) {
        let plain = outside(covers, (bar.from, bar.to));
        let plain: Vec<(f64, f64)> = plain.iter().map(|&(a, b)| (panel.px(a), panel.px(b))).collect();
        for name in [&self.owners.names[bar.owner], &self.owners.short[bar.owner]] {
            let fits = |&&(x0, x1): &&(f64, f64)| text::width(name, SMALL) <= x1 - x0 - 8.0;
            if let Some((x0, _)) = plain.iter().find(fits) {
                let at = (x0 + 5.0, (upper + lower) / 2.0);
                canvas.text(name, at, Anchor::Start, SMALL, style::hue(bar.owner).ink());
                return;
            }
        }
    }
}

/// Where bar `i` of a lane is not plain: stopped, shared, stranded; in order.
fn covers(i: usize, bar: &Bar, overlaps: &[Overlap], stranded: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let shared = overlaps
        .iter()
        .filter(|overlap| overlap.earlier == i || overlap.later == i);
    let mut covers: Vec<(f64, f64)> = shared.map(|overlap| (overlap.from, overlap.to)).collect();
    covers.extend(&bar.paused);
    covers.extend(stranded);
    covers.sort_by(|a, b| a.0.total_cmp(&b.0));
    covers
}

/// Paints the part of a bar from one time to another; hatched where its owner is stopped.
fn fill(
    canvas: &mut Canvas<'_>,
    panel: &Plot,
    bar: &Bar,
    (from, to): (f64, f64),
    (upper, lower): (f64, f64),
) {
    let colour = style::hue(bar.owner);
    canvas.rect((panel.px(from), upper), (panel.px(to), lower), colour);
    for (from, to) in within(&bar.paused, (from, to)) {
        let (corner, opposite) = ((panel.px(from), upper), (panel.px(to), lower));
        canvas.rect(corner, opposite, colour.mixed(PAPER, 70));
        canvas.hatch(corner, opposite, HATCH, colour, THIN);
    }
}

/// A stretch without an owner: black, or hatched in black where there is room.
fn draw_gap(canvas: &mut Canvas<'_>, (x0, upper): (f64, f64), (x1, lower): (f64, f64)) {
    let widen = ((GAP_MIN - (x1 - x0)) / 2.0).max(0.0);
    let (corner, opposite) = ((x0 - widen, upper), (x1 + widen, lower));
    if x1 - x0 < GAP_HATCHED {
        canvas.rect(corner, opposite, INK);
        return;
    }
    canvas.rect(corner, opposite, PAPER);
    canvas.hatch(corner, opposite, HATCH, INK, THIN);
    canvas.outline(corner, opposite, INK, THIN);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_shrink_to_what_tells_them_apart() {
        let names = ["billing-1", "billing-12", "billing-3"].map(str::to_owned);
        assert_eq!(tails(&names), ["1", "12", "3"]);
        let names = ["alpha", "alpine"].map(str::to_owned);
        assert_eq!(tails(&names), ["alpha", "alpine"], "half a word names nobody");
        assert_eq!(tails(&["billing-1".to_owned()]), ["billing-1"]);
        let names = ["组-一", "组-二"].map(str::to_owned);
        assert_eq!(tails(&names), ["一", "二"]);
    }
}
