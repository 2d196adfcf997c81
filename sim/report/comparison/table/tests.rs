use super::{summary, summary_within};
use crate::report::comparison::expected::check;
use crate::report::comparison::fixture;
use crate::report::comparison::model::{Comparison, Luck, StoppingReport, WarmupReport, WarmupRule};
use crate::report::table::page::{BOLD, DIM, GREEN, RED, YELLOW};
use crate::report::table::words::columns;

fn all() -> Vec<Comparison> {
    vec![
        fixture::strategies(),
        fixture::consumers(),
        fixture::grid(),
        fixture::partial(),
        fixture::hostile(),
        fixture::odd(),
        fixture::many(200, false),
        fixture::many(1, true),
        Comparison::default(),
    ]
}

/// Few variants: blocks with everything.
#[test]
fn strategies_read_as_blocks() {
    let mut made = fixture::strategies();
    made.metrics[0].verdict = vec![
        "X_STICKY is best with 52.5 ms, before AVG with 61.4 ms".to_owned(),
        "no difference from AVG that 20 seeds can show: AVG_BY_CIRCLE (below 0.32 %, if any)".to_owned(),
    ];
    check("strategies.txt", &summary(&made, false));
    check("strategies-80.txt", &summary_within(&made, false, 80));
}

/// Many variants of one factor: a row a variant.
#[test]
fn consumers_read_as_a_table() {
    check("consumers.txt", &summary(&fixture::consumers(), false));
}

/// Two factors: a grid a metric.
#[test]
fn two_factors_read_as_grids() {
    check("grid.txt", &summary(&fixture::grid(), false));
}

#[test]
fn an_interrupted_study_says_so() {
    let text = summary(&fixture::partial(), false);
    check("partial.txt", &text);
    assert!(
        text.lines()
            .nth(1)
            .is_some_and(|line| line.contains("INTERRUPTED"))
    );
    // Last on the screen, too, if no warning says it.
    let mut made = fixture::partial();
    made.warnings.clear();
    let text = summary(&made, false);
    assert!(
        text.trim_end().ends_with("interrupted before all runs were done"),
        "{text}"
    );
}

#[test]
fn no_line_is_longer_than_it_may_be() {
    for made in all() {
        for width in [60, 80, 100, 140] {
            for line in summary_within(&made, true, width).lines() {
                assert!(
                    columns(line) <= width,
                    "{width}, {} columns: {line}",
                    columns(line)
                );
            }
        }
    }
}

#[test]
fn colours_are_paint_only() {
    for made in all() {
        let mut plain = summary(&made, true);
        for style in [BOLD, DIM, GREEN, RED, YELLOW, "\x1b[0m"] {
            plain = plain.replace(style, "");
        }
        assert_eq!(plain, summary(&made, false));
    }
    let painted = summary(&fixture::strategies(), true);
    assert!(painted.contains(&format!("{GREEN}▼ better")), "{painted}");
    assert!(painted.contains(&format!("{RED}▲ worse")), "{painted}");
}

/// The baseline is shown wherever it stands, and what is not shown is counted.
#[test]
fn long_tables_are_cut_and_counted() {
    let mut made = fixture::many(200, false);
    made.design.baseline = "variant-150".to_owned();
    let text = summary(&made, false);
    assert!(
        text.contains("\n  variant-150 ") && !text.contains("\n  variant-151 "),
        "{text}"
    );
    assert!(
        text.contains("… and 159 more variants, in comparison.json"),
        "{text}"
    );
}

/// A third factor has a grid for each of its values.
#[test]
fn further_factors_have_grids_of_their_own() {
    let mut made = fixture::grid();
    let mut factor = made.design.factors[0].clone();
    factor.path = "groups.billing.strategy".to_owned();
    factor.values.truncate(2);
    made.design.factors.push(factor);
    for (at, variant) in made.variants.iter_mut().enumerate() {
        // The upper half of the grid with the one, the lower half with the other.
        variant.cells.push(u64::from(at >= 8));
    }
    let text = summary(&made, false);
    assert!(text.contains("\n  strategy = 5\n"), "{text}");
    let second = text.find("\n  strategy = 10\n").expect("a second grid");
    let row = text[second..].lines().find(|line| line.starts_with("  20 "));
    assert!(row.is_some_and(|row| row.contains("20.67 ± 0.17 ▼")), "{text}");
}

#[test]
fn the_design_is_told() {
    let mut made = fixture::strategies();
    made.design.default_metrics = false;
    made.design.warmup = WarmupReport {
        rule: WarmupRule::Mser5,
        seconds: 90.0,
    };
    made.design.stopping = Some(StoppingReport {
        target: 0.02,
        reached: Some(0.018),
        met: true,
    });
    let text = summary(&made, false);
    for line in [
        "  warm-up     the first 1 m 30 s of each run left out, by MSER-5 over pilot runs",
        "  stopped     every half-width is at most 2 % of the baseline's mean; the widest is 1.8 % of it",
    ] {
        assert!(text.contains(line), "{text}");
    }
    // Of metrics that nobody named the first decides.
    made.design.default_metrics = true;
    let text = summary(&made, false);
    assert!(text.contains("every half-width of "), "{text}");
    made.design.luck = Luck::Independent;
    made.design.stopping = Some(StoppingReport {
        target: 0.02,
        reached: None,
        met: false,
    });
    let text = summary(&made, false);
    assert!(text.contains("4 variants × 20 seeds of their own"), "{text}");
    assert!(
        text.contains("a control") && text.contains("cannot be told"),
        "{text}"
    );
}

#[test]
fn kept_expectations_are_counted() {
    let mut made = fixture::strategies();
    made.variants[2].expect[0].held = 20;
    assert!(summary(&made, false).contains("\nexpected\n  ✓ 1 expectation held in every run\n"));
}

/// What a heading needs in one table, the next one does without; a number is not parted from what belongs to it.
#[test]
fn nothing_is_broken_apart() {
    let mut made = fixture::consumers();
    made.metrics[0].title =
        "a heading that needs more than all of the four lines that it may have".to_owned();
    for metric in &mut made.metrics[1..] {
        metric.title = "short".to_owned();
    }
    made.metrics[1].verdict = vec!["x".repeat(40) + " 16 is 350 % higher (± 12 %), and more so"];
    let text = summary_within(&made, false, 60);
    assert!(
        text.contains("lines that it …  short\n") && text.contains("\n\n           short"),
        "{text}"
    );
    assert!(!text.contains("\n\n\n"), "{text}");
    let narrow = text
        .lines()
        .find(|line| line.contains("(±"))
        .expect("the verdict");
    assert!(narrow.contains("(± 12 %)"), "{narrow}");
}
