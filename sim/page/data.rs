//! What a page plays back, as it stands in the page: JSON with all times in whole microseconds.
//!
//! Entities are named by their place in the lists. Everything is bounded: entities by [`COLUMNS`], numbers by the rows of
//! the frames, stretches, messages and moments by their own limits.

use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::ids::QueueId;
use crate::explain::words;
use crate::kernel::time::SimTime;
use crate::observe::observation::Observation;
use crate::page::recorder::Recorder;
use crate::page::recorder::cast::{Life, State};
use crate::page::recorder::frames::COLUMNS;
use crate::page::recorder::journeys::{Journey, Step};
use crate::page::recorder::moments::Kind;
use crate::report::charts::style;
use crate::report::charts::text::grouped;
use serde::Serialize;
use std::collections::BTreeMap;

/// Stretches of ownership at most, in all queues together.
const STRETCHES: usize = 20_000;

/// Microseconds since the start.
type Micros = u64;

fn micros(at: SimTime) -> Micros {
    at.as_nanos() / 1_000
}

/// Everything that the player needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Playback {
    end: Micros,
    brokers: Vec<Broker>,
    producers: Vec<Producer>,
    queues: Vec<Queue>,
    groups: Vec<Group>,
    consumers: Vec<Consumer>,
    slots: Vec<Slot>,
    frames: Frames,
    /// One in how many messages is drawn, and of those in trouble.
    one_in: [u64; 2],
    /// See [`message`].
    messages: Vec<Vec<i64>>,
    /// Names of the kinds of moments.
    kinds: Vec<(Kind, &'static str)>,
    moments: Vec<Moment>,
    /// From then on owners are not recorded.
    owners_until: Micros,
    /// What is left out, in words; empty if nothing is.
    left_out: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Broker {
    name: String,
    /// Since when it is what, and what there is to say of that.
    states: Vec<(Micros, State, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Producer {
    name: String,
    topic: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Queue {
    topic: String,
    broker: u32,
    id: u32,
    purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    User,
    Retry,
    Dead,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Group {
    name: String,
    topics: Vec<String>,
    broadcasting: bool,
    /// Queues that hold its dead letters.
    dead: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Consumer {
    /// The member; a restarted one has several lives of one name.
    name: String,
    group: u32,
    threads: u32,
    /// `#rrggbb`, as in the charts.
    colour: String,
    /// The same for a dark page.
    dark: String,
    /// Since when it is what, and what there is to say of that.
    states: Vec<(Micros, State, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Slot {
    group: u32,
    queue: u32,
    /// From, to, consumer.
    owners: Vec<(Micros, Micros, u32)>,
}

/// Columns as differences from row to row, see [`Levels`](crate::page::recorder::frames::Levels).
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Frames {
    times: Vec<Micros>,
    lag: Vec<String>,
    stored: Vec<String>,
    sent: Vec<String>,
    cached: Vec<String>,
    busy: Vec<String>,
    done: Vec<String>,
}

/// When, until when, the number of its kind, its group or −1, how many more, the sentence.
type Moment = (Micros, Micros, usize, i64, u64, String);

impl Playback {
    /// Of a recorder whose run has come to its end.
    pub fn new(recorder: &Recorder, end: SimTime, directory: &Directory, observation: &Observation) -> Self {
        let frames = &recorder.frames;
        let (messages, one_in) = recorder.journeys.told();
        let count = |all: usize| all.min(COLUMNS);
        let (slots, owners_until) = slots(end, observation);
        let groups = directory.groups.iter().enumerate();
        Self {
            end: micros(end),
            brokers: (directory.brokers.iter().enumerate())
                .map(|(id, name)| Broker {
                    name: name.clone(),
                    states: states(directory, &recorder.cast.brokers, id),
                })
                .collect(),
            producers: (directory.producers.iter().take(COLUMNS))
                .map(|(name, topic)| Producer {
                    name: name.clone(),
                    topic: directory.topic(*topic).name.clone(),
                })
                .collect(),
            queues: (0..count(directory.queues.len()))
                .map(|id| queue(directory, QueueId(id as u32)))
                .collect(),
            groups: groups
                .map(|(id, info)| Group {
                    name: info.name.clone(),
                    topics: (info.topics.iter())
                        .map(|&topic| directory.topic(topic).name.clone())
                        .collect(),
                    broadcasting: !info.readers.is_empty(),
                    dead: dead_letter_queues(directory, id),
                })
                .collect(),
            consumers: consumers(recorder, directory),
            slots,
            frames: Frames {
                times: frames.times().into_iter().map(micros).collect(),
                lag: frames.told(&frames.lag, observation.slots.len()),
                stored: frames.told(&frames.stored, directory.queues.len()),
                sent: frames.told(&frames.sent, directory.producers.len()),
                cached: frames.told(&frames.cached, directory.consumers.len()),
                busy: frames.told(&frames.busy, directory.consumers.len()),
                done: frames.told(&frames.done, directory.consumers.len()),
            },
            one_in,
            messages: messages
                .map(|(id, journey)| {
                    let head = [i64::from(id.producer().0), id.number() as i64 + 1];
                    head.into_iter().chain(message(journey)).collect()
                })
                .collect(),
            kinds: Kind::ALL.map(|kind| (kind, kind.title())).to_vec(),
            moments: (recorder.moments.list().iter())
                .map(|moment| {
                    (
                        micros(moment.at),
                        micros(moment.until),
                        moment.kind as usize,
                        moment.group.map_or(-1, |group| i64::from(group.0)),
                        moment.more,
                        moment.text.clone(),
                    )
                })
                .collect(),
            owners_until,
            left_out: left_out(recorder, directory, observation),
        }
    }
}

impl Playback {
    /// Without what moves, for a page that would be too big.
    pub fn without_messages(&self) -> Self {
        let mut left_out = self.left_out.clone();
        left_out.push("all messages on their way".to_owned());
        Self {
            messages: Vec::new(),
            left_out,
            ..self.clone()
        }
    }

    /// Nothing but who there was, for a page that would still be too big.
    pub fn bare(&self) -> Self {
        let bare = self.without_messages();
        let mut left_out = bare.left_out;
        left_out.push("all moments".to_owned());
        Self {
            moments: Vec::new(),
            left_out,
            ..bare
        }
    }
}

/// What does not fit, in words.
fn left_out(recorder: &Recorder, directory: &Directory, observation: &Observation) -> Vec<String> {
    let beyond = |all: usize, what: &str| {
        let left = all.saturating_sub(COLUMNS);
        (left > 0).then(|| format!("{} of {} {what}", grouped(left as u64), grouped(all as u64)))
    };
    let some = |left: u64, what: &str| (left > 0).then(|| format!("{} {what}", grouped(left)));
    let stretches = observation.ownership.intervals().len() as u64 + observation.ownership.omitted();
    let parts = [
        beyond(directory.queues.len(), "queues"),
        beyond(observation.slots.len(), "pairs of group and queue"),
        beyond(directory.consumers.len(), "consumers"),
        beyond(directory.producers.len(), "producers"),
        some(
            stretches.saturating_sub(STRETCHES as u64),
            "later changes of owners",
        ),
        some(recorder.cast.untold(), "changes of links that flap"),
    ];
    parts.into_iter().flatten().collect()
}

fn states(directory: &Directory, lives: &[Life], id: usize) -> Vec<(Micros, State, String)> {
    let states = lives
        .get(id)
        .map(|life| life.states.as_slice())
        .unwrap_or_default();
    let told = states.iter().map(|(at, state, servers)| {
        let servers = servers
            .iter()
            .map(|&server| words::server(&directory.brokers, server));
        let servers: Vec<String> = servers.collect();
        (micros(*at), *state, servers.join(", "))
    });
    told.collect()
}

fn queue(directory: &Directory, id: QueueId) -> Queue {
    let of = directory.queue(id);
    let topic = directory.topic(of.topic);
    Queue {
        topic: topic.name.clone(),
        broker: of.broker.0,
        id: of.index,
        purpose: match topic.kind {
            TopicKind::User => Purpose::User,
            TopicKind::Retry(_) => Purpose::Retry,
            TopicKind::DeadLetter(_) => Purpose::Dead,
        },
    }
}

fn dead_letter_queues(directory: &Directory, group: usize) -> Vec<u32> {
    let is_dead = |topic| match directory.topic(topic).kind {
        TopicKind::DeadLetter(of) => of.index() == group,
        _ => false,
    };
    let queues = directory.queues.iter().enumerate().take(COLUMNS);
    queues
        .filter(|(_, queue)| is_dead(queue.topic))
        .map(|(id, _)| id as u32)
        .collect()
}

/// Consumers in the colours of the charts: each member of a group has its own, in order of its first life.
fn consumers(recorder: &Recorder, directory: &Directory) -> Vec<Consumer> {
    let mut members: BTreeMap<_, BTreeMap<&str, usize>> = BTreeMap::new();
    let consumers = directory.consumers.iter().enumerate().take(COLUMNS);
    consumers
        .map(|(id, info)| {
            let members = members.entry(info.group).or_default();
            let next = members.len();
            let number = *members.entry(&info.name).or_insert(next);
            let colour = style::hue(number);
            Consumer {
                name: info.name.clone(),
                group: info.group.0,
                threads: info.threads,
                colour: colour.light_hex(),
                dark: colour.dark_hex(),
                states: states(directory, &recorder.cast.consumers, id),
            }
        })
        .collect()
}

/// The slots with their owners, and up to when these are known.
fn slots(end: SimTime, observation: &Observation) -> (Vec<Slot>, Micros) {
    let mut slots: Vec<Slot> = (observation.slots.iter().take(COLUMNS))
        .map(|(_, slot)| Slot {
            // A queue that is left out is no group's on the page.
            group: match slot.queue.index() < COLUMNS {
                true => slot.group.0,
                false => u32::MAX,
            },
            queue: slot.queue.0,
            owners: Vec::new(),
        })
        .collect();
    let intervals = observation.ownership.intervals();
    for interval in intervals.iter().take(STRETCHES) {
        if let Some(slot) = slots.get_mut(interval.slot as usize) {
            let to = micros(interval.to.unwrap_or(end));
            slot.owners.push((micros(interval.from), to, interval.consumer.0));
        }
    }
    let first_left = intervals.get(STRETCHES).map(|interval| interval.from);
    let until = match (first_left, observation.ownership.omitted()) {
        (Some(from), _) => micros(from),
        (None, 0) => micros(end) + 1,
        (None, _) => intervals.last().map_or(0, |interval| micros(interval.from)),
    };
    (slots, until)
}

/// A way as numbers: when it was made or −1; then, for each step, the microseconds since the step before, its code, and
/// the two numbers that belong to it or −1.
fn message(journey: &Journey) -> Vec<i64> {
    let first = journey.steps.first().map_or(SimTime::ZERO, |step| step.0);
    let mut told = vec![
        journey.born.map_or(-1, |born| micros(born) as i64),
        micros(first) as i64,
    ];
    let mut before = micros(first);
    for &(at, step) in &journey.steps {
        let (code, a, b) = match step {
            Step::Stored(queue) => (0, queue.0, None),
            Step::Delivered(consumer, queue) => (1, consumer.0, Some(queue.0)),
            Step::Again(consumer, queue) => (2, consumer.0, Some(queue.0)),
            Step::Done(consumer) => (3, consumer.0, None),
            Step::Failed(consumer) => (4, consumer.0, None),
            Step::Discarded(consumer) => (5, consumer.0, None),
            Step::Retry(group, level) => (6, group.0, Some(u32::from(level))),
            Step::Back(group, queue) => (7, group.0, Some(queue.0)),
            Step::Dead(group, queue) => (8, group.0, Some(queue.0)),
            Step::Dropped(consumer) => (9, consumer.0, None),
        };
        let since = micros(at) - before;
        before = micros(at);
        let b = b.map_or(-1, i64::from);
        told.extend([since as i64, code, i64::from(a), b]);
    }
    told
}
