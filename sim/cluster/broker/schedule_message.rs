//! Delay levels: how long a message of level n waits before it is delivered.
//!
//! Every level is a queue of its own, so order holds within a level and none blocks another.
//!
//! Source: `ScheduleMessageService`, `HookUtils.handleScheduleMessage`.

use crate::kernel::time::{SimDuration, SimTime};

/// The topic in which messages wait; queue n − 1 holds level n.
pub const SCHEDULE_TOPIC: &str = "SCHEDULE_TOPIC_XXXX";
/// `DELAY_FOR_A_WHILE`: pause of a level's task between two looks at its queue.
pub const DELAY_FOR_A_WHILE: SimDuration = SimDuration::from_millis(100);
/// `FIRST_DELAY_TIME`: from the start of the broker to the first look.
pub const FIRST_DELAY_TIME: SimDuration = SimDuration::from_secs(1);
/// `DELAY_FOR_A_PERIOD`: pause after an unexpected failure.
pub const DELAY_FOR_A_PERIOD: SimDuration = SimDuration::from_secs(10);

/// The delays behind the levels; level 1 is the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DelayLevels {
    millis: Vec<i64>,
}

/// Why `messageDelayLevel` makes no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("delay level {level} is `{text}`: {reason}")]
pub struct DelayLevelError {
    /// Which level, from 1.
    pub level: u32,
    /// Its text.
    pub text: String,
    /// What is wrong with it.
    pub reason: DelayLevelReason,
}

/// What may be wrong with the text of a delay level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelayLevelReason {
    /// Nothing between two blanks.
    #[error("levels are separated by one blank")]
    Empty,
    /// No whole number before the unit.
    #[error("expected a whole number and a unit, for example 10s")]
    Number,
    /// Unknown unit.
    #[error("the unit must be s, m, h or d")]
    Unit,
}

impl DelayLevels {
    /// `parseDelayLevel`: reads `1s 5s 10s …`, units s, m, h, d.
    ///
    /// As lenient as the original: levels need not rise, may be zero or negative, and a product beyond 64 bits
    /// wraps round. Refused, unlike there: digits other than 0–9, and a text of blanks alone (a table without
    /// levels).
    ///
    /// # Errors
    /// Names the first level that cannot be read.
    pub fn parse(text: &str) -> Result<Self, DelayLevelError> {
        // Java's split drops empty texts at the end, but keeps a lone one.
        let text = if text.is_empty() {
            text
        } else {
            text.trim_end_matches(' ')
        };
        let words = text.split(' ').enumerate();
        let millis = words.map(|(position, word)| {
            millis_of(word).map_err(|reason| DelayLevelError {
                level: position as u32 + 1,
                text: word.to_owned(),
                reason,
            })
        });
        Ok(Self {
            millis: millis.collect::<Result<_, _>>()?,
        })
    }

    /// The number of levels.
    pub fn max_level(&self) -> u32 {
        self.millis.len() as u32
    }

    /// The delays of all levels in milliseconds, as written, from level 1 on.
    pub fn all_millis(&self) -> impl Iterator<Item = i64> {
        self.millis.iter().copied()
    }

    /// The delay of `level` in milliseconds, as written; `None` if there is no such level.
    pub fn delay_millis(&self, level: i32) -> Option<i64> {
        self.millis
            .get(usize::try_from(level).ok()?.checked_sub(1)?)
            .copied()
    }

    /// The delay of `level`: 1 s if there is no such level, zero if it is negative.
    pub fn delay(&self, level: i32) -> SimDuration {
        let millis = self.delay_millis(level).unwrap_or(1000);
        // A delay beyond the clock's 584 years is never over either way.
        SimDuration::from_nanos(millis.max(0).unsigned_abs().saturating_mul(1_000_000))
    }

    /// `computeDeliverTimestamp`: when a message of `level` that was stored at `stored` is due.
    pub fn deliver_at(&self, level: i32, stored: SimTime) -> SimTime {
        SimTime::from_nanos(stored.as_nanos().saturating_add(self.delay(level).as_nanos()))
    }

    /// The level under which a message that asks for `level` is stored: too high ones are cut to the highest.
    /// `None`: no delay, the message goes straight to its topic.
    pub fn effective(&self, level: i32) -> Option<i32> {
        (level > 0).then(|| level.min(self.max_level() as i32))
    }
}

fn millis_of(word: &str) -> Result<i64, DelayLevelReason> {
    let unit = word.chars().next_back().ok_or(DelayLevelReason::Empty)?;
    let number = &word[..word.len() - unit.len_utf8()];
    let number: i64 = number.parse().map_err(|_| DelayLevelReason::Number)?;
    let millis_per_unit: i64 = match unit {
        's' => 1000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(DelayLevelReason::Unit),
    };
    Ok(number.wrapping_mul(millis_per_unit))
}

/// `delayLevel2QueueId`.
pub const fn queue_id_of_level(level: i32) -> i32 {
    level - 1
}

/// `queueId2DelayLevel`.
pub const fn level_of_queue_id(queue_id: i32) -> i32 {
    queue_id + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::config::BrokerTuning;

    fn default_levels() -> DelayLevels {
        DelayLevels::parse(&BrokerTuning::default().message_delay_level).unwrap()
    }

    /// Levels 3 … 18 of the default table, one after another: 4 h 45 min 40 s.
    #[test]
    fn default_retries_take_nearly_five_hours() {
        let total: u64 = (3..=18)
            .map(|level| default_levels().delay(level).as_millis())
            .sum();
        assert_eq!(total, ((4 * 60 + 45) * 60 + 40) * 1000);
    }

    #[test]
    fn too_high_levels_are_cut_and_unknown_ones_wait_a_second() {
        let levels = default_levels();
        assert_eq!(levels.effective(19), Some(18));
        assert_eq!(levels.effective(0), None);
        assert_eq!(levels.delay(19), SimDuration::from_secs(1));
        assert_eq!(level_of_queue_id(queue_id_of_level(7)), 7);
    }

    #[test]
    fn error_names_the_level() {
        let error = DelayLevels::parse("1s 5s 10x").unwrap_err();
        assert_eq!((error.level, error.reason), (3, DelayLevelReason::Unit));
        assert_eq!(
            error.to_string(),
            "delay level 3 is `10x`: the unit must be s, m, h or d"
        );
        assert_eq!(
            DelayLevels::parse("").unwrap_err().reason,
            DelayLevelReason::Empty
        );
    }
}
