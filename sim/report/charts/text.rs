//! Words and numbers as people read them in a chart: thin grouping, units, lengths.

use crate::kernel::time::SimDuration;

/// Between groups of three digits: narrower than a space, present in every usual font.
const THIN_SPACE: char = '\u{2009}';

/// `12040` as `12 040`, grouped by thin spaces; four digits stay together.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(THIN_SPACE);
        }
        out.push(digit);
    }
    out
}

/// `12040` as `12 040`; from a million on three digits and a prefix: `1.23 M`, `65.7 P`.
pub fn compact(n: u64) -> String {
    let prefixes = [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6)];
    // 999.6 M is 1 G: choose the prefix after rounding to three digits.
    let fits = |digits: u32| n >= 10_u64.pow(digits) - 10_u64.pow(digits - 3) / 2;
    match prefixes.into_iter().find(|&(_, digits)| fits(digits)) {
        Some((name, digits)) => format!("{} {name}", number(n as f64 / 10_u64.pow(digits) as f64)),
        None => grouped(n),
    }
}

/// A rate or a mean: three digits that count below 1000, whole numbers from there on.
pub fn number(v: f64) -> String {
    if !v.is_finite() || v < 0.0 {
        return "?".to_owned();
    }
    match v {
        v if v >= 99.95 => grouped(v.round() as u64),
        v if v >= 9.995 => trimmed(format!("{v:.1}")),
        0.0 => "0".to_owned(),
        v if v < 0.005 => "< 0.01".to_owned(),
        v => trimmed(format!("{v:.2}")),
    }
}

/// A share as per cent: `25.1 %`, `0.03 %`.
pub fn percent(part: f64, whole: f64) -> String {
    if whole <= 0.0 {
        return "0 %".to_owned();
    }
    format!("{} %", number(100.0 * part / whole))
}

/// Units by falling size, and which one refines which.
const UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("µs", 1_000),
];

/// A span as a person would say it: `3 m 12 s`, `1.84 s`, `250 ms`, `0 s`. Two units, or three digits.
pub fn span(d: SimDuration) -> String {
    let nanos = d.as_nanos();
    if nanos == 0 {
        return "0 s".to_owned();
    }
    if nanos < 1_000 {
        return format!("{nanos} ns");
    }
    if nanos < 59_950_000_000 {
        // 999.6 ms is 1 s: choose the unit after rounding to three digits.
        let (name, size) = UNITS[3..]
            .iter()
            .find(|(_, size)| nanos * 2000 >= size * 1999)
            .unwrap_or(&UNITS[5]);
        return format!("{} {name}", number(nanos as f64 / *size as f64));
    }
    // 59 m 59.6 s is 1 h: choose the unit after rounding to the one below, as the next smaller form would.
    let fits = |rank: usize| nanos.saturating_add(UNITS[(rank + 2).min(3)].1 / 2) >= UNITS[rank].1;
    let rank = (0..2).find(|&rank| fits(rank)).unwrap_or(2);
    let (small_name, small) = UNITS[rank + 1];
    let (name, size) = UNITS[rank];
    let rounded = nanos.saturating_add(small / 2) / small * small;
    match (rounded / size, rounded % size / small) {
        (whole, 0) => format!("{whole} {name}"),
        (whole, rest) => format!("{whole} {name} {rest} {small_name}"),
    }
}

/// Seconds of a report, in words.
pub fn seconds(seconds: f64) -> String {
    span(SimDuration::from_secs_f64(seconds))
}

/// A point of time as a tick says it, exactly: `0`, `90 s` as `1 m 30 s`, `1 h`, `250 ms`.
pub fn tick(nanos: u64) -> String {
    if nanos == 0 {
        return "0".to_owned();
    }
    let mut rest = nanos;
    let mut out = String::new();
    for (name, size) in UNITS.iter().chain(&[("ns", 1)]) {
        if rest >= *size {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&format!("{} {name}", rest / size));
            rest %= size;
        }
    }
    out
}

