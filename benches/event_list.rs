//! Hold model: take the earliest event, schedule it again later; nanoseconds a hold, for each list and load.
//!
//!     cargo bench --bench event_list -- --holds 5e6 --repeats 3 --sizes 1e2,1e4 --loads exp,mq,storm,idle
//!
//! `exp`: exponential increments of mean 1 ms. `mq`: what a message cluster has pending, 20 % network hops
//! (0.5 ms), 60 % services (exponential, 10 ms), 20 % timers (5 to 30 s). `storm`: all timers are due at one
//! instant; each schedules one more event for that instant, and that one the next timer, 20 s later. `idle`:
//! as `exp` with 100 events, beside `size` timers of 5 to 30 s: what timers cost everybody else. Ends with one line of
//! JSON: list, then load and size, then nanoseconds.

mod clock;
mod support;

use rmqsim::kernel::event_list::{EventList, NearFarList, QuadHeap, Scheduled, StdHeap};
use rmqsim::kernel::math;
use rmqsim::kernel::streams::{Source, Stream, Streams};
use rmqsim::kernel::time::SimTime;
use std::hint::black_box;

/// Increments are drawn ahead, so that the loop pays for the list alone.
const TABLE: usize = 4096;

/// What an event stands for; it decides when it comes back.
#[derive(Clone, Copy)]
enum Kind {
    Exponential,
    Hop,
    Service,
    Timer,
    StormTimer,
    StormFollower,
}

struct Increments([u64; TABLE], usize);

impl Increments {
    fn new(stream: &mut Stream) -> Self {
        Self(
            std::array::from_fn(|_| (-math::ln(stream.unit_open_low()) * 1e6) as u64 + 1),
            0,
        )
    }

    /// The next increment of an event, and what the event is from then on.
    #[inline]
    fn next(&mut self, kind: Kind) -> (u64, Kind) {
        self.1 = (self.1 + 1) % TABLE;
        let drawn = self.0[self.1];
        match kind {
            Kind::Exponential => (drawn, kind),
            Kind::Hop => (500_000, kind),
            Kind::Service => (drawn * 10, kind),
            Kind::Timer => (5_000_000_000 + drawn * 6_000 % 25_000_000_000, kind),
            Kind::StormTimer => (0, Kind::StormFollower),
            Kind::StormFollower => (20_000_000_000, Kind::StormTimer),
        }
    }
}

/// Fills a list with `size` events of `load`, each some uniform part of its increment ahead.
fn fill<L: EventList<Kind>>(
    list: &mut L,
    load: &str,
    size: u64,
    increments: &mut Increments,
    stream: &mut Stream,
) -> u64 {
    let kinds: &[Kind] = match load {
        "exp" => &[Kind::Exponential],
        "mq" => &[
            Kind::Hop,
            Kind::Service,
            Kind::Service,
            Kind::Service,
            Kind::Timer,
        ],
        "storm" => &[Kind::StormTimer],
        "idle" => &[Kind::Timer],
        _ => panic!("unknown load `{load}`; there are exp, mq, storm, idle"),
    };
    let extra = if load == "idle" { 100 } else { 0 };
    for i in 0..size + extra {
        let event = if i < size {
            kinds[i as usize % kinds.len()]
        } else {
            Kind::Exponential
        };
        let time = (increments.next(event).0 as f64 * stream.unit()) as u64;
        list.push(Scheduled {
            time: SimTime::from_nanos(time),
            seq: i,
            event,
        });
    }
    size + extra
}

/// Nanoseconds a hold.
fn hold<L: EventList<Kind>>(load: &str, size: u64, holds: u64) -> f64 {
    let mut stream = Streams::new(7).stream("list", "increments");
    let mut increments = Increments::new(&mut stream);
    let mut list = L::default();
    let mut seq = fill(&mut list, load, size, &mut increments, &mut stream);
    let mut check = 0_u64;
    let mut turn = |turns: u64| {
        for _ in 0..turns {
            let entry = list.pop().expect("what is taken comes back");
            check = check.wrapping_mul(31).wrapping_add(entry.time.as_nanos());
            let (increment, event) = increments.next(entry.event);
            let time = SimTime::from_nanos(entry.time.as_nanos() + increment);
            list.push(Scheduled { time, seq, event });
            seq += 1;
        }
    };
    turn((2 * size).min(holds));
    let start = clock::now();
    turn(holds);
    let spent = clock::now() - start;
    black_box(check);
    spent * 1e9 / holds as f64
}

type Hold = fn(&str, u64, u64) -> f64;

const LISTS: &[(&str, Hold)] = &[
    ("std BinaryHeap", hold::<StdHeap<Kind>>),
    ("4-ary heap, lazy pop", hold::<QuadHeap<Kind>>),
    ("near heap, far buckets", hold::<NearFarList<Kind>>),
];

/// Runs what the arguments ask for; the speed table calls it in a process of its own.
pub fn main() {
    let arguments = support::arguments(&["holds", "repeats", "sizes", "loads"]);
    let value = |key: &str, default: &str| arguments.get(key).map_or(default, String::as_str).to_owned();
    let holds = support::count(&value("holds", "2e6"));
    let repeats = support::count(&value("repeats", "3"));
    let (sizes, loads) = (value("sizes", "1e2,1e4"), value("loads", "exp,mq,storm,idle"));
    let cells: Vec<(&str, &str)> = loads
        .split(',')
        .flat_map(|load| sizes.split(',').map(move |size| (load, size)))
        .collect();

    print!("{:24}", "ns a hold, least of runs");
    cells
        .iter()
        .for_each(|(load, size)| print!("{:>11}", format!("{load} {size}")));
    println!();
    // Round by round, so that a disturbance does not hit one list alone.
    let mut least = vec![vec![f64::INFINITY; cells.len()]; LISTS.len()];
    for _ in 0..repeats {
        for (c, (load, size)) in cells.iter().enumerate() {
            for (l, (_, hold)) in LISTS.iter().enumerate() {
                least[l][c] = least[l][c].min(hold(load, support::count(size), holds));
            }
        }
    }
    for ((name, _), row) in LISTS.iter().zip(&least) {
        print!("{name:24}");
        row.iter().for_each(|nanos| print!("{nanos:>11.1}"));
        println!();
    }
    let table: serde_json::Map<String, serde_json::Value> = LISTS
        .iter()
        .zip(&least)
        .map(|((name, _), row)| {
            let cells = cells.iter().zip(row);
            let row = cells.map(|((load, size), &nanos)| (format!("{load} {size}"), nanos.into()));
            ((*name).to_owned(), serde_json::Value::Object(row.collect()))
        })
        .collect();
    println!("{}", serde_json::Value::Object(table));
}
