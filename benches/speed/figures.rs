//! Medians, ratios, and the verdicts on targets.

use std::fmt::Write as _;

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}

pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

pub fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// `1.52 (1.41–1.60)`.
pub fn ratio(values: &[f64]) -> String {
    let [middle, low, high] = [median(values), least(values), most(values)].map(digits);
    format!("{middle} ({low}–{high})")
}

/// Three digits, with thin spaces in large numbers.
pub fn digits(value: f64) -> String {
    match value {
        1000.0.. => grouped(value as u64),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        0.1.. => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

/// `1 000 000`.
pub fn grouped(value: u64) -> String {
    let plain = value.to_string();
    let mut text = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// The verdicts, as rows of a table.
#[derive(Default)]
pub struct Verdicts(String);

impl Verdicts {
    /// One target: what must be and what would be better, both as the most that `value` may be; a `must` without
    /// bound is none.
    pub fn at_most(&mut self, id: &str, what: &str, value: f64, must: f64, stretch: f64) {
        self.row(id, what, value, "at most", [must, stretch], |target| {
            value <= target
        });
    }

    /// As [`at_most`](Self::at_most), the other way round.
    pub fn at_least(&mut self, id: &str, what: &str, value: f64, must: f64, stretch: f64) {
        self.row(id, what, value, "at least", [must, stretch], |target| {
            value >= target
        });
    }

    fn row(
        &mut self,
        id: &str,
        what: &str,
        value: f64,
        word: &str,
        [must, stretch]: [f64; 2],
        met: impl Fn(f64) -> bool,
    ) {
        let shown = if must.is_infinite() {
            format!("({word} {})", digits(stretch))
        } else if must == stretch {
            format!("{word} {}", digits(must))
        } else {
            format!("{word} {} ({})", digits(must), digits(stretch))
        };
        let verdict = match (met(must), met(stretch)) {
            (false, _) => "**MISSED**",
            (true, true) => "met",
            (true, false) if must.is_infinite() => "**missed**",
            (true, false) => "met, **stretch missed**",
        };
        let value = digits(value);
        writeln!(self.0, "| {id} | {what} | {value} | {shown} | {verdict} |").expect("a text takes it");
    }

    pub fn print(&self) {
        println!("\n## Targets\n");
        println!("| target | what | measured | must (stretch) | verdict |\n| --- | --- | --: | --: | --- |");
        print!("{}", self.0);
    }
}
