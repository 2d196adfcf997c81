//! Whole histories, told fact by fact.

use super::*;
use crate::cluster::ids::ConsumerId;
use crate::observe::ledger::Balance;
use crate::observe::rebalance::Change;
use crate::observe::story::{Run, Story, crash, millis, secs};

const GROUP: GroupId = GroupId(0);

/// Seven stored: five succeeded, one dead, one in flight.
#[test]
fn the_account_of_a_crash_adds_up() {
    let run = crash();
    assert_eq!(
        run.observation.ledger.balance(&run.observation.slots, GROUP),
        Balance {
            produced: 7,
            in_flight: 1,
            succeeded: 5,
            dead: 1,
            ..Balance::default()
        }
    );
}

/// Seven originals, one copy, two again after the kill; consumer 1 had three of them.
#[test]
fn deliveries_are_counted_by_kind_and_by_consumer() {
    let observation = crash().observation;
    assert_eq!(observation.deliveries(GROUP), 10);
    assert_eq!(observation.latencies[0].first_delivery.count(), 7);
    assert_eq!(observation.latencies[0].wait.count(), 8);
    assert_eq!(
        (
            observation.consumers[0].deliveries,
            observation.consumers[1].deliveries
        ),
        (7, 3)
    );
    assert_eq!(
        (
            observation.duplicates[0].killed,
            observation.duplicates[0].total()
        ),
        (2, 2)
    );
    // Six originals and the copy came to an end, and the two duplicates; all but the two failures well.
    let (a, b) = (&observation.consumers[0], &observation.consumers[1]);
    assert_eq!((a.succeeded, a.failed, b.succeeded), (4, 2, 3));
    assert_eq!(a.busy, SimDuration::from_millis(6 * 50));
}

/// First deliveries 5 ms after birth; successes 55 ms after; the copy waits 5 ms for its delivery.
#[test]
fn latencies_are_exact() {
    let observation = crash().observation;
    let latencies = &observation.latencies[0];
    assert_eq!(latencies.first_delivery.sum_nanos(), 7 * 5_000_000);
    assert_eq!(latencies.wait.sum_nanos(), 8 * 5_000_000);
    assert_eq!(
        (latencies.success.count(), latencies.success.sum_nanos()),
        (5, 5 * 55_000_000)
    );
}

/// Queue 1 had no owner from 10 to 10.2 s: one move, and one is the least. From the change to the move: 0.2 s.
#[test]
fn a_kill_is_a_change_with_its_consequences() {
    let mut run = crash();
    let group = &run.observation.rebalances[0];
    assert_eq!((group.moves, group.moves_least()), (1, 1));
    assert_eq!(group.all_owned_at, Some(millis(100)));
    let kill = group.changes.last().unwrap();
    assert_eq!((kill.change, kill.members, kill.moves), (Change::Killed, 1, 1));
    assert_eq!(kill.stable, SimDuration::from_millis(200));
    assert_eq!(group.stable_max, Some(SimDuration::from_millis(200)));
    run.at(30_000);
    let times = run.observation.ownership.times(secs(30), 1);
    assert_eq!(times.unowned, SimDuration::from_millis(200));
    // Owned and unowned time of a queue fill the time from its first owner to the end.
    let owned: SimDuration = (run.observation.ownership.intervals().iter())
        .filter(|interval| interval.slot == 1)
        .map(|interval| interval.to.unwrap_or(secs(30)).since(interval.from))
        .fold(SimDuration::ZERO, |sum, span| sum + span);
    assert_eq!(owned + times.unowned, SimDuration::from_millis(29_900));
}

/// Queue 0 is committed at 3 of 4, queue 1 at 3 of 3, the retry queue at 1 of 1.
#[test]
fn lag_at_the_end_is_what_is_not_committed() {
    let observation = crash().observation;
    assert_eq!(observation.lag.group(GROUP).lag.value(), 1);
    assert_eq!(observation.lag.group(GROUP).backlog.value(), 1);
    // Before the first commit at 8 s all six were lag.
    assert_eq!(observation.lag.group(GROUP).lag.max(), 6);
    assert_eq!(observation.lag.group(GROUP).lag.max_at(), Some(secs(6)));
}

/// Every queue's waiting count, integrated, is the sum of its messages' waiting times: n × 5 ms.
#[test]
fn little_holds_for_each_queue() {
    let observation = crash().observation;
    for (slot, records) in [(0, 4.0), (1, 3.0), (2, 1.0)] {
        let mean = observation.waiting_mean(slot, secs(30));
        assert!((mean - records * 0.005 / 30.0).abs() < 1e-15, "{mean}");
        assert_eq!(observation.wait_mean_secs(slot), Some(0.005));
    }
}

/// Samples from 0 to 30 s; the last row is the end of the run.
#[test]
fn the_series_has_a_row_for_each_second() {
    let observation = crash().observation;
    let times = observation.series.times();
    assert_eq!((times.len(), times[30]), (31, secs(30)));
    let members = observation.series.column(Measure::GroupMembers, 0);
    assert_eq!((members[0], members[10], members[11]), (0, 2, 1));
    let duplicates = observation.series.column(Measure::GroupDuplicates, 0);
    assert_eq!((duplicates[10], duplicates[11], duplicates[30]), (0, 2, 2));
}

/// A copy is handed out before it came back: the listener's record was never stored.
#[test]
#[should_panic = "invariant L4"]
fn a_delivery_out_of_nowhere_is_found() {
    let story = Story::new()
        .topic("orders", 1)
        .group("billing", &["orders"])
        .consumer("billing-1", "billing", 1)
        .producer("shop", "orders");
    let mut run = Run::new(story);
    run.at(0).start(0).take(0, &[0]).send(0).deliver(0, 0, 0);
    run.tell(Fact::Delivered {
        consumer: ConsumerId(0),
        group: GROUP,
        queue: QueueId(0),
        offset: 1,
        message: Default::default(),
        reconsume_times: 0,
        born: SimTime::ZERO,
        stored: SimTime::ZERO,
    });
}

/// The record was stored at 1 s, but the delivery claims 0.5 s: the sums disagree at the end.
#[test]
#[should_panic = "invariant M1 broken at 3.000000000s: orders broker-a:0"]
fn a_wrong_time_of_storage_is_found() {
    let story = Story::new()
        .topic("orders", 1)
        .group("billing", &["orders"])
        .consumer("billing-1", "billing", 1)
        .producer("shop", "orders");
    let mut run = Run::new(story);
    run.at(0).start(0).take(0, &[0]);
    run.at(1_000).send(0);
    run.tell(Fact::Delivered {
        consumer: ConsumerId(0),
        group: GROUP,
        queue: QueueId(0),
        offset: 0,
        message: Default::default(),
        reconsume_times: 0,
        born: millis(1_000),
        stored: millis(500),
    });
    run.at(3_000).finish();
}
