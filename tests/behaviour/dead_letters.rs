//! What becomes of messages that nobody could consume.

use crate::support::{Experiment, Recording, at, run_with};
use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::{Action, ClusterConfig};
use rmqsim::cluster::directory::TopicKind;
use rmqsim::cluster::fact::{DropCause, Fact};
use rmqsim::cluster::ids::{BrokerId, GroupId, MessageId, QueueId};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::observe::observation::Observation;
use std::collections::BTreeMap;

/// Every message fails twice; one retry is allowed, so all of them die. Another group reads the dead letters.
const DEAD: &str = r#"{
  "title": "All die", "duration": "5m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 1 } },
               "tuning": { "messageDelayLevel": "1s 1s 1s" } },
  "producers": { "shop": { "rate": "10/s", "arrivals": "constant", "stop": "1m" } },
  "groups": {
    "billing": { "subscribe": { "orders": "*" }, "consumers": { "service": "1ms", "failure": { "failFirstAttempts": 2 } },
                 "tuning": { "maxReconsumeTimes": 1 } },
    "repair": { "subscribe": { "%DLQ%billing": "*" }, "consumers": { "service": "1ms" } }
  }
}"#;

const BILLING: GroupId = GroupId(0);
const REPAIR: GroupId = GroupId(1);

fn watch(config: &ClusterConfig) -> Observation {
    let mut done = Cluster::new(config.clone(), Observation::new(config)).run(|_, _| {});
    done.observer.finish(done.end, &done.directory);
    done.observer
}

/// A group may subscribe to dead letters before there are any. It finds the topic within a look and a round, and sees
/// each message with the count of attempts that it died with.
#[test]
fn dead_letters_are_read_by_a_group_of_their_own() {
    let experiment = Experiment::new(DEAD, &[]);
    let observed = watch(&experiment.0);
    let dead = observed.ledger.balance(&observed.slots, BILLING);
    let read = observed.ledger.balance(&observed.slots, REPAIR);
    assert_eq!((dead.dead, dead.succeeded), (599, 0));
    assert_eq!((read.produced, read.succeeded), (599, 599));
    let run = experiment.run();
    let delivered = run.select(|fact| match fact {
        Fact::Delivered {
            group: REPAIR,
            reconsume_times,
            stored,
            ..
        } => Some((*reconsume_times, *stored)),
        _ => None,
    });
    assert!(delivered.iter().all(|(_, (times, _))| *times == 2));
    // A dead letter is as old as its message and was stored when that died.
    let dead = run.select(|fact| matches!(fact, Fact::DeadLettered { .. }).then_some(()));
    let died: Vec<SimTime> = dead.into_iter().map(|(time, ())| time).collect();
    assert!(delivered[0].0.since(died[0]) <= SimDuration::from_secs(55));
    let stored: Vec<SimTime> = delivered.into_iter().map(|(_, (_, stored))| stored).collect();
    assert_eq!(stored, died);
}

/// A dead letter has used up attempts: whoever fails it again goes on counting, and may bury it at once.
#[test]
fn attempts_on_dead_letters_count_on() {
    let observed = watch(
        &Experiment::new(
            DEAD,
            &["groups.repair.consumers={\"service\":\"1ms\",\"failure\":{\"poison\":1}}"],
        )
        .0,
    );
    let read = observed.ledger.balance(&observed.slots, REPAIR);
    // Its own limit is 16, and they come with 2.
    assert_eq!((read.dead, observed.ledger.scheduled(REPAIR)), (599, 14 * 599));
    let tight = Experiment::new(
        DEAD,
        &[
            "groups.repair.consumers={\"service\":\"1ms\",\"failure\":{\"poison\":1}}",
            "groups.repair.tuning={\"maxReconsumeTimes\":2}",
        ],
    );
    let observed = watch(&tight.0);
    let read = observed.ledger.balance(&observed.slots, REPAIR);
    assert_eq!((read.dead, observed.ledger.scheduled(REPAIR)), (599, 0));
}

/// Up to 4.5.1 dead letters may not be read: nobody is given the queue until an operator allows it.
#[test]
fn dead_letters_wait_for_their_permission() {
    let experiment = Experiment::new(DEAD, &["cluster.tuning.dlqPermission=write"]).then(
        "2m",
        Action::SetDlqPermission {
            group: BILLING,
            readable: true,
        },
    );
    let run = experiment.run();
    let delivered = run.select(|fact| matches!(fact, Fact::Delivered { group: REPAIR, .. }).then_some(()));
    assert_eq!(delivered.len(), 599);
    assert!(
        delivered[0].0 > at("2m") && delivered[0].0 <= at("2m55s"),
        "{:?}",
        delivered[0].0
    );
}

