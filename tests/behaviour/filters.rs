//! Tag and SQL92 filters, seen from outside: who gets what, what is passed over, and how offsets move on.

use crate::support::{Recording, at, run, run_with};
use rmqsim::cluster::fact::{Fact, FilteredBy, PullFailure, PullResult};
use rmqsim::kernel::time::SimTime;
use std::collections::BTreeMap;

const TAGGED: &str = r#"{
  "title": "tags", "duration": "60s", "seed": 3,
  "cluster": { "topics": { "orders": { "queuesPerBroker": 2 } }, "tuning": { "enablePropertyFilter": true } },
  "producers": { "shop": { "rate": "200/s", "stop": "40s", "tags": { "TagA": 2, "TagB": 1, "": 1 },
    "properties": { "amount": { "uniform": { "min": 1, "max": 100 } }, "region": { "oneOf": { "eu": 1, "us": 1 } } } } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 2, "service": "1ms" } } }
}"#;

/// Deliveries by tag; "" is none.
fn by_tag(run: &Recording) -> BTreeMap<String, u64> {
    let attributes = &run.directory.attributes;
    let mut tags = BTreeMap::new();
    for (_, tag) in run.select(|fact| match fact {
        Fact::Delivered { message, luck, .. } => Some(attributes.tag(*message, *luck)),
        _ => None,
    }) {
        let tag = tag.map_or("", |tag| attributes.tags()[tag.index()].as_str());
        *tags.entry(tag.to_owned()).or_default() += 1;
    }
    tags
}

fn filtered(run: &Recording, by: FilteredBy) -> u64 {
    let passed = run.select(|fact| match fact {
        Fact::Filtered { from, to, by: of, .. } if *of == by => Some(to - from),
        _ => None,
    });
    passed.iter().map(|(_, records)| records).sum()
}

fn stored(run: &Recording) -> u64 {
    run.count(|fact| matches!(fact, Fact::Stored { .. })) as u64
}

fn committed(run: &Recording) -> u64 {
    let commits = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } => Some((*queue, *new)),
        _ => None,
    });
    let last: BTreeMap<_, _> = commits.into_iter().map(|(_, commit)| commit).collect();
    last.values().sum()
}

/// What each expression means; whatever is not delivered is passed over, and the offsets come to the end.
#[test]
fn a_subscription_gets_what_it_asks_for_and_the_offset_passes_over_the_rest() {
    let all = by_tag(&run(TAGGED));
    assert_eq!(all.len(), 3);
    let cases: [(&str, &[&str]); 8] = [
        ("\"*\"", &["", "TagA", "TagB"]),
        ("null", &["", "TagA", "TagB"]),
        ("\"\"", &["", "TagA", "TagB"]),
        ("\"TagA\"", &["TagA"]),
        ("\"TagB || TagA||\"", &["TagA", "TagB"]),
        ("\"taga || TagA && TagB || TagA,TagB\"", &[]),
        ("\" \"", &[]),
        ("{\"sql\": \"TAGS IS NULL OR TAGS = 'TagB'\"}", &["", "TagB"]),
    ];
    for (expression, tags) in cases {
        let set = format!("groups.billing.subscribe={{\"orders\": {expression}}}");
        let run = run_with(TAGGED, &[&set]);
        let expected: BTreeMap<String, u64> = all
            .iter()
            .filter(|(tag, _)| tags.contains(&tag.as_str()))
            .map(|(tag, n)| (tag.clone(), *n))
            .collect();
        assert_eq!(by_tag(&run), expected, "{expression}");
        let rest = stored(&run) - expected.values().sum::<u64>();
        assert_eq!(filtered(&run, FilteredBy::Broker), rest, "{expression}");
        assert_eq!(committed(&run), stored(&run), "{expression}");
    }
}

