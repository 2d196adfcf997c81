//! Every bound holds at n and bites at n + 1.

use rmqsim::scenario::{Overrides, Scenario, limits};

/// Reads a small scenario with changes.
fn read(set: &[String]) -> Result<Scenario, String> {
    let text = r#"{ "title": "t", "duration": "10s", "cluster": { "topics": { "t": {} } },
        "producers": { "p": {} }, "groups": { "g": {} }, "expect": [] }"#;
    let overrides = Overrides {
        set: set.to_vec(),
        ..Overrides::default()
    };
    Scenario::from_text("f", text, &overrides).map_err(|problems| problems.to_string())
}

/// `make` of the bound is fine, `make` of one more is refused with a message that holds `says`.
#[track_caller]
fn check(bound: u64, says: &str, make: impl Fn(u64) -> Vec<String>) {
    if let Err(problems) = read(&make(bound)) {
        panic!("{bound} is refused: {problems}");
    }
    match read(&make(bound + 1)) {
        Ok(_) => panic!("{} is not refused", bound + 1),
        Err(problems) => assert!(problems.contains(says), "{problems}"),
    }
}

fn name(n: u64) -> String {
    "x".repeat(n as usize)
}

#[test]
fn names_and_texts() {
    check(limits::TOPIC_NAME as u64, "at most 127", |n| {
        vec![format!("cluster.topics={{\"{}\":{{}}}}", name(n))]
    });
    check(limits::GROUP_NAME as u64, "at most 120", |n| {
        vec![format!("groups={{\"{}\":{{}}}}", name(n))]
    });
    check(limits::NAME as u64, "at most 127", |n| {
        vec![format!("producers={{\"{}\":{{}}}}", name(n))]
    });
    check(limits::NAME as u64, "at most 127", |n| {
        vec![format!("cluster.brokers=[\"{}\"]", name(n))]
    });
    check(limits::EXPRESSION_BYTES as u64, "4096 bytes", |n| {
        vec![format!("expect=[\"{}\"]", name(n))]
    });
    check(255, "255 characters", |n| {
        vec![format!("groups.g.consumers.clientIds=[\"{}\"]", name(n))]
    });
}

