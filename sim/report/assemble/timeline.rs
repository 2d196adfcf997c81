//! Series, and the skew of windows that follows from them.

use super::View;
use super::groups::shares;
use crate::cluster::directory::TopicKind;
use crate::cluster::ids::GroupId;
use crate::observe::series::Measure;
use crate::observe::skew::skew;
use crate::report::model::{BrokerSeries, GroupSeries, SkewWindowReport, TimelineReport, TopicSeries};
use indexmap::IndexMap;

/// Windows of the skew over time.
const WINDOWS: usize = 12;

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
        let slots = &self.observation.slots;
        let queue_lag: IndexMap<String, Vec<u64>> = slots
            .of_group(group)
            .map(|slot| {
                let label = self.directory.queue_label(slots.get(slot).queue);
                (label, series.column(Measure::SlotLag, slot))
            })
            .filter(|(_, column)| !column.is_empty())
            .collect();
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
            queue_lag,
            consumer_consumed: self.consumer_series(group, Measure::ConsumerConsumed),
            consumer_queues: self.consumer_series(group, Measure::ConsumerQueues),
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

    /// Results over the consumers that lived through each of up to twelve windows.
    pub(super) fn skew_windows(&self, group: GroupId) -> Vec<SkewWindowReport> {
        let series = &self.observation.series;
        let times = series.times();
        let rows = times.len();
        if rows < 2 {
            return Vec::new();
        }
        let windows = WINDOWS.min(rows - 1);
        let edge = |window: usize| window * (rows - 1) / windows;
        let columns: Vec<(usize, Vec<u64>)> = (0..self.directory.consumers.len())
            .filter(|&id| self.directory.consumers[id].group == group)
            .map(|id| (id, series.column(Measure::ConsumerConsumed, id)))
            .filter(|(_, column)| !column.is_empty())
            .collect();
        (0..windows)
            .map(|window| {
                let (first, last) = (edge(window), edge(window + 1));
                let lived = |id: usize| {
                    let life = &self.observation.consumers[id];
                    life.started.is_some_and(|at| at <= times[first])
                        && life.stopped.is_none_or(|(at, _)| at >= times[last])
                };
                let consumed = columns.iter().filter(|(id, _)| lived(*id));
                let consumed = consumed.map(|(_, column)| column[last] - column[first]).collect();
                SkewWindowReport {
                    from_seconds: times[first].as_secs_f64(),
                    to_seconds: times[last].as_secs_f64(),
                    consumer_messages: skew(consumed).map(shares(1.0)),
                }
            })
            .collect()
    }
}
