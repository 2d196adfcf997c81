//! The text: families one after another, each with its type, unit, help and metrics, each of these with its points.

use super::families::{Family, Kind, Metric};
use super::grid::Grid;
use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::directory::{Directory, TopicKind};
use crate::kernel::time::SimTime;

/// `brokerClusterName`, which scenarios do not set.
const CLUSTER: &str = "DefaultCluster";

/// Writes all that a grid holds.
pub fn write(grid: &Grid, directory: &Directory, mut write: impl FnMut(&str)) {
    let mut family = None;
    for (metric, points) in grid.metrics() {
        let about = metric.family.about();
        if family != Some(metric.family) {
            family = Some(metric.family);
            write(&head(metric.family));
        }
        let suffix = match about.kind {
            Kind::Counter => "_total",
            Kind::Gauge => "",
        };
        let name = format!("{}{suffix}{{{}}}", about.name, labels(metric, directory));
        for (at, value) in points {
            write(&format!("{name} {value} {}\n", seconds(at)));
        }
    }
    write("# EOF\n");
}

/// What stands above the metrics of a family.
fn head(family: Family) -> String {
    let about = family.about();
    let kind = match about.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    let unit = about
        .unit
        .map_or(String::new(), |unit| format!("# UNIT {} {unit}\n", about.name));
    format!(
        "# TYPE {0} {kind}\n{unit}# HELP {0} {1}\n",
        about.name, about.help
    )
}

/// The labels of a metric, those of RocketMQ in the order of their names.
fn labels(metric: Metric, directory: &Directory) -> String {
    let mut labels = vec![("cluster", CLUSTER.to_owned())];
    if let Some(group) = metric.group {
        let group = directory.group(group);
        if metric.family == Family::ConsumerConnections {
            let mode = match group.delivery {
                Delivery::Pull { .. } => "pull",
                _ => "push",
            };
            labels.push(("consume_mode", mode.to_owned()));
        }
        labels.push(("consumer_group", group.name.clone()));
    }
    let is_lag = matches!(
        metric.family,
        Family::LagMessages
            | Family::LagLatency
            | Family::InflightMessages
            | Family::QueueingLatency
            | Family::ReadyMessages
    );
    if is_lag {
        labels.push(("is_retry", "false".to_owned()));
    }
    labels.push(("is_system", "false".to_owned()));
    if metric.family == Family::ConsumerConnections {
        labels.push(("language", "java".to_owned()));
    }
    if metric.family == Family::MessagesIn || metric.family == Family::ThroughputIn {
        let is_copy = metric
            .topic
            .is_some_and(|topic| matches!(directory.topic(topic).kind, TopicKind::Retry(_)));
        // What the schedule service stores is a delayed message to the broker.
        let kind = if is_copy { "delay" } else { "normal" };
        labels.push(("message_type", kind.to_owned()));
    }
    if let Some(broker) = metric.broker {
        labels.push(("node_id", directory.broker(broker).to_owned()));
    }
    labels.push(("node_type", "broker".to_owned()));
    if metric.family == Family::ConsumerConnections {
        labels.push(("protocol_type", "remoting".to_owned()));
    }
    if let Some(topic) = metric.topic {
        labels.push(("topic", directory.topic(topic).name.clone()));
    }
    let labels = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    labels.collect::<Vec<_>>().join(",")
}

/// A label's value as the grammar wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Seconds, exactly.
fn seconds(at: SimTime) -> String {
    let nanos = at.as_nanos();
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_and_short() {
        let texts = [0, 1_000_000_000, 1_500_000_000, 183_000_000_001]
            .map(|nanos| seconds(SimTime::from_nanos(nanos)));
        assert_eq!(texts, ["0", "1", "1.5", "183.000000001"]);
    }

    #[test]
    fn what_ends_a_label_is_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
