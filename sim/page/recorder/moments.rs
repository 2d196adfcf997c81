//! Moments worth a sentence: members come and go, queues change hands, offsets fall back, messages die.
//!
//! What one client does again and again within a short while is one moment that says how many more there were. When
//! moments become too many, the like of all clients of a group are one, and that while doubles, and again: a run of any
//! length has a bounded list, and its rare moments stay apart.

use crate::cluster::directory::Directory;
use crate::cluster::fact::{CommitVia, Fact};
use crate::cluster::ids::{ConsumerId, GroupId};
use crate::kernel::time::{SimDuration, SimTime};
use serde::Serialize;
use std::collections::BTreeMap;

/// Moments at most.
const MOMENTS: usize = 2_500;
/// Bytes of a usual sentence.
const SENTENCE: usize = 150;
/// So many times does the first while fit into the run.
const WHILES: u64 = 2_000;

/// What sort of thing happens. The order is that of the page's filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Clients, brokers and links break and mend.
    Fault,
    /// Members come and go.
    Member,
    /// A round of one client that changed something.
    Rebalance,
    /// A queue changes hands.
    Queue,
    /// A record is delivered again.
    Duplicate,
    /// A message failed and will come back.
    Retry,
    /// A message is given up.
    Dead,
    /// Offsets fall back or are set; messages are skipped.
    Offset,
    /// Pulls are put off.
    Flow,
    /// Locks and pauses of orderly queues.
    Order,
    /// Somebody changes a setting or asks for messages.
    Operator,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Fault,
        Self::Member,
        Self::Rebalance,
        Self::Queue,
        Self::Duplicate,
        Self::Retry,
        Self::Dead,
        Self::Offset,
        Self::Flow,
        Self::Order,
        Self::Operator,
    ];

    /// Its name on the page, for several.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fault => "faults",
            Self::Member => "members",
            Self::Rebalance => "rebalance rounds",
            Self::Queue => "queues change hands",
            Self::Duplicate => "duplicates",
            Self::Retry => "retries",
            Self::Dead => "given up, dead letters",
            Self::Offset => "offsets and losses",
            Self::Flow => "flow control",
            Self::Order => "locks and order",
            Self::Operator => "operators",
        }
    }
}

/// Something worth a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: SimTime,
    /// When the last of those it stands for happened.
    pub until: SimTime,
    /// What sort.
    pub kind: Kind,
    /// Whose affair, if it is one group's.
    pub group: Option<GroupId>,
    /// How many more it stands for.
    pub more: u64,
    /// The sentence.
    pub text: String,
}

/// Moments of one sort may become one: their kind, whose affair they are, and which client's if that is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sort {
    /// What sort of thing.
    pub kind: Kind,
    /// Whose affair, if it is one group's.
    pub group: Option<GroupId>,
    /// Which client's.
    pub client: Option<ConsumerId>,
}

/// What is told apart. From fine to coarse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grain {
    /// Each client.
    Clients,
    /// Each group.
    Groups,
    /// Each kind.
    Kinds,
}

impl Grain {
    /// A sort, as coarse as that.
    fn of(self, sort: Sort) -> Sort {
        Sort {
            kind: sort.kind,
            group: sort.group.filter(|_| self < Self::Kinds),
            client: sort.client.filter(|_| self < Self::Groups),
        }
    }
}

/// A bounded list of moments.
#[derive(Debug)]
pub struct Moments {
    list: Vec<Moment>,
    /// The last moment of each sort.
    last: BTreeMap<Sort, usize>,
    grain: Grain,
    planned: SimDuration,
    within: SimDuration,
}

/// A clause as a sentence. Names keep their first letter, words of the language get a great one.
fn sentence(mut clause: String) -> String {
    let word = clause.split(' ').next().unwrap_or_default();
    if matches!(word, "a" | "an" | "the" | "everything" | "nobody" | "what") {
        clause[..1].make_ascii_uppercase();
    }
    clause.push('.');
    clause
}

