//! What surrounds the data: heading, panel with grid and axes, markers of what happened to members.

use crate::report::charts::axis::Axis;
use crate::report::charts::canvas::{Anchor, Canvas};
use crate::report::charts::style::{
    ALARM, AXIS, CAPTION, Colour, GRID, HAIRLINE, INDENT, INK, LABEL, PAPER, QUIET, SMALL, THIN, TITLE, WIDTH,
};
use crate::report::charts::text;
use crate::report::model::{MemberChange, MemberChangeReport};

/// Height that [`heading`] takes.
pub const HEADING: f64 = 58.0;
/// Height that the time axis takes below a panel, its own label included.
pub const FOOT: f64 = 46.0;

/// Title in bold, a grey line below that says what is drawn and how to read it.
pub fn heading(canvas: &mut Canvas<'_>, title: &str, note: &str) {
    let room = WIDTH - 2.0 * INDENT;
    canvas.bold(
        &text::fitted(title, TITLE * 1.04, room),
        (INDENT, 22.0),
        Anchor::Start,
        TITLE,
        INK,
    );
    canvas.text(
        &text::fitted(note, CAPTION, room),
        (INDENT, 43.0),
        Anchor::Start,
        CAPTION,
        QUIET,
    );
}

/// A chart that has nothing to draw says so in one line.
pub fn notice(title: &str, line: &str) -> String {
    crate::report::charts::canvas::svg(WIDTH, HEADING + 6.0, title, |canvas| heading(canvas, title, line))
}

/// A rectangle of the sheet with its two axes.
pub struct Panel {
    /// Left edge, pixels.
    pub left: f64,
    /// Right edge, pixels.
    pub right: f64,
    /// Upper edge, pixels.
    pub top: f64,
    /// Lower edge, pixels.
    pub bottom: f64,
    /// Values from left to right.
    pub x: Axis,
    /// Values from bottom to top.
    pub y: Axis,
}

impl Panel {
    /// Where a value of the horizontal axis lies, in pixels.
    pub fn px(&self, value: f64) -> f64 {
        self.left + self.x.fraction(value) * (self.right - self.left)
    }

    /// Where a value of the vertical axis lies, in pixels.
    pub fn py(&self, value: f64) -> f64 {
        self.bottom - self.y.fraction(value) * (self.bottom - self.top)
    }

    /// Where a point lies, in pixels.
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.px(x), self.py(y))
    }

    /// Grid lines and the labels of the vertical axis; `unit` stands above it.
    pub fn grid(&self, canvas: &mut Canvas<'_>, unit: &str) {
        for tick in &self.x.ticks {
            let x = self.px(tick.at);
            canvas.line((x, self.top), (x, self.bottom), GRID, HAIRLINE);
        }
        for tick in &self.y.ticks {
            let y = self.py(tick.at);
            canvas.line((self.left, y), (self.right, y), GRID, HAIRLINE);
            canvas.text(&tick.label, (self.left - 7.0, y), Anchor::End, LABEL, QUIET);
        }
        canvas.text(unit, (INDENT, self.top - 13.0), Anchor::Start, LABEL, QUIET);
    }

    /// The horizontal axis with its ticks; `unit` stands below it.
    pub fn foot(&self, canvas: &mut Canvas<'_>, unit: &str) {
        canvas.line((self.left, self.bottom), (self.right, self.bottom), AXIS, THIN);
        for tick in &self.x.ticks {
            let x = self.px(tick.at);
            canvas.line((x, self.bottom), (x, self.bottom + 4.0), AXIS, THIN);
            canvas.text(&tick.label, (x, self.bottom + 14.0), Anchor::Middle, LABEL, QUIET);
        }
        let middle = (self.left + self.right) / 2.0;
        canvas.text(unit, (middle, self.bottom + 32.0), Anchor::Middle, LABEL, QUIET);
    }
}

/// Room that the labels of a vertical axis need at its left, in pixels.
pub fn left_room(axis: &Axis) -> f64 {
    let widest = axis
        .ticks
        .iter()
        .map(|tick| text::width(&tick.label, LABEL))
        .fold(0.0, f64::max);
    (widest + 7.0 + INDENT).max(44.0)
}

