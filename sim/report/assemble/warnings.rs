//! What a reader should know before trusting the numbers.

use super::View;
use crate::cluster::ids::{ConsumerId, GroupId};
use crate::observe::invariant::grouped;
use crate::report::model::{GroupReport, Report, Warning, WarningLevel};

/// Values beyond a quantile that make it trustworthy.
const TAIL_LEAST: u64 = 100;

impl View<'_> {
    pub(super) fn warnings(&self, report: &Report) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut add = |level, id: &str, text: String| {
            warnings.push(Warning {
                level,
                id: id.to_owned(),
                text,
            });
        };
        for (name, producer) in &report.producers {
            if producer.born == 0 {
                let text = format!("producer {name} made no message");
                add(WarningLevel::Warning, "idle-producer", text);
            }
        }
        for (group, (name, of)) in self.group_ids().zip(&report.groups) {
            if of.members == 0 && of.produced > 0 {
                let text = format!(
                    "group {name} had no consumer: {} messages wait",
                    grouped(of.produced)
                );
                add(WarningLevel::Warning, "no-consumer", text);
            }
            if let Some((offered, capacity)) = self.overload(group, of) {
                let text = format!(
                    "group {name} is offered {offered:.1} msgs/s, but the threads of consumers with \
                     queues can finish {capacity:.1} msgs/s: its lag grows without end"
                );
                add(WarningLevel::Warning, "overload", text);
            }
            if of.deliveries == 0 && of.filtered > 0 {
                let text = format!(
                    "group {name} got nothing: none of {} messages matched what it subscribes to",
                    grouped(of.filtered)
                );
                add(WarningLevel::Warning, "nothing-matched", text);
            }
            let waiting = report.balance[name].awaiting_retry;
            if waiting > 0 {
                let text = format!(
                    "group {name}: {} messages still wait for a retry at the end; what becomes of them is unknown",
                    grouped(waiting)
                );
                add(WarningLevel::Warning, "retries-cut", text);
            }
            let tail = of.latency.success.count / 1_000;
            if tail > 0 && tail < TAIL_LEAST {
                let text = format!("group {name}: only {tail} values lie beyond the 99.9th percentile");
                add(WarningLevel::Note, "few-samples", text);
            }
        }
        let lists = report
            .rebalance
            .values()
            .map(|of| of.events_omitted + of.ownership_omitted);
        if self.observation.series.omitted() || lists.sum::<u64>() > 0 {
            let text = "the cluster is too large to list every queue, consumer or change of owner".to_owned();
            add(WarningLevel::Note, "lists-cut", text);
        }
        warnings
    }

    /// Messages a second that come in, and that threads could finish, both as means after the warm-up, if more come
    /// in. Threads of a consumer count while it lives and holds a queue: about a share of its life equal to the
    /// mean number of queues that it held, at most all.
    fn overload(&self, group: GroupId, of: &GroupReport) -> Option<(f64, f64)> {
        let (mut busy, mut results, mut thread_seconds) = (0.0, 0, 0.0);
        for (id, info) in self.directory.consumers.iter().enumerate() {
            if info.group == group {
                let life = &self.observation.consumers[id];
                let before = self.observation.warm_up.consumer(ConsumerId(id as u32));
                busy += self.busy(id).as_secs_f64();
                results += life.results() - before.results;
                let held = self.held(id) as f64 / 1e9;
                let lived = life.length(self.from, self.end).as_secs_f64();
                thread_seconds += held.min(lived) * f64::from(info.threads);
            }
        }
        let seconds = self.measured_secs();
        if results == 0 || seconds <= 0.0 || busy <= 0.0 {
            return None;
        }
        let asked_for = of.produced - of.filtered - of.lost_by_cause.subscription_mismatch;
        let before = self.observation.warm_up.group(group).asked_for;
        let offered = asked_for.saturating_sub(before) as f64 / seconds;
        let capacity = thread_seconds / seconds / (busy / results as f64);
        (offered > capacity).then_some((offered, capacity))
    }
}
