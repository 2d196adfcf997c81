//! Listeners that remember what they have done: effects against deliveries.

use rmqsim::report::Report;
use rmqsim::report::model::EffectsReport;
use rmqsim::scenario::{Overrides, Scenario};

/// Two members on four queues; the first is killed at 40 s with calls of 1 s in hand. 50 messages a second from 10 s to
/// 70 s.
const KILLED: &str = r#"{
  "title": "Killed", "duration": "3m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "rate": "50/s", "arrivals": "constant", "start": "10s", "stop": "70005ms", "keys": 1000000 } },
  "groups": { "billing": { "idempotent": {}, "consumers": { "count": 2, "threads": 40, "service": "1s" } } },
  "timeline": [ { "at": "40s", "kill": "billing/1" } ]
}"#;

#[track_caller]
fn report(set: &[&str]) -> Report {
    let overrides = Overrides {
        set: set.iter().map(|s| (*s).to_owned()).collect(),
        ..Overrides::default()
    };
    let scenario = Scenario::from_text("test.json", KILLED, &overrides);
    let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
    rmqsim::simulate("test.json", &scenario, |_, _| {})
}

#[track_caller]
fn effects(set: &[&str]) -> EffectsReport {
    let report = report(set);
    let group = &report.groups["billing"];
    assert_eq!((group.succeeded, group.lost), (3_000, 0));
    assert!(group.effects.idempotent);
    group.effects.clone()
}

/// About 25 calls die in mid-work, about as many results had come and were not committed. Without a store the latter are
/// done twice; with one, they are known; the former had no effect and are done by the survivor.
#[test]
fn a_mark_after_the_effect_suppresses_what_was_done() {
    let none = effects(&["groups.billing.idempotent.capacity=0"]);
    assert_eq!((none.suppressed, none.lost), (0, 0));
    assert_eq!(none.happened, 3_000 + none.doubled);
    let after = effects(&[]);
    assert_eq!((after.happened, after.doubled, after.lost), (3_000, 0, 0));
    assert_eq!(after.suppressed, none.doubled);
}

/// A mark before the work outlives the process that dies in it: the survivor is told that all is done.
#[test]
fn a_mark_before_the_work_may_lose_it() {
    let report = report(&["groups.billing.idempotent.mark=before"]);
    let group = &report.groups["billing"];
    let effects = group.effects.clone();
    assert_eq!(effects.doubled, 0);
    assert_eq!(effects.happened + effects.lost, 3_000);
    // One second's worth of one of two members, whose calls were in hand.
    assert!((20..=30).contains(&effects.lost), "{effects:?}");
    assert_eq!(group.discarded, effects.lost);
}

/// What a process remembers is gone with it, and nobody else knows it.
#[test]
fn the_memory_of_a_process_helps_no_other() {
    let none = effects(&["groups.billing.idempotent.capacity=0"]);
    let process = effects(&["groups.billing.idempotent.scope=process"]);
    assert_eq!(process.doubled, none.doubled);
}

/// Marks that are forgotten after 10 ms, or for want of room, do not help; an access that always fails neither.
#[test]
fn what_is_forgotten_is_done_again() {
    let none = effects(&["groups.billing.idempotent.capacity=0"]).doubled;
    assert!(none > 0);
    for setting in ["ttl=10ms", "capacity=1", "failureProbability=1"] {
        let set = format!("groups.billing.idempotent.{setting}");
        assert_eq!(effects(&[&set]).doubled, none, "{setting}");
    }
}

/// With a single key, one effect is all that happens: whatever carries it later is taken for the same work.
#[test]
fn one_key_is_one_effect() {
    let set = [
        "groups.billing.idempotent.by=key",
        "producers.shop.keys=1",
        "groups.billing.consumers.threads=1",
    ];
    let report = report(&[&set[..], &["timeline=[]", "groups.billing.consumers.count=1"]].concat());
    let effects = report.groups["billing"].effects.clone();
    assert_eq!((effects.happened, effects.suppressed), (1, 2_999));
}

/// A batch that fails at its last message has had the effects of the others, and has them again.
#[test]
fn a_failed_batch_doubles_the_effects_of_its_head() {
    let set = |ack_index: bool| {
        format!(
            r#"groups.billing.consumers.failure={{"ackIndex":{ack_index},"rules":[
               {{"message":{{"producer":"shop-1","number":5}},"firstAttempts":1,"outcome":"later"}}]}}"#
        )
    };
    let common = [
        "timeline=[]",
        "cluster.topics.orders.queuesPerBroker=1",
        r#"producers.shop={"arrivals":"atOnce","start":"10s","messages":3000}"#,
        "groups.billing.tuning.consumeMessageBatchMaxSize=8",
        "groups.billing.consumers.service=1ms",
        "groups.billing.idempotent.capacity=0",
    ];
    // Messages 1 to 8 are one call, and number 5 fails it: the other seven have their effect twice.
    let whole = effects(&[&common[..], &[&set(false)]].concat());
    assert_eq!((whole.happened, whole.doubled), (3_007, 7));
    let told = effects(&[&common[..], &[&set(true)]].concat());
    assert_eq!((told.happened, told.doubled), (3_000, 0));
}

/// A listener that ignores its interruption has its effect after the shutdown, while another does the same.
#[test]
fn a_call_that_ignores_the_shutdown_doubles_its_effect() {
    let leave = r#"timeline=[{"at":"40s","leave":"billing/1"}]"#;
    let cut_off = effects(&[leave, "groups.billing.idempotent.capacity=0"]);
    let ignored = effects(&[
        leave,
        "groups.billing.idempotent.capacity=0",
        "groups.billing.consumers.interruptible=false",
    ]);
    assert!(ignored.doubled >= cut_off.doubled + 20, "{ignored:?} {cut_off:?}");
}
