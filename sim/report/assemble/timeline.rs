//! Series.

use super::View;
use crate::cluster::directory::TopicKind;
use crate::cluster::ids::GroupId;
use crate::observe::series::Measure;
use crate::report::model::{BrokerSeries, GroupSeries, TimelineReport, TopicSeries};
use indexmap::IndexMap;

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
                let of = slots.get(slot);
                let label = self.directory.queue_label(of.queue);
                let label = match of.reader {
                    None => label,
                    Some(reader) => format!(
                        "{label} at {}",
                        self.directory.group(group).readers[reader as usize]
                    ),
                };
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
}
