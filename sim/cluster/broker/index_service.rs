//! The index by key: which messages of a topic have a key.
//!
//! An entry is made with the dispatch of each record that has a key, for its topic and key together: a retry copy is
//! found under `%RETRY%group`, not under its first topic. A query asks every broker of the topic, each of which
//! answers with the newest so many, 64 at most. Here only those keys are indexed that the timeline will ask for, and a
//! query is answered at once. Left out: unique ids as keys, ranges of time, and equal hashes of different keys, which
//! the reader sorts out by their texts.
//!
//! Source: `IndexService`, `QueryMessageProcessor`, `MQAdminImpl.queryMessage`.

use crate::cluster::Cluster;
use crate::cluster::config::{Action, ClusterConfig};
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{QueueId, TopicId};
use crate::cluster::message::Record;
use crate::cluster::producer::attributes::{Attributes, Key};
use crate::kernel::memory;
use std::collections::BTreeMap;

/// `maxMsgsNumBatch`: messages that one broker gives at most.
pub const MAX_MSGS_NUM_BATCH: u32 = 64;
/// `maxNum` of a query that does not say it.
pub const DEFAULT_MAX_NUM: u32 = 32;

/// See the module.
#[derive(Debug, Default)]
pub struct IndexService {
    /// Where the records with a key lie, oldest first.
    entries: BTreeMap<(TopicId, Key), Vec<Entry>>,
}

/// One record. The log may have freed it since.
#[derive(Clone, Copy, Debug)]
struct Entry {
    queue: QueueId,
    offset: u64,
    record: Record,
}

impl IndexService {
    /// An index of what the timeline of `config` will ask for.
    pub fn new(config: &ClusterConfig) -> Self {
        let asked = config.timeline.iter().filter_map(|entry| match entry.action {
            Action::QueryMessage { topic, key, .. } => Some(((topic, key), Vec::new())),
            _ => None,
        });
        Self {
            entries: asked.collect(),
        }
    }

    /// Whether nobody will ask for anything.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.entries.is_empty()
    }

    /// `buildIndex`: a record was dispatched.
    #[inline(never)]
    pub fn build(
        &mut self,
        topic: TopicId,
        (queue, offset): (QueueId, u64),
        record: Record,
        attributes: &Attributes,
    ) {
        if let Some(key) = attributes.key(record.id, record.luck)
            && let Some(entries) = self.entries.get_mut(&(topic, key))
        {
            entries.push(Entry {
                queue,
                offset,
                record,
            });
        }
    }

    /// Bytes of so many entries of one key.
    pub fn held_for(entries: u64) -> u64 {
        memory::of_grown::<Entry>(entries)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_map(&self.entries) + self.entries.values().map(memory::of_vec).sum::<u64>()
    }
}

impl<O: Observer> Cluster<O> {
    /// Timeline: somebody looks for messages by key, as with `mqadmin queryMsgByKey`.
    pub(in crate::cluster) fn query_message(&mut self, topic: TopicId, key: Key, max_num: u32) {
        self.core.emit(Fact::MessagesQueried { topic, key, max_num });
        let all = self.index.entries.get(&(topic, key));
        let all = all.map_or(&[][..], Vec::as_slice);
        let mut left = vec![max_num.min(MAX_MSGS_NUM_BATCH); self.brokers.len()];
        for found in all.iter().rev() {
            let records = &self.queues[found.queue.index()];
            let left = &mut left[records.broker.index()];
            // Index and log expire together.
            if *left > 0 && found.offset >= records.min_offset() {
                *left -= 1;
                self.core.emit(Fact::MessageFound {
                    queue: found.queue,
                    offset: found.offset,
                    message: found.record.id,
                    luck: found.record.luck,
                    stored: found.record.stored,
                });
            }
        }
    }
}
