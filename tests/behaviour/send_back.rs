//! Messages that cannot be sent back, because the broker cannot be reached.

use crate::support::{Experiment, Recording, at, broker, cut, duration, heal, member, slow};
use rmqsim::cluster::config::{Action, RocketMqVersion};
use rmqsim::cluster::fact::Fact;
use rmqsim::cluster::ids::BrokerId;
use rmqsim::kernel::time::SimTime;

/// One message, made at 60 s unless said otherwise, whose listener call takes 1 s and fails.
const ONE: &str = r#"{
  "title": "One message", "duration": "5m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } } },
  "producers": { "shop": { "topic": "orders", "rate": "1/s", "arrivals": "constant", "start": "59s", "messages": 1 } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 1, "service": "1s" } } }
}"#;

fn failing(times: u32) -> Experiment {
    let mut experiment = Experiment::new(ONE, &[]);
    experiment.0.groups[0].consumers[0].failure.fail_first_attempts = times;
    experiment
}

/// When the listener was called, and with which count of attempts.
fn calls(run: &Recording) -> Vec<(SimTime, u16)> {
    run.select(|fact| match fact {
        Fact::Delivered { reconsume_times, .. } => Some(*reconsume_times),
        _ => None,
    })
}

fn retries(run: &Recording) -> Vec<(SimTime, (u16, u8))> {
    run.select(|fact| match fact {
        Fact::RetryScheduled {
            reconsume_times,
            level,
            ..
        } => Some((*reconsume_times, *level)),
        _ => None,
    })
}

/// As [`failing`], between two heartbeats and two rounds (61 s and 81 s): nobody else finds out that a link is cut.
fn undisturbed() -> Experiment {
    let mut experiment = failing(1);
    experiment.0.producers[0].start = at("65s");
    experiment
}

/// The link is cut just before the call ends. 5 s later the client waits no longer for the broker's answer, 3 s later
/// not for that to an ordinary message either, and 5 s after that the listener is called again, with one attempt more.
#[test]
fn a_message_that_cannot_be_sent_back_comes_again() {
    let first = calls(&undisturbed().run())[0].0;
    let end = first + duration("1s");
    let cut_at = first + duration("999ms");
    let run = undisturbed()
        .then_at(cut_at, cut(0, broker(0)))
        .then("79s", heal(0, broker(0)))
        .run();
    assert_eq!(calls(&run), [(first, 0), (end + duration("13s"), 1)]);
    assert_eq!(retries(&run), []);
}

/// The link is cut when the broker has the message and its answer is on the way: the listener is called again, and
/// the retry comes as well.
#[test]
fn a_lost_answer_makes_two_of_one() {
    let first = calls(&undisturbed().run())[0].0;
    let end = first + duration("1s");
    let cut_at = end + duration("100us");
    let run = undisturbed()
        .then_at(cut_at, cut(0, broker(0)))
        .then("79s", heal(0, broker(0)))
        .run();
    assert_eq!(retries(&run).len(), 1);
    // The retry is pulled when the link is whole again, a second before the listener is called again here.
    let calls = calls(&run);
    assert_eq!((calls[0], calls[2]), ((first, 0), (end + duration("13s"), 1)));
    assert_eq!((calls[1].1, calls.len()), (1, 3));
}

/// As above, but the link is whole again while the ordinary message is on its way: two copies, both of level 3.
#[test]
fn an_answer_that_comes_too_late_makes_two_copies() {
    let first = calls(&undisturbed().run())[0].0;
    let end = first + duration("1s");
    let run = undisturbed()
        .then_at(end + duration("100us"), cut(0, broker(0)))
        .then_at(end + duration("6s"), heal(0, broker(0)))
        .run();
    let copies: Vec<(u16, u8)> = retries(&run).into_iter().map(|(_, copy)| copy).collect();
    assert_eq!(copies, [(1, 3), (1, 3)]);
    assert_eq!(calls(&run).len(), 3);
}

