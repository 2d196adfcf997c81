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

/// Each wildcard is compared with every member of its group: 200 × 99 999 here, and one more for each entry about the other.
#[test]
fn names_compared_with_wildcards() {
    check(limits::LOOKED_AT - 19_999_800, "take too long to expand", |n| {
        let entry = |group: &str| format!("{{\"at\":\"1s\",\"setThreads\":\"{group}\",\"threads\":10}}");
        let large = joined(200, |_| entry("g/1?"));
        let small = joined(n, |_| entry("h/*"));
        vec![
            "groups={\"g\":{\"consumers\":{\"count\":99999}},\"h\":{}}".to_owned(),
            format!("timeline=[{large},{small}]"),
        ]
    });
}

#[test]
fn characters_of_a_number() {
    check(limits::NUMBER_CHARACTERS as u64, "65 characters", |n| {
        let exponent = format!("1.{}", "0".repeat(n as usize - 2));
        vec![format!(
            "producers.p.keys={{\"zipf\":{{\"count\":10,\"exponent\":{exponent}}}}}"
        )]
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

fn joined(n: u64, of: impl Fn(u64) -> String) -> String {
    (0..n).map(of).collect::<Vec<_>>().join(",")
}

/// What a short file multiplies: members × what each of them has.
#[test]
fn sizes_of_what_is_built() {
    let none = || "producers={}".to_owned();
    check(limits::GROUPS, "5 001 groups", |n| {
        vec![format!("groups={{{}}}", joined(n, |i| format!("\"g{i}\":{{}}")))]
    });
    check(
        limits::CONNECTIONS / 1000,
        "5 001 000 connections of clients",
        |n| {
            let brokers = ["cluster.brokers=1000", "cluster.topics.t.queuesPerBroker=1"].map(str::to_owned);
            brokers
                .into_iter()
                .chain([none(), format!("groups.g.consumers.count={n}")])
                .collect()
        },
    );
    check(
        limits::SUBSCRIPTIONS / 1000,
        "5 001 000 subscriptions of members",
        |n| {
            let topics = joined(1000, |i| format!("\"t{i}\":{{\"queuesPerBroker\":1}}"));
            let subscribe = joined(1000, |i| format!("\"t{i}\":\"*\""));
            let group = format!("{{\"subscribe\":{{{subscribe}}},\"consumers\":{{\"count\":{n}}}}}");
            vec![
                format!("cluster.topics={{{topics}}}"),
                none(),
                format!("groups={{\"g\":{group}}}"),
            ]
        },
    );
    check(limits::READ_QUEUES / 250, "250 250 queues of all groups", |n| {
        let set = [
            "cluster.topics.t.queuesPerBroker=250",
            "groups.g.messageModel=BROADCASTING",
        ]
        .map(str::to_owned);
        set.into_iter()
            .chain([format!("groups.g.consumers.count={n}")])
            .collect()
    });
    // Queues to come count too: five groups and their retry queues.
    check(
        limits::READ_QUEUES / 5 - 1,
        "lives and queues to come included",
        |n| {
            let update = format!("timeline=[{{\"at\":\"1s\",\"updateTopic\":\"t\",\"readQueueNums\":{n}}}]");
            vec![
                update,
                format!("groups={{{}}}", joined(5, |i| format!("\"g{i}\":{{}}"))),
            ]
        },
    );
    // Blanks count: what they stand between is what is copied.
    check(
        limits::COPIED_BYTES / 1024,
        "268 436 480 bytes of members' and producers' blocks",
        |n| {
            let [begin, end] = ["{\"count\":1024,", "\"threads\":1}"];
            let blanks = " ".repeat(n as usize - begin.len() - end.len());
            vec![none(), format!("groups.g.consumers={begin}{blanks}{end}")]
        },
    );
    check(10, "10 000 001 keys of \"zipf\"", |n| {
        let zipf = |count: u64| format!("{{\"keys\":{{\"zipf\":{{\"count\":{count},\"exponent\":1.1}}}}}}");
        let count = |i: u64| if i == 0 { n } else { 999_999 };
        vec![format!(
            "producers={{{}}}",
            joined(11, |i| format!("\"p{i}\":{}", zipf(count(i))))
        )]
    });
    check(limits::RING_PLACES / 100_000, "2 100 000 places on rings", |n| {
        let strategy = "groups.g.strategy={\"CONSISTENT_HASH\":{\"virtualNodes\":100000}}".to_owned();
        vec![strategy, format!("groups.g.consumers.count={n}")]
    });
}

/// Tags, expressions and levels, each listed in the file.
#[test]
fn lists_of_the_file() {
    let tags = |n: u64| joined(n, |i| format!("\"T{i}\":1"));
    check(limits::CHOICES, "more than 1000", |n| {
        vec![format!("producers.p.tags={{{}}}", tags(n))]
    });
    check(limits::TAGS / 10, "10 001 tags", |n| {
        let of = |i: u64| {
            format!(
                "\"p{i}\":{{\"tags\":{{{}}}}}",
                tags(if i == 0 { n } else { 1000 })
            )
        };
        vec![format!("producers={{{}}}", joined(10, of))]
    });
    check(limits::EXPRESSIONS as u64, "more than 1000 different", |n| {
        let group = |i: u64| format!("\"g{i}\":{{\"subscribe\":{{\"t\":\"T{i}\"}}}}");
        vec![format!("groups={{{}}}", joined(n, group))]
    });
    check(limits::DELAY_LEVELS.into(), "255", |n| {
        vec![format!(
            "cluster.tuning.messageDelayLevel=\"{}\"",
            vec!["1s"; n as usize].join(" ")
        )]
    });
}

/// What can be foreseen of a run.
#[test]
fn work_foreseen() {
    check(limits::AT_ONCE, "5 000 001 messages sent at once", |n| {
        vec![
            "producers.p.arrivals=atOnce".to_owned(),
            format!("producers.p.messages={n}"),
        ]
    });
    // One message a nanosecond for eleven groups.
    check(limits::EVENTS / 11, "--max-events", |n| {
        let groups = joined(11, |i| format!("\"g{i}\":{{}}"));
        vec![
            "producers.p.rate=1000M/s".to_owned(),
            format!("duration={n}ns"),
            format!("groups={{{groups}}}"),
        ]
    });
    // 3 998 queues, one for retries and a member, at each sample.
    check(limits::SAMPLED / 4000, "2 000 004 000 looks", |n| {
        vec![
            "cluster.topics.t.queuesPerBroker=3998".to_owned(),
            "producers={}".to_owned(),
            "sampleInterval=1ms".to_owned(),
            format!("duration={n}ms"),
        ]
    });
    // A member that ticks for ten years is too much only if it ticks each millisecond.
    let ticks = |interval: u64| {
        vec![
            "duration=3650d".to_owned(),
            "producers={}".to_owned(),
            format!("groups.g.tuning.persistConsumerOffsetInterval={interval}"),
        ]
    };
    assert!(read(&ticks(16)).is_ok());
    let problems = read(&ticks(1)).map(|_| ()).unwrap_err();
    assert!(
        problems.contains("events foreseen, more than the 20 000 000 000"),
        "{problems}"
    );
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
