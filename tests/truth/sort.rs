//! Order, text form and hash of names.

use crate::harness::{Tally, same};
use rmqsim::cluster::message_queue::{MessageQueue, cmp_utf16};
use serde::Deserialize;
use serde_json::Value;

type Triple = (String, String, i32);

fn queue((topic, broker_name, queue_id): Triple) -> MessageQueue {
    MessageQueue {
        topic,
        broker_name,
        queue_id,
    }
}

#[derive(Deserialize)]
struct Sorting<T> {
    r#in: Vec<T>,
    out: Vec<T>,
}

#[derive(Deserialize)]
struct Pair {
    a: Triple,
    b: Triple,
    cmp: i32,
    eq: bool,
}

#[derive(Deserialize)]
struct Strings {
    mq: Triple,
    to_string: String,
    hash_code: i32,
}

pub fn judge(file: &Value, tally: &mut Tally) {
    tally.section(file, "mq", |case: Sorting<Triple>| {
        let mut found: Vec<MessageQueue> = case.r#in.into_iter().map(queue).collect();
        found.sort();
        same(
            "order",
            case.out.into_iter().map(queue).collect::<Vec<_>>(),
            found,
        )
    });
    tally.section(file, "cid", |case: Sorting<String>| {
        let mut found = case.r#in;
        found.sort_by(|a, b| cmp_utf16(a, b));
        same("order", case.out, found)
    });
    tally.section(file, "pairs", |case: Pair| {
        let (a, b) = (queue(case.a), queue(case.b));
        same("compareTo", case.cmp, a.compare_to(&b))?;
        same("equals", case.eq, a == b)
    });
    tally.section(file, "strings", |case: Strings| {
        let queue = queue(case.mq);
        same("toString", case.to_string, queue.to_string())?;
        same("hashCode", case.hash_code, queue.hash_code())
    });
}