/// Sent again at 50 a second: new records of the old messages, which the repaired listener takes. The dead letters stay.
#[test]
fn dead_letters_are_sent_again() {
    let gap = SimDuration::from_millis(20);
    let (group, readable) = (BILLING, true);
    let experiment = Experiment::new(DEAD, &[REPAIRED])
        .then("2m", Action::ResendDlq { group, gap })
        .then("3m", Action::SetDlqPermission { group, readable });
    let observed = watch(&experiment.0);
    let balance = observed.ledger.balance(&observed.slots, BILLING);
    assert_eq!(
        (balance.produced, balance.dead, balance.succeeded),
        (2 * 599, 599, 599)
    );
    assert_eq!(observed.retries[0].resent, 599);
    let run = experiment.run();
    let resent = run.select(|fact| match fact {
        Fact::Resent { message, .. } => Some(*message),
        _ => None,
    });
    assert_eq!(resent[0].0, at("2m"));
    assert!(resent.windows(2).all(|pair| pair[1].0.since(pair[0].0) == gap));
    let dead = run.select(|fact| match fact {
        Fact::DeadLettered { message, .. } => Some(*message),
        _ => None,
    });
    let messages =
        |of: &[(_, rmqsim::cluster::ids::MessageId)]| of.iter().map(|(_, m)| *m).collect::<Vec<_>>();
    assert_eq!(messages(&resent), messages(&dead));
}

/// A repaired listener from 90 s on.
const REPAIRED: &str = "timeline=[{\"at\":\"90s\",\"setListener\":\"billing/*\",\"failure\":{}}]";

fn resend() -> Action {
    let (group, gap) = (BILLING, SimDuration::from_millis(20));
    Action::ResendDlq { group, gap }
}

/// What died on which broker, in the order in which a tool finds it that reads one broker after another.
fn in_order_of_brokers(run: &Recording) -> Vec<(BrokerId, MessageId)> {
    let dead = run.select(|fact| match fact {
        Fact::DeadLettered {
            dlq_queue, message, ..
        } => Some((*dlq_queue, *message)),
        _ => None,
    });
    let dead = dead.into_iter();
    let broker = |queue: QueueId| run.directory.queue(queue).broker;
    let mut dead: Vec<_> = dead
        .map(|(_, (queue, message))| (broker(queue), message))
        .collect();
    dead.sort_by_key(|(broker, _)| *broker);
    dead
}

fn resent(run: &Recording) -> Vec<(SimTime, (QueueId, u64, MessageId))> {
    run.select(|fact| match fact {
        Fact::Resent {
            queue,
            offset,
            message,
            ..
        } => Some((*queue, *offset, *message)),
        _ => None,
    })
}

/// The tool reads one dead-letter queue after another and sends to the queues of origin in turn. What it sends is a new
/// message: made and stored at that moment, and never tried before. Source: `DLQMessageController`, `DefaultMQProducer`.
#[test]
fn dead_letters_sent_again_are_new_messages() {
    let two_by_two = [
        "cluster.brokers=2",
        "cluster.topics.orders.queuesPerBroker=2",
        REPAIRED,
    ];
    let run = Experiment::new(DEAD, &two_by_two).then("2m", resend()).run();
    let resent = resent(&run);
    let dead = in_order_of_brokers(&run).into_iter();
    assert_eq!(
        resent
            .iter()
            .map(|(_, (.., message))| *message)
            .collect::<Vec<_>>(),
        dead.map(|(_, message)| message).collect::<Vec<_>>()
    );
    let of_origin = [QueueId(0), QueueId(1), QueueId(2), QueueId(3)];
    for (turn, (_, (queue, ..))) in resent.iter().enumerate() {
        assert_eq!(*queue, of_origin[turn % 4], "message {turn}");
    }
    let delivered = run.select(|fact| match fact {
        Fact::Delivered {
            queue,
            offset,
            reconsume_times,
            born,
            stored,
            ..
        } => Some(((*queue, *offset), (*reconsume_times, *born, *stored))),
        _ => None,
    });
    let delivered: BTreeMap<_, _> = delivered.into_iter().map(|(_, delivery)| delivery).collect();
    for (time, (queue, offset, _)) in resent {
        assert_eq!(delivered[&(queue, offset)], (0, time, time));
    }
}

