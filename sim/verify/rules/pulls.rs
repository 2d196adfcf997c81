//! Pull loops: one pull of a queue under way, held no longer than it may be (H1, H2), each answer taken in once (L3) and
//! into a cache that has room for it (P2, P3).

use super::Judge;
use super::bounds::HOLD_SWEEP;
use crate::cluster::config::Delivery;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, PullResult};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, broken, must};

impl Judge<'_> {
    pub(super) fn pull_loops(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let (consumer, queue) = match fact {
            Fact::PullHeld { consumer, queue }
            | Fact::PullAnswered { consumer, queue, .. }
            | Fact::PullFailed { consumer, queue, .. }
            | Fact::FlowControlled { consumer, queue, .. }
            | Fact::QueueReleased { consumer, queue, .. }
            | Fact::Pushed { consumer, queue, .. }
            | Fact::Cached { consumer, queue, .. } => (*consumer, *queue),
            Fact::BrokerStopped { broker, .. } => {
                for ((_, queue), hold) in &mut self.holds {
                    hold.at_broker &= directory.queue(*queue).broker != *broker;
                }
                return;
            }
            _ => return,
        };
        if let Fact::PullAnswered { .. } = fact {
            self.pull_answered(now, directory, fact);
        }
        if self.processes.alive.contains(&consumer) {
            self.sign_of_life(now, directory, consumer, queue);
        }
        let what = |text: &str| {
            format!(
                "{}, {}: {text}",
                directory.consumer(consumer).name,
                directory.queue_label(queue)
            )
        };
        let Some(hold) = self.holds.get_mut(&(consumer, queue)) else {
            return;
        };
        (hold.last_sign, hold.started) = (now, true);
        match fact {
            Fact::QueueReleased { .. } => {
                self.holds.remove(&(consumer, queue));
            }
            Fact::PullHeld { .. } => {
                let second = std::mem::replace(&mut hold.at_broker, true) && hold.first;
                must(now, Invariant::H1, !second, || what("a second pull is held"));
            }
            Fact::PullAnswered { result, .. } => {
                hold.at_broker = false;
                hold.sent += u32::from(*result == PullResult::Found);
            }
            Fact::PullFailed { .. } => hold.at_broker = false,
            Fact::Pushed { .. } => hold.sent += 1,
            Fact::Cached { messages, cached, .. } => {
                hold.came += 1;
                let (came, sent) = (hold.came, hold.sent);
                must(now, Invariant::L3, came <= sent || !hold.first, || {
                    what(&format!("{came} answers have come, of {sent} that were sent"))
                });
                let before = std::mem::replace(&mut hold.cached, *cached);
                let fits = (*messages..=before + messages).contains(cached);
                must(now, Invariant::P2, fits, || {
                    what(&format!(
                        "{cached} messages are cached, there were {before} before {messages} came"
                    ))
                });
                self.cache_has_room(now, directory, (consumer, queue), (*messages, *cached));
            }
            _ => {}
        }
    }

    /// Whoever pulls asks only while no threshold is exceeded, and has one answer under way.
    fn cache_has_room(
        &self,
        now: SimTime,
        directory: &Directory,
        (consumer, queue): (ConsumerId, QueueId),
        (messages, cached): (u32, u32),
    ) {
        let group = self.group_of(directory, consumer);
        let of_topic = u32::try_from(group.tuning.pull_threshold_for_topic).unwrap_or(0);
        let threshold = match group.delivery {
            Delivery::LongPolling | Delivery::ShortPolling { .. } => {
                messages + group.tuning.pull_threshold_for_queue.max(of_topic)
            }
            Delivery::Pull { batch, .. } => batch,
            Delivery::Push { credit } => credit.unwrap_or(u32::MAX),
        };
        must(now, Invariant::P3, cached <= threshold, || {
            let (name, label) = (&directory.consumer(consumer).name, directory.queue_label(queue));
            format!("{name}, {label}: {cached} messages are cached, {threshold} may be")
        });
    }

    /// A pull loop shows itself, unless its client or one of its links was in trouble.
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
        if now.since(hold.last_sign) <= most || self.locks.is_without(consumer, queue) {
            return;
        }
        let Some(well) = self.well_since(consumer) else {
            return;
        };
        let since = hold.last_sign.max(well);
        must(now, Invariant::H1, now.since(since) <= most, || {
            let (name, label) = (&directory.consumer(consumer).name, directory.queue_label(queue));
            format!("{name}, {label}: no sign of its pull loop since {since}, expected within {most}")
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
            return;
        };
        let (name, label) = (&directory.consumer(*consumer).name, directory.queue_label(*queue));
        let text = format!(
            "{name}, {label}: {fact:?}; expected {wrong}: a hold of {timeout} and a sweep of {sweep}"
        );
        broken(now, Invariant::H2, &text);
    }
}
