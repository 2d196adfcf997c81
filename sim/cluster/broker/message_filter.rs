//! Tag filters: which messages a subscription lets through, at the broker and at the client.
//!
//! The broker compares hash codes, so it lets through what merely collides; the client compares texts and drops
//! those silently, offsets passing over them. The two are asked separately, and with members that disagree on
//! the subscription only the intersection is consumed. SQL92 expressions are in `sql`. Left out: class filters.
//!
//! Source: `FilterAPI`, `SubscriptionData`, `DefaultMessageFilter`, `PullAPIWrapper.processPullResult`,
//! `MessageExtBrokerInner.tagsString2tagsCode`.

pub mod sql;

use crate::cluster::message_queue::java_hash;
use std::collections::BTreeSet;

/// `SUB_ALL`: every message.
pub const SUB_ALL: &str = "*";
/// `ExpressionType.TAG`.
pub const TYPE_TAG: &str = "TAG";

/// What a group wants of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionData {
    /// The expression; [`SUB_ALL`] if it was empty.
    pub sub_string: String,
    /// The tags in it.
    pub tags: BTreeSet<String>,
    /// Their hash codes.
    pub codes: BTreeSet<i32>,
    /// [`TYPE_TAG`], or whatever the client says; tags are looked for in that type only.
    pub expression_type: String,
}

/// Why an expression is no subscription. The texts are those of RocketMQ's exceptions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// Nothing but separators.
    #[error("subString split error")]
    NoTag,
    /// An expression that is not one of tags must not be empty.
    #[error("Expression can't be null! {0}")]
    NoExpression(String),
}

impl SubscriptionData {
    /// `FilterAPI.buildSubscriptionData`: `TagA || TagB`. Nothing or `*` means all.
    ///
    /// Any other text that holds no tag (a blank) is no error: it means that nothing is consumed. `* || TagA` asks
    /// for the literal tag `*`.
    ///
    /// # Errors
    /// If there is nothing but `||`.
    pub fn of_tags(expression: Option<&str>) -> Result<Self, SubscriptionError> {
        let sub_string = expression
            .filter(|text| !text.is_empty())
            .unwrap_or(SUB_ALL)
            .to_owned();
        let mut tags = BTreeSet::new();
        if sub_string != SUB_ALL {
            // Java's split drops the empty texts at the end, so that separators alone leave no part at all.
            if sub_string.split("||").all(str::is_empty) {
                return Err(SubscriptionError::NoTag);
            }
            let trimmed = sub_string
                .split("||")
                .map(|part| part.trim_matches(|c: char| c <= ' '));
            tags.extend(trimmed.filter(|tag| !tag.is_empty()).map(str::to_owned));
        }
        let codes = tags.iter().map(|tag| java_hash(tag)).collect();
        Ok(Self {
            sub_string,
            tags,
            codes,
            expression_type: TYPE_TAG.to_owned(),
        })
    }

    /// `FilterAPI.build`: of a given type; `None` = [`TYPE_TAG`].
    ///
    /// # Errors
    /// As [`of_tags`](Self::of_tags); or if an expression of another type is empty.
    pub fn build(expression: Option<&str>, expression_type: Option<&str>) -> Result<Self, SubscriptionError> {
        let Some(other) = expression_type.filter(|&name| name != TYPE_TAG) else {
            return Self::of_tags(expression);
        };
        let Some(expression) = expression.filter(|text| !text.is_empty()) else {
            return Err(SubscriptionError::NoExpression(other.to_owned()));
        };
        Ok(Self {
            sub_string: expression.to_owned(),
            tags: BTreeSet::new(),
            codes: BTreeSet::new(),
            expression_type: other.to_owned(),
        })
    }

    /// Whether all messages are wanted.
    pub fn is_all(&self) -> bool {
        self.sub_string == SUB_ALL
    }

    /// Whether the broker lets a message with this code through.
    pub fn broker_passes(&self, tags_code: i32) -> bool {
        self.is_all() || self.codes.contains(&tags_code)
    }

    /// Whether the client keeps a message with this tag.
    pub fn client_keeps(&self, tag: Option<&str>) -> bool {
        self.tags.is_empty() || tag.is_some_and(|tag| self.tags.contains(tag))
    }
}

/// The code by which the broker knows a message's tag; 0 without one.
pub fn tags_code(tag: Option<&str>) -> i32 {
    tag.map_or(0, java_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Aa` and `BB` have the same Java hash: the broker passes both, the client keeps one.
    #[test]
    fn client_drops_what_only_collides() {
        let subscription = SubscriptionData::of_tags(Some("Aa || x")).unwrap();
        assert!(subscription.broker_passes(tags_code(Some("BB"))));
        assert!(!subscription.client_keeps(Some("BB")));
        assert!(subscription.client_keeps(Some("Aa")));
    }

    /// A blank subscribes to no tag at all: the broker lets nothing through.
    #[test]
    fn blank_matches_nothing() {
        let subscription = SubscriptionData::of_tags(Some(" ")).unwrap();
        assert!(!subscription.broker_passes(0));
        assert_eq!(
            SubscriptionData::of_tags(Some("||")),
            Err(SubscriptionError::NoTag)
        );
    }
}
