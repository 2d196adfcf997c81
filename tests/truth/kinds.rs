//! The kinds of files: what each is called, how its content looks, and what judges it.

use crate::harness::Tally;
use crate::{
    alloc, consistent_hash, consume_result, defaults, delay, lock_manager, offset_store, process_queue,
    producer, pull_flow, pull_from_where, route, sort, sql92, tags,
};
use serde_json::Value;

/// A kind of file.
pub struct Kind {
    /// File name without `.json`, or its first words.
    pub name: &'static str,
    /// Whether some content is of this kind.
    shape: fn(&Value) -> bool,
    /// Judges it.
    pub judge: fn(&Value, &mut Tally),
}

const KINDS: &[Kind] = &[
    kind(
        "alloc_edge",
        |f| first(f, "cases").is_some_and(|c| c.get("cur").is_some()),
        alloc::edge,
    ),
    kind("alloc", |f| f.get("cid_sets").is_some(), alloc::groups),
    kind(
        "consistent_hash",
        |f| f.get("routers").is_some(),
        consistent_hash::judge,
    ),
    kind(
        "consume_result",
        |f| f.get("concurrently").is_some(),
        consume_result::judge,
    ),
    kind("defaults", |f| f.get("constants").is_some(), defaults::judge),
    kind("delay", |f| f.get("level_tables").is_some(), delay::judge),
    kind("lock_manager", |f| has_op(f, "lock_batch"), lock_manager::judge),
    kind("offset_store", |f| has_op(f, "update"), offset_store::judge),
    kind(
        "process_queue",
        |f| f.get("state_fields").is_some(),
        process_queue::judge,
    ),
    kind("producer", |f| f.get("round_robin").is_some(), producer::judge),
    kind("pull_flow", |f| f.get("decisions").is_some(), pull_flow::judge),
    kind(
        "pull_from_where",
        |f| first(f, "cases").is_some_and(|c| c.get("stored").is_some()),
        pull_from_where::judge,
    ),
    kind(
        "route",
        |f| first(f, "cases").is_some_and(|c| c.get("queue_data").is_some()),
        route::judge,
    ),
    kind("sort", |f| f.get("pairs").is_some(), sort::judge),
    kind("sql92", |f| f.get("property_sets").is_some(), sql92::judge),
    kind("tags", |f| f.get("message_tags").is_some(), tags::judge),
];

const fn kind(name: &'static str, shape: fn(&Value) -> bool, judge: fn(&Value, &mut Tally)) -> Kind {
    Kind { name, shape, judge }
}

/// The kind of a file called `stem`.json with this content: by its shape, or else by the longest name that fits.
pub fn kind_of(stem: &str, file: &Value) -> Option<&'static Kind> {
    let by_name = || {
        KINDS
            .iter()
            .filter(|kind| stem.starts_with(kind.name))
            .max_by_key(|kind| kind.name.len())
    };
    KINDS.iter().find(|kind| (kind.shape)(file)).or_else(by_name)
}

fn first<'f>(file: &'f Value, list: &str) -> Option<&'f Value> {
    file.get(list)?.get(0)
}

fn has_op(file: &Value, op: &str) -> bool {
    let sequences = file
        .get("sequences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut ops = sequences
        .filter_map(|sequence| sequence.get("ops").and_then(Value::as_array))
        .flatten();
    file.get("state_fields").is_none() && ops.any(|step| step.get("op").is_some_and(|name| name == op))
}
