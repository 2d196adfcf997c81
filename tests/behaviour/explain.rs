//! Stories: the true cause and its time, in the scenarios that were made for it.

use rmqsim::cluster::bounds::Bounds;
use rmqsim::cluster::config::ClusterConfig;
use rmqsim::cluster::ids::{BrokerId, ConsumerId, GroupId};
use rmqsim::explain::example::{self, Why};
use rmqsim::explain::story::{Cause, Event, Fate, Of, Step, Story};
use rmqsim::explain::words::counted;
use rmqsim::explain::{Nothing, Subject, Wanted, explain, tell};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::scenario::{Overrides, Scenario};

fn config(name: &str) -> ClusterConfig {
    Scenario::load(name, &Overrides::default()).unwrap().config
}

/// The example of `why` in a shipped scenario, in all groups.
fn story(name: &str, why: Why) -> Story {
    let config = config(name);
    let bounds = Bounds::default();
    let example = example::find(&config, why, None, &bounds, |_, _| {});
    let (message, group) = example.what.expect("there is an example");
    let story = explain(&config, message, group, &bounds, |_, _| {});
    story.what.expect("it was made")
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
        .what
    };
    let first = of(0).expect("the first is made at once");
    assert_eq!(first.name, "checkout-1#1");
    assert_eq!(first.steps[0].event, Event::Born);
    assert!(first.steps.is_sorted_by_key(|step| step.at));
    assert!(of(1 << 30).is_none());
}

/// The stories of something else in a shipped scenario.
fn told(config: &ClusterConfig, subject: &Subject) -> Vec<Story> {
    let found = tell(config, subject, &Bounds::default(), |_, _| {});
    assert_eq!(found.cut, None);
    found.what.expect("there is a story")
}

fn queue(index: u32) -> Subject {
    let wanted = Wanted {
        topic: "orders".to_owned(),
        broker: BrokerId(0),
        index,
    };
    Subject::Queue(wanted, None)
}

/// All lives of a member.
fn consumer(config: &ClusterConfig, name: &str) -> Subject {
    let all = config
        .groups
        .iter()
        .flat_map(|group| &group.consumers)
        .enumerate();
    let lives = all.filter(|(_, consumer)| consumer.name == name);
    let lives = lives.map(|(id, _)| ConsumerId(id as u32)).collect();
    Subject::Consumer(name.to_owned(), lives)
}

/// The step of this kind that says so, at about this second.
#[track_caller]
fn says<'s>(story: &'s Story, event: Event, at: f64, words: &str) -> &'s Step {
    let is_it = |step: &&Step| {
        let near = (step.at.as_secs_f64() - at).abs() < 0.1;
        near && step.event == event && step.text.contains(words)
    };
    let found = story.steps.iter().find(is_it);
    found.unwrap_or_else(|| panic!("no {event:?} with `{words}` at {at} in {story:#?}"))
}

fn sum<'s>(story: &'s Story, name: &str) -> &'s str {
    let found = story.sums.iter().find(|sum| sum.name == name);
    &found.unwrap_or_else(|| panic!("no {name} in {story:#?}")).text
}

fn cause(step: &Step) -> (&str, &str) {
    let because = step.because.as_ref().expect("it has a cause");
    (because.kind, &because.text)
}

/// The last commit of who shut down at 120 s is lost with its broker at 121 s; it comes back at 151 s, and the next owner
/// begins where it had saved.
#[test]
fn a_queue_tells_that_its_offset_fell_back_and_who_took_it_then() {
    let config = config("broker-crash-offset-rollback");
    let stories = told(&config, &queue(0));
    assert_eq!(stories.len(), 1, "one group reads it");
    let story = &stories[0];
    assert_eq!(
        (story.of, story.name.as_str()),
        (Of::Queue, "orders broker-a:0 for billing")
    );
    says(story, Event::Member, 120.0, "billing-1 shut down");
    says(story, Event::Broker, 121.0, "broker-a is killed");
    let fell = says(story, Event::RolledBack, 121.0, "falls back from 3042 to 3028");
    assert_eq!(
        cause(fell),
        (
            "broker",
            "broker-a has ended, and its offsets are those of its last save"
        )
    );
    let taken = says(
        story,
        Event::Owner,
        156.0,
        "billing-3 takes orders broker-a:0 from billing-1",
    );
    assert!(
        taken
            .text
            .contains("nobody had for 36 s, and begins at the committed offset 3028"),
        "{}",
        taken.text
    );
    let again = says(story, Event::DeliveredAgain, 156.5, "offset 3028 again");
    assert_eq!((cause(again).0, again.more), ("broker", 14));
    assert!(
        sum(story, "owners").ends_with("taken 2 times; nobody had it for 36 s"),
        "{}",
        sum(story, "owners")
    );
    assert!(sum(story, "records").contains("15 given again"));
}