/// What sort of moment a fact is; `None` if it is none.
pub fn sort_of(directory: &Directory, fact: &Fact, is_duplicate: bool) -> Option<Sort> {
    let of_all = |kind| {
        Some(Sort {
            kind,
            group: None,
            client: None,
        })
    };
    let of_group = |kind, group| {
        Some(Sort {
            kind,
            group: Some(group),
            client: None,
        })
    };
    let of = |kind, consumer| {
        Some(Sort {
            kind,
            group: Some(directory.consumer(consumer).group),
            client: Some(consumer),
        })
    };
    match *fact {
        Fact::ConsumerStarted { consumer } | Fact::ConsumerStopped { consumer, .. } => {
            of(Kind::Member, consumer)
        }
        Fact::ConsumerPaused { consumer }
        | Fact::ConsumerResumed { consumer }
        | Fact::LinkCut { consumer, .. }
        | Fact::LinkSlowed { consumer, .. }
        | Fact::LinkHealed { consumer, .. }
        | Fact::MemberExpired { consumer, .. }
        | Fact::ConnectionLost { consumer, .. } => of(Kind::Fault, consumer),
        Fact::BrokerStopped { .. } | Fact::BrokerStarted { .. } => of_all(Kind::Fault),
        Fact::TopicUpdated { .. } | Fact::TimelineStep { .. } => of_all(Kind::Operator),
        Fact::ThreadsSet { consumer, .. } => of(Kind::Operator, consumer),
        Fact::RebalanceEnded {
            consumer,
            added,
            removed,
            ..
        } if added + removed > 0 => of(Kind::Rebalance, consumer),
        Fact::QueueAcquired { consumer, .. } | Fact::QueueReleased { consumer, .. } => {
            of(Kind::Queue, consumer)
        }
        Fact::Delivered { consumer, .. } if is_duplicate => of(Kind::Duplicate, consumer),
        Fact::RetryScheduled { group, .. } => of_group(Kind::Retry, group),
        Fact::DeadLettered { group, .. } | Fact::Dropped { group, .. } => of_group(Kind::Dead, group),
        Fact::OffsetCommitted {
            group,
            old: Some(old),
            new,
            via,
            ..
        } if new < old || via == CommitVia::Reset => of_group(Kind::Offset, group),
        Fact::OffsetReset { group, .. } | Fact::OffsetsSkipped { group, .. } => of_group(Kind::Offset, group),
        Fact::FlowControlled { consumer, .. } => of(Kind::Flow, consumer),
        Fact::LockRefused { consumer, .. } => of(Kind::Order, consumer),
        Fact::QueueSuspended { consumer, .. } => of(Kind::Order, consumer),
        _ => None,
    }
}

impl Moments {
    /// For a run that is to last `planned`.
    pub fn new(planned: SimDuration) -> Self {
        Self {
            list: Vec::new(),
            last: BTreeMap::new(),
            grain: Grain::Clients,
            planned,
            within: SimDuration::from_nanos(planned.as_nanos() / WHILES),
        }
    }

    /// Something of `sort` happens; `text` is asked for if it is not the same again. Whether the list has grown.
    pub fn happens(&mut self, now: SimTime, sort: Sort, text: impl FnOnce() -> Option<String>) -> bool {
        let sort = self.grain.of(sort);
        if let Some(&last) = self.last.get(&sort) {
            let last = &mut self.list[last];
            if now.since(last.at) < self.within {
                last.until = now;
                last.more += 1;
                return false;
            }
        }
        let Some(text) = text() else { return false };
        self.last.insert(sort, self.list.len());
        self.list.push(Moment {
            at: now,
            until: now,
            kind: sort.kind,
            group: sort.group,
            more: 0,
            text: sentence(text),
        });
        // It ends: in the end each kind is one moment.
        while self.list.len() > MOMENTS {
            self.widen();
        }
        true
    }

