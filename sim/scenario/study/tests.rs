//! Plans seen from outside: what is varied, in which order, what is refused and where.

use super::{Plan, Wanted};
use crate::scenario::{Overrides, Source, limits};
use proptest::prelude::*;

const FILE: &str = r#"{
  "title": "t", "duration": "1m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 8 } } },
  "producers": { "shop": { "rate": "1000/s" } },
  "groups": { "billing": { "consumers": { "count": 4 } } },
  "timeline": [{ "at": "30s", "kill": "billing/2" }]
}"#;

fn read(texts: &[(&str, &str)], set: &[&str], wanted: &Wanted) -> Result<Plan, String> {
    let source = |(name, text): &(&str, &str)| Source {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
    };
    let overrides = Overrides {
        set: set.iter().map(|s| (*s).to_owned()).collect(),
        ..Overrides::default()
    };
    Plan::read(texts.iter().map(source).collect(), &overrides, wanted)
        .map_err(|problems| problems.to_string())
}

fn wanted(vary: &[&str]) -> Wanted {
    Wanted {
        vary: vary.iter().map(|v| (*v).to_owned()).collect(),
        ..Wanted::default()
    }
}

#[track_caller]
fn plan(vary: &[&str]) -> Plan {
    read(&[("f.json", FILE)], &[], &wanted(vary)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// `FILE` with this study block.
fn with_study(study: &str) -> String {
    FILE.replacen("\"title\"", &format!("\"study\": {study},\n  \"title\""), 1)
}

#[track_caller]
fn refused(vary: &[&str], says: &[&str]) {
    check_refusal(read(&[("f.json", FILE)], &[], &wanted(vary)), says);
}

#[track_caller]
fn check_refusal(plan: Result<Plan, String>, says: &[&str]) {
    let problems = plan.map(|plan| plan.factors).expect_err("it should be refused");
    for says in says {
        assert!(problems.contains(says), "no `{says}` in\n{problems}");
    }
}

fn labels(plan: &Plan) -> Vec<&str> {
    plan.variants
        .iter()
        .map(|variant| variant.label.as_str())
        .collect()
}

#[test]
fn one_field_makes_a_row() {
    let plan = plan(&["groups.billing.strategy=AVG,AVG_BY_CIRCLE,X_STICKY"]);
    assert_eq!(labels(&plan), ["AVG", "AVG_BY_CIRCLE", "X_STICKY"]);
    assert_eq!(plan.factors[0].path, "groups.billing.strategy");
    assert_eq!(plan.factors[0].labels, labels(&plan));
    assert_eq!(plan.variants[2].set, ["groups.billing.strategy=X_STICKY"]);
    assert_eq!((plan.baseline, plan.files.as_slice()), (0, &["f".to_owned()][..]));
    assert_eq!(plan.messages, 3 * 20 * 60_000);
}

#[test]
fn two_fields_make_a_grid_whose_last_changes_fastest() {
    let plan = plan(&[
        "groups.billing.consumers.count=2..5..3,8",
        "groups.billing.strategy=AVG,X_STICKY",
    ]);
    let expected = [
        "2, AVG",
        "2, X_STICKY",
        "5, AVG",
        "5, X_STICKY",
        "8, AVG",
        "8, X_STICKY",
    ];
    assert_eq!(labels(&plan), expected);
}

/// Whatever is varied, a variant is the file with its values set.
#[test]
fn a_variant_is_the_file_with_its_values_set() {
    for vary in [
        &["groups.billing.delivery=longPolling,{\"shortPolling\":{\"interval\":\"1s\"}}"][..],
        &[
            "timeline=[],[{\"at\":\"1s\",\"kill\":\"billing/1\"}]",
            "producers.shop.rate=10/s, 20/s",
        ],
        &[
            "timeline[0].kill=billing/1,billing/4",
            "cluster.tuning.messageDelayLevel=\"1s 2s\",1s",
        ],
        &[
            "groups.billing.tuning.pullInterval=0..10..5",
            "duration=1m,2m",
            "cluster.brokers=1,2",
        ],
        &[
            "groups.billing.subscribe.orders=*,\"a || b\"",
            "producers.shop.tags={\"a\":1,\"b\":2},{\"c\":1}",
        ],
    ] {
        for variant in plan(vary).variants {
            let set: Vec<&str> = variant.set.iter().map(String::as_str).collect();
            let overrides = Overrides {
                set: variant.set.clone(),
                ..Overrides::default()
            };
            let alone = crate::Scenario::from_text("f.json", FILE, &overrides).unwrap();
            assert_eq!(alone.normalised, variant.scenario.normalised, "{set:?}");
            assert_eq!(
                format!("{:?}", alone.config),
                format!("{:?}", variant.scenario.config)
            );
        }
    }
}

#[test]
fn objects_have_short_labels() {
    let vary = "groups.billing.delivery=longPolling,{\"shortPolling\":{\"interval\":\"1s\"}},{\"pull\":{\"interval\":\"1s\",\"batch\":10}}";
    assert_eq!(
        labels(&plan(&[vary])),
        ["longPolling", "shortPolling 1s", "pull interval=1s batch=10"]
    );
}

#[test]
fn files_are_variants_too() {
    let other = FILE.replace("1000/s", "500/s");
    let texts = [("a/one.json", FILE), ("b/two.json", other.as_str())];
    let plan = read(
        &texts,
        &["seed=9"],
        &wanted(&["groups.billing.strategy=AVG,X_STICKY"]),
    )
    .unwrap();
    assert_eq!(
        labels(&plan),
        ["one, AVG", "one, X_STICKY", "two, AVG", "two, X_STICKY"]
    );
    assert_eq!(plan.files, ["one", "two"]);
    assert_eq!(
        (plan.factors[0].path.as_str(), &plan.factors[0].labels),
        ("file", &plan.files)
    );
    let names: Vec<&str> = plan
        .variants
        .iter()
        .map(|variant| variant.scenario.name())
        .collect();
    assert_eq!(names, ["a/one.json", "a/one.json", "b/two.json", "b/two.json"]);
    assert!(
        plan.variants
            .iter()
            .all(|variant| variant.scenario.config.seed == 9)
    );
    let alone = read(&texts, &[], &Wanted::default()).unwrap();
    assert_eq!(labels(&alone), ["one", "two"]);
    // Two files of one name.
    let texts = [("a/x.json", FILE), ("b/x.json", other.as_str())];
    assert_eq!(
        labels(&read(&texts, &[], &Wanted::default()).unwrap()),
        ["x", "x (2)"]
    );
}

#[test]
fn the_study_block_says_what_is_varied() {
    let text = with_study(
        r#"{ "vary": { "groups.billing.strategy": ["AVG", "X_STICKY"], "groups.billing.consumers.threads": "1..3" },
             "seeds": 7, "baseline": ["X_STICKY", "2"], "metrics": ["groups.billing.lag.max"], "untilCi": "2%" }"#,
    );
    let plan = read(&[("f", &text)], &[], &Wanted::default()).unwrap();
    assert_eq!(labels(&plan)[4], "X_STICKY, 2");
    assert_eq!((plan.baseline, plan.seeds, plan.variants.len()), (4, 7, 6));
    assert_eq!(plan.until_ci.unwrap().share(), 0.02);
    assert_eq!(plan.metrics[0].0, "groups.billing.lag.max");
    let span = plan.metrics[0].1;
    assert_eq!(&text[span.start..span.end], "\"groups.billing.lag.max\"");
    assert_eq!(
        plan.variants[5].set,
        [
            "groups.billing.strategy=X_STICKY",
            "groups.billing.consumers.threads=3"
        ]
    );
    // The command line goes before it, all of `vary` at once; the rest of the block stays.
    let mut wanted = wanted(&["groups.billing.consumers.count=2,4"]);
    wanted.seeds = Some(3);
    let plan = read(&[("f", &text)], &[], &wanted).unwrap();
    assert_eq!((labels(&plan), plan.baseline, plan.seeds), (vec!["2", "4"], 0, 3));
    assert_eq!(plan.metrics.len(), 1);
}

/// What a study varies is no part of the scenario: the same runs, the same normal form.
#[test]
fn a_study_changes_no_run() {
    let read = |text: &str| crate::Scenario::from_text("f", text, &Overrides::default()).unwrap();
    let with = read(&with_study(
        r#"{ "vary": { "groups.billing.consumers.count": [1, "nonsense"] } }"#,
    ));
    let without = read(FILE);
    assert_eq!(with.normalised, without.normalised);
    assert_eq!(format!("{:?}", with.config), format!("{:?}", without.config));
    assert!(with.study.is_some() && without.study.is_none());
}

#[test]
fn a_value_that_does_not_fit_is_shown_where_it_stands() {
    refused(
        &["groups.billing.consumers.count=1,two,0"],
        &[
            "--vary:1:34",
            "--vary:1:38",
            "must be between 1 and 100000, but is 0",
        ],
    );
    refused(&["groups.billing.strategy=AVG,AVGG"], &["--vary:1:29", "AVGG"]);
    refused(
        &["groups.biling.strategy=AVG,X_STICKY"],
        &["--vary:1:8", "did you mean `billing`?"],
    );
    refused(
        &["groups.billing.stratgy=AVG,X_STICKY"],
        &["--vary:1:16", "did you mean `strategy`?"],
    );
    refused(
        &["groups.billing.consumers[0].count=1,2"],
        &["--vary:1:16", "an index needs a list"],
    );
    refused(&["groups.billing.delivery={\"pull\":},push"], &["--vary:1:33"]);
    refused(
        &["groups.billing.consumers.count=0..4"],
        &["--vary:1:32", "but is 0"],
    );
}

/// Every problem once, with the variants that have it unless that is plain.
#[test]
fn what_only_some_variants_have_says_which() {
    // Member 2 exists in three of four.
    refused(
        &[
            "groups.billing.consumers.count=1,2,3,4",
            "groups.billing.strategy=AVG,X_STICKY",
        ],
        &[
            "f.json:6",
            "in the 2 of 8 variants with groups.billing.consumers.count = 1",
        ],
    );
    // Neither one field nor the other alone.
    refused(
        &[
            "groups.billing.consumers.count=1,2",
            "timeline[0].at=1s,2s",
            "timeline[0].kill=billing/1,billing/2",
        ],
        &["in 2 of 8 variants: `1, 1s, billing/2`, `1, 2s, billing/2`"],
    );
    let problems = read(
        &[("f.json", FILE)],
        &[],
        &wanted(&["groups.billing.strategy=AVG,AVGG", "duration=1m,5"]),
    );
    let problems = problems.map(|plan| plan.factors).unwrap_err();
    assert_eq!(problems.matches("error:").count(), 2, "{problems}");
    assert!(!problems.contains("variants"), "{problems}");
    // What lies in the file is told once.
    let broken = FILE.replace("1000/s", "1000");
    let problems = read(
        &[("f.json", &broken)],
        &[],
        &wanted(&["groups.billing.consumers.count=2..9"]),
    );
    let problems = problems.map(|plan| plan.factors).unwrap_err();
    assert_eq!(problems.matches("error:").count(), 1, "{problems}");
    assert!(!problems.contains("variants"), "{problems}");
}

/// A wrong path does not hide another, nor is it told for each file.
#[test]
fn all_wrong_paths_are_told_once() {
    let other = FILE.replace("1000/s", "500/s");
    let vary = [
        "groups.biling.strategy=AVG,X_STICKY",
        "groups.billing.stratgy=AVG,X_STICKY",
    ];
    let problems = read(&[("f", FILE), ("g", &other)], &[], &wanted(&vary));
    let problems = problems.map(|plan| plan.factors).unwrap_err();
    assert_eq!(problems.matches("error:").count(), 2, "{problems}");
}

#[test]
fn what_cannot_be_varied_says_why() {
    refused(&["seed=1,2"], &["every variant meets the same seeds", "--seeds"]);
    refused(&["title=a,b"], &["changes nothing that is measured"]);
    refused(&["study.seeds=2,3"], &["changes nothing that is measured"]);
    refused(&["expect=[],[\"x\"]"], &["changes nothing that is measured"]);
    refused(
        &["duration=1m,2m", "duration=3m,4m"],
        &["`duration` is varied twice"],
    );
    refused(
        &[
            "groups.billing={},{\"strategy\":\"X_STICKY\"}",
            "groups.billing.strategy=AVG,X_STICKY",
        ],
        &["`groups.billing.strategy` is a part of `groups.billing`"],
    );
    refused(
        &["timeline=[],[{}]", "timeline[0].at=1s,2s"],
        &["`timeline[0].at` is a part of `timeline`"],
    );
    refused(&["duration=1m,2m,1m"], &["`1m` is listed twice", "first here"]);
    refused(
        &["groups.billing.consumers.count=1..4,3"],
        &["`3` is listed twice"],
    );
    refused(&["groups.billing.consumers.count=4"], &["only one variant"]);
    refused(&["groups.billing.consumers.count="], &["has no values"]);
    refused(&["groups.billing.consumers.count"], &["there is no `=`"]);
    refused(&["=1,2"], &["empty step"]);
    refused(
        &["duration=1m,,2m"],
        &["nothing between two commas", "--vary:1:13"],
    );
    refused(&["duration=1m..2m"], &["not a range of whole numbers"]);
    refused(&[], &["nothing is varied", "groups.billing.strategy"]);
    let many: Vec<String> = (0..9).map(|i| format!("timeline[0].x{i}=1,2")).collect();
    refused(
        &many.iter().map(String::as_str).collect::<Vec<_>>(),
        &["at most 8 fields"],
    );
    let both = read(
        &[("f", FILE)],
        &["groups.billing.strategy=AVG"],
        &wanted(&["groups.billing.strategy=AVG,X_STICKY"]),
    );
    check_refusal(both, &["is set, and varied", "--set:1:1", "--vary:1:1"]);
}

#[test]
fn a_baseline_is_found_by_its_label() {
    let mut wanted = wanted(&["groups.billing.strategy=AVG,X_STICKY", "duration=1m,2m"]);
    for (baseline, found) in [("X_STICKY, 1m", 2), ("X_STICKY,2m", 3), ("AVG , 2m", 1)] {
        wanted.baseline = Some(baseline.to_owned());
        assert_eq!(read(&[("f", FILE)], &[], &wanted).unwrap().baseline, found);
    }
    wanted.baseline = Some("X_STICKI, 2m".to_owned());
    check_refusal(
        read(&[("f", FILE)], &[], &wanted),
        &[
            "--baseline:1:1",
            "did you mean `X_STICKY, 2m`?",
            "the variants are `AVG, 1m`, `AVG, 2m`",
        ],
    );
}

/// 10⁹ combinations are counted, not built.
#[test]
fn a_billion_variants_are_refused_with_an_estimate() {
    let vary = [
        "groups.billing.consumers.count=1..1000",
        "groups.billing.consumers.threads=1..1000",
        "groups.billing.tuning.pullInterval=1..1000",
    ];
    let expected = [
        "1 000 000 000 variants × 20 seeds = 20 000 000 000 runs of about 60 000 messages each",
        "about 38 years",
        "1 000 values",
    ];
    check_refusal(read(&[("f", FILE)], &[], &wanted(&vary)), &expected);
    // In the first variant a member is killed that does not exist: the file as it stands gives the estimate.
    let file = FILE.replace("billing/2", "billing/1");
    check_refusal(read(&[("f", &file)], &[], &wanted(&vary)), &expected);
    let mut lifted = wanted(&vary);
    lifted.max_runs = Some(u64::MAX);
    check_refusal(read(&[("f", &file)], &[], &lifted), &["whatever --max-runs says"]);
}

#[test]
fn bounds_hold_at_n_and_bite_beyond() {
    let vary = |n: u64| wanted(&[&format!("groups.billing.tuning.pullInterval=1..{n}")]);
    let small = FILE.replace("1000/s", "1/s");
    let of_small = |wanted: &Wanted| read(&[("f", &small)], &[], wanted);
    let most = of_small(&vary(limits::VARIANTS)).unwrap();
    assert_eq!(most.variants.len() as u64, limits::VARIANTS);
    check_refusal(
        of_small(&vary(limits::VARIANTS + 1)),
        &["more than 10 000 variants", "--max-runs 200020"],
    );
    for (max_runs, fine) in [(300 * 20, true), (300 * 20 - 1, false)] {
        let mut wanted = vary(300);
        wanted.max_runs = Some(max_runs);
        assert_eq!(of_small(&wanted).is_ok(), fine);
    }
    // 100 variants × 100 000 seeds × 60 000 messages.
    let mut long = wanted(&["groups.billing.tuning.pullInterval=1..100"]);
    long.seeds = Some(limits::SEEDS);
    let refusal = read(&[("f", FILE)], &[], &long);
    check_refusal(
        refusal,
        &[
            "more than 100 000 000 000 messages in all",
            "about 7 days",
            "--max-runs 10000000",
        ],
    );
    long.max_runs = Some(10_000_000);
    assert!(read(&[("f", FILE)], &[], &long).is_ok());
    for (fields, fine) in [(limits::FACTORS, true), (limits::FACTORS + 1, false)] {
        let vary: Vec<String> = FIELDS[..fields]
            .iter()
            .map(|field| format!("groups.billing.tuning.{field}=1,2"))
            .collect();
        let vary: Vec<&str> = vary.iter().map(String::as_str).collect();
        assert_eq!(of_small(&wanted(&vary)).is_ok(), fine, "{fields}");
    }
}

const FIELDS: [&str; 9] = [
    "pullInterval",
    "pullBatchSize",
    "consumeMessageBatchMaxSize",
    "pullThresholdForQueue",
    "consumeConcurrentlyMaxSpan",
    "persistConsumerOffsetInterval",
    "rebalanceWaitInterval",
    "heartbeatBrokerInterval",
    "pollNameServerInterval",
];

/// With `--max-runs` a million variants may be asked for; then it is what they hold that is too much.
#[test]
fn no_flag_lifts_the_last_bound_on_variants() {
    let of = |n: u64| {
        let mut wanted = wanted(&[&format!("groups.billing.tuning.pullInterval=1..{n}")]);
        wanted.max_runs = Some(u64::MAX);
        read(
            &[("f", FILE)],
            &["groups.billing.consumers.count=100000"],
            &wanted,
        )
    };
    check_refusal(
        of(limits::VARIANTS_AT_ALL),
        &["the study is too large: 1 000 000 variants"],
    );
    check_refusal(of(limits::VARIANTS_AT_ALL + 1), &["whatever --max-runs says"]);
}

/// Two variants, two seeds, a quarter of the bound each.
#[test]
fn messages_of_a_study_are_bounded() {
    for (more, fine) in [(0, true), (1, false)] {
        let mut study = wanted(&["groups.billing.strategy=AVG,X_STICKY"]);
        study.seeds = Some(2);
        let overrides = Overrides {
            set: vec![
                "producers.shop.rate=1000M/s".to_owned(),
                format!("producers.shop.messages={}", limits::STUDY_MESSAGES / 4 + more),
            ],
            max_messages: Some(u64::MAX),
            max_events: Some(u64::MAX),
            ..Overrides::default()
        };
        let source = Source {
            name: "f".to_owned(),
            text: FILE.to_owned(),
        };
        let plan = Plan::read(vec![source], &overrides, &study).map_err(|problems| problems.to_string());
        match fine {
            true => assert_eq!(u128::from(limits::STUDY_MESSAGES), plan.unwrap().messages),
            false => check_refusal(plan, &["more than 100 000 000 000 messages in all"]),
        }
    }
}

/// Eight queues, two producers, a step of the timeline and the members, in twenty variants.
#[test]
fn parts_of_a_study_are_bounded() {
    let others = (99_981..100_000)
        .map(|count| count.to_string())
        .collect::<Vec<_>>();
    let last = limits::STUDY_PARTS - 20 * 11 - (99_981..100_000).sum::<u64>();
    for (count, fine) in [(last, true), (last + 1, false)] {
        let vary = format!("groups.billing.consumers.count={},{count}", others.join(","));
        let plan = read(&[("f", FILE)], &["producers.shop.count=2"], &wanted(&[&vary]));
        match fine {
            true => assert_eq!(plan.unwrap().variants.len(), 20),
            false => check_refusal(plan, &["the study is too large: 20 variants, one of which has "]),
        }
    }
}

#[test]
fn seeds_of_a_study_are_bounded() {
    let of = |seeds: u32| {
        let study = format!(
            "{{ \"vary\": {{ \"groups.billing.strategy\": [\"AVG\", \"X_STICKY\"] }}, \"seeds\": {seeds} }}"
        );
        let small = with_study(&study).replace("1000/s", "1/s");
        read(&[("f", &small)], &[], &Wanted::default())
    };
    assert!(of(limits::SEEDS).is_ok());
    check_refusal(of(limits::SEEDS + 1), &["100000"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is typed ends in a plan or in a message that points into what was typed.
    #[test]
    fn any_argument_is_read_or_refused(values in r#"[\[\]{}(),:"\\ 0-3.AVGé=-]{0,20}"#, path in r"[a-c.\[\]0-2]{0,8}") {
        for argument in [format!("groups.billing.strategy={values}"), format!("{path}={values}"), values.clone()] {
            match read(&[("f", FILE)], &[], &wanted(&[&argument])) {
                Ok(plan) => prop_assert!(plan.variants.len() > 1),
                Err(problems) => prop_assert!(problems.starts_with("error: "), "{}", problems),
            }
        }
    }

    /// The same of a study block: any JSON at any place of it.
    #[test]
    fn any_study_block_is_read_or_refused(
        value in r#"\[\]|\{\}|null|"1\.\.[0-3]"|[0-3]|\["AVG",[1-3]\]|\["AVG", "X_STICKY"\]|"2%""#,
        key in "vary|seeds|baseline|metrics|untilCi|other",
        path in r"groups\.billing\.strategy|duration|groups\.x\.y|a\.\.b|\\u0061\.b|",
    ) {
        let blocks = [
            format!(r#"{{ "{key}": {value} }}"#),
            format!(r#"{{ "vary": {{ "{path}": {value} }} }}"#),
            format!(r#"{{ "vary": {{ "{path}": ["AVG", "X_STICKY"] }}, "{key}": {value} }}"#),
            value.clone(),
        ];
        for block in blocks {
            match read(&[("f", &with_study(&block))], &[], &Wanted::default()) {
                Ok(plan) => prop_assert!(plan.variants.len() > 1),
                Err(problems) => prop_assert!(problems.starts_with("error: "), "{}", problems),
            }
        }
    }

    /// Every combination once, in order of its cells, with a label of its own.
    #[test]
    fn grids_are_complete_and_unique(sizes in prop::collection::vec(1_usize..5, 1..4)) {
        let paths = ["groups.billing.tuning.pullInterval", "groups.billing.consumers.threads", "cluster.nameServers"];
        prop_assume!(sizes.iter().product::<usize>() > 1);
        let vary: Vec<String> = sizes.iter().zip(paths).map(|(n, path)| format!("{path}=1..{n}")).collect();
        let plan = plan(&vary.iter().map(String::as_str).collect::<Vec<_>>());
        let cells: Vec<Vec<usize>> = plan.variants.iter().map(|variant| variant.cells.clone()).collect();
        prop_assert!(cells.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(cells.len(), sizes.iter().product::<usize>());
        prop_assert!(cells.iter().all(|cells| cells.iter().zip(&sizes).all(|(cell, size)| cell < size)));
        for variant in &plan.variants {
            let own: Vec<String> = variant.cells.iter().map(|cell| (cell + 1).to_string()).collect();
            prop_assert_eq!(&variant.label, &own.join(", "));
        }
    }
}
