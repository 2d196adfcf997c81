//! What lies on the lanes: who held each queue from when to when, where nobody did, where two did.

use super::{LANES_MAX, Owners};
use crate::report::charts::{Subject, thin};
use crate::report::model::MemberChange;
use std::collections::{BTreeMap, BTreeSet};

/// One queue.
pub(super) struct Lane {
    pub(super) label: String,
    /// In order of the start.
    pub(super) held: Vec<Bar>,
    /// When consumers were not given it: from, to (seconds).
    pub(super) stranded: Vec<(f64, f64)>,
    /// When nobody held it after its first owner, although it should have been: from, to (seconds).
    pub(super) gaps: Vec<(f64, f64)>,
    /// When a failure at its head held it up, with an orderly listener: from, to (seconds).
    pub(super) blocked: Vec<(f64, f64)>,
    pub(super) final_owner: Option<String>,
}

/// One owner for a while; times in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    /// A number of [`Owners`].
    pub(super) owner: usize,
    pub(super) from: f64,
    pub(super) to: f64,
    /// When its process was stopped: from, to.
    pub(super) paused: Vec<(f64, f64)>,
}

/// When each consumer's process was stopped, by its key: from, to (seconds).
fn pauses(subject: &Subject<'_>) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut pauses: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let changes = subject.report.rebalance.get(subject.name).map(|r| &r.changes);
    for change in changes.into_iter().flatten() {
        let Some(consumer) = &change.consumer else {
            continue;
        };
        let of = pauses.entry(consumer.clone()).or_default();
        match (change.change, of.last_mut()) {
            (MemberChange::Paused, _) => of.push((change.at_seconds, f64::INFINITY)),
            // It goes on, or is gone.
            (_, Some(pause)) if pause.1 == f64::INFINITY => pause.1 = change.at_seconds,
            _ => {}
        }
    }
    pauses
}

/// The parts of `spans` that lie within `from` … `to`.
pub(super) fn within(spans: &[(f64, f64)], (from, to): (f64, f64)) -> Vec<(f64, f64)> {
    let cut = spans.iter().map(|&(a, b)| (a.max(from), b.min(to)));
    cut.filter(|(a, b)| a < b).collect()
}

/// The parts of `from` … `to` outside of `spans`, which come in order.
pub(super) fn outside(spans: &[(f64, f64)], (from, to): (f64, f64)) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    let mut start = from;
    for (a, b) in within(spans, (from, to)) {
        if start < a {
            found.push((start, a));
        }
        start = start.max(b);
    }
    if start < to {
        found.push((start, to));
    }
    found
}

/// Where a lane has had an owner and has none, up to `end` if that is known.
fn gaps(held: &[Bar], stranded: &[(f64, f64)], end: Option<f64>) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    let Some(first) = held.first() else {
        return found;
    };
    let mut until = first.to;
    for next in held[1..]
        .iter()
        .map(|bar| (bar.from, bar.to))
        .chain(end.map(|end| (end, end)))
    {
        if until < next.0 {
            found.extend(outside(stranded, (until, next.0)));
        }
        until = until.max(next.1);
    }
    found
}

pub(super) fn lanes(subject: &Subject<'_>, owners: &Owners) -> Vec<Lane> {
    let mut queues: Vec<_> = subject
        .report
        .queues
        .iter()
        .filter(|(_, queue)| subject.group.topics.contains(&queue.topic))
        .collect();
    queues.sort_by(|(_, a), (_, b)| (&a.topic, &a.broker, a.id).cmp(&(&b.topic, &b.broker, b.id)));
    let rebalance = subject.report.rebalance.get(subject.name);
    let pauses = pauses(subject);
    let mut by_queue: BTreeMap<&str, Vec<Bar>> = BTreeMap::new();
    for interval in rebalance.map_or(&[][..], |r| &r.ownership) {
        if let Some(&owner) = owners.lives.get(&interval.consumer) {
            let (from, to) = (interval.from_seconds, interval.to_seconds);
            let paused = pauses.get(&interval.consumer).map_or(&[][..], |spans| spans);
            by_queue.entry(&interval.queue).or_default().push(Bar {
                owner,
                from,
                to,
                paused: within(paused, (from, to)),
            });
        }
    }
    let is_whole = rebalance.is_none_or(|rebalance| rebalance.ownership_omitted == 0);
    let end = Some(subject.report.run.duration_seconds).filter(|_| is_whole);
    let lane = |(label, queue): (&String, &crate::report::model::QueueReport)| {
        let held = by_queue.remove(label.as_str()).unwrap_or_default();
        let stranded: Vec<(f64, f64)> = (queue.stranded.iter())
            .map(|span| (span.from_seconds, span.to_seconds))
            .collect();
        let of_group = queue.groups.get(subject.name);
        let blocked = of_group.map_or(&[][..], |group| &group.blocked).iter();
        Lane {
            blocked: blocked.map(|span| (span.from_seconds, span.to_seconds)).collect(),
            label: label.clone(),
            gaps: gaps(&held, &stranded, end),
            held,
            stranded,
            final_owner: of_group.and_then(|group| group.owner.clone()),
        }
    };
    queues.into_iter().map(lane).collect()
}

