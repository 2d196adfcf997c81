//! Series.

use super::View;
use crate::cluster::directory::TopicKind;
use crate::cluster::ids::GroupId;
use crate::kernel::time::SimTime;
use crate::observe::paces::Pace;
use crate::observe::series::Measure;
use crate::report::model::{BrokerSeries, GroupSeries, LatencySeries, TimelineReport, TopicSeries};
use indexmap::IndexMap;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Queues of which the report tells what is not committed.
const WIDEST: usize = 12;

impl View<'_> {
    pub(super) fn timeline(&self) -> TimelineReport {
        let series = &self.observation.series;
        let topics = self.directory.topics.iter().enumerate();
        let brokers = self.directory.brokers.iter().enumerate();
        TimelineReport {
            interval_seconds: series.interval().as_secs_f64(),
            time_seconds: series.times().iter().map(|at| at.as_secs_f64()).collect(),
            topics: topics
                .filter(|(_, info)| info.kind == TopicKind::User)
                .map(|(id, info)| {
                    let stored = series.column(Measure::TopicStored, id);
                    (info.name.clone(), TopicSeries { stored })
                })
                .collect(),
            brokers: brokers
                .map(|(id, name)| {
                    let requests = series.column(Measure::BrokerRequests, id);
                    (name.clone(), BrokerSeries { requests })
                })
                .collect(),
            groups: self.by_group(|group| self.group_series(group)),
        }
    }

    fn group_series(&self, group: GroupId) -> GroupSeries {
        let series = &self.observation.series;
        let column = |measure| series.column(measure, group.index());
        let estimated = self.observation.filters.estimate(group).is_some();
        GroupSeries {
            lag: column(Measure::GroupLag),
            lag_max: column(Measure::GroupLagMax),
            backlog: column(Measure::GroupBacklog),
            in_flight: column(Measure::GroupInFlight),
            awaiting_retry: column(Measure::GroupAwaitingRetry),
            succeeded: column(Measure::GroupSucceeded),
            retries: column(Measure::GroupRetries),
            dead: column(Measure::GroupDead),
            duplicates: column(Measure::GroupDuplicates),
            members: column(Measure::GroupMembers),
            oldest_waiting_seconds: column(Measure::GroupOldest)
                .into_iter()
                .map(|nanos| nanos as f64 / 1e9)
                .collect(),
            queue_lag: self.queue_series(group, Measure::SlotLag),
            consumer_consumed: self.consumer_series(group, Measure::ConsumerConsumed),
            consumer_queues: self.consumer_series(group, Measure::ConsumerQueues),
            lag_estimate: match estimated {
                true => column(Measure::GroupEstimate),
                false => Vec::new(),
            },
            queue_uncommitted: self.widest(group),
            latency: self.latency_series(group),
        }
    }

    /// One measure of each queue of a group.
    fn queue_series(&self, group: GroupId, measure: Measure) -> IndexMap<String, Vec<u64>> {
        let slots = &self.observation.slots;
        let series = |slot: usize| {
            let of = slots.get(slot);
            let label = self.directory.queue_label(of.queue);
            let label = match of.reader {
                None => label,
                Some(reader) => format!(
                    "{label} at {}",
                    self.directory.group(group).readers[reader as usize]
                ),
            };
            (label, self.observation.series.column(measure, slot))
        };
        let all = slots.of_group(group).map(series);
        all.filter(|(_, column)| !column.is_empty()).collect()
    }

    /// What is not committed, of the queues that ever had most; in the order of the queues.
    fn widest(&self, group: GroupId) -> IndexMap<String, Vec<u64>> {
        let mut all = self.queue_series(group, Measure::SlotUncommitted);
        let most = |column: &Vec<u64>| column.iter().copied().max().unwrap_or(0);
        let mut ranks: Vec<(u64, usize)> = all.values().map(most).zip(0..).collect();
        ranks.retain(|(most, _)| *most > 0);
        ranks.sort_by_key(|&(most, number)| (Reverse(most), number));
        let kept: BTreeSet<usize> = ranks.iter().take(WIDEST).map(|(_, number)| *number).collect();
        let mut number = 0;
        all.retain(|_, _| {
            number += 1;
            kept.contains(&(number - 1))
        });
        all
    }

    fn latency_series(&self, group: GroupId) -> LatencySeries {
        let (paces, seconds) = (&self.observation.paces, |at: SimTime| at.as_secs_f64());
        let of_group = paces.of_group(group.index());
        let column = |of: fn(&Pace) -> u64| {
            let value = |pace: &Pace| (pace.count > 0).then(|| of(pace) as f64 / 1e9);
            of_group.iter().map(value).collect()
        };
        let spans = paces.spans().take(of_group.len());
        LatencySeries {
            from_seconds: spans.clone().map(|(from, _)| seconds(from)).collect(),
            to_seconds: spans.map(|(_, to)| seconds(to)).collect(),
            count: of_group.iter().map(|pace| pace.count).collect(),
            p50_seconds: column(|pace| pace.p50),
            p95_seconds: column(|pace| pace.p95),
            p99_seconds: column(|pace| pace.p99),
            max_seconds: column(|pace| pace.max),
        }
    }

    fn consumer_series(&self, group: GroupId, measure: Measure) -> IndexMap<String, Vec<u64>> {
        let consumers = self.directory.consumers.iter().enumerate();
        consumers
            .filter(|(_, info)| info.group == group)
            .map(|(id, _)| {
                let column = self.observation.series.column(measure, id);
                (self.consumer_keys[id].clone(), column)
            })
            .filter(|(_, column)| !column.is_empty())
            .collect()
    }
}
