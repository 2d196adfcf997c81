//! Whole histories, told fact by fact.

use super::*;
use crate::cluster::fact::StopKind;
use crate::cluster::ids::ConsumerId;
use crate::cluster::network::Server;
use crate::observe::ledger::Balance;
use crate::observe::rebalance::{Change, ChangeOutcome};
use crate::observe::story::{Run, Story, crash, millis, secs, troubles};
use proptest::prelude::*;

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
        luck: 0,
        reconsume_times: 0,
        born: SimTime::ZERO,
        stored: SimTime::ZERO,
        position: 0,
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
        luck: 0,
        reconsume_times: 0,
        born: millis(1_000),
        stored: millis(500),
        position: 0,
    });
    run.at(3_000).finish();
}

/// What each change of the troubled history led to, from the story by hand: kind, members, moves and the fewest,
/// first reaction and last (ms), queue-time without owner (ms), duplicates.
#[test]
fn troubles_are_told_change_by_change() {
    let observation = troubles().observation;
    let group = &observation.rebalances[0];
    let ms = |span: SimDuration| span.as_nanos() / 1_000_000;
    let row = |c: &ChangeOutcome| {
        let times = (c.detected.map(ms), ms(c.stable), ms(c.unowned));
        (c.change, c.members, (c.moves, c.moves_least), times, c.duplicates)
    };
    let rows: Vec<_> = group.changes[2..].iter().map(row).collect();
    let expected = [
        // First owners: nobody else was there, nothing moved.
        (Change::Started, 3, (0, 0), (None, 1_000, 0), 0),
        (Change::Paused, 3, (2, 0), (Some(4_000), 4_200, 0), 2),
        // A 3, B 3, C 0 of 6: one of each has to go back.
        (Change::Resumed, 3, (2, 2), (Some(1_000), 1_200, 0), 0),
        // Queues 2 and 3 for 3 s.
        (Change::Vanished, 2, (2, 2), (Some(3_000), 3_000, 6_000), 1),
        // A 3, C 1 of 4. Queue 2 for 0.3 s.
        (Change::QueuesChanged, 2, (1, 1), (Some(2_000), 2_300, 300), 0),
        // Queue 4 for 2 s; it comes from nobody.
        (Change::QueuesChanged, 2, (0, 0), (Some(2_000), 2_000, 2_000), 0),
    ];
    assert_eq!(rows, expected);
    // The pause and its end added nothing: no member came or went.
    assert_eq!((group.moves, group.moves_least(), group.duplicates), (7, 3, 3));
    assert_eq!(group.kinds, [3, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 2]);
    let causes = observation.duplicates[0];
    assert_eq!((causes.paused, causes.vanished, causes.total()), (2, 1, 3));
    assert_eq!((group.expired, observation.brokers[0].members_expired), (1, 1));
    assert_eq!(group.disconnects.len(), 1);
}

/// B is cut off from two servers at 5 s and reaches the second of them at 10 s. A takes its queue at 7 s, which is
/// no reaction to the start; when A is killed, the queue is B's again, who never let go. What is cut before A starts,
/// and after it is gone, changes nothing in the group.
#[test]
fn a_cut_answers_for_what_follows() {
    let story = Story::new()
        .topic("orders", 2)
        .group("billing", &["orders"])
        .consumer("billing-1", "billing", 1)
        .consumer("billing-2", "billing", 1);
    let mut run = Run::new(story);
    let (a, b) = (ConsumerId(0), ConsumerId(1));
    let cut = |consumer, n| Fact::LinkCut {
        consumer,
        server: Server::NameServer(n),
    };
    let healed = |consumer, n| Fact::LinkHealed {
        consumer,
        server: Server::NameServer(n),
    };
    run.at(0).tell(cut(a, 0)).tell(healed(a, 0)).start(0).start(1);
    run.at(1_000).take(0, &[0]).take(1, &[1]);
    run.at(5_000).tell(cut(b, 0)).tell(cut(b, 1));
    run.at(7_000).take(0, &[1]);
    run.at(8_000).tell(healed(b, 0));
    run.at(10_000).tell(healed(b, 1));
    run.at(11_000).stop(0, StopKind::Killed).tell(cut(a, 0));
    run.at(12_000).finish();
    let group = &run.observation.rebalances[0];
    let row = |c: &ChangeOutcome| (c.change, c.at, c.members, c.moves, c.stable);
    let rows: Vec<_> = group.changes[1..].iter().map(row).collect();
    let (two, zero) = (SimDuration::from_secs(2), SimDuration::ZERO);
    assert_eq!(
        rows,
        [
            (Change::Started, secs(0), 2, 0, SimDuration::from_secs(1)),
            (Change::CutOff, secs(5), 2, 1, two),
            (Change::Reconnected, secs(10), 2, 0, zero),
            (Change::Killed, secs(11), 1, 1, zero),
        ]
    );
}

