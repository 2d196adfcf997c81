//! Who owned which queue when: one lane a queue, one colour an owner.
//!
//! A blank lane is a queue that nobody reads; two owners at once share the height of the lane and are framed
//! in red, however short it was. Queues stand in the order in which RocketMQ sorts them (topic, broker, queue
//! id), because that order decides who gets which. Beyond 40 queues, those that changed hands most are shown,
//! filled up by an even choice of the others. Left out: retry queues, of which each broker has one a group.

use std::collections::BTreeSet;

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::frame::{self, FOOT, HEADING, Panel};
use crate::report::charts::strip::Strip;
use crate::report::charts::style::{
    self, ALARM, Colour, DIM, GRID, HAIRLINE, INDENT, INK, LABEL, PAPER, QUIET, SMALL, THIN, WIDTH,
};
use crate::report::charts::{Drawing, Subject, span, text, thin};

/// Lanes that fit on one sheet.
const LANES_MAX: usize = 40;
/// Intervals drawn on one lane: more would lie on the same pixels and only swell the file.
const INTERVALS_MAX: usize = 1000;
/// Least width of the frame around two owners, in pixels.
const FRAME_MIN: f64 = 3.0;

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
    (title, svg)
}

/// The members of the group: colour and names by number.
struct Owners {
    names: Vec<String>,
    short: Vec<String>,
    /// Which member a key of `consumers` is.
    lives: std::collections::BTreeMap<String, usize>,
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

/// One queue.
struct Lane {
    label: String,
    /// Owner (a number of [`Owners`]), from, to (seconds); in order of the start.
    held: Vec<(usize, f64, f64)>,
    final_owner: Option<String>,
}

fn lanes(subject: &Subject<'_>, owners: &Owners) -> Vec<Lane> {
    let mut queues: Vec<_> = subject
        .report
        .queues
        .iter()
        .filter(|(_, queue)| subject.group.topics.contains(&queue.topic))
        .collect();
    queues.sort_by(|(_, a), (_, b)| (&a.topic, &a.broker, a.id).cmp(&(&b.topic, &b.broker, b.id)));
    let intervals = subject
        .report
        .rebalance
        .get(subject.name)
        .map_or(&[][..], |r| &r.ownership);
    let mut by_queue: std::collections::BTreeMap<&str, Vec<(usize, f64, f64)>> =
        std::collections::BTreeMap::new();
    for interval in intervals {
        if let Some(&owner) = owners.lives.get(&interval.consumer) {
            by_queue.entry(&interval.queue).or_default().push((
                owner,
                interval.from_seconds,
                interval.to_seconds,
            ));
        }
    }
    let lane = |(label, queue): (&String, &crate::report::model::QueueReport)| Lane {
        label: label.clone(),
        held: by_queue.remove(label.as_str()).unwrap_or_default(),
        final_owner: queue
            .groups
            .get(subject.name)
            .and_then(|group| group.owner.clone()),
    };
    queues.into_iter().map(lane).collect()
}

/// Keeps the queues that changed hands most and fills up evenly.
fn thin_out(lanes: &mut Vec<Lane>) {
    if lanes.len() <= LANES_MAX {
        return;
    }
    let usual = lanes.iter().map(|lane| lane.held.len()).min().unwrap_or(0);
    let mut restless: Vec<usize> = (0..lanes.len())
        .filter(|&i| lanes[i].held.len() > usual)
        .collect();
    restless.sort_by_key(|&i| std::cmp::Reverse(lanes[i].held.len()));
    // Where all moved alike, nothing tells them apart: then an even choice shows more than the first forty.
    let least_shown = restless.get(LANES_MAX).map_or(usual, |&i| lanes[i].held.len());
    restless.retain(|&i| lanes[i].held.len() > least_shown);
    let others: Vec<usize> = (0..lanes.len()).filter(|i| !restless.contains(i)).collect();
    let filling = thin::evenly(others.len(), LANES_MAX - restless.len());
    let kept: BTreeSet<usize> = restless
        .into_iter()
        .chain(filling.into_iter().map(|i| others[i]))
        .collect();
    let mut index = 0;
    lanes.retain(|_| {
        index += 1;
        kept.contains(&(index - 1))
    });
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
    parts.push("blank: no owner; red frame: two owners".to_owned());
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
        let strip = Strip::new(subject, &time, left, right);
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

    fn panel(&self) -> Panel {
        let top = HEADING + 8.0 + self.strip.height();
        Panel {
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

    fn draw_lane(&self, canvas: &mut Canvas<'_>, panel: &Panel, lane: &Lane, (upper, lower): (f64, f64)) {
        let middle = (upper + lower) / 2.0;
        canvas.line((panel.left, middle), (panel.right, middle), DIM, HAIRLINE);
        let held = &lane.held[..lane.held.len().min(INTERVALS_MAX)];
        for &(owner, from, to) in held {
            let (x0, x1) = (panel.px(from), panel.px(to));
            let colour = style::hue(owner);
            canvas.rect((x0, upper), (x1, lower), colour);
            // A seam of paper keeps two bars of one colour apart.
            canvas.line((x0, upper), (x0, lower), PAPER, THIN);
            self.name_bar(canvas, owner, (x0, x1), (upper, lower));
        }
        for (from, to, lower_owner) in overlaps(held) {
            let (x0, x1) = (panel.px(from), panel.px(to));
            canvas.rect((x0, middle), (x1, lower), style::hue(lower_owner));
            let widen = ((FRAME_MIN - (x1 - x0)) / 2.0).max(0.0);
            canvas.outline((x0 - widen, upper - 0.5), (x1 + widen, lower + 0.5), ALARM, 1.5);
        }
    }

    /// Writes the owner's name into its bar: in full, or what tells it from the others, or not at all.
    fn name_bar(
        &self,
        canvas: &mut Canvas<'_>,
        owner: usize,
        (x0, x1): (f64, f64),
        (upper, lower): (f64, f64),
    ) {
        let room = x1 - x0 - 8.0;
        let names = [&self.owners.names[owner], &self.owners.short[owner]];
        if let Some(name) = names.into_iter().find(|name| text::width(name, SMALL) <= room) {
            let at = (x0 + 5.0, (upper + lower) / 2.0);
            canvas.text(name, at, Anchor::Start, SMALL, style::hue(owner).ink());
        }
    }
}

/// Where two intervals of a lane lie over each other: from, to, and the owner that came later.
fn overlaps(held: &[(usize, f64, f64)]) -> Vec<(f64, f64, usize)> {
    let mut found = Vec::new();
    // The interval that lasts longest so far: whoever starts before its end overlaps it.
    let mut longest: Option<(usize, f64)> = None;
    for &(owner, from, to) in held {
        if let Some((_, until)) = longest.filter(|&(other, until)| from < until && other != owner) {
            found.push((from, to.min(until), owner));
        }
        if longest.is_none_or(|(_, until)| to > until) {
            longest = Some((owner, to));
        }
    }
    found
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

    /// B starts 1 s before A ends; C starts when B ends, which is no overlap.
    #[test]
    fn overlaps_are_where_two_hold_one_queue() {
        assert_eq!(
            overlaps(&[(0, 0.0, 5.0), (1, 4.0, 9.0), (2, 9.0, 10.0)]),
            [(4.0, 5.0, 1)]
        );
        assert_eq!(
            overlaps(&[(0, 0.0, 9.0), (1, 2.0, 3.0), (2, 4.0, 5.0)]),
            [(2.0, 3.0, 1), (4.0, 5.0, 2)]
        );
    }
}