#[test]
fn numbers_of_things() {
    check(limits::BROKERS, "between 1 and 1000", |n| {
        vec![format!("cluster.brokers={n}")]
    });
    let names = |n: u64| (0..n).map(|i| format!("\"b{i}\"")).collect::<Vec<_>>().join(",");
    check(limits::BROKERS, "1 001 brokers", |n| {
        vec![
            format!("cluster.brokers=[{}]", names(n)),
            "cluster.topics.t.queuesPerBroker=1".to_owned(),
        ]
    });
    let topics = |n: u64| {
        (0..n)
            .map(|i| format!("\"t{i}\":{{}}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    check(limits::TOPICS, "10 001 topics", |n| {
        vec![
            format!("cluster.topics={{{}}}", topics(n)),
            "producers={}".to_owned(),
            "groups={}".to_owned(),
        ]
    });
    check(limits::QUEUES, "between 1 and 100000", |n| {
        vec![format!("cluster.topics.t.queuesPerBroker={n}")]
    });
    check(limits::QUEUES - 1, "100 001 queues", |n| {
        vec![
            format!("cluster.topics.t.writeQueueNums={n}"),
            "cluster.topics.u={\"queuesPerBroker\":1}".to_owned(),
            "producers={}".to_owned(),
            "groups={}".to_owned(),
        ]
        .into_iter()
        .chain((n == limits::QUEUES).then(|| "cluster.topics.t.readQueueNums=1".to_owned()))
        .collect()
    });
    check(limits::PRODUCERS - 1, "10 001 producer instances", |n| {
        vec![format!("producers.p.count={n}"), "producers.q={}".to_owned()]
    });
    check(limits::CONSUMERS, "between 1 and 100000", |n| {
        vec![format!("groups.g.consumers.count={n}")]
    });
    check(limits::CONSUMERS - 1, "100 001 consumers", |n| {
        vec![format!("groups.g.consumers.count={n}"), "groups.h={}".to_owned()]
    });
    check(limits::CONSUMERS - 1, "100 001 consumers", |n| {
        vec![format!(
            "timeline=[{{\"at\":\"1s\",\"join\":\"g\",\"count\":{n}}}]"
        )]
    });
}

/// A thousand members cut off from a thousand brokers, and one step more.
#[test]
fn steps_of_the_timeline() {
    check(limits::TIMELINE, "1 000 001 steps of the timeline", |n| {
        let cuts = "{\"at\":\"1s\",\"partition\":\"g/*\",\"from\":\"brokers\"}";
        let kill = if n > limits::TIMELINE {
            ",{\"at\":\"2s\",\"kill\":\"g/1\"}"
        } else {
            ""
        };
        vec![
            "cluster.brokers=1000".to_owned(),
            "cluster.topics.t.queuesPerBroker=1".to_owned(),
            "groups.g.consumers.count=1000".to_owned(),
            format!("timeline=[{cuts}{kill}]"),
        ]
    });
    check(limits::CONSUMERS - 1, "100 001 consumers", |lives| {
        vec![format!(
            "timeline=[{{\"at\":\"1s\",\"restart\":\"g/1\",\"times\":{lives},\"every\":\"10ns\",\"downFor\":\"1ns\"}}]"
        )]
    });
    check(limits::QUEUES, "between 1 and 100000", |n| {
        vec![format!(
            "timeline=[{{\"at\":\"1s\",\"updateTopic\":\"t\",\"writeQueueNums\":{n}}}]"
        )]
    });
    check(limits::QUEUES - 1, "100 001 queues", |n| {
        vec![
            "cluster.topics.u={\"queuesPerBroker\":1}".to_owned(),
            "producers={}".to_owned(),
            "groups={}".to_owned(),
            format!("timeline=[{{\"at\":\"1s\",\"updateTopic\":\"t\",\"readQueueNums\":{n}}}]"),
        ]
    });
}

#[test]
fn quantities() {
    check(3650, "longer than 3650d", |days| {
        vec![format!("duration={days}d"), "producers={}".to_owned()]
    });
    check(limits::SAMPLES, "1 000 001 points", |points| {
        vec![format!("duration={points}ms"), "sampleInterval=1ms".to_owned()]
    });
    check(u64::from(limits::BODY_BYTES), "larger than 4MiB", |bytes| {
        vec![format!("producers.p.bodySize={bytes}B")]
    });
    // One message a nanosecond, so that the duration counts messages.
    check(limits::MESSAGES, "--max-messages 2000000001", |n| {
        vec!["producers.p.rate=1000M/s".to_owned(), format!("duration={n}ns")]
    });
    check(1_000_000_000, "more than one message in a nanosecond", |n| {
        vec![
            format!("producers.p.rate={n}/s"),
            "producers.p.messages=1".to_owned(),
        ]
    });
}

/// Every period that a client or broker counts by is more than nothing, or time would stand still.
#[test]
fn no_period_is_zero() {
    for key in [
        "groups.g.tuning.persistConsumerOffsetInterval",
        "groups.g.tuning.heartbeatBrokerInterval",
        "groups.g.tuning.pollNameServerInterval",
        "groups.g.tuning.rebalanceWaitInterval",
        "groups.g.tuning.brokerSuspendMaxTimeMillis",
        "cluster.tuning.shortPollingTimeMills",
    ] {
        assert!(read(&[format!("{key}=1")]).is_ok(), "{key}");
        let problems = read(&[format!("{key}=0")]).map(|_| key).unwrap_err();
        assert!(problems.contains("but is 0"), "{problems}");
    }
    for key in ["duration=0s", "sampleInterval=0s"] {
        assert!(read(&[key.to_owned()]).is_err(), "{key}");
    }
}
