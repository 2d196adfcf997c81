//! Studies of several variants, from the plan to what they say.

use rmqsim::cluster::bounds::Bounds;
use rmqsim::compare::{Progress, Seeds, Study, compare};
use rmqsim::report::comparison::metric;
use rmqsim::report::comparison::model::{Comparison, Finding, Luck, WarmupRule};
use rmqsim::report::expect::{self, Expectation};
use rmqsim::report::json;
use rmqsim::scenario::study::{Plan, Wanted};
use rmqsim::scenario::{Overrides, Source};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SHOP: &str = r#"{
  "title": "A shop", "seed": 5, "duration": "40s",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "100/s" } },
  "groups": { "billing": { "subscribe": { "orders": "*" },
    "consumers": { "count": 2, "threads": 4, "service": { "exponential": { "mean": "30ms" } }, "failure": { "probability": 0.01 } } } },
  "expect": ["groups.billing.lost == 0", "groups.billing.members == 2"]
}"#;

/// A study of `SHOP` with so many seeds.
fn study(vary: &[&str], seeds: u64) -> Study {
    study_of(SHOP, vary, seeds)
}

/// The same of another scenario.
fn study_of(text: &str, vary: &[&str], seeds: u64) -> Study {
    let file = Source {
        name: "shop.json".to_owned(),
        text: text.to_owned(),
    };
    let wanted = Wanted {
        vary: vary.iter().map(|text| (*text).to_owned()).collect(),
        ..Wanted::default()
    };
    let plan = Plan::read(vec![file], &Overrides::default(), &wanted).unwrap_or_else(|e| panic!("{e}"));
    let shape = |at: usize| expect::shape(&plan.variants[at].scenario.config);
    let shapes: Vec<_> = (0..plan.variants.len()).map(shape).collect();
    let expectations = |at: usize| -> Vec<Expectation> {
        let texts = plan.variants[at].scenario.expect.iter();
        texts
            .map(|(text, _)| Expectation::parse(text, &shapes[at]).unwrap())
            .collect()
    };
    Study {
        name: "shop".to_owned(),
        set: Vec::new(),
        until: None,
        expectations: (0..plan.variants.len()).map(expectations).collect(),
        metrics: metric::metrics(&[], &shapes).unwrap(),
        by_default: true,
        seeds: Seeds::Fixed(seeds),
        luck: Luck::Common,
        level: 0.95,
        bounds: Bounds::default(),
        warmup: WarmupRule::Scenario,
        plan,
    }
}

fn done(study: &Study) -> Comparison {
    compare(study, 2, &AtomicBool::new(false), &|_| {})
}

fn warned(comparison: &Comparison) -> Vec<&str> {
    comparison
        .warnings
        .iter()
        .map(|warning| warning.id.as_str())
        .collect()
}

const CONSUMERS: &str = "groups.billing.consumers.count=2,3,4";

#[test]
fn the_number_of_threads_changes_no_byte() {
    let study = study(&[CONSUMERS], 4);
    let bytes = |threads| json::canonical(&compare(&study, threads, &AtomicBool::new(false), &|_| {}));
    let alone = bytes(1);
    assert!(bytes(2) == alone && bytes(5) == alone);
}

/// What consumers are like does not touch the messages; a rate does, and the study says so.
#[test]
fn variants_meet_the_same_messages_unless_producers_differ() {
    let same = done(&study(&[CONSUMERS], 3));
    assert!(same.design.same_messages);
    assert!(!warned(&same).contains(&"unlike-messages"));
    let other = done(&study(&["producers.shop.rate=100/s,101/s"], 3));
    assert!(!other.design.same_messages);
    assert!(warned(&other).contains(&"unlike-messages"));
}

