//! Producers of the file to producer instances.

use super::{Resolver, field};
use crate::cluster::config::{ProducerConfig, SizeDist, TopicConfig};
use crate::cluster::ids::TopicId;
use crate::cluster::producer::workload::Arrivals;
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::schema::{ArrivalsBlock, BodySize, ProducerBlock, SizeShape};
use crate::scenario::units::Size;
use crate::scenario::{defaults, limits};

impl Resolver<'_> {
    pub(super) fn producers(&mut self, topics: &[TopicConfig]) -> Vec<ProducerConfig> {
        let file = self.file;
        let instances: u64 = file.producers.values().map(|p| u64::from(p.count)).sum();
        let too_many = self.bound(
            &field!["producers"],
            instances,
            limits::PRODUCERS,
            "producer instances",
        );
        let at_once = file
            .producers
            .values()
            .filter(|p| matches!(p.arrivals, ArrivalsBlock::AtOnce));
        let at_once = at_once.map(|p| p.messages.unwrap_or(0).saturating_mul(p.count.into()));
        let at_once = at_once.fold(0, u64::saturating_add);
        self.bound(
            &field!["producers"],
            at_once,
            limits::AT_ONCE,
            "messages sent at once",
        );
        let tags: u64 = file.producers.values().map(|p| p.tags.len() as u64).sum();
        self.bound(&field!["producers"], tags, limits::TAGS, "tags");
        let mut blocks: Vec<(&String, &ProducerBlock)> = file.producers.iter().collect();
        blocks.sort_by_key(|(name, _)| *name);
        let mut producers = Vec::new();
        for (name, block) in blocks {
            let path = field!["producers", name];
            self.plain_name(&path, "a producer name", name, limits::NAME, true);
            let topic = self.producer_topic(&path, block, topics);
            let arrivals = self.arrivals(&path, block);
            let body_size = self.body_size(&path, block.body_size);
            let attributes = self.attributes(&path, block);
            let start = self.before_end(&path.key("start"), block.start, &format!("`{name}` starts"));
            let stop = block.stop.unwrap_or(file.duration);
            if block.stop.is_some_and(|stop| stop <= block.start) {
                let first = locate::span_of(self.root, &path.key("start"));
                let message = format!("`{name}` stops at {stop}, but starts at {}", block.start);
                let problem = self.problem(&path.key("stop"), message);
                problem.label = "not after the start".to_owned();
                if block.start > SimDuration::ZERO {
                    problem.related.push((first, "starts here".to_owned()));
                }
            }
            let (Some(topic), false) = (topic, too_many || !self.fits) else {
                continue;
            };
            producers.extend((1..=block.count).map(|n| ProducerConfig {
                name: format!("{name}-{n}"),
                topic,
                arrivals: arrivals.clone(),
                body_size,
                start,
                stop: SimTime::ZERO + stop,
                max_messages: block.messages.unwrap_or(u64::MAX),
                attributes: attributes.clone(),
                queue_selector: block.queue_selector,
            }));
        }
        producers
    }

    fn producer_topic(
        &mut self,
        path: &FieldPath,
        block: &ProducerBlock,
        topics: &[TopicConfig],
    ) -> Option<TopicId> {
        match (&block.topic, topics) {
            (Some(name), _) => self.topic(&path.key("topic"), false, name, topics),
            (None, [_]) => Some(TopicId(0)),
            (None, _) => {
                let problem = self.name_problem(path, format!("`{path}` must say which topic it sends to"));
                problem.label = "\"topic\" is missing, and there are several".to_owned();
                None
            }
        }
    }

    fn arrivals(&mut self, path: &FieldPath, block: &ProducerBlock) -> Arrivals {
        let mean_gap = block.rate.unwrap_or(defaults::rate()).gap();
        match block.arrivals {
            ArrivalsBlock::Poisson => Arrivals::Poisson { mean_gap },
            ArrivalsBlock::Constant => Arrivals::Constant { gap: mean_gap },
            ArrivalsBlock::Bursts { on, off } => {
                if on.is_zero() {
                    let on = path.key("arrivals").key("bursts").key("on");
                    self.problem(&on, "a burst must last longer than 0").label =
                        "nothing would be sent".to_owned();
                }
                Arrivals::Bursts { mean_gap, on, off }
            }
            ArrivalsBlock::AtOnce => {
                if block.rate.is_some() {
                    let problem = self.problem(
                        &path.key("rate"),
                        format!("`{path}` sends all messages at once, it has no rate"),
                    );
                    problem.label = "without effect".to_owned();
                    problem
                        .help
                        .push("leave \"rate\" out, or choose other \"arrivals\"".to_owned());
                }
                if block.messages.is_none() {
                    let problem = self.problem(
                        &path.key("arrivals"),
                        format!("`{path}` must say how many messages it sends at once"),
                    );
                    problem.label = "needs \"messages\"".to_owned();
                    problem.help.push("for example \"messages\": 10000".to_owned());
                }
                Arrivals::AtOnce
            }
        }
    }

    fn body_size(&mut self, path: &FieldPath, size: BodySize) -> SizeDist {
        let path = path.key("bodySize");
        let mut sound = |path: FieldPath, size: Size| {
            if size.0 == 0 {
                self.problem(&path, "a message body must not be empty").label =
                    "RocketMQ refuses an empty body".to_owned();
            } else if size.0 > limits::BODY_BYTES {
                self.problem(
                    &path,
                    format!(
                        "a message body of {size} is larger than {}",
                        Size(limits::BODY_BYTES)
                    ),
                )
                .label = "beyond maxMessageSize".to_owned();
            }
        };
        match size {
            BodySize::Constant(size) => {
                sound(path, size);
                SizeDist::Constant(size.0)
            }
            BodySize::Shape(SizeShape::Uniform { min, max }) => {
                let path = path.key("uniform");
                sound(path.key("min"), min);
                sound(path.key("max"), max);
                if min > max {
                    let problem = self.problem(
                        &path.key("min"),
                        format!("`min` ({min}) is greater than `max` ({max})"),
                    );
                    problem.label = "exchange them".to_owned();
                }
                SizeDist::Uniform(min.0, max.0)
            }
        }
    }
}
