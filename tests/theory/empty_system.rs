//! An idle consumer begins at once: pulls, holds, sweeps, heartbeats and commits cost no time.

use crate::harness::cell::{GAP, Plan, config};
use rmqsim::cluster::Cluster;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer, PullResult};
use rmqsim::cluster::producer::workload::Arrivals;
use rmqsim::kernel::dist::Dist;
use rmqsim::kernel::time::{SimDuration, SimTime};

#[derive(Default)]
struct Waits {
    delivered: u64,
    longest: SimDuration,
    empty_answers: u64,
}

impl Observer for Waits {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        match *fact {
            Fact::Delivered { born, .. } => {
                self.delivered += 1;
                self.longest = self.longest.max(now.since(born));
            }
            Fact::PullAnswered {
                result: PullResult::NotFound,
                ..
            } => self.empty_answers += 1,
            _ => {}
        }
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

fn waits(mean_gap: SimDuration, service: SimDuration) -> Waits {
    let plan = Plan::new(1_000, 1.0);
    let mut config = config(1, Dist::Constant(service), &plan, 1);
    config.producers[0].arrivals = Arrivals::Poisson { mean_gap };
    config.duration += mean_gap * (plan.total() * 2);
    let seen = Cluster::new(config, Waits::default()).run(|_, _| {}).observer;
    assert_eq!(seen.delivered, plan.total());
    seen
}

/// 2020 messages, 30 s apart on average: the pull meets each of them at another point of its hold of 15 to 20 s,
/// and holds run out in between all the time.
#[test]
fn wait_in_an_empty_system_is_exactly_zero() {
    let seen = waits(SimDuration::from_secs(30), SimDuration::ZERO);
    assert_eq!(seen.longest, SimDuration::ZERO);
    assert!(seen.empty_answers > 1_000, "{}", seen.empty_answers);
}

/// The same test sees a system that is not empty: services of 1 ms, 1 ms apart.
#[test]
fn wait_behind_another_message_is_seen() {
    assert!(waits(GAP, GAP).longest > SimDuration::from_millis(1));
}
