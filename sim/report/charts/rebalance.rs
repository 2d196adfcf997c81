//! What each change of members or queues cost: moves beside the fewest possible, time without an owner, duplicates.
//!
//! One column a change, in order of time; changes of one instant share a column. Beyond 60 columns those with the
//! most moves, duplicates and time without an owner are shown. Not drawn for a group in which nothing changed
//! after the start.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::events::Event;
use crate::report::charts::frame::{self, HEADING, Plot};
use crate::report::charts::style::{
    ALARM, AXIS, Colour, DIM, HAIRLINE, INK, MAIN, QUIET, RIGHT_MARGIN, SECOND, SMALL, THIN, WIDTH,
};
use crate::report::charts::{Drawing, Subject, nanos, span, text};
use crate::report::model::RebalanceReport;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Columns that fit on one sheet.
const COLUMNS_MAX: usize = 60;
/// Height of one row of bars, and room for its caption, in pixels.
const HEIGHT: f64 = 84.0;
const CAPTION: f64 = 26.0;
/// Widest bar, in pixels.
const BAR_MAX: f64 = 36.0;
/// A column at least this wide has its label below it; others have it upright.
const FLAT: f64 = 96.0;
/// Room for an upright label, in pixels.
const UPRIGHT: f64 = 165.0;

/// Draws what the changes of one group cost, if there were any after the start.
pub fn draw(subject: &Subject<'_>) -> Option<Drawing> {
    let rebalance = subject.report.rebalance.get(subject.name)?;
    let mut columns = columns(subject, rebalance);
    if columns.is_empty() {
        return None;
    }
    let title = format!("Rebalance cost of {} — {}", subject.short_name(), sums(rebalance));
    let all = columns.len();
    thin_out(&mut columns);
    let shown = match columns.len() < all {
        true => format!(
            "the {COLUMNS_MAX} costliest of {} changes, ",
            text::grouped(all as u64)
        ),
        false => String::new(),
    };
    let note = format!("{shown}from each change to the next; duplicates: from queues that it moved");
    let slot = (WIDTH - RIGHT_MARGIN - LEFT) / columns.len() as f64;
    let foot = if slot >= FLAT { 44.0 } else { UPRIGHT + 16.0 };
    let svg = svg(
        WIDTH,
        HEADING + 3.0 * (HEIGHT + CAPTION) + foot,
        &title,
        |canvas| {
            frame::heading(canvas, &title, &note);
            draw_columns(canvas, &columns, slot);
        },
    );
    Some(Drawing::still(title, svg))
}

/// Left edge of the bars, in pixels.
const LEFT: f64 = 72.0;

/// All changes of one instant.
struct Column {
    at: f64,
    label: String,
    colour: Colour,
    moves: u64,
    least: u64,
    unowned: f64,
    duplicates: u64,
}

fn columns(subject: &Subject<'_>, rebalance: &RebalanceReport) -> Vec<Column> {
    let changes: Vec<_> = (rebalance.changes.iter())
        .filter(|change| change.at_seconds > 0.0)
        .collect();
    let instants = changes.chunk_by(|a, b| a.at_seconds == b.at_seconds);
    let column = |instant: &[&crate::report::model::MemberChangeReport]| {
        let event = Event::of(subject, instant[0]);
        let label = match instant.len() as u64 - 1 {
            0 => event.label(),
            n => format!("{} and {} more", event.label(), text::grouped(n)),
        };
        Column {
            at: instant[0].at_seconds,
            label,
            colour: event.colour(),
            moves: instant
                .iter()
                .fold(0, |sum, change| sum.saturating_add(change.moves)),
            least: instant
                .iter()
                .fold(0, |sum, change| sum.saturating_add(change.moves_least)),
            unowned: instant.iter().map(|change| change.unowned_seconds).sum(),
            duplicates: instant
                .iter()
                .fold(0, |sum, change| sum.saturating_add(change.duplicates)),
        }
    };
    instants.map(column).collect()
}

/// Keeps the columns that cost most, in their order.
fn thin_out(columns: &mut Vec<Column>) {
    let mut ranks: Vec<usize> = (0..columns.len()).collect();
    ranks.sort_by_key(|&i| {
        let column = &columns[i];
        Reverse((column.moves, column.duplicates, nanos(column.unowned)))
    });
    let kept: BTreeSet<usize> = ranks.into_iter().take(COLUMNS_MAX).collect();
    let mut index = 0;
    columns.retain(|_| {
        index += 1;
        kept.contains(&(index - 1))
    });
}

fn sums(rebalance: &RebalanceReport) -> String {
    let mut parts = vec![format!(
        "{}, {} needed",
        text::count(rebalance.moves, "move"),
        text::grouped(rebalance.moves_least)
    )];
    if rebalance.unowned_seconds > 0.0 {
        parts.push(format!("{} without owner", span(rebalance.unowned_seconds)));
    }
    if rebalance.duplicates > 0 {
        parts.push(text::count(rebalance.duplicates, "duplicate"));
    }
    parts.join(", ")
}

