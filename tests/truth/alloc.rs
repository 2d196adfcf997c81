//! Allocation strategies: the share of every client.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::consumer::allocate::consistent_hash::AllocateMessageQueueConsistentHash;
use rmqsim::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, Names, QueueName, strategy, strategy_named,
};
use rmqsim::cluster::message_queue::MessageQueue;
use serde::Deserialize;
use serde_json::Value;

/// Names that are their own texts.
struct Texts;

impl Names<MessageQueue, String> for Texts {
    fn queue<'n>(&'n self, queue: &'n MessageQueue) -> QueueName<'n> {
        QueueName {
            topic: &queue.topic,
            broker_name: &queue.broker_name,
            queue_id: queue.queue_id,
        }
    }
    fn client<'n>(&'n self, client: &'n String) -> &'n str {
        client
    }
}

type Strategy = Box<dyn AllocateMessageQueueStrategy<MessageQueue, String>>;

/// The strategy that a case names; `None` if there is none.
fn built(case: &Value) -> Option<Strategy> {
    match case.get("s")?.as_str()? {
        "CONSISTENT_HASH" => {
            let virtual_nodes = u32::try_from(case.get("v")?.as_i64()?).ok()?;
            Some(Box::new(AllocateMessageQueueConsistentHash::new(virtual_nodes)))
        }
        name => strategy_named(name).map(|name| Box::new(ByName(strategy(name))) as Strategy),
    }
}

/// A built-in strategy.
struct ByName(&'static dyn AllocateMessageQueueStrategy<MessageQueue, String>);

impl AllocateMessageQueueStrategy<MessageQueue, String> for ByName {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn allocate(
        &self,
        ask: &Allocation<'_, MessageQueue, String>,
    ) -> Result<Vec<MessageQueue>, AllocateError> {
        self.0.allocate(ask)
    }
}

/// The answer in the words of the vectors: the share, or the exception.
fn ask(
    strategy: &Strategy,
    group: &str,
    me: Option<&String>,
    queues: &[MessageQueue],
    clients: &[String],
) -> Result<Vec<MessageQueue>, String> {
    let ask = Allocation {
        consumer_group: group,
        current_cid: me,
        mq_all: queues,
        cid_all: clients,
        names: &Texts,
    };
    let share = strategy.allocate(&ask);
    share.map_err(|error| format!("IllegalArgumentException: {error}"))
}

fn answer<T>(share: Option<T>, err: Option<String>) -> Result<T, String> {
    err.map_or_else(|| Ok(share.expect("a case has `r` or `err`")), Err)
}

/// Runs the cases whose strategy is built; counts the others by name.
fn built_only(file: &Value, tally: &mut Tally, mut run: impl FnMut(&mut Tally, &str, &Value, &Strategy)) {
    for (position, case) in tally.cases(file, "cases").iter().enumerate() {
        let name = case.get("s").and_then(Value::as_str).unwrap_or("nameless");
        match built(case) {
            // What is not a count does not come as far as a constructor here.
            None if name == "CONSISTENT_HASH" => {
                tally.skip(
                    format!("{name}: a negative number of virtual nodes cannot be asked for"),
                    1,
                );
            }
            None => tally.skip(format!("{name}: strategy not built yet"), 1),
            Some(strategy) => run(tally, &format!("cases[{position}]"), case, &strategy),
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
    built_only(file, tally, |tally, name, case, strategy| {
        tally.case(name, case, |case| group(strategy, case, &cid_sets));
    });
}

fn group(strategy: &Strategy, case: GroupCase, cid_sets: &[Vec<String>]) -> Outcome {
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
        same(me, expected, ask(strategy, &case.g, Some(me), &all, clients))?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct EdgeCase {
    mq: Option<Vec<(String, String, i32)>>,
    c: Option<Vec<String>>,
    cur: Option<String>,
    r: Option<Vec<(String, String, i32)>>,
    err: Option<String>,
}

/// Single calls with odd arguments.
pub fn edge(file: &Value, tally: &mut Tally) {
    built_only(file, tally, |tally, name, case, strategy| {
        tally.case(name, case, |case| single(strategy, case));
    });
}

fn single(strategy: &Strategy, case: EdgeCase) -> Outcome {
    let named = |list: Vec<(String, String, i32)>| -> Vec<MessageQueue> {
        list.into_iter()
            .map(|(topic, broker, id)| MessageQueue::new(topic, broker, id))
            .collect()
    };
    let expected = answer(case.r.map(named), case.err);
    // A list that is null and one that is empty are the same to RocketMQ.
    let (queues, clients) = (named(case.mq.unwrap_or_default()), case.c.unwrap_or_default());
    same(
        "share",
        expected,
        ask(strategy, "billing", case.cur.as_ref(), &queues, &clients),
    )
}
