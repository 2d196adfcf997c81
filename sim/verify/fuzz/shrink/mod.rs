//! From a scenario that breaks a rule to a small one that breaks the same rule.
//!
//! Whatever can be taken out is taken out: entries of the timeline, groups, members, producers, topics, brokers, settings;
//! what must stay gets smaller or rounder. A change stays if the rule of the same id still breaks. Random streams have
//! names, so what is taken out does not change the luck of what stays. The same file gives the same result after the same
//! number of tries.

mod edits;

use super::generate::sift;
use super::kind::alike;
use super::trial::trial;
use crate::cluster::sabotage::Sabotage;
use crate::scenario::Scenario;
use crate::scenario::estimate;
use crate::verify::check::{Broken, PANIC};
use serde_json::Value;

/// Tries at most: seconds for a small scenario.
const TRIES: u32 = 4_000;

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
    /// Whether no single change makes it smaller; else it was not given the tries.
    pub is_least: bool,
}

struct Shrinker<F> {
    best: Shrunk,
    sabotage: Option<Sabotage>,
    goes_on: F,
}

/// Shrinks `file`, which breaks a rule with `sabotage`; `None` if it does not. `goes_on` hears of the best so far before
/// each try and may end it.
pub fn shrink(
    file: Value,
    sabotage: Option<Sabotage>,
    goes_on: impl FnMut(&Shrunk) -> bool,
) -> Option<Shrunk> {
    let made = sift(file).ok()?;
    let broken = trial(&made.scenario.config, sabotage).err()?;
    let mut shrinker = Shrinker {
        best: Shrunk {
            file: made.file,
            scenario: made.scenario,
            broken,
            tries: 1,
            is_least: false,
        },
        sabotage,
        goes_on,
    };
    while shrinker.pass() {}
    Some(shrinker.best)
}

impl<F: FnMut(&Shrunk) -> bool> Shrinker<F> {
    /// Tries everything once; whether it may help to do so again.
    fn pass(&mut self) -> bool {
        let before = self.best.file.clone();
        let all = [
            edits::without_entities,
            edits::without_parts,
            edits::smaller_values,
        ];
        let is_whole = all.into_iter().all(|edit| self.each(edit));
        self.best.is_least = is_whole && self.best.file == before;
        is_whole && !self.best.is_least
    }

    /// Tries the candidates that `edit` makes of the best file, in order; after one that helps it makes them anew and goes
    /// on from the same place. Whether it came to the end.
    fn each(&mut self, edit: fn(&Value) -> Vec<Value>) -> bool {
        let mut at = 0;
        let mut candidates = edit(&self.best.file);
        while at < candidates.len() {
            if self.best.tries >= TRIES || !(self.goes_on)(&self.best) {
                return false;
            }
            match self.helps(std::mem::take(&mut candidates[at])) {
                true => candidates = edit(&self.best.file),
                false => at += 1,
            }
        }
        true
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
    /// Consumers of all groups. Who is restarted is still one.
    pub fn consumers(&self) -> usize {
        let groups = self.scenario.config.groups.iter();
        let lives = groups.flat_map(|group| &group.consumers);
        lives.filter(|consumer| consumer.life == 1).count()
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
        let small = shrink(file.clone(), sabotage, |_| true).expect("it breaks a rule");
        assert!(small.is_least);
        assert!(
            small.consumers() <= 2 && small.actions() <= 2,
            "{number}: {:#}",
            small.file
        );
        assert!(small.file.to_string().len() < file.to_string().len() / 4);
        let again = shrink(file.clone(), sabotage, |_| true).expect("it breaks a rule");
        assert_eq!((small.file, small.tries), (again.file, again.tries));
        // As far as it may go.
        let some = shrink(file, sabotage, |best| best.tries < 20).expect("it breaks a rule");
        assert_eq!((some.tries, some.is_least), (20, false));
    }

    #[test]
    fn what_breaks_nothing_is_not_shrunk() {
        let made = generate(1).expect("it is sound");
        assert!(shrink(made.file, None, |_| true).is_none());
    }
}
