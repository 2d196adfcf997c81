//! What a search has found, in words, as a table and as data.

use super::{Kept, Origin};
use crate::observe::invariant::Invariant;
use crate::scenario::estimate::grouped;
use crate::verify::check::Broken;
use crate::verify::fuzz::campaign::{Failure, Findings};
use crate::verify::fuzz::coverage::{Fault, Mechanism, Probe, Tally, unsupported};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// All but the failures.
pub fn findings(findings: &Findings, took: Duration, interrupted: bool, first: u64) -> String {
    let seconds = took.as_secs_f64();
    let mut text = format!(
        "{} scenarios, {} to {}: {} events in {seconds:.1} s, {:.0} scenarios a second\n",
        grouped(findings.scenarios.into()),
        first,
        (first + findings.scenarios).saturating_sub(1),
        grouped(findings.events.into()),
        findings.scenarios as f64 / seconds.max(1e-9),
    );
    text += &match findings.failures.len() {
        0 => "no rule broken".to_owned(),
        1 => "1 failure".to_owned(),
        more => format!("{more} different failures"),
    };
    if interrupted {
        text += "; interrupted: the figures are of the scenarios that were done";
    }
    text + "\n\n" + &table(&findings.tally) + "\n" + &asked(&findings.asked)
}

/// How often each rule was asked where nothing excused it.
fn asked(asked: &[u64]) -> String {
    let mut text = "\nRules asked, past all of their excuses\n\n".to_owned();
    let cells: Vec<String> = Invariant::ALL
        .iter()
        .zip(asked)
        .map(|(rule, times)| format!("{:>4} {:<14}", rule.id(), grouped((*times).into())))
        .collect();
    for row in cells.chunks(6) {
        text += row.concat().trim_end();
        text.push('\n');
    }
    let never = Invariant::ALL.iter().zip(asked).filter(|(_, times)| **times == 0);
    let never: Vec<String> = never.map(|(rule, _)| rule.id().to_owned()).collect();
    text += &match never.len() {
        0 => "All of them were.".to_owned(),
        n => format!("{n} never: {}", never.join(", ")),
    };
    text
}

