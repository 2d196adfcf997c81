//! All series of the report as one tidy table (`--csv FILE`): a row for each value, whatever it is of.
//!
//! Times are exact where the report has seconds. What `docs/traces.md` says of columns holds for every table, so that
//! those of several runs can be put together.

use super::names::Names;
use super::out::Out;
use super::{Ending, Subject, Trace};
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::fact::Fact;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId};
use crate::kernel::time::SimTime;
use crate::observe::beside::Beside;
use crate::observe::observation::Observation;
use crate::observe::paces::Pace;
use crate::observe::series::Measure;
use csv::Writer;
use std::io::{self, Write};

/// The columns.
pub const COLUMNS: [&str; 9] = [
    "run",
    "seed",
    "t_ns",
    "entity_kind",
    "entity",
    "group",
    "metric",
    "unit",
    "value",
];

/// Series of groups: measure, name in the report, unit.
const OF_GROUPS: [(Measure, &str, &str); 11] = [
    (Measure::GroupLag, "lag", "messages"),
    (Measure::GroupLagMax, "lag_max", "messages"),
    (Measure::GroupBacklog, "backlog", "messages"),
    (Measure::GroupInFlight, "in_flight", "messages"),
    (Measure::GroupAwaitingRetry, "awaiting_retry", "messages"),
    (Measure::GroupSucceeded, "succeeded", "messages"),
    (Measure::GroupRetries, "retries", "messages"),
    (Measure::GroupDead, "dead", "messages"),
    (Measure::GroupDuplicates, "duplicates", "messages"),
    (Measure::GroupMembers, "members", "consumers"),
    (Measure::GroupOldest, "oldest_waiting", "nanoseconds"),
];

/// What is told of a window of latency.
type OfPace = fn(&Pace) -> u64;

/// Latency in windows: name, value.
const OF_LATENCY: [(&str, OfPace); 4] = [
    ("latency_p50", |pace| pace.p50),
    ("latency_p95", |pace| pace.p95),
    ("latency_p99", |pace| pace.p99),
    ("latency_max", |pace| pace.max),
];

/// Writes the table when the run is over.
#[derive(Debug)]
pub struct SeriesTable<W> {
    out: Out<W>,
    run: String,
    seed: String,
}

/// What a series is of.
struct Entity<'a> {
    kind: &'a str,
    name: &'a str,
    group: &'a str,
    metric: &'a str,
    unit: &'a str,
}

impl<'a> Entity<'a> {
    fn of(group: &'a str, kind: &'a str, name: &'a str, [metric, unit]: [&'a str; 2]) -> Self {
        Self {
            kind,
            name,
            group,
            metric,
            unit,
        }
    }
}

impl<W: Write> SeriesTable<W> {
    /// The table of the run of `subject`.
    pub fn new(subject: Subject<'_>, to: W) -> Self {
        Self {
            out: Out::new(to),
            run: subject.name.to_owned(),
            seed: subject.config.seed.to_string(),
        }
    }

