//! Allocation strategies over any topology: who owns what, and who has to move.
//!
//! Members are named so that their ids sort otherwise than their numbers, and queues lie on three brokers. `CONFIG`
//! is left out of what holds for all: its lists may leave queues out or name them twice, and nobody checks.

use proptest::prelude::*;
use rmqsim::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, Beyond, Names, QueueName, Strategy,
};
use rmqsim::cluster::ids::{ConsumerId, TopicId};
use rmqsim::cluster::message_queue::MessageQueue;
use rmqsim::observe::shares;
use std::collections::{BTreeMap, BTreeSet};

/// A strategy over names.
type Built = Box<dyn AllocateMessageQueueStrategy<MessageQueue, String>>;
type Shares = Vec<Vec<MessageQueue>>;

/// Names that are their own texts, with the room in front; a client's weight is the length of its id.
struct Texts;

impl Names<MessageQueue, String> for Texts {
    fn queue<'n>(&'n self, queue: &'n MessageQueue) -> QueueName<'n> {
        queue.as_name()
    }
    fn client<'n>(&'n self, client: &'n String) -> &'n str {
        client
    }
    fn weight(&self, client: &String) -> u32 {
        client.len() as u32
    }
    fn broker_room<'n>(&'n self, queue: &'n MessageQueue) -> &'n str {
        queue.broker_name.split(['@', '-']).next().unwrap_or_default()
    }
}

/// All strategies that name an owner for each queue, and `MACHINE_ROOM`, which does so for those of its rooms.
fn all_built() -> Vec<(String, Built)> {
    let settings = [
        r#"{ "CONSISTENT_HASH": { "virtualNodes": 0 } }"#,
        r#"{ "CONSISTENT_HASH": { "virtualNodes": 3 } }"#,
        r#"{ "MACHINE_ROOM": { "rooms": ["hz", "sh"] } }"#,
        r#"{ "X_BOUNDED_CONSISTENT_HASH": { "virtualNodes": 3, "loadBound": 1 } }"#,
        r#"{ "X_WEIGHTED": { "weights": { "hz-c0@7": 9, "sh-c1@14": 1 } } }"#,
        r#"{ "CONFIG": { "hz-c0@7": ["orders hz@broker-a:0", "orders nowhere:0", "orders hz@broker-a:0"] } }"#,
    ];
    let words = Strategy::words().map(|word| Strategy::of_word(&word).unwrap());
    let settings = settings.map(|text| serde_json::from_str(text).unwrap());
    words
        .chain(settings)
        .map(|strategy| {
            (
                format!("{strategy:?}"),
                strategy.build(|name| vec![name.to_owned()]),
            )
        })
        .collect()
}

/// Queues of `orders` on brokers of three rooms, in order.
fn queues(n: usize) -> Vec<MessageQueue> {
    let brokers = ["hz@broker-a", "sh@broker-b", "xx-broker-c"];
    let mut queues: Vec<MessageQueue> = (0..n)
        .map(|at| MessageQueue::new("orders", brokers[at % 3], (at / 3) as i32))
        .collect();
    queues.sort();
    queues
}

/// The id of a member: two rooms, ids of different lengths.
fn id(n: u32) -> String {
    let room = ["hz", "sh"][n as usize % 2];
    format!("{room}-c{n}@{}", (n * 7 + 7) % 101)
}

fn ids(members: impl IntoIterator<Item = u32>) -> Vec<String> {
    let mut ids: Vec<String> = members.into_iter().map(id).collect();
    ids.sort();
    ids
}

fn question<'a>(
    queues: &'a [MessageQueue],
    clients: &'a [String],
    beyond: Beyond<'a, MessageQueue, String>,
) -> Allocation<'a, MessageQueue, String> {
    Allocation {
        consumer_group: "billing",
        current_cid: None,
        mq_all: queues,
        cid_all: clients,
        names: &Texts,
        beyond,
    }
}

/// What each of `clients` gets.
fn shares(strategy: &Built, queues: &[MessageQueue], clients: &[String], previous: &Previous) -> Shares {
    let beyond = Beyond {
        previous,
        ..Beyond::default()
    };
    strategy
        .allocate_all(&question(queues, clients, beyond))
        .expect("there are queues and members")
}

type Previous = [(String, Vec<MessageQueue>)];

/// Who holds what, for the next question.
fn held(clients: &[String], shares: &Shares) -> Vec<(String, Vec<MessageQueue>)> {
    clients.iter().cloned().zip(shares.iter().cloned()).collect()
}

fn owners<'a>(clients: &'a [String], shares: &'a Shares) -> BTreeMap<&'a MessageQueue, &'a String> {
    let of =
        |(client, share): (&'a String, &'a Vec<MessageQueue>)| share.iter().map(move |queue| (queue, client));
    clients.iter().zip(shares).flat_map(of).collect()
}

fn sizes(shares: &Shares) -> Vec<usize> {
    shares.iter().map(Vec::len).collect()
}

