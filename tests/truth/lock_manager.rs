//! Queue locks at the broker.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::broker::rebalance_lock_manager::RebalanceLockManager;
use rmqsim::kernel::time::{SimDuration, SimTime};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Sequence {
    ops: Vec<Op>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Op {
    LockBatch {
        group: String,
        client: String,
        queues: Vec<u32>,
        locked: Vec<u32>,
    },
    Lock {
        group: String,
        client: String,
        queue: u32,
        ret: bool,
    },
    UnlockBatch {
        group: String,
        client: String,
        queues: Vec<u32>,
    },
    AllExpired {
        group: String,
        ret: bool,
    },
    Advance {
        ms: u64,
    },
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "sequences", sequence);
}

fn sequence(sequence: Sequence) -> Outcome {
    let mut locks = RebalanceLockManager::new();
    let mut now = SimTime::ZERO;
    for (position, op) in sequence.ops.into_iter().enumerate() {
        let at = format!("ops[{position}]");
        match op {
            Op::LockBatch {
                group,
                client,
                queues,
                locked,
            } => {
                let mut granted = queues;
                granted.retain(|&queue| locks.try_lock(now, group.clone(), queue, client.clone()));
                granted.sort_unstable();
                granted.dedup();
                same(&at, locked, granted)?;
            }
            Op::Lock {
                group,
                client,
                queue,
                ret,
            } => same(&at, ret, locks.try_lock(now, group, queue, client))?,
            Op::UnlockBatch {
                group,
                client,
                queues,
            } => queues
                .iter()
                .for_each(|queue| locks.unlock(&group, queue, &client)),
            Op::AllExpired { group, ret } => same(&at, ret, locks.is_lock_all_expired(now, &group))?,
            Op::Advance { ms } => now += SimDuration::from_millis(ms),
        }
    }
    Ok(())
}
