//! The page of a run: the same every time, bounded, alone in the world, and what it says is what happened.

use rmqsim::cluster::bounds::Bounds;
use rmqsim::cluster::directory::Directory;
use rmqsim::cluster::fact::Fact;
use rmqsim::kernel::time::SimTime;
use rmqsim::observe::beside::Beside;
use rmqsim::observe::observation::Observation;
use rmqsim::page::{self, recorder::Recorder};
use rmqsim::report::{charts, json};
use rmqsim::scenario::{Overrides, Scenario};
use rmqsim::{Onlookers, Report, simulate, simulate_before};
use serde_json::Value;

/// The page of a scenario, the report of its run, and the bytes that the recorder held.
fn page_of(name: &str, scenario: &Scenario) -> (String, Report, u64) {
    let mut recorder = Recorder::new(&scenario.config);
    let onlookers = Onlookers {
        watch: None,
        others: vec![&mut recorder],
    };
    let report = simulate_before(onlookers, name, scenario, None, &Bounds::default(), |_, _| {});
    let playback = recorder.playback().expect("the run is over");
    let html = page::html(&report, &charts::draw_all(&report), playback);
    (html, report, recorder.held())
}

fn shipped(name: &str, set: &[&str]) -> Scenario {
    let overrides = Overrides {
        set: set.iter().map(|&change| change.to_owned()).collect(),
        ..Overrides::default()
    };
    Scenario::load(name, &overrides).unwrap()
}

/// A data element of a page.
fn embedded(html: &str, id: &str) -> Value {
    let (_, rest) = html.split_once(&format!("id=\"{id}\">")).expect("it is there");
    let (text, _) = rest.split_once("</script>").expect("it ends");
    serde_json::from_str(text).expect("it is JSON")
}

/// Moments of a kind: when, in seconds, and what is said.
fn moments(html: &str, kind: &str) -> Vec<(f64, String)> {
    let playback = embedded(html, "playback");
    let kinds = playback["kinds"].as_array().unwrap();
    let wanted = kinds.iter().position(|known| known[0] == kind).expect("a kind");
    let moments = playback["moments"].as_array().unwrap().iter();
    moments
        .filter(|moment| moment[2] == wanted)
        .map(|moment| {
            let text = moment[5].as_str().unwrap().to_owned();
            (moment[0].as_f64().unwrap() / 1e6, text)
        })
        .collect()
}

#[test]
fn a_page_is_the_same_every_time_and_recording_it_changes_nothing() {
    let scenario = shipped("consumer-crash", &[]);
    let (first, report, _) = page_of("consumer-crash", &scenario);
    let (second, ..) = page_of("consumer-crash", &scenario);
    assert!(first == second, "two pages of one run differ");
    let plain = simulate("consumer-crash", &scenario, |_, _| {});
    assert!(
        json::canonical(&report) == json::canonical(&plain),
        "the recorder has touched the run"
    );

    // Nor does it count against what the run may hold.
    let tight = Bounds {
        memory: Some(256 << 10),
        ..Bounds::default()
    };
    let mut recorder = Recorder::new(&scenario.config);
    let others: Vec<&mut dyn Beside> = vec![&mut recorder];
    let onlookers = Onlookers { watch: None, others };
    let with = simulate_before(onlookers, "crash", &scenario, None, &tight, |_, _| {});
    let without = simulate_before(Onlookers::default(), "crash", &scenario, None, &tight, |_, _| {});
    assert!(with.run.stopped.is_some(), "the bound is tight");
    assert!(json::canonical(&with) == json::canonical(&without));
}

/// Nothing in the page can be fetched, and no name can end an element.
#[test]
fn a_page_is_alone_in_the_world() {
    let title = r#"title="</script><script>alert(1)</script><img src=x> & more""#;
    let (html, ..) = page_of("quickstart", &shipped("quickstart", &[title]));
    let namespace = "http://www.w3.org/2000/svg";
    assert!(
        !html.replace(namespace, "").contains("://"),
        "a page names no address"
    );
    for tag in ["<img", "<link", "<iframe", "<script src", "@import", "url("] {
        assert!(!html.contains(tag), "{tag}");
    }
    assert_eq!(
        html.matches("</script>").count(),
        3,
        "its own scripts end, and nothing else"
    );
}