fn draw_columns(canvas: &mut Canvas<'_>, columns: &[Column], slot: f64) {
    let row = |index: usize, y: Axis| {
        let top = HEADING + CAPTION + index as f64 * (HEIGHT + CAPTION);
        Plot {
            left: LEFT,
            right: WIDTH - RIGHT_MARGIN,
            top,
            bottom: top + HEIGHT,
            x: Axis {
                low: 0.0,
                high: columns.len() as f64,
                ticks: Vec::new(),
            },
            y,
        }
    };
    let most = |of: fn(&Column) -> u64| columns.iter().map(of).max().unwrap_or(0);
    let longest = columns.iter().map(|column| column.unowned).fold(0.0, f64::max);
    let moves = row(0, axis::whole(most(|c| c.moves.max(c.least))).with_headroom(14.0));
    // In units of which the longest has at least one.
    let (unit, factor) = if longest > 0.0 && longest < 1.0 {
        ("ms", 1e3)
    } else {
        ("seconds", 1.0)
    };
    let unowned = row(1, axis::linear(longest * factor).with_headroom(14.0));
    let duplicates = row(2, axis::whole(most(|c| c.duplicates)).with_headroom(14.0));

    grid(canvas, &moves, "moves of queues; grey: the fewest possible");
    grid(canvas, &unowned, &format!("queue-time without owner, {unit}"));
    grid(canvas, &duplicates, "duplicates, messages");
    let (x, width) = (|i: usize| moves.px(i as f64 + 0.5), (slot * 0.64).min(BAR_MAX));
    for (i, column) in columns.iter().enumerate() {
        // The fewest possible stands behind, so that what is above it is what was too much.
        bar(canvas, &moves, (x(i), width * 1.36), column.least as f64, DIM);
        bar(canvas, &moves, (x(i), width), column.moves as f64, MAIN);
        bar(canvas, &unowned, (x(i), width), column.unowned * factor, INK);
        bar(
            canvas,
            &duplicates,
            (x(i), width),
            column.duplicates as f64,
            SECOND,
        );
        name(canvas, column, (x(i), duplicates.bottom), slot);
    }
    let told = |of: &dyn Fn(&Column) -> (f64, String)| columns.iter().map(of).collect::<Vec<_>>();
    let told = [
        (
            &moves,
            told(&|c| (c.moves.max(c.least) as f64, text::compact(c.moves))),
        ),
        (&unowned, told(&|c| (c.unowned * factor, span(c.unowned)))),
        (
            &duplicates,
            told(&|c| (c.duplicates as f64, text::compact(c.duplicates))),
        ),
    ];
    for (panel, values) in told {
        // All or none: a number on some bars only would single them out.
        if values
            .iter()
            .all(|(_, value)| text::width(value, SMALL) + 4.0 <= slot)
        {
            for (i, (height, value)) in values.iter().enumerate().filter(|(_, value)| value.0 > 0.0) {
                canvas.text(value, (x(i), panel.py(*height) - 8.0), Anchor::Middle, SMALL, INK);
            }
        }
    }
}

fn grid(canvas: &mut Canvas<'_>, panel: &Plot, caption: &str) {
    panel.grid(canvas, caption, panel.top - 12.0);
    canvas.line(
        (panel.left, panel.bottom),
        (panel.right, panel.bottom),
        AXIS,
        THIN,
    );
}

fn bar(canvas: &mut Canvas<'_>, panel: &Plot, (middle, width): (f64, f64), value: f64, colour: Colour) {
    if value > 0.0 {
        // What is there is seen, however little.
        let top = panel.py(value).min(panel.bottom - HAIRLINE);
        let (left, right) = (middle - width / 2.0, middle + width / 2.0);
        canvas.rect((left, top), (right, panel.bottom), colour);
    }
}

/// When it was and what happened, below its column.
fn name(canvas: &mut Canvas<'_>, column: &Column, (middle, bottom): (f64, f64), slot: f64) {
    let ink = if column.colour == ALARM { ALARM } else { INK };
    let at = span(column.at);
    if slot >= FLAT {
        let label = text::fitted(&column.label, SMALL, slot - 6.0);
        canvas.text(&at, (middle, bottom + 13.0), Anchor::Middle, SMALL, QUIET);
        canvas.text(&label, (middle, bottom + 28.0), Anchor::Middle, SMALL, ink);
    } else {
        let label = text::fitted(&format!("{at}: {}", column.label), SMALL, UPRIGHT);
        canvas.upright(&label, (middle, bottom + 7.0), Anchor::End, SMALL, ink);
    }
}
