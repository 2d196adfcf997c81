//! The strip above a time axis: markers of what happened to the members of a group and to its queues.

use crate::report::charts::axis::Axis;
use crate::report::charts::canvas::{Anchor, Canvas};
use crate::report::charts::events::{CROWD, Event};
use crate::report::charts::style::{ALARM, Colour, HAIRLINE, PAPER, SMALL, WIDTH};
use crate::report::charts::text;

const ROWS: usize = 4;
const ROW: f64 = 14.0;
/// Height of the short lines that a crowd has: lines through the whole chart would hide it.
const SHORT: f64 = 6.0;

/// Markers with places for their labels.
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
    /// Finds a place for `events`, in order, on a time axis from `left` to `right`.
    ///
    /// A label stands right of its line. Whoever comes later and lies under it stands in a lower row, so that
    /// no line crosses a label. A label without room is left out, its line stays. Lost links, of which one trouble
    /// brings many, do not take the room of a kill.
    pub fn of(events: &[Event], time: &Axis, left: f64, right: f64) -> Self {
        let all = Self::place(events, |_| true, time, left, right);
        let is_crowded_out = |(mark, event): (&Mark, &Event)| {
            let told = mark
                .label
                .as_ref()
                .is_some_and(|(_, text)| *text == event.label());
            event.colour() == ALARM && event.is_named() && !told
        };
        if all.marks.iter().zip(events.iter().rev()).any(is_crowded_out) {
            return Self::place(events, |event| !event.is_lost_link(), time, left, right);
        }
        all
    }

    /// Finds a place for `events`, with labels for those that are `worth` one.
    fn place(events: &[Event], worth: fn(&Event) -> bool, time: &Axis, left: f64, right: f64) -> Self {
        let mut marks: Vec<Mark> = Vec::new(); // from the last to the first
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
            // A bare verb still tells a join from a leave; among many it would be noise, and of a restart it tells
            // nothing.
            let tells = events.len() <= CROWD && !event.is_restart() && !event.verb().is_empty();
            let terse = || place(event.verb().to_owned()).filter(|_| tells);
            let label = if event.is_named() && worth(event) {
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
        let lift = if self.marks.len() > CROWD { SHORT } else { 0.0 };
        let row = |mark: &Mark| mark.label.as_ref().map_or(1, |(row, _)| row + 1);
        self.marks
            .iter()
            .map(row)
            .max()
            .map_or(0.0, |rows| rows as f64 * ROW + SHORT + lift)
    }

    /// Draws lines down to `bottom` and labels above a panel that begins at `top`.
    pub fn draw(&self, canvas: &mut Canvas<'_>, top: f64, bottom: f64) {
        // Labels stand above the short lines, or none would be free of them.
        let (bottom, lift) = match self.marks.len() > CROWD {
            true => (top, SHORT),
            false => (bottom, 0.0),
        };
        for mark in &self.marks {
            let rows = mark
                .label
                .as_ref()
                .map_or(0.0, |(row, _)| *row as f64 * ROW + 8.0 + lift);
            canvas.line(
                (mark.x, top - SHORT - rows),
                (mark.x, bottom),
                mark.colour.mixed(PAPER, 40),
                HAIRLINE,
            );
            if let Some((row, text)) = &mark.label {
                let y = top - 9.0 - lift - *row as f64 * ROW;
                canvas.text(text, (mark.x + 5.0, y), Anchor::Start, SMALL, mark.colour);
            }
        }
    }
}