    fn write(&mut self, directory: &Directory, observation: &Observation) -> csv::Result<()> {
        let mut names = Names::default();
        names.learn(directory);
        let mut table = Table {
            rows: Writer::from_writer(&mut self.out),
            run: &self.run,
            seed: &self.seed,
            observation,
        };
        table.rows.write_record(COLUMNS)?;
        for (id, topic) in directory.topics.iter().enumerate() {
            if topic.kind == TopicKind::User {
                table.series(
                    Measure::TopicStored,
                    id,
                    &Entity::of("", "topic", &topic.name, ["stored", "messages"]),
                )?;
            }
        }
        for broker in (0..directory.brokers.len() as u32).map(BrokerId) {
            let name = directory.broker(broker);
            let entity = Entity::of("", "broker", name, ["requests", "requests"]);
            table.series(Measure::BrokerRequests, broker.index(), &entity)?;
        }
        for group in (0..directory.groups.len() as u32).map(GroupId) {
            let name = &directory.group(group).name;
            for (measure, metric, unit) in OF_GROUPS {
                table.series(
                    measure,
                    group.index(),
                    &Entity::of(name, "group", name, [metric, unit]),
                )?;
            }
            if observation.filters.estimate(group).is_some() {
                let entity = Entity::of(name, "group", name, ["lag_estimate", "messages"]);
                table.series(Measure::GroupEstimate, group.index(), &entity)?;
            }
            table.latency(group, name)?;
            for slot in observation.slots.of_group(group) {
                let of = observation.slots.get(slot);
                let label = directory.queue_label(of.queue);
                let label = match of.reader {
                    None => label,
                    Some(reader) => format!("{label} at {}", directory.group(group).readers[reader as usize]),
                };
                let entity = Entity::of(name, "queue", &label, ["lag", "messages"]);
                table.series(Measure::SlotLag, slot, &entity)?;
                let uncommitted = observation.series.column(Measure::SlotUncommitted, slot);
                if uncommitted.iter().any(|count| *count > 0) {
                    let entity = Entity::of(name, "queue", &label, ["uncommitted", "messages"]);
                    table.series(Measure::SlotUncommitted, slot, &entity)?;
                }
            }
            let members = directory.consumers.iter().enumerate();
            for (id, _) in members.filter(|(_, info)| info.group == group) {
                let key = names.key(ConsumerId(id as u32));
                let consumed = Entity::of(name, "consumer", key, ["consumed", "messages"]);
                table.series(Measure::ConsumerConsumed, id, &consumed)?;
                let queues = Entity::of(name, "consumer", key, ["queues", "queues"]);
                table.series(Measure::ConsumerQueues, id, &queues)?;
            }
        }
        table.rows.flush().map_err(csv::Error::from)
    }
}

/// A table as far as it is written.
struct Table<'a, W: Write> {
    rows: Writer<&'a mut Out<W>>,
    run: &'a str,
    seed: &'a str,
    observation: &'a Observation,
}

impl<W: Write> Table<'_, W> {
    /// The rows of one series; none if it was left out of the report.
    fn series(&mut self, measure: Measure, number: usize, of: &Entity<'_>) -> csv::Result<()> {
        let series = &self.observation.series;
        let values = series.column(measure, number);
        for (at, value) in series.times().iter().zip(values) {
            self.row(*at, value, of)?;
        }
        Ok(())
    }

    /// Latency of a group, at the end of each window; without a success a window has its count alone.
    fn latency(&mut self, group: GroupId, name: &str) -> csv::Result<()> {
        let paces = &self.observation.paces;
        for (metric, of_pace) in OF_LATENCY {
            let entity = Entity::of(name, "group", name, [metric, "nanoseconds"]);
            for ((_, to), pace) in paces.spans().zip(paces.of_group(group.index())) {
                if pace.count > 0 {
                    self.row(to, of_pace(pace), &entity)?;
                }
            }
        }
        let entity = Entity::of(name, "group", name, ["latency_count", "messages"]);
        for ((_, to), pace) in paces.spans().zip(paces.of_group(group.index())) {
            self.row(to, pace.count, &entity)?;
        }
        Ok(())
    }

    fn row(&mut self, at: SimTime, value: u64, of: &Entity<'_>) -> csv::Result<()> {
        self.rows.write_record([
            self.run,
            self.seed,
            &at.as_nanos().to_string(),
            of.kind,
            of.name,
            of.group,
            of.metric,
            of.unit,
            &value.to_string(),
        ])
    }
}

impl<W: Write> Beside for SeriesTable<W> {
    fn observe(&mut self, _: SimTime, _: &Directory, _: &Fact, _: &Observation) {}

    fn finish(&mut self, _: SimTime, directory: &Directory, observation: &Observation) {
        if let Err(error) = self.write(directory, observation) {
            self.out.fail(io::Error::other(error));
        }
    }
}

impl<W: Write> Trace<W> for SeriesTable<W> {
    fn end(self: Box<Self>, _: &Ending) -> (W, io::Result<()>) {
        self.out.finish()
    }
}
