//! A rebuilt experiment as a scenario file, which anybody can run.
//!
//! The files lie beside the recordings, `<recording>.scenario.json`, or `<recording>-<n>.scenario.json` for repeat n.
//! What is compared with the recordings is a run of these very texts. `UPDATE=1 cargo test --test truth` writes them anew.

use crate::field::recording::Recording;
use rmqsim::cluster::config::{
    Action, BrokerTuning, ClusterConfig, ConsumerConfig, ConsumerTuning, Expression, ListenerKind,
    ListenerRule, MessageModel, Millis, ProducerConfig, SizeDist, TimelineEntry,
};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::scenario::{Overrides, Scenario};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The file beside `recording` for this repeat, or the only one; `None` if there is none.
pub fn beside(path: &Path, repeat: usize) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let names = [
        format!("{stem}-{repeat}.scenario.json"),
        format!("{stem}.scenario.json"),
    ];
    names
        .into_iter()
        .map(|name| path.with_file_name(name))
        .find(|path| path.exists())
}

/// Reads a scenario as `rmqsim run` does.
pub fn load(path: &Path) -> Result<ClusterConfig, String> {
    let scenario = Scenario::load(&path.to_string_lossy(), &Overrides::default());
    scenario
        .map(|scenario| scenario.config)
        .map_err(|problems| problems.render(false, 100))
}

/// The configuration that the scenario of a rebuilt experiment describes: what its file would say, no more.
pub fn as_scenario(recording: &Recording, config: &ClusterConfig) -> ClusterConfig {
    let scenario = Scenario::from_text(&recording.id, &text(recording, config), &Overrides::default());
    scenario
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)))
        .config
}

/// The committed file must be the rebuilt experiment.
pub fn check(recording: &Recording, part: Option<usize>, config: &ClusterConfig) {
    let name = match part {
        Some(part) => format!("{}-{part}", recording.id),
        None => recording.id.clone(),
    };
    let path = super::bundled().join(format!("{name}.scenario.json"));
    crate::page::renew_or_compare(&path, &text(recording, config));
}

fn text(recording: &Recording, config: &ClusterConfig) -> String {
    serde_json::to_string_pretty(&scenario(recording, config)).expect("plain data") + "\n"
}

fn millis(time: SimTime) -> String {
    format!("{}ms", time.since(SimTime::ZERO).as_millis())
}

fn scenario(recording: &Recording, config: &ClusterConfig) -> Value {
    let topic = &config.topics[0];
    let group = &config.groups[0];
    let queues = topic.placement[0].1.read;
    let brokers: Vec<&str> = config.brokers.iter().map(|broker| broker.name.as_str()).collect();
    let consumers: Vec<Value> = group.consumers.iter().map(|of| consumer(of, config)).collect();
    let producers: Map<String, Value> = config
        .producers
        .iter()
        .map(|p| producer(p, &topic.name))
        .collect();
    let mut scenario = json!({
        "title": recording.json["title"],
        "teaches": format!(
            "The experiment `{}` with a real cluster of RocketMQ {}, rebuilt; `cargo test --test truth` compares the two.",
            recording.id, recording.json["rocketmq_version"].as_str().unwrap_or_default()
        ),
        "seed": config.seed,
        "duration": millis(SimTime::ZERO + config.duration),
        "sampleInterval": config.sample_interval,
        "cluster": {
            "rocketmq": config.version,
            "brokers": brokers,
            "topics": { topic.name.as_str(): { "queuesPerBroker": queues } },
            "network": { "latency": config.network.latency },
        },
        "producers": producers,
        "groups": { group.name.as_str(): {
            "strategy": group.strategy,
            "consumeFromWhere": group.consume_from_where,
            "consumers": consumers,
            "tuning": tuning(&group.tuning),
        } },
        "timeline": timeline(config),
    });
    let changed = changed(&config.broker_tuning, &BrokerTuning::default());
    if changed.as_object().is_some_and(|keys| !keys.is_empty()) {
        scenario["cluster"]["tuning"] = changed;
    }
    let block = &mut scenario["groups"][&group.name];
    if group.listener != ListenerKind::Concurrently {
        block["listener"] = "orderly".into();
    }
    if group.message_model == MessageModel::Broadcasting {
        block["messageModel"] = "BROADCASTING".into();
    }
    let ids: BTreeSet<&str> = group
        .consumers
        .iter()
        .map(|consumer| consumer.client_id.as_str())
        .collect();
    if ids.len() < group.consumers.len() {
        block["allowDuplicateClientIds"] = true.into();
    }
    scenario
}

