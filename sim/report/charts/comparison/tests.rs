//! What holds for every chart of a comparison: equal bytes, no broken number, all within the sheet, no text on
//! another, whatever the names and numbers.

use proptest::prelude::*;

use super::draw_all;
use crate::kernel::math::pow;
use crate::report::charts::Chart;
use crate::report::charts::proof::{legible, sound, words};
use crate::report::charts::style;
use crate::report::comparison::fixture;
use crate::report::comparison::model::{Comparison, Estimator, LagBand};

/// Draws, and checks what must hold for any chart; returns the charts.
#[track_caller]
fn check(comparison: &Comparison) -> Vec<Chart> {
    let charts = draw_all(comparison);
    assert_eq!(charts, draw_all(comparison), "the same comparison twice");
    let mut names: Vec<String> = charts
        .iter()
        .map(|chart| chart.file_name.to_ascii_lowercase())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), charts.len(), "{names:?}");
    for chart in &charts {
        sound(chart);
        legible(chart);
        let has_time = chart.kind == "lag" && chart.svg.contains("virtual time");
        assert_eq!(!chart.panels.is_empty(), has_time, "{}", chart.file_name);
    }
    charts
}

#[track_caller]
fn chart(charts: &[Chart], start: &str) -> Chart {
    let found = charts.iter().find(|chart| chart.file_name.starts_with(start));
    found.unwrap_or_else(|| panic!("no chart {start}")).clone()
}

fn count(charts: &[Chart], start: &str) -> usize {
    charts
        .iter()
        .filter(|chart| chart.file_name.starts_with(start))
        .count()
}

/// The bytes of the charts are a promise: whoever changes them looks at the pictures and renews the digest.
#[test]
fn the_made_comparisons_have_the_bytes_that_they_always_had() {
    let mut hasher = blake3::Hasher::new();
    for made in [fixture::strategies(), fixture::consumers(), fixture::grid()] {
        for chart in check(&made) {
            hasher.update(chart.svg.as_bytes());
        }
    }
    assert_eq!(
        &hasher.finalize().to_hex()[..16],
        "b851451cadc1e36f",
        "the charts look different now"
    );
}

#[test]
fn titles_say_what_is_seen() {
    let titles =
        |made: Comparison| -> Vec<String> { check(&made).into_iter().map(|chart| chart.title).collect() };
    assert_eq!(
        titles(fixture::strategies()),
        [
            "Estimates by groups.billing.strategy — A rolling deploy",
            "Lag of billing over time — max 552 (X_STICKY) to 2452 (CONSISTENT_HASH)",
            "Busy time by consumer of billing — max ÷ mean 1.00 (AVG) to 1.61 (CONSISTENT_HASH)",
        ]
    );
    assert_eq!(
        titles(fixture::consumers())[2..5],
        [
            "Lag of billing over time — max 20 (count 8) to 210\u{2009}020 (count 1)",
            "Busy time by consumer of billing — max ÷ mean 1.00 (count 1) to 2.00 (count 16)",
            "Skew of busy time (billing) by groups.billing.consumers.count",
        ]
    );
}

/// The line below the title is never cut, not even the longest.
#[test]
fn notes_have_room() {
    for mut made in [fixture::partial(), fixture::consumers(), fixture::grid()] {
        made.metrics
            .iter_mut()
            .for_each(|metric| metric.estimator = Estimator::MergedQuantile);
        for chart in check(&made) {
            let note = &words(&chart.svg).0[1].text;
            assert!(!note.contains('…'), "{}: {note}", chart.file_name);
        }
    }
}

/// Words have no response; a number has one for each metric; of two numbers one is the axis, and there is a map.
#[test]
fn what_is_drawn_depends_on_what_was_varied() {
    for (made, responses, maps) in [
        (fixture::strategies(), 0, 0),
        (fixture::consumers(), 4, 0),
        (fixture::grid(), 3, 3),
    ] {
        let charts = check(&made);
        assert_eq!(
            (count(&charts, "response-"), count(&charts, "heat-")),
            (responses, maps)
        );
    }
}

