//! Theory and simulation side by side: a row of the table, and what is wrong with it.

use super::cell::{Cell, Plan};
use super::watch::{Seen, run};
use rmqsim::kernel::time::SimDuration;
use rmqsim::study::batch_means::Estimate;
use rmqsim::study::queueing::ErlangC;

/// How many standard errors an estimate may lie from theory.
pub const ERRORS: f64 = 3.0;

/// Share of the sojourns beyond their 99th percentile.
const BEYOND: f64 = 0.01;

/// How far simulated ÷ theory may lie from 1.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// For the mean sojourn.
    pub sojourn: f64,
    /// For its 99th percentile.
    pub p99: f64,
}

/// One cell, compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub cell: Cell,
    pub plan: Plan,
    pub theory: ErlangC,
    pub seen: Seen,
}

impl Comparison {
    /// Runs `cell` so that `messages` are measured (more where [`Cell::plan`] says so).
    pub fn of(cell: Cell, messages: u64, seed: u64) -> Self {
        let plan = cell.plan(messages);
        let theory = cell.theory();
        let p99 = SimDuration::from_secs_f64(theory.sojourn_quantile(1.0 - BEYOND));
        let seen = run(cell.config(&plan, seed), &plan, p99);
        Self {
            cell,
            plan,
            theory,
            seen,
        }
    }

    /// Everything that speaks against the simulator; empty if it agrees with theory.
    ///
    /// Means must lie within three standard errors. With `bounds`, the ratios decide on the percentile, and on
    /// the mean sojourn as well. Without, the percentile is as good as its own standard error allows: at load
    /// 0.95 the sojourns beyond it come in a few long jams, so that a short run knows it to 5 % at best.
    pub fn misses(&self, bounds: Option<Bounds>) -> Vec<String> {
        let seen = &self.seen;
        let mut misses = Vec::new();
        let mut check = |sound: bool, miss: String| {
            if !sound {
                misses.push(miss);
            }
        };
        for (name, estimate, expected) in [
            ("wait", &seen.wait, self.theory.mean_wait()),
            ("sojourn", &seen.sojourn, self.theory.mean_sojourn()),
        ] {
            let off = estimate.errors_above(expected);
            check(
                off.abs() <= ERRORS,
                format!("the mean {name} is {off:+.2} standard errors from theory"),
            );
        }
        let (sojourn, p99) = (self.sojourn_ratio(), self.p99_ratio());
        match bounds {
            Some(bounds) => {
                check(
                    (sojourn - 1.0).abs() <= bounds.sojourn,
                    format!("the mean sojourn is {sojourn:.4} of theory"),
                );
                check(
                    (p99 - 1.0).abs() <= bounds.p99,
                    format!("the p99 sojourn is {p99:.4} of theory"),
                );
            }
            None => {
                let off = (seen.beyond.mean - BEYOND) / self.beyond_error();
                check(
                    off.abs() <= ERRORS,
                    format!("the share beyond the p99 of theory is {off:+.2} standard errors from 1 %"),
                );
            }
        }
        for (count, what) in [
            (seen.needless_waits, "messages waited beside a free thread"),
            (seen.flow_controlled, "pulls were put off by flow control"),
        ] {
            check(count == 0, format!("{count} {what}"));
        }
        let little = seen.little_difference;
        check(little == 0, format!("Little's law is off by {little} ns"));
        misses
    }

    /// Simulated ÷ theory of the mean sojourn.
    pub fn sojourn_ratio(&self) -> f64 {
        self.seen.sojourn.mean / self.theory.mean_sojourn()
    }

    /// Simulated ÷ theory of the 99th percentile of the sojourn.
    pub fn p99_ratio(&self) -> f64 {
        self.seen.p99 / self.theory.sojourn_quantile(1.0 - BEYOND)
    }

    /// Standard error of the share beyond the 99th percentile of theory: that of the batches, but not less than
    /// theory says.
    ///
    /// Of long jams a short run has a handful. If it happens to have few, its batches show a small share *and* a
    /// small spread, and it would be too sure of itself.
    fn beyond_error(&self) -> f64 {
        let messages = self.plan.measured() as f64;
        let p99 = self.theory.sojourn_quantile(1.0 - BEYOND);
        self.seen
            .beyond
            .error
            .max(self.theory.beyond_error(p99, messages))
    }

    /// Standard error of the simulated 99th percentile, in seconds: that of the share beyond it, by way of the
    /// density there.
    pub fn p99_error(&self) -> f64 {
        self.beyond_error()
            / self
                .theory
                .sojourn_density(self.theory.sojourn_quantile(1.0 - BEYOND))
    }

    /// The head of the table. Times are milliseconds; ± is the standard error; "off" counts standard errors.
    pub fn head() -> String {
        let names = format!(
            "| {:>2} | {:>4} | {:>10} | {:>8} | {:>19} | {:>5} | {:>8} | {:>19} | {:>5} | {:>6} | {:>8} | {:>17} | {:>6} | {:>13} | {:>6} | {:7} |",
            "T",
            "load",
            "messages",
            "wait",
            "simulated ± se",
            "off",
            "sojourn",
            "simulated ± se",
            "off",
            "ratio",
            "p99",
            "simulated ± se",
            "ratio",
            "batches (eff)",
            "Little",
            "verdict"
        );
        let rule: String = names.chars().map(|c| if c == '|' { '|' } else { '-' }).collect();
        format!("{names}\n{rule}")
    }

    /// The row of the table, with the verdict under `bounds`.
    pub fn row(&self, bounds: Option<Bounds>) -> String {
        let ms = |seconds: f64| seconds * 1e3;
        let plus_minus = |mean: f64, error: f64| format!("{:.4} ± {:.4}", ms(mean), ms(error));
        let estimate = |e: &Estimate| plus_minus(e.mean, e.error);
        let off = |e: &Estimate, expected: f64| format!("{:+.2}", e.errors_above(expected));
        let (theory, seen) = (&self.theory, &self.seen);
        let misses = self.misses(bounds);
        let mut row = format!(
            "| {:>2} | {:>4.2} | {:>10} | {:>8.4} | {:>19} | {:>5} | {:>8.4} | {:>19} | {:>5} | {:>6.4} | {:>8.3} | {:>17} | {:>6.4} | {:>13} | {:>6} | {:7} |",
            self.cell.threads,
            theory.load(),
            self.plan.measured(),
            ms(theory.mean_wait()),
            estimate(&seen.wait),
            off(&seen.wait, theory.mean_wait()),
            ms(theory.mean_sojourn()),
            estimate(&seen.sojourn),
            off(&seen.sojourn, theory.mean_sojourn()),
            self.sojourn_ratio(),
            ms(theory.sojourn_quantile(1.0 - BEYOND)),
            format!("{:.3} ± {:.3}", ms(seen.p99), ms(self.p99_error())),
            self.p99_ratio(),
            format!(
                "{} ({:.0})",
                seen.sojourn.batches,
                seen.sojourn.effective_batches()
            ),
            seen.little_difference,
            if misses.is_empty() { "agrees" } else { "MISSES" },
        );
        for miss in misses {
            row.push_str(&format!("\n  {miss}"));
        }
        row
    }
}
