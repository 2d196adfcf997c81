//! What producers will make, as a flow: how many messages have come to a topic by an instant, without luck.

use crate::cluster::config::{Action, ClusterConfig, ProducerConfig, SizeDist};
use crate::cluster::ids::TopicId;
use crate::cluster::producer::workload::Arrivals;
use crate::kernel::time::{SimDuration, SimTime};

/// Parts of a run, to find the busiest.
const PARTS: u32 = 500;

/// All producers of a run.
#[derive(Debug)]
pub struct Load {
    /// By topic.
    topics: Vec<Vec<Source>>,
}

/// Producers that are alike.
#[derive(Clone, Debug, PartialEq)]
struct Source {
    producer: Pattern,
    count: u64,
}

/// When one producer sends.
#[derive(Clone, Debug, PartialEq)]
struct Pattern {
    arrivals: Arrivals,
    start: f64,
    stop: f64,
    most: u64,
    body: f64,
    /// Mean time between two messages, from an instant on; seconds.
    gaps: Vec<(f64, f64)>,
}

impl Pattern {
    fn of(producer: &ProducerConfig) -> Self {
        let gap = match &producer.arrivals {
            Arrivals::Constant { gap }
            | Arrivals::Poisson { mean_gap: gap }
            | Arrivals::Bursts { mean_gap: gap, .. } => Some(gap.as_secs_f64()),
            Arrivals::AtOnce => None,
        };
        Self {
            arrivals: producer.arrivals.clone(),
            start: producer.start.as_secs_f64(),
            stop: producer.stop.as_secs_f64(),
            most: producer.max_messages,
            body: match producer.body_size {
                SizeDist::Constant(size) => size.into(),
                SizeDist::Uniform(min, max) => f64::midpoint(min.into(), max.into()),
            },
            gaps: gap.map(|gap| (0.0, gap)).into_iter().collect(),
        }
    }

    /// Seconds in which it has sent by `now`.
    fn active(&self, now: f64) -> f64 {
        let lived = (now.min(self.stop) - self.start).max(0.0);
        match &self.arrivals {
            Arrivals::Bursts { on, off, .. } => {
                let (on, off) = (on.as_secs_f64(), off.as_secs_f64());
                let cycles = (lived / (on + off)).floor();
                cycles * on + (lived - cycles * (on + off)).min(on)
            }
            _ => lived,
        }
    }

    fn made_by(&self, now: f64) -> f64 {
        let made = match self.arrivals {
            Arrivals::AtOnce if now > self.start => self.most as f64,
            Arrivals::AtOnce => 0.0,
            _ => {
                let ends = self.gaps.iter().skip(1).map(|(from, _)| *from).chain([f64::MAX]);
                let spans = self.gaps.iter().zip(ends);
                spans
                    .map(|((from, gap), end)| {
                        (self.active(now.min(end)) - self.active(now.min(*from))) / gap.max(1e-9)
                    })
                    .sum()
            }
        };
        made.min(self.most as f64)
    }
}

impl Load {
    /// That of `config`.
    pub fn of(config: &ClusterConfig) -> Self {
        let mut patterns: Vec<Pattern> = config.producers.iter().map(Pattern::of).collect();
        for entry in &config.timeline {
            if let Action::SetRate { producer, gap } = entry.action {
                let gaps = &mut patterns[producer.index()].gaps;
                gaps.push((entry.at.as_secs_f64(), gap.as_secs_f64()));
            }
        }
        let mut topics: Vec<Vec<Source>> = vec![Vec::new(); config.topics.len()];
        for (producer, pattern) in config.producers.iter().zip(patterns) {
            let of_topic = &mut topics[producer.topic.index()];
            // Those of one block are alike and stand together.
            match of_topic.last_mut().filter(|last| last.producer == pattern) {
                Some(last) => last.count += 1,
                None => of_topic.push(Source {
                    producer: pattern,
                    count: 1,
                }),
            }
        }
        Self { topics }
    }

    /// How many flows there are.
    pub fn flows(&self) -> usize {
        self.topics.iter().map(Vec::len).sum()
    }

    /// Messages that have come to `topic` by `now`, seconds.
    pub fn made_by(&self, topic: TopicId, now: f64) -> f64 {
        let sources = self.topics[topic.index()].iter();
        sources
            .map(|source| source.count as f64 * source.producer.made_by(now))
            .sum()
    }

