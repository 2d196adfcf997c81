//! What a search has found, in words and as data.

use super::keep::{Kept, Origin};
use crate::observe::invariant::Invariant;
use crate::scenario::estimate::grouped;
use crate::verify::check::Broken;
use crate::verify::fuzz::campaign::{Failure, Findings};
use crate::verify::fuzz::coverage::{Fault, Mechanism, Probe, unsupported};
use crate::verify::fuzz::shrink::Shrunk;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// A failure, as soon as it is found.
pub fn failure(origin: &Origin, what: &Broken) -> String {
    format!(
        "{}: {}\n  again: {} --no-shrink",
        origin.title,
        broken(what),
        origin.command
    )
}

/// What was broken, and when.
pub fn broken(broken: &Broken) -> String {
    match broken.at {
        Some(at) => format!("{} broken at {at}: {}", broken.id, broken.what),
        None => format!("{} broken: {}", broken.id, broken.what),
    }
}

/// How much was tried, and what came of it.
pub fn summary(findings: &Findings, took: Duration, interrupted: bool, first: u64) -> String {
    let seconds = took.as_secs_f64();
    let which = match findings.scenarios {
        0 => "no scenario".to_owned(),
        1 => format!("scenario {first}"),
        n => format!("{} scenarios, {first} to {}", grouped(n.into()), first + n - 1),
    };
    let mut text = format!(
        "{which}: {} events in {seconds:.1} s, {:.0} scenarios a second\n",
        grouped(findings.events.into()),
        findings.scenarios as f64 / seconds.max(1e-9),
    );
    let failures = &findings.failures;
    text += &match failures.len() {
        0 => "no rule broken".to_owned(),
        n => plural(n, "failure"),
    };
    for (at, failure) in failures.iter().enumerate() {
        let times = match failure.scenarios {
            1 => String::new(),
            n => format!(" and {}", plural(n as usize - 1, "other")),
        };
        let before = if at == 0 { ": " } else { "; " };
        text += &format!(
            "{before}{} in scenario {}{times}",
            failure.broken.id, failure.number
        );
    }
    if interrupted {
        text += "; interrupted: the figures are of the scenarios that were done";
    }
    text
}

fn plural(n: usize, one: &str) -> String {
    match (n, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{n} {stem}ies"),
        (_, None) => format!("{n} {one}s"),
    }
}

/// How large a scenario is.
pub fn size(small: &Shrunk) -> String {
    format!(
        "{} and {} on the timeline",
        plural(small.consumers(), "consumer"),
        plural(small.actions(), "entry")
    )
}

/// What is left of a failure, and where; without a file, the scenario itself.
pub fn kept(origin: &Origin, kept: &Kept) -> String {
    let small = &kept.small;
    let mut text = format!(
        "{}, {}: shrunk in {} to {}",
        origin.title,
        small.broken.id,
        plural(small.tries as usize, "try"),
        size(small)
    );
    if !small.is_least {
        text += ", when its time was over";
    }
    text + &match &kept.path {
        Some(path) => format!("\n  {}", path.display()),
        None => format!("; not kept without --keep DIR:\n{}", kept.text.trim_end()),
    }
}

/// Why nothing is left.
pub fn not_shrunk(origin: &Origin) -> String {
    format!("{}: not shrunk; {} does", origin.title, origin.command)
}

/// What is known of one failure.
pub fn entry(of: &Value, broken: &Broken, small: Option<&Kept>) -> Value {
    let mut entry = of.as_object().cloned().unwrap_or_default();
    let path = small.and_then(|kept| kept.path.as_ref());
    for (key, value) in [
        ("broken", broken.id.as_str().into()),
        ("at", broken.at.map(|at| at.to_string()).into()),
        ("what", broken.what.as_str().into()),
        ("kept", path.map(|path| path.display().to_string()).into()),
        ("small", small.map_or(Value::Null, |kept| kept.small.file.clone())),
    ] {
        entry.insert(key.to_owned(), value);
    }
    entry.into()
}

/// Everything but times of this machine.
pub fn as_json(findings: &Findings, first: u64, interrupted: bool, kept: &[(Origin, Option<Kept>)]) -> Value {
    let tally = &findings.tally;
    let row = |fault: Fault| {
        let cells = Mechanism::ALL
            .iter()
            .filter(|mechanism| unsupported(fault, **mechanism).is_none())
            .map(|mechanism| {
                let count = tally.cell(fault, *mechanism);
                (mechanism.name().to_owned(), count.into())
            });
        let with: Map<String, Value> = cells.collect();
        json!({ "scenarios": tally.fault(fault), "with": with })
    };
    let table: Map<String, Value> = Fault::ALL
        .iter()
        .map(|fault| (fault.name().to_owned(), row(*fault)))
        .collect();
    let probes: Map<String, Value> = Probe::ALL
        .iter()
        .map(|probe| (probe.name().to_owned(), tally.probe(*probe).into()))
        .collect();
    let failures = findings.failures.iter().zip(kept);
    let failure = |(failure, (origin, small)): (&Failure, &(Origin, Option<Kept>))| {
        let of =
            json!({ "scenario": failure.number, "scenarios": failure.scenarios, "command": origin.command });
        entry(&of, &failure.broken, small.as_ref())
    };
    let asked = Invariant::ALL.iter().zip(&findings.asked);
    let asked: Map<String, Value> = asked
        .map(|(rule, times)| (rule.id().to_owned(), (*times).into()))
        .collect();
    json!({
        "first": first,
        "scenarios": findings.scenarios,
        "events": findings.events,
        "complete": !interrupted,
        "failures": failures.map(failure).collect::<Vec<_>>(),
        "faults": table,
        "sometimes": probes,
        "asked": asked,
        "emptyCells": tally.empty_cells(),
        "neverHappened": tally.unseen(),
    })
}
