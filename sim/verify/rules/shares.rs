//! Who must own what at rest (R1, R3): queues have the owners that the strategy names, worked out here once more where
//! that hangs on queues and members alone; where it hangs on what was before, just one each.

use super::Judge;
use super::group_end::GroupEnd;
use crate::cluster::config::{BrokerConfig, ConsumerConfig, GroupConfig, Strategy};
use crate::cluster::consumer::allocate::{Allocation, Beyond, Names, QueueName};
use crate::cluster::directory::Directory;
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, broken, must};

/// Names and capacities as the configuration has them. Of clients that share an id the first counts.
struct Known<'a> {
    directory: &'a Directory,
    brokers: &'a [BrokerConfig],
    consumers: &'a [ConsumerConfig],
}

impl Known<'_> {
    fn consumer(&self, client: &str) -> Option<&ConsumerConfig> {
        self.consumers
            .iter()
            .find(|consumer| consumer.client_id == client)
    }
}

impl Names<QueueId, String> for Known<'_> {
    fn queue<'n>(&'n self, queue: &'n QueueId) -> QueueName<'n> {
        let place = self.directory.queue(*queue);
        QueueName {
            topic: &self.directory.topic(place.topic).name,
            broker_name: self.directory.broker(place.broker),
            queue_id: place.index as i32,
        }
    }
    fn client<'n>(&'n self, client: &'n String) -> &'n str {
        client
    }
    fn weight(&self, client: &String) -> u32 {
        self.consumer(client).map_or(1, |consumer| consumer.threads)
    }
    fn broker_room<'n>(&'n self, queue: &'n QueueId) -> &'n str {
        &self.brokers[self.directory.queue(*queue).broker.index()].machine_room
    }
    fn client_room<'n>(&'n self, client: &'n String) -> &'n str {
        self.consumer(client)
            .map_or("", |consumer| &consumer.machine_room)
    }
}

/// Positions in the list of members of those in whose share each queue lies.
type Owners = Vec<Vec<usize>>;

/// What can be said of a strategy's shares without what was before.
enum Rule {
    /// Contiguous blocks, the first with one more.
    Blocks,
    /// Dealt out in turn.
    Circle,
    /// Whatever the strategy says. `all`: each queue has an owner.
    Computed { all: bool },
    /// Each queue has just one owner.
    Somebody,
}

fn rule(strategy: &Strategy) -> Rule {
    match strategy {
        Strategy::Avg | Strategy::KafkaRange => Rule::Blocks,
        Strategy::AvgByCircle => Rule::Circle,
        Strategy::ConsistentHash { .. }
        | Strategy::BoundedConsistentHash { .. }
        | Strategy::Weighted { .. }
        | Strategy::RotatedAvg => Rule::Computed { all: true },
        Strategy::Config(_) | Strategy::MachineRoom { .. } => Rule::Computed { all: false },
        Strategy::MachineRoomNearby(inner) => match rule(inner) {
            Rule::Somebody => Rule::Somebody,
            _ => Rule::Computed { all: true },
        },
        Strategy::Sticky | Strategy::KafkaRoundRobin | Strategy::KafkaSticky => Rule::Somebody,
    }
}