/// Keeps the queues that changed hands most and fills up evenly.
pub(super) fn thin_out(lanes: &mut Vec<Lane>) {
    if lanes.len() <= LANES_MAX {
        return;
    }
    let usual = lanes.iter().map(|lane| lane.held.len()).min().unwrap_or(0);
    let mut restless: Vec<usize> = (0..lanes.len())
        .filter(|&i| lanes[i].held.len() > usual)
        .collect();
    restless.sort_by_key(|&i| std::cmp::Reverse(lanes[i].held.len()));
    // Where all moved alike, nothing tells them apart: then an even choice shows more than the first forty.
    let least_shown = restless.get(LANES_MAX).map_or(usual, |&i| lanes[i].held.len());
    restless.retain(|&i| lanes[i].held.len() > least_shown);
    let others: Vec<usize> = (0..lanes.len()).filter(|i| !restless.contains(i)).collect();
    let filling = thin::evenly(others.len(), LANES_MAX - restless.len());
    let kept: BTreeSet<usize> = restless
        .into_iter()
        .chain(filling.into_iter().map(|i| others[i]))
        .collect();
    let mut index = 0;
    lanes.retain(|_| {
        index += 1;
        kept.contains(&(index - 1))
    });
}

/// Two bars of a lane (by position) lie over each other; times in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Overlap {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) earlier: usize,
    pub(super) later: usize,
}

/// Where bars of a lane lie over each other.
pub(super) fn overlaps(held: &[Bar]) -> Vec<Overlap> {
    let mut found = Vec::new();
    // The bar that lasts longest so far: whoever starts before its end overlaps it.
    let mut longest: Option<usize> = None;
    for (later, bar) in held.iter().enumerate() {
        if let Some(earlier) = longest.filter(|&i| bar.from < held[i].to && held[i].owner != bar.owner) {
            found.push(Overlap {
                from: bar.from,
                to: bar.to.min(held[earlier].to),
                earlier,
                later,
            });
        }
        if longest.is_none_or(|i| bar.to > held[i].to) {
            longest = Some(later);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(held: &[(usize, f64, f64)]) -> Vec<Bar> {
        let bar = |&(owner, from, to)| Bar {
            owner,
            from,
            to,
            paused: Vec::new(),
        };
        held.iter().map(bar).collect()
    }

    /// Nobody from 5 to 6 s and from 9 s to the end; before 1 s it is no gap, nor from 12 s on, when it is stranded.
    #[test]
    fn gaps_are_where_an_owner_is_missing() {
        let held = bars(&[(0, 1.0, 5.0), (1, 6.0, 9.0), (2, 7.0, 8.0)]);
        assert_eq!(gaps(&held, &[], Some(20.0)), [(5.0, 6.0), (9.0, 20.0)]);
        assert_eq!(
            gaps(&held, &[(12.0, 20.0)], Some(20.0)),
            [(5.0, 6.0), (9.0, 12.0)]
        );
        assert_eq!(gaps(&held, &[(3.0, 5.5)], None), [(5.5, 6.0)]);
        assert_eq!(gaps(&[], &[], Some(20.0)), []);
    }

    #[test]
    fn spans_are_cut_to_what_is_asked_for() {
        let spans = [(1.0, 3.0), (5.0, f64::INFINITY)];
        assert_eq!(within(&spans, (2.0, 9.0)), [(2.0, 3.0), (5.0, 9.0)]);
        assert_eq!(outside(&spans, (0.0, 9.0)), [(0.0, 1.0), (3.0, 5.0)]);
        assert_eq!(outside(&spans, (5.0, 9.0)), []);
    }

    /// B starts 1 s before A ends; C starts when B ends, which is no overlap.
    #[test]
    fn overlaps_are_where_two_hold_one_queue() {
        let of = |held: &[(usize, f64, f64)]| -> Vec<(f64, f64, usize, usize)> {
            let found = overlaps(&bars(held));
            found.iter().map(|o| (o.from, o.to, o.earlier, o.later)).collect()
        };
        assert_eq!(
            of(&[(0, 0.0, 5.0), (1, 4.0, 9.0), (2, 9.0, 10.0)]),
            [(4.0, 5.0, 0, 1)]
        );
        assert_eq!(
            of(&[(0, 0.0, 9.0), (1, 2.0, 3.0), (2, 4.0, 5.0)]),
            [(2.0, 3.0, 0, 1), (4.0, 5.0, 0, 2)]
        );
    }
}
