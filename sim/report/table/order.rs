//! Order, if there is something to tell of it.

use super::page::Page;
use super::words::span;
use crate::report::charts::text::{count, grouped};
use crate::report::model::{KeyOrderReport, OrderReport, QueueOrderReport};

impl Page {
    pub(super) fn order(&mut self, order: &OrderReport) {
        let mut parts = Vec::new();
        if order.keys.seen > 0 {
            parts.extend(keys(&order.keys));
        }
        if order.orderly {
            parts.extend(queues(&order.queues));
        }
        if !parts.is_empty() {
            self.parts("order", &parts);
        }
    }
}

fn keys(keys: &KeyOrderReport) -> Vec<String> {
    let out_of_turn = match (keys.late, keys.overtaking) {
        (0, 0) => vec![format!("kept for all {}", count(keys.seen, "key"))],
        (late, overtaking) => vec![
            format!("{} late by key", grouped(late)),
            format!("{} overtook an older one", grouped(overtaking)),
        ],
    };
    let again = match keys.late_again {
        0 => String::new(),
        n => format!("{} late again", grouped(n)),
    };
    out_of_turn.into_iter().chain([again]).collect()
}

fn queues(queues: &QueueOrderReport) -> Vec<String> {
    let blocked = if queues.suspensions == 0 {
        "no queue blocked".to_owned()
    } else {
        format!(
            "queues blocked for {}, the longest {} ({})",
            span(queues.blocked_seconds),
            span(queues.blocked_max_seconds),
            count(queues.suspensions, "pause")
        )
    };
    let refused = match queues.locks_refused {
        0 => String::new(),
        n => format!("{} refused", count(n, "lock")),
    };
    vec![blocked, refused]
}
