//! Offsets of a broadcasting group: a file at each client, named after its client id.
//!
//! Offsets go into the file every 5 s, when a queue is given up, and at a shutdown; what moved since is lost with a crash.
//! Clients that share an id share the file. A client that comes back finds it, unless its id is another (a new host) or
//! its container was thrown away with it (`localOffsetStore`). Who finds nothing starts where `ConsumeFromWhere`
//! says: no broker softens that for young queues. Left out: a file that cannot be read, and its `.bak`.
//!
//! Source: `LocalFileOffsetStore`, `RebalancePushImpl.computePullFromWhereWithException`.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::ClientRank;
use crate::cluster::config::{ConsumeFromWhere, LocalOffsetStore, MessageModel};
use crate::cluster::event::PqSlot;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::memory;
use std::collections::BTreeMap;

/// What the files of all clients hold.
#[derive(Clone, Debug, Default)]
pub struct LocalFileOffsetStore {
    files: BTreeMap<(GroupId, ClientRank), BTreeMap<QueueId, u64>>,
}

impl LocalFileOffsetStore {
    fn read(&self, group: GroupId, client: ClientRank, queue: QueueId) -> Option<u64> {
        self.files.get(&(group, client))?.get(&queue).copied()
    }

    fn write(&mut self, group: GroupId, client: ClientRank, queue: QueueId, offset: u64) {
        self.files
            .entry((group, client))
            .or_default()
            .insert(queue, offset);
    }

    /// The least offset of `queue` that a file of `group` holds.
    fn least(&self, group: GroupId, queue: QueueId) -> Option<u64> {
        let files = self.files.range((group, 0)..=(group, ClientRank::MAX));
        files.filter_map(|(_, file)| file.get(&queue).copied()).min()
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.files.values().map(memory::of_map).sum::<u64>() + memory::of_map(&self.files)
    }
}

impl<O: Observer> Cluster<O> {
    /// Whether each member of `group` gets all messages.
    #[inline]
    pub(in crate::cluster) fn is_broadcasting(&self, group: GroupId) -> bool {
        self.config.groups[group.index()].message_model == MessageModel::Broadcasting
    }

    /// A client starts: a container that lost its disk has no file.
    pub(super) fn open_local_file(&mut self, consumer: ConsumerId) {
        let client = &self.consumers[consumer.index()];
        let config = &self.config.groups[client.group.index()];
        if config.local_offset_store == LocalOffsetStore::Lost {
            self.local_offsets.files.remove(&(client.group, client.rank));
        }
    }

    /// Where the file says that the client is to go on in `queue`. From now on what lies there is kept for it.
    pub(super) fn read_local_offset(&mut self, consumer: ConsumerId, queue: QueueId) -> Option<u64> {
        let client = &self.consumers[consumer.index()];
        let offset = self.local_offsets.read(client.group, client.rank, queue);
        let from_first =
            self.config.groups[client.group.index()].consume_from_where != ConsumeFromWhere::LastOffset;
        let max = self.queues[queue.index()].max_offset();
        let least = offset.unwrap_or(if from_first { 0 } else { max });
        self.queues[queue.index()].note_asker(consumer, least);
        offset
    }

    /// Writes the offset of a held queue into the file.
    pub(super) fn persist_locally(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        let Some(offset) = held.offset.read() else { return };
        held.floor = held.floor.max(offset);
        let rank = self.consumers[consumer.index()].rank;
        self.local_offsets.write(group, rank, queue, offset);
        self.core.emit(Fact::LocalOffsetStored {
            consumer,
            queue,
            offset,
        });
    }

    /// The least offset of `queue` at which a member of a broadcasting group may start that does not hold it.
    pub(in crate::cluster) fn least_local_offset(&self, group: GroupId, queue: QueueId) -> u64 {
        match self.config.groups[group.index()].consume_from_where {
            ConsumeFromWhere::LastOffset => self.local_offsets.least(group, queue).unwrap_or(u64::MAX),
            // A member without a file may start anywhere.
            ConsumeFromWhere::FirstOffset | ConsumeFromWhere::Timestamp => 0,
        }
    }
}
