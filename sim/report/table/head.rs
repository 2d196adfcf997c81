//! What ran, and where.

use super::page::{BOLD, Page};
use super::words::{bytes, columns, cut, span, wrapped};
use super::{NAME, WIDTH};
use crate::report::charts::text::count;
use crate::report::model::{Report, StopReason, StoppedReport, TopicPurpose};

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
        if let Some(stopped) = &run.stopped {
            self.incomplete(stopped);
        }
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

    /// Says why the run is not whole, and what that means for what follows.
    fn incomplete(&mut self, stopped: &StoppedReport) {
        let said = format!("INCOMPLETE: the run {}", why_stopped(stopped));
        for line in wrapped(&said, WIDTH) {
            let line = self.paint(BOLD, &line);
            self.line(&line);
        }
        let note =
            "All that follows is about the part that was run; what the scenario expects was not judged.";
        self.line(note);
    }
}

/// What stopped a run and where, behind its name.
pub(super) fn why_stopped(stopped: &StoppedReport) -> String {
    let why = match stopped.reason {
        StopReason::Events => {
            let bound = count(stopped.max_events.unwrap_or_default(), "event");
            format!("it does more than the {bound} that --max-events allows")
        }
        StopReason::Memory => {
            let [held, bound] =
                [stopped.memory_bytes, stopped.max_memory_bytes].map(Option::unwrap_or_default);
            let (held, bound) = (bytes(held), bytes(bound));
            format!("it held {held} of memory, and --max-memory allows {bound}")
        }
        StopReason::Interrupted => "it was interrupted".to_owned(),
    };
    let [reached, planned] = [stopped.reached_seconds, stopped.planned_seconds].map(span);
    format!("stopped at {reached} of {planned}, because {why}")
}