/// How often each fault met each mechanism, what that leaves out, and why.
fn table(tally: &Tally) -> String {
    let mut text =
        "Scenarios in which a fault (rows) was followed by a mechanism at work in the same group\n\n"
            .to_owned();
    let heads = Mechanism::ALL
        .iter()
        .map(|mechanism| format!("{:>6}", mechanism.name()));
    text += &format!("{:<23}{:>5}{}\n", "", "all", heads.collect::<String>());
    for fault in Fault::ALL {
        let cells = Mechanism::ALL
            .iter()
            .map(|mechanism| match unsupported(*fault, *mechanism) {
                Some(_) => format!("{:>6}", "–"),
                None => format!("{:>6}", short(tally.cell(*fault, *mechanism))),
            });
        text += &format!(
            "{:<23}{:>5}{}\n",
            fault.name(),
            short(tally.fault(*fault)),
            cells.collect::<String>()
        );
    }
    let mut reasons: Vec<&str> = Vec::new();
    for fault in Fault::ALL {
        for reason in Mechanism::ALL
            .iter()
            .filter_map(|mechanism| unsupported(*fault, *mechanism))
        {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    text += &format!("– cannot be: {}\n", reasons.join("; "));
    let empty = tally.empty_cells();
    text += &match empty.len() {
        0 => "No cell is empty.\n".to_owned(),
        n => format!("{n} cells are empty: {}\n", few(&empty)),
    };
    let unseen: Vec<String> = tally.unseen().into_iter().map(str::to_owned).collect();
    text += &match unseen.len() {
        0 => format!(
            "All {} things that should happen now and then did.",
            Probe::ALL.len()
        ),
        n => format!(
            "{n} of {} things never happened: {}",
            Probe::ALL.len(),
            few(&unseen)
        ),
    };
    text
}

/// As many of a list as people will read.
fn few(list: &[String]) -> String {
    let shown: Vec<&str> = list.iter().take(12).map(String::as_str).collect();
    match list.len() > shown.len() {
        true => format!("{}, and {} more", shown.join("; "), list.len() - shown.len()),
        false => shown.join("; "),
    }
}

/// A count in at most five characters.
fn short(n: u64) -> String {
    match n {
        0..100_000 => n.to_string(),
        _ => format!("{}k", n / 1000),
    }
}

/// What was broken, and when.
pub fn broken(broken: &Broken) -> String {
    match broken.at {
        Some(at) => format!("{} broken at {at}: {}", broken.id, broken.what),
        None => format!("{} broken: {}", broken.id, broken.what),
    }
}

/// One failure with the ways back to it.
pub fn failure(failure: &Failure, origin: &Origin, small: Option<&Kept>) -> String {
    let more = match failure.scenarios {
        1 => String::new(),
        n => format!(" (and {} more of this kind)", n - 1),
    };
    let mut text = format!("seed {}{more}: {}", failure.number, broken(&failure.broken));
    text += &format!("\n  again:  {} --no-shrink", origin.words);
    text += &match small {
        Some(small) => format!("\n  {}", kept(small)),
        None => format!("\n  shrink: {}", origin.words),
    };
    text
}

/// Where a small scenario lies.
pub fn kept(kept: &Kept) -> String {
    let plural = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    format!(
        "shrunk in {} tries to {} and {} on the timeline: {}",
        kept.small.tries,
        plural(kept.small.consumers(), "consumer"),
        plural(kept.small.actions(), "entry").replace("entrys", "entries"),
        kept.path.display()
    )
}

/// What is known of one failure.
pub fn entry(of: &Value, broken: &Broken, small: Option<&Kept>) -> Value {
    let mut entry = of.as_object().cloned().unwrap_or_default();
    entry.insert("broken".to_owned(), broken.id.as_str().into());
    entry.insert("at".to_owned(), broken.at.map(|at| at.to_string()).into());
    entry.insert("what".to_owned(), broken.what.as_str().into());
    entry.insert(
        "kept".to_owned(),
        small.map(|kept| kept.path.display().to_string()).into(),
    );
    entry.into()
}

/// Everything but times of this machine.
pub fn as_json(findings: &Findings, first: u64, kept: &[(Origin, Option<Kept>)]) -> Value {
    let tally = &findings.tally;
    let row = |fault: Fault| {
        let cells = Mechanism::ALL
            .iter()
            .filter(|m| unsupported(fault, **m).is_none());
        let cells: Map<String, Value> = cells
            .map(|m| (m.name().to_owned(), tally.cell(fault, *m).into()))
            .collect();
        json!({ "scenarios": tally.fault(fault), "with": cells })
    };
    let table: Map<String, Value> = Fault::ALL
        .iter()
        .map(|fault| (fault.name().to_owned(), row(*fault)))
        .collect();
    let probes: Map<String, Value> = Probe::ALL
        .iter()
        .map(|probe| (probe.name().to_owned(), tally.probe(*probe).into()))
        .collect();
    let failures = findings
        .failures
        .iter()
        .zip(kept)
        .map(|(failure, (origin, small))| {
            let of =
                json!({ "seed": failure.number, "scenarios": failure.scenarios, "command": origin.words });
            entry(&of, &failure.broken, small.as_ref())
        });
    let asked = Invariant::ALL.iter().zip(&findings.asked);
    let asked: Map<String, Value> = asked
        .map(|(rule, times)| (rule.id().to_owned(), (*times).into()))
        .collect();
    json!({
        "first": first,
        "scenarios": findings.scenarios,
        "events": findings.events,
        "complete": findings.complete,
        "failures": failures.collect::<Vec<_>>(),
        "faults": table,
        "sometimes": probes,
        "asked": asked,
        "emptyCells": tally.empty_cells(),
        "neverHappened": tally.unseen(),
    })
}
