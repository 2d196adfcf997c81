//! `rmqsim progress`: what `mqadmin consumerProgress` would print at an instant of the run.

use crate::cli::args::{BoundArgs, Format, OverrideArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure, interrupt};
use crate::cluster::bounds::Bounds;
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::{Scenario, stem, suggest};
use crate::trace::progress::{GroupProgress, Progress, progress};
use anyhow::{anyhow, bail};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// Show how far groups have come at an instant, as mqadmin consumerProgress would
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Columns and widths are those of RocketMQ 5.3; times are virtual. Without --group the groups are listed.

Examples:
  rmqsim progress consumer-crash --at 2m --at 150s --group billing
  rmqsim progress backlog-drain --at 1m --format json"
)]
pub struct Args {
    /// A scenario file, the name of a shipped scenario, or - for standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// When, like 90s; may be given several times
    #[arg(long, value_name = "TIME", required = true)]
    at: Vec<SimDuration>,
    /// The queues of this group
    #[arg(short, long, value_name = "NAME")]
    group: Option<String>,
    #[command(flatten)]
    overrides: OverrideArgs,
    #[command(flatten)]
    bounds: BoundArgs,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Version of the JSON form.
const PROGRESS_VERSION: u32 = 1;

/// Runs to each instant and prints.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let scenario = Scenario::load(&args.file, &args.overrides.overrides())?;
    let config = &scenario.config;
    check(args, &scenario)?;
    let asked = interrupt::orderly();
    let bounds = Bounds {
        interrupt: Some(asked),
        ..args.bounds.of_run(args.overrides.max_events)
    };
    let mut instants = Vec::new();
    for at in args.at.iter().map(|at| SimTime::ZERO + *at) {
        let mut bar = terminal.progress(at);
        let found = progress(config, at, &bounds, |now, events| bar.tell(now, events));
        bar.clear();
        match found {
            Some(found) => instants.push(found),
            None if asked.load(Ordering::Relaxed) => return Ok(Exit::Interrupted),
            None => {
                let at = at.since(SimTime::ZERO);
                terminal.error(&format!(
                    "a bound stopped the run before {at}; raise --max-events or --max-memory"
                ));
                return Ok(Exit::Found);
            }
        }
    }
    for instant in &mut instants {
        let is_wanted = |group: &GroupProgress| args.group.as_ref().is_none_or(|name| *name == group.group);
        instant.groups.retain(is_wanted);
    }
    let text = match args.format {
        Format::Table => tables(&instants, args.group.is_some()),
        Format::Json => {
            let answer = json!({
                "progressVersion": PROGRESS_VERSION,
                "scenario": stem(scenario.name()),
                "seed": config.seed.to_string(),
                "instants": instants.iter().map(instant_json).collect::<Vec<_>>(),
            });
            format!("{answer:#}")
        }
    };
    terminal.print(text.trim_end())?;
    Ok(Exit::Fine)
}

/// Instants within the run, a group that is there.
fn check(args: &Args, scenario: &Scenario) -> anyhow::Result<()> {
    let config = &scenario.config;
    for at in &args.at {
        if at.is_zero() || *at > config.duration {
            let end = config.duration;
            bail!("--at {at}: this must lie after the start of the run and not beyond its end at {end}");
        }
    }
    if let Some(name) = &args.group {
        let names = || config.groups.iter().map(|group| group.name.as_str());
        if !names().any(|known| known == name) {
            let hint = suggest::did_you_mean(name, names());
            return Err(anyhow!("there is no group `{name}`{hint}"));
        }
    }
    Ok(())
}

/// What `mqadmin` prints at each instant.
fn tables(instants: &[Progress], of_group: bool) -> String {
    let mut text = String::new();
    for instant in instants {
        if instants.len() > 1 {
            let _ = writeln!(text, "at {}", instant.at.since(SimTime::ZERO));
        }
        match of_group {
            true => instant.groups.iter().for_each(|group| text += &queues(group)),
            false => text += &groups(&instant.groups),
        }
        text.push('\n');
    }
    text
}

