//! Which metrics there are: names, kinds and units of RocketMQ 5.

use crate::cluster::ids::{BrokerId, GroupId, TopicId};

/// Whether a metric only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its samples end in `_total`.
    Counter,
    Gauge,
}

/// A family of metrics, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    MessagesIn,
    ThroughputIn,
    MessagesOut,
    ThroughputOut,
    SendToDlq,
    ConsumerConnections,
    LagMessages,
    LagLatency,
    InflightMessages,
    QueueingLatency,
    ReadyMessages,
}

/// What is told of a family before its samples.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Without `_total`.
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Option<&'static str>,
    pub help: &'static str,
}

impl Family {
    pub const fn about(self) -> About {
        const MILLIS: Option<&str> = Some("milliseconds");
        let (name, kind, unit, help) = match self {
            Self::MessagesIn => (
                "rocketmq_messages_in",
                Kind::Counter,
                None,
                "Total number of incoming messages",
            ),
            Self::ThroughputIn => (
                "rocketmq_throughput_in",
                Kind::Counter,
                None,
                "Total traffic of incoming messages, bytes",
            ),
            Self::MessagesOut => (
                "rocketmq_messages_out",
                Kind::Counter,
                None,
                "Total number of outgoing messages",
            ),
            Self::ThroughputOut => (
                "rocketmq_throughput_out",
                Kind::Counter,
                None,
                "Total traffic of outgoing messages, bytes",
            ),
            Self::SendToDlq => (
                "rocketmq_send_to_dlq_messages",
                Kind::Counter,
                None,
                "Consumer send to DLQ messages",
            ),
            Self::ConsumerConnections => (
                "rocketmq_consumer_connections",
                Kind::Gauge,
                None,
                "Consumer connections",
            ),
            Self::LagMessages => (
                "rocketmq_consumer_lag_messages",
                Kind::Gauge,
                None,
                "Consumer lag messages",
            ),
            Self::LagLatency => (
                "rocketmq_consumer_lag_latency_milliseconds",
                Kind::Gauge,
                MILLIS,
                "Consumer lag time",
            ),
            Self::InflightMessages => (
                "rocketmq_consumer_inflight_messages",
                Kind::Gauge,
                None,
                "Consumer inflight messages",
            ),
            Self::QueueingLatency => (
                "rocketmq_consumer_queueing_latency_milliseconds",
                Kind::Gauge,
                MILLIS,
                "Consumer queueing time",
            ),
            Self::ReadyMessages => (
                "rocketmq_consumer_ready_messages",
                Kind::Gauge,
                None,
                "Consumer ready messages",
            ),
        };
        About {
            name,
            kind,
            unit,
            help,
        }
    }
}

/// One metric: a family and what its labels name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    pub family: Family,
    pub group: Option<GroupId>,
    pub topic: Option<TopicId>,
    /// `None`: all brokers together.
    pub broker: Option<BrokerId>,
}