/// Two links of one client get slow and recover one after another: two changes.
#[test]
fn slow_links_are_a_change_of_their_client() {
    let story = Story::new()
        .topic("orders", 1)
        .group("billing", &["orders"])
        .consumer("billing-1", "billing", 1);
    let mut run = Run::new(story);
    let slowed = |n, slow| Fact::LinkSlowed {
        consumer: ConsumerId(0),
        server: Server::NameServer(n),
        slow,
    };
    run.at(0).start(0);
    run.at(5_000).tell(slowed(0, true)).tell(slowed(1, true));
    run.at(8_000).tell(slowed(0, false));
    run.at(9_000).tell(slowed(1, false));
    run.at(10_000).finish();
    let changes = run.observation.rebalances[0].changes[1..].iter();
    let changes: Vec<_> = changes.map(|c| (c.change, c.at)).collect();
    assert_eq!(changes, [(Change::Slowed, secs(5)), (Change::FastAgain, secs(9))]);
}

/// Queue 4: claimed at 1 s, stranded from 20 to 26 s, without owner to 28 s; C slept on it from 5 to 9 s, and shared
/// it with A from 9 to 13 s.
#[test]
fn every_queue_accounts_for_its_time() {
    let observation = troubles().observation;
    let times = observation.ownership.times(secs(30), 4);
    let seconds = |span: SimDuration| span.as_secs_f64();
    assert_eq!((seconds(times.unclaimed), seconds(times.owned)), (1.0, 21.0));
    assert_eq!((seconds(times.paused), seconds(times.overlap)), (4.0, 4.0));
    assert_eq!((seconds(times.unowned), seconds(times.stranded)), (2.0, 6.0));
    // A from 9 to 13 s, C from 1 to 22 s and from 28 s on.
    assert_eq!(seconds(times.held), 4.0 + 21.0 + 2.0);
    let c = &observation.consumers[2];
    assert_eq!((c.pauses, c.paused(secs(30))), (1, SimDuration::from_secs(7)));
    assert_eq!((c.connections_lost, c.pulls_failed), (1, [0, 0, 1, 0, 0, 0, 0]));
}

/// A consumer that held a queue a second longer than the queue had an owner.
#[test]
#[should_panic = "invariant M2 broken at 3.000000000s: group billing: queues were held for"]
fn time_that_no_queue_knows_of_is_found() {
    let story = Story::new()
        .topic("orders", 1)
        .group("billing", &["orders"])
        .consumer("billing-1", "billing", 1);
    let mut run = Run::new(story);
    run.at(0).start(0).take(0, &[0]);
    run.observation.consumers[0].queues.change(secs(2), 1);
    run.at(3_000).finish();
}

/// A queue that was created with the topic and is not read until the topic is changed: no owner is missing before.
#[test]
fn a_queue_that_only_producers_use_is_stranded_from_birth() {
    let story = Story::new()
        .topic("orders", 2)
        .group("billing", &["orders"])
        .consumer("billing-1", "billing", 1);
    let mut run = Run::new(Story::new());
    run.story = story;
    run.observation.reads.insert((TopicId(0), BrokerId(0)), 1);
    for queue in [QueueId(0), QueueId(1)] {
        run.tell(Fact::QueueCreated { queue });
    }
    run.at(0).start(0).at(1_000).take(0, &[0]);
    assert_eq!(run.observation.rebalances[0].all_owned_at, Some(secs(1)));
    run.at(10_000).read_queues(2);
    assert_eq!(run.observation.rebalances[0].all_owned_at, None);
    run.at(15_000).take(0, &[1]).at(20_000).finish();
    let times = run.observation.ownership.times(secs(20), 1);
    let (stranded, unclaimed) = (times.stranded.as_secs_f64(), times.unclaimed.as_secs_f64());
    assert_eq!(
        (stranded, unclaimed, times.unowned),
        (10.0, 5.0, SimDuration::ZERO)
    );
    assert_eq!(run.observation.rebalances[0].moves, 0);
}

