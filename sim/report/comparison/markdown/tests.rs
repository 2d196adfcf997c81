use super::page;
use crate::report::comparison::expected::check;
use crate::report::comparison::fixture;
use crate::report::comparison::model::Comparison;

fn charts() -> Vec<(String, String)> {
    vec![(
        "Lag of [billing] over time".to_owned(),
        "lag-billing.svg".to_owned(),
    )]
}

#[test]
fn strategies_read_as_a_page() {
    let mut made = fixture::strategies();
    made.metrics[0].verdict = vec!["X_STICKY is best with 52.5 ms, before AVG with 61.4 ms".to_owned()];
    check("strategies.md", &page(&made, &charts()));
}

#[test]
fn two_factors_read_as_a_page() {
    check("grid.md", &page(&fixture::grid(), &[]));
}

#[test]
fn an_interrupted_study_says_so() {
    let text = page(&fixture::partial(), &[]);
    assert!(
        text.contains("\n> **Interrupted** before all runs were done"),
        "{text}"
    );
    assert!(text.contains("7 of 80 runs"), "{text}");
}

/// Cells of a row of a table; an escaped bar is none.
fn cells(line: &str) -> usize {
    line.replace("\\|", "").matches('|').count()
}

/// Whatever names there are: every row has the cells of its head, and nothing is mark-up but what the page means.
#[test]
fn names_cannot_break_the_page() {
    for made in [
        fixture::hostile(),
        fixture::odd(),
        fixture::many(200, false),
        Comparison::default(),
    ] {
        let text = page(&made, &charts());
        let mut head = None;
        let mut in_code = false;
        for line in text.lines() {
            in_code ^= line.starts_with("```");
            if in_code {
                continue;
            }
            if line.starts_with('|') {
                assert_eq!(cells(line), *head.get_or_insert(cells(line)), "{line}");
            } else {
                head = None;
            }
            let meant = ["<details>", "</details>", "<summary>", "</summary>", "<br>"];
            let bare = meant
                .iter()
                .fold(line.to_owned(), |line, tag| line.replace(tag, ""));
            let outside_code: String = bare.split('`').step_by(2).collect();
            assert!(!outside_code.contains('<') || line.contains("`` "), "{line}");
        }
        assert!(!text.contains('\u{2009}') && text.ends_with('\n') && !text.ends_with("\n\n"));
    }
}

/// Many rows are folded, very many are counted.
#[test]
fn long_tables_are_folded() {
    let text = page(&fixture::many(400, false), &[]);
    assert!(
        text.contains("<details><summary>400 variants</summary>"),
        "{text}"
    );
    assert!(text.contains("… and 100 more, in `comparison.json`."), "{text}");
    assert!(
        text.contains("The first 300 of 798; all are in `comparison.json`."),
        "{text}"
    );
}

/// Nobody reads a grid of fifty rows.
#[test]
fn long_grids_are_cut_and_counted() {
    let mut made = fixture::grid();
    let values = &mut made.design.factors[0].values;
    values.extend((0..46).map(|value| format!("more-{value}")));
    let text = page(&made, &[]);
    let told = "The first 40 of 50 rows and 4 of 4 columns; all are in `comparison.json`.";
    assert_eq!(text.matches(told).count(), 3, "{text}");
    assert!(
        text.contains("| more-35 | –") && !text.contains("| more-36 |"),
        "{text}"
    );
}
