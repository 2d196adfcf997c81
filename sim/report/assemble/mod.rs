//! From the measures of a run to its report: ids become names, nanoseconds become seconds.

mod cluster;
mod filters;
mod groups;
mod queries;
mod rebalances;
mod remedies;
mod skews;
mod timeline;
mod warnings;

use crate::cluster::bounds::Stopped;
use crate::cluster::directory::Directory;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::observation::Observation;
use crate::report::model::{RESULTS_VERSION, Report, RunReport, SCHEMA_VERSION, StoppedReport};
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
    /// Why that is not the end that was planned.
    pub stopped: Option<Stopped>,
    /// How long the run was to last.
    pub planned: SimDuration,
}

impl Report {
    /// The report of a run whose observation is [finished](Observation::finish). Expectations are judged later.
    pub fn new(identity: Identity, observation: &Observation, directory: &Directory) -> Self {
        let view = View {
            from: observation.warm_up.end,
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
            measured_from_seconds: (view.from != SimTime::ZERO).then(|| view.from.as_secs_f64()),
            events: identity.events,
            messages: producers.values().map(|producer| producer.born).sum(),
            complete: identity.stopped.map(|_| false),
            stopped: (identity.stopped).map(|why| StoppedReport::of(why, identity.end, identity.planned)),
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
            remedies: view.remedies(),
            queries: view.key_queries(),
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
    /// The end of the warm-up.
    from: SimTime,
    end: SimTime,
    observation: &'a Observation,
    directory: &'a Directory,
    consumer_keys: Vec<String>,
}

impl View<'_> {
    fn consumer_key(&self, consumer: ConsumerId) -> String {
        self.consumer_keys[consumer.index()].clone()
    }

    /// How long the run was measured.
    fn measured_secs(&self) -> f64 {
        self.end.since(self.from).as_secs_f64()
    }

    /// So many in the measured time, per second.
    fn per_second(&self, count: u64) -> f64 {
        let seconds = self.measured_secs();
        if seconds > 0.0 {
            count as f64 / seconds
        } else {
            0.0
        }
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
pub fn consumer_keys(directory: &Directory) -> Vec<String> {
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

/// The report of a short history in which a consumer is killed.
#[cfg(test)]
pub(crate) fn crash_report() -> Report {
    report_of("A consumer is killed", &crate::observe::story::crash())
}

/// The report of a short history with every other kind of trouble.
#[cfg(test)]
pub(crate) fn troubles_report() -> Report {
    report_of("Whatever can happen", &crate::observe::story::troubles())
}

#[cfg(test)]
fn report_of(title: &str, run: &crate::observe::story::Run) -> Report {
    let identity = Identity {
        name: "crash".to_owned(),
        title: Some(title.to_owned()),
        scenario: serde_json::json!({ "seed": 7 }),
        seed: 7,
        events: 64,
        trace_digest: "0123456789abcdef0123456789abcdef".to_owned(),
        end: crate::observe::story::secs(30),
        stopped: None,
        planned: SimDuration::from_secs(30),
    };
    Report::new(identity, &run.observation, &run.story.directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::Story;
    use crate::report::json;
    use serde_json::json;

    /// JSON has no NaN: writing one yields `null`, and reading that back fails or differs.
    #[test]
    fn what_is_written_reads_back_the_same() {
        let report = crash_report();
        let read: Report = serde_json::from_str(&json::canonical(&report)).unwrap();
        assert_eq!(read, report);
        let empty = Report::new(
            Identity {
                name: String::new(),
                title: None,
                scenario: json!({}),
                seed: u64::MAX,
                events: 0,
                trace_digest: String::new(),
                end: SimTime::ZERO,
                stopped: None,
                planned: SimDuration::ZERO,
            },
            &Observation::with_interval(SimDuration::from_secs(1), SimDuration::ZERO),
            &Directory::default(),
        );
        assert_eq!(
            serde_json::from_str::<Report>(&json::canonical(&empty)).unwrap(),
            empty
        );
        assert_eq!(empty.run.seed, "18446744073709551615");
    }

    /// The same facts yield the same bytes.
    #[test]
    fn the_report_depends_on_the_facts_alone() {
        assert_eq!(json::canonical(&crash_report()), json::canonical(&crash_report()));
    }

    /// Paths that the design of the product names.
    #[test]
    fn the_metrics_of_the_design_are_where_it_says() {
        let report = serde_json::to_value(crash_report()).unwrap();
        let billing = &report["groups"]["billing"];
        assert_eq!(billing["lag"]["final"], 1);
        assert_eq!(billing["lost"], 0);
        assert_eq!(billing["dead"], 1);
        assert_eq!(billing["dead_by_topic"]["orders"], 1);
        assert_eq!(billing["deliveries"], 10);
        // Two of eight records were delivered twice.
        assert_eq!(billing["duplicates"]["ratio"], 0.25);
        assert_eq!(report["schemaVersion"], 1);
        assert_eq!(report["run"]["seed"], "7");
        assert_eq!(
            report["queues"]["orders broker-a:1"]["groups"]["billing"]["owner"],
            "billing-1"
        );
        assert_eq!(report["balance"]["billing"]["balanced"], true);
        let attempts = &billing["retries"]["by_attempt"];
        assert_eq!(
            (&attempts[0]["succeeded"], &attempts[1]["failed"]),
            (&json!(5), &json!(1))
        );
        assert_eq!(attempts[1]["delay_waited_max_seconds"], 10.05);
    }

    /// Consumer 1 had three of ten deliveries and lived for 10 of 30 s: 3 × 50 ms of work in 20 s of thread time.
    #[test]
    fn consumers_tell_of_their_lives() {
        let report = crash_report();
        let killed = &report.consumers["billing-2"];
        assert_eq!((killed.share, killed.stopped_seconds), (0.3, Some(10.0)));
        assert_eq!(killed.busy_ratio, Some(0.15 / 20.0));
        // One queue from 0.1 to 10 s.
        assert_eq!(
            (killed.queues_final, killed.queues_max, killed.queues_mean),
            (0, 1, 0.99)
        );
        assert_eq!(report.groups["billing"].skew.idle_consumers, 0);
    }

    /// From 10 s on three of four successes and 150 of 200 ms of work, in 20 s of one thread that held one queue, and two
    /// before. Counts stay whole. B, which died before, has no share.
    #[test]
    fn rates_and_shares_leave_the_warm_up_out() {
        let report = report_of("Ten seconds of warm-up", &crate::observe::story::warmed_up());
        assert_eq!(report.run.measured_from_seconds, Some(10.0));
        let group = &report.groups["billing"];
        let kinds = &group.deliveries_by_kind;
        assert_eq!(
            (group.succeeded, group.deliveries, kinds.first, kinds.retry),
            (4, 4, 4, 0)
        );
        assert_eq!(group.succeeded_per_second, 0.15);
        assert_eq!(group.utilisation, Some(0.15 / 20.0));
        assert_eq!(
            (group.latency.success.count, group.latency.success.max_seconds),
            (2, Some(3.05))
        );
        let (a, b) = (&report.consumers["billing-1"], &report.consumers["billing-2"]);
        assert_eq!(
            (a.busy_seconds, a.busy_ratio, a.share),
            (0.2, Some(0.15 / 20.0), 1.0)
        );
        assert_eq!((a.queues_max, a.queues_mean), (1, 1.0));
        assert_eq!((b.busy_ratio, b.share, b.queues_mean), (None, 0.0, 0.0));
        let skew = &group.skew;
        let of = skew.consumer_messages.unwrap();
        assert_eq!((of.count, of.mean), (1, 3.0));
        assert_eq!(skew.consumer_queues_mean.unwrap().count, 1);
        assert_eq!(skew.queue_messages.unwrap().mean, 1.5);
        assert_eq!(skew.windows[0].from_seconds, 10.0);
        let queue = &report.queues["orders broker-a:0"].groups["billing"];
        assert_eq!((queue.deliveries, queue.backlog.max), (4, 2));
    }

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

    /// All of it from the story by hand. Held: A 16 + 12 + 10 + 12 + 16 = 66 queue-seconds in 30 s, B 16.4 + 12 + 3.6 =
    /// 32 in 15 s, C 34 + 12 + 0.3 + 11.4 + 6 = 63.7 in 30 s.
    #[test]
    fn skews_are_told_by_every_index() {
        let skew = &troubles_report().groups["billing"].skew;
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        // Deliveries: A 3, B 2, C 4; queues 3 to 5 twice each.
        let of = skew.consumer_messages.unwrap();
        assert_eq!((of.count, of.mean, of.max_over_mean), (3, 3.0, 4.0 / 3.0));
        near(of.gini, 2.0 * (1.0 + 1.0 + 2.0) / (2.0 * 9.0 * 3.0));
        assert_eq!(skew.queue_messages.unwrap().max_over_mean, 2.0 / 1.5);
        // At the end A has 2 and C 3.
        assert_eq!(skew.consumer_queues.unwrap().max_over_mean, 1.2);
        let mean = (66.0 / 30.0 + 32.0 / 15.0 + 63.7 / 30.0) / 3.0;
        let of = skew.consumer_queues_mean.unwrap();
        near(of.mean, mean);
        near(of.max_over_mean, 2.2 / mean);
    }

    /// Twelfths of 30 s, cut at the samples that follow: 0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30 s.
    #[test]
    fn windows_are_told_by_every_index() {
        let skew = &troubles_report().groups["billing"].skew;
        let from: Vec<f64> = skew.windows.iter().map(|window| window.from_seconds).collect();
        assert_eq!(
            from,
            [0.0, 3.0, 5.0, 8.0, 10.0, 13.0, 15.0, 18.0, 20.0, 23.0, 25.0, 28.0]
        );
        // All six messages, 50 ms each; two queues each from 1 s on.
        let first = &skew.windows[0];
        assert_eq!(first.consumer_messages.unwrap().max_over_mean, 1.0);
        assert_eq!((first.consumer_busy.unwrap().mean * 1e3).round(), 100.0);
        assert!((first.consumer_queues.unwrap().mean - 4.0 / 3.0).abs() < 1e-5);
        // From 8 to 10 s the one message of queue 4, by A: one of six queues has all.
        let taken = &skew.windows[3];
        assert_eq!(taken.queue_messages.unwrap().max_over_mean, 6.0);
        assert_eq!(taken.consumer_messages.unwrap().jain, 1.0 / 3.0);
        // From 10 to 13 s A and B have three queues, C two.
        assert_eq!(skew.windows[4].consumer_queues.unwrap().max_over_mean, 9.0 / 8.0);
        // From 18 s on B is gone; C has the second delivery of queue 3.
        let without = &skew.windows[7];
        assert_eq!(without.consumer_queues.unwrap().count, 2);
        assert_eq!(without.consumer_messages.unwrap().max_over_mean, 2.0);
        // From 20 to 23 s nothing is delivered; queues 4 and 5 are not given.
        assert_eq!(skew.windows[8].queue_messages, None);
        assert!(skew.windows.iter().all(|window| window.idle_consumers == 0));
    }

    /// Two consumers of one queue: the second holds nothing, in every window and at the end.
    #[test]
    fn idle_consumers_are_told_window_by_window() {
        let story = Story::new()
            .topic("orders", 1)
            .group("billing", &["orders"])
            .consumer("billing-1", "billing", 1)
            .consumer("billing-2", "billing", 1);
        let mut run = crate::observe::story::Run::new(story);
        run.at(0)
            .start(0)
            .start(1)
            .at(100)
            .take(0, &[0])
            .at(30_000)
            .finish();
        let skew = report_of("One too many", &run).groups["billing"].skew.clone();
        assert_eq!(skew.windows.len(), 12);
        assert!(skew.windows.iter().all(|window| window.idle_consumers == 1));
        assert_eq!(
            (skew.idle_consumers, skew.consumer_queues.unwrap().gini),
            (1, 0.5)
        );
    }

    #[test]
    fn troubles_reach_the_report() {
        let report = troubles_report();
        let of = &report.rebalance["billing"];
        // Six queues for 30 s.
        let sum = of.unclaimed_seconds + of.owned_seconds + of.unowned_seconds + of.stranded_seconds;
        assert!((sum - 180.0).abs() < 1e-9, "{sum}");
        assert_eq!(
            (of.unclaimed_seconds, of.unowned_seconds, of.stranded_seconds),
            (6.0, 8.3, 16.0)
        );
        assert_eq!((of.paused_seconds, of.overlap_seconds), (8.2, 8.0));
        assert_eq!((of.stranded_queues, of.stranded_messages), (1, 1));
        assert_eq!(
            (of.detected_max_seconds, of.stable_max_seconds),
            (Some(4.0), Some(4.2))
        );
        let last = of.changes.last().unwrap();
        assert_eq!(
            (&last.consumer, last.topic.as_deref(), last.broker.as_deref()),
            (&None, Some("orders"), Some("broker-a"))
        );
        let spans: Vec<(f64, f64)> = (report.queues["orders broker-a:4"].stranded.iter())
            .map(|span| (span.from_seconds, span.to_seconds))
            .collect();
        assert_eq!(spans, [(20.0, 26.0)]);
        let shop = &report.producers["shop"];
        // Six, one that stays, two refused of which one is given up.
        assert_eq!(
            (
                shop.born,
                shop.stored,
                shop.refused,
                shop.retried,
                shop.given_up,
                shop.in_flight
            ),
            (9, 8, 2, 1, 1, 0)
        );
        assert_eq!(report.consumers["billing-3"].pulls_failed.illegal_queue, 1);
        assert_eq!(
            report.consumers["billing-2"].end,
            Some(crate::report::model::ConsumerEnd::Vanished)
        );
    }
}
