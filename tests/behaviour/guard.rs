//! A guard before the listener.

use crate::support::{Experiment, Recording, member, run_with};
use rmqsim::cluster::config::Action;
use rmqsim::cluster::fact::Fact;
use rmqsim::kernel::time::SimDuration;

/// 200 a second for a minute at a listener of 20 threads and 10 ms: no trouble without a guard.
const STEADY: &str = r#"{
  "title": "Steady", "duration": "3m",
  "cluster": { "topics": { "orders": { "queuesPerBroker": 4 } } },
  "producers": { "shop": { "topic": "orders", "rate": "200/s", "arrivals": "constant", "start": "5s", "stop": "65s" } },
  "groups": { "billing": { "subscribe": { "orders": "*" }, "consumers": { "count": 1, "service": "10ms" } } }
}"#;

fn with(guard: &str) -> Recording {
    run_with(STEADY, &[&format!("groups.billing.guard={guard}")])
}

fn passed(run: &Recording) -> Vec<SimDuration> {
    let passed = run.select(|fact| match fact {
        Fact::GuardPassed { waited, .. } => Some(*waited),
        _ => None,
    });
    passed.into_iter().map(|(_, waited)| waited).collect()
}

fn blocked(run: &Recording) -> usize {
    run.count(|fact| matches!(fact, Fact::GuardBlocked { .. }))
}

/// Half of 200 a second pass. What is blocked is RECONSUME_LATER at once, and comes back by the delay levels.
#[test]
fn a_rejected_call_comes_again_later() {
    let run = with(r#"{"qps":100}"#);
    let first_minute = run.select(|fact| match fact {
        Fact::Delivered {
            reconsume_times: 0, ..
        } => Some(()),
        _ => None,
    });
    assert_eq!(first_minute.len(), 11_999);
    assert!(blocked(&run) > 5_900);
    let retries = run.select(|fact| match fact {
        Fact::RetryScheduled {
            reconsume_times: 1,
            delay,
            ..
        } => Some(*delay),
        _ => None,
    });
    assert!(
        retries
            .iter()
            .all(|(_, delay)| *delay == SimDuration::from_secs(10))
    );
    assert_eq!(passed(&run).iter().max(), Some(&SimDuration::ZERO));
    // A blocked call takes no time: none of its thread is lost.
    let idle = run.select(|fact| match fact {
        Fact::Consumed {
            success: false, busy, ..
        } => Some(*busy),
        _ => None,
    });
    assert!(idle.iter().all(|(_, busy)| busy.is_zero()));
}

/// With pacing and threads that wait nothing is sent back, 100 a second pass to the end of the backlog, and all 20 threads
/// are taken: each waits for its turn of 10 ms among 20.
#[test]
fn paced_threads_wait_for_their_turns() {
    let run = with(r#"{"qps":100,"behavior":"pace","blocked":"wait"}"#);
    assert_eq!((blocked(&run), passed(&run).len()), (0, 11_999));
    let done = run.select(|fact| matches!(fact, Fact::Consumed { .. }).then_some(()));
    let last = done.last().unwrap().0.as_secs_f64();
    assert!((124.0..126.0).contains(&last), "{last}");
    let longest = passed(&run).into_iter().max().unwrap();
    assert!(longest <= SimDuration::from_millis(200), "{longest}");
    let turns: Vec<f64> = done.iter().map(|(at, ())| at.as_secs_f64()).collect();
    assert!(turns[2000..].windows(2).all(|pair| pair[1] - pair[0] > 0.0099));
}

/// At most 3 calls are in the listener, whatever the 20 threads do; the others wait, in order, and none is lost.
#[test]
fn a_limit_of_concurrency_holds() {
    let run = with(r#"{"concurrency":3,"blocked":"wait"}"#);
    let (mut inside, mut most) = (0_i32, 0);
    for (_, fact) in &run.facts {
        match fact {
            Fact::GuardPassed { .. } => inside += 1,
            Fact::Consumed { .. } => inside -= 1,
            _ => {}
        }
        // One leaves and another enters in the same instant.
        most = most.max(inside);
    }
    assert!(most <= 4, "{most}");
    assert!(run.undelivered().is_empty());
    assert_eq!(passed(&run).len(), 11_999);
}

/// Who is killed while calls wait at the guard leaves nothing behind, and the next owner is given all again.
#[test]
fn waiting_calls_end_with_their_process() {
    let text = STEADY.replace(r#""count": 1"#, r#""count": 2"#);
    for guard in [
        r#"{"concurrency":1,"blocked":"wait"}"#,
        r#"{"qps":30,"blocked":"wait"}"#,
    ] {
        let run = Experiment::new(&text, &[&format!("groups.billing.guard={guard}"), "duration=15m"])
            .then("30s", Action::Kill(member(0)))
            .run();
        assert_eq!(
            (run.leftovers.held_queues_of_gone, run.leftovers.tasks_of_gone),
            (0, 0)
        );
        assert!(run.undelivered().is_empty());
    }
}

/// A guard that warms up lets a third pass at first, and all of its rate after about ten seconds.
#[test]
fn a_guard_warms_up() {
    let run = with(r#"{"qps":150,"behavior":"warmUp","warmUp":"10s","blocked":"wait"}"#);
    let passed = run.select(|fact| matches!(fact, Fact::GuardPassed { .. }).then_some(()));
    let in_second = |n: f64| {
        passed
            .iter()
            .filter(|(at, ())| (n..n + 1.0).contains(&at.as_secs_f64()))
            .count()
    };
    assert!((45..=60).contains(&in_second(6.0)), "{}", in_second(6.0));
    assert!((145..=150).contains(&in_second(30.0)), "{}", in_second(30.0));
}
