//! What the kernel's parts cost, in nanoseconds a call: random words, samplers, a message's luck, the digest.
//!
//!     cargo bench --bench kernel_parts -- --calls 2e7

mod clock;
mod support;

use rmqsim::kernel::digest::TraceDigest;
use rmqsim::kernel::sampler::{Sampler, Zipf};
use rmqsim::kernel::streams::{Luck, Source, Stream, Streams};
use rmqsim::kernel::time::SimTime;
use std::hint::black_box;

/// Least of five rounds. Each call takes part in the next one's input or in `black_box`, so none is dropped.
fn measure(name: &str, calls: u64, mut call: impl FnMut(u64) -> u64) {
    let mut least = f64::INFINITY;
    for _ in 0..5 {
        let start = clock::now();
        let mut check = 0_u64;
        for i in 0..calls / 5 {
            check = check.wrapping_add(call(i));
        }
        black_box(check);
        least = least.min((clock::now() - start) * 1e9 / (calls / 5) as f64);
    }
    println!("{name:44}{least:>8.2}");
}

fn stream(purpose: &str) -> Stream {
    Streams::new(7).stream("bench", purpose)
}

fn main() {
    let arguments = support::arguments(&["calls"]);
    let calls = arguments
        .get("calls")
        .map_or(20_000_000, |text| support::count(text));

    println!("{:44}{:>8}", "part", "ns");
    let mut words = stream("words");
    measure("word of a stream", calls, |_| words.next_u64());
    measure("fork of a message's luck and one word", calls, |i| {
        Luck(i).fork(black_box(42), i & 3).next_u64()
    });
    for (name, json) in [
        ("constant", r#""10ms""#),
        ("uniform", r#"{ "uniform": { "min": "5ms", "max": "15ms" } }"#),
        ("exponential", r#"{ "exponential": { "mean": "10ms" } }"#),
        ("gamma, cv 0.5", r#"{ "gamma": { "mean": "10ms", "cv": 0.5 } }"#),
        ("gamma, cv 1.5", r#"{ "gamma": { "mean": "10ms", "cv": 1.5 } }"#),
        (
            "lognormal",
            r#"{ "lognormal": { "mean": "10ms", "p99": "40ms" } }"#,
        ),
        ("Pareto", r#"{ "pareto": { "mean": "10ms", "alpha": 2.5 } }"#),
        (
            "empirical, 4 values",
            r#"{ "empirical": { "values": ["1ms", "2ms", "3ms", "4ms"] } }"#,
        ),
    ] {
        let dist = serde_json::from_str(json).expect(json);
        let sampler = black_box(Sampler::new(&dist).expect(json));
        let mut source = stream(name);
        measure(name, calls, |_| sampler.sample(&mut source).as_nanos());
    }
    let (zipf, mut source) = (black_box(Zipf::new(10_000, 1.1)), stream("zipf"));
    measure("Zipf, 10 000 ranks, exponent 1.1", calls, |_| {
        zipf.sample(&mut source)
    });
    let mut digest = TraceDigest::new();
    measure("event into the digest", calls, |i| {
        digest.add(SimTime::from_nanos(i), i ^ 0xabcd);
        i
    });
    black_box(digest.finish());
}