/// What goes on as an ordinary message carries the attempts that the client has counted, this one too: more than the limit
/// is dead, from 5.0 on, and the limit itself in 4.9. Source: `SendMessageProcessor.handleRetryAndDLQ`.
#[test]
fn an_ordinary_message_beyond_its_limit_is_dead() {
    let first = calls(&undisturbed().run())[0].0;
    let end = first + duration("1s");
    let outcome = |max: i32, version: RocketMqVersion| {
        let mut experiment = undisturbed();
        experiment.0.groups[0].tuning.max_reconsume_times = max;
        experiment.0.version = version;
        let run = experiment
            .then_at(first + duration("999ms"), cut(0, broker(0)))
            .then_at(end + duration("6s"), heal(0, broker(0)))
            .run();
        let dead = run.count(|fact| {
            matches!(
                fact,
                Fact::DeadLettered {
                    reconsume_times: 1,
                    ..
                }
            )
        });
        (dead, retries(&run).len())
    };
    assert_eq!(outcome(0, RocketMqVersion::V5_3), (1, 0));
    assert_eq!(outcome(1, RocketMqVersion::V5_3), (0, 1));
    assert_eq!(outcome(1, RocketMqVersion::V4_9), (1, 0));
}

/// Broker a cannot be reached: after 3 s without a connection, messages go on as ordinary ones, some of them to broker
/// b. The rest fail after another 3 s, and come again after 5 s.
#[test]
fn an_ordinary_message_may_go_to_another_broker() {
    let mut elsewhere = 0;
    for seed in 0..8 {
        let mut experiment = Experiment::new(
            ONE,
            &[
                "cluster.brokers=2",
                "producers.shop.rate=10/s",
                "producers.shop.messages=100",
            ],
        );
        experiment.0.seed = seed;
        experiment.0.groups[0].consumers[0].failure.fail_first_attempts = 1;
        let run = experiment
            .then("66s", cut(0, broker(0)))
            .then("90s", heal(0, broker(0)))
            .run();
        let copies = run.select(|fact| match fact {
            Fact::RetryStored { queue, message, .. } => Some((*queue, *message)),
            _ => None,
        });
        let original = |message| {
            let stored = run.select(|fact| match fact {
                Fact::Stored {
                    queue,
                    message: stored,
                    ..
                } if *stored == message => Some(*queue),
                _ => None,
            });
            run.directory.queue(stored[0].1).broker
        };
        let moved = copies
            .iter()
            .filter(|(_, (queue, message))| run.directory.queue(*queue).broker != original(*message));
        elsewhere += moved.count();
    }
    // Ten calls were under way at the cut, half of them with messages of broker a.
    assert!(
        (8..=32).contains(&elsewhere),
        "{elsewhere} of about 40 retries on another broker"
    );
}

/// A broken connection is known at once. The heartbeat of 61 s finds the link cut and closes the connection at 64 s;
/// the message is on its way since a little later than 61 s. For the ordinary message no connection comes about until
/// 67 s; 5 s later the listener is called again.
#[test]
fn a_broken_connection_returns_messages_at_once() {
    let first = calls(&failing(1).run())[0].0;
    let run = failing(1)
        .then("60500ms", cut(0, broker(0)))
        .then("64500ms", heal(0, broker(0)))
        .run();
    let again = calls(&run)[1];
    assert!(first + duration("1s") > at("61s") && again.1 == 1, "{again:?}");
    assert!((at("72s")..at("72100ms")).contains(&again.0), "{again:?}");
}

/// Once the broker took the client's count of attempts for its own: the retry of a message that had failed here twice
/// was the second, and waited a level longer. It is the first: level 3.
#[test]
fn the_broker_counts_what_it_has_stored() {
    let run = failing(2)
        .then("60500ms", cut(0, broker(0)))
        .then("64500ms", heal(0, broker(0)))
        .run();
    assert_eq!(
        calls(&run).iter().map(|(_, times)| *times).collect::<Vec<_>>(),
        [0, 1, 1, 2]
    );
    let retries: Vec<(u16, u8)> = retries(&run).into_iter().map(|(_, retry)| retry).collect();
    assert_eq!(retries, [(1, 3), (2, 4)]);
}

