//! The index of the gallery, `reports/README.md`: a picture book of consumption, and one page for each scenario.
//!
//! What stands where, and which picture stands for a scenario, is chosen here and nowhere else; titles and lessons are
//! those of the scenarios themselves.

use rmqsim::report::charts::Chart;
use rmqsim::scenario::shipped;
use std::collections::{BTreeMap, BTreeSet};

/// A name, and the file of its most telling picture.
type Entry = (&'static str, &'static str);

/// The subjects in order, each with what belongs to it.
const SECTIONS: [(&str, &str, &[Entry]); 8] = [
    (
        "Allocation and rebalance",
        "Who gets which queue, and what it costs when that changes.",
        &[
            ("quickstart", "ownership-billing.svg"),
            ("more-consumers-than-queues", "consumed-billing.svg"),
            ("avg-remainder-skew", "work-billing.svg"),
            ("rolling-deploy-strategy", "ownership-billing.svg"),
            ("flapping-rebalance-storm", "rebalance-billing.svg"),
            ("scale-out-duplicates", "ownership-billing.svg"),
            ("machine-room-fallback", "ownership-billing.svg"),
            ("duplicate-client-id", "lag-billing.svg"),
            ("queue-count-change", "ownership-shipping.svg"),
        ],
    ),
    (
        "Delivery and offsets",
        "How messages come to a consumer, and what the committed offset says of it.",
        &[
            ("push-pull-longpoll", "latency-long-polling.svg"),
            ("clustering-vs-broadcasting", "consumed-billing.svg"),
            ("broadcast-gap", "consumed-cache.svg"),
            ("new-group-start", "lag-old-last.svg"),
            ("tag-filter-lag", "lag-fraud.svg"),
            ("subscription-mismatch", "consumed-audit.svg"),
            ("stuck-message-pins-offset", "offsets-billing.svg"),
            ("shutdown-without-drain", "rebalance-billing.svg"),
            ("idempotent-consumer", "rebalance-none.svg"),
        ],
    ),
    (
        "Retries and dead letters",
        "What becomes of a message that fails.",
        &[
            ("retry-to-dlq-timetable", "retries-billing.svg"),
            ("batch-partial-failure", "throughput-billing.svg"),
            ("consume-timeout", "retries-billing.svg"),
            ("dlq-lifecycle", "retries-time-billing.svg"),
            ("dlq-lifecycle-exact", "retries-time-billing.svg"),
        ],
    ),
    (
        "Order",
        "What order costs, and what breaks it.",
        &[
            ("global-vs-sharded-order", "consumed-one-queue.svg"),
            ("hot-queue", "lag-billing.svg"),
            ("orderly-lock-handover", "ownership-ordered.svg"),
            ("orderly-poison", "lag-endless.svg"),
        ],
    ),
    (
        "Flow control",
        "Who slows whom down, and where.",
        &[
            ("cache-thresholds", "flow-control-by-default.svg"),
            ("sentinel-pacing", "throughput-reject.svg"),
        ],
    ),
    (
        "Faults",
        "Kills, pauses, partitions, and a broker that forgets.",
        &[
            ("consumer-crash", "ownership-billing.svg"),
            ("dead-consumer-detection", "ownership-vanished.svg"),
            ("gc-pause", "ownership-billing.svg"),
            ("network-partition-two-views", "ownership-billing.svg"),
            ("broker-crash-offset-rollback", "lag-billing.svg"),
        ],
    ),
    (
        "Operations",
        "A backlog, and what helps.",
        &[
            ("backlog-drain", "throughput-billing.svg"),
            ("backlog-remedies", "lag-more-consumers.svg"),
        ],
    ),
    (
        "Studies",
        "What `rmqsim compare` finds between variants.",
        &[
            (
                "commit-interval-and-duplicates",
                "heat-groups-billing-duplicates-total.svg",
            ),
            (
                "consumers-on-eight-queues",
                "response-groups-billing-skew-consumer_busy-max_over_mean.svg",
            ),
            ("long-polling-or-intervals", "intervals.svg"),
            ("retry-limit", "response-groups-billing-dead.svg"),
            ("rolling-deploy", "intervals.svg"),
            ("threads-and-service", "heat-groups-billing-utilisation.svg"),
            (
                "throughput-plateau",
                "response-groups-billing-succeeded_per_second.svg",
            ),
        ],
    ),
];

/// The title of the section that holds studies, whose folders and commands are others.
const STUDIES: &str = "Studies";

