//! What the entries of a timeline become, step by step.

use crate::cluster::config::{Action, ClusterConfig, Member};
use crate::cluster::network::Server;
use crate::scenario::{Overrides, Scenario, limits};

/// A cluster of brokers a and b with topics `orders` (4 queues on each) and `extra` (on a), group `g` of three.
fn scenario(timeline: &str) -> String {
    format!(
        r#"{{ "title": "t", "duration": "10m",
             "cluster": {{ "brokers": ["a", "b"], "nameServers": 2,
                           "topics": {{ "orders": {{}}, "extra": {{ "brokers": ["a"], "queuesPerBroker": 3 }} }} }},
             "groups": {{ "g": {{ "subscribe": {{ "orders": "*" }}, "consumers": {{ "count": 3 }} }},
                          "h": {{ "subscribe": {{ "orders": "*" }}, "consumers": {{ "count": 3, "start": "30s" }} }} }},
             "timeline": [ {timeline} ] }}"#
    )
}

#[track_caller]
fn read(timeline: &str) -> ClusterConfig {
    match Scenario::from_text("f", &scenario(timeline), &Overrides::default()) {
        Ok(scenario) => {
            let again = Scenario::from_text("f", &scenario.normalised.to_string(), &Overrides::default());
            let again = again.unwrap_or_else(|problems| panic!("the normal form: {problems}"));
            assert_eq!(format!("{:?}", scenario.config), format!("{:?}", again.config));
            assert_eq!(scenario.normalised, again.normalised);
            scenario.config
        }
        Err(problems) => panic!("{problems}"),
    }
}

/// A step in a few words: seconds, what, to whom (client id), other end or numbers.
fn told(config: &ClusterConfig) -> Vec<String> {
    let who = |m: Member| &config.groups[m.group.index()].consumers[m.consumer as usize].client_id;
    let to = |server: Server| match server {
        Server::Broker(id) => config.brokers[id.index()].name.clone(),
        Server::NameServer(n) => format!("n{}", n + 1),
    };
    let step = |action: Action| match action {
        Action::Join(m) => format!("join {}", who(m)),
        Action::Leave(m) => format!("leave {}", who(m)),
        Action::Kill(m) => format!("kill {}", who(m)),
        Action::Vanish(m) => format!("vanish {}", who(m)),
        Action::Pause(m) => format!("pause {}", who(m)),
        Action::Resume(m) => format!("resume {}", who(m)),
        Action::Cut { member, server } => format!("cut {} {}", who(member), to(server)),
        Action::Heal { member, server } => format!("heal {} {}", who(member), to(server)),
        Action::Slow { member, server, by } => format!("slow {} {} {by}", who(member), to(server)),
        Action::Busy { broker, until, .. } => {
            format!("busy {} {}", to(Server::Broker(broker)), until.as_secs_f64())
        }
        Action::SetThreads { member, threads } => format!("set threads {} {threads}", who(member)),
        Action::Forward { member, .. } => format!("forward {}", who(member)),
        Action::SetMaxReconsumeTimes { group, times } => format!("set retries {} {times}", group.0),
        Action::SetRate { producer, gap } => format!("set rate {} {gap}", producer.0),
        Action::QueryMessage { key, max_num, .. } => format!("query {key} {max_num}"),
        Action::Subscribe {
            member, expression, ..
        } => format!("subscribe {} {}", who(member), expression.0),
        Action::SetListener { member, listener } => {
            let listener = &config.listeners[listener as usize];
            format!("listen {} {:?}", who(member), listener.service)
        }
        Action::UpdateTopic {
            topic,
            broker,
            numbers,
        } => {
            let (topic, broker) = (&config.topics[topic.index()].name, to(Server::Broker(broker)));
            format!("update {topic} {broker} {}/{}", numbers.read, numbers.write)
        }
        Action::StopBroker { broker, crash } => {
            let how = if crash { "crash" } else { "stop" };
            format!("{how} {}", to(Server::Broker(broker)))
        }
        Action::StartBroker(broker) => format!("start {}", to(Server::Broker(broker))),
        Action::ResetOffset {
            group,
            topic,
            target,
            force,
        } => {
            let (group, topic) = (
                &config.groups[group.index()].name,
                &config.topics[topic.index()].name,
            );
            format!("reset {group} {topic} {target:?} {force}")
        }
        Action::ResendDlq { group, gap } => format!("resend {} {gap}", config.groups[group.index()].name),
        Action::SetDlqPermission { group, readable } => {
            format!("dlq {} {readable}", config.groups[group.index()].name)
        }
    };
    let entries = config.timeline.iter();
    entries
        .map(|e| format!("{} {}", e.at.as_secs_f64(), step(e.action)))
        .collect()
}