/// SQL92 sees properties, and only what is true passes.
#[test]
fn sql_goes_by_properties() {
    let sql = |sql: &str| {
        let set = format!("groups.billing.subscribe={{\"orders\": {{\"sql\": \"{sql}\"}}}}");
        let run = run_with(TAGGED, &[&set]);
        by_tag(&run).values().sum::<u64>() as f64 / stored(&run) as f64
    };
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 0.02, "{found}, not {expected}");
    near(sql("amount > 75"), 0.25);
    near(sql("amount BETWEEN 1 AND 10 AND region = 'eu'"), 0.05);
    near(sql("colour = 'red'"), 0.0);
    near(sql("colour IS NULL AND region IN ('us')"), 0.5);
}

/// `Aa` and `BB` have one hash: the broker sends both, the client keeps one, silently.
#[test]
fn what_only_collides_dies_at_the_client() {
    let set = [
        "producers.shop.tags={\"Aa\": 1, \"BB\": 1}",
        "groups.billing.subscribe={\"orders\": \"Aa\"}",
    ];
    let run = run_with(TAGGED, &set);
    let tags = by_tag(&run);
    assert_eq!(tags.keys().collect::<Vec<_>>(), ["Aa"]);
    let collided = filtered(&run, FilteredBy::HashCollision);
    assert_eq!(collided, stored(&run) - tags["Aa"]);
    assert_eq!(filtered(&run, FilteredBy::Broker), 0);
}

/// A pull that waits is not woken by what it does not want: its offset moves on at the broker's look each 5 s, and
/// at once when something comes that it wants.
#[test]
fn foreign_messages_move_the_offset_at_the_sweep_only() {
    let set = [
        "producers.shop.rate=20/s",
        "producers.shop.tags={\"TagB\": 1}",
        "groups.billing.subscribe={\"orders\": \"TagA\"}",
    ];
    let run = run_with(TAGGED, &set);
    let held = run.select(|fact| match fact {
        Fact::PullAnswered {
            result: PullResult::NoMatched,
            held,
            ..
        } if !held.is_zero() => Some(*held),
        _ => None,
    });
    assert!(held.len() >= 2 * 7, "{} looks", held.len());
    let phase = |time: SimTime| time.since(SimTime::ZERO).as_nanos() % 5_000_000_000;
    assert!(held.iter().all(|(time, _)| phase(*time) == phase(held[0].0)));
    assert!(held.iter().all(|(_, held)| held.as_millis() <= 5_000));
}

/// 8000 foreign messages lie in one queue before the group starts: 800 in each answer, with no pause between them.
#[test]
fn a_backlog_of_foreign_messages_is_walked_800_at_a_time() {
    let set = [
        "cluster.topics.orders.queuesPerBroker=1",
        "producers.shop={\"messages\": 8000, \"arrivals\": \"atOnce\", \"tags\": {\"TagB\": 1}}",
        "groups.billing.subscribe={\"orders\": \"TagA\"}",
        "groups.billing.consumers.start=10s",
        "groups.billing.consumeFromWhere=CONSUME_FROM_FIRST_OFFSET",
    ];
    let run = run_with(TAGGED, &set);
    let ranges = run.select(|fact| match fact {
        Fact::Filtered { from, to, .. } => Some((*from, *to)),
        _ => None,
    });
    let expected: Vec<(u64, u64)> = (0..10).map(|n| (n * 800, (n + 1) * 800)).collect();
    assert_eq!(
        ranges.iter().map(|(_, range)| *range).collect::<Vec<_>>(),
        expected
    );
    let took = ranges[9].0.since(ranges[0].0);
    assert!(took.as_millis() < 10, "{took}");
}

/// Messages of one listener call may lie far apart, and come back one by one after a failure.
#[test]
fn batches_reach_over_gaps() {
    let set = [
        "groups.billing.subscribe={\"orders\": \"TagB\"}",
        "groups.billing.tuning.consumeMessageBatchMaxSize=5",
        "groups.billing.consumers.failure.failFirstAttempts=1",
        "groups.billing.consumers.threads=2",
    ];
    let run = run_with(TAGGED, &set);
    let wanted = by_tag(&self::run(TAGGED))["TagB"];
    let sent_back = run.count(|fact| matches!(fact, Fact::RetryScheduled { .. })) as u64;
    let succeeded = run.count(|fact| matches!(fact, Fact::Consumed { success: true, .. })) as u64;
    assert_eq!((sent_back, succeeded), (wanted, wanted));
    assert_eq!(by_tag(&run)["TagB"], 2 * wanted);
}

