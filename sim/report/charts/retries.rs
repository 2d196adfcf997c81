//! Deliveries by attempt, from the original to the last retry, and what ended as a dead letter.
//!
//! Bars stand on a logarithmic axis when the smallest would vanish beside the greatest; each carries its
//! number, so that nothing must be read off the axis. Below each retry stands the delay that came before it.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Anchor, Canvas, svg};
use crate::report::charts::frame::{self, HEADING, Plot};
use crate::report::charts::style::{
    ALARM, AXIS, Colour, INK, LABEL, MAIN, QUIET, RIGHT_MARGIN, SMALL, THIN, WIDTH,
};
use crate::report::charts::{Drawing, Subject, span, text};

const HEIGHT: f64 = 220.0;
const FOOT: f64 = 62.0;
/// Greatest ÷ smallest from which the axis is logarithmic.
const LOG_FROM: u64 = 40;
/// Widest bar, in pixels.
const BAR_MAX: f64 = 64.0;

/// Draws the retries of one group.
pub fn draw(subject: &Subject<'_>) -> Drawing {
    let (name, group) = (subject.short_name(), subject.group);
    let retries = &group.retries;
    if retries.scheduled == 0 && group.dead == 0 {
        let title = format!("Retries of {name} — none");
        let again = group.deliveries_by_kind.again;
        let line = match group.deliveries {
            _ if again > 0 => format!(
                "No message was sent back; {} on the spot, while the queue waited.",
                text::count(again, "more attempt")
            ),
            0 => "No message was delivered.".to_owned(),
            1 => "1 delivery, and no message came back.".to_owned(),
            n => format!("{} deliveries, and no message came back.", text::grouped(n)),
        };
        return frame::notice(title, &line);
    }
    let copies = if retries.scheduled == 1 {
        "1 retry".to_owned()
    } else {
        format!("{} retries", text::grouped(retries.scheduled))
    };
    let title = format!(
        "Retries of {name} — {copies}, {}",
        text::count(group.dead, "dead letter")
    );
    let bars = bars(subject);
    let axis = axis_of(&bars);
    let scale = if axis.low < 0.0 {
        "logarithmic axis"
    } else {
        "linear axis"
    };
    let note = format!("deliveries by attempt ({scale}); below each retry, the delay before it");
    let svg = svg(WIDTH, HEADING + 24.0 + HEIGHT + FOOT, &title, |canvas| {
        frame::heading(canvas, &title, &note);
        draw_bars(canvas, &bars, axis);
    });
    Drawing::still(title, svg)
}

struct Bar {
    value: u64,
    name: String,
    remark: String,
    colour: Colour,
}

fn bars(subject: &Subject<'_>) -> Vec<Bar> {
    let attempts = &subject.group.retries.by_attempt;
    let mut bars: Vec<Bar> = attempts
        .iter()
        .map(|attempt| Bar {
            value: attempt.delivered,
            name: attempt.attempt.to_string(),
            remark: match (attempt.attempt, attempt.delay_asked_seconds) {
                (0, _) => "original".to_owned(),
                (_, Some(delay)) => format!("+{}", span(delay)),
                (_, None) => String::new(),
            },
            colour: MAIN,
        })
        .collect();
    if bars.is_empty() {
        let value = subject.group.deliveries;
        bars.push(Bar {
            value,
            name: "0".to_owned(),
            remark: "original".to_owned(),
            colour: MAIN,
        });
    }
    bars.push(Bar {
        value: subject.group.dead,
        name: "dead".to_owned(),
        remark: "letters".to_owned(),
        colour: ALARM,
    });
    bars
}

fn axis_of(bars: &[Bar]) -> Axis {
    let greatest = bars.iter().map(|bar| bar.value).max().unwrap_or(0);
    let smallest = bars
        .iter()
        .map(|bar| bar.value)
        .filter(|&value| value > 0)
        .min()
        .unwrap_or(greatest);
    let axis = if smallest > 0 && greatest / smallest >= LOG_FROM {
        axis::log_count(greatest)
    } else {
        axis::whole(greatest)
    };
    // Room for the number on the greatest bar.
    axis.with_headroom(8.0)
}

fn draw_bars(canvas: &mut Canvas<'_>, bars: &[Bar], axis: Axis) {
    let logarithmic = axis.low < 0.0;
    let top = HEADING + 24.0;
    let panel = Plot {
        left: frame::left_room(&axis),
        right: WIDTH - RIGHT_MARGIN,
        top,
        bottom: top + HEIGHT,
        x: Axis {
            low: 0.0,
            high: bars.len() as f64,
            ticks: Vec::new(),
        },
        y: axis,
    };
    panel.grid(canvas, "messages", HEADING + 8.0);
    let slot = (panel.right - panel.left) / bars.len() as f64;
    let width = (slot * 0.72).min(BAR_MAX);
    let size = if slot < 60.0 { SMALL } else { LABEL };
    for (i, bar) in bars.iter().enumerate() {
        let middle = panel.px(i as f64 + 0.5);
        let height = if logarithmic {
            axis::decades(bar.value)
        } else {
            bar.value as f64
        };
        let y = if bar.value == 0 {
            panel.bottom
        } else {
            panel.py(height)
        };
        if bar.value > 0 {
            canvas.rect(
                (middle - width / 2.0, y),
                (middle + width / 2.0, panel.bottom),
                bar.colour,
            );
        }
        canvas.text(
            &text::compact(bar.value),
            (middle, y - 9.0),
            Anchor::Middle,
            size,
            INK,
        );
        let name_colour = if bar.colour == ALARM { ALARM } else { INK };
        canvas.text(
            &bar.name,
            (middle, panel.bottom + 14.0),
            Anchor::Middle,
            LABEL,
            name_colour,
        );
        canvas.text(
            &text::fitted(&bar.remark, SMALL, slot),
            (middle, panel.bottom + 30.0),
            Anchor::Middle,
            SMALL,
            QUIET,
        );
    }
    canvas.line(
        (panel.left, panel.bottom),
        (panel.right, panel.bottom),
        AXIS,
        THIN,
    );
    let middle = (panel.left + panel.right) / 2.0;
    canvas.text(
        "attempt (reconsumeTimes)",
        (middle, panel.bottom + 48.0),
        Anchor::Middle,
        LABEL,
        QUIET,
    );
}
