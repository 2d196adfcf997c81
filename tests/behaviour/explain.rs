//! The stories of messages: the true cause and its time, in the scenarios that were made for it.

use rmqsim::cluster::bounds::Bounds;
use rmqsim::cluster::config::ClusterConfig;
use rmqsim::explain::example::{self, Why};
use rmqsim::explain::explain;
use rmqsim::explain::story::{Cause, Event, Fate, Step, Story};
use rmqsim::scenario::{Overrides, Scenario};

fn config(name: &str) -> ClusterConfig {
    Scenario::load(name, &Overrides::default()).unwrap().config
}

/// The example of `why` in a shipped scenario, in all groups.
fn story(name: &str, why: Why) -> Story {
    let config = config(name);
    let bounds = Bounds::default();
    let (message, group) =
        example::find(&config, why, None, &bounds, |_, _| {}).expect("there is an example");
    explain(&config, message, group, &bounds, |_, _| {}).expect("it was made")
}

fn step(story: &Story, event: Event) -> &Step {
    let found = story.steps.iter().find(|step| step.event == event);
    found.unwrap_or_else(|| panic!("no {event:?} in {story:#?}"))
}

/// The cause of the first step of this kind; its kind and second, and the words that it holds.
#[track_caller]
fn check(story: &Story, event: Event, kind: &str, at: Option<f64>, says: &[&str]) {
    let Some(Cause {
        kind: found,
        text,
        at: when,
    }) = &step(story, event).because
    else {
        panic!("{event:?} has no cause in {story:#?}");
    };
    assert_eq!(*found, kind, "{text}");
    if let Some(at) = at {
        let when = when.expect("it has an instant").as_secs_f64();
        assert!((when - at).abs() < 0.1, "{when} is not {at}: {text}");
    }
    for words in says {
        assert!(text.contains(words), "no `{words}` in: {text}");
    }
}

#[test]
fn a_duplicate_names_the_killed_client_and_the_committed_offset() {
    let story = story("consumer-crash", Why::Duplicate);
    check(
        &story,
        Event::DeliveredAgain,
        "killed",
        Some(120.0),
        &[
            "billing-2 was killed at 120.000 s",
            "began at the committed offset",
        ],
    );
    assert_eq!((story.ends[0].end, story.ends[0].deliveries), (Fate::Consumed, 2));
    // It lies at or behind the offset from which the next owner began.
    assert_eq!(step(&story, Event::Owner).at.as_secs_f64(), 120.0);
}

#[test]
fn other_duplicates_have_other_causes() {
    let paused = story("gc-pause", Why::Duplicate);
    let says = ["the process of billing-2 stood still from 60.000 s"];
    check(&paused, Event::DeliveredAgain, "paused", Some(60.0), &says);
    let rebalance = story("shutdown-without-drain", Why::Duplicate);
    let says = ["gave the queue up at 60.001 s, for a broker told it that the members had changed"];
    check(&rebalance, Event::DeliveredAgain, "rebalance", Some(60.0), &says);
    let graceful = story("stuck-message-pins-offset", Why::Duplicate);
    check(
        &graceful,
        Event::DeliveredAgain,
        "graceful",
        Some(300.0),
        &["shut down at 300.000 s"],
    );
    let overlap = story("duplicate-client-id", Why::Duplicate);
    check(
        &overlap,
        Event::DeliveredAgain,
        "overlap",
        None,
        &["still had the queue"],
    );
}

/// The delays are those of `messageDelayLevel` from level 3 on.
#[test]
fn a_dead_letter_tells_its_attempts_by_the_table() {
    let story = story("retry-to-dlq-timetable", Why::Dead);
    let says = ["it has failed 17 times, and the group allows 16 retries"];
    check(&story, Event::Dead, "max_reconsume_times", None, &says);
    assert_eq!((story.ends[0].end, story.ends[0].deliveries), (Fate::Dead, 17));
    let sent_back = story.steps.iter().filter(|step| step.event == Event::SentBack);
    let told: Vec<&str> = sent_back
        .filter_map(|step| step.text.split_once("is due in ")?.1.split_once(" (delay"))
        .map(|(delay, _)| delay)
        .collect();
    let table = [
        "10 s", "30 s", "1 m", "2 m", "3 m", "4 m", "5 m", "6 m", "7 m", "8 m", "9 m", "10 m", "20 m",
        "30 m", "1 h", "2 h",
    ];
    assert_eq!(told, table);
}

#[test]
fn a_lost_message_names_who_left_it_behind() {
    let mismatch = story("subscription-mismatch", Why::Lost);
    let says = ["filtered out by the broker", "a member of the group asks for it"];
    check(&mismatch, Event::Filtered, "mismatched", None, &says);
    let skipped = story("new-group-start", Why::Lost);
    check(&skipped, Event::Skipped, "skipped", None, &["consumeFromWhere"]);
    let dropped = story("broadcast-gap", Why::Lost);
    check(
        &dropped,
        Event::Dropped,
        "broadcasting",
        None,
        &["has no retries"],
    );
    let by_operator = story("backlog-remedies", Why::Lost);
    check(&by_operator, Event::Skipped, "reset", None, &["operator"]);
    // The group for which it is lost, and no other.
    assert_eq!(by_operator.ends.len(), 1);
    assert!(
        by_operator
            .steps
            .iter()
            .all(|step| step.group.as_deref().is_none_or(|of| of == "skipping"))
    );
}

#[test]
fn a_late_message_tells_what_it_waited_for() {
    let story = story("backlog-drain", Why::Late);
    let says = ["of its queue came first", "nobody held the queue"];
    check(&story, Event::Delivered, "unowned", None, &says);
    // Before the first member had its queues.
    let early = self::story("consumer-crash", Why::Late);
    check(
        &early,
        Event::Delivered,
        "unowned",
        Some(0.0),
        &["took it at 1.0"],
    );
}

/// Within bounds, from its birth on, in the order of time.
#[test]
fn every_message_has_a_story_and_no_other_has() {
    let config = config("quickstart");
    let bounds = Bounds {
        events: Some(2_000),
        ..Bounds::default()
    };
    use rmqsim::cluster::ids::{MessageId, ProducerId};
    let of = |number| {
        explain(
            &config,
            MessageId::new(ProducerId(0), number),
            None,
            &bounds,
            |_, _| {},
        )
    };
    let first = of(0).expect("the first is made at once");
    assert_eq!(first.message, "checkout-1#1");
    assert_eq!(first.steps[0].event, Event::Born);
    assert!(first.steps.is_sorted_by_key(|step| step.at));
    assert!(of(1 << 30).is_none());
}