/// Of three variants that differ from the baseline two do beyond doubt; the words say which way that is.
#[test]
fn differences_are_told_in_words() {
    let svg = chart(&check(&fixture::strategies()), "intervals").svg;
    for said in [
        "−14.4 % ± 0.2 %",
        "unclear",
        "better",
        "worse",
        "the same in every run",
        "lower is better",
    ] {
        assert!(svg.contains(said), "{said}");
    }
    let mut made = fixture::strategies();
    made.metrics.truncate(1);
    made.metrics[0].better = None;
    let svg = chart(&check(&made), "intervals").svg;
    assert!(
        !svg.contains("better<") && !svg.contains("worse"),
        "taste has no better"
    );
}

/// A difference with spread has a bar, one without (queue moves, what is the same in every run) has none.
#[test]
fn a_difference_has_a_bar_for_its_interval() {
    let colour = style::hue(1).mixed(style::PAPER, 55).light_hex();
    let bars = |made: &Comparison| {
        chart(&check(made), "intervals")
            .svg
            .matches(&format!("fill=\"{colour}\" "))
            .count()
    };
    let mut made = fixture::strategies();
    assert_eq!(bars(&made), 5, "of seven metrics");
    made.metrics[0].differences[0].half_width = None;
    assert_eq!(bars(&made), 4);
}

/// Eight of sixteen consumers have no queue: eight hollow marks, told in words.
#[test]
fn who_has_no_work_is_called_idle() {
    let charts = check(&fixture::consumers());
    let svg = chart(&charts, "consumers-billing").svg;
    assert!(
        svg.contains("8 of 16 idle") && svg.contains("1 of 9 idle"),
        "{svg}"
    );
    assert!(!svg.contains("of 8 idle"), "{svg}");
}

#[test]
fn an_interrupted_study_says_so_in_every_chart() {
    let charts = check(&fixture::partial());
    assert!(charts.len() > 2);
    for chart in &charts {
        assert!(
            chart.svg.contains("Interrupted: this is what 7 of 80 runs show."),
            "{}",
            chart.file_name
        );
    }
    let charts = check(&fixture::strategies());
    assert!(charts.iter().all(|chart| !chart.svg.contains("Interrupted")));
}

/// 200 variants: the sheet stays a sheet and says what it leaves out; the baseline is never left out.
#[test]
fn crowds_are_thinned_out_and_say_so() {
    for numeric in [false, true] {
        for baseline in [0, 77, 199] {
            let mut made = fixture::many(200, numeric);
            made.design.baseline = made.variants[baseline].label.clone();
            let charts = check(&made);
            let said = |start: &str, text: &str| chart(&charts, start).svg.contains(text);
            assert!(said("intervals", "24 of 200 variants") && said("intervals", ">\nbaseline\n"));
            assert!(said("lag", "grey: range of the 192 other means"));
            assert!(said("consumers", "16 of 200 variants") && said("consumers", "(baseline)"));
        }
    }
}

/// Lines that are there already tell nothing: of sixteen counts, those from 8 on have one lag.
#[test]
fn lines_of_lag_are_those_that_differ() {
    let svg = chart(&check(&fixture::consumers()), "lag-billing").svg;
    for (shown, count) in [
        (true, 1),
        (true, 2),
        (true, 3),
        (true, 4),
        (false, 5),
        (true, 8),
        (false, 9),
        (false, 16),
    ] {
        assert_eq!(svg.contains(&format!(">\ncount {count}\n")), shown, "{count}");
    }
}

#[test]
fn one_variant_and_none_are_charts_too() {
    let mut made = fixture::many(1, true);
    assert_eq!(count(&check(&made), "response-"), 0, "one point is no response");
    made.variants.clear();
    made.metrics.clear();
    made.lag.clear();
    made.consumers.clear();
    assert_eq!(check(&made), []);
    assert_eq!(check(&Comparison::default()), []);
}

#[test]
fn hostile_names_and_odd_numbers_are_borne() {
    check(&fixture::hostile());
    let charts = check(&fixture::odd());
    let svg = charts.iter().map(|chart| chart.svg.as_str()).collect::<String>();
    for said in ["not measured in any run", "too few runs", "270 ± 90 PiB"] {
        assert!(svg.contains(said), "{said}");
    }
}

