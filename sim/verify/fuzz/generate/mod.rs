//! From one number to a random scenario file: small clusters under all that the format offers.
//!
//! A minute of unrest at most, then a rest that is long enough for every time-out to run its course, so that the rules
//! of a settled cluster apply. Each scenario has some of the traits of the format only (`Traits`): what is left out
//! matters as much as what is in it, because faults hide each other (swarm testing). Whoever reads a scenario can run
//! it: the result is the text of a file, which went through the same checks as everybody's.
//!
//! The order of the timeline is not planned against who runs when. Entries that cannot happen, such as the pause of a
//! member that is gone, are found by the checks of the format and left out ([`sift`]).

mod attributes;
mod chooser;
mod groups;
mod listeners;
mod members;
mod operators;
mod sift;
mod topology;
mod tuning;

pub use chooser::Chooser;
pub use sift::{Unsound, sift};

use crate::kernel::streams::Streams;
use crate::scenario::Scenario;
use attributes::Producer;
use chooser::{block, given, span};
use groups::Group;
use serde_json::Value;
use topology::Topology;

/// What producers are called.
const PRODUCERS: [&str; 3] = ["cart", "shop", "till"];
/// What groups are called.
const GROUPS: [&str; 3] = ["audit", "billing", "search"];

/// Whether this is a name that somebody in a scenario has: a producer, a group, a topic, a broker, a room.
pub fn is_name(word: &str) -> bool {
    PRODUCERS.contains(&word) || GROUPS.contains(&word) || topology::is_name(word)
}

/// A scenario made from a number.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The file.
    pub file: Value,
    /// What it says.
    pub scenario: Scenario,
    /// Entries of the timeline that could not happen.
    pub left_out: usize,
}

/// The scenario of `number`.
///
/// # Errors
/// A file that the format refuses: a fault of the generator.
pub fn generate(number: u64) -> Result<Generated, Unsound> {
    sift(draft(number))
}

/// What a scenario is about. About half of them in each.
#[derive(Clone, Copy, Debug)]
struct Traits {
    /// Members join, leave, die, start anew.
    comings: bool,
    /// Processes stop and go on; hosts are lost.
    silences: bool,
    /// Links are cut and slow.
    links: bool,
    /// Brokers end and start.
    brokers: bool,
    /// Topics change their queues.
    topics: bool,
    /// Operators reset offsets, send dead letters again, look for messages.
    operators: bool,
    /// Listeners fail in all their ways, hang, change.
    listeners: bool,
    /// Groups filter.
    filters: bool,
    /// Rates, threads and retries change; forwarders; brokers that refuse.
    remedies: bool,
    /// Two members of one client id, members that ask for or share out otherwise than others.
    mistakes: bool,
    /// Hours pass, and messages are deleted.
    retention: bool,
    /// The run ends in the midst of it.
    restless: bool,
    /// Round trips of seconds. Everything else is small then, so that the rest is long enough.
    slow: bool,
}

/// All that parts of the generator agree on.
struct Plan {
    traits: Traits,
    is_4_9: bool,
    /// Until when things happen, ms.
    unrest: u64,
    /// End of the run, ms.
    end: u64,
    topology: Topology,
    producers: Vec<Producer>,
    groups: Vec<Group>,
}

fn traits(c: &mut Chooser) -> Traits {
    Traits {
        comings: c.percent(60),
        silences: c.percent(35),
        links: c.percent(35),
        brokers: c.percent(30),
        topics: c.percent(35),
        operators: c.percent(35),
        listeners: c.percent(50),
        filters: c.percent(40),
        remedies: c.percent(45),
        mistakes: c.percent(15),
        retention: c.percent(4),
        restless: c.percent(12),
        slow: c.percent(15),
    }
}

/// How long it takes until all is calm, ms after the unrest.
fn rest(traits: Traits, c: &mut Chooser) -> u64 {
    if traits.restless {
        return c.within(0, 10_000);
    }
    // Retries, and two rounds.
    let mut rest = 130_000;
    if traits.listeners {
        // 120 s until the last call that hangs is found, and what its retries take.
        rest = rest.max(360_000);
    }
    if traits.brokers || traits.operators {
        // The longest time that a broker is down, 120 s until the silent are given up, and twice the retries.
        rest = rest.max(470_000);
    }
    if traits.silences || traits.links {
        // The longest fault that ends; 120 s + 10 s until the silent are given up, 20 s until others notice, 31 s for a
        // pull, 30 s for a route, 30 s for a heartbeat, and the retries of messages on top.
        rest = rest.max(members::LONGEST + 300_000);
    }
    if traits.retention {
        // Messages are kept for an hour; files go at the next hour of deletion.
        rest += 3 * 3_600_000;
    }
    rest
}