    /// Tells clients apart no longer; then doubles the while within which moments of one sort are one, up to the whole
    /// run; then tells groups apart no longer.
    fn widen(&mut self) {
        if self.grain == Grain::Clients {
            self.grain = Grain::Groups;
        } else if self.within <= self.planned {
            self.within = (self.within * 2).max(SimDuration::from_nanos(1));
        } else {
            self.grain = Grain::Kinds;
        }
        self.last.clear();
        let mut kept: Vec<Moment> = Vec::with_capacity(self.list.len());
        for mut moment in self.list.drain(..) {
            let sort = self.grain.of(Sort {
                kind: moment.kind,
                group: moment.group,
                client: None,
            });
            moment.group = sort.group;
            let last = self.last.get(&sort).map(|&last| &mut kept[last]);
            match last {
                Some(last) if moment.at.since(last.at) < self.within => {
                    last.until = last.until.max(moment.until);
                    last.more += 1 + moment.more;
                }
                _ => {
                    self.last.insert(sort, kept.len());
                    kept.push(moment);
                }
            }
        }
        self.list = kept;
    }

    /// All of them, in order.
    pub fn list(&self) -> &[Moment] {
        &self.list
    }

    /// Bytes at most, with sentences of a usual length.
    pub fn held_at_most() -> u64 {
        (MOMENTS * (size_of::<Moment>() + SENTENCE)) as u64
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let texts: usize = self.list.iter().map(|moment| moment.text.len()).sum();
        (self.list.len() * size_of::<Moment>() + texts) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Sort = Sort {
        kind: Kind::Retry,
        group: Some(GroupId(0)),
        client: None,
    };
    const FAULT: Sort = Sort {
        kind: Kind::Fault,
        group: None,
        client: None,
    };

    fn millis(n: u64) -> SimTime {
        SimTime::from_nanos(n * 1_000_000)
    }

    #[test]
    fn the_same_again_is_counted() {
        let mut moments = Moments::new(SimDuration::from_secs(2_000));
        for n in 0..10 {
            moments.happens(millis(n * 200), RETRY, || Some(format!("retry {n}")));
        }
        moments.happens(millis(1_900), FAULT, || Some("fault".into()));
        moments.happens(millis(2_000), RETRY, || None);
        let told: Vec<_> = (moments.list().iter())
            .map(|m| (m.at, m.text.as_str(), m.more, m.until))
            .collect();
        let expected = [
            (millis(0), "retry 0.", 4, millis(800)),
            (millis(1_000), "retry 5.", 4, millis(1_800)),
            (millis(1_900), "fault.", 0, millis(1_900)),
        ];
        assert_eq!(told, expected);
    }

    /// However many there are, the list is bounded, counts all, and rare moments stay.
    #[test]
    fn many_moments_are_folded() {
        let mut moments = Moments::new(SimDuration::from_secs(10));
        for n in 0..50_000 {
            moments.happens(millis(n), RETRY, || Some("retry".into()));
            if n == 31_000 {
                moments.happens(millis(n), FAULT, || Some("fault".into()));
            }
        }
        let list = moments.list();
        assert!(
            list.len() <= MOMENTS && list.len() > MOMENTS / 3,
            "{}",
            list.len()
        );
        let retries = list.iter().filter(|moment| moment.kind == Kind::Retry);
        assert_eq!(retries.map(|moment| 1 + moment.more).sum::<u64>(), 50_000);
        assert!(list.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let fault = list.iter().find(|moment| moment.kind == Kind::Fault);
        assert_eq!(fault.map(|fault| fault.at), Some(millis(31_000)));
    }

    /// A thousand groups have more first moments than the list holds.
    #[test]
    fn many_groups_are_folded_too() {
        let mut moments = Moments::new(SimDuration::from_secs(30));
        for n in 0..6_000 {
            let sort = Sort {
                kind: [Kind::Member, Kind::Rebalance, Kind::Queue][n % 3],
                group: Some(GroupId(n as u32 / 3)),
                client: Some(ConsumerId(n as u32)),
            };
            moments.happens(millis(n as u64), sort, || Some("the same".into()));
        }
        let list = moments.list();
        assert!(list.len() <= MOMENTS);
        assert_eq!(list.iter().map(|moment| 1 + moment.more).sum::<u64>(), 6_000);
    }

    #[test]
    fn sentences_begin_as_they_should() {
        assert_eq!(sentence("the round ends".into()), "The round ends.");
        assert_eq!(sentence("thebilling-1 starts".into()), "thebilling-1 starts.");
        assert_eq!(
            sentence("a starts".into()),
            "A starts.",
            "a client of that name is bad luck"
        );
        assert_eq!(sentence(String::new()), ".");
    }
}
