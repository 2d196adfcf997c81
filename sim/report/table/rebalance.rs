//! What rebalances cost a group, one line each.
//!
//! A group in which nothing changed but that its members started has one line in all.

use super::LABEL;
use super::WIDTH;
use super::page::Page;
use super::words::{span, wrapped};
use crate::report::charts::text::{count, grouped};
use crate::report::model::{ChangesReport, RebalanceReport};

/// Columns of the names of the lines.
const NAME: usize = 12;

impl Page {
    pub(super) fn rebalance(&mut self, of: &RebalanceReport) {
        let changes = changes(&of.changes_by_kind);
        let is_calm = of.moves == 0 && of.unowned_seconds == 0.0 && of.duplicates == 0;
        if changes.is_empty() && is_calm {
            let (changed, rounds) = (grouped(of.rounds_with_change), count(of.rounds, "round"));
            let rounds = format!("{changed} of {rounds} changed owners");
            // Where nobody ever took a queue there is nothing to be stable.
            let stable = of.stable_max_seconds.filter(|_| of.owned_seconds > 0.0);
            let stable = stable.map(|seconds| format!("stable within {}", span(seconds)));
            self.parts("rebalance", &[rounds, stable.unwrap_or_default()]);
            return;
        }
        let (changed, rounds) = (grouped(of.rounds_with_change), grouped(of.rounds));
        let rounds = format!("{rounds}, of which {changed} changed owners");
        let mut head = "rebalance";
        for (mut name, text) in [("changes", changes), ("rounds", rounds)]
            .into_iter()
            .chain(costs(of))
        {
            for text in wrapped(&text, WIDTH - LABEL - NAME) {
                if !text.is_empty() {
                    self.line(&format!("  {head:<label$}{name:<NAME$}{text}", label = LABEL - 2));
                    (head, name) = ("", "");
                }
            }
        }
    }
}

/// The lines that have something to tell.
fn costs(of: &RebalanceReport) -> Vec<(&'static str, String)> {
    let time = |seconds: f64, more: String| match seconds > 0.0 {
        true => span(seconds) + &more,
        false => String::new(),
    };
    let reaction = match of.detected_max_seconds {
        Some(seconds) => format!(", first reaction within {}", span(seconds)),
        None => String::new(),
    };
    let stable = of.stable_max_seconds.filter(|_| of.owned_seconds > 0.0);
    let messages = match of.stranded_messages {
        0 => String::new(),
        n => format!(", {} in them", count(n, "message")),
    };
    vec![
        (
            "moves",
            format!("{}, {} needed", grouped(of.moves), grouped(of.moves_least)),
        ),
        (
            "no owner",
            time(
                of.unowned_seconds,
                format!(", the longest {}", span(of.unowned_max_seconds)),
            ),
        ),
        ("two owners", time(of.overlap_seconds, String::new())),
        ("stopped", time(of.paused_seconds, String::new())),
        ("stranded", time(of.stranded_seconds, messages)),
        (
            "stable",
            stable.map_or(String::new(), |seconds| {
                format!("within {}{reaction}", span(seconds))
            }),
        ),
        (
            "duplicates",
            match of.duplicates {
                0 => String::new(),
                n => format!("{} from queues that moved", grouped(n)),
            },
        ),
    ]
}

/// Changes by kind, in words; nothing if members only started.
fn changes(of: &ChangesReport) -> String {
    let kinds = [
        (of.started, "started"),
        (of.graceful, "shut down"),
        (of.killed, "killed"),
        (of.vanished, "vanished"),
        (of.start_failed, "failed to start"),
        (of.paused, "stopped for a while"),
        (of.cut_off, "cut off"),
        (of.slowed, "slowed"),
    ];
    if kinds[1..].iter().all(|(n, _)| *n == 0) && of.queues_changed == 0 {
        return String::new();
    }
    let named = kinds.iter().filter(|(n, _)| *n > 0);
    let named = named.map(|(n, what)| format!("{} {what}", grouped(*n)));
    let queues = Some(of.queues_changed).filter(|n| *n > 0);
    let queues = queues.map(|n| format!("{} of queues", count(n, "change")));
    named.chain(queues).collect::<Vec<_>>().join(", ")
}
