//! The kinds of experiments: how each is told by what was recorded, rebuilt, and judged.

use crate::field::recording::Recording;
use crate::field::run::Run;
use crate::field::verdict::Verdict;
use crate::field::{
    account, broadcast, broker, duplicates, filters, listeners, locks, orderly, pause, pulls,
};
use crate::field::{rebalance, retry};
use rmqsim::cluster::config::ClusterConfig;

/// A kind of experiment.
pub struct Kind {
    /// What of `derived` tells it.
    tells: &'static str,
    /// What else of `derived` is read by its judge; a star stands for the rest of a name.
    reads: &'static [&'static str],
    /// The experiment as a configuration; the number is that of a repeat.
    pub build: fn(&Recording, usize) -> ClusterConfig,
    /// Compares; a run for each repeat, one if there are none.
    pub judge: fn(&Recording, &[Run<'_>], &mut Verdict),
}

type Build = fn(&Recording, usize) -> ClusterConfig;
type Judge = fn(&Recording, &[Run<'_>], &mut Verdict);

const fn kind(tells: &'static str, reads: &'static [&'static str], build: Build, judge: Judge) -> Kind {
    Kind {
        tells,
        reads,
        build,
        judge,
    }
}

const KINDS: &[Kind] = &[
    kind("steps", &[], rebalance::build_steps, rebalance::judge_steps),
    kind(
        "map_by_size",
        &["counts"],
        rebalance::build_growth,
        rebalance::judge_growth,
    ),
    kind("repeats.per_message", &["repeats"], retry::build, retry::judge),
    kind(
        "repeats.per_queue",
        &["repeats"],
        duplicates::build,
        duplicates::judge,
    ),
    kind(
        "hold_ms_of_NOT_FOUND(19)",
        &["latency_ms", "response_codes"],
        pulls::build_idle,
        pulls::judge_idle,
    ),
    kind(
        "max_cached_per_queue",
        &["pull_batch_histogram"],
        pulls::build_full,
        pulls::judge_full,
    ),
    kind(
        "t_stop",
        &[
            "t_cont",
            "map_before",
            "map_during",
            "map_after_cont",
            "takeover_first_ms_after_stop",
            "takeover_last_ms_after_stop",
            "sent",
            "sent_ok",
            "distinct_consumed",
            "duplicates",
        ],
        pause::build,
        pause::judge,
    ),
    kind(
        "t_kill",
        &[
            "t_restart",
            "sent",
            "send_failed",
            "last_ok_send_to_*",
            "first_ok_send_to_*",
            "first_delivery_from_*",
            "acked_but_never_consumed",
            "duplicates",
            "assign_events_after_kill",
        ],
        broker::build,
        broker::judge,
    ),
    kind(
        "fail_attempts",
        &["q0_deliveries_after_failure", "committed_end", "dlq_messages"],
        orderly::build,
        orderly::judge,
    ),
    kind(
        "moved_queues",
        &[
            "t_action",
            "first_delivery_on_new_owner_ms_after_action",
            "last_delivery_on_old_owner_ms_after_action",
            "map_before",
            "map_end",
            "sent",
            "distinct_consumed",
            "offset_regressions",
            "duplicates",
        ],
        locks::build,
        locks::judge,
    ),
    kind(
        "batch_size_by_reconsume_times",
        &[
            "deliveries_total",
            "deliveries_per_message",
            "dlq",
            "committed_end",
        ],
        listeners::build_batch,
        listeners::judge_batch,
    ),
    kind(
        "listener_returns",
        &["deliveries_total", "stuck_deliveries"],
        listeners::build_timeout,
        listeners::judge_timeout,
    ),
    kind(
        "stuck_done",
        &["delivered_distinct", "duplicates", "stuck_deliveries"],
        pulls::build_stuck,
        pulls::judge_stuck,
    ),
    kind(
        "local_offsets_file",
        &[
            "deliveries_total",
            "per_consumer_distinct",
            "after_restart_c1_received",
            "broker_consume_stats",
            "topics_with_group_name",
        ],
        broadcast::build,
        broadcast::judge,
    ),
    kind(
        "response_codes_T",
        &["delivered", "committed_end"],
        filters::build_sparse,
        filters::judge_sparse,
    ),
    kind(
        "tag/owner/result counts",
        &["map", "delivered_per_consumer", "committed_end"],
        filters::build_inconsistent,
        filters::judge_inconsistent,
    ),
];

/// What is derived for the reader: remarks, the experiment's clock, examples of what is counted elsewhere.
const REMARKS: &[&str] = &[
    "note",
    "codes",
    "t_sent",
    "dup_msgs",
    "dup_examples",
    "lost_examples",
];

/// The kind of a recording, by what it holds.
pub fn kind_of(recording: &Recording) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| match kind.tells.split_once('.') {
        Some((list, key)) => recording.derived(list)[0].get(key).is_some(),
        None => recording.has(kind.tells),
    })
}

/// What of `derived` nobody reads.
pub fn unread(recording: &Recording, kind: Option<&Kind>) -> Vec<String> {
    let reads = kind.map_or(account::READS, |kind| kind.reads);
    // `x_*` is all that begins so: what follows is the name of a broker.
    let fits = |key: &str, read: &str| match read.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None => key == read,
    };
    let tells = kind.map_or("", |kind| kind.tells);
    let is_read = |key: &str| key == tells || reads.iter().chain(REMARKS).any(|read| fits(key, read));
    let keys = recording.json["derived"].as_object().into_iter().flatten();
    keys.map(|(key, _)| key.clone())
        .filter(|key| !is_read(key))
        .collect()
}

/// Recordings that show a race which the model cannot meet, by what tells them, and why.
pub fn out_of_reach(recording: &Recording) -> Option<&'static str> {
    recording.has("heartbeat_skipped_ms_before_first_rejection").then_some(
        "a race inside one client, met in 1 of about 150 recorded starts: another thread still waits for its own heartbeat \
         when the first round wants to send one. It needs an answer that overtakes an older one on the same connection, and \
         connections keep their order here. What follows from a heartbeat that is left out (SUBSCRIPTION_NOT_LATEST once a \
         second until the next one) the model has: tests/behaviour/subscriptions.rs",
    )
}
