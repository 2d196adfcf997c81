//! Questions for messages by key.

use super::View;
use crate::observe::queries::Found;
use crate::report::model::{FoundReport, QueryReport};

impl View<'_> {
    pub(super) fn key_queries(&self) -> Vec<QueryReport> {
        let queries = self.observation.queries.iter();
        let report = queries.map(|query| QueryReport {
            at_seconds: query.at.as_secs_f64(),
            topic: self.directory.topic(query.topic).name.clone(),
            key: query.key.to_string(),
            max_num: query.max_num.into(),
            found: query.found.iter().map(|found| self.found(found)).collect(),
        });
        report.collect()
    }

    fn found(&self, found: &Found) -> FoundReport {
        let attributes = &self.directory.attributes;
        let tag = attributes.tag(found.message, found.luck);
        let producer = &self.directory.producers[found.message.producer().index()].0;
        FoundReport {
            message: format!("{producer}#{}", found.message.number() + 1),
            queue: self.directory.queue_label(found.queue),
            offset: found.offset,
            stored_seconds: found.stored.as_secs_f64(),
            tag: tag.map(|tag| attributes.tags()[tag.index()].clone()),
        }
    }
}
