//! One line a consumer.

use super::page::{Page, table};
use super::words::{bar, cut, span, tenths};
use crate::report::charts::text::grouped;
use crate::report::model::{ConsumerEnd, ConsumerReport, Report};

/// Consumers listed for a group; the rest is counted.
const CONSUMERS: usize = 16;

impl Page {
    pub(super) fn consumers(&mut self, report: &Report, group: &str) {
        let members: Vec<(&String, &ConsumerReport)> = (report.consumers.iter())
            .filter(|(_, consumer)| consumer.group == group && consumer.started_seconds.is_some())
            .collect();
        if members.is_empty() {
            return;
        }
        let most = members
            .iter()
            .map(|(_, consumer)| consumer.deliveries)
            .max()
            .unwrap_or(0);
        let mut table = table(
            &["consumer", "queues", "messages", "share", "", "busy", ""],
            &[1, 2, 4, 5],
        );
        for (key, consumer) in members.iter().take(CONSUMERS) {
            table.add_row([
                cut(key, 24),
                consumer.queues_final.to_string(),
                grouped(consumer.deliveries),
                bar(consumer.deliveries, most),
                tenths(consumer.share),
                consumer.busy_ratio.map_or("–".to_owned(), tenths),
                remark(consumer),
            ]);
        }
        self.table(&table);
        let more = members.len().saturating_sub(CONSUMERS);
        if more > 0 {
            self.line(&format!("  … and {} more", grouped(more as u64)));
        }
    }
}

/// What became of a consumer, if that is worth a word.
fn remark(consumer: &ConsumerReport) -> String {
    match (consumer.end, consumer.stopped_seconds) {
        (Some(ConsumerEnd::Killed), Some(at)) => format!("killed at {}", span(at)),
        (Some(ConsumerEnd::Graceful), Some(at)) => format!("left at {}", span(at)),
        (Some(ConsumerEnd::Vanished), Some(at)) => format!("vanished at {}", span(at)),
        (Some(ConsumerEnd::StartFailed), _) => "failed to start".to_owned(),
        _ if consumer.paused_seconds > 0.0 => format!("stopped for {}", span(consumer.paused_seconds)),
        _ if consumer.queues_final == 0 => "idle".to_owned(),
        _ if consumer.flow_control.lasted_seconds >= 1.0 => {
            format!("cache full for {}", span(consumer.flow_control.lasted_seconds))
        }
        _ => String::new(),
    }
}
