//! The rolling deploy under every strategy, one row for each: `reports/rolling-deploy-strategy/strategies.md`.
//!
//! `cargo test --test gallery -- --nocapture strategies` prints the table. A new column is a line in [`COLUMNS`], a new
//! strategy one in [`STRATEGIES`].
//!
//! Two need more than a name, see [`settings`]: `CONFIG` its lists, `MACHINE_ROOM` the room in the names of the brokers.

use rmqsim::report::model::{GroupReport, RebalanceReport, Report, SkewReport};
use rmqsim::scenario::{Overrides, Scenario};

/// The scenario that runs.
pub const SCENARIO: &str = "rolling-deploy-strategy";
/// Its table, in the same folder as its report.
pub const FILE: &str = "strategies.md";

const GROUP: &str = "billing";

/// RocketMQ's own first.
const STRATEGIES: [&str; 13] = [
    "AVG",
    "AVG_BY_CIRCLE",
    "CONSISTENT_HASH",
    "MACHINE_ROOM",
    "MACHINE_ROOM_NEARBY-AVG",
    "CONFIG",
    "X_STICKY",
    "X_BOUNDED_CONSISTENT_HASH",
    "X_WEIGHTED",
    "X_ROTATED_AVG",
    "X_KAFKA_RANGE",
    "X_KAFKA_ROUND_ROBIN",
    "X_KAFKA_STICKY",
];

type Cell = fn(&GroupReport, &RebalanceReport) -> String;

/// Head and content of each column behind the strategy.
const COLUMNS: [(&str, Cell); 11] = [
    ("moves", |_, rebalance| rebalance.moves.to_string()),
    ("least", |_, rebalance| rebalance.moves_least.to_string()),
    ("no owner", |_, rebalance| {
        format!("{:.1} s", rebalance.unowned_seconds)
    }),
    ("longest", |_, rebalance| {
        format!("{:.1} s", rebalance.unowned_max_seconds)
    }),
    ("two owners", |_, rebalance| {
        format!("{:.1} s", rebalance.overlap_seconds)
    }),
    ("duplicates", |group, _| group.duplicates.total.to_string()),
    ("ratio", |group, _| {
        format!("{:.2} %", 100.0 * group.duplicates.ratio)
    }),
    ("max/mean", |group, _| {
        format!("{:.2}", over_windows(group, |skew| skew.max_over_mean))
    }),
    ("Gini", |group, _| {
        format!("{:.2}", over_windows(group, |skew| skew.gini))
    }),
    ("idle", |group, _| group.skew.idle_consumers.to_string()),
    ("rounds", |_, rebalance| rebalance.rounds_with_change.to_string()),
];

const HEAD: &str = "# A rolling deploy under every strategy

Ten members restart one by one on 16 queues ([the scenario](../../scenarios/rolling-deploy-strategy.json)); every row
meets the same messages. One row: `rmqsim run rolling-deploy-strategy --set groups.billing.strategy=X_STICKY`.
";

const FOOT: &str = "\
*moves*: queues that went from one member to another. *least*: the fewest moves to even shares, as the sum
of what each change of members added to the distance from them; it says little where shares are never even.
*no owner*, *two owners*: queue-time; *longest*: the longest that one queue waited. *max/mean*, *Gini*: of the messages
of those members that lived through a window of 50 s, mean over the windows. *idle*: members without a queue at the end.
*rounds*: those that changed something.

A return costs more waiting than an end: the others let go of a queue as soon as the newcomer is known, and the newcomer
takes it in its first round, 1 s after its start. So *no owner* counts the queues that newcomers were given. The
duplicates follow the moves: each move throws away what the old owner was working on. Blocks and circles are cut anew at
every change and move queues between members that stayed, within one room if rooms come first; the ring moves only
what the change concerns, and pays in skew, of which a bound buys some back for moves; memory has neither price. Lists
(`CONFIG`, written for all ten) move nothing but to the next life of the same member: nobody steps in, and each queue
waits for its owner's return. `MACHINE_ROOM` deals what is left over behind the blocks; where blocks are of one queue, as
here, that is dealing in turn. On one topic, `X_WEIGHTED` with equal weights and `X_KAFKA_RANGE` are `AVG`, and `X_KAFKA_ROUND_ROBIN` is `AVG_BY_CIRCLE`;
`X_ROTATED_AVG` differs from `AVG` in who has one queue more.
";

/// The whole file.
pub fn file() -> String {
    format!("{HEAD}\n{}\n{FOOT}", table(&runs()))
}