impl Judge<'_> {
    /// Each queue has the owners that the strategy names: every member of such an id, if it is the first of its kind in
    /// the list; nobody, if it is not. Nobody has a queue beyond `readQueueNums`.
    pub(super) fn queues_are_shared_out(&self, end: SimTime, directory: &Directory, group: &GroupEnd) {
        let members = &group.members;
        let is_even = |member: &ConsumerId| self.consumer_config(directory, *member).strategy.is_none();
        if !members.iter().all(is_even) {
            return;
        }
        let id = |member: ConsumerId| &directory.consumer(member).client_id;
        let place = |member: ConsumerId| members.iter().position(|other| id(*other) == id(member));
        let places: Vec<Option<usize>> = members.iter().map(|member| place(*member)).collect();
        let names = |of: &[ConsumerId]| {
            let names: Vec<&str> = of
                .iter()
                .map(|member| &*directory.consumer(*member).name)
                .collect();
            names.join(", ")
        };
        let check = |queue: QueueId, holds: bool, owners: &str| {
            self.asked.must(end, Invariant::R3, holds, || {
                let (label, holders) = (directory.queue_label(queue), names(group.holders_of(queue)));
                format!("{label}: held by [{holders}], but belongs to [{owners}]")
            });
        };
        // A strategy refuses an empty list: then all keep what they have.
        for (queues, not_given) in group.queues.iter().filter(|(given, _)| !given.is_empty()) {
            match self.owners(end, directory, group, queues) {
                Some(shares) => {
                    for (queue, at) in queues.iter().zip(shares) {
                        let is_his = |i: &usize| places[*i].is_some_and(|place| at.contains(&place));
                        let owners = (0..members.len()).filter(is_his).map(|i| members[i]);
                        let owners: Vec<ConsumerId> = owners.collect();
                        check(*queue, group.holders_of(*queue) == owners, &names(&owners));
                    }
                }
                None if group.distinct => {
                    for queue in queues {
                        check(*queue, group.holders_of(*queue).len() == 1, "one of them");
                    }
                }
                None => {}
            }
            for queue in not_given {
                check(*queue, group.holders_of(*queue).is_empty(), "");
            }
        }
    }

    /// Who should own each of `queues` of one topic; `None` if that hangs on what was before.
    fn owners(
        &self,
        end: SimTime,
        directory: &Directory,
        group: &GroupEnd,
        queues: &[QueueId],
    ) -> Option<Owners> {
        let config = &self.config.groups[group.group.index()];
        let members = group.members.len();
        let (share, extra) = (queues.len() / members, queues.len() % members);
        let block = |at: usize| match at < extra * (share + 1) {
            true => at / (share + 1),
            false => extra + (at - extra * (share + 1)) / share,
        };
        match rule(&config.strategy) {
            Rule::Blocks => Some((0..queues.len()).map(|at| vec![block(at)]).collect()),
            Rule::Circle => Some((0..queues.len()).map(|at| vec![at % members]).collect()),
            Rule::Computed { all } => Some(self.computed(end, directory, (group, config), queues, all)),
            Rule::Somebody => None,
        }
    }

    fn computed(
        &self,
        end: SimTime,
        directory: &Directory,
        (group, config): (&GroupEnd, &GroupConfig),
        queues: &[QueueId],
        all: bool,
    ) -> Owners {
        let id = |member: &ConsumerId| directory.consumer(*member).client_id.clone();
        let ids: Vec<String> = group.members.iter().map(id).collect();
        let ids_of = |name: &str| {
            let lives = config.consumers.iter().filter(|consumer| consumer.name == name);
            lives.map(|consumer| consumer.client_id.clone()).collect()
        };
        let shares = config.strategy.build(ids_of).allocate_all(&Allocation {
            consumer_group: &config.name,
            current_cid: None,
            mq_all: queues,
            cid_all: &ids,
            names: &Known {
                directory,
                brokers: &self.config.brokers,
                consumers: &config.consumers,
            },
            beyond: Beyond::default(),
        });
        let Ok(shares) = shares else {
            let text = format!("group {}: no shares of queues and members", config.name);
            broken(end, Invariant::R1, &text);
        };
        if all && group.distinct {
            self.asked.add(Invariant::R1, queues.len() as u64);
            partition(end, directory, &config.name, queues, &shares);
        }
        let owners = |queue: &QueueId| {
            let shares = shares.iter().enumerate();
            let having = shares.filter(|(_, share)| share.contains(queue));
            having.map(|(at, _)| at).collect()
        };
        queues.iter().map(owners).collect()
    }
}

/// Each queue lies in exactly one share.
pub(in crate::verify) fn partition(
    end: SimTime,
    directory: &Directory,
    group: &str,
    queues: &[QueueId],
    shares: &[Vec<QueueId>],
) {
    for queue in queues {
        let owners = shares.iter().flatten().filter(|other| *other == queue).count();
        must(end, Invariant::R1, owners == 1, || {
            let label = directory.queue_label(*queue);
            format!("group {group}, {label}: lies in {owners} shares, not in one")
        });
    }
}
