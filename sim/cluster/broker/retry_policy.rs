//! How long a failed message waits under a retry policy of its group (`groupRetryPolicy`, 5.x).
//!
//! Clients of the gRPC protocol go by these. Java push clients do not: their failures wait for delay levels
//! (`schedule_message`), of which the customised policy's default is a copy.
//!
//! Source: `CustomizedRetryPolicy`, `ExponentialRetryPolicy` of `common.subscription`.

/// A policy; all times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// `next[n + 2]` after n attempts, the last one for ever.
    Customized {
        /// Delays; the first two are for attempts that there never are.
        next: Vec<i64>,
    },
    /// The first delay, grown by a factor with each attempt, up to a limit.
    Exponential {
        /// The first delay.
        initial: i64,
        /// The longest.
        max: i64,
        /// By how much it grows.
        multiplier: i64,
    },
}

impl RetryPolicy {
    /// `nextDelayDuration`: the delay after so many attempts; fewer than none are none.
    pub fn next_delay_millis(&self, reconsume_times: i32) -> i64 {
        let attempts = reconsume_times.max(0);
        match self {
            Self::Customized { next } => {
                let at = (attempts as usize + 2).min(next.len().saturating_sub(1));
                next.get(at).copied().unwrap_or(0)
            }
            // Java counts to 32, takes the power as a floating-point number, and multiplies whole numbers that wrap
            // round: beyond 64 bits the delay is none that anybody wants.
            Self::Exponential {
                initial,
                max,
                multiplier,
            } => {
                let power = multiplier.saturating_pow(attempts.min(32).unsigned_abs()) as f64 as i64;
                initial.wrapping_mul(power).min(*max)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_their_limit() {
        let policy = RetryPolicy::Exponential {
            initial: 5_000,
            max: 7_200_000,
            multiplier: 2,
        };
        let delays = [-1, 0, 1, 10, 11, 40].map(|times| policy.next_delay_millis(times));
        assert_eq!(delays, [5_000, 5_000, 10_000, 5_120_000, 7_200_000, 7_200_000]);
        let listed = RetryPolicy::Customized {
            next: vec![100, 200, 300, 400],
        };
        assert_eq!(
            [0, 1, 2].map(|times| listed.next_delay_millis(times)),
            [300, 400, 400]
        );
    }
}