#[test]
fn moments_tell_what_happened_and_when() {
    let (html, report, _) = page_of("consumer-crash", &shipped("consumer-crash", &[]));
    let killed: Vec<_> = (report.consumers.iter())
        .filter(|(_, consumer)| consumer.end.is_some())
        .map(|(name, consumer)| (consumer.stopped_seconds.unwrap(), format!("{name} was killed.")))
        .collect();
    assert!(!killed.is_empty());
    let members = moments(&html, "member");
    for moment in &killed {
        assert!(members.contains(moment), "{moment:?} is not among {members:?}");
    }
    let duplicates = moments(&html, "duplicate");
    let (_, text) = duplicates.first().expect("a crash leaves duplicates");
    assert!(
        text.contains("is delivered again") && text.contains("was killed at"),
        "{text}"
    );

    let (html, report, _) = page_of("retry-to-dlq-timetable", &shipped("retry-to-dlq-timetable", &[]));
    let dead: u64 = report.groups.values().map(|group| group.dead).sum();
    assert!(dead > 0);
    let playback = embedded(&html, "playback");
    let kind = (playback["kinds"].as_array().unwrap().iter()).position(|known| known[0] == "dead");
    let counted: u64 = (playback["moments"].as_array().unwrap().iter())
        .filter(|moment| moment[2] == kind.unwrap())
        .map(|moment| 1 + moment[4].as_u64().unwrap())
        .sum();
    assert_eq!(counted, dead, "every dead letter is one of a moment");
}

/// The last frame of the page is the end of the report.
#[test]
fn the_last_frame_agrees_with_the_report() {
    let (html, report, _) = page_of(
        "rolling-deploy-strategy",
        &shipped("rolling-deploy-strategy", &[]),
    );
    let playback = embedded(&html, "playback");
    let last = |column: &Value| -> i64 {
        let steps = column.as_str().unwrap().split(',');
        steps.map(|step| step.parse().unwrap_or(0)).sum()
    };
    let lag: i64 = playback["frames"]["lag"]
        .as_array()
        .unwrap()
        .iter()
        .map(last)
        .sum();
    assert_eq!(lag as u64, report.groups["billing"].lag.last);
    let sent: i64 = playback["frames"]["sent"]
        .as_array()
        .unwrap()
        .iter()
        .map(last)
        .sum();
    assert_eq!(sent as u64, report.producers["checkout-1"].stored);
    let done: i64 = playback["frames"]["done"]
        .as_array()
        .unwrap()
        .iter()
        .map(last)
        .sum();
    let results = report
        .consumers
        .values()
        .map(|consumer| consumer.succeeded + consumer.failed);
    assert_eq!(done as u64, results.sum::<u64>());
    let busy: i64 = playback["frames"]["busy"]
        .as_array()
        .unwrap()
        .iter()
        .map(last)
        .sum();
    assert_eq!(busy as u64, report.balance["billing"].in_flight);
}

/// Neither a long run nor one with many messages, queues or clients makes a big page, or a recorder that grows.
#[test]
fn pages_and_recorders_are_bounded() {
    let days = page_of("dlq-lifecycle", &shipped("dlq-lifecycle", &[]));
    let rate = "producers.checkout.rate=4000/s";
    let many = page_of(
        "rolling-deploy-strategy",
        &shipped("rolling-deploy-strategy", &[rate]),
    );
    assert!(many.1.run.messages > 2_000_000);
    let crowd = include_str!("../browser/crowd.json");
    let crowd = Scenario::from_text("crowd", crowd, &Overrides::default()).unwrap();
    let crowd = page_of("crowd", &crowd);
    for (name, (html, _, held)) in [("days", days), ("many", many), ("crowd", crowd)] {
        assert!(html.len() <= page::BYTES, "{name}: {} bytes", html.len());
        assert!(held < 24 << 20, "{name}: the recorder holds {held} bytes");
    }
}

/// What the observation has at every sample: by slot its lag, and who holds it.
#[derive(Default)]
struct Witness {
    samples: Vec<(SimTime, Vec<u64>, Vec<Option<u32>>)>,
}

impl Beside for Witness {
    fn observe(&mut self, _: SimTime, _: &Directory, _: &Fact, _: &Observation) {}

    fn sample(&mut self, now: SimTime, _: &Directory, observation: &Observation) {
        let slots = observation.slots.iter().map(|(slot, _)| slot);
        let (lags, owners) = slots
            .map(|slot| {
                let lag = observation.lag.slot(slot).lag.value();
                (lag, observation.ownership.owner(slot).map(|owner| owner.0))
            })
            .unzip();
        self.samples.push((now, lags, owners));
    }
}

