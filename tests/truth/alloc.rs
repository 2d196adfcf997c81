//! Allocation strategies: the share of every client.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::consumer::allocate::by_config::AllocateMessageQueueByConfig;
use rmqsim::cluster::consumer::allocate::consistent_hash::AllocateMessageQueueConsistentHash;
use rmqsim::cluster::consumer::allocate::machine_room::AllocateMessageQueueByMachineRoom;
use rmqsim::cluster::consumer::allocate::machine_room_nearby::AllocateMachineRoomNearby;
use rmqsim::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, Strategy,
};
use rmqsim::cluster::message_queue::MessageQueue;
use serde::Deserialize;
use serde_json::Value;

type Built = Box<dyn AllocateMessageQueueStrategy<MessageQueue, String>>;
type Triple = (String, String, i32);

/// What makes a strategy, next to the arguments of a call.
#[derive(Deserialize)]
struct Settings {
    s: String,
    v: Option<i64>,
    inner: Option<String>,
    idcs: Option<Vec<String>>,
    config: Option<Vec<Triple>>,
}

/// The strategy that a case names, or what its constructor throws; `None` if there is none.
fn built(settings: Settings) -> Option<Result<Built, AllocateError>> {
    let ring = |v: Option<i64>| AllocateMessageQueueConsistentHash::of_count(v.unwrap_or(10));
    Some(Ok(match settings.s.as_str() {
        "CONSISTENT_HASH" => match ring(settings.v) {
            Ok(ring) => Box::new(ring),
            Err(error) => return Some(Err(error)),
        },
        "MACHINE_ROOM" => Box::new(AllocateMessageQueueByMachineRoom::new(settings.idcs)),
        "MACHINE_ROOM_NEARBY" => {
            let inner = Strategy::of_word(&settings.inner?)?;
            Box::new(AllocateMachineRoomNearby::new(inner.build(|_| Vec::new())))
        }
        "CONFIG" => Box::new(AllocateMessageQueueByConfig::new(settings.config.map(named))),
        word => Strategy::of_word(word)?.build(|_| Vec::new()),
    }))
}

fn named(list: Vec<Triple>) -> Vec<MessageQueue> {
    list.into_iter()
        .map(|(topic, broker, id)| MessageQueue::new(topic, broker, id))
        .collect()
}

/// The answer in the words of the vectors: the share, or the exception.
fn ask(
    strategy: &Built,
    question: &Allocation<'_, MessageQueue, String>,
) -> Result<Vec<MessageQueue>, String> {
    strategy.allocate(question).map_err(|error| error.exception())
}

fn answer<T>(share: Option<T>, err: Option<String>) -> Result<T, String> {
    err.map_or_else(|| Ok(share.expect("a case has `r` or `err`")), Err)
}

/// Runs the cases whose strategy exists; counts the others by name.
fn known_only(file: &Value, tally: &mut Tally, mut run: impl FnMut(&mut Tally, &str, &Value, &Built)) {
    for (position, case) in tally.cases(file, "cases").iter().enumerate() {
        let name = format!("cases[{position}]");
        let Ok(settings) = Settings::deserialize(case) else {
            tally.skip("nameless: a case without a strategy", 1);
            continue;
        };
        let word = settings.s.clone();
        match built(settings) {
            None => tally.skip(format!("{word}: no such strategy"), 1),
            Some(Ok(strategy)) => run(tally, &name, case, &strategy),
            Some(Err(error)) => {
                let expected = case.get("err").and_then(Value::as_str);
                tally.record(
                    &name,
                    case,
                    same("constructor", expected, Some(error.exception().as_str())),
                );
            }
        }
    }
}

#[derive(Deserialize)]
struct GroupCase {
    g: String,
    t: String,
    b: Vec<String>,
    q: Vec<i32>,
    c: usize,
    r: Option<Vec<Vec<(usize, i32)>>>,
    err: Option<String>,
}

/// Whole groups: the share of each client.
pub fn groups(file: &Value, tally: &mut Tally) {
    let cid_sets: Vec<Vec<String>> = Vec::deserialize(tally.data(file, "cid_sets")).unwrap_or_default();
    known_only(file, tally, |tally, name, case, strategy| {
        tally.case(name, case, |case| group(strategy, case, &cid_sets));
    });
}

fn group(strategy: &Built, case: GroupCase, cid_sets: &[Vec<String>]) -> Outcome {
    let clients = &cid_sets[case.c];
    let queue = |broker: usize, id| MessageQueue::new(case.t.as_str(), case.b[broker].as_str(), id);
    let all: Vec<MessageQueue> = (0..case.b.len())
        .flat_map(|broker| (0..case.q[broker]).map(move |id| queue(broker, id)))
        .collect();
    let shares: Option<Vec<Vec<MessageQueue>>> = case.r.as_ref().map(|shares| {
        shares
            .iter()
            .map(|share| share.iter().map(|&(broker, id)| queue(broker, id)).collect())
            .collect()
    });
    for (rank, me) in clients.iter().enumerate() {
        let expected = answer(
            shares.as_ref().map(|shares| shares[rank].clone()),
            case.err.clone(),
        );
        same(
            me,
            expected,
            ask(strategy, &Allocation::of_texts(&case.g, Some(me), &all, clients)),
        )?;
    }
    // All at once gives what one by one gives.
    let at_once = strategy.allocate_all(&Allocation::of_texts(&case.g, None, &all, clients));
    same(
        "all",
        answer(shares, case.err),
        at_once.map_err(|error| error.exception()),
    )
}

#[derive(Deserialize)]
struct EdgeCase {
    mq: Option<Vec<Triple>>,
    c: Option<Vec<String>>,
    cur: Option<String>,
    r: Option<Vec<Triple>>,
    err: Option<String>,
}

/// Single calls with odd arguments.
pub fn edge(file: &Value, tally: &mut Tally) {
    known_only(file, tally, |tally, name, case, strategy| {
        tally.case(name, case, |case| single(strategy, case));
    });
}

fn single(strategy: &Built, case: EdgeCase) -> Outcome {
    // No list of queues is the same to `RebalanceImpl` as an empty one.
    let expected = answer(Some(named(case.r.unwrap_or_default())), case.err);
    // A list that is null and one that is empty are the same to RocketMQ.
    let (queues, clients) = (named(case.mq.unwrap_or_default()), case.c.unwrap_or_default());
    let question = Allocation::of_texts("billing", case.cur.as_ref(), &queues, &clients);
    same("share", expected, ask(strategy, &question))
}
