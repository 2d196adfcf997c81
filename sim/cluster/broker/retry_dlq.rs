//! What the broker makes of a failed message: another try, a dead letter, or nothing.
//!
//! Retries wait in `SCHEDULE_TOPIC_XXXX` and then come as new records of `%RETRY%group`, a topic of the group, not
//! of the topic where they failed. Whoever takes a message for the last time leaves it in `%DLQ%group`.
//!
//! Source: `AbstractSendMessageProcessor.consumerSendMsgBack`, `SendMessageProcessor.handleRetryAndDLQ`, `MixAll`.

/// Prefix of retry topics.
pub const RETRY_TOPIC_PREFIX: &str = "%RETRY%";
/// Prefix of dead-letter topics.
pub const DLQ_TOPIC_PREFIX: &str = "%DLQ%";
/// `DLQ_NUMS_PER_GROUP`: queues of a dead-letter topic on each broker.
pub const DLQ_NUMS_PER_GROUP: u32 = 1;

/// `%RETRY%group`.
pub fn retry_topic(group: &str) -> String {
    format!("{RETRY_TOPIC_PREFIX}{group}")
}

/// `%DLQ%group`.
pub fn dlq_topic(group: &str) -> String {
    format!("{DLQ_TOPIC_PREFIX}{group}")
}

/// Whether `topic` is a retry topic.
pub fn is_retry_topic(topic: &str) -> bool {
    topic.starts_with(RETRY_TOPIC_PREFIX)
}

/// Where a failed message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendBackDecision {
    /// Nowhere: the group has no retry queues. The client is told that all is well.
    Drop,
    /// To `%DLQ%group`, without delay.
    DeadLetter,
    /// To `%RETRY%group`, through this delay level; not yet cut to the highest level there is, and 0 = no delay.
    Retry {
        /// The delay level.
        level: i32,
    },
}

/// CONSUMER_SEND_MSG_BACK: a client could not consume a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendBack {
    /// `reconsumeTimes` of the stored message; the copy has one more.
    pub reconsume_times: i32,
    /// `delayLevel` of the request: 0 = the broker chooses, negative = dead at once.
    pub delay_level: i32,
    /// `maxReconsumeTimes` of the request. Java push clients always send it (−1 as 16).
    pub max_reconsume_times: Option<i32>,
    /// The group's `retryMaxTimes`, for clients that send none.
    pub group_retry_max_times: i32,
    /// The group's `retryQueueNums`.
    pub group_retry_queue_nums: i32,
}

impl SendBack {
    /// Where it goes. The broker's own choice of level is 3 + attempts so far.
    pub fn decide(&self) -> SendBackDecision {
        if self.group_retry_queue_nums <= 0 {
            return SendBackDecision::Drop;
        }
        let max = self.max_reconsume_times.unwrap_or(self.group_retry_max_times);
        if self.reconsume_times >= max || self.delay_level < 0 {
            return SendBackDecision::DeadLetter;
        }
        let level = match self.delay_level {
            0 => self.reconsume_times.wrapping_add(3),
            asked => asked,
        };
        SendBackDecision::Retry { level }
    }
}

/// A normal send to `%RETRY%group`: orderly clients past their limit, and the fall-back of a failed send-back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryTopicSend {
    /// `reconsumeTimes` of the request: attempts including the one that just failed.
    pub reconsume_times: i32,
    /// `maxReconsumeTimes` of the request.
    pub max_reconsume_times: Option<i32>,
    /// The group's `retryMaxTimes`, for clients that send none.
    pub group_retry_max_times: i32,
    /// Delay level that the client chose; 0 = none.
    pub delay_level: i32,
    /// Whether any queue of the group is locked and the lock has not expired: such a group is orderly, and what it
    /// gives up is dead. Always false before 5.1.4.
    pub group_has_lock: bool,
    /// Whether a message is dead when it reaches the limit (4.9) or only beyond it (5.0 and later).
    pub dead_at_limit: bool,
}

impl RetryTopicSend {
    /// Where it goes.
    pub fn decide(&self) -> SendBackDecision {
        let max = self.max_reconsume_times.unwrap_or(self.group_retry_max_times);
        let over = self.reconsume_times > max || self.dead_at_limit && self.reconsume_times == max;
        if over || self.group_has_lock {
            SendBackDecision::DeadLetter
        } else {
            SendBackDecision::Retry {
                level: self.delay_level,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Failures 1 … 16 wait levels 3 … 18, the 17th is the last.
    #[test]
    fn seventeenth_failure_is_the_last() {
        let failure = |reconsume_times| SendBack {
            reconsume_times,
            delay_level: 0,
            max_reconsume_times: Some(16),
            group_retry_max_times: 16,
            group_retry_queue_nums: 1,
        };
        for times in 0..16 {
            assert_eq!(
                failure(times).decide(),
                SendBackDecision::Retry { level: times + 3 }
            );
        }
        assert_eq!(failure(16).decide(), SendBackDecision::DeadLetter);
        assert_eq!(
            SendBack {
                group_retry_queue_nums: 0,
                ..failure(16)
            }
            .decide(),
            SendBackDecision::Drop
        );
        assert_eq!(
            SendBack {
                delay_level: -1,
                ..failure(0)
            }
            .decide(),
            SendBackDecision::DeadLetter
        );
    }

    /// Both releases end an orderly message with N retries at its failure N + 1: 4.9 clients send the count before
    /// it, 5.x clients the count after it.
    #[test]
    fn retry_topic_limit_moved_with_the_count() {
        let send = |reconsume_times, dead_at_limit| RetryTopicSend {
            reconsume_times,
            max_reconsume_times: Some(3),
            group_retry_max_times: 16,
            delay_level: 6,
            group_has_lock: false,
            dead_at_limit,
        };
        assert_eq!(send(3, true).decide(), SendBackDecision::DeadLetter);
        assert_eq!(send(3, false).decide(), SendBackDecision::Retry { level: 6 });
        assert_eq!(send(4, false).decide(), SendBackDecision::DeadLetter);
        assert_eq!(
            RetryTopicSend {
                group_has_lock: true,
                ..send(0, false)
            }
            .decide(),
            SendBackDecision::DeadLetter
        );
    }

    #[test]
    fn topics_are_named_after_the_group() {
        assert_eq!(
            (retry_topic("g"), dlq_topic("g")),
            ("%RETRY%g".to_owned(), "%DLQ%g".to_owned())
        );
        assert!(is_retry_topic("%RETRY%g") && !is_retry_topic("%DLQ%g"));
    }
}
