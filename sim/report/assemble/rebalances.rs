//! Rebalances: what changed in a group, and what came of it.

use super::View;
use crate::cluster::fact::RebalanceTrigger;
use crate::cluster::ids::GroupId;
use crate::kernel::time::SimDuration;
use crate::observe::ownership::Times;
use crate::observe::rebalance::{Change, ChangeOutcome, Disconnect, Rebalances, Round, Subject};
use crate::report::model::{
    ChangesReport, DisconnectReport, MemberChange, MemberChangeReport, OwnershipReport, RebalanceEventReport,
    RebalanceReport, Trigger, TriggersReport,
};
use indexmap::IndexMap;

impl View<'_> {
    pub(super) fn rebalances(&self) -> IndexMap<String, RebalanceReport> {
        self.by_group(|group| self.rebalance(group))
    }

    fn rebalance(&self, group: GroupId) -> RebalanceReport {
        let rebalances = &self.observation.rebalances[group.index()];
        let times: Vec<Times> = (self.user_slots(group))
            .map(|slot| self.observation.ownership.times(self.end, slot))
            .collect();
        let sum = |of: fn(&Times) -> SimDuration| {
            let spans = times.iter().map(of);
            spans
                .fold(SimDuration::ZERO, |sum, span| sum + span)
                .as_secs_f64()
        };
        let longest = times.iter().map(|times| times.unowned_max).max();
        let (stranded_queues, stranded_messages) = self.stranded(group);
        RebalanceReport {
            rounds: rebalances.rounds.iter().sum(),
            rounds_by_trigger: triggers(rebalances),
            rounds_with_change: rebalances.rounds_with_change,
            moves: rebalances.moves,
            moves_least: rebalances.moves_least(),
            all_owned_seconds: rebalances.all_owned_at.map(|at| at.as_secs_f64()),
            unclaimed_seconds: sum(|times| times.unclaimed),
            owned_seconds: sum(|times| times.owned),
            paused_seconds: sum(|times| times.paused),
            overlap_seconds: sum(|times| times.overlap),
            unowned_seconds: sum(|times| times.unowned),
            unowned_max_seconds: longest.unwrap_or_default().as_secs_f64(),
            stranded_seconds: sum(|times| times.stranded),
            stranded_queues,
            stranded_messages,
            detected_max_seconds: rebalances.detected_max.map(|span| span.as_secs_f64()),
            stable_max_seconds: rebalances.stable_max.map(|span| span.as_secs_f64()),
            duplicates: rebalances.duplicates,
            members_expired: rebalances.expired,
            released_unfinished: rebalances.released_unfinished,
            changes_by_kind: kinds(rebalances),
            changes: rebalances
                .changes
                .iter()
                .map(|change| self.change(change))
                .collect(),
            events: rebalances.events.iter().map(|round| self.event(round)).collect(),
            disconnects: (rebalances.disconnects.iter())
                .map(|lost| self.disconnect(lost))
                .collect(),
            events_omitted: rebalances.omitted,
            ownership: self.ownership(group),
            ownership_omitted: self.observation.ownership.omitted(),
        }
    }

    /// Queues that consumers are not given at the end, and the records in them that nobody has seen.
    fn stranded(&self, group: GroupId) -> (u64, u64) {
        let (ownership, ledger) = (&self.observation.ownership, &self.observation.ledger);
        let slots = self.user_slots(group).filter(|&slot| ownership.is_stranded(slot));
        slots.fold((0, 0), |(queues, messages), slot| {
            let end = ledger.end(self.observation.slots.get(slot).queue);
            (queues + 1, messages + end - ledger.frontier(slot).min(end))
        })
    }

    fn ownership(&self, group: GroupId) -> Vec<OwnershipReport> {
        let observation = self.observation;
        let of = |slot: u32| observation.slots.get(slot as usize);
        let intervals = observation.ownership.intervals().iter();
        intervals
            .filter(|interval| of(interval.slot).group == group)
            .map(|interval| OwnershipReport {
                queue: self.directory.queue_label(of(interval.slot).queue),
                consumer: self.consumer_key(interval.consumer),
                from_seconds: interval.from.as_secs_f64(),
                to_seconds: interval.to.unwrap_or(self.end).as_secs_f64(),
            })
            .collect()
    }

    fn change(&self, change: &ChangeOutcome) -> MemberChangeReport {
        let (consumer, queues) = match change.subject {
            Subject::Member(consumer) => (Some(self.consumer_key(consumer)), None),
            Subject::Queues(topic, broker) => (None, Some((topic, broker))),
        };
        MemberChangeReport {
            at_seconds: change.at.as_secs_f64(),
            consumer,
            topic: queues.map(|(topic, _)| self.directory.topic(topic).name.clone()),
            broker: queues.map(|(_, broker)| self.directory.broker(broker).to_owned()),
            change: match change.change {
                Change::Started => MemberChange::Started,
                Change::Graceful => MemberChange::Graceful,
                Change::Killed => MemberChange::Killed,
                Change::Vanished => MemberChange::Vanished,
                Change::StartFailed => MemberChange::StartFailed,
                Change::Paused => MemberChange::Paused,
                Change::Resumed => MemberChange::Resumed,
                Change::CutOff => MemberChange::CutOff,
                Change::Reconnected => MemberChange::Reconnected,
                Change::Slowed => MemberChange::Slowed,
                Change::FastAgain => MemberChange::FastAgain,
                Change::QueuesChanged => MemberChange::QueuesChanged,
            },
            members: change.members,
            moves: change.moves,
            moves_least: change.moves_least,
            detected_seconds: change.detected.map(|span| span.as_secs_f64()),
            stable_seconds: change.stable.as_secs_f64(),
            unowned_seconds: change.unowned.as_secs_f64(),
            duplicates: change.duplicates,
        }
    }

    fn event(&self, round: &Round) -> RebalanceEventReport {
        RebalanceEventReport {
            at_seconds: round.at.as_secs_f64(),
            consumer: self.consumer_key(round.consumer),
            trigger: match round.trigger {
                RebalanceTrigger::Start => Trigger::Start,
                RebalanceTrigger::Notification => Trigger::Notification,
                RebalanceTrigger::Period => Trigger::Period,
                RebalanceTrigger::Unbalanced => Trigger::Unbalanced,
                RebalanceTrigger::Reconnect => Trigger::Reconnect,
                RebalanceTrigger::OffsetIllegal => Trigger::OffsetIllegal,
            },
            added: round.added.into(),
            removed: round.removed.into(),
            balanced: round.balanced,
        }
    }

    fn disconnect(&self, lost: &Disconnect) -> DisconnectReport {
        DisconnectReport {
            at_seconds: lost.at.as_secs_f64(),
            consumer: self.consumer_key(lost.consumer),
            broker: self.directory.broker(lost.broker).to_owned(),
        }
    }
}

fn triggers(rebalances: &Rebalances) -> TriggersReport {
    let [start, notification, period, unbalanced, reconnect, offset_illegal] = rebalances.rounds;
    TriggersReport {
        start,
        notification,
        period,
        unbalanced,
        reconnect,
        offset_illegal,
    }
}

fn kinds(rebalances: &Rebalances) -> ChangesReport {
    let of = |change: Change| rebalances.kinds[change as usize];
    ChangesReport {
        started: of(Change::Started),
        graceful: of(Change::Graceful),
        killed: of(Change::Killed),
        vanished: of(Change::Vanished),
        start_failed: of(Change::StartFailed),
        paused: of(Change::Paused),
        resumed: of(Change::Resumed),
        cut_off: of(Change::CutOff),
        reconnected: of(Change::Reconnected),
        slowed: of(Change::Slowed),
        fast_again: of(Change::FastAgain),
        queues_changed: of(Change::QueuesChanged),
    }
}
