//! Messages that cannot be sent back, because the broker cannot be reached.

use crate::support::{Experiment, Recording, at, broker, cut, duration, heal, member};
use rmqsim::cluster::config::Action;
use rmqsim::cluster::fact::Fact;
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