/// 30 × 30 cells: the map is thinned out and says so, and the baseline is never left out.
#[test]
fn large_maps_are_thinned_out_and_say_so() {
    for baseline in [0, 434, 899] {
        let mut made = fixture::map(30, 30);
        made.design.baseline = made.variants[baseline].label.clone();
        let svg = chart(&check(&made), "heat-rebalance").svg;
        assert!(svg.contains("24 × 20 of 30 × 30 cells"));
        for (name, value) in [("rows", baseline / 30), ("columns", baseline % 30)] {
            let shown = svg.contains(&format!("{name}-{value}\n")) || svg.contains(&format!("-{value}\n"));
            assert!(shown, "{name} of the baseline");
        }
    }
    let svg = chart(&check(&fixture::map(3, 4)), "heat-rebalance").svg;
    assert!(!svg.contains(" cells;"), "what is whole says nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Any names, any sizes of numbers, any baseline: everything has its place.
    #[test]
    fn names_and_numbers_of_any_size_have_their_places(
        names in proptest::collection::vec(".{0,50}", 1..30),
        baseline in 0_usize..30,
        size in -12_i32..15,
        shift in -2.0..2.0_f64,
    ) {
        let mut made = fixture::many(names.len() as u64, false);
        let name = |label: &mut String| {
            let at: usize = label.trim_start_matches("variant-").parse().expect("a number");
            *label = format!("{}{at}", names[at]);
        };
        made.variants.iter_mut().for_each(|variant| name(&mut variant.label));
        made.lag.values_mut().flatten().for_each(|band| name(&mut band.variant));
        made.consumers.values_mut().flatten().for_each(|shares| name(&mut shares.variant));
        made.design.baseline = made.variants[baseline % names.len()].label.clone();
        made.design.factors[0].values = made.variants.iter().map(|variant| variant.label.clone()).collect();
        let factor = pow(10.0, f64::from(size));
        for metric in &mut made.metrics {
            for estimate in &mut metric.estimates {
                estimate.mean = estimate.mean.map(|mean| (mean + shift) * factor);
                estimate.half_width = estimate.half_width.map(|half| half * factor);
            }
            for difference in &mut metric.differences {
                difference.mean = difference.mean.map(|mean| mean * factor);
                difference.half_width = difference.half_width.map(|half| half * factor);
            }
        }
        check(&made);
    }
}

/// Whatever a comparison was made of, it is no reason to break.
#[test]
fn broken_numbers_and_lists_of_other_lengths_are_borne() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1.0, 0.0] {
        for mut made in [fixture::strategies(), fixture::consumers(), fixture::grid()] {
            let metric = &mut made.metrics[0];
            metric.estimates[1].mean = Some(odd);
            metric.estimates[2].half_width = Some(odd);
            metric.differences[0].relative = Some(odd);
            metric.differences[1].relative_half_width = Some(odd);
            for band in made.lag.values_mut().flatten() {
                band.mean[3] = odd;
                band.high[4] = odd;
                band.time_seconds[5] = odd;
            }
            for shares in made.consumers.values_mut().flatten() {
                shares.busy_seconds[0] = odd;
                shares.busy_half_width[0] = Some(odd);
            }
            draw_and_look(&made);
        }
    }
    let mut made = fixture::strategies();
    made.metrics[0].estimates.truncate(2);
    made.metrics[1].differences.clear();
    made.design.baseline = "nobody".to_owned();
    for bands in made.lag.values_mut() {
        bands[0].mean.truncate(2);
        bands[1].high.clear();
        bands.push(LagBand {
            variant: "unknown".to_owned(),
            ..LagBand::default()
        });
    }
    for shares in made.consumers.values_mut().flatten() {
        shares.names.truncate(1);
        shares.busy_half_width.clear();
    }
    draw_and_look(&made);
}

/// As [`check`], but texts of nonsense may be as long as they like.
#[track_caller]
fn draw_and_look(comparison: &Comparison) {
    for chart in draw_all(comparison) {
        let broken = chart
            .svg
            .split(['"', ' ', ','])
            .any(|word| ["NaN", "inf", "-inf"].contains(&word));
        assert!(!broken, "{} has a broken number", chart.file_name);
    }
}