/// What lies on a broker that is down is passed over, and nothing is sent there.
#[test]
fn dead_letters_of_a_broker_that_is_down_are_passed_over() {
    let (down, crash) = (BrokerId(0), true);
    let run = Experiment::new(DEAD, &["cluster.brokers=2", REPAIRED])
        .then("100s", Action::StopBroker { broker: down, crash })
        .then("2m", resend())
        .run();
    let mut up = in_order_of_brokers(&run);
    up.retain(|(broker, _)| *broker != down);
    let resent = resent(&run);
    assert_eq!(
        resent
            .iter()
            .map(|(_, (.., message))| *message)
            .collect::<Vec<_>>(),
        up.into_iter().map(|(_, message)| message).collect::<Vec<_>>()
    );
    assert!(
        resent
            .iter()
            .all(|(_, (queue, ..))| run.directory.queue(*queue).broker != down)
    );
}

/// Dead letters that nobody reads stay in memory for the tool that will come, and no longer than until it has come by.
#[test]
fn dead_letters_are_kept_for_the_tool_and_no_longer() {
    let alone = "groups={\"billing\":{\"subscribe\":{\"orders\":\"*\"},\"consumers\":{\"service\":\"1ms\",\"failure\":{\"failFirstAttempts\":2}},\"tuning\":{\"maxReconsumeTimes\":1}}}";
    let kept = |with_tool: bool| {
        let experiment = Experiment::new(DEAD, &[alone, "producers.shop.rate=50/s", REPAIRED]);
        let run = match with_tool {
            true => experiment.then("2m", resend()).run(),
            false => experiment.run(),
        };
        let queues = run.directory.queues.iter();
        let mut of_dead = queues.zip(&run.leftovers.records).filter(|(queue, _)| {
            let topic = run.directory.topic(queue.topic);
            matches!(topic.kind, TopicKind::DeadLetter(_))
        });
        (resent(&run).len(), *of_dead.next().expect("some have died").1)
    };
    let ((none, without), (all, with)) = (kept(false), kept(true));
    assert_eq!((none, all), (0, 2999));
    // Memory is freed by 64 records at a time.
    assert!(without < 128 && with < 128, "{without} and {with} records kept");
}

/// Without retry queues a failure is answered with success, and gone.
#[test]
fn without_retry_queues_failures_are_dropped() {
    let set = ["groups.billing.subscriptionGroup={\"retryQueueNums\":0}"];
    let run = run_with(DEAD, &set);
    let dropped = run.count(|fact| {
        let cause = DropCause::NoRetryQueue;
        matches!(fact, Fact::Dropped { cause: why, .. } if *why == cause)
    });
    assert_eq!(dropped, 599);
    assert!(
        run.directory
            .topics
            .iter()
            .all(|topic| topic.name != "%RETRY%billing")
    );
    let observed = watch(&Experiment::new(DEAD, &set).0);
    let balance = observed.ledger.balance(&observed.slots, BILLING);
    assert_eq!((balance.lost(), balance.dead), (599, 0));
    let run = run_with(DEAD, &["groups.billing.subscriptionGroup={\"retryQueueNums\":3}"]);
    let queues = run.directory.queues.iter();
    let of_retry = queues.filter(|queue| run.directory.topic(queue.topic).name == "%RETRY%billing");
    assert_eq!(of_retry.count(), 3);
}

/// 0 buries a message at its first failure, -1 at its seventeenth.
#[test]
fn the_limit_of_attempts_is_the_groups_own() {
    for (max, deliveries) in [("0", 1), ("1", 2), ("-1", 17)] {
        let set = format!("groups.billing.tuning.maxReconsumeTimes={max}");
        let run = run_with(
            DEAD,
            &[
                &set,
                "groups.billing.consumers.failure={\"poison\":1}",
                "producers.shop.messages=1",
            ],
        );
        let delivered = run.count(|fact| matches!(fact, Fact::Delivered { group: BILLING, .. }));
        let dead = run.count(|fact| matches!(fact, Fact::DeadLettered { .. }));
        assert_eq!((delivered, dead), (deliveries, 1), "{max}");
    }
}
