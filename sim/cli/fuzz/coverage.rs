//! What a search has met, as a table for people.

use crate::observe::invariant::Invariant;
use crate::report::table::wrapped;
use crate::scenario::estimate::grouped;
use crate::verify::fuzz::campaign::Findings;
use crate::verify::fuzz::coverage::{Fault, Mechanism, Probe, Tally, unsupported};

/// Columns between two counts.
const GAP: usize = 2;

/// How much was met, in a line.
pub fn in_short(findings: &Findings) -> String {
    let tally = &findings.tally;
    let rules = findings.asked.iter().filter(|times| **times > 0).count();
    let cells = possible().count();
    let (empty, probes) = (tally.empty_cells().len(), Probe::ALL.len());
    format!(
        "coverage: {} of {cells} pairs of fault and mechanism, {} of {probes} rare things, {rules} of {} rules\n  \
         --coverage shows them",
        cells - empty,
        probes - tally.unseen().len(),
        Invariant::ALL.len()
    )
}

/// Pairs that there can be.
fn possible() -> impl Iterator<Item = (Fault, Mechanism)> {
    let pairs = Fault::ALL
        .iter()
        .flat_map(|fault| Mechanism::ALL.iter().map(move |mechanism| (*fault, *mechanism)));
    pairs.filter(|(fault, mechanism)| unsupported(*fault, *mechanism).is_none())
}

/// How often each fault met each mechanism, what that leaves out, and why; `width` columns wide at most.
pub fn table(tally: &Tally, width: usize) -> String {
    let say = |text: &str| wrapped(text, width).join("\n") + "\n";
    let mut text = say(
        "Coverage: scenarios with a fault (rows), and those of them in which a mechanism was at work in the same group \
         later (columns)",
    );
    for block in blocks(&columns(tally), width) {
        text += &format!("\n{block}");
    }
    text += &format!("\n{}", say(&format!("–  cannot be: {}", reasons().join("; "))));
    let empty = tally.empty_cells();
    text += &match empty.len() {
        0 => say("No cell is empty."),
        n => say(&format!("Empty cells, {n}: {}", few(&empty))),
    };
    let (all, unseen) = (Probe::ALL.len(), tally.unseen());
    let unseen: Vec<String> = unseen.into_iter().map(str::to_owned).collect();
    text += &match unseen.len() {
        0 => say(&format!("All {all} things that should happen now and then did.")),
        n => say(&format!("Never happened, {n} of {all}: {}", few(&unseen))),
    };
    text.trim_end().to_owned()
}

/// How often each rule was asked where nothing excused it; `width` columns wide at most.
pub fn rules(findings: &Findings, width: usize) -> String {
    let mut text = "Rules asked, past all of their excuses\n\n".to_owned();
    let cells: Vec<String> = Invariant::ALL
        .iter()
        .zip(&findings.asked)
        .map(|(rule, times)| format!("{:<4}{:>13}", rule.id(), grouped((*times).into())))
        .collect();
    for row in cells.chunks((width / 20).max(1)) {
        text += &format!("{}\n", row.join("   "));
    }
    let never = findings.never_asked();
    text + &match never.len() {
        0 => "All of them were.".to_owned(),
        n => wrapped(&format!("Never, {n}: {}", never.join(", ")), width).join("\n"),
    }
}

/// The counts below their heads, all of one width.
fn columns(tally: &Tally) -> Vec<Vec<String>> {
    let all = Fault::ALL.iter().map(|fault| count(tally.fault(*fault)));
    let of = |mechanism: Mechanism| {
        let cells = Fault::ALL
            .iter()
            .map(move |fault| match unsupported(*fault, mechanism) {
                Some(_) => "–".to_owned(),
                None => count(tally.cell(*fault, mechanism)),
            });
        std::iter::once(mechanism.name().to_owned()).chain(cells)
    };
    let all = std::iter::once("all".to_owned()).chain(all).collect();
    let mechanisms = Mechanism::ALL.iter().map(|mechanism| of(*mechanism).collect());
    std::iter::once(all).chain(mechanisms).collect()
}

/// The table, in as few parts beside each other as fit into `width`, all about equally wide. Each has the names of the rows.
fn blocks(columns: &[Vec<String>], width: usize) -> Vec<String> {
    let names: Vec<&str> = std::iter::once("")
        .chain(Fault::ALL.iter().map(|fault| fault.name()))
        .collect();
    let name = widest(names.iter().copied());
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| GAP + widest(column.iter().map(String::as_str)))
        .collect();
    let fits = |columns: &[usize]| name + columns.iter().sum::<usize>() <= width;
    let mut each = columns.len();
    while each > 1 && !widths.chunks(each).all(fits) {
        let parts = columns.len().div_ceil(each) + 1;
        each = columns.len().div_ceil(parts).min(each - 1);
    }
    let block = |(columns, widths): (&[Vec<String>], &[usize])| {
        let line = |row: usize| {
            let cells = columns.iter().zip(widths);
            let cells: String = cells
                .map(|(column, width)| format!("{:>width$}", column[row]))
                .collect();
            format!("{:<name$}{cells}\n", names[row])
        };
        (0..names.len()).map(line).collect()
    };
    columns.chunks(each).zip(widths.chunks(each)).map(block).collect()
}

fn widest<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

/// Why cells are left out, each reason once.
fn reasons() -> Vec<&'static str> {
    let mut reasons = Vec::new();
    for fault in Fault::ALL {
        let of = Mechanism::ALL
            .iter()
            .filter_map(|mechanism| unsupported(*fault, *mechanism));
        for reason in of {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    reasons
}

/// As many of a list as people will read.
fn few(list: &[String]) -> String {
    let shown: Vec<&str> = list.iter().take(12).map(String::as_str).collect();
    match list.len() > shown.len() {
        true => format!("{}, and {} more", shown.join("; "), list.len() - shown.len()),
        false => shown.join("; "),
    }
}

/// A count that is not wider than it need be.
fn count(n: u64) -> String {
    match n {
        0..100_000 => n.to_string(),
        _ => format!("{}k", n / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the terminal, no line is wider, and every column is there once.
    #[test]
    fn the_table_fits_into_the_terminal() {
        for width in [40, 80, 100, 119, 140, 200] {
            let text = table(&Tally::default(), width);
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            let heads: Vec<&str> = text
                .lines()
                .filter(|line| line.starts_with("      "))
                .flat_map(str::split_whitespace)
                .collect();
            let expected: Vec<&str> = std::iter::once("all")
                .chain(Mechanism::ALL.iter().map(|mechanism| mechanism.name()))
                .collect();
            assert_eq!(heads, expected, "{width}");
        }
    }

    /// Names and counts do not run into each other.
    #[test]
    fn cells_are_apart() {
        let text = table(&Tally::default(), 200);
        let row = text
            .lines()
            .find(|line| line.starts_with("partition from nameserver"))
            .expect("there is a row");
        assert_eq!(row.split_whitespace().count(), 3 + 1 + Mechanism::ALL.len());
    }
}