/// A pause of a client that is gone, a second pause, an end without a beginning: nothing happens.
#[test]
fn a_pause_that_is_none_changes_nothing() {
    let story = Story::new()
        .topic("orders", 1)
        .group("billing", &["orders"])
        .consumer("billing-1", "billing", 1);
    let mut run = Run::new(story);
    run.at(0).pause(0).start(0).resume(0);
    run.at(1_000).pause(0).pause(0);
    run.at(4_000).stop(0, StopKind::Killed).resume(0).pause(0);
    run.at(9_000).finish();
    assert_eq!(
        run.observation.rebalances[0].kinds,
        [1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    );
    let life = &run.observation.consumers[0];
    assert_eq!(
        (life.pauses, life.paused(secs(9))),
        (1, SimDuration::from_secs(3))
    );
}

/// What a step of a random history does: (what, consumer, queue).
type Step = (u8, u32, u32);

/// Plays steps a second apart, and beside them the plainest model of what each queue is in at each second.
/// Returns seconds without owner, with stopped owners only, with two or more, and stranded, of both.
fn play(steps: &[Step]) -> [[u64; 4]; 2] {
    let mut story = Story::new().topic("orders", 4).group("billing", &["orders"]);
    for name in ["a", "b", "c"] {
        story = story.consumer(name, "billing", 1);
    }
    let mut run = Run::new(story);
    let (mut alive, mut asleep, mut read) = ([None::<bool>; 3], [false; 3], 4);
    let mut owners: [Vec<u32>; 4] = Default::default();
    let (mut claimed, mut plain) = ([false; 4], [0; 4]);
    for (second, &(what, consumer, queue)) in steps.iter().enumerate() {
        run.at(1_000 * second as u64);
        let (who, at) = (consumer as usize, queue as usize);
        let holds = owners[at].contains(&consumer);
        match (what, alive[who]) {
            (0..=2, None) => {
                alive[who] = Some(true);
                run.start(consumer);
            }
            (0..=3, Some(true)) if !asleep[who] && !holds => {
                owners[at].push(consumer);
                claimed[at] = true;
                run.round(consumer, &[queue], &[]);
            }
            (4..=5, Some(true)) if !asleep[who] && holds => {
                owners[at].retain(|&owner| owner != consumer);
                run.round(consumer, &[], &[queue]);
            }
            (6, Some(true)) => {
                asleep[who] = !asleep[who];
                if asleep[who] {
                    run.pause(consumer)
                } else {
                    run.resume(consumer)
                };
            }
            (7, Some(true)) => {
                alive[who] = Some(false);
                asleep[who] = false;
                owners
                    .iter_mut()
                    .for_each(|of| of.retain(|&owner| owner != consumer));
                run.stop(consumer, StopKind::Vanished);
            }
            (8, _) => {
                read = queue + 1;
                run.read_queues(read);
            }
            _ => {}
        }
        for (queue, of) in owners.iter().enumerate() {
            let stopped = of.iter().all(|&owner| asleep[owner as usize]);
            if queue as u32 >= read {
                plain[3] += 1;
                continue;
            }
            plain[0] += u64::from(of.is_empty() && claimed[queue]);
            plain[1] += u64::from(!of.is_empty() && stopped);
            plain[2] += u64::from(of.len() > 1);
        }
    }
    let end = secs(steps.len() as u64);
    // Ends with the check of all sums.
    run.at(1_000 * steps.len() as u64).finish();
    let mut counted = [0; 4];
    for slot in 0..4 {
        let times = run.observation.ownership.times(end, slot);
        for (sum, span) in
            counted
                .iter_mut()
                .zip([times.unowned, times.paused, times.overlap, times.stranded])
        {
            *sum += span.as_nanos() / 1_000_000_000;
        }
    }
    let by_change: u64 = (run.observation.rebalances[0].changes.iter())
        .map(|change| change.unowned.as_nanos() / 1_000_000_000)
        .sum();
    assert_eq!(by_change, counted[0], "gaps lie between changes");
    [counted, plain]
}

proptest! {
    /// Whoever comes, goes, stops, takes and gives up, and whatever queues there are: the times are those that a
    /// look at every second finds.
    #[test]
    fn times_are_what_a_look_at_every_second_finds(
        steps in prop::collection::vec((0..9_u8, 0..3_u32, 0..4_u32), 1..150),
    ) {
        let [counted, plain] = play(&steps);
        prop_assert_eq!(counted, plain);
    }
}
