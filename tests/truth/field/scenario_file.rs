//! A rebuilt experiment as a scenario file, which anybody can run.
//!
//! The files lie in `field/scenarios/`; what is compared with the recordings is a run of these very texts.
//! `UPDATE=1 cargo test --test truth field` writes them anew.

use crate::field::{OVERRIDE, Recording};
use rmqsim::cluster::config::{
    Action, ClusterConfig, ConsumerConfig, Expression, ListenerKind, ProducerConfig, SizeDist, TimelineEntry,
};
use rmqsim::cluster::consumer::listener::ListenerRule;
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::scenario::{Overrides, Scenario};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The configuration that the scenario file of `recording` describes. `part` tells repeats apart.
pub fn through_file(recording: &Recording, part: Option<usize>, config: &ClusterConfig) -> ClusterConfig {
    let name = match part {
        Some(part) => format!("{}-{part}", recording.id),
        None => recording.id.clone(),
    };
    let text = text(recording, config);
    if std::env::var_os(OVERRIDE).is_none() {
        check(&name, &text);
    }
    read(&name, &text)
}

/// As [`through_file`], for a step on the way to the whole experiment: nothing is committed.
pub fn as_scenario(recording: &Recording, config: &ClusterConfig) -> ClusterConfig {
    read(&recording.id, &text(recording, config))
}

fn text(recording: &Recording, config: &ClusterConfig) -> String {
    serde_json::to_string_pretty(&scenario(recording, config)).expect("plain data") + "\n"
}

fn read(name: &str, text: &str) -> ClusterConfig {
    Scenario::from_text(name, text, &Overrides::default())
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)))
        .config
}

/// The committed file must be this text.
fn check(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth/field/scenarios");
    let path = folder.join(format!("{name}.json"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        return std::fs::write(&path, text).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, text, "{}: renew with UPDATE=1", path.display());
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
            "tuning": { "startupTime": group.tuning.startup_time },
        } },
        "timeline": timeline(&group.name, &config.timeline),
    });
    let block = &mut scenario["groups"][&group.name];
    if group.listener != ListenerKind::Concurrently {
        block["listener"] = "orderly".into();
    }
    if group.tuning.max_reconsume_times >= 0 {
        block["tuning"]["maxReconsumeTimes"] = group.tuning.max_reconsume_times.into();
    }
    scenario
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
    block
}

/// A rule about one message of the only producer.
fn rule(rule: &ListenerRule) -> Value {
    let message = rule.which.message.expect("recorded rules are about messages");
    json!({
        "message": { "producer": "P0-1", "number": message.number() + 1 },
        "outcome": rule.outcome,
    })
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
    match producer.arrivals {
        Arrivals::AtOnce => block["arrivals"] = "atOnce".into(),
        Arrivals::Constant { gap } => {
            block["arrivals"] = "constant".into();
            let nanos = gap.as_nanos();
            block["rate"] = if 1_000_000_000 % nanos == 0 {
                format!("{}/s", 1_000_000_000 / nanos).into()
            } else {
                format!("{}/min", 60_000_000_000 / nanos).into()
            };
        }
        _ => panic!("recorded messages come at once or at an even pace"),
    }
    (producer.name.clone(), block)
}

fn timeline(group: &str, entries: &[TimelineEntry]) -> Vec<Value> {
    let end_of = |pause: &TimelineEntry, member| -> SimDuration {
        let resume = entries
            .iter()
            .find(|entry| entry.at > pause.at && entry.action == Action::Resume(member));
        resume.expect("who is stopped goes on").at.since(pause.at)
    };
    let entry = |entry: &TimelineEntry| {
        let (key, member) = match entry.action {
            Action::Leave(member) => ("leave", member),
            Action::Kill(member) => ("kill", member),
            Action::Pause(member) => ("pause", member),
            Action::Resume(_) => return None,
            other => panic!("no recording has {other:?}"),
        };
        let mut block = json!({ "at": millis(entry.at), key: format!("{group}/{}", member.consumer + 1) });
        if key == "pause" {
            block["for"] = json!(end_of(entry, member));
        }
        Some(block)
    };
    entries.iter().filter_map(entry).collect()
}