/// Once a message that waited for a connection to be sent back stayed in memory when its client died.
#[test]
fn a_message_that_was_never_sent_back_dies_with_its_client() {
    let run = failing(9)
        .then("55s", cut(0, broker(0)))
        .then("60s", heal(0, broker(0)))
        .then("60500ms", cut(0, broker(0)))
        .then("65500ms", Action::Vanish(member(0)))
        .run();
    let left = &run.leftovers;
    assert_eq!((left.held_queues_of_gone, left.tasks_of_gone), (0, 0));
}

/// Messages that are there when the client starts, at 60 s: calls of eight, each of 1 s, which fail as a whole.
fn batches(of_eight: u32) -> Experiment {
    let messages = 8 * of_eight;
    let shop = format!(
        r#"producers.shop={{"topic":"orders","arrivals":"atOnce","start":"1s","messages":{messages}}}"#
    );
    let set = [
        shop.as_str(),
        r#"groups.billing.consumers={"start":"60s","service":"125ms","failure":{"failFirstAttempts":1}}"#,
        r#"groups.billing.consumeFromWhere="CONSUME_FROM_FIRST_OFFSET""#,
        r#"groups.billing.tuning={"consumeMessageBatchMaxSize":8}"#,
    ];
    Experiment::new(ONE, &set)
}

/// When the first call of a batch ends.
fn first_end() -> SimTime {
    calls(&batches(1).run())[0].0 + duration("1s")
}

fn returned(run: &Recording) -> Vec<(SimTime, u64)> {
    run.select(|fact| match fact {
        Fact::RetryScheduled { offset, .. } => Some(*offset),
        _ => None,
    })
}

fn offsets(of: &[(SimTime, u64)]) -> Vec<u64> {
    of.iter().map(|(_, offset)| *offset).collect()
}

/// The thread sends one after another and waits for each answer, a round trip of 400 us.
#[test]
fn failures_of_a_call_go_back_one_by_one() {
    let run = batches(1).run();
    let start = first_end() + duration("200us");
    let expected: Vec<(SimTime, u64)> = (0..8).map(|n| (start + duration("400us") * n, n)).collect();
    assert_eq!(returned(&run), expected);
}

/// Two calls at the same time. The link is cut just before each sends its third message: the first two are done with, the
/// others come again as two calls, and when these succeed all sixteen are committed.
#[test]
fn what_could_be_sent_back_does_not_come_again() {
    let third = first_end() + duration("800us");
    let run = batches(2)
        .then_at(third - duration("100us"), cut(0, broker(0)))
        .then("74s", heal(0, broker(0)))
        .run();
    let mut back = offsets(&returned(&run));
    back.sort_unstable();
    assert_eq!(back, [0, 1, 8, 9]);
    let original = run
        .deliveries()
        .into_iter()
        .filter(|(_, (_, queue, _))| queue.0 == 0);
    let second: Vec<(SimTime, u64)> = original
        .map(|(time, (.., offset))| (time, offset))
        .skip(16)
        .collect();
    let again = third + duration("13s");
    let expected = (2..8).chain(10..16).map(|offset| (again, offset));
    assert_eq!(second, expected.collect::<Vec<_>>());
    let committed = run.select(|fact| match fact {
        Fact::OffsetCommitted { queue, new, .. } if queue.0 == 0 => Some(*new),
        _ => None,
    });
    assert_eq!(committed.last().map(|(_, offset)| *offset), Some(16));
    // What was done with is committed before the rest has come again.
    let early = |(time, offset): &(SimTime, u64)| *offset == 2 && *time < again + duration("1s");
    assert!(committed.iter().any(early));
}

