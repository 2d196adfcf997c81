//! Queues of a route, for senders and consumers.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::topic_route::{BrokerData, QueueData, RouteQueue, TopicRoute};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    queue_data: Vec<Queues>,
    broker_data: Vec<Broker>,
    order_topic_conf: Option<String>,
    publish: Vec<RouteQueue>,
    publish_order_topic: bool,
    publish_ok: bool,
    subscribe_sorted: Vec<RouteQueue>,
}

#[derive(Deserialize)]
struct Queues {
    broker: String,
    read: u32,
    write: u32,
    perm: u32,
}

#[derive(Deserialize)]
struct Broker {
    broker: String,
    ids: Vec<u64>,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "cases", case);
}

fn case(case: Case) -> Outcome {
    let queue_data = |data: Queues| QueueData {
        broker_name: data.broker,
        read_queue_nums: data.read,
        write_queue_nums: data.write,
        perm: data.perm,
    };
    let broker_data = |data: Broker| BrokerData {
        broker_name: data.broker,
        broker_ids: data.ids,
    };
    let route = TopicRoute {
        queue_datas: case.queue_data.into_iter().map(queue_data).collect(),
        broker_datas: case.broker_data.into_iter().map(broker_data).collect(),
        order_topic_conf: case.order_topic_conf,
    };
    let publish = route.publish().unwrap_or_default();
    same("publish", &case.publish, &publish)?;
    same("publish ok", case.publish_ok, !publish.is_empty())?;
    same("order topic", case.publish_order_topic, route.is_order_topic())?;
    same("subscribe", case.subscribe_sorted, route.subscribe())
}
