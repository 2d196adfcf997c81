//! Queues and consumers as `rmqsim allocate` takes them, a line each: refused with a reason, or in RocketMQ's order.

use rmqsim::cli::allocate::topology::{Consumers, Queues, compact};

/// Holds for every text.
pub fn check(text: &str) {
    let mut lines = text.lines();
    let (queues, consumers, names) = (lines.next(), lines.next(), lines.next());
    match queues.unwrap_or_default().parse::<Queues>() {
        Ok(queues) => {
            let queues = queues.of_topic("orders");
            assert!((1..=100_000).contains(&queues.len()));
            assert!(
                queues.is_sorted_by(|a, b| a < b),
                "each queue is there once, in order"
            );
            assert!(!compact(&queues).is_empty());
        }
        Err(why) => assert!(!why.is_empty()),
    }
    let Ok(consumers) = consumers.unwrap_or_default().parse::<Consumers>() else {
        return;
    };
    let count = consumers.0.len();
    assert!((1..=100_000).contains(&count));
    if let Ok(more) = consumers.plus(3) {
        assert_eq!(more.0.len(), count + 3);
    }
    let names: Vec<String> = names
        .into_iter()
        .flat_map(|line| line.split(','))
        .map(str::to_owned)
        .collect();
    if let Ok(fewer) = consumers.minus(&names) {
        assert_eq!(fewer.0.len(), count - names.len());
    }
}
