//! `CONFIG`: a list that was written down beforehand.
//!
//! RocketMQ hands out the list as it stands, whoever asks, whatever exists: nothing is checked, and nobody steps in
//! when a member dies. Each client there has a list of its own; where one strategy serves a whole group, each member
//! finds its own in [`ConfiguredLists`], and gets those of its queues that exist, in the order written.
//!
//! Source: `AllocateMessageQueueByConfig`.

use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, QueueName,
};
use crate::cluster::message_queue::MessageQueue;
use std::collections::BTreeMap;

/// The strategy named `CONFIG`, of one client.
#[derive(Clone, Debug, Default)]
pub struct AllocateMessageQueueByConfig<Q> {
    message_queue_list: Option<Vec<Q>>,
}

impl<Q> AllocateMessageQueueByConfig<Q> {
    /// With this list; `None` as if it had never been set: no queue.
    pub const fn new(message_queue_list: Option<Vec<Q>>) -> Self {
        Self { message_queue_list }
    }
}

impl<Q: Clone, C> AllocateMessageQueueStrategy<Q, C> for AllocateMessageQueueByConfig<Q> {
    fn name(&self) -> &str {
        "CONFIG"
    }
    fn allocate(&self, _: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        Ok(self.message_queue_list.clone().unwrap_or_default())
    }
}

/// The strategy named `CONFIG`, of all members of a group. Members that share a client id share its list.
#[derive(Clone, Debug, Default)]
pub struct ConfiguredLists<C> {
    lists: BTreeMap<C, Vec<MessageQueue>>,
}

impl<C: Ord> ConfiguredLists<C> {
    /// With a list for each member; whoever has none gets nothing.
    pub const fn new(lists: BTreeMap<C, Vec<MessageQueue>>) -> Self {
        Self { lists }
    }
}

impl<Q: Clone, C: Ord> AllocateMessageQueueStrategy<Q, C> for ConfiguredLists<C> {
    fn name(&self) -> &str {
        "CONFIG"
    }
    fn allocate(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Q>, AllocateError> {
        let me = ask.current_cid.and_then(|me| self.lists.get(me));
        let known = me.map(|_| by_name(ask)).unwrap_or_default();
        Ok(existing(me, &known))
    }
    fn allocate_all(&self, ask: &Allocation<'_, Q, C>) -> Result<Vec<Vec<Q>>, AllocateError> {
        let known = by_name(ask);
        let share = |client| existing(self.lists.get(client), &known);
        Ok(ask.cid_all.iter().map(share).collect())
    }
}

fn by_name<'a, Q, C>(ask: &Allocation<'a, Q, C>) -> BTreeMap<QueueName<'a>, &'a Q> {
    ask.mq_all
        .iter()
        .map(|queue| (ask.names.queue(queue), queue))
        .collect()
}

fn existing<Q: Clone>(list: Option<&Vec<MessageQueue>>, known: &BTreeMap<QueueName<'_>, &Q>) -> Vec<Q> {
    let find = |queue: &MessageQueue| known.get(&queue.as_name()).copied().cloned();
    list.into_iter().flatten().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues<const N: usize>(labels: [&str; N]) -> Vec<MessageQueue> {
        labels
            .map(|label| MessageQueue::of_label(label).expect(label))
            .to_vec()
    }

    /// What exists, in the order written and as often as written; whoever has no list gets nothing.
    #[test]
    fn lists_give_what_exists_as_written() {
        let a = queues([
            "orders broker-b:0",
            "orders nowhere:0",
            "orders broker-a:1",
            "orders broker-b:0",
        ]);
        let strategy = ConfiguredLists::new(BTreeMap::from([("a".to_owned(), a)]));
        let all = queues(["orders broker-a:0", "orders broker-a:1", "orders broker-b:0"]);
        let clients = ["a", "b"].map(str::to_owned);
        let shares = [
            queues(["orders broker-b:0", "orders broker-a:1", "orders broker-b:0"]),
            Vec::new(),
        ];
        for (me, share) in clients.iter().zip(&shares) {
            let ask = Allocation::of_texts("billing", Some(me), &all, &clients);
            assert_eq!(strategy.allocate(&ask).as_ref(), Ok(share));
        }
        let ask = Allocation::of_texts("billing", None, &all, &clients);
        assert_eq!(strategy.allocate_all(&ask), Ok(shares.to_vec()));
    }

    /// RocketMQ's own class, of one client, hands its list out as it stands: nothing has to exist.
    #[test]
    fn a_list_of_one_client_is_not_looked_at() {
        type Built = Box<dyn AllocateMessageQueueStrategy<MessageQueue, String>>;
        let of_one = |list| -> Built { Box::new(AllocateMessageQueueByConfig::new(list)) };
        let ask = Allocation::of_texts("billing", None, &[], &[]);
        let list = queues(["orders nowhere:7"]);
        assert_eq!(of_one(Some(list.clone())).allocate(&ask), Ok(list));
        assert_eq!(of_one(None).allocate(&ask), Ok(Vec::new()));
        assert_eq!(of_one(None).name(), "CONFIG");
    }
}