/// Seed by seed, a study is its runs: one of them alone yields the number that stands in the list.
#[test]
fn a_run_alone_yields_the_number_of_the_study() {
    let comparison = done(&study(&[CONSUMERS], 3));
    assert_eq!(comparison.run.seeds, ["5", "6", "7"]);
    let of = comparison
        .variants
        .iter()
        .position(|variant| variant.label == "3")
        .unwrap();
    let overrides = Overrides {
        seed: Some(6),
        set: comparison.variants[of].set.clone(),
        ..Overrides::default()
    };
    let scenario = rmqsim::Scenario::from_text("shop.json", SHOP, &overrides).unwrap();
    let report = rmqsim::simulate("alone", &scenario, |_, _| {});
    let metric = comparison
        .metrics
        .iter()
        .find(|metric| metric.path == "groups.billing.lag.max")
        .unwrap();
    let alone = report.groups["billing"].lag.max as f64;
    assert_eq!(metric.estimates[of].values[1], Some(alone));
}

/// Whenever it ends, every variant has had the same seeds, and the result is that of a study of so many.
#[test]
fn an_interrupted_study_is_a_shorter_one() {
    let long = study(&[CONSUMERS], 50);
    let (stop, ran) = (AtomicBool::new(false), AtomicU64::new(0));
    let cut = compare(&long, 2, &stop, &|progress| {
        if let Progress::Ran = progress
            && ran.fetch_add(1, Ordering::Relaxed) == 10
        {
            stop.store(true, Ordering::Relaxed);
        }
    });
    assert!(!cut.run.complete);
    assert!(warned(&cut).contains(&"interrupted"));
    let seeds = cut.run.seeds.len() as u64;
    assert!((2..50).contains(&seeds), "{seeds}");
    assert_eq!((cut.run.runs, cut.run.seeds_planned), (3 * seeds, 50));
    let short = done(&study(&[CONSUMERS], seeds));
    assert_eq!(cut.metrics, short.metrics);
    assert_eq!(cut.lag, short.lag);
}

/// A study that ends before its first seed is done has nothing to say, and says that.
#[test]
fn a_study_may_be_interrupted_at_once() {
    let cut = compare(&study(&[CONSUMERS], 5), 2, &AtomicBool::new(true), &|_| {});
    assert_eq!((cut.run.runs, cut.run.complete), (0, false));
    assert!(warned(&cut).contains(&"interrupted"));
    json::canonical(&cut);
}

#[test]
fn it_goes_on_until_the_interval_is_narrow() {
    let mut until = study(&["groups.billing.consumers.threads=4,5"], 20);
    until.seeds = Seeds::Until {
        target: 0.01,
        most: 200,
    };
    let found = done(&until);
    let stopping = found.design.stopping.clone().unwrap();
    assert!(stopping.met && stopping.reached.unwrap() <= 0.01, "{stopping:?}");
    assert!(
        (10..200).contains(&found.run.seeds.len()),
        "{}",
        found.run.seeds.len()
    );
    let half = found.metrics[0].differences[0].relative_half_width;
    assert_eq!(stopping.reached, half, "the first metric is the one that counts");
    until.seeds = Seeds::Until {
        target: 1e-9,
        most: 12,
    };
    let given_up = done(&until);
    assert_eq!(given_up.run.seeds.len(), 12);
    let stopping = given_up.design.stopping.unwrap();
    assert!(!stopping.met && stopping.reached.unwrap() > 1e-9);
    assert!(given_up.run.complete, "all that was allowed has run");
}

/// Seeds of their own share nothing: other seeds, unpaired differences, wider intervals.
#[test]
fn independent_luck_is_a_control() {
    let mut own = study(&["groups.billing.consumers.threads=4,5"], 10);
    let common = done(&own);
    own.luck = Luck::Independent;
    let own = done(&own);
    assert!(!warned(&own).contains(&"unlike-messages"), "that is meant");
    let (shared, alone) = (&common.metrics[0].differences[0], &own.metrics[0].differences[0]);
    assert!(shared.variance_reduction.unwrap() > 5.0, "{shared:?}");
    assert_eq!((alone.variance_reduction, alone.correlation), (None, None));
    assert!(alone.half_width.unwrap() > 2.0 * shared.half_width.unwrap());
    // The baseline has the seeds of the scenario either way.
    assert_eq!(common.metrics[0].estimates[0], own.metrics[0].estimates[0]);
    assert_ne!(
        common.metrics[0].estimates[1].values,
        own.metrics[0].estimates[1].values
    );
}