/// What `--set` needs for a strategy.
fn settings(strategy: &str) -> Vec<String> {
    let with = |settings: &str| vec![format!("groups.{GROUP}.strategy={settings}")];
    match strategy {
        "MACHINE_ROOM" => {
            let mut set = with(r#"{ "MACHINE_ROOM": { "rooms": ["hz", "sh"] } }"#);
            set.push(r#"cluster.brokers=["hz@broker-a", "sh@broker-b"]"#.to_owned());
            set.push("cluster.machineRooms={}".to_owned());
            set
        }
        "CONFIG" => with(&format!(r#"{{ "CONFIG": {{ {} }} }}"#, lists())),
        word => with(word),
    }
}

/// One or two queues of 16 for each of ten members, and the retry queues for the first.
fn lists() -> String {
    let queue = |at: usize| format!(r#""orders broker-{}:{}""#, ["a", "b"][at / 8], at % 8);
    let list = |member: usize| {
        let mut queues = vec![queue(member)];
        queues.extend((member < 6).then(|| queue(10 + member)));
        if member == 0 {
            queues.extend(["a", "b"].map(|broker| format!(r#""%RETRY%{GROUP} broker-{broker}:0""#)));
        }
        format!(r#""{GROUP}-{}": [{}]"#, member + 1, queues.join(", "))
    };
    (0..10).map(list).collect::<Vec<_>>().join(", ")
}

/// Runs the scenario under each strategy.
fn runs() -> Vec<(&'static str, Report)> {
    let run = |strategy| {
        let set = settings(strategy);
        let scenario = Scenario::load(
            SCENARIO,
            &Overrides {
                set,
                ..Overrides::default()
            },
        );
        let scenario = scenario.unwrap_or_else(|problems| panic!("{strategy}: {problems}"));
        (strategy, rmqsim::simulate(SCENARIO, &scenario, |_, _| {}))
    };
    STRATEGIES.into_iter().map(run).collect()
}

fn table(runs: &[(&str, Report)]) -> String {
    let heads = COLUMNS.iter().map(|(head, _)| (*head).to_owned());
    let mut rows = vec![std::iter::once("strategy".to_owned()).chain(heads).collect()];
    for (strategy, report) in runs {
        let (group, rebalance) = (&report.groups[GROUP], &report.rebalance[GROUP]);
        let cells = COLUMNS.iter().map(|(_, cell)| cell(group, rebalance));
        rows.push(std::iter::once(format!("`{strategy}`")).chain(cells).collect());
    }
    markdown(&rows)
}

/// Mean of one measure over the windows in which anything was consumed.
fn over_windows(group: &GroupReport, measure: fn(&SkewReport) -> f64) -> f64 {
    let windows = group.skew.windows.iter();
    let values: Vec<f64> = windows
        .filter_map(|w| w.consumer_messages.as_ref().map(measure))
        .collect();
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// An aligned table; the first row is its head, the first column stands left, all others right.
fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    // Two at least: one dash and the colon.
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(2)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| match at {
                0 => format!(" {cell:<width$} |"),
                _ => format!(" {cell:>width$} |"),
            });
        format!("|{}\n", cells.collect::<String>())
    };
    let rule = widths.iter().enumerate().map(|(at, width)| match at {
        0 => format!(" {} |", "-".repeat(*width)),
        _ => format!(" {}: |", "-".repeat(width - 1)),
    });
    let rule = format!("|{}\n", rule.collect::<String>());
    let lines: Vec<String> = rows.iter().map(line).collect();
    lines[..1].concat() + &rule + &lines[1..].concat()
}

/// One row for each strategy, all over the same messages; memory moves the least, and less than blocks.
#[test]
fn strategies_meet_the_same_messages() {
    let runs = runs();
    println!("{}", table(&runs));
    let of = |name: &str| &runs.iter().find(|(strategy, _)| *strategy == name).unwrap().1;
    for (strategy, report) in &runs {
        assert_eq!(
            report.run.workload_digest,
            of("AVG").run.workload_digest,
            "{strategy}"
        );
        assert_eq!(report.groups[GROUP].lost, 0, "{strategy}");
        assert!(report.balance[GROUP].balanced, "{strategy}");
    }
    for sticky in ["X_STICKY", "X_KAFKA_STICKY"] {
        let rebalance = &of(sticky).rebalance[GROUP];
        assert_eq!(rebalance.moves, rebalance.moves_least, "{sticky}");
        assert!(rebalance.moves < of("AVG").rebalance[GROUP].moves, "{sticky}");
    }
    // Each queue to the next life of its owner, 20 s and a first round later.
    let listed = &of("CONFIG").rebalance[GROUP];
    assert_eq!((listed.moves, listed.moves_least), (16, 16));
    assert!((21.0..21.1).contains(&listed.unowned_max_seconds), "{listed:?}");
    for (one, other) in [
        ("X_WEIGHTED", "AVG"),
        ("X_KAFKA_RANGE", "AVG"),
        ("X_KAFKA_ROUND_ROBIN", "AVG_BY_CIRCLE"),
    ] {
        assert_eq!(
            of(one).rebalance,
            of(other).rebalance,
            "{one} is {other} on one topic"
        );
    }
}

#[test]
fn strategies_stand_in_an_aligned_table() {
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let rows = [row(["name", "x", "Σ"]), row(["`AVG`", "110", "1"])];
    let expected = "| name  |   x |  Σ |\n| ----- | --: | -: |\n| `AVG` | 110 |  1 |\n";
    assert_eq!(markdown(&rows), expected);
}
