//! Where two traces part, for people.

use super::table::sentence;
use super::trace::{Parted, Parting};
use crate::report::charts::text;
use serde_json::{Map, Value};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

impl Parting {
    /// The page. `files` are the names under which the traces were given.
    pub fn page(&self, files: [&str; 2]) -> String {
        let mut lines = Vec::new();
        for (letter, file) in ["A", "B"].iter().zip(files) {
            lines.push(format!("{BOLD}{letter}{PLAIN}  {file}"));
        }
        if !self.header.is_empty() {
            lines.push(format!("\n{BOLD}header{PLAIN}"));
            for row in &self.header {
                lines.push(format!("  {}  {}", row.path, sentence(&row.change)));
            }
        }
        lines.push(String::new());
        let same = text::count(self.same, "fact").replace('\u{2009}', " ");
        match &self.parted {
            None => lines.push(format!("they never part: {same}, all the same")),
            Some(parted) => lines.extend(parted.told(&same)),
        }
        lines.join("\n")
    }
}

impl Parted {
    fn told(&self, same: &str) -> Vec<String> {
        let when = self
            .t
            .map_or(String::new(), |t| format!(" at {} s of virtual time", seconds(t)));
        let mut lines = vec![format!(
            "{BOLD}they part{when}, in line {}{PLAIN}; {same} before that are the same",
            self.line
        )];
        if !self.fields.is_empty() {
            let value = |lines: &[Map<String, Value>], name: &String| {
                let value = lines.first().and_then(|line| line.get(name));
                value.map_or_else(|| "nothing".to_owned(), short)
            };
            let told = self.fields.iter().map(|name| {
                let (a, b) = (value(&self.a, name), value(&self.b, name));
                format!("{name} ({a} → {b})")
            });
            let told: Vec<String> = told.collect();
            lines.push(format!(
                "the same kind of fact, with other values: {}",
                told.join(", ")
            ));
        }
        lines.push(String::new());
        for line in &self.before {
            lines.push(format!("   {DIM}{}{PLAIN}", fact(line, &[])));
        }
        for (letter, own) in [("A", &self.a), ("B", &self.b)] {
            for (number, line) in own.iter().enumerate() {
                let marked: &[String] = if number == 0 { &self.fields } else { &[] };
                let text = fact(line, marked);
                lines.push(match number {
                    0 => format!("{BOLD}{letter}{PLAIN}  {BOLD}{text}{PLAIN}"),
                    _ => format!("{letter}  {text}"),
                });
            }
            if own.is_empty() {
                lines.push(format!(
                    "{BOLD}{letter}{PLAIN}  {BOLD}(the trace ends here){PLAIN}"
                ));
            }
        }
        lines
    }
}

/// Seconds, exactly.
fn seconds(t: u64) -> String {
    format!("{}.{:09}", t / 1_000_000_000, t % 1_000_000_000)
}

/// A fact in one line; fields in `marked` differ.
fn fact(line: &Map<String, Value>, marked: &[String]) -> String {
    let when = line.get("t").and_then(Value::as_u64);
    let mut said = when.map_or(String::new(), |t| format!("{:>16}  ", seconds(t)));
    said += line.get("fact").and_then(Value::as_str).unwrap_or("?");
    let rest = line.iter().filter(|(name, _)| *name != "t" && *name != "fact");
    for (name, value) in rest {
        let (left, right) = if marked.contains(name) {
            ("»", "«")
        } else {
            ("", "")
        };
        said += &format!("  {left}{name}={}{right}", short(value));
    }
    said
}

/// A value in a line: texts without quotes, what is long is cut.
fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