/// Retries are not filtered: a member that asks for other tags gets them all the same.
#[test]
fn a_retry_goes_to_any_member() {
    let set = [
        "groups.billing.consumers=[{\"subscribe\": {\"orders\": \"TagA\"}, \"failure\": {\"failFirstAttempts\": 1}}, {\"subscribe\": {\"orders\": \"TagA\"}, \"failure\": {\"failFirstAttempts\": 1}}]",
        "timeline=[{\"at\": \"20s\", \"subscribe\": \"billing/*\", \"subscription\": {\"orders\": \"TagB\"}}]",
    ];
    let run = run_with(TAGGED, &set);
    let attributes = &run.directory.attributes;
    let late = run.select(|fact| match fact {
        Fact::Delivered {
            message,
            luck,
            reconsume_times,
            ..
        } if *reconsume_times > 0 => attributes.tag(*message, *luck).map(|tag| tag.0),
        _ => None,
    });
    let tag_a_late = late
        .iter()
        .filter(|(time, tag)| *time > at("21s") && *tag == 0)
        .count();
    assert!(
        tag_a_late > 100,
        "{tag_a_late} retries of TagA after nobody asks for TagA"
    );
}

/// Two members, two tags: of four parts (tag by owner) one is consumed, as the broker knows one subscription only.
#[test]
fn members_that_differ_lose_three_quarters() {
    let set = [
        "producers.shop.tags={\"TagA\": 1, \"TagB\": 1}",
        "groups.billing.consumers=[{\"subscribe\": {\"orders\": \"TagA\"}}, {\"subscribe\": {\"orders\": \"TagB\"}, \"start\": \"1s\"}]",
        "producers.shop.start=5s",
    ];
    let run = run_with(TAGGED, &set);
    let delivered = run.select(|fact| match fact {
        Fact::Delivered { consumer, .. } => Some(*consumer),
        _ => None,
    });
    let winner = delivered[0].1;
    assert!(delivered.iter().all(|(_, consumer)| *consumer == winner));
    let share = delivered.len() as f64 / stored(&run) as f64;
    assert!((share - 0.25).abs() < 0.02, "{share}");
    let missed = run.select(|fact| match fact {
        Fact::Filtered {
            wanted: true,
            from,
            to,
            ..
        } => Some(to - from),
        _ => None,
    });
    let missed: u64 = missed.iter().map(|(_, records)| records).sum();
    assert_eq!(missed + delivered.len() as u64, stored(&run));
    assert!(filtered(&run, FilteredBy::Client) > 0);
}

/// A client that subscribes anew is ahead of the broker until its heartbeat is there; then it gets the new tag.
#[test]
fn a_new_subscription_takes_effect_at_once() {
    let set = [
        "groups.billing.subscribe={\"orders\": \"TagA\"}",
        "groups.billing.consumers.count=1",
        "timeline=[{\"at\": \"20s\", \"subscribe\": \"billing/1\", \"subscription\": {\"orders\": \"TagB\"}}]",
    ];
    let run = run_with(TAGGED, &set);
    let attributes = &run.directory.attributes;
    let tags = run.select(|fact| match fact {
        Fact::Delivered { message, luck, .. } => attributes.tag(*message, *luck).map(|tag| tag.0),
        _ => None,
    });
    let in_time = |tag, from: &str, to: &str| {
        let (from, to) = (at(from), at(to));
        tags.iter()
            .filter(|(time, of)| *of == tag && (from..to).contains(time))
            .count()
    };
    assert!(in_time(0, "5s", "20s") > 500 && in_time(1, "0s", "20s") == 0);
    assert!(in_time(1, "22s", "40s") > 500 && in_time(0, "21s", "40s") == 0);
    let refused = run.count(|fact| {
        matches!(
            fact,
            Fact::PullFailed {
                cause: PullFailure::SubscriptionNotLatest,
                ..
            }
        )
    });
    assert!(refused <= 2, "{refused} pulls were ahead of the heartbeat");
}
