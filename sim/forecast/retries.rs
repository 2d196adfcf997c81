//! What fails and comes again: how many messages of a flow wait on delay levels.

use crate::cluster::broker::schedule_message::DelayLevels;
use crate::cluster::config::{
    Blocked, ClusterConfig, GroupConfig, GuardConfig, GuardRule, ListenerKind, MessageModel,
};

/// `maxReconsumeTimes` of −1.
const MOST_ATTEMPTS: i32 = 16;
/// Level of the first retry; each attempt waits one level longer.
const FIRST_LEVEL: i32 = 3;

/// One failure of a message, in the order of its attempts.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    /// Share of all messages that come to this failure.
    share: f64,
    /// From the first attempt to this failure, seconds; listeners are quick beside it.
    after: f64,
    /// How long it waits then, seconds.
    delay: f64,
}

/// The way of a group's messages through their failures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retries {
    steps: Vec<Step>,
    dead: f64,
    dead_after: f64,
}

/// A count of messages that rises over time, as a line through points.
#[derive(Clone, Debug, Default)]
pub struct Rise(Vec<(f64, f64)>);

impl Rise {
    /// `count` by `now`, seconds; later than all before.
    pub fn reach(&mut self, now: f64, count: f64) {
        self.0.push((now, count));
    }

    /// The count by `now`.
    pub fn by(&self, now: f64) -> f64 {
        let after = self.0.partition_point(|(at, _)| *at <= now);
        match (after.checked_sub(1).map(|i| self.0[i]), self.0.get(after)) {
            (None, _) => 0.0,
            (Some((_, count)), None) => count,
            (Some((from, low)), Some((to, high))) => low + (high - low) * (now - from) / (to - from),
        }
    }
}

impl Retries {
    /// Those of `group`, to which `fastest` messages a second come when most do: by chance, as poison, on first attempts, or
    /// because a guard blocks them; rules for single messages are not foreseen.
    pub fn of(config: &ClusterConfig, group: &GroupConfig, fastest: f64) -> Self {
        let sends_back =
            group.listener == ListenerKind::Concurrently && group.message_model == MessageModel::Clustering;
        let Ok(levels) = DelayLevels::parse(&config.broker_tuning.message_delay_level) else {
            return Self::default();
        };
        if !sends_back || group.consumers.is_empty() {
            return Self::default();
        }
        let members = group.consumers.len() as f64;
        let mean = |of: fn(&crate::cluster::config::FailureConfig) -> f64| {
            let all = group.consumers.iter().map(|consumer| of(&consumer.failure));
            all.sum::<f64>() / members
        };
        let (by_chance, poison) = (
            mean(|failure| failure.probability),
            mean(|failure| failure.poison),
        );
        let by_chance = by_chance.max(blocked(group, fastest));
        let first = mean(|failure| failure.fail_first_attempts.into());
        let most = match group.tuning.max_reconsume_times {
            -1 => MOST_ATTEMPTS,
            most => most,
        };
        let asked = group.tuning.delay_level_when_next_consume;
        let (mut retries, mut healthy, mut after) = (Self::default(), 1.0, 0.0);
        for attempt in 0..=most {
            if f64::from(attempt) >= first {
                healthy *= by_chance;
            }
            let share = poison + (1.0 - poison) * healthy;
            if share < 1e-9 {
                return retries;
            }
            if attempt == most || asked < 0 {
                (retries.dead, retries.dead_after) = (share, after);
                return retries;
            }
            let level = if asked > 0 { asked } else { FIRST_LEVEL + attempt };
            let delay = levels
                .effective(level)
                .map_or(0.0, |level| levels.delay(level).as_secs_f64());
            retries.steps.push(Step { share, after, delay });
            after += delay;
        }
        retries
    }

    /// Whether nothing fails.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Messages that wait for their next attempt at `now`, of those whose first attempts rose as `begun`.
    pub fn waiting(&self, begun: &Rise, now: f64) -> f64 {
        let waiting = self
            .steps
            .iter()
            .map(|step| step.share * (begun.by(now - step.after) - begun.by(now - step.after - step.delay)));
        waiting.sum()
    }

    /// Attempts that came after the first, by `now`.
    pub fn again(&self, begun: &Rise, now: f64) -> f64 {
        let again = self
            .steps
            .iter()
            .map(|step| step.share * begun.by(now - step.after - step.delay));
        again.sum()
    }

    /// Dead letters by `now`.
    pub fn dead(&self, begun: &Rise, now: f64) -> f64 {
        self.dead * begun.by(now - self.dead_after)
    }

    /// From the first attempt to the last that some of so many messages come to, seconds.
    pub fn longest(&self, messages: f64) -> f64 {
        let reached = self.steps.iter().filter(|step| step.share * messages >= 1.0);
        reached.map(|step| step.after + step.delay).fold(0.0, f64::max)
    }
}

/// Share of `fastest` messages a second that a guard sends back.
fn blocked(group: &GroupConfig, fastest: f64) -> f64 {
    match group.guard {
        Some(GuardConfig {
            rule: GuardRule::Rate { qps, .. },
            blocked: Blocked::Later,
        }) => {
            let batch = f64::from(group.tuning.consume_message_batch_max_size);
            let passes = f64::from(qps) * batch * group.consumers.len() as f64;
            (1.0 - passes / fastest.max(1e-9)).max(0.0)
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 messages a second; half of them fail once and wait for 4 s, a quarter twice and wait for 8 s more.
    fn example() -> (Retries, Rise) {
        let step = |share, after, delay| Step { share, after, delay };
        let retries = Retries {
            steps: vec![step(0.5, 0.0, 4.0), step(0.25, 4.0, 8.0)],
            dead: 0.125,
            dead_after: 12.0,
        };
        let mut begun = Rise::default();
        begun.reach(0.0, 0.0);
        begun.reach(100.0, 1000.0);
        (retries, begun)
    }

    /// In balance: 5 a second for 4 s and 2.5 a second for 8 s.
    #[test]
    fn what_waits_is_share_times_rate_times_delay() {
        let (retries, begun) = example();
        assert_eq!(retries.waiting(&begun, 2.0), 10.0);
        assert_eq!(retries.waiting(&begun, 50.0), 20.0 + 20.0);
        assert_eq!(retries.again(&begun, 52.0), 0.5 * 480.0 + 0.25 * 400.0);
        assert_eq!(retries.dead(&begun, 52.0), 50.0);
    }

    /// Of two messages one fails once, and none twice.
    #[test]
    fn a_few_messages_do_not_come_far() {
        let (retries, _) = example();
        assert_eq!([retries.longest(2.0), retries.longest(4.0)], [4.0, 12.0]);
    }
}
