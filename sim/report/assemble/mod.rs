//! From the measures of a run to its report: ids become names, nanoseconds become seconds.

mod cluster;
mod groups;
mod timeline;
mod warnings;

use crate::cluster::directory::Directory;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::observation::Observation;
use crate::report::model::{RESULTS_VERSION, Report, RunReport, SCHEMA_VERSION};
use indexmap::IndexMap;

/// What a report says of its run beside the measures.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name of the scenario.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// The scenario with all defaults filled in.
    pub scenario: serde_json::Value,
    /// Root of all luck.
    pub seed: u64,
    /// Events executed.
    pub events: u64,
    /// Hash over them.
    pub trace_digest: String,
    /// Virtual time at the end.
    pub end: SimTime,
}

impl Report {
    /// The report of a run whose observation is [finished](Observation::finish). Expectations are judged later.
    pub fn new(identity: Identity, observation: &Observation, directory: &Directory) -> Self {
        let view = View {
            end: identity.end,
            observation,
            directory,
            consumer_keys: consumer_keys(directory),
        };
        let producers = view.producers();
        let run = RunReport {
            name: identity.name,
            title: identity.title,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            results_version: RESULTS_VERSION,
            seed: identity.seed.to_string(),
            scenario_hash: scenario_hash(&identity.scenario),
            trace_digest: identity.trace_digest,
            workload_digest: view.workload_digest(),
            duration_seconds: identity.end.as_secs_f64(),
            events: identity.events,
            messages: producers.values().map(|producer| producer.born).sum(),
        };
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            run,
            scenario: identity.scenario,
            cluster: view.cluster(),
            topics: view.topics(),
            producers,
            groups: view.groups(),
            consumers: view.consumers(),
            queues: view.queues(),
            rebalance: view.rebalances(),
            timeline: view.timeline(),
            balance: view.balances(),
            expect: Vec::new(),
            warnings: Vec::new(),
        };
        report.warnings = view.warnings(&report);
        report
    }
}

/// Hash of a scenario. The order of its keys does not matter.
pub fn scenario_hash(scenario: &serde_json::Value) -> String {
    fn sorted(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_unstable_by_key(|&(key, _)| key);
                entries
                    .into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect()
            }
            serde_json::Value::Array(values) => values.iter().map(sorted).collect(),
            other => other.clone(),
        }
    }
    blake3::hash(sorted(scenario).to_string().as_bytes()).to_hex()[..32].to_owned()
}

/// What the parts of the assembly share.
struct View<'a> {
    end: SimTime,
    observation: &'a Observation,
    directory: &'a Directory,
    consumer_keys: Vec<String>,
}

impl View<'_> {
    fn consumer_key(&self, consumer: ConsumerId) -> String {
        self.consumer_keys[consumer.index()].clone()
    }

    fn group_ids(&self) -> impl Iterator<Item = GroupId> + use<> {
        (0..self.directory.groups.len() as u32).map(GroupId)
    }

    fn queue_ids(&self) -> impl Iterator<Item = QueueId> + use<> {
        (0..self.observation.slots.queues() as u32).map(QueueId)
    }

    /// One entry for each group, under its name.
    fn by_group<T>(&self, of: impl Fn(GroupId) -> T) -> IndexMap<String, T> {
        self.group_ids()
            .map(|group| (self.directory.group(group).name.clone(), of(group)))
            .collect()
    }

    fn workload_digest(&self) -> String {
        let names = self.directory.producers.iter().map(|(name, _)| name.as_str());
        self.observation.producers.workload_digest(names)
    }
}

/// Keys of all consumers: the name, from the second life on with its number.
fn consumer_keys(directory: &Directory) -> Vec<String> {
    let mut lives: IndexMap<&str, u32> = IndexMap::new();
    directory
        .consumers
        .iter()
        .map(|info| {
            let life = lives.entry(&info.name).or_default();
            *life += 1;
            match *life {
                1 => info.name.clone(),
                n => format!("{}#{n}", info.name),
            }
        })
        .collect()
}

/// A sum of spans ÷ their number, in seconds.
fn mean_secs(sum_nanos: u128, count: u64) -> Option<f64> {
    (count > 0).then(|| sum_nanos as f64 / count as f64 / 1e9)
}

/// A span that means something only if there was something to measure, in seconds.
fn max_secs(max: SimDuration, count: u64) -> Option<f64> {
    (count > 0).then(|| max.as_secs_f64())
}

/// `part` ÷ `whole`; 0 if the whole is nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::Story;
    use serde_json::json;

    #[test]
    fn a_second_life_has_a_number() {
        let story = Story::new()
            .topic("orders", 1)
            .group("billing", &["orders"])
            .consumer("billing-1", "billing", 1)
            .consumer("billing-2", "billing", 1)
            .consumer("billing-1", "billing", 1);
        assert_eq!(
            consumer_keys(&story.directory),
            ["billing-1", "billing-2", "billing-1#2"]
        );
    }

    #[test]
    fn the_scenario_hash_ignores_the_order_of_keys_only() {
        let hash = scenario_hash(&json!({ "a": [{ "x": 1, "y": 2 }], "b": 1 }));
        assert_eq!(hash, scenario_hash(&json!({ "b": 1, "a": [{ "y": 2, "x": 1 }] })));
        assert_ne!(hash, scenario_hash(&json!({ "a": [{ "x": 1, "y": 2 }], "b": 2 })));
        assert_ne!(hash, scenario_hash(&json!({ "a": [{ "x": 2, "y": 1 }], "b": 1 })));
    }
}
