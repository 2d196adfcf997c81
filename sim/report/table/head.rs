//! What ran, and where.

use super::page::{BOLD, Page};
use super::words::{columns, cut, span};
use super::{NAME, WIDTH};
use crate::report::charts::text::count;
use crate::report::model::{Report, TopicPurpose};

impl Page {
    pub(super) fn header(&mut self, report: &Report) {
        let run = &report.run;
        let title = run.title.as_deref().unwrap_or_default();
        let name = cut(&run.name, NAME);
        let room = WIDTH - columns(&name) - 3;
        let head = match title {
            "" => self.paint(BOLD, &name),
            _ => format!("{} — {}", self.paint(BOLD, &name), cut(title, room)),
        };
        self.line(&head);
        self.parts(
            "run",
            &[
                format!("{} of virtual time", span(run.duration_seconds)),
                (run.measured_from_seconds)
                    .map_or(String::new(), |from| format!("measured from {} on", span(from))),
                count(run.messages, "message"),
                count(run.events, "event"),
                format!("seed {}", run.seed),
                format!(
                    "trace {}",
                    run.trace_digest.get(..12).unwrap_or(&run.trace_digest)
                ),
            ],
        );
        let topics = report
            .topics
            .iter()
            .filter(|(_, topic)| topic.purpose == TopicPurpose::User);
        let mut parts = vec![
            count(report.cluster.brokers.len() as u64, "broker"),
            count(report.producers.len() as u64, "producer"),
        ];
        let shown = 3;
        parts.extend(
            topics
                .clone()
                .take(shown)
                .map(|(name, topic)| format!("{}: {}", cut(name, NAME), count(topic.queues, "queue"))),
        );
        let more = topics.count().saturating_sub(shown) as u64;
        if more > 0 {
            parts.push(format!("{more} more topics"));
        }
        self.parts("cluster", &parts);
    }
}