#[test]
fn one_seed_shows_no_difference() {
    let found = done(&study(&[CONSUMERS], 1));
    assert!(warned(&found).contains(&"few-seeds"));
    let differences = || found.metrics.iter().flat_map(|metric| &metric.differences);
    assert!(differences().all(|difference| difference.finding == Finding::Unmeasured));
    assert_eq!(found.design.comparisons, 0);
}

/// Two consumers of four threads finish 267 messages a second; 400 grow without end, whatever the seed.
#[test]
fn a_load_beyond_what_can_be_consumed_has_no_mean() {
    let found = done(&study(&["producers.shop.rate=100/s,400/s"], 3));
    for id in ["overload", "grows"] {
        let warning = found.warnings.iter().find(|warning| warning.id == id);
        assert_eq!(
            warning.map(|w| w.variants.as_slice()),
            Some(&["400/s".to_owned()][..]),
            "{id}"
        );
    }
}

/// What stops has no steady state to miss: its backlog grows as long as it sends.
#[test]
fn a_load_that_stops_is_not_asked_for_a_steady_state() {
    let shop = SHOP.replace("100/s", "400/s");
    let found = done(&study_of(&shop, &["producers.shop.stop=39s,40s"], 3));
    let warning = found.warnings.iter().find(|warning| warning.id == "grows");
    assert_eq!(
        warning.map(|w| w.variants.as_slice()),
        Some(&["40s".to_owned()][..])
    );
}

/// Expectations are counted, not judged: a variant may well break what the base holds.
#[test]
fn expectations_are_counted_by_variant() {
    let found = done(&study(&[CONSUMERS], 3));
    let held: Vec<u64> = (found.variants.iter())
        .flat_map(|variant| variant.expect.iter().map(|expect| expect.held))
        .collect();
    assert_eq!(held, [3, 3, 3, 0, 3, 0]);
}

/// A grid has all combinations, the last factor fastest.
#[test]
fn a_grid_is_compared_cell_by_cell() {
    let found = done(&study(
        &[
            "groups.billing.consumers.count=2,4",
            "groups.billing.consumers.threads=4,8",
        ],
        2,
    ));
    let cells: Vec<&[u64]> = found
        .variants
        .iter()
        .map(|variant| variant.cells.as_slice())
        .collect();
    assert_eq!(cells, [[0, 0], [0, 1], [1, 0], [1, 1]]);
    assert_eq!(found.metrics[0].estimates.len(), 4);
    assert_eq!(found.metrics[0].differences.len(), 3);
}

/// 1500 messages at once at the start take 8 s to drain (4 queues, 8 threads, 30 ms, and 100 a second come in): MSER-5
/// finds that, with the retries that come 10 s later, and leaves it out of every variant. A load that grows without end has no warm-up, and that is said.
#[test]
fn the_warm_up_is_found_by_mser() {
    let burst = SHOP.replace(
        r#""producers": {"#,
        r#""producers": { "flood": { "topic": "orders", "arrivals": "atOnce", "messages": 1500 },"#,
    );
    let burst = burst.replace("40s", "100s");
    let with = |rule, vary: &str| {
        let mut study = study_of(&burst, &[vary], 6);
        study.warmup = rule;
        done(&study)
    };
    let vary = "groups.billing.consumers.threads=4,8";
    let (whole, found) = (with(WarmupRule::Scenario, vary), with(WarmupRule::Mser5, vary));
    let warmup = &found.design.warmup;
    assert_eq!(
        (whole.design.warmup.seconds, warmup.rule),
        (0.0, WarmupRule::Mser5)
    );
    assert!((6.0..40.0).contains(&warmup.seconds), "{warmup:?}");
    let lag = |of: &Comparison| {
        of.metrics
            .iter()
            .find(|m| m.path == "groups.billing.lag.mean")
            .unwrap()
            .estimates[0]
            .mean
    };
    assert!(
        lag(&whole).unwrap() > 3.0 * lag(&found).unwrap(),
        "{:?} {:?}",
        lag(&whole),
        lag(&found)
    );
    let never = with(WarmupRule::Mser5, "producers.shop.rate=100/s,500/s");
    assert_eq!(
        (never.design.warmup.rule, never.design.warmup.seconds),
        (WarmupRule::NotFound, 0.0)
    );
    assert!(warned(&never).contains(&"no-steady-state"));
}