    /// Mean size of a body, bytes.
    pub fn body(&self, topic: TopicId, end: f64) -> f64 {
        let sources = self.topics[topic.index()].iter();
        let weighted = sources.map(|of| {
            let made = of.count as f64 * of.producer.made_by(end);
            (made, made * of.producer.body)
        });
        let (made, bytes) = weighted.fold((0.0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        if made > 0.0 { bytes / made } else { 0.0 }
    }

    /// Messages that are sent at the same instant at most.
    pub fn at_once(&self) -> u64 {
        let all = self.topics.iter().flatten();
        let mut bursts: Vec<(f64, u64)> = all
            .filter(|source| source.producer.arrivals == Arrivals::AtOnce)
            .map(|source| {
                (
                    source.producer.start,
                    source.count.saturating_mul(source.producer.most),
                )
            })
            .collect();
        bursts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let same = bursts.chunk_by(|a, b| a.0 == b.0);
        same.map(|burst| burst.iter().fold(0_u64, |sum, of| sum.saturating_add(of.1)))
            .max()
            .unwrap_or(0)
    }

    /// Messages a second that come to `topics` in the busiest five-hundredth of a run that lasts for `duration`; what comes at
    /// once not counted.
    pub fn fastest(&self, topics: &[TopicId], duration: SimDuration) -> f64 {
        let part = duration.as_secs_f64() / f64::from(PARTS);
        let flows = topics.iter().flat_map(|topic| &self.topics[topic.index()]);
        let flows: Vec<&Source> = flows
            .filter(|source| source.producer.arrivals != Arrivals::AtOnce)
            .collect();
        let made_by = |now: f64| {
            let made = flows
                .iter()
                .map(|source| source.count as f64 * source.producer.made_by(now));
            made.sum::<f64>()
        };
        let made: Vec<f64> = (0..=PARTS).map(|n| made_by(f64::from(n) * part)).collect();
        let most = made.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        most / part.max(1e-9)
    }

    /// Instants at which a flow begins, ends or changes.
    pub fn changes(&self) -> impl Iterator<Item = f64> {
        self.topics.iter().flatten().flat_map(|source| {
            let of = &source.producer;
            let last = of.gaps.last().map(|(_, gap)| of.start + gap * of.most as f64);
            [of.start, of.stop].into_iter().chain(last)
        })
    }
}

/// Whether an instant lies in a run that ends at `end`.
pub fn within(end: SimTime) -> impl Fn(&f64) -> bool {
    let end = end.as_secs_f64();
    move |at| (0.0..end).contains(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::config::{AttributesConfig, QueueSelector};

    fn secs(n: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(n)
    }

    fn producer(arrivals: Arrivals) -> ProducerConfig {
        ProducerConfig {
            attributes: AttributesConfig::default(),
            queue_selector: QueueSelector::RoundRobin,
            name: "p-1".to_owned(),
            topic: TopicId(0),
            arrivals,
            body_size: SizeDist::Uniform(100, 300),
            start: secs(10),
            stop: secs(100),
            max_messages: 500,
        }
    }

    /// 10/s from 10 s on; half as many from 20 s on; at 100 s nothing more.
    #[test]
    fn a_flow_follows_rate_and_clock() {
        let mean_gap = SimDuration::from_millis(100);
        let mut pattern = Pattern::of(&producer(Arrivals::Poisson { mean_gap }));
        pattern.gaps.push((20.0, 0.2));
        let made = [5.0, 15.0, 20.0, 40.0, 100.0, 200.0].map(|now| pattern.made_by(now).round());
        assert_eq!(made, [0.0, 50.0, 100.0, 200.0, 500.0, 500.0]);
    }

    /// Bursts of 10 s, then 30 s of silence: by 65 s two of them, the second since 50 s.
    #[test]
    fn bursts_count_while_they_last() {
        let pattern = Pattern::of(&producer(Arrivals::Bursts {
            mean_gap: SimDuration::from_secs(1),
            on: SimDuration::from_secs(10),
            off: SimDuration::from_secs(30),
        }));
        assert_eq!(
            [15.0, 30.0, 55.0, 65.0].map(|now| pattern.made_by(now)),
            [5.0, 10.0, 15.0, 20.0]
        );
    }
}
