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
    /// What its judge cannot do without, as [`Recording::lacks`] wants it.
    pub needs: &'static [&'static str],
    /// What cannot be rebuilt without, beside [`NEEDED_BY_ALL`].
    pub rebuilt_from: &'static [&'static str],
    /// What of the scenario is taken from what was seen, because the recording stores it nowhere else; for the page.
    pub taken: &'static str,
    /// The experiment as a configuration; the number is that of a repeat.
    pub build: fn(&Recording, usize) -> ClusterConfig,
    /// Compares; a run for each repeat, one if there are none.
    pub judge: fn(&Recording, &[Run<'_>], &mut Verdict),
}

/// What no experiment can be rebuilt without.
pub const NEEDED_BY_ALL: &[&str] = &["setup/topic", "setup/brokers", "setup/topic_queues_per_broker"];

const MADE: &str = "when each client was made (1 s before its first queues)";
const MADE_AND_LOADING: &str =
    "when each client was made (1 s before its first queues), and how long the last one loaded";

const KINDS: &[Kind] = &[
    Kind {
        tells: "steps",
        reads: &[],
        needs: &["derived/steps/*/step"],
        rebuilt_from: &["derived/steps/*/t_ms"],
        taken: "",
        build: rebalance::build_steps,
        judge: rebalance::judge_steps,
    },
    Kind {
        tells: "map_by_size",
        reads: &["counts"],
        needs: &[],
        rebuilt_from: &["seen/consumer_started", "timeline/send/n"],
        taken: "when each client was made (350 ms before its start was over)",
        build: rebalance::build_growth,
        judge: rebalance::judge_growth,
    },
    Kind {
        tells: "repeats.per_message",
        reads: &["repeats"],
        needs: &[
            "setup/messageDelayLevel",
            "derived/repeats/*/per_message/*/*/reconsume_times",
        ],
        rebuilt_from: &[
            "setup/messages",
            "setup/maxReconsumeTimes",
            "timeline/sent/repeat",
        ],
        taken: "when each client was made (1 s before its first queues), and that the messages were sent 200 ms apart",
        build: retry::build,
        judge: retry::judge,
    },
    Kind {
        tells: "repeats.per_queue",
        reads: &["repeats"],
        needs: &["setup/consume_threads", "derived/repeats/*/per_queue/*/dup"],
        rebuilt_from: &[
            "setup/backlog",
            "setup/consume_cost_ms",
            "setup/action_after_first_delivery_ms",
            "timeline/backlog_sent/repeat",
        ],
        taken: "when each client was made (1 s before its first queues), and how long the second loaded",
        build: duplicates::build,
        judge: duplicates::judge,
    },
    Kind {
        tells: "hold_ms_of_NOT_FOUND(19)",
        reads: &["latency_ms", "response_codes"],
        needs: &[],
        rebuilt_from: &["setup/messages", "timeline/idle_end", "seen/assignment"],
        taken: "when the client was made (1 s before its first queues), and the mean time between two messages (1.3 s)",
        build: pulls::build_idle,
        judge: pulls::judge_idle,
    },
    Kind {
        tells: "max_cached_per_queue",
        reads: &["pull_batch_histogram"],
        needs: &[],
        rebuilt_from: &["setup/consume_cost_ms", "setup/backlog", "seen/assignment"],
        taken: MADE,
        build: pulls::build_full,
        judge: pulls::judge_full,
    },
    Kind {
        tells: "t_stop",
        reads: &[
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
        needs: &["derived/map_before", "derived/duplicates"],
        rebuilt_from: &[
            "derived/t_cont",
            "derived/sent",
            "setup/producer_interval_ms",
            "setup/consume_cost_ms",
            "timeline/producer_start/t_ms",
            "timeline/SIGSTOP/consumer",
            "seen/consumer_started",
        ],
        taken: MADE_AND_LOADING,
        build: pause::build,
        judge: pause::judge,
    },
    Kind {
        tells: "t_kill",
        reads: &[
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
        needs: &[
            "derived/t_restart",
            "derived/send_failed",
            "derived/acked_but_never_consumed",
            "derived/duplicates",
            "setup/producer_interval_ms",
            "setup/topic_queues_per_broker",
        ],
        rebuilt_from: &[
            "timeline/producer_start/n",
            "observations/committed_end",
            "seen/consumer_started",
        ],
        taken: "when each client was made (1 s before its first queues), how long the last one loaded, and when the broker served \
            again (when the name server listed it)",
        build: broker::build,
        judge: broker::judge,
    },
    Kind {
        tells: "fail_attempts",
        reads: &["q0_deliveries_after_failure", "committed_end", "dlq_messages"],
        needs: &["derived/fail_attempts/*/reconsume_times"],
        rebuilt_from: &[
            "timeline/send/t_ms",
            "setup/messages_per_queue",
            "setup/maxReconsumeTimes",
            "observations/committed_end",
        ],
        taken: "when each client was made (1 s before its first queues), and that the messages were sent 20 ms apart",
        build: orderly::build,
        judge: orderly::judge,
    },
    Kind {
        tells: "moved_queues",
        reads: &[
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
        needs: &[
            "derived/t_action",
            "derived/offset_regressions",
            "derived/duplicates",
            "setup/producer_interval_ms",
            "setup/topic_queues_per_broker",
        ],
        rebuilt_from: &[
            "timeline/producer_start/n",
            "setup/consume_cost_ms",
            "seen/consumer_started",
        ],
        taken: MADE_AND_LOADING,
        build: locks::build,
        judge: locks::judge,
    },
    Kind {
        tells: "batch_size_by_reconsume_times",
        reads: &[
            "deliveries_total",
            "deliveries_per_message",
            "dlq",
            "committed_end",
        ],
        needs: &["derived/deliveries_total", "derived/committed_end"],
        rebuilt_from: &["setup/messages", "setup/config_overrides/consumeThreads"],
        taken: MADE,
        build: listeners::build_batch,
        judge: listeners::judge_batch,
    },
    Kind {
        tells: "listener_returns",
        reads: &["deliveries_total", "stuck_deliveries"],
        needs: &[
            "derived/deliveries_total",
            "derived/stuck_deliveries/*/reconsume_times",
            "seen/assignment",
        ],
        rebuilt_from: &[
            "setup/messages",
            "setup/block_ms",
            "setup/config_overrides/consumeTimeout_minutes",
            "timeline/sent/t_ms",
        ],
        taken: "when the client was made (1 s before its first queues), and when the first message was sent (when it was delivered)",
        build: listeners::build_timeout,
        judge: listeners::judge_timeout,
    },
    Kind {
        tells: "stuck_done",
        reads: &["delivered_distinct", "duplicates", "stuck_deliveries"],
        needs: &[
            "setup/block_ms",
            "derived/delivered_distinct",
            "derived/duplicates",
        ],
        rebuilt_from: &["setup/messages", "setup/consume_threads", "seen/assignment"],
        taken: MADE,
        build: pulls::build_stuck,
        judge: pulls::judge_stuck,
    },
    Kind {
        tells: "local_offsets_file",
        reads: &[
            "deliveries_total",
            "per_consumer_distinct",
            "after_restart_c1_received",
            "broker_consume_stats",
            "topics_with_group_name",
        ],
        needs: &["derived/deliveries_total"],
        rebuilt_from: &[
            "setup/messages",
            "timeline/sent/t_ms",
            "timeline/graceful_shutdown/consumer",
            "seen/consumer_started",
        ],
        taken: "when each client was made (when its start was over), when the first message was sent (when it was delivered), and when \
            and how many were sent while a member was away (what the other received)",
        build: broadcast::build,
        judge: broadcast::judge,
    },
    Kind {
        tells: "response_codes_T",
        reads: &["delivered", "committed_end"],
        needs: &[
            "derived/delivered",
            "derived/response_codes_T/0",
            "derived/response_codes_T/20",
            "setup/messages",
            "setup/topic_queues_per_broker",
            "timeline/producer_start/t_ms",
            "timeline/producer_end/t_ms",
        ],
        rebuilt_from: &[
            "setup/one_match_every",
            "setup/interval_ms",
            "setup/subscription",
            "seen/assignment",
        ],
        taken: MADE,
        build: filters::build_sparse,
        judge: filters::judge_sparse,
    },
    Kind {
        tells: "tag/owner/result counts",
        reads: &["map", "delivered_per_consumer", "committed_end"],
        needs: &[],
        rebuilt_from: &[
            "setup/messages",
            "setup/interval_ms",
            "setup/consumers",
            "timeline/producer_start/t_ms",
            "seen/assignment",
        ],
        taken: MADE,
        build: filters::build_inconsistent,
        judge: filters::judge_inconsistent,
    },
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
