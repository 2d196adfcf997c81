//! Tag subscriptions and what passes them.

use crate::harness::{Outcome, Tally, same};
use rmqsim::cluster::broker::message_filter::{SubscriptionData, SubscriptionError, tags_code};
use rmqsim::cluster::message_queue::java_hash;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Subscription {
    expr: Option<String>,
    type_in: Option<String>,
    sub: Option<String>,
    tags: Option<BTreeSet<String>>,
    codes: Option<BTreeSet<i32>>,
    r#type: Option<String>,
    err: Option<String>,
}

#[derive(Deserialize)]
struct Match {
    expr: Option<String>,
    verdict: Vec<u8>,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "subscriptions", |case: Subscription| {
        let built = SubscriptionData::of_tags(case.expr.as_deref());
        subscription(case, built)
    });
    tally.section(file, "build_with_type", |case: Subscription| {
        let built = SubscriptionData::build(case.expr.as_deref(), case.type_in.as_deref());
        subscription(case, built)
    });
    tally.section(file, "tags_codes", |(tag, code): (Option<String>, i32)| {
        same("code", code, tags_code(tag.as_deref()))
    });
    tally.section(file, "hash", |(text, hash): (String, i32)| {
        same("hashCode", hash, java_hash(&text))
    });
    let tags: Vec<Option<String>> = Vec::deserialize(tally.data(file, "message_tags")).unwrap_or_default();
    tally.section(file, "match", |case: Match| {
        let subscription = SubscriptionData::of_tags(case.expr.as_deref()).expect("a sound subscription");
        let verdict = |tag: &Option<String>| {
            let tag = tag.as_deref();
            let broker = subscription.broker_passes(tags_code(tag));
            u8::from(broker) + 2 * u8::from(subscription.client_keeps(tag))
        };
        same(
            "verdict",
            case.verdict,
            tags.iter().map(verdict).collect::<Vec<_>>(),
        )
    });
}

fn subscription(case: Subscription, built: Result<SubscriptionData, SubscriptionError>) -> Outcome {
    let found = match built {
        Ok(found) => found,
        Err(error) => {
            let class = match error {
                SubscriptionError::NoTag => "Exception",
                SubscriptionError::NoExpression(_) => "IllegalArgumentException",
            };
            return same("exception", case.err, Some(format!("{class}: {error}")));
        }
    };
    same("exception", case.err, None::<String>)?;
    same("subString", case.sub, Some(found.sub_string))?;
    same("tagsSet", case.tags, Some(found.tags))?;
    same("codeSet", case.codes, Some(found.codes))?;
    same("type", case.r#type, Some(found.expression_type))
}
