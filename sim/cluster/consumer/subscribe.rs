//! A client that runs asks for other messages of a topic than before.
//!
//! The new subscription has a new version and goes to all brokers at once, unless other heartbeats are under way: until
//! the next ones its pulls are then refused, since the client knows of a newer subscription than the broker.
//!
//! A process that is stopped does nothing of the kind.
//!
//! Source: `DefaultMQPushConsumerImpl.subscribe`.

use crate::cluster::Cluster;
use crate::cluster::broker::expression_message_filter::ExpressionId;
use crate::cluster::consumer::client::version;
use crate::cluster::consumer::heartbeat::HeartbeatFor;
use crate::cluster::fact::Observer;
use crate::cluster::ids::{ConsumerId, TopicId};

impl<O: Observer> Cluster<O> {
    /// Timeline: `subscribe()` anew, of a topic that the client subscribes to.
    pub(in crate::cluster) fn consumer_subscribe(
        &mut self,
        consumer: ConsumerId,
        topic: TopicId,
        expression: ExpressionId,
    ) {
        let now = self.core.now();
        let client = &mut self.consumers[consumer.index()];
        let Some(at) = client.topics.iter().position(|known| *known == Some(topic)) else {
            return;
        };
        if !client.is_alive() || client.is_paused() {
            return;
        }
        let before = std::mem::replace(&mut client.expressions[at], expression);
        self.wishes.replace(client.group, topic, before, expression);
        client.versions[at] = version(now);
        client.list_subscriptions(&mut self.latest_list);
        if client.is_at_work() {
            self.heartbeat_all(consumer, HeartbeatFor::Subscribe);
        }
    }
}
