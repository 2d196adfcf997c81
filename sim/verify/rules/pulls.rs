//! Pull loops: one pull of a queue under way, held no longer than it may be (H1, H2), each answer taken in once (L3) and
//! into a cache (P2).

use super::bounds::HOLD_SWEEP;
use super::{Judge, who};
use crate::cluster::config::Delivery;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, PullResult};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;

impl Judge<'_> {
    pub(super) fn pull_loops(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let (consumer, queue) = match fact {
            Fact::PullHeld { consumer, queue, .. }
            | Fact::PullAnswered { consumer, queue, .. }
            | Fact::PullFailed { consumer, queue, .. }
            | Fact::FlowControlled { consumer, queue, .. }
            | Fact::QueueReleased { consumer, queue, .. }
            | Fact::Pushed { consumer, queue, .. }
            | Fact::Cached { consumer, queue, .. } => (*consumer, *queue),
            Fact::BrokerStopped { broker, .. } => {
                let there = |queue: QueueId| directory.queue(queue).broker == *broker;
                for (_, hold) in self.holds.iter_mut().filter(|((_, queue), _)| there(*queue)) {
                    hold.at_broker = None;
                }
                return;
            }
            _ => return,
        };
        match *fact {
            Fact::PullAnswered { messages, bytes, .. } => {
                self.pull_answered(now, directory, fact);
                self.answer_is_small(now, directory, (consumer, queue), (messages, bytes));
            }
            Fact::Pushed { messages, bytes, .. } => {
                self.answer_is_small(now, directory, (consumer, queue), (messages, bytes));
            }
            Fact::Cached { messages, cached, .. } => {
                self.cache_has_room(now, directory, (consumer, queue), (messages, cached));
            }
            _ => {}
        }
        if self.processes.alive.contains(&consumer) {
            self.sign_of_life(now, directory, consumer, queue);
        }
        let what = |text: &str| format!("{} {text}", who(directory, consumer, queue));
        let pull = self.bounds.pull(directory.consumer(consumer).group);
        let Some(hold) = self.holds.get_mut(&(consumer, queue)) else {
            return;
        };
        (hold.last_sign, hold.started) = (now, true);
        match fact {
            Fact::QueueReleased { .. } => {
                self.holds.remove(&(consumer, queue));
            }
            Fact::PullHeld { .. } => {
                // What a former hold has asked for may still be there for as long as a pull takes.
                let is_its = |held: SimTime| hold.first || held.since(hold.since) > pull;
                let second = hold.at_broker.is_some_and(is_its);
                hold.at_broker = Some(now);
                self.asked
                    .must(now, Invariant::H1, !second, || what("a second pull is held"));
            }
            Fact::PullAnswered { result, .. } => {
                hold.at_broker = None;
                hold.sent += u32::from(*result == PullResult::Found);
            }
            Fact::PullFailed { .. } => hold.at_broker = None,
            Fact::Pushed { .. } => hold.sent += 1,
            Fact::Cached { messages, cached, .. } => {
                hold.came += 1;
                let (came, sent) = (hold.came, hold.sent);
                self.asked.must(now, Invariant::L3, came <= sent, || {
                    what(&format!("{came} answers have come, of {sent} that were sent"))
                });
                let before = std::mem::replace(&mut hold.cached, *cached);
                let fits = (*messages..=before + messages).contains(cached);
                self.asked.must(now, Invariant::P2, fits, || {
                    what(&format!(
                        "{cached} messages are cached, there were {before} before {messages} came"
                    ))
                });
                hold.entered += u64::from(*messages);
            }
            _ => {}
        }
    }

    /// A pull loop shows itself, unless its client or its broker was in trouble. One that has not begun waits for other
    /// brokers too, and so does one that waits for a lock.
    pub(super) fn sign_of_life(
        &self,
        now: SimTime,
        directory: &Directory,
        consumer: ConsumerId,
        queue: QueueId,
    ) {
        let group = directory.consumer(consumer).group;
        let settings = &self.config.groups[group.index()];
        // An order stands in silence. An application that pulls on its clock is silent while it works.
        if matches!(settings.delivery, Delivery::Push { .. } | Delivery::Pull { .. }) {
            return;
        }
        let Some(hold) = self.holds.get(&(consumer, queue)) else {
            return;
        };
        let most = match hold.started {
            true => self.bounds.pull(group),
            false => self.bounds.round(group),
        };
        if self.locks.is_without(consumer, queue) {
            return;
        }
        let in_time = now.since(hold.last_sign) <= most;
        let calm = match hold.started && !self.is_orderly(group) {
            _ if in_time => Some(hold.last_sign),
            true => self.excuses.calm_since(consumer, directory.queue(queue).broker),
            false => self.excuses.client_calm_since(consumer),
        };
        let Some(calm) = calm else {
            return;
        };
        let since = hold.last_sign.max(calm);
        self.asked.must(now, Invariant::H1, now.since(since) <= most, || {
            let who = who(directory, consumer, queue);
            format!("{who} no sign of its pull loop since {since}, expected within {most}")
        });
    }

    fn pull_answered(&self, now: SimTime, directory: &Directory, fact: &Fact) {
        let Fact::PullAnswered {
            consumer,
            queue,
            result,
            held,
            messages,
            ..
        } = fact
        else {
            return;
        };
        let group = self.group_of(directory, *consumer);
        let broker = &self.config.broker_tuning;
        let (timeout, sweep) = match broker.long_polling_enable {
            true => (group.tuning.broker_suspend_max_time_millis.duration(), HOLD_SWEEP),
            false => (
                broker.short_polling_time_mills.duration(),
                broker.short_polling_time_mills.duration(),
            ),
        };
        // Only long polls wait.
        let waits = group.delivery == Delivery::LongPolling;
        let wrong = if *held > timeout + sweep || !waits && !held.is_zero() {
            "no longer"
        } else if waits && *result == PullResult::NotFound && *held < timeout {
            "at least"
        } else if (*result == PullResult::Found) != (*messages > 0) {
            "with messages if it says so"
        } else {
            ""
        };
        self.asked.must(now, Invariant::H2, wrong.is_empty(), || {
            let who = who(directory, *consumer, *queue);
            let said = match result {
                PullResult::Found => "as found",
                PullResult::NotFound => "as not found",
                PullResult::NoMatched => "as not matched",
                PullResult::OffsetMoved => "with another offset",
            };
            format!(
                "{who} a pull is answered {said}, with {messages} messages after a hold of {held}; expected {wrong}: \
                 a hold of {timeout} and a sweep of {sweep}"
            )
        });
    }
}