/// What differs from the default, and the time that a client takes to load.
fn tuning(tuning: &ConsumerTuning) -> Value {
    let unset = ConsumerTuning {
        startup_time: Millis(u64::MAX),
        ..ConsumerTuning::default()
    };
    changed(tuning, &unset)
}

fn changed<T: serde::Serialize>(ours: &T, default: &T) -> Value {
    let (ours, default) = (json!(ours), json!(default));
    let keys = ours.as_object().into_iter().flatten();
    let differs = keys.filter(|(key, value)| default[key.as_str()] != **value);
    let changed: Map<String, Value> = differs.map(|(key, value)| (key.clone(), value.clone())).collect();
    changed.into()
}

fn consumer(consumer: &ConsumerConfig, config: &ClusterConfig) -> Value {
    let mut block = json!({
        "clientIds": [consumer.client_id],
        "start": consumer.start.map(millis),
        "threads": consumer.threads,
        "service": consumer.service,
    });
    for (topic, expression) in &consumer.filters {
        let topic = &config.topics[topic.index()].name;
        let Expression::Tags(wanted) = &config.expressions[usize::from(expression.0) - 1] else {
            panic!("recorded groups filter by tags")
        };
        block["subscribe"][topic] = json!(wanted.sub_string);
    }
    if !consumer.failure.rules.is_empty() {
        let rules: Vec<Value> = consumer.failure.rules.iter().map(rule).collect();
        block["failure"] = json!({ "rules": rules });
    }
    if consumer.failure.probability > 0.0 {
        block["failure"] = json!({ "probability": consumer.failure.probability });
    }
    block
}

/// A rule about one message of the only producer.
fn rule(rule: &ListenerRule) -> Value {
    let message = rule.which.message.expect("recorded rules are about messages");
    let mut block = json!({
        "message": { "producer": "P0-1", "number": message.number() + 1 },
    });
    if let Some(outcome) = rule.outcome {
        block["outcome"] = json!(outcome);
    }
    if let Some(service) = &rule.service {
        block["service"] = json!(service);
    }
    block
}

fn producer(producer: &ProducerConfig, topic: &str) -> (String, Value) {
    let SizeDist::Constant(bytes) = producer.body_size else {
        panic!("recorded messages are all alike")
    };
    let mut block = json!({
        "topic": topic,
        "messages": producer.max_messages,
        "bodySize": format!("{bytes}B"),
        "start": millis(producer.start),
    });
    let tags = &producer.attributes.tags;
    if !tags.is_empty() {
        let tags = tags.iter().map(|(tag, weight)| (tag.clone(), json!(weight)));
        block["tags"] = tags.collect::<Map<_, _>>().into();
    }
    let gap = match producer.arrivals {
        Arrivals::AtOnce => {
            block["arrivals"] = "atOnce".into();
            return (producer.name.clone(), block);
        }
        Arrivals::Constant { gap } => {
            block["arrivals"] = "constant".into();
            gap
        }
        Arrivals::Poisson { mean_gap } => mean_gap,
        _ => panic!("recorded messages come at once, by chance or at an even pace"),
    };
    let nanos = gap.as_nanos();
    block["rate"] = if 1_000_000_000 % nanos == 0 {
        format!("{}/s", 1_000_000_000 / nanos).into()
    } else {
        format!("{}/min", 60_000_000_000 / nanos).into()
    };
    (producer.name.clone(), block)
}

fn timeline(config: &ClusterConfig) -> Vec<Value> {
    let entries = &config.timeline;
    // From one action to the other.
    let until = |from: &TimelineEntry, end: Action| -> SimDuration {
        let end = entries
            .iter()
            .find(|entry| entry.at > from.at && entry.action == end);
        end.expect("who is stopped goes on").at.since(from.at)
    };
    let entry = |entry: &TimelineEntry| {
        let (key, member) = match entry.action {
            Action::Leave(member) => ("leave", member),
            Action::Kill(member) => ("kill", member),
            Action::Pause(member) => ("pause", member),
            Action::StopBroker { broker, .. } => {
                return Some(json!({
                    "at": millis(entry.at),
                    "restart": config.brokers[broker.index()].name,
                    "shutdown": "kill",
                    "downFor": until(entry, Action::StartBroker(broker)),
                }));
            }
            Action::Resume(_) | Action::StartBroker(_) => return None,
            other => panic!("no recording has {other:?}"),
        };
        let group = &config.groups[member.group.index()].name;
        let mut block = json!({ "at": millis(entry.at), key: format!("{group}/{}", member.consumer + 1) });
        if key == "pause" {
            block["for"] = json!(until(entry, Action::Resume(member)));
        }
        Some(block)
    };
    entries.iter().filter_map(entry).collect()
}
