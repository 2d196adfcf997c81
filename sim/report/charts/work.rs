//! Work by consumer: what each consumed beside how busy its threads were.
//!
//! Even shares of queues are not even work, and even messages are not even time. The indices of skew stand above each
//! column. Beyond 40 members, the 20 busiest and the 20 least busy are shown.

use crate::report::charts::axis;
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::frame::{self, HEADING};
use crate::report::charts::style::{
    self, AXIS, Colour, GRID, HAIRLINE, INDENT, INK, LABEL, QUIET, SMALL, THIN, WIDTH,
};
use crate::report::charts::{Drawing, Subject, span, text};
use crate::report::model::SkewReport;
use std::collections::BTreeSet;

/// Bars that fit on one sheet.
const BARS_MAX: usize = 40;
const BARS_HEIGHT: f64 = 260.0;
/// Room for the captions of the columns, and below the bars, pixels.
const CAPTIONS: f64 = 42.0;
const FOOT: f64 = 34.0;
/// Room for the number behind a bar, pixels.
const NUMBER: f64 = 130.0;

struct Bar<'r> {
    name: &'r str,
    colour: Colour,
    consumed: u64,
    busy: f64,
    /// Thread time that it lived for, seconds.
    lived: f64,
}

impl Bar<'_> {
    fn ratio(&self) -> f64 {
        if self.lived > 0.0 {
            (self.busy / self.lived).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

/// Draws what the members of a group did.
pub fn draw(subject: &Subject<'_>) -> Option<Drawing> {
    let mut bars = bars(subject);
    let total = bars
        .iter()
        .fold(0_u64, |sum, bar| sum.saturating_add(bar.consumed));
    if total == 0 {
        return None;
    }
    let busiest = bars.iter().rev().max_by(|a, b| a.ratio().total_cmp(&b.ratio()))?;
    let title = match bars.len() {
        1 => format!(
            "Work of {} — its only consumer was busy {} of the time",
            subject.short_name(),
            text::percent(busiest.ratio(), 1.0)
        ),
        _ => format!(
            "Work of {} — busiest: {}, {} of its thread time",
            subject.short_name(),
            text::fitted(busiest.name, style::TITLE, 160.0),
            text::percent(busiest.ratio(), 1.0)
        ),
    };
    let members = bars.len();
    thin_out(&mut bars);
    let mut note = "left: listener results; right: time in the listener ÷ thread time of its life".to_owned();
    if members > bars.len() {
        let (half, all) = (BARS_MAX / 2, text::grouped(members as u64));
        note.push_str(&format!(
            "; the {half} busiest and the {half} least busy of {all}"
        ));
    }
    let row = (BARS_HEIGHT / bars.len() as f64).clamp(17.0, 34.0).round();
    let height = HEADING + CAPTIONS + row * bars.len() as f64 + FOOT;
    let svg = svg(WIDTH, height, &title, |canvas| {
        frame::heading(canvas, &title, &note);
        draw_bars(canvas, subject, &bars, row);
    });
    Some(Drawing::still(title, svg))
}

fn bars<'r>(subject: &Subject<'r>) -> Vec<Bar<'r>> {
    let end = subject.report.run.duration_seconds;
    let report = subject.report;
    let of = |(number, member): (usize, crate::report::charts::Member<'r>)| {
        let lives = member.lives.iter().filter_map(|key| report.consumers.get(*key));
        let mut bar = Bar {
            name: member.name,
            colour: style::hue(number),
            consumed: 0,
            busy: 0.0,
            lived: 0.0,
        };
        for life in lives {
            let results = life.succeeded.saturating_add(life.failed);
            bar.consumed = bar.consumed.saturating_add(results);
            bar.busy += life.busy_seconds;
            let to = life.stopped_seconds.unwrap_or(end);
            let from = life.started_seconds.unwrap_or(to);
            bar.lived += (to - from).max(0.0) * life.threads as f64;
        }
        bar
    };
    subject.members().into_iter().enumerate().map(of).collect()
}

/// Keeps the busiest and the least busy, in their order.
fn thin_out(bars: &mut Vec<Bar<'_>>) {
    if bars.len() <= BARS_MAX {
        return;
    }
    let mut ranks: Vec<usize> = (0..bars.len()).collect();
    ranks.sort_by(|&a, &b| bars[b].ratio().total_cmp(&bars[a].ratio()));
    let dropped = BARS_MAX / 2..ranks.len() - BARS_MAX / 2;
    let dropped: BTreeSet<usize> = ranks[dropped].iter().copied().collect();
    let mut number = 0;
    bars.retain(|_| {
        number += 1;
        !dropped.contains(&(number - 1))
    });
}

