//! Members of one group that should not be in one group: equal client ids, different topics; and pulls that are
//! ahead of their heartbeat.

use crate::support::{Experiment, at, duration};
use rmqsim::cluster::fact::{Fact, PullFailure, RebalanceTrigger};
use rmqsim::cluster::ids::{ConsumerId, QueueId, TopicId};

const GROUP: &str = r#"{
  "title": "Two consumers", "duration": "7m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 }, "refunds": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "40/s", "arrivals": "constant" },
                 "desk": { "topic": "refunds", "rate": "40/s", "arrivals": "constant" } },
  "groups": { "billing": { "subscribe": { "orders": "*", "refunds": "*" }, "consumers": { "count": 2, "service": "5ms" } } }
}"#;

/// Both find their id in the first place of a list of two, and take the first half of each topic; the second half
/// belongs to the second place, which nobody thinks is his.
#[test]
fn equal_ids_share_one_half_and_orphan_the_other() {
    let mut experiment = Experiment::new(GROUP, &[]);
    let id = experiment.0.groups[0].consumers[0].client_id.clone();
    experiment.0.groups[0].consumers[1].client_id = id;
    let run = experiment.run();
    for topic in [0, 4] {
        let holders = [0, 1, 2, 3].map(|index| run.holders(QueueId(topic + index), at("6m")));
        assert_eq!(holders, [vec![0, 1], vec![0, 1], vec![], vec![]]);
    }
    let first_half = |queue: QueueId| queue.0 % 4 < 2;
    let times = run.times_delivered();
    assert!(
        times
            .keys()
            .all(|(queue, _)| *queue > QueueId(7) || first_half(*queue))
    );
    let twice = times.values().filter(|times| **times == 2).count();
    assert!(
        twice * 10 > times.len() * 9,
        "{twice} of {} messages come to both",
        times.len()
    );
}

/// Client 0 reads orders, client 1 refunds; the second starts 10 s later. Each takes its place's half of its own
/// topic, so half of each topic is never read. Each heartbeat (31 s, 41 s, 61 s, …) takes the other's topic away and
/// tells everybody: two notifications in 30 s, and pulls of the missing topic are refused.
#[test]
fn different_topics_in_one_group_leave_half_of_each_unread() {
    let mut experiment = Experiment::new(GROUP, &[]);
    let members = &mut experiment.0.groups[0].consumers;
    (members[0].subscribe, members[1].subscribe) = (Some(vec![TopicId(0)]), Some(vec![TopicId(1)]));
    members[1].start = Some(at("10s"));
    let run = experiment.run();
    let holders = (0..8).map(|queue| run.holders(QueueId(queue), at("6m")));
    let nobody = vec![];
    assert_eq!(
        holders.collect::<Vec<_>>(),
        [
            vec![0],
            vec![0],
            nobody.clone(),
            nobody.clone(),
            nobody.clone(),
            nobody,
            vec![1],
            vec![1]
        ]
    );
    for client in [0, 1] {
        let told = run.rounds(client, RebalanceTrigger::Notification);
        let told = told.iter().filter(|time| (at("60s")..at("360s")).contains(time));
        assert_eq!(told.count(), 20);
    }
    let refused = run.select(|fact| match fact {
        Fact::PullFailed {
            consumer,
            cause: PullFailure::SubscriptionNotExist,
            ..
        } => Some(*consumer),
        _ => None,
    });
    // Client 0 may pull for 10 s, then is refused for 20 s, each of its two queues once a second.
    let of_first = refused
        .iter()
        .filter(|(time, who)| *who == ConsumerId(0) && (at("60s")..at("360s")).contains(time));
    let count = of_first.count();
    assert!((360..=410).contains(&count), "{count}");
}

/// After a change of its share a client has a newer subscription than a broker until its heartbeat arrives there: one
/// round trip later at the second broker than at the first. A pull that comes in between is refused, and repeated
/// after 1 s.
#[test]
fn a_pull_that_overtakes_the_heartbeat_is_repeated() {
    let text = r#"{
      "title": "A join", "duration": "2m",
      "cluster": { "brokers": ["broker-a", "broker-b"], "topics": { "orders": { "queuesPerBroker": 8 } },
                   "network": { "latency": "50ms" } },
      "producers": { "shop": { "topic": "orders", "rate": "800/s", "arrivals": "constant" } },
      "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 2, "service": "1ms" } } },
      "timeline": [ { "at": "1m", "join": "billing" } ]
    }"#;
    let run = Experiment::new(text, &[]).run();
    let mut ahead = run.select(|fact| match fact {
        Fact::PullFailed {
            consumer,
            queue,
            cause: PullFailure::SubscriptionNotLatest,
        } => Some((*consumer, *queue)),
        _ => None,
    });
    ahead.retain(|(time, _)| *time > at("1m"));
    assert!(!ahead.is_empty());
    for (failed, (who, which)) in ahead {
        let next = run.select(|fact| match fact {
            Fact::PullAnswered { consumer, queue, .. } | Fact::PullHeld { consumer, queue, .. }
                if (*consumer, *queue) == (who, which) =>
            {
                Some(())
            }
            _ => None,
        });
        let next = next
            .into_iter()
            .map(|(time, ())| time)
            .find(|time| *time > failed);
        let given_up = run.holders(which, failed + duration("1s")) != [who.0];
        assert!(
            given_up || next == Some(failed + duration("1050ms")),
            "{failed} {next:?}"
        );
    }
}
