//! `updateTopic`: queues come and go.

use crate::support::{Experiment, Recording, at, duration};
use rmqsim::cluster::config::{Action, TopicQueues};
use rmqsim::cluster::fact::{Fact, PullFailure};
use rmqsim::cluster::ids::{BrokerId, QueueId, TopicId};
use rmqsim::kernel::time::SimTime;

/// One topic on the first of two brokers.
const GROUP: &str = r#"{
  "title": "Two consumers", "duration": "5m",
  "cluster": { "brokers": ["broker-a", "broker-b"],
               "topics": { "orders": { "brokers": ["broker-a"], "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "80/s", "arrivals": "constant" } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 2, "service": "5ms" } } }
}"#;

fn update(broker: u32, read: u32, write: u32) -> Action {
    Action::UpdateTopic {
        topic: TopicId(0),
        broker: BrokerId(broker),
        numbers: TopicQueues { read, write },
    }
}

/// Queues of the topic on a broker from number `first` on.
fn queues(run: &Recording, broker: u32, first: u32) -> Vec<QueueId> {
    let all = (0..run.directory.queues.len() as u32).map(QueueId);
    all.filter(|queue| {
        let info = run.directory.queue(*queue);
        (info.topic, info.broker) == (TopicId(0), BrokerId(broker)) && info.index >= first
    })
    .collect()
}

fn stored(run: &Recording, queues: &[QueueId]) -> Vec<SimTime> {
    let mut stored = run.select(|fact| match fact {
        Fact::Stored { queue, .. } => Some(*queue),
        _ => None,
    });
    stored.retain(|(_, queue)| queues.contains(queue));
    stored.into_iter().map(|(time, _)| time).collect()
}

fn refused_pulls(run: &Recording) -> Vec<(SimTime, QueueId)> {
    run.select(|fact| match fact {
        Fact::PullFailed {
            queue,
            cause: PullFailure::IllegalQueue,
            ..
        } => Some(*queue),
        _ => None,
    })
}

/// Clients look for routes 10 ms after their start and every 30 s: producers use the new queues from 90.01 s on,
/// consumers after a round more, at most 20 s later. Nothing is lost: a new queue is young and starts at 0.
#[test]
fn new_queues_are_found_within_a_look_and_a_round() {
    let run = Experiment::new(GROUP, &[]).then("61s", update(0, 6, 6)).run();
    let new = queues(&run, 0, 4);
    assert_eq!(new.len(), 2);
    let first = stored(&run, &new)[0];
    assert!((at("90010ms")..at("90100ms")).contains(&first), "{first}");
    for queue in &new {
        assert!(run.holders(*queue, at("90s")).is_empty());
        assert_eq!(run.holders(*queue, at("110100ms")).len(), 1);
    }
    assert!(run.undelivered().iter().all(|(time, _)| *time > at("4m59s")));
}

/// Once a producer whose first route was on its way when the topic changed never looked again. The name server answers
/// at 61.05 s and hears of the new queues at 61.07 s; the producer looks again at 91.01 s.
#[test]
fn a_change_behind_the_first_route_is_found() {
    let set = ["cluster.network.latency=50ms", "producers.shop.start=61s"];
    let run = Experiment::new(GROUP, &set)
        .then("61020ms", update(0, 6, 6))
        .run();
    let first = stored(&run, &queues(&run, 0, 4))[0];
    assert!((at("91010ms")..at("91300ms")).contains(&first), "{first}");
}

/// A broker that is new to the topic: it must be known (a look), have heard a heartbeat (30 s at most) and be asked
/// (a round, at random) before its queues are taken.
#[test]
fn a_topic_moves_to_a_new_broker() {
    let run = Experiment::new(GROUP, &[]).then("61s", update(1, 4, 4)).run();
    let new = queues(&run, 1, 0);
    for queue in &new {
        assert!(run.holders(*queue, at("90s")).is_empty());
        assert_eq!(run.holders(*queue, at("171s")).len(), 1);
    }
    let (old, new) = (stored(&run, &queues(&run, 0, 0)), stored(&run, &new));
    let late = |times: &[SimTime]| times.iter().filter(|time| **time > at("2m")).count();
    assert_eq!(late(&old), late(&new), "round robin over four and four");
    assert!(late(&new) > 0);
    assert!(run.undelivered().iter().all(|(time, _)| *time > at("4m59s")));
}

/// The right order: first nobody writes, then, when all is read, nobody reads. Nothing is refused to a producer,
/// nothing stays behind.
#[test]
fn shrinking_writers_first_strands_nothing() {
    let run = Experiment::new(GROUP, &[])
        .then("60s", update(0, 4, 2))
        .then("150s", update(0, 2, 2))
        .run();
    assert_eq!(run.count(|fact| matches!(fact, Fact::SendRefused { .. })), 0);
    assert!(run.undelivered().iter().all(|(time, _)| *time > at("4m59s")));
    for queue in queues(&run, 0, 2) {
        assert!(run.holders(queue, at("201s")).is_empty());
    }
    // From the update to the round after the next look each of the two queues is refused once a second, at most.
    let refused = refused_pulls(&run);
    assert!(
        !refused.is_empty() && refused.len() <= 2 * 51,
        "{}",
        refused.len()
    );
    let one = refused.iter().filter(|(_, queue)| *queue == refused[0].1);
    let times: Vec<SimTime> = one.map(|(time, _)| *time).collect();
    let gaps = times.windows(2).map(|pair| pair[1].since(pair[0]));
    assert!(
        gaps.into_iter()
            .all(|gap| (duration("1s")..duration("1010ms")).contains(&gap))
    );
}

/// The wrong order: producers go on writing to queues 2 and 3, which nobody is given any more. A pull that waits for
/// the next message is refused when that comes.
#[test]
fn shrinking_readers_first_strands_messages() {
    let run = Experiment::new(GROUP, &[]).then("60s", update(0, 2, 4)).run();
    let closed = queues(&run, 0, 2);
    let stranded = run.undelivered();
    let stranded: Vec<SimTime> = stranded
        .iter()
        .filter(|(_, (queue, _))| closed.contains(queue))
        .map(|(time, _)| *time)
        .collect();
    // Half of 80 a second, from the update on.
    let stored = stored(&run, &closed)
        .into_iter()
        .filter(|time| *time >= at("60s"));
    assert_eq!(stranded, stored.collect::<Vec<_>>());
    assert!((9590..=9600).contains(&stranded.len()), "{}", stranded.len());
    assert!(!refused_pulls(&run).is_empty());
}

/// Both at once: until a producer looks again (90.01 s), every second message goes to a queue that is no more, is
/// refused, and tried again on the next in turn, up to twice. Some are given up; no other is missing.
#[test]
fn refused_messages_go_to_another_queue() {
    let run = Experiment::new(GROUP, &[]).then("61s", update(0, 2, 2)).run();
    let refused = run.select(|fact| match fact {
        Fact::SendRefused { gave_up, .. } => Some(*gave_up),
        _ => None,
    });
    assert!(refused.len() > 1000, "{}", refused.len());
    assert!(
        refused
            .iter()
            .all(|(time, _)| (at("61s")..at("90100ms")).contains(time))
    );
    let given_up = refused.iter().filter(|(_, gave_up)| *gave_up).count();
    let born = run.count(|fact| matches!(fact, Fact::Born { .. }));
    let stored = run.count(|fact| matches!(fact, Fact::Stored { .. }));
    assert!(
        (born - stored - given_up) <= 1,
        "born = stored + given up, but for one on the wire"
    );
}

/// A topic without a queue to write to: the application is told at once. Without one to read, whoever holds queues
/// keeps them, and is refused: the strategy does not take an empty list.
#[test]
fn a_topic_may_lose_all_its_queues() {
    let run = Experiment::new(GROUP, &[]).then("60s", update(0, 0, 0)).run();
    let after = stored(&run, &queues(&run, 0, 0))
        .into_iter()
        .filter(|time| *time > at("60s"));
    assert_eq!(after.count(), 0);
    let gave_up = run.select(|fact| matches!(fact, Fact::SendRefused { gave_up: true, .. }).then_some(()));
    assert!(gave_up.iter().any(|(time, ())| *time > at("4m59s")));
    for queue in queues(&run, 0, 0) {
        assert_eq!(run.holders(queue, at("4m59s")).len(), 1);
    }
}