/// One thing, many things: `1 queue`, `12 040 queues`.
pub fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// How wide `text` will be, in pixels, at the given font size.
///
/// An upper estimate for the wide ones among the usual sans-serif fonts (DejaVu, Verdana): a label may end up
/// narrower than its place, never wider.
pub fn width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.32,
        'f' | 'r' | 't' | ' ' | '(' | ')' | '[' | ']' | '/' | '-' => 0.40,
        '\u{2009}' => 0.20,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '—' | '…' => 0.98,
        'A'..='Z' => 0.72,
        '\0'..='\u{2ff}' => 0.63,
        _ => 1.05,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// `text`, or as much of its two ends as fits into `room` pixels: names differ at their ends.
pub fn fitted(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let shortened = |keep: usize| {
        let head = keep / 2;
        let tail = keep - head;
        let mut out: String = chars[..head].iter().collect();
        out.push('…');
        out.extend(&chars[chars.len() - tail..]);
        out
    };
    (1..chars.len())
        .rev()
        .map(shortened)
        .find(|short| width(short, size) <= room)
        .unwrap_or_else(|| "…".to_owned())
}

/// `text` without idle zeros behind its point.
fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_thinly() {
        for (n, text) in [
            (0, "0"),
            (9999, "9999"),
            (12_040, "12\u{2009}040"),
            (1_000_000, "1\u{2009}000\u{2009}000"),
        ] {
            assert_eq!(grouped(n), text);
        }
    }

    #[test]
    fn great_numbers_are_compact() {
        for (n, text) in [
            (12_040, "12\u{2009}040"),
            (999_400, "999\u{2009}400"),
            (999_600, "1 M"),
            (1_234_567, "1.23 M"),
            (999_600_000, "1 G"),
            (65_701_265_461_291_968, "65.7 P"),
            (u64::MAX, "18.4 E"),
        ] {
            assert_eq!(compact(n), text);
        }
    }

    #[test]
    fn numbers_keep_three_digits_that_count() {
        for (v, text) in [
            (0.0, "0"),
            (0.001, "< 0.01"),
            (0.25, "0.25"),
            (9.999, "10"),
            (12.34, "12.3"),
            (99.96, "100"),
            (800.4, "800"),
            (f64::NAN, "?"),
        ] {
            assert_eq!(number(v), text);
        }
    }

    #[test]
    fn spans_have_two_units_or_three_digits() {
        for (nanos, text) in [
            (0, "0 s"),
            (340, "340 ns"),
            (1_500, "1.5 µs"),
            (250_000_000, "250 ms"),
            (999_600_000, "1 s"),
            (1_840_000_000, "1.84 s"),
            (59_960_000_000, "1 m"),
            (192_000_000_000, "3 m 12 s"),
            (3_580_000_000_000, "59 m 40 s"),
            (3_599_900_000_000, "1 h"),
            (3_600_000_000_000, "1 h"),
            (17_140_000_000_000, "4 h 46 m"),
            (100_000_000_000_000, "1 d 4 h"),
            (u64::MAX, "213503 d 23 h"),
        ] {
            assert_eq!(span(SimDuration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn ticks_are_exact() {
        for (nanos, text) in [
            (0, "0"),
            (90_000_000_000, "1 m 30 s"),
            (3_600_000_000_000, "1 h"),
            (250_000_000, "250 ms"),
        ] {
            assert_eq!(tick(nanos), text);
        }
    }

    #[test]
    fn long_names_keep_both_ends() {
        let name = "a-topic-of-a-very-talkative-team broker-a:17";
        let short = fitted(name, 12.0, 120.0);
        assert!(width(&short, 12.0) <= 120.0, "{short}");
        assert!(
            short.starts_with("a-t") && short.contains('…') && short.ends_with(":17"),
            "{short}"
        );
        assert_eq!(fitted("orders", 12.0, 120.0), "orders");
        assert_eq!(fitted("orders", 12.0, 1.0), "…");
    }
}
