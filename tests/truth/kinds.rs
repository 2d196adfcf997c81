//! The kinds of files: what each is called, how its content looks, and what judges it.

use crate::harness::Tally;
use crate::{
    alloc, consume_result, defaults, delay, offset_store, process_queue, producer, pull_flow,
    pull_from_where, route, sort,
};
use serde_json::Value;

/// A kind of file.
pub struct Kind {
    /// File name without `.json`, or its first words.
    pub name: &'static str,
    /// Whether some content is of this kind.
    shape: fn(&Value) -> bool,
    /// Judges it; `Err` says why nobody can.
    pub judge: Result<fn(&Value, &mut Tally), &'static str>,
}

const KINDS: &[Kind] = &[
    kind(
        "alloc_edge",
        |f| first(f, "cases").is_some_and(|c| c.get("cur").is_some()),
        Ok(alloc::edge),
    ),
    kind("alloc", |f| f.get("cid_sets").is_some(), Ok(alloc::groups)),
    kind(
        "consistent_hash",
        |f| f.get("routers").is_some(),
        Err("consistent hashing is not built yet"),
    ),
    kind(
        "consume_result",
        |f| f.get("concurrently").is_some(),
        Ok(consume_result::judge),
    ),
    kind("defaults", |f| f.get("constants").is_some(), Ok(defaults::judge)),
    kind("delay", |f| f.get("level_tables").is_some(), Ok(delay::judge)),
    kind(
        "lock_manager",
        |f| has_op(f, "lock_batch"),
        Err("queue locks are not built yet"),
    ),
    kind("offset_store", |f| has_op(f, "update"), Ok(offset_store::judge)),
    kind(
        "process_queue",
        |f| f.get("state_fields").is_some(),
        Ok(process_queue::judge),
    ),
    kind(
        "producer",
        |f| f.get("round_robin").is_some(),
        Ok(producer::judge),
    ),
    kind(
        "pull_flow",
        |f| f.get("decisions").is_some(),
        Ok(pull_flow::judge),
    ),
    kind(
        "pull_from_where",
        |f| first(f, "cases").is_some_and(|c| c.get("stored").is_some()),
        Ok(pull_from_where::judge),
    ),
    kind(
        "route",
        |f| first(f, "cases").is_some_and(|c| c.get("queue_data").is_some()),
        Ok(route::judge),
    ),
    kind("sort", |f| f.get("pairs").is_some(), Ok(sort::judge)),
    kind(
        "tags",
        |f| f.get("message_tags").is_some(),
        Err("tag filters are not built yet"),
    ),
];

const fn kind(
    name: &'static str,
    shape: fn(&Value) -> bool,
    judge: Result<fn(&Value, &mut Tally), &'static str>,
) -> Kind {
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
