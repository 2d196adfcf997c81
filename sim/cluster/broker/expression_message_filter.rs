//! Which messages an expression lets through, at the broker and at the client.
//!
//! A tag is one of few, so that what an expression says of it is worked out once; then a message costs a look into a
//! table. SQL92 expressions are evaluated for each message, at the broker alone. The expressions of a run are known
//! beforehand and go by number; number 0 is `*`.
//!
//! Source: `ExpressionMessageFilter`, `DefaultMessageFilter`, `PullAPIWrapper.processPullResult`.

use crate::cluster::broker::message_filter::sql::{Properties, Sql};
use crate::cluster::broker::message_filter::{SubscriptionData, tags_code};
use crate::cluster::ids::MessageId;
use crate::cluster::producer::attributes::{Attributes, PropertyValue};
use std::borrow::Cow;

/// An expression by its position among those of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpressionId(pub u16);

impl ExpressionId {
    /// `*`.
    pub const ALL: Self = Self(0);

    /// Whether it lets everything through.
    #[inline]
    pub const fn is_all(self) -> bool {
        self.0 == 0
    }
}

/// What a subscription asks for beside the topic.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Tags.
    Tags(SubscriptionData),
    /// An SQL92 expression over properties.
    Sql(Sql),
}

/// The expressions of a run, ready for use.
#[derive(Debug, Default)]
pub struct Filters {
    /// From number 1 on.
    filters: Vec<Filter>,
}

#[derive(Debug)]
enum Filter {
    /// By tag: first no tag, then those of the run.
    Tags(Box<[Verdict]>),
    Sql(Sql),
}

#[derive(Clone, Copy, Debug)]
struct Verdict {
    broker_passes: bool,
    client_keeps: bool,
}

/// A message as a filter sees it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// What messages are about.
    pub attributes: &'a Attributes,
    /// Which message.
    pub id: MessageId,
    /// Its random word.
    pub luck: u64,
}

impl Filters {
    /// Those of `expressions`, numbered from 1, for messages with tags of `attributes`.
    pub fn new(expressions: &[Expression], attributes: &Attributes) -> Self {
        let tags = || [None].into_iter().chain(attributes.tags().iter().map(Some));
        let filter = |expression: &Expression| match expression {
            Expression::Sql(sql) => Filter::Sql(sql.clone()),
            Expression::Tags(subscription) => {
                let verdict = |tag: Option<&String>| {
                    let tag = tag.map(String::as_str);
                    Verdict {
                        broker_passes: subscription.broker_passes(tags_code(tag)),
                        client_keeps: subscription.client_keeps(tag),
                    }
                };
                Filter::Tags(tags().map(verdict).collect())
            }
        };
        Self {
            filters: expressions.iter().map(filter).collect(),
        }
    }

    /// Whether there is any expression but `*`.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    fn get(&self, expression: ExpressionId) -> Option<&Filter> {
        let at = usize::from(expression.0).checked_sub(1)?;
        Some(&self.filters[at])
    }

    /// Whether the broker puts a message into an answer.
    #[inline]
    pub fn broker_passes(&self, expression: ExpressionId, message: Candidate<'_>) -> bool {
        match self.get(expression) {
            None => true,
            Some(Filter::Tags(verdicts)) => verdicts[message.tag_slot()].broker_passes,
            Some(Filter::Sql(sql)) => sql.matches(&message),
        }
    }

    /// Whether a client that has got a message hands it to its listener.
    #[inline]
    pub fn client_keeps(&self, expression: ExpressionId, message: Candidate<'_>) -> bool {
        match self.get(expression) {
            Some(Filter::Tags(verdicts)) => verdicts[message.tag_slot()].client_keeps,
            None | Some(Filter::Sql(_)) => true,
        }
    }

    /// Whether a subscription is meant to get a message.
    pub fn wants(&self, expression: ExpressionId, message: Candidate<'_>) -> bool {
        self.broker_passes(expression, message) && self.client_keeps(expression, message)
    }

    /// Whether an index entry may pass: the broker's index knows tags only (`isMatchedByConsumeQueue`).
    #[inline]
    pub fn index_passes(&self, expression: ExpressionId, message: Candidate<'_>) -> bool {
        match self.get(expression) {
            Some(Filter::Tags(verdicts)) => verdicts[message.tag_slot()].broker_passes,
            None | Some(Filter::Sql(_)) => true,
        }
    }
}

impl Candidate<'_> {
    fn tag_slot(&self) -> usize {
        let tag = self.attributes.tag(self.id, self.luck);
        tag.map_or(0, |tag| tag.index() + 1)
    }
}

impl Properties for Candidate<'_> {
    fn property(&self, name: &str) -> Option<Cow<'_, str>> {
        let attributes = self.attributes;
        match name {
            "TAGS" => {
                let tag = attributes.tag(self.id, self.luck)?;
                Some(attributes.tags()[tag.index()].as_str().into())
            }
            "KEYS" => Some(attributes.key(self.id, self.luck)?.to_string().into()),
            _ => Some(match attributes.property(self.id, self.luck, name)? {
                PropertyValue::Text(text) => text.into(),
                PropertyValue::Number(number) => number.to_string().into(),
            }),
        }
    }
}