#[test]
fn a_consumer_tells_what_it_left_and_who_got_it_again() {
    let config = config("consumer-crash");
    let story = &told(&config, &consumer(&config, "billing-2"))[0];
    says(story, Event::Round, 1.0, "billing-2 takes orders broker-a:2–3");
    says(story, Event::Member, 120.0, "billing-2 was killed");
    let discarded = says(story, Event::Discarded, 120.0, "does not count");
    assert_eq!(discarded.more, 8, "nine calls were cut off");
    says(
        story,
        Event::Owner,
        120.0,
        "leaves orders broker-a:2–3 and %RETRY%billing broker-b:0 with 9 messages unfinished",
    );
    says(
        story,
        Event::Owner,
        120.0,
        "billing-1 takes orders broker-a:2 from billing-2",
    );
    let again = says(
        story,
        Event::DeliveredAgain,
        120.5,
        "billing-1 is given what billing-2 has had",
    );
    assert_eq!((cause(again).0, again.more), ("killed", 5));
    assert_eq!(
        sum(story, "given again"),
        "12 records to others: billing-1 6, billing-3 6"
    );
    assert!(
        sum(story, "billing-2")
            .starts_with("from 0.000 s to 120.000 s, when it was killed; 12 162 delivered; 12 153 consumed")
    );
}

/// A restart is two changes; the story of each has the figures of the report under the same number.
#[test]
fn a_rebalance_has_the_figures_that_the_report_has_under_its_number() {
    let scenario = Scenario::load("rolling-deploy-strategy", &Overrides::default()).unwrap();
    let report = rmqsim::simulate("rolling-deploy-strategy", &scenario, |_, _| {});
    let changes = &report.rebalance["billing"].changes;
    let config = &scenario.config;
    let start = &told(config, &Subject::Rebalance(GroupId(0), 3))[0];
    assert_eq!(
        start.name, "rebalances 1 to 10 of billing",
        "all at the same instant"
    );
    for number in [11_usize, 12, 19] {
        let story = &told(config, &Subject::Rebalance(GroupId(0), number as u32))[0];
        let change = &changes[number - 1];
        assert_eq!(story.name, format!("rebalance {number} of billing"));
        assert!((story.steps[0].at.as_secs_f64() - change.at_seconds).abs() < 1e-9);
        let who = change.consumer.as_deref().unwrap().split('#').next().unwrap();
        assert!(sum(story, "change").starts_with(who), "{}", sum(story, "change"));
        let moves = format!("{} changed hands", counted(change.moves, "queue", "queues"));
        assert!(
            sum(story, "moves").starts_with(&moves),
            "{moves}: {}",
            sum(story, "moves")
        );
        let again = format!("{} given again", counted(change.duplicates, "record", "records"));
        assert!(
            sum(story, "cost").ends_with(&again),
            "{again}: {}",
            sum(story, "cost")
        );
        let rounds = story
            .steps
            .iter()
            .filter(|step| step.event == Event::Round && step.because.is_some());
        let named = rounds.filter(|step| cause(step).1.contains(&format!("(rebalance {number})")));
        assert!(named.count() >= 2, "its members react: {story:#?}");
        let duplicates = story
            .steps
            .iter()
            .filter(|step| step.event == Event::DeliveredAgain);
        assert_eq!(
            duplicates.map(|step| 1 + step.more).sum::<u64>(),
            change.duplicates
        );
    }
    let many = changes.len() as u64;
    let nothing = tell(
        config,
        &Subject::Rebalance(GroupId(0), 10_000),
        &Bounds::default(),
        |_, _| {},
    );
    assert_eq!(nothing.what.unwrap_err(), Nothing::Rebalances(many));
}

