//! The same clusters in trouble with broadcasting groups, judged by their accounts: each reader that lives at the end has
//! been given all that was stored since it came, or passed it by; nothing is retried, and nothing is left of the dead.

use crate::random::cases::{Chooser, ms};
use crate::random::faults;
use crate::support::Recorder;
use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::{ClusterConfig, LocalOffsetStore, MessageModel, RocketMqVersion};
use rmqsim::cluster::fact::{Fact, RequestKind};
use rmqsim::cluster::ids::{ConsumerId, GroupId, QueueId};
use rmqsim::kernel::streams::Streams;
use rmqsim::observe::observation::Observation;
use std::collections::{BTreeMap, BTreeSet};

pub fn case(number: u64, version: RocketMqVersion) -> ClusterConfig {
    let mut config = faults::case(number, version);
    let mut c = Chooser(Streams::new(number).stream("case", "broadcasting"));
    for group in &mut config.groups {
        group.message_model = MessageModel::Broadcasting;
        group.local_offset_store = c.pick(&[LocalOffsetStore::Kept, LocalOffsetStore::Lost]);
    }
    config.sample_interval = ms(5_000);
    config
}

pub fn judge(config: &ClusterConfig) {
    let done = Cluster::new(config.clone(), Recorder::default()).run(|_, _| {});
    let mut alive: BTreeSet<ConsumerId> = BTreeSet::new();
    let mut paused: BTreeSet<ConsumerId> = BTreeSet::new();
    let mut files: BTreeMap<(ConsumerId, QueueId), u64> = BTreeMap::new();
    for (_, fact) in &done.observer.0 {
        match fact {
            Fact::ConsumerStarted { consumer } => assert!(alive.insert(*consumer)),
            Fact::ConsumerStopped { consumer, .. } => {
                paused.remove(consumer);
                assert!(alive.remove(consumer));
            }
            Fact::ConsumerPaused { consumer } => assert!(paused.insert(*consumer)),
            Fact::ConsumerResumed { consumer } => assert!(paused.remove(consumer)),
            Fact::LocalOffsetStored {
                consumer,
                queue,
                offset,
            } => {
                files.insert((*consumer, *queue), *offset);
            }
            Fact::RetryScheduled { .. } | Fact::DeadLettered { .. } | Fact::OffsetCommitted { .. } => {
                panic!("{fact:?} of a broadcasting group")
            }
            Fact::Request { kind, .. } => assert!(
                !matches!(
                    kind,
                    RequestKind::ConsumerList | RequestKind::QueryOffset | RequestKind::SendBack
                ),
                "{kind:?} of a broadcasting group"
            ),
            _ => {}
        }
    }
    let left = &done.leftovers;
    assert_eq!((left.held_queues_of_gone, left.tasks_of_gone), (0, 0));

    let mut watched = Cluster::new(config.clone(), Observation::new(config)).run(|_, _| {});
    watched.observer.finish(watched.end, &watched.directory);
    let observation = &watched.observer;
    for (g, group) in watched.directory.groups.iter().enumerate() {
        let group_id = GroupId(g as u32);
        for (number, id) in (0..).zip(&group.readers) {
            let lives = watched.directory.consumers.iter().enumerate();
            let mut lives = lives.filter(|(_, info)| info.group == group_id && info.client_id == *id);
            let lives_now = lives.any(|(c, _)| {
                let consumer = ConsumerId(c as u32);
                alive.contains(&consumer) && !paused.contains(&consumer)
            });
            let balance = observation
                .ledger
                .balance_of_reader(&observation.slots, group_id, number);
            assert_eq!(balance.left(), balance.right(), "{id}: {balance:?}");
            // One that differs in its topics is never asked about the others.
            let differs = config.groups[g]
                .consumers
                .iter()
                .any(|consumer| consumer.subscribe.is_some());
            if lives_now && !differs {
                all_is_seen(observation, group_id, number, id);
            }
        }
    }
}

/// The reader has been given all that lies in queues that members are given.
fn all_is_seen(observation: &Observation, group: GroupId, reader: u32, id: &str) {
    let (slots, ledger) = (&observation.slots, &observation.ledger);
    let mut strands = false;
    for slot in slots
        .of_group(group)
        .filter(|&slot| slots.get(slot).reader == Some(reader))
    {
        let queue = slots.get(slot).queue;
        if !observation.stranded[queue.index()].is_empty() {
            strands = true;
            continue;
        }
        assert!(
            ledger.frontier(slot) >= ledger.end(queue),
            "{id} has not seen all of {queue:?}"
        );
    }
    if !strands {
        let balance = ledger.balance_of_reader(slots, group, reader);
        assert_eq!((balance.waiting, balance.in_flight), (0, 0), "{id}: {balance:?}");
    }
}
