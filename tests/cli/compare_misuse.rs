//! What is wrong with a study is told before the first run: where it stands, and the way out.

use crate::program::{compare, here, run};

/// Studies with something wrong in them.
const CASES: &[&[&str]] = &[
    &["quickstart"],
    &["quickstart", "--vary", "groups.billing.strategy"],
    &["quickstart", "--vary", "groups.billing.strategy="],
    &["quickstart", "--vary", "groups.billing.strategy=AVG"],
    &["quickstart", "--vary", "groups.billing.strategy=AVG,,X_STICKY"],
    // A path that does not exist.
    &["quickstart", "--vary", "groups.biling.strategy=AVG,X_STICKY"],
    &["quickstart", "--vary", "groups.billing.stratgy=AVG,X_STICKY"],
    &["quickstart", "--vary", "timeline[7].at=1m,2m"],
    // A value that does not fit.
    &[
        "quickstart",
        "--vary",
        "groups.billing.strategy=AVG,X_STICKI,X_STICKY",
    ],
    &["quickstart", "--vary", "groups.billing.consumers.count=0..2,four"],
    &["quickstart", "--vary", "producers.checkout.rate=100/s,200"],
    &[
        "quickstart",
        "--vary",
        "groups.billing.delivery=longPolling,{shortPolling:{interval:1s}}",
    ],
    &[
        "consumer-crash",
        "--vary",
        "timeline=[],[{\"at\":\"2m\",\"kil\":\"billing/2\"}]",
    ],
    &["quickstart", "--vary", "duration=1m..5m"],
    &["quickstart", "--vary", "duration=1m,2m,1m"],
    // Only together.
    &[
        "consumer-crash",
        "--vary",
        "groups.billing.consumers.count=1,2,4",
        "--vary",
        "groups.billing.strategy=AVG,X_STICKY",
    ],
    &["quickstart", "--vary", "seed=1,2", "--vary", "title=a,b"],
    &["quickstart", "--set", "duration=1m", "--vary", "duration=1m,2m"],
    &[
        "quickstart",
        "--vary",
        "duration=1m,2m",
        "--vary",
        "duration=3m,4m",
    ],
    // Too much.
    &[
        "quickstart",
        "--vary",
        "groups.billing.consumers.count=1..1000",
        "--vary",
        "groups.billing.consumers.threads=1..1000",
        "--vary",
        "groups.billing.tuning.pullInterval=1..1000",
    ],
    &[
        "quickstart",
        "--vary",
        "groups.billing.consumers.count=1..8",
        "--seeds",
        "5",
        "--max-runs",
        "39",
    ],
    &[
        "quickstart",
        "--vary",
        "groups.billing.consumers.count=1..8",
        "--baseline",
        "9",
    ],
    &["quickstart", "consumer-crash", "--baseline", "quikstart"],
    &["quickstart", "quickstart"],
    &["quickstart", "quikstart"],
    &[
        "quickstart",
        "--vary",
        "groups.billing.consumers.count=1..8",
        "--metric",
        "lag.maxx",
    ],
];

/// Exit code 2 and nothing on stdout. Places are in the arguments; problems of all variants come in one go, each once.
#[test]
fn each_wrong_study_gets_its_message() {
    let mut text = String::new();
    for args in CASES {
        let args = [&["compare"], *args].concat();
        let outcome = run(&here(), &args);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (2, ""),
            "{args:?}: {}",
            outcome.stderr
        );
        text += &format!("$ rmqsim {}\n{}\n", args.join(" "), outcome.stderr);
    }
    compare(&here().join("compare_misuse.expected"), &text).unwrap();
}

/// What is wrong with `--vary` is the same to `check`, which says it in the same words.
#[test]
fn check_finds_what_compare_finds() {
    let mut checked = 0;
    for args in CASES {
        let is_of_vary = |arg: &&str| !["--seeds", "--max-runs", "--baseline", "--metric"].contains(arg);
        if args.get(1).is_none_or(|arg| !arg.starts_with("--")) || !args.iter().all(is_of_vary) {
            continue;
        }
        let of = |command: &str| run(&here(), &[&[command], *args].concat());
        let (check, compare) = (of("check"), of("compare"));
        assert_eq!((check.code, check.stdout.as_str()), (2, ""), "{args:?}");
        assert_eq!(check.stderr, compare.stderr, "{args:?}");
        checked += 1;
    }
    assert!(checked > 15, "{checked}");
}
