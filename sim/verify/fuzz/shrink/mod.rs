//! From a scenario that breaks a rule to a small one that breaks the same rule.
//!
//! Whatever can be taken out is taken out: entries of the timeline, groups, members, producers, topics, brokers, settings;
//! what must stay gets smaller or rounder. A change stays if the rule of the same id still breaks. Random streams have
//! names, so what is taken out does not change the luck of what stays. The same file gives the same result, after so many
//! tries at most.

mod edits;

use super::campaign::{PANIC, alike};
use super::generate::sift;
use super::trial::trial;
use crate::cluster::sabotage::Sabotage;
use crate::scenario::Scenario;
use crate::scenario::estimate;
use crate::verify::check::Broken;
use serde_json::Value;

/// Tries at most, unless somebody says otherwise: seconds for a small scenario.
pub const TRIES: u32 = 4_000;

/// A small scenario.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// Its file.
    pub file: Value,
    /// What it says.
    pub scenario: Scenario,
    /// What it breaks.
    pub broken: Broken,
    /// Scenarios tried on the way.
    pub tries: u32,
}

struct Shrinker {
    best: Shrunk,
    sabotage: Option<Sabotage>,
    most: u32,
}

/// Shrinks `file`, which breaks a rule with `sabotage`; `None` if it does not. After `most` tries it is as small as it has
/// become.
pub fn shrink(file: Value, sabotage: Option<Sabotage>, most: u32) -> Option<Shrunk> {
    let made = sift(file).ok()?;
    let broken = trial(&made.scenario.config, sabotage).err()?;
    let mut shrinker = Shrinker {
        best: Shrunk {
            file: made.file,
            scenario: made.scenario,
            broken,
            tries: 1,
        },
        sabotage,
        most,
    };
    while shrinker.pass() {}
    Some(shrinker.best)
}

impl Shrinker {
    /// Tries everything once; whether anything helped.
    fn pass(&mut self) -> bool {
        let before = self.best.file.clone();
        self.each(edits::without_entities);
        self.each(edits::without_parts);
        self.each(edits::smaller_values);
        self.best.file != before && self.best.tries < self.most
    }

    /// Tries the candidates that `edit` makes of the best file, in order; after one that helps it makes them anew and goes
    /// on from the same place.
    fn each(&mut self, edit: fn(&Value) -> Vec<Value>) {
        let mut at = 0;
        let mut candidates = edit(&self.best.file);
        while at < candidates.len() && self.best.tries < self.most {
            match self.helps(std::mem::take(&mut candidates[at])) {
                true => candidates = edit(&self.best.file),
                false => at += 1,
            }
        }
    }

    /// Whether a candidate breaks the same rule, and is not larger in disguise: less in a file may be more in the run, as
    /// without a limit of messages.
    fn helps(&mut self, candidate: Value) -> bool {
        let Ok(made) = sift(candidate) else {
            return false;
        };
        let load = |scenario: &Scenario| estimate::messages(&scenario.config);
        if made.file == self.best.file || load(&made.scenario) > load(&self.best.scenario) {
            return false;
        }
        self.best.tries += 1;
        match trial(&made.scenario.config, self.sabotage) {
            Err(broken) if is_same(&broken, &self.best.broken) => {
                self.best.file = made.file;
                self.best.scenario = made.scenario;
                self.best.broken = broken;
                true
            }
            _ => false,
        }
    }
}

/// Whether a failure is the one that is being shrunk. A panic names no rule: its words tell.
fn is_same(a: &Broken, b: &Broken) -> bool {
    match a.id.as_str() {
        PANIC => alike(a, b),
        id => id == b.id,
    }
}

impl Shrunk {
    /// Consumers of all groups, each life of one that is restarted.
    pub fn consumers(&self) -> usize {
        let groups = self.scenario.config.groups.iter();
        groups.map(|group| group.consumers.len()).sum()
    }

    /// Entries of the timeline.
    pub fn actions(&self) -> usize {
        self.scenario.file.timeline.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::fuzz::generate::generate;

    /// A fault that any delivery shows needs one member and no action.
    #[test]
    fn a_planted_fault_shrinks() {
        let sabotage = Some(Sabotage::LoseMessage(5));
        let (number, file) = (1..)
            .map(|number| (number, generate(number).expect("it is sound")))
            .find(|(_, made)| {
                made.file["timeline"].as_array().is_some_and(|all| all.len() > 4)
                    && trial(&made.scenario.config, sabotage).is_err()
            })
            .map(|(number, made)| (number, made.file))
            .expect("there are many");
        let small = shrink(file.clone(), sabotage, 1_000).expect("it breaks a rule");
        assert!(
            small.consumers() <= 2 && small.actions() <= 2,
            "{number}: {:#}",
            small.file
        );
        assert!(small.file.to_string().len() < file.to_string().len() / 4);
        let again = shrink(file, sabotage, 1_000).expect("it breaks a rule");
        assert_eq!((small.file, small.tries), (again.file, again.tries));
    }

    #[test]
    fn what_breaks_nothing_is_not_shrunk() {
        let made = generate(1).expect("it is sound");
        assert!(shrink(made.file, None, 10).is_none());
    }
}
