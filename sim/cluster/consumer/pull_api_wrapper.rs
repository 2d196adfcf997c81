//! What a client does with an answer that was read through a filter.
//!
//! It keeps a message only if its tag, by its text, is one of those that the client wanted when it sent the pull. What is
//! rejected is gone for the group, and so is what the broker has passed over: no error, no trace, and the offset moves
//! on over both. If nothing is left the next pull follows at once, and no offset moves in memory: only an answer without
//! messages moves it.
//!
//! Source: `PullAPIWrapper.processPullResult`, `DefaultMQPushConsumerImpl.pullMessage`.

use crate::cluster::Cluster;
use crate::cluster::broker::expression_message_filter::Candidate;
use crate::cluster::broker::store_filter::{StoreFilter, pass_over};
use crate::cluster::event::PqSlot;
use crate::cluster::fact::{Fact, FilteredBy, Observer};
use crate::cluster::sabotage::Sabotage;

impl<O: Observer> Cluster<O> {
    /// An answer with messages: the client's own filter, then as usual.
    #[inline(never)]
    pub(super) fn filtered_messages_arrive(&mut self, slot: PqSlot) {
        self.tell_filtered(slot, FilteredBy::Broker);
        let held = self.held_queues.get_mut(slot.0);
        let (mine, attributes) = (held.request_expression, &self.core.directory.attributes);
        let by = if held.served == mine {
            FilteredBy::HashCollision
        } else {
            FilteredBy::Client
        };
        let own = self.consumers[held.consumer.index()].own_wish(held.topic_at);
        let filter = StoreFilter {
            filters: &self.filters,
            attributes,
            wishes: own.unwrap_or_else(|| self.wishes.of(held.group, held.topic)),
        };
        let too_much = self.saboteur.is(Sabotage::FilterTooMuch);
        let passed_over = &mut held.passed_over;
        held.inbox.retain(|message| {
            let candidate = Candidate {
                attributes,
                id: message.id,
                luck: message.luck,
            };
            let keep =
                self.filters.client_keeps(mine, candidate) && !(too_much && message.luck.is_multiple_of(64));
            if !keep {
                pass_over(passed_over, message.offset, filter.is_wanted(candidate));
            }
            keep
        });
        let is_empty = held.inbox.is_empty();
        self.tell_filtered(slot, by);
        if is_empty {
            let held = self.held_queues.get_mut(slot.0);
            held.next_offset = held.reply.next_offset;
            self.pull_again(slot);
        } else {
            self.messages_arrive(slot);
        }
    }

    /// NO_MATCHED_MSG: the offset moves on, in memory too if nothing is unfinished, and the next pull follows at once.
    #[inline(never)]
    pub(super) fn nothing_matched(&mut self, slot: PqSlot) {
        self.tell_filtered(slot, FilteredBy::Broker);
        let held = self.held_queues.get_mut(slot.0);
        held.next_offset = held.reply.next_offset;
        if held.process_queue.msg_count() == 0 {
            held.offset.update(held.next_offset, true);
        }
        self.pull_again(slot);
    }

    fn tell_filtered(&mut self, slot: PqSlot, by: FilteredBy) {
        let held = self.held_queues.get_mut(slot.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        for passed in held.passed_over.drain(..) {
            let fact = Fact::Filtered {
                consumer,
                group,
                queue,
                from: passed.from,
                to: passed.to,
                by,
                wanted: passed.wanted,
            };
            self.core.emit(fact);
        }
    }
}