/// Something that happened to the members of a group, to be marked on the time axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, in seconds.
    pub at: f64,
    /// What.
    pub change: MemberChange,
    /// Who.
    pub consumer: String,
    /// How many more did the same at (nearly) the same time.
    pub others: u64,
}

impl Event {
    fn label(&self) -> String {
        let many = self.others > 0;
        let verb = match (self.change, many) {
            (MemberChange::Started, false) => "joins",
            (MemberChange::Started, true) => "join",
            (MemberChange::Graceful, false) => "leaves",
            (MemberChange::Graceful, true) => "leave",
            (MemberChange::Killed, _) => "killed",
        };
        if many {
            return format!("{} consumers {verb}", text::grouped(self.others + 1));
        }
        format!("{} {verb}", text::fitted(&self.consumer, SMALL, 130.0))
    }

    fn colour(&self) -> Colour {
        match self.change {
            MemberChange::Killed => ALARM,
            MemberChange::Started | MemberChange::Graceful => QUIET,
        }
    }
}

/// The changes of members worth a marker: those after the very start, neighbours of one kind within
/// `nearness` seconds made one.
pub fn events(changes: &[MemberChangeReport], nearness: f64) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for change in changes.iter().filter(|change| change.at_seconds > 0.0) {
        let same =
            |event: &&mut Event| event.change == change.change && change.at_seconds - event.at <= nearness;
        match events.last_mut().filter(same) {
            Some(event) => event.others += 1,
            None => events.push(Event {
                at: change.at_seconds,
                change: change.change,
                consumer: change.consumer.clone(),
                others: 0,
            }),
        }
    }
    events
}

/// Height of the strip for `events` above a panel.
pub fn strip_height(events: &[Event]) -> f64 {
    if events.is_empty() {
        0.0
    } else {
        ROWS as f64 * ROW + 4.0
    }
}

const ROWS: usize = 3;
const ROW: f64 = 14.0;

/// Marks `events` by lines down to `bottom` and labels in the strip above `panel`; a label without room is
/// left out, its line stays.
pub fn mark(canvas: &mut Canvas<'_>, panel: &Panel, events: &[Event], bottom: f64) {
    let mut taken = [f64::MIN; ROWS];
    for event in events {
        let x = panel.px(event.at);
        let label = event.label();
        let width = text::width(&label, SMALL);
        let flipped = x + 5.0 + width > WIDTH - 4.0;
        let (start, end) = if flipped {
            (x - 5.0 - width, x)
        } else {
            (x, x + 5.0 + width)
        };
        let row = taken.iter().position(|&until| until + 6.0 <= start);
        let top = panel.top - 4.0 - row.map_or(0.0, |row| row as f64 * ROW + 10.0);
        let pale = event.colour().mixed(PAPER, 40);
        canvas.line((x, top), (x, bottom), pale, HAIRLINE);
        let Some(row) = row else { continue };
        taken[row] = end;
        let y = panel.top - 9.0 - row as f64 * ROW;
        let (at, anchor) = if flipped {
            (x - 5.0, Anchor::End)
        } else {
            (x + 5.0, Anchor::Start)
        };
        canvas.text(&label, (at, y), anchor, SMALL, event.colour());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at_seconds: f64, consumer: &str, change: MemberChange) -> MemberChangeReport {
        let consumer = consumer.to_owned();
        MemberChangeReport {
            at_seconds,
            consumer,
            change,
            members: 0,
            moves: 0,
            moves_least: 0,
            stable_seconds: 0.0,
        }
    }

    /// The start of a run is no event, and four that join together are one.
    #[test]
    fn events_of_one_kind_and_time_are_one() {
        use MemberChange::{Killed, Started};
        let changes = [
            change(0.0, "b-1", Started),
            change(60.0, "b-2", Started),
            change(60.5, "b-3", Started),
            change(60.6, "b-1", Killed),
            change(90.0, "b-4", Started),
        ];
        let found: Vec<String> = events(&changes, 1.0).iter().map(Event::label).collect();
        assert_eq!(found, ["2 consumers join", "b-1 killed", "b-4 joins"]);
    }
}
