//! What filters did, by group and topic.

use super::View;
use crate::cluster::fact::FilteredBy;
use crate::cluster::ids::{GroupId, TopicId};
use crate::observe::filters::Sampled;
use crate::report::model::{FilterReport, SampledReport};
use indexmap::IndexMap;

impl View<'_> {
    pub(super) fn filters(&self, group: GroupId) -> IndexMap<String, FilterReport> {
        let topics = self.observation.filters.of_group(group);
        let report = topics.map(|(topic, filter)| {
            let report = FilterReport {
                filtered_at_broker: filter.passed_over(FilteredBy::Broker),
                rejected_by_client: filter.passed_over(FilteredBy::Client)
                    + filter.passed_over(FilteredBy::HashCollision),
                hash_collisions: filter.passed_over(FilteredBy::HashCollision),
                matched_never_delivered: self.mismatched(group, topic),
                pulls_without_match: filter.pulls_without_match,
                lag_diff: sampled(&filter.diff),
                lag_matching: sampled(&filter.matching),
            };
            (self.directory.topic(topic).name.clone(), report)
        });
        report.collect()
    }

    fn mismatched(&self, group: GroupId, topic: TopicId) -> u64 {
        let slots = self.observation.slots.of_group(group);
        let of_topic = slots.filter(|slot| {
            let queue = self.observation.slots.get(*slot).queue;
            self.directory.queue(queue).topic == topic
        });
        of_topic
            .map(|slot| self.observation.ledger.mismatched(slot))
            .sum()
    }
}

fn sampled(sampled: &Sampled) -> SampledReport {
    SampledReport {
        last: sampled.last,
        max: sampled.max,
        mean: sampled.mean(),
    }
}
