//! Traces for Perfetto: slices of one track never overlap, arrows lead from slice to slice, and what is drawn has happened.

use super::{shipped, text, traced};
use crate::support::at;
use rmqsim::Report;
use rmqsim::scenario::Scenario;
use rmqsim::trace::Window;
use rmqsim::trace::chrome::ChromeTrace;
use serde_json::Value;
use std::collections::BTreeMap;

/// Microseconds with three decimals, as nanoseconds.
#[track_caller]
fn nanos(line: &str, key: &str) -> u64 {
    let (_, rest) = line
        .split_once(&format!("\"{key}\":"))
        .unwrap_or_else(|| panic!("no {key}: {line}"));
    let end = rest.find([',', '}']).unwrap();
    let (micros, nanos) = rest[..end]
        .split_once('.')
        .unwrap_or_else(|| panic!("no decimals: {line}"));
    assert_eq!(nanos.len(), 3, "{line}");
    micros.parse::<u64>().unwrap() * 1000 + nanos.parse::<u64>().unwrap()
}

type Track = (u64, u64);

/// What a trace holds, checked by the rules of its form.
#[derive(Default)]
pub struct Drawn {
    tracks: BTreeMap<Track, String>,
    processes: BTreeMap<u64, String>,
    slices: BTreeMap<Track, Vec<(u64, u64, Value)>>,
    arrows: BTreeMap<u64, Vec<(String, Track, u64)>>,
    counters: BTreeMap<(u64, String), Vec<(u64, u64)>>,
    instants: Vec<(u64, String)>,
}

impl Drawn {
    #[track_caller]
    fn read(text: &str) -> Self {
        let whole: Value = serde_json::from_str(text).unwrap();
        let events = whole["traceEvents"].as_array().unwrap();
        let lines = text.lines().filter(|line| line.starts_with("{\"ph\""));
        assert_eq!(lines.clone().count(), events.len());
        let mut drawn = Self::default();
        for (line, event) in lines.zip(events) {
            drawn.take(line, event);
        }
        for slices in drawn.slices.values_mut() {
            slices.sort_by_key(|(from, to, _)| (*from, *to));
        }
        drawn
    }

    #[track_caller]
    fn take(&mut self, line: &str, event: &Value) {
        let number = |key: &str| event[key].as_u64().unwrap_or_else(|| panic!("no {key}: {event}"));
        let name = event["name"]
            .as_str()
            .unwrap_or_else(|| panic!("no name: {event}"));
        let track = (number("pid"), number("tid"));
        match event["ph"].as_str().unwrap() {
            "M" => {
                let of = &event["args"]["name"];
                match name {
                    "process_name" => _ = self.processes.insert(track.0, of.as_str().unwrap().to_owned()),
                    "thread_name" => {
                        let known = self.tracks.insert(track, of.as_str().unwrap().to_owned());
                        assert_eq!(known, None, "{event}");
                    }
                    _ => assert!(event["args"]["sort_index"].is_u64(), "{event}"),
                }
            }
            "X" => {
                let from = nanos(line, "ts");
                let slice = (from, from + nanos(line, "dur"), event.clone());
                self.slices.entry(track).or_default().push(slice);
            }
            phase @ ("s" | "f") => {
                assert_eq!(event["bp"] == "e", phase == "f", "{event}");
                let end = (phase.to_owned(), track, nanos(line, "ts"));
                self.arrows.entry(number("id")).or_default().push(end);
            }
            "C" => {
                let point = (nanos(line, "ts"), event["args"]["messages"].as_u64().unwrap());
                self.counters
                    .entry((track.0, name.to_owned()))
                    .or_default()
                    .push(point);
            }
            "i" => self.instants.push((nanos(line, "ts"), name.to_owned())),
            other => panic!("{other}: {event}"),
        }
    }

    /// Slices of one track do not overlap, and each thing has a name.
    #[track_caller]
    pub fn check(&self, scenario: &str) {
        for (track, slices) in &self.slices {
            let name = &self.tracks[track];
            assert!(self.processes.contains_key(&track.0), "{scenario}: {track:?}");
            for pair in slices.windows(2) {
                assert!(pair[0].1 <= pair[1].0, "{scenario}: {name}: {pair:?}");
            }
        }
        for (id, ends) in &self.arrows {
            let [(from, ..), (to, ..)] = &ends[..] else {
                panic!("{scenario}: arrow {id} has {} ends", ends.len());
            };
            assert_eq!((from.as_str(), to.as_str()), ("s", "f"));
            for (_, track, at) in ends {
                let inside = |slice: &(u64, u64, Value)| slice.0 <= *at && *at < slice.1;
                assert!(
                    self.slices[track].iter().any(inside),
                    "{scenario}: arrow {id} at {at}"
                );
            }
        }
        for points in self.counters.values() {
            assert!(points.is_sorted_by_key(|(at, _)| *at), "{scenario}");
        }
    }

