//! `rmqsim explain`: what became of one message, and why.

use crate::cli::args::{BoundArgs, Format, OverrideArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::cluster::bounds::Bounds;
use crate::cluster::config::ClusterConfig;
use crate::cluster::ids::{GroupId, MessageId};
use crate::cluster::producer::attributes::Key;
use crate::explain::example::{self, Why};
use crate::explain::story::{EXPLAIN_VERSION, Event, Fate, Step, Story};
use crate::explain::{explain, words};
use crate::kernel::time::SimTime;
use crate::report::table::wrapped;
use crate::scenario::{Scenario, stem, suggest};
use anyhow::anyhow;
use clap::ValueEnum;
use serde_json::json;

/// Tell the story of one message, with causes
#[derive(Clone, Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true),
    after_help = "The same seed is replayed, so the story is that of the run that `rmqsim run` reports. A message is named as
producer#number, as in checkout-1#42: the 42nd that this instance has made.
Exit code 1: there is no such message, or no example.

Examples:
  rmqsim explain consumer-crash --why duplicate
  rmqsim explain retry-to-dlq-timetable --why dead --format json
  rmqsim explain quickstart --message checkout-1#4711"
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
    };
    let (messages, group, more) = match (&args.message, &args.key, args.why) {
        (Some(name), _, _) => (vec![message_of(config, name)?], group, 0),
        (_, Some(key), _) => {
            let key = Key::of_text(key).ok_or_else(|| anyhow!("`{key}` is no key; keys are k1, k2, …"))?;
            let (messages, count) = replay.with_key(key);
            let more = count - messages.len() as u64;
            (messages, group, more)
        }
        (_, _, why) => match replay.example(why.unwrap_or(Example::Duplicate), group) {
            Some((message, group)) => (vec![message], group, 0),
            None => (Vec::new(), group, 0),
        },
    };
    let stories: Vec<Story> = messages
        .into_iter()
        .filter_map(|message| replay.story(message, group))
        .collect();
    match args.format {
        Format::Json => {
            let answer = json!({
                "explainVersion": EXPLAIN_VERSION,
                "scenario": stem(scenario.name()),
                "seed": config.seed.to_string(),
                "stories": stories,
                "more": more,
            });
            terminal.print(&format!("{answer:#}"))?;
        }
        Format::Table => {
            let told: Vec<String> = stories
                .iter()
                .map(|story| page(&scenario, story, terminal.width()))
                .collect();
            if !told.is_empty() {
                terminal.print(told.join("\n").trim_end())?;
            }
            if more > 0 {
                terminal.note(&format!("{} more with this key", words::count(more)));
            }
        }
    }
    if stories.is_empty() {
        terminal.problem(&nothing(args, &scenario));
        return Ok(Exit::Found);
    }
    Ok(Exit::Fine)
}

/// One run after another, each with a progress bar.
struct Replay<'a> {
    config: &'a ClusterConfig,
    bounds: Bounds<'static>,
    terminal: &'a Terminal,
}

impl Replay<'_> {
    fn watched<T>(&self, run: impl FnOnce(&mut dyn FnMut(SimTime, u64)) -> T) -> T {
        let mut progress = self.terminal.progress(SimTime::ZERO + self.config.duration);
        let found = run(&mut |now, events| progress.tell(now, events));
        progress.clear();
        found
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

fn group_of(config: &ClusterConfig, name: &str) -> anyhow::Result<GroupId> {
    let names = || config.groups.iter().map(|group| group.name.as_str());
    let position = names().position(|known| known == name);
    position.map(|position| GroupId(position as u32)).ok_or_else(|| {
        let hint = suggest::did_you_mean(name, names());
        anyhow!("there is no group `{name}`{hint}")
    })
}

fn message_of(config: &ClusterConfig, name: &str) -> anyhow::Result<MessageId> {
    let names: Vec<String> = config.producers.iter().map(|of| of.name.clone()).collect();
    words::message_of(&names, name).ok_or_else(|| {
        let producer = name.split_once('#').map_or(name, |(producer, _)| producer);
        let hint = match names.iter().any(|known| known == producer) {
            true => String::new(),
            false => suggest::did_you_mean(producer, names.iter().map(String::as_str)),
        };
        let first = names.first().map_or("checkout-1", String::as_str);
        anyhow!("`{name}` names no message; a name has a producer and a number from 1, like {first}#1{hint}")
    })
}

/// That there is nothing to tell.
fn nothing(args: &Args, scenario: &Scenario) -> String {
    let whose = args
        .group
        .as_ref()
        .map_or(String::new(), |group| format!(" in group {group}"));
    let what = match (&args.message, &args.key, args.why) {
        (Some(name), _, _) => format!("no message {name} was made"),
        (_, Some(key), _) => format!("no message with the key {key} was made"),
        (_, _, Some(Example::Duplicate)) => format!("nothing was delivered twice{whose}"),
        (_, _, Some(Example::Dead)) => format!("there are no dead letters{whose}"),
        (_, _, Some(Example::Late)) => format!("nothing was consumed{whose}"),
        (_, _, _) => format!("nothing was lost{whose}"),
    };
    format!("{}: {what}", stem(scenario.name()))
}

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// The story for people.
fn page(scenario: &Scenario, story: &Story, width: usize) -> String {
    let mut head = vec![
        format!("seed {}", scenario.config.seed),
        format!("{} bytes", words::count(story.body_bytes.into())),
    ];
    head.extend(story.key.as_ref().map(|key| format!("key {key}")));
    head.extend(story.tag.as_ref().map(|tag| format!("tag {tag}")));
    let mut lines = vec![format!(
        "{BOLD}{} of {}{PLAIN} · {}",
        story.message,
        stem(scenario.name()),
        head.join(" · ")
    )];
    let column = story
        .ends
        .iter()
        .map(|end| end.reader.chars().count())
        .max()
        .unwrap_or(0);
    for end in &story.ends {
        let colour = match end.end {
            Fate::Consumed if end.deliveries < 2 => PLAIN,
            Fate::Consumed | Fate::Waiting | Fate::Delivered | Fate::AwaitingRetry => YELLOW,
            _ => "\x1b[31m",
        };
        lines.push(format!("  {:<column$}  {colour}{}{PLAIN}", end.reader, end.text));
    }
    lines.push(String::new());
    let several = story.ends.len() > 1;
    for step in &story.steps {
        lines.extend(told(step, several, width));
    }
    let end = words::at(story.run_ends);
    lines.push(format!("{end:>14}  {DIM}the run ends{PLAIN}\n"));
    lines.join("\n")
}

/// The lines of one step.
fn told(step: &Step, several: bool, width: usize) -> Vec<String> {
    const TIME: usize = 16;
    let room = width - TIME;
    let whose = step.group.as_ref().filter(|_| several);
    let text = match whose {
        Some(group) => format!("{group}: {}", step.text),
        None => step.text.clone(),
    };
    let style = match step.event {
        Event::DeliveredAgain | Event::Dead | Event::Dropped | Event::Skipped | Event::Expired => BOLD,
        Event::Committed | Event::Owner => DIM,
        _ => "",
    };
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
    if let Some(because) = &step.because {
        let said = format!("because {}", because.text);
        for (number, line) in wrapped(&said, room - 2).into_iter().enumerate() {
            let mark = if number == 0 { "└ " } else { "  " };
            lines.push(format!("{:>14}  {mark}{line}", ""));
        }
    }
    lines
}