/// At 170 s the process of billing-2 stands still, others took its queues at 161 s, and at 210 s it goes on.
#[test]
fn an_instant_tells_how_things_stand() {
    let config = config("gc-pause");
    let at = SimTime::ZERO + SimDuration::from_secs(170);
    let story = &told(&config, &Subject::Moment(at, None))[0];
    let state = |words: &str| says(story, Event::State, 170.0, words);
    state("the process of billing-2 stands still, since 60.000 s");
    state("two members of billing have orders broker-a:2–3 at once");
    state("(rebalance 5) was 1 m 50 s ago, when billing-2 stood still; 2 queues have changed hands since");
    state("billing has 4 members: billing-1 has orders broker-a:0–2");
    state("next of the timeline, in 40 s: the process of billing-2 goes on");
    says(
        story,
        Event::Round,
        161.0,
        "billing-3 takes orders broker-a:3 from billing-2",
    );
    says(story, Event::Member, 210.0, "the process of billing-2 goes on");
    assert!(
        sum(story, "billing").starts_with("lag 7258, 7140 unfinished"),
        "{}",
        sum(story, "billing")
    );
    let beyond = SimTime::ZERO + SimDuration::from_secs(400);
    let nothing = tell(
        &config,
        &Subject::Moment(beyond, None),
        &Bounds::default(),
        |_, _| {},
    );
    let end = SimTime::ZERO + SimDuration::from_secs(360);
    assert_eq!(nothing.what.unwrap_err(), Nothing::EndsAt(end));
}

/// The call that hangs with offset 299 keeps the committed offset there, whoever has the queue.
#[test]
fn a_queue_tells_that_its_offset_stood_still() {
    let config = config("stuck-message-pins-offset");
    let story = &told(&config, &queue(2))[0];
    assert!(
        sum(story, "commits").starts_with("stood still at 299 for 7 m 30 s, from 30.000 s to 480.000 s"),
        "{}",
        sum(story, "commits")
    );
    assert!(
        sum(story, "lag").contains("when billing-1#2 had it; 4500 at the end"),
        "{}",
        sum(story, "lag")
    );
    let again = says(story, Event::DeliveredAgain, 311.5, "offset 299 again");
    assert_eq!((cause(again).0, again.more), ("graceful", 2699));
    says(story, Event::Pull, 230.1, "exceeds consumeConcurrentlyMaxSpan");
    let free = &told(&config, &queue(1))[0];
    assert!(free.sums.iter().all(|sum| sum.name != "commits"), "{free:#?}");
}

/// Ten thousand things happen to it; the story stays a page or two.
#[test]
fn a_long_story_is_bounded() {
    let config = config("flapping-rebalance-storm");
    let group = &config.groups[0];
    for subject in [queue(0), consumer(&config, &group.consumers[0].name)] {
        for story in told(&config, &subject) {
            assert!(story.steps.len() <= 181, "{} steps", story.steps.len());
            assert!(story.steps.is_sorted_by_key(|step| step.at));
        }
    }
}

#[test]
fn what_retention_removes_unread_is_lost() {
    let text = r#"{
      "title": "Late", "duration": "12h",
      "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } },
                   "tuning": { "fileReservedTime": 3, "deleteWhen": "04;08", "retention": "exact" } },
      "producers": { "shop": { "rate": "0.1/s", "arrivals": "constant" } },
      "groups": { "billing": { "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET",
                               "consumers": { "start": "9h", "service": "1ms" } } }
    }"#;
    let config = Scenario::from_text("late.json", text, &Overrides::default())
        .unwrap()
        .config;
    let bounds = Bounds::default();
    let found = example::find(&config, Why::Lost, None, &bounds, |_, _| {});
    let (message, group) = found.what.expect("it is lost");
    let story = explain(&config, message, group, &bounds, |_, _| {});
    let story = story.what.unwrap();
    assert_eq!(
        (story.name.as_str(), story.ends[0].end),
        ("shop-1#1", Fate::Expired)
    );
    // Stored at 10 s, removed a little more than three hours later.
    assert_eq!(step(&story, Event::Expired).at.as_secs_f64(), 10_860.0);
}