#[track_caller]
fn check(timeline: &str, expected: &[&str]) {
    assert_eq!(told(&read(timeline)), expected);
}

#[track_caller]
fn refused(timeline: &str, says: &str) {
    match Scenario::from_text("f", &scenario(timeline), &Overrides::default()) {
        Ok(scenario) => panic!("{timeline} is read as {:?}", told(&scenario.config)),
        Err(problems) => assert!(problems.to_string().contains(says), "{problems}"),
    }
}

/// A rolling restart: one after another, each back after `downFor`, beside the next that goes.
#[test]
fn a_rolling_restart_starts_new_lives() {
    let config = read(r#"{ "at": "1m", "restart": "g/*", "every": "15s", "downFor": "20s" }"#);
    let expected = [
        "60 leave g-1",
        "75 leave g-2",
        "80 join g-1#2",
        "90 leave g-3",
        "95 join g-2#2",
        "110 join g-3#2",
    ];
    assert_eq!(told(&config), expected);
    let lives: Vec<(&str, u32, bool)> = config.groups[0]
        .consumers
        .iter()
        .map(|c| (c.name.as_str(), c.life, c.start.is_some()))
        .collect();
    let first = [("g-1", 1, true), ("g-2", 1, true), ("g-3", 1, true)];
    let second = [("g-1", 2, false), ("g-2", 2, false), ("g-3", 2, false)];
    assert_eq!(lives, [first, second].concat());
}

/// Target i of n in round k falls at `at` + (k·n + i) · `every`.
#[test]
fn rounds_follow_each_other() {
    check(
        r#"{ "at": "1m", "restart": "g/?", "every": "10s", "downFor": "1s", "shutdown": "kill", "times": 2 }"#,
        &[
            "60 kill g-1",
            "61 join g-1#2",
            "70 kill g-2",
            "71 join g-2#2",
            "80 kill g-3",
            "81 join g-3#2",
            "90 kill g-1#2",
            "91 join g-1#3",
            "100 kill g-2#2",
            "101 join g-2#3",
            "110 kill g-3#2",
            "111 join g-3#3",
        ],
    );
}

/// A process sorts beside its last one, a kept name is the same, a new host sorts anywhere; the processes on the
/// new host sort beside each other again.
#[test]
fn client_ids_of_new_lives() {
    let config = read(
        r#"{ "at": "1m", "restart": "g/1", "clientId": "keep", "shutdown": "vanish" },
           { "at": "2m", "restart": "g/1" },
           { "at": "3m", "restart": "g/1", "clientId": "newHost" },
           { "at": "4m", "restart": "g/1", "clientId": "newProcess" },
           { "at": "5m", "restart": "g/2", "clientId": "newHost" }"#,
    );
    let ids: Vec<&str> = config.groups[0].consumers[3..]
        .iter()
        .map(|c| c.client_id.as_str())
        .collect();
    let [kept, process, host, there, other] = ids[..] else {
        panic!("{ids:?}");
    };
    assert_eq!([kept, process], ["g-1", "g-1#3"]);
    let (address, rest) = host.split_at(8);
    assert!(address.chars().all(|c| c.is_ascii_hexdigit()), "{host}");
    assert_eq!(rest, "@g-1#4");
    assert_eq!(there, format!("{address}@g-1#5"));
    assert_ne!(other[..8], *address);
}

/// The new address depends on the seed and on nothing else.
#[test]
fn a_new_host_is_luck() {
    let text = scenario(r#"{ "at": "1m", "restart": "g/1", "clientId": "newHost" }"#);
    let id = |seed| {
        let overrides = Overrides {
            seed: Some(seed),
            ..Overrides::default()
        };
        let config = Scenario::from_text("f", &text, &overrides).unwrap().config;
        config.groups[0].consumers[3].client_id.clone()
    };
    assert_eq!(id(7), id(7));
    assert_ne!(id(7), id(8));
}

/// `g/1` is the life that runs then; a pattern means those that run, paused ones included.
#[test]
fn targets_are_the_lives_that_run_then() {
    check(
        r#"{ "at": "1m", "restart": "g/1", "downFor": "1m" },
           { "at": "90s", "pause": "g/*", "for": "10s" },
           { "at": "95s", "vanish": "g/2" },
           { "at": "3m", "kill": "g/*" }"#,
        &[
            "60 leave g-1",
            "90 pause g-2",
            "90 pause g-3",
            "95 vanish g-2",
            "100 resume g-3",
            "120 join g-1#2",
            "180 kill g-1#2",
            "180 kill g-3",
        ],
    );
}

/// Without `for` a pause lasts until somebody ends it; what ends by itself makes room for what begins then.
#[test]
fn pauses_end() {
    check(
        r#"{ "at": "2m", "pause": "g/1" },
           { "at": "1m", "pause": "g/1", "for": "1m" },
           { "at": "3m", "resume": "g/*" },
           { "at": "9m", "pause": "g/3", "for": "5m" }"#,
        &[
            "60 pause g-1",
            "120 resume g-1",
            "120 pause g-1",
            "180 resume g-1",
            "540 pause g-3",
        ],
    );
}

/// Of one instant, what comes back by itself goes first, then file order.
#[test]
fn ties_go_in_file_order() {
    check(
        r#"{ "at": "2m", "leave": "g/3" },
           { "at": "1m", "restart": "g/1", "downFor": "1m" },
           { "at": "2m", "join": "g" },
           { "at": "2m", "kill": "g/*" }"#,
        &[
            "60 leave g-1",
            "120 join g-1#2",
            "120 leave g-3",
            "120 join g-4",
            "120 kill g-1#2",
            "120 kill g-2",
            "120 kill g-4",
        ],
    );
    check(
        r#"{ "at": "1m", "restart": "g/1", "downFor": "0s" }"#,
        &["60 leave g-1", "60 join g-1#2"],
    );
}

#[test]
fn servers_by_name_word_and_pattern() {
    assert_eq!(read("").name_servers, 2);
    for (from, expected) in [
        (r#""b""#, vec!["b"]),
        (r#""brokers""#, vec!["a", "b"]),
        (r#""nameservers""#, vec!["n1", "n2"]),
        (r#"["nameserver-2", "a"]"#, vec!["a", "n2"]),
        (r#""*""#, vec!["a", "b", "n1", "n2"]),
        (r#"["?", "brokers"]"#, vec!["a", "b"]),
    ] {
        let cuts: Vec<String> = expected.iter().map(|s| format!("60 cut g-1 {s}")).collect();
        let cuts: Vec<&str> = cuts.iter().map(String::as_str).collect();
        check(
            &format!(r#"{{ "at": "1m", "partition": "g/1", "from": {from} }}"#),
            &cuts,
        );
    }
}

#[test]
fn links_heal() {
    check(
        r#"{ "at": "1m", "partition": "g/*", "from": "a", "every": "10s", "for": "15s" },
           { "at": "2m", "slow": "g/1", "from": "nameservers", "by": "2s", "for": "1m" },
           { "at": "3m", "slow": "g/1", "by": "1ms", "from": "nameserver-1" }"#,
        &[
            "60 cut g-1 a",
            "70 cut g-2 a",
            "75 heal g-1 a",
            "80 cut g-3 a",
            "85 heal g-2 a",
            "95 heal g-3 a",
            "120 slow g-1 n1 2s",
            "120 slow g-1 n2 2s",
            "180 slow g-1 n1 0s",
            "180 slow g-1 n2 0s",
            "180 slow g-1 n1 1ms",
        ],
    );
}

/// Links belong to the host: the next process has them too, another host has not.
#[test]
fn a_new_process_inherits_the_links() {
    check(
        r#"{ "at": "1m", "partition": "g/1", "from": "a", "for": "5m" },
           { "at": "2m", "restart": "g/1", "shutdown": "kill" },
           { "at": "3m", "restart": "g/1", "clientId": "newHost", "shutdown": "kill" },
           { "at": "3m30s", "slow": "g/2", "from": "b", "by": "1s", "for": "1m" },
           { "at": "4m", "kill": "g/2" }"#,
        &[
            "60 cut g-1 a",
            "120 kill g-1",
            "130 cut g-1#2 a",
            "130 join g-1#2",
            "180 kill g-1#2",
            &format!("190 join {}", new_host_of_g1_life_3()),
            "210 slow g-2 b 1s",
            "240 kill g-2",
            "270 slow g-2 b 0s",
            "360 heal g-1 a",
            "360 heal g-1#2 a",
        ],
    );
}

fn new_host_of_g1_life_3() -> String {
    let config =
        read(r#"{ "at": "2m", "restart": "g/1" }, { "at": "3m", "restart": "g/1", "clientId": "newHost" }"#);
    config.groups[0].consumers.last().unwrap().client_id.clone()
}

/// What an entry leaves out stays as it is at that time; a new broker gets the other number, or the usual one.
#[test]
fn topics_change_in_order_of_time() {
    check(
        r#"{ "at": "3m", "updateTopic": "orders", "writeQueueNums": 6 },
           { "at": "1m", "updateTopic": "orders", "readQueueNums": 8, "brokers": ["b"] },
           { "at": "2m", "updateTopic": "extra", "brokers": ["b", "a"] },
           { "at": "4m", "updateTopic": "extra", "readQueueNums": 2, "writeQueueNums": 1 }"#,
        &[
            "60 update orders b 8/4",
            "120 update extra b 3/3",
            "180 update orders a 4/6",
            "180 update orders b 8/6",
            "240 update extra a 2/1",
            "240 update extra b 2/1",
        ],
    );
    check(
        r#"{ "at": "1m", "updateTopic": "extra", "writeQueueNums": 5, "brokers": ["b"] }"#,
        &["60 update extra b 5/5"],
    );
    refused(
        r#"{ "at": "1m", "updateTopic": "extra", "brokers": ["b"] },
           { "at": "2m", "updateTopic": "extra", "brokers": ["b"] }"#,
        "changes nothing",
    );
}

#[test]
fn joiners_may_have_client_ids() {
    check(
        r#"{ "at": "1m", "join": "g", "clientIds": ["0", "z"], "every": "1m" },
           { "at": "90s", "join": "g" }"#,
        &["60 join 0", "90 join g-6", "120 join z"],
    );
    refused(
        r#"{ "at": "1m", "join": "g", "clientIds": ["g-2"] }"#,
        "two consumers of the group have the client id `g-2`",
    );
}

/// An id may be used again by somebody who starts after its holder has ended.
#[test]
fn a_client_id_is_free_again_after_its_life() {
    check(
        r#"{ "at": "1m", "kill": "g/2" }, { "at": "2m", "join": "g", "clientIds": ["g-2"] }"#,
        &["60 kill g-2", "120 join g-2"],
    );
}

/// Who does not run cannot be hit; the message says when and why.
#[test]
fn only_what_runs_can_be_hit() {
    for (timeline, says) in [
        (
            r#"{ "at": "10s", "restart": "h/1" }"#,
            "`h-1` cannot be restarted at 10s: it starts at 30s",
        ),
        (
            r#"{ "at": "1m", "restart": "g/1" }, { "at": "1m5s", "pause": "g/1" }"#,
            "cannot be paused at 1m5s: it starts at 1m10s",
        ),
        (
            r#"{ "at": "1m", "kill": "g/1" }, { "at": "2m", "slow": "g/1", "by": "1s" }"#,
            "cannot be slowed at 2m: it ended at 1m",
        ),
        (
            r#"{ "at": "1m", "vanish": "g/1" }, { "at": "2m", "partition": "g/1", "from": "a" }"#,
            "cannot be cut off at 2m: it ended at 1m",
        ),
        (
            r#"{ "at": "1m", "pause": "g/1" }, { "at": "2m", "pause": "g/1" }"#,
            "it has been paused since 1m",
        ),
        (
            r#"{ "at": "1m", "resume": "g/1" }"#,
            "cannot be resumed at 1m: it is not paused",
        ),
        (
            r#"{ "at": "1m", "pause": "g/1", "for": "1m" }, { "at": "90s", "resume": "g/1" }"#,
            "it goes on by itself at 2m",
        ),
        (
            r#"{ "at": "1m", "pause": "g/1" }, { "at": "2m", "leave": "g/1" }"#,
            "it has been paused since 1m, and cannot shut down",
        ),
        (
            r#"{ "at": "1m", "resume": "g/*" }"#,
            "no consumer of `g` that is paused at 1m matches `*`",
        ),
        (
            r#"{ "at": "1m", "restart": "g/*", "every": "1s", "downFor": "5s", "times": 2 }"#,
            "the next round begins 3s after the last (3 × 1s), but members are down for 5s",
        ),
        (
            r#"{ "at": "1m", "slow": "g/1", "by": "1s" }, { "at": "2m", "slow": "g/*", "by": "2s", "from": "a" }"#,
            "another entry slows the same link to the end of the run",
        ),
    ] {
        refused(timeline, says);
    }
}

/// Rounds are refused before they are expanded.
#[test]
fn expansion_is_bounded() {
    refused(
        &format!(
            r#"{{ "at": "1m", "restart": "g/*", "every": "1ns", "downFor": "0s", "times": {} }}"#,
            limits::CONSUMERS / 3
        ),
        "consumers, more than the 100 000",
    );
}

/// A broker ends by its own word, and comes back if it is to; several times, if the distance is said.
#[test]
fn brokers_end_and_start() {
    check(
        r#"{ "at": "1m", "restart": "a", "shutdown": "kill", "downFor": "5s", "times": 2, "every": "20s" },
            { "at": "3m", "leave": "b" }"#,
        &[
            "60 crash a",
            "65 start a",
            "80 crash a",
            "85 start a",
            "180 stop b",
        ],
    );
    refused(
        r#"{ "at": "1m", "kill": "a" }, { "at": "2m", "leave": "a" }"#,
        "the broker is down already at 2m",
    );
}

/// What operators do to a group names its topic, unless it has only one.
#[test]
fn progress_is_set() {
    check(
        r#"{ "at": "1m", "resetOffset": "g", "to": "30s" },
            { "at": "2m", "skipBacklog": "g" },
            { "at": "3m", "resendDlq": "g", "rate": "50/s" },
            { "at": "4m", "updateTopicPerm": "%DLQ%g", "perm": "write" }"#,
        &[
            "60 reset g orders Time(SimTime(30000000000)) true",
            "120 reset g orders Latest true",
            "180 resend g 20ms",
            "240 dlq g false",
        ],
    );
    refused(
        r#"{ "at": "1m", "resetOffset": "g", "to": "2m" }"#,
        "the offsets of 2m are not known at 1m",
    );
}