/// `consumerProgress -g GROUP -s true`.
fn queues(group: &GroupProgress) -> String {
    if group.is_broadcasting {
        return "Not found the consumer group consume stats, because return offset table is empty, the consumer is under \
                the broadcast mode\n"
            .to_owned();
    }
    let mut text = format!(
        "{:<64}  {:<32}  {:<4}  {:<20}  {:<20}  {:<20} {:<20} {:<20}{}\n",
        "#Topic",
        "#Broker Name",
        "#QID",
        "#Broker Offset",
        "#Consumer Offset",
        "#Client IP",
        "#Diff",
        "#Inflight",
        "#LastTime"
    );
    for queue in &group.queues {
        let last_time = queue.last_time.map_or("N/A".to_owned(), clock);
        let _ = writeln!(
            text,
            "{:<64}  {:<32}  {:<4}  {:<20}  {:<20}  {:<20} {:<20} {:<20} {}",
            front(&queue.topic, 64),
            front(&queue.broker, 32),
            queue.queue_id,
            queue.broker_offset,
            queue.consumer_offset,
            queue.client.as_deref().unwrap_or("N/A"),
            queue.diff(),
            queue.inflight,
            last_time
        );
    }
    let _ = write!(
        text,
        "\nConsume TPS: {:.2}\nConsume Diff Total: {}\nConsume Inflight Total: {}\n",
        group.consume_tps,
        group.diff_total(),
        group.inflight_total()
    );
    text
}

/// `consumerProgress`.
fn groups(groups: &[GroupProgress]) -> String {
    let mut text = format!(
        "{:<64}  {:<6}  {:<24} {:<5}  {:<14}  {:<7}  {}\n",
        "#Group", "#Count", "#Version", "#Type", "#Model", "#TPS", "#Diff Total"
    );
    for group in groups {
        let _ = writeln!(
            text,
            "{:<64}  {:<6}  {:<24} {:<5}  {:<14}  {:<7}  {}",
            front(&group.group, 64),
            group.count,
            if group.count > 0 { group.version } else { "OFFLINE" },
            kind(group),
            model(group),
            group.consume_tps as u64,
            group.diff_total()
        );
    }
    text
}

/// `consumeTypeDesc`: nothing of a group that is not there.
fn kind(group: &GroupProgress) -> &'static str {
    match (group.count, group.is_pull) {
        (0, _) => "",
        (_, true) => "PULL",
        (_, false) => "PUSH",
    }
}

/// `messageModelDesc`: of push consumers alone.
fn model(group: &GroupProgress) -> &'static str {
    match (kind(group), group.is_broadcasting) {
        ("PUSH", true) => "BROADCASTING",
        ("PUSH", false) => "CLUSTERING",
        _ => "",
    }
}

/// `UtilAll.frontStringAtLeast`: the beginning of a text, so many characters at most.
fn front(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Seconds of virtual time, with milliseconds.
fn clock(at: SimTime) -> String {
    let millis = at.as_nanos() / 1_000_000;
    format!("{}.{:03}s", millis / 1000, millis % 1000)
}

fn instant_json(instant: &Progress) -> Value {
    json!({
        "at_ns": instant.at.as_nanos(),
        "groups": instant.groups.iter().map(group_json).collect::<Vec<_>>(),
    })
}

fn group_json(group: &GroupProgress) -> Value {
    let queues = group.queues.iter().map(|queue| {
        json!({
            "topic": queue.topic,
            "broker": queue.broker,
            "queue_id": queue.queue_id,
            "broker_offset": queue.broker_offset,
            "consumer_offset": queue.consumer_offset,
            "client": queue.client,
            "diff": queue.diff(),
            "inflight": queue.inflight,
            "last_time_ns": queue.last_time.map(SimTime::as_nanos),
        })
    });
    json!({
        "group": group.group,
        "count": group.count,
        "version": (group.count > 0).then_some(group.version),
        "type": kind(group),
        "model": model(group),
        "consume_tps": group.consume_tps,
        "diff_total": group.diff_total(),
        "inflight_total": group.inflight_total(),
        "queues": queues.collect::<Vec<_>>(),
    })
}
