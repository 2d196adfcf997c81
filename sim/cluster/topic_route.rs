//! The route of a topic, and what clients read from it: where to send, what to consume.
//!
//! Left out: static topics, whose queues move between brokers.
//!
//! Source: `TopicRouteData`, `QueueData`; `MQClientInstance.topicRouteData2TopicPublishInfo` and
//! `topicRouteData2TopicSubscribeInfo`.

use crate::cluster::message_queue::cmp_utf16;
use std::collections::BTreeSet;

/// `PermName.PERM_READ`.
pub const PERM_READ: u32 = 4;
/// `PermName.PERM_WRITE`.
pub const PERM_WRITE: u32 = 2;
/// `MixAll.MASTER_ID`.
pub const MASTER_ID: u64 = 0;

/// The queues of a topic on one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueData {
    /// `brokerName`.
    pub broker_name: String,
    /// `readQueueNums`.
    pub read_queue_nums: u32,
    /// `writeQueueNums`.
    pub write_queue_nums: u32,
    /// Sum of [`PERM_READ`] and [`PERM_WRITE`].
    pub perm: u32,
}

/// The processes behind one broker name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerData {
    /// `brokerName`.
    pub broker_name: String,
    /// Ids that have an address; [`MASTER_ID`] is the master.
    pub broker_ids: Vec<u64>,
}

/// What the name server knows of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicRoute {
    /// Queues by broker.
    pub queue_datas: Vec<QueueData>,
    /// Brokers.
    pub broker_datas: Vec<BrokerData>,
    /// `orderTopicConf`: `broker:queues;broker:queues`, fixed by an operator for strict order.
    pub order_topic_conf: Option<String>,
}

/// A queue of the route: its broker and its number there.
pub type RouteQueue = (String, u32);

/// Why an `orderTopicConf` cannot be read; the client keeps its old list then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order topic configuration `{0}` is not of the form broker:queues;broker:queues")]
pub struct OrderTopicConfError(String);

impl TopicRoute {
    /// The queues that a producer sends to, in order: brokers by name, each with queue 0 and up.
    ///
    /// Only brokers that may be written to and have a master. An order topic configuration overrides all of it,
    /// in its own order, whether or not those brokers exist.
    ///
    /// # Errors
    /// If the order topic configuration cannot be read.
    pub fn publish(&self) -> Result<Vec<RouteQueue>, OrderTopicConfError> {
        if let Some(conf) = self.order_topic_conf.as_deref().filter(|conf| !conf.is_empty()) {
            return order_topic_queues(conf).ok_or_else(|| OrderTopicConfError(conf.to_owned()));
        }
        let mut writable: Vec<&QueueData> = self
            .queue_datas
            .iter()
            .filter(|data| data.perm & PERM_WRITE != 0)
            .collect();
        writable.sort_by(|a, b| cmp_utf16(&a.broker_name, &b.broker_name));
        let queues = writable
            .into_iter()
            .filter(|data| self.has_master(&data.broker_name))
            .flat_map(|data| (0..data.write_queue_nums).map(|id| (data.broker_name.clone(), id)));
        Ok(queues.collect())
    }

    /// Whether an operator fixed the queues: `TopicPublishInfo.orderTopic`.
    pub fn is_order_topic(&self) -> bool {
        self.order_topic_conf
            .as_deref()
            .is_some_and(|conf| !conf.is_empty())
    }

    /// The queues that a consumer divides, sorted as a rebalance sorts them. Masters need not be alive.
    pub fn subscribe(&self) -> Vec<RouteQueue> {
        let readable = self.queue_datas.iter().filter(|data| data.perm & PERM_READ != 0);
        let queues: BTreeSet<RouteQueue> = readable
            .flat_map(|data| (0..data.read_queue_nums).map(|id| (data.broker_name.clone(), id)))
            .collect();
        let mut queues: Vec<RouteQueue> = queues.into_iter().collect();
        queues.sort_by(|a, b| cmp_utf16(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
        queues
    }

    fn has_master(&self, broker_name: &str) -> bool {
        let broker = self
            .broker_datas
            .iter()
            .find(|data| data.broker_name == broker_name);
        broker.is_some_and(|data| data.broker_ids.contains(&MASTER_ID))
    }
}

fn order_topic_queues(conf: &str) -> Option<Vec<RouteQueue>> {
    let mut queues = Vec::new();
    for part in conf.trim_end_matches(';').split(';') {
        let mut fields = part.split(':');
        let broker = fields.next()?;
        let count: i32 = fields.next()?.parse().ok()?;
        queues.extend((0..count.max(0).unsigned_abs()).map(|id| (broker.to_owned(), id)));
    }
    Some(queues)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> TopicRoute {
        let queue_data = |name: &str, perm| QueueData {
            broker_name: name.to_owned(),
            read_queue_nums: 2,
            write_queue_nums: 1,
            perm,
        };
        let broker_data = |name: &str, ids: &[u64]| BrokerData {
            broker_name: name.to_owned(),
            broker_ids: ids.to_vec(),
        };
        TopicRoute {
            queue_datas: vec![
                queue_data("b", 6),
                queue_data("a", 4),
                queue_data("c", 2),
                queue_data("d", 6),
            ],
            broker_datas: vec![
                broker_data("a", &[0]),
                broker_data("b", &[0, 1]),
                broker_data("c", &[0]),
                broker_data("d", &[1]),
            ],
            order_topic_conf: None,
        }
    }

    fn queue(broker: &str, id: u32) -> RouteQueue {
        (broker.to_owned(), id)
    }

    /// Sending needs the write bit and a master (`a` is read-only, `d` has lost its master); reading needs neither.
    #[test]
    fn senders_need_a_writable_master() {
        assert_eq!(route().publish().unwrap(), [queue("b", 0), queue("c", 0)]);
        let readable = ["a", "b", "d"]
            .map(|broker| [queue(broker, 0), queue(broker, 1)])
            .concat();
        assert_eq!(route().subscribe(), readable);
    }

    #[test]
    fn order_configuration_rules_alone() {
        let fixed = TopicRoute {
            order_topic_conf: Some("z:2;a:1".to_owned()),
            ..route()
        };
        assert_eq!(
            fixed.publish().unwrap(),
            [queue("z", 0), queue("z", 1), queue("a", 0)]
        );
        let broken = TopicRoute {
            order_topic_conf: Some("z".to_owned()),
            ..route()
        };
        assert!(broken.publish().is_err());
    }
}