    pub fn of(&self, category: &str) -> Vec<&Value> {
        let all = self.slices.values().flatten().map(|(_, _, slice)| slice);
        all.filter(|slice| slice["cat"] == category).collect()
    }
}

/// What is drawn of a run, and its report.
pub fn drawn(scenario: &Scenario, window: Window) -> (Drawn, Report) {
    let (bytes, report) = traced("drawn", scenario, |subject| {
        Box::new(ChromeTrace::new(subject, window, Vec::new()))
    });
    (Drawn::read(&text(bytes)), report)
}

/// Deploys, crashes, order, pauses, batches, cut links, broadcasting: every trace is sound, and has what it is to have.
#[test]
fn slices_of_a_track_never_overlap() {
    for (name, until) in [
        ("rolling-deploy-strategy", "150s"),
        ("consumer-crash", "3m"),
        ("orderly-poison", "1m"),
        ("orderly-lock-handover", "2m"),
        ("gc-pause", "4m"),
        ("batch-partial-failure", "2m"),
        ("broadcast-gap", "2m"),
        ("network-partition-two-views", "6m"),
        ("broker-crash-offset-rollback", "2m"),
        ("push-pull-longpoll", "10s"),
        ("consume-timeout", "40m"),
    ] {
        let scenario = shipped(name, until);
        let (drawn, report) = drawn(&scenario, Window::ALL);
        drawn.check(name);
        let calls: u64 = drawn
            .of("listener")
            .iter()
            .map(|call| call["args"]["messages"].as_u64().unwrap_or(1))
            .sum();
        let deliveries: u64 = report.groups.values().map(|group| group.deliveries).sum();
        assert_eq!(calls, deliveries, "{name}");
        assert!(
            !drawn.arrows.is_empty() && !drawn.of("owner").is_empty(),
            "{name}"
        );
        let lives = report.consumers.len();
        assert!(
            drawn.of("process").len() <= lives + report.cluster.brokers.len() + 2,
            "{name}"
        );
    }
}

/// consumer-crash: the process of billing-2 ends at 2 m, its calls are discarded, its queues go to others.
#[test]
fn a_trace_shows_who_died_and_who_took_over() {
    let scenario = shipped("consumer-crash", "3m");
    let (drawn, report) = drawn(&scenario, Window::ALL);
    let pid = *drawn
        .processes
        .iter()
        .find(|(_, name)| *name == "consumer billing-2")
        .unwrap()
        .0;
    let mine = |category: &str| {
        let of = drawn.slices.iter().filter(|((process, _), _)| *process == pid);
        let slices: Vec<&(u64, u64, Value)> = of.flat_map(|(_, slices)| slices).collect();
        slices
            .into_iter()
            .filter(|slice| slice.2["cat"] == category)
            .cloned()
            .collect::<Vec<_>>()
    };
    let minutes = |n: u64| n * 60_000_000_000;
    let life = &mine("process")[0];
    assert_eq!(
        (life.1, &life.2["args"]["ended"]),
        (minutes(2), &Value::from("Killed"))
    );
    assert!(mine("listener").iter().all(|call| call.1 <= minutes(2)));
    let discarded = drawn
        .of("listener")
        .iter()
        .filter(|call| call["args"]["discarded"].is_u64())
        .count() as u64;
    assert_eq!(discarded, report.groups["billing"].discarded);
    assert!(
        drawn
            .instants
            .iter()
            .any(|(at, text)| (*at, text.contains("billing-2")) == (minutes(2), true))
    );
    // The lag that is drawn last is that of the report.
    let lag = drawn
        .counters
        .iter()
        .find(|((_, name), _)| name == "lag")
        .unwrap()
        .1;
    let series = &report.timeline.groups["billing"].lag;
    assert_eq!(
        lag.iter().map(|(_, value)| *value).max(),
        series.iter().copied().max()
    );
}

/// A window keeps what shows in it: slices that reach into it, nothing else.
#[test]
fn a_trace_can_be_cut_out() {
    let scenario = shipped("quickstart", "30s");
    let window = Window {
        from: at("10s"),
        to: at("12s"),
    };
    let (drawn, _) = drawn(&scenario, window);
    drawn.check("quickstart");
    assert!(!drawn.arrows.is_empty());
    for (from, to, slice) in drawn.slices.values().flatten() {
        assert!(*from < 12_000_000_000 && *to >= 10_000_000_000, "{slice}");
    }
    for (at, _) in drawn.counters.values().flatten() {
        assert!((10_000_000_000..12_000_000_000).contains(at));
    }
}
