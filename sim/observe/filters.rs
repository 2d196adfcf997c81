//! What filters did: which records were passed over by whom, pulls that found nothing that matched, and the lag in
//! messages that are wanted beside the lag in all messages.

use crate::cluster::fact::FilteredBy;
use crate::cluster::ids::{GroupId, TopicId};
use std::collections::BTreeMap;

/// By group and topic, for groups in which somebody filters.
#[derive(Debug, Default)]
pub struct Filters(BTreeMap<(GroupId, TopicId), TopicFilter>);

/// What one group's filters did to one topic.
#[derive(Clone, Copy, Debug, Default)]
pub struct TopicFilter {
    /// Records passed over, each once for every reader that did; by [`FilteredBy`].
    passed_over: [u64; FilteredBy::ALL.len()],
    /// Pulls that found nothing that matched.
    pub pulls_without_match: u64,
    /// Max offset − committed offset.
    pub diff: Sampled,
    /// The part of that which matches, as brokers estimate it.
    pub matching: Sampled,
}

/// A number that is looked at on the grid.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sampled {
    /// The last look.
    pub last: u64,
    /// The highest.
    pub max: u64,
    sum: u128,
    looks: u64,
}

impl Sampled {
    fn look(&mut self, value: u64) {
        self.last = value;
        self.max = self.max.max(value);
        self.sum += u128::from(value);
        self.looks += 1;
    }

    /// Forgets all looks but the last.
    fn restart(&mut self) {
        self.max = self.last;
        self.sum = u128::from(self.last);
        self.looks = self.looks.min(1);
    }

    /// Mean of all looks; 0 without any.
    pub fn mean(&self) -> f64 {
        if self.looks == 0 {
            return 0.0;
        }
        self.sum as f64 / self.looks as f64
    }
}

impl TopicFilter {
    /// Records that readers passed over because of `by`.
    pub fn passed_over(&self, by: FilteredBy) -> u64 {
        self.passed_over[by as usize]
    }
}

impl Filters {
    fn entry(&mut self, group: GroupId, topic: TopicId) -> &mut TopicFilter {
        self.0.entry((group, topic)).or_default()
    }

    /// A reader passed over so many records.
    pub fn passed_over(&mut self, group: GroupId, topic: TopicId, by: FilteredBy, records: u64) {
        self.entry(group, topic).passed_over[by as usize] += records;
    }

    /// A pull found nothing that matched.
    pub fn without_match(&mut self, group: GroupId, topic: TopicId) {
        self.entry(group, topic).pulls_without_match += 1;
    }

    /// The lag, as brokers tell it.
    pub fn lag(&mut self, group: GroupId, topic: TopicId, diff: u64, matching: u64) {
        let filter = self.entry(group, topic);
        filter.diff.look(diff);
        filter.matching.look(matching);
    }

    /// Lags are measured from the last look on.
    pub fn restart(&mut self) {
        for filter in self.0.values_mut() {
            filter.diff.restart();
            filter.matching.restart();
        }
    }

    /// The lag of a group that has filters, in messages that it wants, as brokers told it last.
    pub fn estimate(&self, group: GroupId) -> Option<u64> {
        let topics = self.of_group(group).map(|(_, filter)| filter.matching.last);
        topics.reduce(u64::saturating_add)
    }

    /// The topics of a group that has filters.
    pub fn of_group(&self, group: GroupId) -> impl Iterator<Item = (TopicId, &TopicFilter)> {
        let all = self.0.iter().filter(move |((of, _), _)| *of == group);
        all.map(|((_, topic), filter)| (*topic, filter))
    }
}
