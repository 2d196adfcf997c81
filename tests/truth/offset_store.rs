//! The consume offset in a client's memory.

use crate::harness::{Tally, same};
use rmqsim::cluster::consumer::offset_store::MemoryOffset;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Sequence {
    ops: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    op: String,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    increase_only: bool,
    read_memory: i64,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "sequences", |sequence: Sequence| {
        let mut memory = MemoryOffset::default();
        for (position, step) in sequence.ops.iter().enumerate() {
            match step.op.as_str() {
                "update" => memory.update(step.offset, step.increase_only),
                "freeze" => memory.update_and_freeze(step.offset),
                "remove" => memory.remove(),
                "nop" => {}
                other => same(format!("ops[{position}]"), "a known step", other)?,
            }
            let found = memory.read().map_or(-1, |offset| offset as i64);
            same(format!("ops[{position}] {}", step.op), step.read_memory, found)?;
        }
        Ok(())
    });
}