fn plan(number: u64) -> Plan {
    let mut streams = Streams::new(number);
    let mut c = Chooser(streams.stream("scenario", "traits"));
    let mut traits = traits(&mut c);
    if traits.retention {
        // Hours of calls that hang or cuts that never end would be hours of retries.
        (traits.slow, traits.restless) = (false, false);
    }
    let unrest = c.pick(&[5_000, 20_000, 40_000, 60_000]);
    let end = unrest + rest(traits, &mut c).max(1_000);
    let messages = match c.below(20) {
        _ if traits.slow => c.within(1, 200),
        0..10 => c.within(1, 60),
        10..18 => c.within(1, 300),
        _ => c.within(1, 1_500),
    };
    let is_4_9 = c.percent(40);
    let topology = topology::topology(&mut Chooser(streams.stream("topology", "choices")), traits);
    let producers = (0..c.within(1, 3))
        .map(|n| {
            let name = PRODUCERS[n as usize];
            let mut c = Chooser(streams.stream(name, "choices"));
            attributes::producer(&mut c, name, &topology, messages, traits)
        })
        .collect();
    let mut plan = Plan {
        traits,
        is_4_9,
        unrest,
        end,
        topology,
        producers,
        groups: Vec::new(),
    };
    let groups = c.pick(&[0, 1, 1, 1, 2, 2, 3]);
    for name in &GROUPS[..groups] {
        let mut c = Chooser(streams.stream(name, "choices"));
        let group = groups::group(&mut c, name, &plan);
        plan.groups.push(group);
    }
    plan
}

/// The file, with entries in its timeline that may be impossible.
fn draft(number: u64) -> Value {
    let plan = plan(number);
    let mut streams = Streams::new(number);
    let producers = plan.producers.iter();
    let producers = producers.map(|producer| {
        let mut c = Chooser(streams.stream(&producer.name, "block"));
        (
            producer.name.clone(),
            attributes::block_of(&mut c, producer, &plan),
        )
    });
    let producers: Value = producers.collect::<serde_json::Map<_, _>>().into();
    let groups = plan.groups.iter();
    let groups = groups.map(|group| {
        let mut c = Chooser(streams.stream(&group.name, "block"));
        (group.name.clone(), groups::block_of(&mut c, group, &plan))
    });
    let groups: Value = groups.collect::<serde_json::Map<_, _>>().into();
    let mut timeline = members::timeline(&mut streams, &plan);
    timeline.extend(operators::timeline(&mut streams, &plan));
    // In order of time, as people write; the order of two things at one instant is the generator's.
    timeline.sort_by_key(|(at, _)| *at);
    let timeline: Vec<Value> = timeline.into_iter().map(|(_, entry)| entry).collect();
    let mut c = Chooser(streams.stream("scenario", "measures"));
    let interval = match plan.traits.restless {
        true => 500,
        false => c.pick(&[5_000, 10_000, 10_000, 60_000]),
    };
    let warmup = given(c.percent(30), || span(c.below(plan.unrest)));
    block([
        ("title", format!("Random scenario {number}").into()),
        ("seed", number.to_string().into()),
        ("duration", span(plan.end)),
        ("sampleInterval", span(interval)),
        ("warmup", warmup),
        (
            "cluster",
            topology::block_of(&mut Chooser(streams.stream("topology", "block")), &plan),
        ),
        ("producers", producers),
        ("groups", groups),
        ("timeline", timeline.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the number, the format takes the file, and few entries of its timeline are impossible.
    #[test]
    fn what_is_made_is_sound() {
        let (mut entries, mut left_out) = (0, 0);
        for number in 0..500 {
            let made = generate(number).unwrap_or_else(|unsound| panic!("{number}: {unsound}"));
            entries += made.scenario.file.timeline.len();
            left_out += made.left_out;
        }
        assert!(entries > 1_500, "{entries} entries");
        assert!(left_out * 2 < entries, "{left_out} of {entries} left out");
    }

    #[test]
    fn a_number_is_one_file() {
        assert_eq!(generate(7).unwrap().file, generate(7).unwrap().file);
        assert_ne!(generate(7).unwrap().file, generate(8).unwrap().file);
    }
}
