//! What surrounds the data: heading, panel with grid and axes, markers of what happened to members.

use crate::report::charts::axis::Axis;
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::style::{
    ALARM, AXIS, CAPTION, Colour, GRID, HAIRLINE, INDENT, INK, LABEL, PAPER, QUIET, SMALL, THIN, TITLE, WIDTH,
};
use crate::report::charts::{Drawing, Subject, text};
use crate::report::model::MemberChange;

/// What every time axis counts.
pub const TIME: &str = "virtual time since the start";
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
pub fn notice(title: String, line: &str) -> Drawing {
    let svg = svg(WIDTH, HEADING + 6.0, &title, |canvas| {
        heading(canvas, &title, line)
    });
    (title, svg)
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

    /// Grid lines and the labels of the vertical axis; `unit` stands above it, at the height `unit_y`.
    pub fn grid(&self, canvas: &mut Canvas<'_>, unit: &str, unit_y: f64) {
        for tick in &self.x.ticks {
            let x = self.px(tick.at);
            canvas.line((x, self.top), (x, self.bottom), GRID, HAIRLINE);
        }
        for tick in &self.y.ticks {
            let y = self.py(tick.at);
            canvas.line((self.left, y), (self.right, y), GRID, HAIRLINE);
            canvas.text(&tick.label, (self.left - 7.0, y), Anchor::End, LABEL, QUIET);
        }
        canvas.text(unit, (INDENT, unit_y), Anchor::Start, LABEL, QUIET);
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
struct Event {
    /// When, in seconds.
    at: f64,
    change: MemberChange,
    /// Who; the member, not the life.
    member: String,
    /// Whether it had lived before.
    again: bool,
    /// How many more did the same at (nearly) the same time.
    others: u64,
    /// Whether the other half of a restart stands beside: then one label is enough.
    restart: Option<Half>,
}

/// A restart is a leave and, soon after, a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Leave,
    Return,
}

impl Event {
    fn verb(&self) -> &'static str {
        if self.restart.is_some() && self.others == 0 {
            return "restarts";
        }
        match (self.change, self.others > 0, self.again) {
            (MemberChange::Started, false, false) => "joins",
            (MemberChange::Started, false, true) => "returns",
            (MemberChange::Started, true, _) => "join",
            (MemberChange::Graceful, false, _) => "leaves",
            (MemberChange::Graceful, true, _) => "leave",
            (MemberChange::Killed, ..) => "killed",
            (MemberChange::Vanished, ..) => "vanished",
            (MemberChange::StartFailed, ..) => "failed to start",
        }
    }

    fn label(&self) -> String {
        match self.others {
            0 => format!("{} {}", text::fitted(&self.member, SMALL, 130.0), self.verb()),
            n => format!("{} consumers {}", text::grouped(n + 1), self.verb()),
        }
    }

    fn colour(&self) -> Colour {
        if matches!(self.change, MemberChange::Killed | MemberChange::Vanished) {
            ALARM
        } else {
            QUIET
        }
    }
}

/// The changes of members worth a marker: those after the very start, neighbours of one kind within half a
/// per cent of the run made one; who leaves and returns within a tenth of the run restarts.
fn events(subject: &Subject<'_>) -> Vec<Event> {
    let duration = subject.report.run.duration_seconds;
    let changes = subject
        .report
        .rebalance
        .get(subject.name)
        .map_or(&[][..], |r| &r.changes);
    let mut events: Vec<Event> = Vec::new();
    for change in changes.iter().filter(|change| change.at_seconds > 0.0) {
        let since = |event: &Event| change.at_seconds - event.at;
        let same = |event: &&mut Event| event.change == change.change && since(event) <= duration / 200.0;
        if let Some(event) = events.last_mut().filter(same) {
            event.others += 1;
            continue;
        }
        let member = subject
            .report
            .consumers
            .get(&change.consumer)
            .map_or(&change.consumer, |c| &c.member);
        let again = change.change == MemberChange::Started && *member != change.consumer;
        let left = |event: &&mut Event| {
            event.change == MemberChange::Graceful
                && event.member == *member
                && since(event) <= duration / 10.0
        };
        let leave = events
            .iter_mut()
            .rev()
            .find(left)
            .filter(|event| again && event.others == 0);
        let restart = leave.map(|event| {
            event.restart = Some(Half::Leave);
            Half::Return
        });
        let member = member.clone();
        events.push(Event {
            at: change.at_seconds,
            change: change.change,
            member,
            again,
            others: 0,
            restart,
        });
    }
    events
}

const ROWS: usize = 4;
const ROW: f64 = 14.0;
/// From here on, lines through the whole chart would hide it: short ones above it remain.
const LINES_MAX: usize = 24;

/// The strip above a panel that tells what happened to the members of the group.
pub struct Strip {
    marks: Vec<Mark>,
}

struct Mark {
    x: f64,
    colour: Colour,
    /// Row, counted from below, and text; none if there is no room.
    label: Option<(usize, String)>,
}

impl Strip {
    /// Finds a place for the events of `subject` on a time axis from `left` to `right`.
    ///
    /// A label stands right of its line. Whoever comes later and lies under it stands in a lower row, so that
    /// no line crosses a label. A label without room is left out, its line stays.
    pub fn new(subject: &Subject<'_>, time: &Axis, left: f64, right: f64) -> Self {
        let mut marks: Vec<Mark> = Vec::new(); // from the last to the first
        let events = events(subject);
        for event in events.iter().rev() {
            let x = left + time.fraction(event.at) * (right - left);
            let place = |text: String| {
                let end = x + 5.0 + text::width(&text, SMALL);
                let under = marks.iter().filter(|mark| mark.x < end + 6.0);
                let row = under
                    .filter_map(|mark| Some(mark.label.as_ref()?.0 + 1))
                    .max()
                    .unwrap_or(0);
                (row < ROWS && end < WIDTH - 4.0).then_some((row, text))
            };
            // A bare verb still tells a join from a leave; among many it would be noise.
            let terse = || place(event.verb().to_owned()).filter(|_| events.len() <= LINES_MAX);
            let named = event.restart != Some(Half::Return) || event.others > 0;
            let label = if named {
                place(event.label()).or_else(terse)
            } else {
                None
            };
            marks.push(Mark {
                x,
                colour: event.colour(),
                label,
            });
        }
        Self { marks }
    }

    /// How much room it takes above the panel, in pixels.
    pub fn height(&self) -> f64 {
        let row = |mark: &Mark| mark.label.as_ref().map_or(1, |(row, _)| row + 1);
        self.marks
            .iter()
            .map(row)
            .max()
            .map_or(0.0, |rows| rows as f64 * ROW + 6.0)
    }

    /// Draws lines down to `bottom` and labels above a panel that begins at `top`.
    pub fn draw(&self, canvas: &mut Canvas<'_>, top: f64, bottom: f64) {
        let bottom = if self.marks.len() > LINES_MAX { top } else { bottom };
        for mark in &self.marks {
            let rows = mark
                .label
                .as_ref()
                .map_or(0.0, |(row, _)| *row as f64 * ROW + 8.0);
            canvas.line(
                (mark.x, top - 6.0 - rows),
                (mark.x, bottom),
                mark.colour.mixed(PAPER, 40),
                HAIRLINE,
            );
            if let Some((row, text)) = &mark.label {
                let y = top - 9.0 - *row as f64 * ROW;
                canvas.text(text, (mark.x + 5.0, y), Anchor::Start, SMALL, mark.colour);
            }
        }
    }
}