/// A run of 500 s, so that the frames of the page lie where samples are taken.
const EVENTFUL: &str = r#"{
  "title": "Everything happens", "duration": "500s", "sampleInterval": "1s",
  "cluster": { "brokers": ["broker-a", "broker-b"], "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "checkout": { "topic": "orders", "rate": "100/s" } },
  "groups": {
    "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 3, "service": "20ms" } },
    "cache": { "subscribe": { "orders": "*" }, "messageModel": "BROADCASTING",
               "consumers": { "count": 2, "service": "2ms" } }
  },
  "timeline": [
    { "at": "50s", "join": "cache" },
    { "at": "100s", "pause": "billing/1", "for": "40s" },
    { "at": "110s", "partition": "billing/1", "from": ["broker-a"], "for": "10s" },
    { "at": "200s", "kill": "billing/2" },
    { "at": "260s", "join": "billing" },
    { "at": "400s", "leave": "billing/3" }
  ]
}"#;

/// At every instant the page shows the lag and the owners that the observation has, of each queue for each reader.
#[test]
fn frames_and_owners_are_those_of_the_observation() {
    let scenario = Scenario::from_text("eventful", EVENTFUL, &Overrides::default())
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
    let (mut recorder, mut witness) = (Recorder::new(&scenario.config), Witness::default());
    let onlookers = Onlookers {
        watch: None,
        others: vec![&mut recorder, &mut witness],
    };
    simulate_before(
        onlookers,
        "eventful",
        &scenario,
        None,
        &Bounds::default(),
        |_, _| {},
    );
    let playback = serde_json::to_value(recorder.playback().unwrap()).unwrap();
    let numbers = |value: &Value| -> Vec<u64> {
        let list = value.as_array().unwrap().iter();
        list.map(|number| number.as_u64().unwrap()).collect()
    };
    let times = numbers(&playback["frames"]["times"]);
    let columns: Vec<Vec<i64>> = (playback["frames"]["lag"].as_array().unwrap().iter())
        .map(|column| {
            let mut value = 0;
            let steps = column.as_str().unwrap().split(',');
            steps
                .map(|step| {
                    value += step.parse::<i64>().unwrap_or(0);
                    value
                })
                .collect()
        })
        .collect();
    let owners: Vec<Vec<Vec<u64>>> = (playback["slots"].as_array().unwrap().iter())
        .map(|slot| slot["owners"].as_array().unwrap().iter().map(numbers).collect())
        .collect();
    assert_eq!(
        owners.len(),
        8 + 2 + 8 * 3,
        "queues and retry queues of billing, queues of each reader of cache"
    );
    let mut compared = 0;
    for (at, lags, holders) in &witness.samples {
        let at = at.as_nanos() / 1_000;
        let Ok(row) = times.binary_search(&at) else {
            continue;
        };
        for (slot, lag) in lags.iter().enumerate() {
            assert_eq!(columns[slot][row] as u64, *lag, "lag of slot {slot} at {at} µs");
        }
        for (slot, holder) in holders.iter().enumerate() {
            let shown = owners[slot]
                .iter()
                .filter(|owner| owner[0] < at && at <= owner[1]);
            let shown: Vec<u64> = shown.map(|owner| owner[2]).collect();
            let agrees = holder.map_or(shown.is_empty(), |holder| shown.contains(&u64::from(holder)));
            assert!(agrees, "slot {slot} at {at} µs: {holder:?} and {shown:?}");
            compared += usize::from(holder.is_some());
        }
    }
    assert!(compared > 5_000, "{compared}");
    let states = playback["consumers"][0]["states"].as_array().unwrap().iter();
    let states: Vec<String> = states.map(|state| format!("{} {}", state[0], state[1])).collect();
    let expected = ["0 \"up\"", "100000000 \"paused\"", "140000000 \"up\""];
    assert_eq!(states, expected, "the cut between does not wake it");
}

/// More groups than moments: the list is folded, and the run ends.
#[test]
fn a_thousand_groups_have_a_page() {
    let groups: Vec<String> = (0..1_000)
        .map(|n| {
            format!(r#""g{n}": {{ "subscribe": {{ "orders": "*" }}, "consumers": {{ "service": "1ms" }} }}"#)
        })
        .collect();
    let text = format!(
        r#"{{ "title": "Many", "duration": "5s", "cluster": {{ "topics": {{ "orders": {{}} }} }},
            "producers": {{ "shop": {{ "topic": "orders", "rate": "1/s" }} }}, "groups": {{ {} }} }}"#,
        groups.join(",")
    );
    let scenario = Scenario::from_text("many", &text, &Overrides::default())
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
    let (html, ..) = page_of("many", &scenario);
    assert!(html.len() <= page::BYTES);
}
