//! Every single message against the recursion of first come, first served: exactly, to the nanosecond.
//!
//! Statistics need millions of messages and forgive small errors. Given the arrivals and the service times that
//! the simulator drew, there is nothing left to chance: a message begins when it has arrived and the first of c
//! threads is free.
//!
//! Source: Kiefer and Wolfowitz, "On the theory of queues with many servers", 1955; Lindley, 1952, for c = 1.

use crate::harness::cell::{Cell, Plan, config};
use rmqsim::cluster::Cluster;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer};
use rmqsim::kernel::dist::{Dist, Shape};
use rmqsim::kernel::time::{SimDuration, SimTime};

/// What became of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Life {
    born: SimTime,
    delivered: SimTime,
    busy: SimDuration,
    consumed: SimTime,
}

#[derive(Default)]
struct Lives(Vec<Life>);

impl Observer for Lives {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        match *fact {
            Fact::Born { .. } => self.0.push(Life {
                born: now,
                ..Life::default()
            }),
            Fact::Delivered { offset, .. } => self.0[offset as usize].delivered = now,
            Fact::Consumed { offset, busy, .. } => {
                let life = &mut self.0[offset as usize];
                (life.consumed, life.busy) = (now, busy);
            }
            _ => {}
        }
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

/// What should have become of them.
fn recursion(lives: &[Life], threads: u32) -> Vec<Life> {
    let mut free_at = vec![SimTime::ZERO; threads as usize];
    let begin = |life: &Life| {
        let thread = free_at.iter_mut().min().expect("there is a thread");
        let delivered = life.born.max(*thread);
        *thread = delivered + life.busy;
        Life {
            delivered,
            consumed: *thread,
            ..*life
        }
    };
    lives.iter().map(begin).collect()
}

#[track_caller]
fn check(threads: u32, service: Dist) {
    let plan = Plan::new(50_000, 1.0);
    let config = config(threads, service, &plan, 1);
    let lives = Cluster::new(config, Lives::default()).run(|_, _| {}).observer.0;
    assert_eq!(lives.len() as u64, plan.total());
    for (message, (found, expected)) in lives.iter().zip(recursion(&lives, threads)).enumerate() {
        assert_eq!(*found, expected, "message {message}");
    }
    let waited = lives.iter().filter(|life| life.delivered > life.born).count();
    assert!(waited > 100 && waited < lives.len(), "both cases occur: {waited}");
}

#[test]
fn every_message_of_every_cell_begins_when_the_first_thread_is_free() {
    for cell in Cell::ALL {
        let mean = cell.mean_service();
        check(cell.threads, Dist::Shape(Shape::Exponential { mean }));
    }
}

/// Services with a heavy tail: many messages overtake one that takes long.
#[test]
fn heavy_tails_change_nothing_about_the_order_of_beginning() {
    let mean = SimDuration::from_micros(3_200);
    check(4, Dist::Shape(Shape::Gamma { mean, cv: 3.0 }));
    check(4, Dist::Shape(Shape::Pareto { mean, alpha: 2.5 }));
    check(1, Dist::Constant(SimDuration::from_micros(800)));
}
