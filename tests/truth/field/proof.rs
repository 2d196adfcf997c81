//! Can the comparisons fail, and do they judge recordings that are not in the house?
//!
//! Variants of shipped experiments are written into a folder of their own: other names, another clock, other numbers of
//! queues and consumers, another delay table. "Recorded" is what a run with another seed shows. As it is, such a recording
//! passes; with one thing altered, it does not.

use crate::field::recording::{list, text};
use crate::field::run::{Deed, Delivery, Run, at, millis_between, simulate, times};
use crate::field::{Judged, bundled, failures, judge_folder, rebuild, scenario_file};
use rmqsim::cluster::config::ClusterConfig;
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::{GroupId, MessageId};
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Everything happens this much later than in the shipped experiment, ms.
const SHIFT: u64 = 4_321;

/// A folder that is gone with its owner.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rmqsim-field-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    pub fn write(&self, file: &str, value: &Value) {
        fs::write(self.0.join(file), value.to_string()).expect("a file can be written");
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn judge_all(&self) -> Vec<Judged> {
        judge_folder(&self.0)
    }

    /// The only recording of the folder, judged.
    pub fn judge(&self, recording: &Value) -> Judged {
        self.write("elsewhere.json", recording);
        self.judge_all().pop().expect("there is a recording")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn read(file: &str) -> Value {
    let text = fs::read_to_string(bundled().join(file)).expect("it is shipped");
    serde_json::from_str(&text).expect("it is JSON")
}

fn later(time: &mut Value) {
    let millis: u64 = text(time).trim_end_matches("ms").parse().expect("whole ms");
    *time = format!("{}ms", millis + SHIFT).into();
}

/// A shipped scenario with other names, later, and with so many queues.
pub fn variant(file: &str, queues: u32) -> Value {
    let mut scenario = read(file);
    let rename = |names: &mut Value, name: &str| {
        let (_, block) = names
            .as_object()
            .expect("named blocks")
            .iter()
            .next()
            .expect("one block");
        *names = json!({ name: block });
    };
    rename(&mut scenario["cluster"]["topics"], "parcels");
    scenario["cluster"]["topics"]["parcels"]["queuesPerBroker"] = queues.into();
    scenario["cluster"]["brokers"] = json!(["mq-north"]);
    rename(&mut scenario["groups"], "couriers");
    later(&mut scenario["duration"]);
    let consumers = scenario["groups"]["couriers"]["consumers"]
        .as_array_mut()
        .expect("listed");
    for (number, consumer) in consumers.iter_mut().enumerate() {
        later(&mut consumer["start"]);
        consumer["clientIds"] = json!([format!("10.0.0.{}@worker", 10 + number)]);
    }
    for producer in scenario["producers"].as_object_mut().expect("named").values_mut() {
        later(&mut producer["start"]);
        producer["topic"] = "parcels".into();
    }
    for entry in scenario["timeline"].as_array_mut().expect("listed") {
        later(&mut entry["at"]);
        for key in ["kill", "leave"] {
            if let Some(member) = entry.get(key).and_then(|member| text(member).rsplit('/').next()) {
                entry[key] = format!("couriers/{member}").into();
            }
        }
    }
    scenario
}

/// Writes the scenario, and hands what a run with another seed shows to `record`.
fn recorded<T>(folder: &Folder, scenario: &Value, consumers: &[&str], record: impl Fn(&Run<'_>) -> T) -> T {
    let mut other = scenario.clone();
    other["seed"] = 4711.into();
    folder.write("other.scenario.json", &other);
    let config: ClusterConfig =
        scenario_file::load(&folder.0.join("other.scenario.json")).expect("it is right");
    folder.write("elsewhere.scenario.json", scenario);
    fs::remove_file(folder.0.join("other.scenario.json")).expect("it is there");
    let facts = simulate(&config);
    let names: Vec<String> = consumers.iter().map(|&name| name.to_owned()).collect();
    record(&Run::of(&config, &facts, GroupId(0), &names, &["a".to_owned()]))
}

#[track_caller]
pub fn passes(judged: &Judged) {
    let one = std::slice::from_ref(judged);
    let failures = failures(one);
    assert!(failures.is_empty(), "{failures:?}\n{}", crate::page::off(one));
    assert!(!judged.verdict.lines.is_empty());
}

#[track_caller]
pub fn fails_at(judged: &Judged, what: &str) {
    let off = judged.verdict.lines.iter().filter(|line| !line.agrees());
    let off: Vec<&str> = off.map(|line| line.measure.what).collect();
    assert!(off.contains(&what), "{what} is not among what is off: {off:?}");
}

/// Joins, a leave and a kill: 11 queues, other names, another clock. A map with two queues exchanged is noticed.
#[test]
fn membership_recorded_elsewhere_is_judged() {
    let folder = Folder::new("membership");
    let scenario = variant("rebalance-1b-join-leave-kill.scenario.json", 11);
    let mut recording = read("rebalance-1b-join-leave-kill.json");
    recording["setup"]["topic"] = "parcels".into();
    let steps = recorded(&folder, &scenario, &["c1", "c2", "c3", "c4", "c5"], |run| {
        let deeds = run.deeds();
        let step = |(number, (time, deed, who)): (usize, &(SimTime, Deed, String))| {
            let until = deeds.get(number + 1).map_or(run.end(), |(time, ..)| *time);
            let changes = run.changes_within(*time, until);
            let last = changes.iter().map(|(after, _)| *after).fold(0.0, f64::max);
            let verb = match deed {
                Deed::Joins => "join",
                Deed::Leaves => "graceful leave",
                _ => "kill -9",
            };
            let t_ms = time.since(SimTime::ZERO).as_millis();
            json!({
                "step": format!("{verb} {who}"), "t_ms": t_ms, "changes": changes,
                "last_change_after_ms": last, "final_map": run.map(until),
            })
        };
        deeds.iter().enumerate().map(step).collect::<Vec<_>>()
    });
    recording["derived"] = json!({ "steps": steps });
    let judged = folder.judge(&recording);
    passes(&judged);
    assert_eq!(judged.scenarios, ["elsewhere.scenario.json"]);

    let mut altered = recording.clone();
    let map = altered["derived"]["steps"][4]["final_map"]
        .as_object_mut()
        .expect("a map");
    let stolen = map["c1"].as_array_mut().expect("queues").pop().expect("one");
    map["c2"].as_array_mut().expect("queues").push(stolen);
    fails_at(&folder.judge(&altered), "queue → client map after each step");

    let mut altered = recording;
    altered["derived"]["steps"][5]["step"] = "graceful leave c2".into();
    fails_at(&folder.judge(&altered), "who does what in each step");
}

/// Retries: three delays of another table, six queues. A missing attempt and a dead letter too many are noticed.
#[test]
fn retries_recorded_elsewhere_are_judged() {
    let folder = Folder::new("retries");
    let levels = "1s 2s 1500ms 2500ms 4s 6s";
    let mut scenario = variant("retry-short-max4-0.scenario.json", 6);
    scenario["cluster"]["tuning"]["messageDelayLevel"] = "1s 2s 3s 5s 7s 9s".into();
    scenario["groups"]["couriers"]["tuning"]["maxReconsumeTimes"] = 3.into();
    let mut recording = read("retry-short-max4.json");
    recording["setup"]["topic"] = json!(["parcels"]);
    recording["setup"]["messageDelayLevel"] = "1s 2s 3s 5s 7s 9s".into();
    recording["setup"]["maxReconsumeTimes"] = 3.into();
    let repeat = recorded(&folder, &scenario, &["c1", "c2"], |run| {
        let mut messages = BTreeMap::<MessageId, Vec<Delivery>>::new();
        for delivery in run.deliveries() {
            messages.entry(delivery.message).or_default().push(delivery);
        }
        let mut per_message = Map::new();
        for (message, attempts) in &messages {
            let attempt = |(number, of): (usize, &Delivery)| {
                let before = number.checked_sub(1).map(|before| attempts[before].time);
                let since = before.map(|before| millis_between(before, of.time).round() as u64);
                json!({
                    "attempt": number, "since_prev_ms": since, "reconsume_times": of.times,
                    "queue": of.queue.trim_start_matches("RETRY/"),
                })
            };
            let attempts: Vec<Value> = attempts.iter().enumerate().map(attempt).collect();
            per_message.insert(format!("m{}", message.number()), attempts.into());
        }
        let dead = run
            .select(|fact| matches!(fact, Fact::DeadLettered { .. }).then_some(()))
            .len();
        json!({ "per_message": per_message, "dlq_offsets": { "a:0": [0, dead] } })
    });
    recording["derived"] = json!({ "repeats": [repeat] });
    passes(&folder.judge(&recording));

    let mut altered = recording.clone();
    let attempts = altered["derived"]["repeats"][0]["per_message"]["m1"]
        .as_array_mut()
        .expect("attempts");
    attempts.pop();
    fails_at(
        &folder.judge(&altered),
        "`reconsumeTimes` of each attempt of each message",
    );

    let mut altered = recording.clone();
    altered["derived"]["repeats"][0]["dlq_offsets"]["a:0"][1] = 5.into();
    fails_at(&folder.judge(&altered), "dead letters");

    let mut altered = recording.clone();
    altered["derived"]["repeats"][0]["per_message"]["m1"][2]["queue"] = "a:3".into();
    fails_at(
        &folder.judge(&altered),
        "queues that the retries of each message come from",
    );

    let mut altered = recording;
    altered["setup"]["messageDelayLevel"] = levels.into();
    fails_at(
        &folder.judge(&altered),
        "a retry is later than its delay level by, ms",
    );
}

/// A kill with a backlog. A lost message and far too few duplicates are noticed.
#[test]
fn duplicates_recorded_elsewhere_are_judged() {
    let folder = Folder::new("duplicates");
    let scenario = variant("dup-kill-backlog-1.scenario.json", 6);
    let mut recording = read("dup-kill-backlog.json");
    recording["setup"]["topic"] = json!(["parcels"]);
    let (repeat, look) = recorded(&folder, &scenario, &["c1", "c2"], |run| {
        let deliveries = run.deliveries();
        let (kill, who) = run.first(Deed::Dies).expect("one dies");
        let mut per_queue = BTreeMap::<String, Value>::new();
        let mut of_record = BTreeMap::<(String, u64), u64>::new();
        for delivery in &deliveries {
            *of_record
                .entry((delivery.queue.clone(), delivery.offset))
                .or_default() += 1;
        }
        for ((queue, _), times) in of_record {
            let entry = per_queue.entry(queue).or_insert_with(|| json!({ "dup": 0 }));
            entry["dup"] = (entry["dup"].as_u64().unwrap_or(0) + times - 1).into();
        }
        let reacted = run.changes_within(kill, SimTime::MAX);
        let reacted: Vec<f64> = reacted
            .iter()
            .filter(|(_, of)| *of != who)
            .map(|(after, _)| *after)
            .collect();
        let commits = run.committed(kill + SimDuration::from_millis(100)).into_iter();
        let stats: Map<String, Value> = commits.map(|(queue, new)| (queue, json!([1000, new]))).collect();
        let look = json!({ "what": "committed_after_action", "repeat": 0, "stats": stats });
        let repeat = json!({
            "lost": run.stored().len() - times(&deliveries).len(), "per_queue": per_queue,
            "delivered_to_c1_total": deliveries.iter().filter(|d| d.who == who).count(),
            "assign_changes_of_c2_after_action_ms": reacted,
        });
        (repeat, look)
    });
    recording["derived"] = json!({ "repeats": [repeat] });
    recording["observations"] = json!([look]);
    passes(&folder.judge(&recording));

    let mut altered = recording.clone();
    altered["derived"]["repeats"][0]["lost"] = 1.into();
    fails_at(&folder.judge(&altered), "messages that nobody got");

    let mut altered = recording.clone();
    for stats in altered["observations"][0]["stats"]
        .as_object_mut()
        .expect("queues")
        .values_mut()
    {
        stats[1] = 1.into();
    }
    fails_at(
        &folder.judge(&altered),
        "committed of the queues of the one that is gone",
    );

    let mut altered = recording;
    for counts in altered["derived"]["repeats"][0]["per_queue"]
        .as_object_mut()
        .expect("queues")
        .values_mut()
    {
        counts["dup"] = (counts["dup"].as_u64().unwrap_or(0) / 3).into();
    }
    fails_at(&folder.judge(&altered), "duplicates after a kill");
}

/// Who is who is told by the end of the client id, or else by the order.
#[test]
fn names_are_those_of_the_recording() {
    let mut config = rebuild_config();
    let names = ["c1".to_owned(), "c2".to_owned()];
    let of = |config: &ClusterConfig| {
        let facts = simulate(config);
        let run = Run::of(config, &facts, GroupId(0), &names, &["x".to_owned()]);
        run.map(at(u64::MAX / 1_000_000))
    };
    let map = of(&config);
    let expected = json!({ "c1": ["x:0", "x:1"], "c2": ["x:2", "x:3"] });
    assert_eq!(rebuild::recorded_map(&expected), map);
    config.groups[0].consumers[0].client_id = "q7".to_owned();
    config.groups[0].consumers[1].client_id = "q5".to_owned();
    // Sorted, the second is the first now, and has the first queues.
    assert_eq!(of(&config), map);
}

fn rebuild_config() -> ClusterConfig {
    let mut recording = read("skew-avg.json");
    recording["setup"]["topic_queues_per_broker"] = 4.into();
    let recording = crate::field::recording::Recording::of("x".to_owned(), recording);
    let mut config = rebuild::cluster(&recording, 0, 20_000);
    rebuild::consumer(&mut config, "c1", 0, 1, 0);
    rebuild::consumer(&mut config, "c2", 100, 1, 0);
    assert_eq!(list(recording.setup("brokers")).len(), config.brokers.len());
    config
}