/// Whether the largest and the smallest differ by one at most.
fn is_level(sizes: &[usize]) -> bool {
    sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1
}

fn built(word: &str) -> Built {
    Strategy::of_word(word).unwrap().build(|_| Vec::new())
}

/// A crowd of members, by number.
fn members(most: usize) -> impl proptest::strategy::Strategy<Value = BTreeSet<u32>> {
    prop::collection::btree_set(0u32..40, 1..most)
}

proptest! {
    /// All at once is member by member, whatever was held before, with doubled ids and in any order of lists.
    #[test]
    fn all_at_once_is_one_by_one(
        n in 1usize..30,
        crowd in prop::collection::vec(0u32..8, 1..10),
        sorted: bool,
        before in members(8),
        queues_before in 0usize..20,
        load in 0u32..5,
    ) {
        let mut clients: Vec<String> = crowd.into_iter().map(id).collect();
        if sorted {
            clients.sort();
        }
        let (all, gone) = (queues(n), ids(before));
        let previous = held(&gone, &shares(&built("AVG_BY_CIRCLE"), &queues(n + 4), &gone, &[]));
        let load_before: Vec<u32> = (0..clients.len() as u32).map(|at| at % 3 * load).collect();
        let beyond = Beyond { previous: &previous, queues_before, load_before: &load_before };
        let ask = question(&all, &clients, beyond);
        for (name, strategy) in all_built() {
            let single: Result<Shares, AllocateError> = clients
                .iter()
                .map(|me| strategy.allocate(&Allocation { current_cid: Some(me), ..ask }))
                .collect();
            prop_assert_eq!(strategy.allocate_all(&ask), single, "{}", name);
        }
    }

    /// With equal views every queue has exactly one owner; under `MACHINE_ROOM` every queue of its rooms, without
    /// places on the ring none.
    #[test]
    fn every_queue_has_one_owner(n in 1usize..60, crowd in members(20)) {
        let (all, clients) = (queues(n), ids(crowd));
        for (name, strategy) in all_built() {
            let mut given = shares(&strategy, &all, &clients, &[]).concat();
            given.sort();
            let wanted: Vec<MessageQueue> = match name.as_str() {
                name if name.starts_with("Config") => continue,
                "ConsistentHash { virtual_nodes: 0 }" => Vec::new(),
                name if name.starts_with("MachineRoom {") => {
                    all.iter().filter(|queue| queue.broker_name.contains('@')).cloned().collect()
                }
                _ => all.clone(),
            };
            prop_assert_eq!(given, wanted, "{}", name);
        }
    }

    /// Shares differ by one at most, and no more moves than the change requires, through any changes of members
    /// and of the number of queues. The least is counted apart, from who is too rich and who is gone.
    #[test]
    fn sticky_is_even_and_moves_least(steps in prop::collection::vec((1usize..40, members(12)), 1..8)) {
        let strategy = built("X_STICKY");
        let mut previous = Vec::new();
        for (n, crowd) in steps {
            let (all, clients) = (queues(n), ids(crowd));
            let now = shares(&strategy, &all, &clients, &previous);
            prop_assert!(is_level(&sizes(&now)));
            let (old_clients, old): (Vec<String>, Shares) = previous.into_iter().unzip();
            let (before, after) = (owners(&old_clients, &old), owners(&clients, &now));
            let moves = all.iter().filter(|queue| {
                before.get(queue).is_some_and(|owner| Some(owner) != after.get(queue))
            });
            // Numbers for people: members by position, those that are gone behind them.
            let number = |client: &String| {
                let at = clients.iter().position(|known| known == client);
                ConsumerId(at.unwrap_or(clients.len()) as u32)
            };
            let mut held_before = shares::Shares::default();
            clients.iter().map(number).for_each(|living| held_before.join(living));
            for queue in &all {
                held_before.enter(TopicId(0), before.get(queue).map(|owner| number(owner)));
            }
            prop_assert_eq!(moves.count() as u64, held_before.distance());
            previous = held(&clients, &now);
        }
    }

    /// Who was told the same answers the same: without a change nothing moves.
    #[test]
    fn memory_moves_nothing_without_a_change(n in 1usize..40, crowd in members(12), load in 0u32..4) {
        let (all, clients) = (queues(n), ids(crowd));
        let load_before: Vec<u32> = (0..clients.len() as u32).map(|at| at * load % 5).collect();
        for word in ["X_STICKY", "X_KAFKA_STICKY", "MACHINE_ROOM_NEARBY-X_STICKY"] {
            let ask = |previous| question(&all, &clients, Beyond { previous, queues_before: 0, load_before: &load_before });
            let once = built(word).allocate_all(&ask(&[])).unwrap();
            let memory = held(&clients, &once);
            prop_assert_eq!(built(word).allocate_all(&ask(&memory)).unwrap(), once, "{}", word);
        }
    }

    /// On the ring a queue moves only to the one who joins, or because its owner left.
    #[test]
    fn consistent_hash_moves_only_what_it_must(n in 1usize..60, crowd in members(20), other in 40u32..60) {
        let (all, strategy) = (queues(n), built("CONSISTENT_HASH"));
        let without = ids(crowd.iter().copied());
        let with = ids(crowd.iter().copied().chain([other]));
        let (fewer, more) = (shares(&strategy, &all, &without, &[]), shares(&strategy, &all, &with, &[]));
        let (fewer, more) = (owners(&without, &fewer), owners(&with, &more));
        for queue in &all {
            prop_assert!(more[queue] == fewer[queue] || *more[queue] == id(other));
        }
    }

    /// Nobody gets more than the bound times the mean, rounded up; a wide bound is no bound.
    #[test]
    fn bounded_hash_respects_its_bound(n in 1usize..80, crowd in members(20), thousandths in 1000u64..3000) {
        let (all, clients) = (queues(n), ids(crowd));
        let strategy = |load_bound| Strategy::BoundedConsistentHash { virtual_nodes: 10, load_bound }.build(|_| Vec::new());
        let bounded = shares(&strategy(thousandths as f64 / 1000.0), &all, &clients, &[]);
        let bound = (thousandths * n as u64).div_ceil(1000 * clients.len() as u64);
        prop_assert!(sizes(&bounded).iter().all(|size| *size as u64 <= bound));
        let unbounded = shares(&strategy(100.0), &all, &clients, &[]);
        prop_assert_eq!(unbounded, shares(&built("CONSISTENT_HASH"), &all, &clients, &[]));
    }

    /// Over all topics together members differ by one queue at most, with and without a past; round robin too.
    #[test]
    fn kafka_levels_all_topics_together(
        topics in prop::collection::vec(1usize..20, 1..6),
        crowd in members(10),
        later in members(10),
    ) {
        for word in ["X_KAFKA_STICKY", "X_KAFKA_ROUND_ROBIN"] {
            let mut memory: Vec<Vec<(String, Vec<MessageQueue>)>> = vec![Vec::new(); topics.len()];
            for crowd in [&crowd, &later] {
                let clients = ids(crowd.iter().copied());
                let mut load_before = vec![0; clients.len()];
                let mut queues_before = 0;
                for (n, previous) in topics.iter().zip(&mut memory) {
                    let all = queues(*n);
                    let beyond = Beyond { previous, queues_before, load_before: &load_before };
                    let now = built(word).allocate_all(&question(&all, &clients, beyond)).unwrap();
                    *previous = held(&clients, &now);
                    queues_before += n;
                    load_before.iter_mut().zip(sizes(&now)).for_each(|(load, size)| *load += size as u32);
                }
                let total: Vec<usize> = load_before.iter().map(|load| *load as usize).collect();
                prop_assert!(is_level(&total), "{}: {:?}", word, total);
            }
        }
    }

    /// Blocks in the order of clients, as those of `AVG`; but the larger ones are neighbours from anywhere on, the last
    /// client being a neighbour of the first.
    #[test]
    fn rotation_moves_the_remainder_only(n in 1usize..40, crowd in members(12)) {
        let (all, clients) = (queues(n), ids(crowd));
        let turned = shares(&built("X_ROTATED_AVG"), &all, &clients, &[]);
        prop_assert_eq!(turned.concat(), all);
        let mut turned = sizes(&turned);
        let mut plain = sizes(&shares(&built("AVG"), &queues(n), &clients, &[]));
        let at_the_seam = |sizes: &[usize]| (0..sizes.len()).filter(|&at| sizes[at] < sizes[(at + 1) % sizes.len()]).count();
        prop_assert!(at_the_seam(&turned) <= 1, "{:?}", turned);
        turned.sort_unstable();
        plain.sort_unstable();
        prop_assert_eq!(turned, plain);
    }
}

/// One queue on each of 24 topics for 4 members, as retry topics are: `AVG` gives all to the first, rotation gives
/// something to everybody.
#[test]
fn single_queues_of_many_topics_spread() {
    let clients = ids(0..4);
    let load = |word: &str| {
        let mut load = [0; 4];
        for topic in 0..24 {
            let all = [MessageQueue::new(format!("%RETRY%group-{topic}"), "broker-a", 0)];
            for (sum, size) in load
                .iter_mut()
                .zip(sizes(&shares(&built(word), &all, &clients, &[])))
            {
                *sum += size;
            }
        }
        load
    };
    assert_eq!(load("AVG"), [24, 0, 0, 0]);
    assert!(load("X_ROTATED_AVG").iter().all(|sum| (3..=9).contains(sum)));
}

/// 10 queues, 3 threads against 1 and 1: 6, 2 and 2.
#[test]
fn weights_decide_how_many() {
    let clients: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
    let strategy: Strategy = serde_json::from_str(r#"{ "X_WEIGHTED": { "weights": { "a": 3 } } }"#).unwrap();
    let built = strategy.build(|name| vec![name.to_owned()]);
    assert_eq!(sizes(&shares(&built, &queues(10), &clients, &[])), [6, 2, 2]);
}
