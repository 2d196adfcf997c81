//! A story for people.

use crate::explain::story::{Event, Fate, Of, Step, Story};
use crate::explain::{Cut, words};
use crate::report::table::wrapped;
use crate::scenario::{Scenario, stem};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";
/// Columns of an instant, with the space behind it.
const TIME: usize = 16;

/// The story for people; of a run that a bound has stopped it says so in place of the end.
pub fn page(scenario: &Scenario, story: &Story, cut: Option<Cut>, width: usize) -> String {
    let mut head = vec![format!("seed {}", scenario.config.seed)];
    head.extend((story.body_bytes).map(|bytes| format!("{} bytes", words::count(bytes.into()))));
    head.extend(story.key.as_ref().map(|key| format!("key {key}")));
    head.extend(story.tag.as_ref().map(|tag| format!("tag {tag}")));
    let scenario = stem(scenario.name());
    let name = match story.of {
        Of::Moment => format!("{scenario} at {}", story.name),
        Of::Queue | Of::Rebalance => format!("{} in {scenario}", story.name),
        Of::Message | Of::Consumer => format!("{} of {scenario}", story.name),
    };
    let mut lines = vec![format!("{BOLD}{name}{PLAIN} · {}", head.join(" · "))];
    lines.extend(ends(story));
    lines.extend(sums(story, width));
    lines.push(String::new());
    let several = story.ends.len() > 1;
    let mut before = None;
    for step in &story.steps {
        // What several steps in a row have as their cause is said once.
        let cause = step.because.as_ref().map(|because| because.text.as_str());
        let is_known = cause.is_some() && cause == before;
        before = cause;
        lines.extend(told(step, several, is_known, width));
    }
    let end = words::at(story.run_ends);
    lines.push(match cut {
        Some(cut) => format!("{end:>14}  {YELLOW}the run is stopped by {}{PLAIN}\n", cut.by()),
        None => format!("{end:>14}  {DIM}the run ends{PLAIN}\n"),
    });
    lines.join("\n")
}

/// How it ended for each reader.
fn ends(story: &Story) -> Vec<String> {
    let names = story.ends.iter().map(|end| end.reader.chars().count());
    let column = names.max().unwrap_or(0);
    let told = story.ends.iter().map(|end| {
        let colour = match end.end {
            Fate::Consumed if end.deliveries < 2 => PLAIN,
            Fate::Consumed | Fate::Waiting | Fate::Delivered | Fate::AwaitingRetry => YELLOW,
            _ => "\x1b[31m",
        };
        format!("  {:<column$}  {colour}{}{PLAIN}", end.reader, end.text)
    });
    told.collect()
}

/// What it comes to.
fn sums(story: &Story, width: usize) -> Vec<String> {
    let names = story.sums.iter().map(|sum| sum.name.chars().count());
    let column = names.max().unwrap_or(0);
    let mut lines = Vec::new();
    for sum in &story.sums {
        for (number, line) in wrapped(&sum.text, width.saturating_sub(column + 4).max(20))
            .into_iter()
            .enumerate()
        {
            let name = if number == 0 { sum.name.as_str() } else { "" };
            lines.push(format!("  {name:<column$}  {line}"));
        }
    }
    lines
}

/// The lines of one step.
fn told(step: &Step, several: bool, is_cause_known: bool, width: usize) -> Vec<String> {
    let room = width - TIME;
    let whose = step.group.as_ref().filter(|_| several);
    let text = match whose {
        Some(group) => format!("{group}: {}", step.text),
        None => step.text.clone(),
    };
    let style = style(step.event);
    let mut lines = Vec::new();
    for (number, line) in wrapped(&text, room).into_iter().enumerate() {
        let time = match number {
            0 => words::at(step.at),
            _ => String::new(),
        };
        lines.push(match style {
            "" => format!("{time:>14}  {line}"),
            style => format!("{time:>14}  {style}{line}{PLAIN}"),
        });
    }
    if let Some(because) = step.because.as_ref().filter(|_| !is_cause_known) {
        lines.extend(hung(&format!("because {}", because.text), room));
    }
    if let (more @ 1.., Some(until)) = (step.more, step.until) {
        let like = if step.differ { "like it" } else { "of the same" };
        let text = format!(
            "then {} more {like} until {}",
            words::count(more),
            words::at(until)
        );
        lines.extend(hung(&text, room));
    }
    lines
}

/// Below a step, and marked as belonging to it.
fn hung(text: &str, room: usize) -> impl Iterator<Item = String> {
    let lines = wrapped(text, room - 2).into_iter().enumerate();
    lines.map(|(number, line)| {
        let mark = if number == 0 { "└ " } else { "  " };
        format!("{:>14}  {mark}{line}", "")
    })
}

/// Bold is what somebody would look for; dim what is only there to understand the rest.
fn style(event: Event) -> &'static str {
    match event {
        Event::DeliveredAgain
        | Event::Dead
        | Event::Dropped
        | Event::Skipped
        | Event::Expired
        | Event::RolledBack
        | Event::Jumped
        | Event::State => BOLD,
        Event::Committed | Event::Omitted => DIM,
        _ => "",
    }
}
