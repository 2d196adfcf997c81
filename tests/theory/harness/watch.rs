//! What is measured of a cell: waits, sojourns, and whether anything happened that theory does not know of.
//!
//! A message belongs to the batch of its arrival, and the run goes on until all are consumed. Whoever comes
//! later never delays a message of a first-come-first-served queue, so the end of the run bends nothing.

use super::cell::Plan;
use super::little::Little;
use hdrhistogram::Histogram;
use rmqsim::cluster::Cluster;
use rmqsim::cluster::config::ClusterConfig;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::{Fact, Observer};
use rmqsim::kernel::time::{SimDuration, SimTime};
use rmqsim::study::batch_means::{Estimate, batch_means};
use std::collections::VecDeque;

/// What was seen of one run. Times in seconds.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Born → delivered to the listener.
    pub wait: Estimate,
    /// Born → consumed with success.
    pub sojourn: Estimate,
    /// Share of the sojourns beyond the threshold that was asked for.
    pub beyond: Estimate,
    /// 99th percentile of the sojourns, to 1 part in 10 000.
    pub p99: f64,
    /// Little's law over the measured window: 0.
    pub little_difference: i128,
    /// Messages that waited although a thread was free when they arrived: 0.
    pub needless_waits: u64,
    /// Pulls put off because the client's cache was full: 0, or the queue is not the one of the theory.
    pub flow_controlled: u64,
}

/// Runs `config` and measures it as `plan` says; sojourns beyond `threshold` are counted.
///
/// # Panics
/// If a message is not delivered and consumed exactly once, in order of arrival.
pub fn run(config: ClusterConfig, plan: &Plan, threshold: SimDuration) -> Seen {
    let threads = config.groups[0].consumers[0].threads;
    let watch = Watch::new(*plan, threads, threshold);
    Cluster::new(config, watch).run(|_, _| {}).observer.finish()
}

struct Watch {
    plan: Plan,
    threads: u64,
    threshold: SimDuration,
    delivered: u64,
    consumed: u64,
    /// For each message that waits: whether a thread was free when it arrived.
    line: VecDeque<bool>,
    /// Sums of nanoseconds by batch.
    waits: Vec<u64>,
    sojourns: Vec<u64>,
    /// Sojourns beyond the threshold, by batch.
    beyond: Vec<u64>,
    histogram: Histogram<u64>,
    little: Little,
    needless_waits: u64,
    flow_controlled: u64,
}

impl Watch {
    fn new(plan: Plan, threads: u32, threshold: SimDuration) -> Self {
        let sums = vec![0; plan.batches as usize];
        Self {
            plan,
            threads: u64::from(threads),
            threshold,
            delivered: 0,
            consumed: 0,
            line: VecDeque::new(),
            waits: sums.clone(),
            sojourns: sums.clone(),
            beyond: sums,
            histogram: Histogram::new(4).expect("4 digits are allowed"),
            little: Little::default(),
            needless_waits: 0,
            flow_controlled: 0,
        }
    }

    /// The batch of the message at `offset`; `None` in the warm-up. One producer, one queue: offsets are the
    /// order of arrival.
    fn batch(&self, offset: u64) -> Option<usize> {
        let measured = offset.checked_sub(self.plan.warm_up)?;
        Some((measured / self.plan.batch) as usize)
    }

    fn stored(&mut self, now: SimTime, offset: u64) {
        if offset == self.plan.warm_up {
            self.little.open(now);
        }
        self.line.push_back(self.little.present() < self.threads);
        self.little.enter(now);
        if offset + 1 == self.plan.total() {
            self.little.close(now);
        }
    }

    fn deliver(&mut self, now: SimTime, offset: u64, born: SimTime) {
        assert_eq!(
            offset, self.delivered,
            "messages are delivered in order of arrival"
        );
        self.delivered += 1;
        let wait = now.since(born);
        let thread_was_free = self.line.pop_front().expect("what is delivered was stored");
        self.needless_waits += u64::from(thread_was_free && !wait.is_zero());
        if let Some(batch) = self.batch(offset) {
            self.waits[batch] += wait.as_nanos();
        }
    }

    fn consume(&mut self, now: SimTime, offset: u64, born: SimTime) {
        self.consumed += 1;
        self.little.leave(now, born);
        if let Some(batch) = self.batch(offset) {
            let sojourn = now.since(born);
            self.sojourns[batch] += sojourn.as_nanos();
            self.beyond[batch] += u64::from(sojourn > self.threshold);
            self.histogram
                .record(sojourn.as_nanos())
                .expect("the histogram grows");
        }
    }

    fn finish(self) -> Seen {
        let total = self.plan.total();
        assert_eq!(
            (self.delivered, self.consumed),
            (total, total),
            "each message once"
        );
        assert!(
            self.little.integral() > 0,
            "a law about an empty system always holds"
        );
        let estimate = |sums: &[u64], unit: f64| {
            let of_batch = |sum: &u64| *sum as f64 / self.plan.batch as f64 / unit;
            let means: Vec<f64> = sums.iter().map(of_batch).collect();
            batch_means(&means).expect("a plan has 20 batches or more")
        };
        Seen {
            wait: estimate(&self.waits, 1e9),
            sojourn: estimate(&self.sojourns, 1e9),
            beyond: estimate(&self.beyond, 1.0),
            p99: self.histogram.value_at_quantile(0.99) as f64 / 1e9,
            little_difference: self.little.difference(),
            needless_waits: self.needless_waits,
            flow_controlled: self.flow_controlled,
        }
    }
}

impl Observer for Watch {
    fn observe(&mut self, now: SimTime, _: &Directory, fact: &Fact) {
        match *fact {
            Fact::Stored { offset, .. } => self.stored(now, offset),
            Fact::Delivered { offset, born, .. } => self.deliver(now, offset, born),
            Fact::Consumed {
                offset,
                born,
                success,
                ..
            } => {
                assert!(success, "no listener fails here");
                self.consume(now, offset, born);
            }
            Fact::FlowControlled { .. } => self.flow_controlled += 1,
            _ => {}
        }
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}
