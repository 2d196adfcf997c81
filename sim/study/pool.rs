//! Many tasks on several threads, their results in order.
//!
//! Threads take the next task when they are done with one; results are handed over on the calling thread in the order
//! of the tasks, whichever thread was first. So whatever is computed from them is the same with any number of threads.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

/// Runs `work` on each number in `tasks`, on `threads` threads (at least 1), and hands the results to `done` in their
/// order, without gaps. Where `work` gives `None` nothing more is begun, and nothing behind it is handed over: what is
/// handed over depends on `stop` alone, not on the threads.
///
/// `finished` hears of each result as soon as it is there, in any order.
///
/// # Panics
/// If `work` does.
pub fn run_all<T: Send>(
    tasks: Range<u64>,
    threads: usize,
    stop: &AtomicBool,
    work: impl Fn(u64) -> Option<T> + Sync,
    mut finished: impl FnMut(u64),
    mut done: impl FnMut(u64, T),
) {
    let (next, ended) = (AtomicU64::new(tasks.start), AtomicBool::new(false));
    let take = || {
        let task = next.fetch_add(1, Ordering::Relaxed);
        let is_over = stop.load(Ordering::Relaxed) || ended.load(Ordering::Relaxed);
        (task < tasks.end && !is_over).then_some(task)
    };
    std::thread::scope(|scope| {
        // Whoever is far ahead waits until its results are taken.
        let (sender, results) = mpsc::sync_channel(4 * threads.max(1));
        for _ in 0..threads.max(1) {
            let (sender, take, work, ended) = (sender.clone(), &take, &work, &ended);
            scope.spawn(move || {
                while let Some(task) = take() {
                    let Some(result) = work(task) else {
                        ended.store(true, Ordering::Relaxed);
                        break;
                    };
                    if sender.send((task, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut early, mut expected) = (BTreeMap::new(), tasks.start);
        for (task, result) in results {
            finished(task);
            early.insert(task, result);
            while let Some(result) = early.remove(&expected) {
                done(expected, result);
                expected += 1;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(threads: usize, tasks: Range<u64>) -> Vec<(u64, u64)> {
        let stop = AtomicBool::new(false);
        let mut all = Vec::new();
        // Later tasks are quicker, so that they come back out of order.
        let work = |task: u64| {
            let rounds = 20_000 / (task + 1);
            let spent = (0..rounds).fold(task, |sum, i| std::hint::black_box(sum.wrapping_add(i)));
            std::hint::black_box(spent);
            Some(task * task)
        };
        run_all(
            tasks,
            threads,
            &stop,
            work,
            |_| {},
            |task, result| all.push((task, result)),
        );
        all
    }

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        let expected: Vec<(u64, u64)> = (5..90).map(|n| (n, n * n)).collect();
        for threads in [0, 1, 2, 7, 200] {
            assert_eq!(collected(threads, 5..90), expected, "{threads}");
        }
        assert!(collected(3, 4..4).is_empty());
    }

    fn handed(threads: usize, work: impl Fn(u64) -> Option<u64> + Sync, stop: &AtomicBool) -> Vec<u64> {
        let mut handed = Vec::new();
        run_all(0..1_000, threads, stop, work, |_| {}, |task, _| handed.push(task));
        handed
    }

    /// What is handed over after a stop has no gaps.
    #[test]
    fn a_stop_leaves_a_prefix() {
        let stop = AtomicBool::new(false);
        let work = |task| {
            if task == 20 {
                stop.store(true, Ordering::Relaxed);
                return None;
            }
            Some(task)
        };
        let handed = handed(2, work, &stop);
        assert!(handed.len() <= 20, "{handed:?}");
        assert_eq!(handed, (0..handed.len() as u64).collect::<Vec<_>>());
    }

    /// Every third task from the 20th on has no result: all before the first of them have theirs, whoever was quicker.
    #[test]
    fn where_a_task_gives_nothing_all_before_it_is_handed_over() {
        for threads in [1, 2, 3, 16] {
            let work = |task| (task < 20 || task % 3 != 2).then_some(task);
            let handed = handed(threads, work, &AtomicBool::new(false));
            assert_eq!(handed, (0..20).collect::<Vec<_>>(), "{threads}");
        }
    }
}
