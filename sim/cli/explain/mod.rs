//! `rmqsim explain`: what became of one message, queue, consumer or rebalance, or how things stood at an instant, and why.

mod names;
mod page;

use crate::cli::args::{BoundArgs, Format, OverrideArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::cluster::bounds::Bounds;
use crate::cluster::config::ClusterConfig;
use crate::cluster::ids::{GroupId, MessageId};
use crate::cluster::producer::attributes::Key;
use crate::explain::example::{self, Why};
use crate::explain::story::{EXPLAIN_VERSION, Story};
use crate::explain::{Cut, Found, Nothing, Subject, explain, tell, words};
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::{Scenario, stem};
use anyhow::anyhow;
use clap::ValueEnum;
use names::{group_of, lives_of, message_of, only_group, queue_of};
use page::page;
use serde_json::json;
use std::cell::Cell;

/// Tell the story of one message, queue, consumer, rebalance or instant, with causes
#[derive(Clone, Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true),
    after_help = "The same seed is replayed, so the story is that of the run that `rmqsim run` reports. A message is \
named as producer#number, as in checkout-1#42: the 42nd that this instance has made. Rebalances are numbered as \
rebalance.GROUP.changes of the report, from 1.

Exit codes: 1 what was asked for did not come to be in this run (no such message, queue number or rebalance, no \
example), or a bound has stopped the run · 2 a name that the scenario does not have

Examples:
  rmqsim explain consumer-crash --why duplicate
  rmqsim explain retry-to-dlq-timetable --why dead --format json
  rmqsim explain quickstart --message checkout-1#4711
  rmqsim explain consumer-crash --queue \"orders broker-a:2\"
  rmqsim explain consumer-crash --consumer billing-2
  rmqsim explain rolling-deploy-strategy --rebalance 9
  rmqsim explain gc-pause --at 170s"
)]
pub struct Args {
    /// A scenario file, the name of a shipped scenario, or - for standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// This message, like checkout-1#42
    #[arg(long, value_name = "NAME", group = "what")]
    message: Option<String>,
    /// The messages with this key, the first five of them, like k42
    #[arg(long, value_name = "KEY", group = "what")]
    key: Option<String>,
    /// An example of something: of what happens twice, for good or too late
    #[arg(long, value_name = "WHAT", group = "what")]
    why: Option<Example>,
    /// This queue: who held it when, and why it moved; like "orders broker-a:3"
    #[arg(long, value_name = "QUEUE", group = "what")]
    queue: Option<String>,
    /// This consumer, like billing-2; billing-2#2 is its second life alone
    #[arg(long, value_name = "NAME", group = "what", conflicts_with = "group")]
    consumer: Option<String>,
    /// This rebalance of the group: what caused it, who did what, what it cost
    #[arg(long, value_name = "N", group = "what", value_parser = clap::value_parser!(u32).range(1..))]
    rebalance: Option<u32>,
    /// The cluster at this instant, and what comes before and after it; like 183.2s
    #[arg(long, value_name = "TIME", group = "what")]
    at: Option<SimDuration>,
    /// What happened in this group alone
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    #[command(flatten)]
    overrides: OverrideArgs,
    #[command(flatten)]
    bounds: BoundArgs,
    /// Form of the story
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What an example is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Example {
    /// The first second delivery to a group that had had the record.
    Duplicate,
    /// The first dead letter.
    Dead,
    /// The message that took longest from its birth to success.
    Late,
    /// The first that a group has not had and never will.
    Lost,
}

/// Stories of one key at most.
const STORIES: usize = 5;

/// Stories, how many more there would be, and why there are none.
struct Answer {
    stories: Vec<Story>,
    more: u64,
    nothing: String,
}

/// Replays the run and prints the story.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let scenario = Scenario::load(&args.file, &args.overrides.overrides())?;
    let config = &scenario.config;
    let group = match &args.group {
        Some(name) => Some(group_of(config, name)?),
        None => None,
    };
    let replay = Replay {
        config,
        bounds: args.bounds.of_run(args.overrides.max_events),
        terminal,
        cut: Cell::new(None),
    };
    let answer = match subject(args, config, group)? {
        Some(subject) => replay.subject(&subject, args),
        None => replay.messages(args, group)?,
    };
    let cut = replay.cut.get();
    match args.format {
        Format::Json => {
            let mut answer = json!({
                "explainVersion": EXPLAIN_VERSION,
                "scenario": stem(scenario.name()),
                "seed": config.seed.to_string(),
                "stories": answer.stories,
                "more": answer.more,
            });
            if let Some(cut) = cut {
                answer["stopped"] = json!({ "t": cut.at.as_secs_f64(), "by": cut.by() });
            }
            terminal.print(&format!("{answer:#}"))?;
        }
        Format::Table => {
            let told: Vec<String> = (answer.stories.iter())
                .map(|story| page(&scenario, story, cut, terminal.width()))
                .collect();
            if !told.is_empty() {
                terminal.print(told.join("\n").trim_end())?;
            }
            if answer.more > 0 {
                terminal.note(&format!("{} more with this key", words::count(answer.more)));
            }
        }
    }
    if answer.stories.is_empty() {
        let nothing = match cut {
            Some(cut) if args.at.is_some() => format!("stopped at {} by {}", words::at(cut.at), cut.by()),
            Some(cut) => up_to(cut, &answer.nothing),
            None => answer.nothing,
        };
        terminal.problem(&format!("{}: {nothing}", stem(scenario.name())));
        return Ok(Exit::Found);
    }
    Ok(if cut.is_some() { Exit::Found } else { Exit::Fine })
}