/// What the index needs to know of a scenario or a study.
pub struct Told {
    pub title: String,
    pub teaches: String,
    /// Further files beside its page: what they are, and their names.
    pub more: Vec<(&'static str, String)>,
}

/// The text of `reports/README.md`, given all scenarios and studies and all files of the gallery.
pub fn page(told: &BTreeMap<String, Told>, files: &BTreeMap<String, String>) -> String {
    let mut out = HEAD.to_owned();
    let links = SECTIONS.map(|(title, ..)| format!("[{title}](#{})", anchor(title)));
    out.push_str(&format!("\n{}\n", links.join(" · ")));
    for (section, about, entries) in SECTIONS {
        out.push_str(&format!("\n## {section}\n\n{about}\n\n<table>\n"));
        for &(name, picture) in entries {
            let told = told
                .get(name)
                .unwrap_or_else(|| panic!("{name} stands in tests/gallery/index.rs and is not shipped"));
            let is_study = section == STUDIES;
            let (folder, verb) = match is_study {
                true => (format!("studies/{name}"), "compare"),
                false => (name.to_owned(), "run"),
            };
            let picture = format!("{folder}/{picture}");
            assert!(
                files.contains_key(&picture),
                "no picture {picture}: choose another in tests/gallery/index.rs"
            );
            let page = if is_study { "comparison.md" } else { "README.md" };
            let more = told
                .more
                .iter()
                .map(|(what, file)| format!(" · <a href=\"{folder}/{file}\">{what}</a>"));
            out.push_str(&format!(
                "<tr>\n<td><a href=\"{folder}/{page}\"><img src=\"{picture}\" width=\"260\" alt=\"{}\"></a></td>\n\
                 <td><b><a href=\"{folder}/{page}\">{}</a></b><br>\n{}<br>\n\
                 <code>rmqsim {verb} {name}</code> · <a href=\"../scenarios/{}{name}.json\">file</a>{}</td>\n</tr>\n",
                escaped(&told.title),
                escaped(&told.title),
                escaped(first_sentence(&told.teaches)),
                if is_study { "studies/" } else { "" },
                more.collect::<String>(),
            ));
        }
        out.push_str("</table>\n");
    }
    out
}

const HEAD: &str = "# Gallery

A picture book of consumption: one idea each, seen in the chart that shows it best. Behind each picture lie the others, the
summary and `report.json`. `cargo test --test gallery` regenerates every byte of it; `DIGESTS` holds the BLAKE3 of each
`report.json` and `comparison.json`.
";

/// The page of one scenario: what it teaches, and all of its charts.
pub fn page_of(name: &str, told: &Told, tries: &[String], charts: &[Chart]) -> String {
    let mut out = format!("# {}\n\n{}\n\n", told.title, told.teaches);
    out.push_str(&format!(
        "`rmqsim run {name}` · [scenario](../../scenarios/{name}.json) · [summary](summary.txt)"
    ));
    for (what, file) in &told.more {
        if file != "summary.txt" {
            out.push_str(&format!(" · [{what}]({file})"));
        }
    }
    out.push_str(" · [all scenarios](../README.md)\n");
    if !tries.is_empty() {
        out.push_str("\nTry:\n\n");
        tries.iter().for_each(|what| out.push_str(&format!("- {what}\n")));
    }
    for chart in charts {
        out.push_str(&format!("\n![{}]({})\n", chart.title, chart.file_name));
    }
    out
}

/// A text up to the end of its first sentence.
fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(['.', '?', '!']).map(|(at, _)| at + 1);
    // A point within a number or a name is followed by no blank.
    let mut ends = ends.filter(|&end| text[end..].is_empty() || text[end..].starts_with(' '));
    ends.next().map_or(text, |end| &text[..end])
}

/// As GitHub makes it of a title.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// Whatever is shipped has its place in the book, and one only.
#[test]
fn every_scenario_and_study_has_its_place() {
    let placed: Vec<&str> = SECTIONS
        .iter()
        .flat_map(|(_, _, entries)| entries.iter().map(|(name, _)| *name))
        .collect();
    let once: BTreeSet<&str> = placed.iter().copied().collect();
    assert_eq!(placed.len(), once.len(), "something stands twice");
    let shipped: BTreeSet<&str> = shipped::names().chain(shipped::studies()).collect();
    let missing: Vec<_> = shipped.difference(&once).collect();
    assert!(
        missing.is_empty(),
        "choose a section and a picture in tests/gallery/index.rs for {missing:?}"
    );
    let gone: Vec<_> = once.difference(&shipped).collect();
    assert!(gone.is_empty(), "no longer shipped: {gone:?}");
}

#[test]
fn a_sentence_ends_where_a_reader_stops() {
    assert_eq!(
        first_sentence("At 2.5 ms it waits. Then not."),
        "At 2.5 ms it waits."
    );
    assert_eq!(first_sentence("Push or pull? Both."), "Push or pull?");
    assert_eq!(first_sentence("no end"), "no end");
}
