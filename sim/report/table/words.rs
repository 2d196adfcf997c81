//! Words and numbers of the summary: spans, bars, and what fits into how many columns.

pub(in crate::report) use crate::report::charts::text::seconds as span;
use crate::report::charts::text::{grouped, number};

/// Columns of a full bar.
const BAR: u64 = 12;

/// A share as per cent with one decimal, so that a column of them lines up.
pub(in crate::report) fn tenths(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A bar as long as `value` is to `most`, in eighths of a column.
pub(in crate::report) fn bar(value: u64, most: u64) -> String {
    if most == 0 {
        return String::new();
    }
    let eighths = (u128::from(value) * u128::from(BAR * 8) / u128::from(most)) as usize;
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{rest}", "█".repeat(eighths / 8))
}

/// A size in the greatest unit of which there is at least one: `512 B`, `1.5 MiB`.
pub fn bytes(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{} {name}", number(bytes as f64 / unit as f64)),
        None => format!("{bytes} B"),
    }
}

/// A measured value next to what was expected of it: as exact as the comparison.
pub(in crate::report) fn exact(value: f64) -> String {
    if (0.0..1e15).contains(&value) && value.fract() == 0.0 {
        return grouped(value as u64);
    }
    value.to_string()
}

/// Columns that a text takes: two for each wide character, none for escape sequences.
pub fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut in_escape = false;
    for c in text.chars() {
        match c {
            '\x1b' => in_escape = true,
            'm' if in_escape => in_escape = false,
            _ if in_escape => {}
            '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => columns += 2,
            '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' => columns += 2,
            '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => columns += 2,
            _ => columns += 1,
        }
    }
    columns
}

/// As much of `text` as fits; `…` stands for the rest. Control characters become spaces.
pub(in crate::report) fn cut(text: &str, room: usize) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if columns(&text) <= room {
        return text;
    }
    let mut short = String::new();
    for c in text.chars() {
        if columns(&short) + columns(c.encode_utf8(&mut [0; 4])) + 1 > room {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// Lines of at most `room` columns, broken between words.
pub fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let word = cut(word, room);
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && columns(line) + 1 + columns(&word) > room {
            lines.push(word);
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    lines
}