/// What is known of a run that was stopped: what was not there up to then may come later.
fn up_to(cut: Cut, nothing: &str) -> String {
    format!(
        "stopped at {} by {}; up to then {nothing}",
        words::at(cut.at),
        cut.by()
    )
}

/// What is not a message and has a story.
fn subject(args: &Args, config: &ClusterConfig, group: Option<GroupId>) -> anyhow::Result<Option<Subject>> {
    Ok(Some(match args {
        Args {
            queue: Some(queue), ..
        } => Subject::Queue(queue_of(config, queue)?, group),
        Args {
            consumer: Some(name), ..
        } => Subject::Consumer(name.clone(), lives_of(config, name)?),
        Args {
            rebalance: Some(number),
            ..
        } => {
            let group = match group {
                Some(group) => group,
                None => only_group(config)?,
            };
            Subject::Rebalance(group, *number)
        }
        Args { at: Some(at), .. } => Subject::Moment(SimTime::ZERO + *at, group),
        _ => return Ok(None),
    }))
}

/// One run after another, each with a progress bar.
struct Replay<'a> {
    config: &'a ClusterConfig,
    bounds: Bounds<'static>,
    terminal: &'a Terminal,
    /// Where a bound has stopped a run.
    cut: Cell<Option<Cut>>,
}