/// The broker dies with the message on its way: nobody is there to take it, which the client is told, or finds in its
/// socket if it was stopped meanwhile. No other broker has the retry topic, so 5 s later the listener is called again.
#[test]
fn a_broker_that_dies_takes_nothing_back() {
    let end = calls(&undisturbed().run())[0].0 + duration("1s");
    let (down, crash) = (BrokerId(0), true);
    let dies = |stopped_for: Option<&str>| {
        let mut experiment = undisturbed();
        if stopped_for.is_some() {
            experiment = experiment.then_at(end + duration("50us"), Action::Pause(member(0)));
        }
        experiment = experiment.then_at(
            end + duration("100us"),
            Action::StopBroker { broker: down, crash },
        );
        if let Some(time) = stopped_for {
            experiment = experiment.then_at(end + duration(time), Action::Resume(member(0)));
        }
        let run = experiment
            .then_at(end + duration("10s"), Action::StartBroker(down))
            .run();
        assert_eq!(retries(&run), []);
        let calls = calls(&run);
        assert_eq!((calls.len(), calls[1].1), (2, 1), "{stopped_for:?}");
        calls[1].0.since(end)
    };
    assert!((duration("5s")..duration("5005ms")).contains(&dies(None)));
    assert!((duration("6s")..duration("6005ms")).contains(&dies(Some("1s"))));
}

/// A machine whose broker is down refuses connections at once: the message goes to the other broker within a few hops.
#[test]
fn a_dead_broker_costs_no_time() {
    let two = |messages: &str| {
        let mut experiment = Experiment::new(ONE, &["cluster.brokers=2", messages]);
        experiment.0.groups[0].consumers[0].failure.fail_first_attempts = 1;
        experiment.0.producers[0].start = at("65s");
        experiment
    };
    let first = two("producers.shop.messages=1").run().deliveries()[0];
    let (end, (_, queue, _)) = (first.0 + duration("1s"), first.1);
    let down = two("producers.shop.messages=1")
        .run()
        .directory
        .queue(queue)
        .broker;
    let crash = true;
    let run = two("producers.shop.messages=1")
        .then_at(
            end - duration("500ms"),
            Action::StopBroker { broker: down, crash },
        )
        .run();
    let stored = run.select(|fact| match fact {
        Fact::RetryStored { queue, .. } => Some(*queue),
        _ => None,
    });
    assert_ne!(run.directory.queue(stored[0].1).broker, down);
    let back = returned(&run)[0].0.since(end);
    assert!(back < duration("2ms"), "{back}");
}

/// With 2 s more each way an answer takes 4 s. The client is stopped for 7 s meanwhile, beyond its 5 s of patience, and
/// finds the answer in its socket when it goes on: that counts, and the time-out of the first message fails no other.
#[test]
fn a_time_out_in_a_pause_is_late_for_the_next_message() {
    let end = first_end();
    let run = batches(1)
        .then_at(end - duration("500ms"), slow(0, broker(0), "2s"))
        .then_at(end + duration("1s"), Action::Pause(member(0)))
        .then_at(end + duration("8s"), Action::Resume(member(0)))
        .then_at(end + duration("12s"), slow(0, broker(0), "0s"))
        .run();
    assert_eq!(offsets(&returned(&run)), (0..8).collect::<Vec<_>>());
}

/// 5 s more each way, and the client shuts down while its message is on the way: nobody waits for the answer any more,
/// and the broker takes the message all the same.
#[test]
fn what_a_leaving_client_has_sent_back_still_arrives() {
    let end = calls(&undisturbed().run())[0].0 + duration("1s");
    let run = undisturbed()
        .then_at(end - duration("500ms"), slow(0, broker(0), "5s"))
        .then_at(end + duration("3s"), Action::Leave(member(0)))
        .run();
    let arrived = returned(&run);
    assert_eq!(arrived, [(end + duration("5s") + duration("200us"), 0)]);
    assert_eq!(
        (run.leftovers.held_queues_of_gone, run.leftovers.tasks_of_gone),
        (0, 0)
    );
}
