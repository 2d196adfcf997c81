//! Files of at most 1 MB that ask for as much as they can: each is refused with the arithmetic, or read, planned, started
//! and reported within bounds.

use rmqsim::cluster::bounds::Bounds;
use rmqsim::report::expect::{Expectation, shape};
use rmqsim::report::json;
use rmqsim::scenario::study::{Plan, Wanted};
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::simulate_within;

/// A scenario with these keys besides.
fn file(more: &str) -> String {
    let topics = match more.contains("\"cluster\"") {
        true => "",
        false => r#""cluster":{"topics":{"t":{}}},"#,
    };
    let text = format!("{{\"title\":\"t\",{topics}{more}}}");
    assert!(text.len() <= 1_000_000, "{} bytes", text.len());
    text
}

fn list(n: usize, of: impl Fn(usize) -> String) -> String {
    (0..n).map(of).collect::<Vec<_>>().join(",")
}

#[track_caller]
fn refused(text: &str, says: &[&str]) {
    let problems = match Scenario::from_text("big.json", text, &Overrides::default()) {
        Ok(scenario) => Plan::of(&scenario, &Overrides::default(), &Wanted::default())
            .map(|_| ())
            .expect_err("it is refused"),
        Err(problems) => problems,
    };
    let told = problems.to_string();
    assert!(told.len() < 50_000, "{} bytes of problems", told.len());
    for words in says {
        assert!(told.contains(words), "{words}: {told}");
    }
}

/// It is sound, and its first events and its report are to be had.
#[track_caller]
fn runs(text: &str) {
    let scenario =
        Scenario::from_text("big.json", text, &Overrides::default()).unwrap_or_else(|p| panic!("{p}"));
    let shape = shape(&scenario.config);
    for (text, _) in &scenario.expect {
        Expectation::parse(text, &shape).unwrap();
    }
    let bounds = Bounds {
        events: Some(30_000),
        memory: Some(1 << 30),
        ..Bounds::default()
    };
    let report = simulate_within("big", &scenario, &bounds, |_, _| {});
    assert!(report.balance.values().all(|balance| balance.balanced));
    assert!(json::canonical(&report).ends_with("}\n"));
}

/// A few bytes ask for a block of hundreds of kilobytes for each of many members.
#[test]
fn copies_are_multiplied() {
    let values = list(100_000, |i| format!("\"{}ms\"", i % 99 + 1));
    let group = |count: u32| {
        let service = format!("{{\"empirical\":{{\"values\":[{values}]}}}}");
        format!(
            r#""duration":"10s","groups":{{"g":{{"consumers":{{"count":{count},"service":{service}}}}}}}"#
        )
    };
    refused(
        &file(&group(10_000)),
        &["bytes of members' and producers' blocks", "10 000 members × "],
    );
    runs(&file(&group(50)));
    // The same by a timeline: a life of a member is a copy of it.
    let restarts = r#","timeline":[{"at":"1s","restart":"g/*","times":50000,"every":"60s","downFor":"1s"}]"#;
    let text = file(&format!("{}{restarts}", group(1)).replace("\"10s\"", "\"100d\""));
    refused(&text, &["bytes in copies of members"]);
}