impl Replay<'_> {
    fn watched<T>(&self, run: impl FnOnce(&mut dyn FnMut(SimTime, u64)) -> Found<T>) -> T {
        let mut progress = self.terminal.progress(SimTime::ZERO + self.config.duration);
        let found = run(&mut |now, events| progress.tell(now, events));
        progress.clear();
        self.cut.set(found.cut.or(self.cut.get()));
        found.what
    }

    /// Stories of messages.
    fn messages(&self, args: &Args, group: Option<GroupId>) -> anyhow::Result<Answer> {
        let (messages, group, more) = match (&args.message, &args.key, args.why) {
            (Some(name), _, _) => (vec![message_of(self.config, name)?], group, 0),
            (_, Some(key), _) => {
                let key =
                    Key::of_text(key).ok_or_else(|| anyhow!("`{key}` is no key; keys are k1, k2, …"))?;
                let (messages, count) = self.with_key(key);
                let more = count - messages.len() as u64;
                (messages, group, more)
            }
            (_, _, why) => match self.example(why.unwrap_or(Example::Duplicate), group) {
                Some((message, group)) => (vec![message], group, 0),
                None => (Vec::new(), group, 0),
            },
        };
        let stories = messages.into_iter();
        Ok(Answer {
            stories: stories.filter_map(|message| self.story(message, group)).collect(),
            more,
            nothing: no_message(args),
        })
    }

    /// Stories of anything else.
    fn subject(&self, subject: &Subject, args: &Args) -> Answer {
        let told = self.watched(|progress| tell(self.config, subject, &self.bounds, progress));
        let (stories, nothing) = match told {
            Ok(stories) => (stories, String::new()),
            Err(nothing) => (Vec::new(), no_subject(nothing, subject, args)),
        };
        Answer {
            stories,
            more: 0,
            nothing,
        }
    }

    fn with_key(&self, key: Key) -> (Vec<MessageId>, u64) {
        self.watched(|progress| example::with_key(self.config, key, STORIES, &self.bounds, progress))
    }

    fn example(&self, why: Example, group: Option<GroupId>) -> Option<(MessageId, Option<GroupId>)> {
        let why = match why {
            Example::Duplicate => Why::Duplicate,
            Example::Dead => Why::Dead,
            Example::Late => Why::Late,
            Example::Lost => Why::Lost,
        };
        self.watched(|progress| example::find(self.config, why, group, &self.bounds, progress))
    }

    fn story(&self, message: MessageId, group: Option<GroupId>) -> Option<Story> {
        self.watched(|progress| explain(self.config, message, group, &self.bounds, progress))
    }
}

/// That there is no such message, or no example.
fn no_message(args: &Args) -> String {
    let whose = args
        .group
        .as_ref()
        .map_or(String::new(), |group| format!(" in group {group}"));
    match (&args.message, &args.key, args.why) {
        (Some(name), _, _) => format!("no message {name} was made"),
        (_, Some(key), _) => format!("no message with the key {key} was made"),
        (_, _, Some(Example::Duplicate)) => format!("nothing was delivered twice{whose}"),
        (_, _, Some(Example::Dead)) => format!("there are no dead letters{whose}"),
        (_, _, Some(Example::Late)) => format!("nothing was consumed{whose}"),
        (_, _, _) => format!("nothing was lost{whose}"),
    }
}

/// Why something has no story.
fn no_subject(nothing: Nothing, subject: &Subject, args: &Args) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    match (nothing, subject) {
        (Nothing::Queues(0), Subject::Queue(wanted, _)) => {
            format!("{} never had a queue on that broker", wanted.topic)
        }
        (Nothing::Queues(known), Subject::Queue(wanted, _)) => format!(
            "{} had {} there, 0 to {}, and no {}",
            wanted.topic,
            words::counted(known, "queue", "queues"),
            known - 1,
            wanted.index
        ),
        (Nothing::Unread, _) => match &args.group {
            Some(group) => format!("{group} does not read {}", name(&args.queue)),
            None => format!("nobody reads {}", name(&args.queue)),
        },
        (Nothing::Rebalances(0), _) => "nothing ever changed in the group".to_owned(),
        (Nothing::Rebalances(1), _) => "the group had one rebalance alone".to_owned(),
        (Nothing::Rebalances(known), _) => format!("the group had rebalances 1 to {known}"),
        (Nothing::EndsAt(end), _) => format!("the run ends at {}", words::at(end)),
        (Nothing::NeverStarted | Nothing::Queues(_), _) => format!("{} never started", name(&args.consumer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::bounds::Stopped;

    #[test]
    fn a_run_that_was_stopped_says_so() {
        let cut = Cut {
            at: SimTime::from_nanos(7_521_000_000),
            why: Stopped::Events { bound: 5 },
        };
        assert_eq!(
            up_to(cut, "nothing was lost"),
            "stopped at 7.521 s by --max-events; up to then nothing was lost"
        );
    }
}