/// The indices of one kind of share: `max ÷ mean 1.25, Gini 0.15, CV 0.31`.
fn indices(skew: Option<&SkewReport>) -> String {
    match skew.filter(|skew| skew.count > 1) {
        Some(skew) => format!(
            "max ÷ mean {:.2}, Gini {:.2}, CV {:.2}",
            skew.max_over_mean, skew.gini, skew.cv
        ),
        None => String::new(),
    }
}

/// One of the two columns.
struct Column {
    left: f64,
    right: f64,
    high: f64,
}

impl Column {
    fn x(&self, value: f64) -> f64 {
        self.left + (value / self.high).clamp(0.0, 1.0) * (self.right - self.left)
    }

    fn draw(&self, canvas: &mut Canvas<'_>, (top, bottom): (f64, f64), [caption, skew]: [&str; 2]) {
        canvas.text(caption, (self.left, top - 30.0), Anchor::Start, LABEL, INK);
        canvas.text(skew, (self.left, top - 13.0), Anchor::Start, SMALL, QUIET);
        canvas.line((self.left, top - 2.0), (self.left, bottom + 2.0), AXIS, THIN);
    }
}

fn draw_bars(canvas: &mut Canvas<'_>, subject: &Subject<'_>, bars: &[Bar<'_>], row: f64) {
    let names = bars
        .iter()
        .map(|bar| text::width(bar.name, LABEL))
        .fold(0.0, f64::max);
    let names = names.min(190.0);
    let left = INDENT + names + 10.0;
    let middle = left + (WIDTH - left) * 0.53;
    let most = bars.iter().map(|bar| bar.consumed).max().unwrap_or(0);
    let consumed = Column {
        left,
        right: middle - NUMBER,
        high: most.max(1) as f64,
    };
    let busy = Column {
        left: middle,
        right: WIDTH - NUMBER,
        high: 1.0,
    };
    let top = HEADING + CAPTIONS;
    let bottom = top + row * bars.len() as f64;
    let skew = &subject.group.skew;
    let captions = [
        ("messages consumed", indices(skew.consumer_messages.as_ref())),
        ("busy", indices(skew.consumer_busy.as_ref())),
    ];
    // Quarters of all that a thread could do: the right column is read against them.
    for quarter in axis::linear(1.0).ticks.iter().filter(|tick| tick.at > 0.0) {
        let x = busy.x(quarter.at);
        canvas.line((x, top), (x, bottom), GRID, HAIRLINE);
        let label = text::percent(quarter.at, 1.0);
        canvas.text(&label, (x, bottom + 12.0), Anchor::Middle, SMALL, QUIET);
    }
    for (column, (caption, skew)) in [&consumed, &busy].into_iter().zip(&captions) {
        column.draw(canvas, (top, bottom), [caption, skew]);
    }
    let total = bars
        .iter()
        .fold(0_u64, |sum, bar| sum.saturating_add(bar.consumed));
    for (number, bar) in bars.iter().enumerate() {
        let upper = top + row * number as f64;
        let (y, thick) = (upper + row / 2.0, (row * 0.66).min(20.0));
        let name = text::fitted(bar.name, LABEL, names + 1.0);
        let ink = bar.colour.readable();
        canvas.text(&name, (INDENT + names, y), Anchor::End, LABEL, ink);
        let ends = [
            (&consumed, bar.consumed as f64, {
                let share = text::percent(bar.consumed as f64, total as f64);
                format!("{} · {share}", text::compact(bar.consumed))
            }),
            (
                &busy,
                bar.ratio(),
                format!("{} · {}", text::percent(bar.ratio(), 1.0), span(bar.busy)),
            ),
        ];
        for (column, value, words) in ends {
            let end = column.x(value);
            canvas.rect((column.left, y - thick / 2.0), (end, y + thick / 2.0), bar.colour);
            let words = text::fitted(&words, SMALL, NUMBER - 8.0);
            canvas.text(&words, (end + 6.0, y), Anchor::Start, SMALL, INK);
        }
    }
}
