//! The guard of a group: which of its keys go together.

use super::Resolver;
use crate::cluster::config::{Behavior, GuardConfig, GuardRule};
use crate::kernel::time::SimDuration;
use crate::scenario::locate::FieldPath;
use crate::scenario::schema::{GroupBlock, GuardBlock, Listener};

const MAX_QUEUEING: SimDuration = SimDuration::from_millis(500);
const WARM_UP: SimDuration = SimDuration::from_secs(10);
const COLD_FACTOR: u32 = 3;
const HOUR: SimDuration = SimDuration::from_secs(3600);

impl Resolver<'_> {
    /// The guard of the group at `path`, if it has one.
    pub(super) fn guard(&mut self, path: &FieldPath, block: &GroupBlock) -> Option<GuardConfig> {
        let guard = block.guard.as_ref()?;
        let path = path.key("guard");
        if matches!(block.listener, Listener::Orderly) {
            let problem = self.name_problem(&path, "a guard stands before concurrent listeners only");
            problem.label = "this group's listener is orderly".to_owned();
            problem
                .help
                .push("an orderly listener waits by itself: one call of each queue at a time".to_owned());
        }
        let rule = match (guard.qps, guard.concurrency) {
            (Some(qps), None) => self.rate_rule(&path, guard, qps),
            (None, Some(most)) => {
                for key in given(guard) {
                    let problem = self.problem(&path.key(key), format!("\"{key}\" belongs to \"qps\""));
                    problem.label = "without effect".to_owned();
                }
                GuardRule::Concurrency(most)
            }
            (Some(_), Some(_)) => {
                let problem = self.problem(
                    &path.key("concurrency"),
                    "a guard counts \"qps\" or \"concurrency\"",
                );
                problem.label = "one of them".to_owned();
                return None;
            }
            (None, None) => {
                let problem = self.name_problem(&path, "a guard needs \"qps\" or \"concurrency\"");
                problem.label = "nothing to guard by".to_owned();
                problem
                    .help
                    .push("for example \"guard\": { \"qps\": 100, \"behavior\": \"pace\" }".to_owned());
                return None;
            }
        };
        Some(GuardConfig {
            rule,
            blocked: guard.blocked,
        })
    }

    fn rate_rule(&mut self, path: &FieldPath, guard: &GuardBlock, qps: u32) -> GuardRule {
        let behavior = guard.behavior.unwrap_or_default();
        let paces = matches!(behavior, Behavior::Pace | Behavior::WarmUpPace);
        let warms_up = matches!(behavior, Behavior::WarmUp | Behavior::WarmUpPace);
        for key in given(guard) {
            let (fits, owners) = match key {
                "maxQueueing" => (paces, "\"pace\" and \"warmUpPace\""),
                "warmUp" | "coldFactor" => (warms_up, "\"warmUp\" and \"warmUpPace\""),
                _ => (true, ""),
            };
            if !fits {
                let problem = self.problem(
                    &path.key(key),
                    format!("\"{key}\" belongs to the behaviors {owners}"),
                );
                problem.label = "without effect".to_owned();
            }
        }
        let cold_factor = guard.cold_factor.unwrap_or(COLD_FACTOR);
        if warms_up && qps < cold_factor {
            let message = format!("`qps` ({qps}) is less than `coldFactor` ({cold_factor})");
            let problem = self.problem(&path.key("qps"), message);
            problem.label = "a cold guard would let nothing pass, for ever".to_owned();
        }
        let within = |least: SimDuration, value: SimDuration| (least..=HOUR).contains(&value);
        let second = SimDuration::from_secs(1);
        for (key, least, value) in [
            ("maxQueueing", SimDuration::ZERO, guard.max_queueing),
            ("warmUp", second, guard.warm_up),
        ] {
            if let Some(value) = value.filter(|value| !within(least, *value)) {
                let message = format!("`{key}` must be between {least} and {HOUR}, but is {value}");
                self.problem(&path.key(key), message).label = "out of range".to_owned();
            }
        }
        GuardRule::Rate {
            qps,
            behavior,
            max_queueing: guard.max_queueing.unwrap_or(MAX_QUEUEING),
            warm_up: guard.warm_up.unwrap_or(WARM_UP),
            cold_factor,
        }
    }
}

/// Keys that only some guards have.
fn given(guard: &GuardBlock) -> impl Iterator<Item = &'static str> {
    [
        ("behavior", guard.behavior.is_some()),
        ("maxQueueing", guard.max_queueing.is_some()),
        ("warmUp", guard.warm_up.is_some()),
        ("coldFactor", guard.cold_factor.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
}

/// Fills in the defaults of a guard.
pub fn spell(guard: &mut GuardBlock) {
    if guard.qps.is_none() {
        return;
    }
    let behavior = *guard.behavior.get_or_insert_default();
    if matches!(behavior, Behavior::Pace | Behavior::WarmUpPace) {
        guard.max_queueing.get_or_insert(MAX_QUEUEING);
    }
    if matches!(behavior, Behavior::WarmUp | Behavior::WarmUpPace) {
        guard.warm_up.get_or_insert(WARM_UP);
        guard.cold_factor.get_or_insert(COLD_FACTOR);
    }
}
