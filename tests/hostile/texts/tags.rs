//! A tag expression: it is a subscription or has no tag in it; and what the client keeps of its own tags the broker has
//! let through.

use rmqsim::cluster::broker::message_filter::{SubscriptionData, tags_code};

/// Holds for every text.
pub fn check(text: &str) {
    let Ok(subscription) = SubscriptionData::of_tags(Some(text)) else {
        assert!(text.split("||").all(str::is_empty), "only separators are refused");
        return;
    };
    for tag in &subscription.tags {
        assert!(subscription.client_keeps(Some(tag)));
        assert!(subscription.broker_passes(tags_code(Some(tag))));
    }
    if !subscription.tags.is_empty() {
        assert!(!subscription.client_keeps(None));
    }
}