#[test]
fn members_are_multiplied() {
    let members = |more: &str, count: u32| {
        format!(r#""duration":"10s",{more}"groups":{{"g":{{"consumers":{{"count":{count}}}}}}}"#)
    };
    let brokers = r#""cluster":{"brokers":1000,"topics":{"t":{"queuesPerBroker":1}}},"#;
    refused(
        &file(&members(brokers, 100_000)),
        &["100 000 000 connections", "100 000 members × 1 000 brokers"],
    );
    runs(&file(&members("", 20_000)));
    let topics = list(9_000, |i| format!("\"t{i}\":{{\"queuesPerBroker\":1}}"));
    let subscribe = list(9_000, |i| format!("\"t{i}\":\"*\""));
    let group = format!(r#"{{"subscribe":{{{subscribe}}},"consumers":{{"count":100000}}}}"#);
    let text = format!(r#""duration":"10s","cluster":{{"topics":{{{topics}}}}},"groups":{{"g":{group}}}"#);
    refused(&file(&text), &["900 000 000 subscriptions of members"]);
    let broadcasting = r#""duration":"10s","cluster":{"topics":{"t":{"queuesPerBroker":1000}}},
        "groups":{"g":{"messageModel":"BROADCASTING","consumers":{"count":90000}}}"#;
    refused(
        &file(broadcasting),
        &["90 000 000 queues of all groups", "90 000 members × 1 000 queues"],
    );
}

#[test]
fn groups_and_queues_are_multiplied() {
    let groups = |n: usize| list(n, |i| format!("\"g{i}\":{{}}"));
    let many = format!(r#""duration":"10s","groups":{{{}}}"#, groups(40_000));
    refused(&file(&many), &["40 000 groups"]);
    let queues = r#""cluster":{"topics":{"t":{"queuesPerBroker":100000}}}"#;
    let wide = format!(r#""duration":"10s",{queues},"groups":{{{}}}"#, groups(1_000));
    refused(&file(&wide), &["100 001 000 queues of all groups"]);
    let retries =
        r#""cluster":{"brokers":1000,"topics":{"t":{"queuesPerBroker":1}},"tuning":{"retryQueueNums":1000}}"#;
    let retries = format!(r#""duration":"10s",{retries},"groups":{{"g":{{}}}}"#);
    refused(&file(&retries), &["1 000 queues and 1 000 000 for retries here"]);
    runs(&file(
        r#""duration":"10s","cluster":{"topics":{"t":{"queuesPerBroker":20000}}},
        "producers":{"p":{"rate":"10k/s"}},"groups":{"g":{"consumers":{"count":10}}}"#,
    ));
}

/// Nothing is large but the time that it would take.
#[test]
fn time_is_foreseen() {
    let years = r#""duration":"3650d","groups":{"g":{"consumers":{"count":1000}}}"#;
    refused(
        &file(years),
        &[
            "by the clock (heartbeats, ",
            "1 000 members here for 3650d",
            "--max-events",
        ],
    );
    let fan_out = format!(
        r#""duration":"1000s","producers":{{"p":{{"rate":"1M/s"}}}},"groups":{{{}}}"#,
        list(1_000, |i| format!("\"g{i}\":{{}}"))
    );
    refused(
        &file(&fan_out),
        &[
            "1 000 000 000 000 deliveries",
            "of each instance here, read by 1 000",
        ],
    );
    let grid = r#""duration":"1000s","sampleInterval":"1ms","cluster":{"topics":{"t":{"queuesPerBroker":10000}}},
        "groups":{"g":{"consumers":{"count":1000}}}"#;
    refused(
        &file(grid),
        &["looks at members and queues", "1 000 000 samples × 11 001"],
    );
    // Without an end by the clock it has one by its bound.
    let lifted = Overrides {
        max_events: Some(1),
        ..Overrides::default()
    };
    assert!(Scenario::from_text("big.json", &file(years), &lifted).is_ok());
    let once = r#""duration":"10s","producers":{"p":{"arrivals":"atOnce","messages":50000000}}"#;
    refused(&file(once), &["50 000 000 messages sent at once"]);
}

#[test]
fn studies_are_multiplied() {
    let study = r#""study":{"vary":{"producers.p.count":"1..10000"}}"#;
    let title = "x".repeat(900_000);
    let text = format!(r#""teaches":"{title}","duration":"10s","producers":{{"p":{{}}}},{study}"#);
    refused(
        &file(&text),
        &["the study is too large: 10 000 variants", "bytes of text"],
    );
}

/// Long lists of what is small, right or wrong.
#[test]
fn lists_are_read_once() {
    let expect = |text: &str, n| {
        format!(
            r#""duration":"1s","groups":{{"g":{{}}}},"expect":[{}]"#,
            list(n, |_| format!("\"{text}\""))
        )
    };
    runs(&file(&expect("groups.g.lost == 0", 40_000)));
    let entries = list(11_000, |i| {
        let (at, member) = (1_000 + i, i % 1_000 + 1);
        format!(r#"{{"at":"{at}ms","partition":"g/{member}","from":"brokers","for":"1s"}}"#)
    });
    runs(&file(&format!(
        r#""duration":"1h","groups":{{"g":{{"consumers":{{"count":1000}}}}}},"timeline":[{entries}]"#
    )));
    let wild = list(600, |i| {
        format!(
            r#"{{"at":"{}ms","slow":"g/*","from":"brokers","by":"1ms","for":"1ms"}}"#,
            1_000 + 2 * i
        )
    });
    let wild =
        format!(r#""duration":"1h","groups":{{"g":{{"consumers":{{"count":1900}}}}}},"timeline":[{wild}]"#);
    refused(&file(&wild), &["steps of the timeline"]);
    refused(
        &file(&list(60_000, |i| format!("\"k{i}\":1"))),
        &["more problems"],
    );
    refused(
        &file(&format!(
            "\"groups\":{{{}}}",
            list(100_000, |_| "\"g\":{}".to_owned())
        )),
        &["given twice"],
    );
    refused(
        &format!("{{\"title\":{}", "[".repeat(900_000)),
        &["nests deeper than 64 levels"],
    );
    refused(&"/**/".repeat(240_000), &["it holds no JSON value"]);
}
