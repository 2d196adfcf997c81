//! Queues that have a closed form: M/M/c and, for one server, M/G/1. First come, first served, in equilibrium.
//!
//! Times are `f64` in whatever unit the caller chooses, the same one throughout. Nothing here decides when an
//! event happens. Left out: queues with a bound, priorities, customers who leave.
//!
//! Source: Erlang, "Solution of some problems in the theory of probabilities", 1917 (M/M/c); Pollaczek, 1930,
//! and Khinchine, 1932 (M/G/1); van Doorn, "Conditions for exponential ergodicity", 1985 (relaxation of M/M/c);
//! Whitt, "Asymptotic formulas for Markov processes with applications to simulation", 1992 (errors of means);
//! Daley, "The serial correlation coefficients of waiting times", 1968 (variance of a mean wait).

use crate::kernel::math;

/// The M/M/c queue: Poisson arrivals, exponential service, `servers` servers, one line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErlangC {
    servers: u32,
    mean_service: f64,
    load: f64,
    delayed: f64,
}

impl ErlangC {
    /// The queue with this mean gap between arrivals and this mean service time.
    ///
    /// `None` if there is no equilibrium (load 1 and above), no server, or a time that is not above 0.
    pub fn new(servers: u32, mean_gap: f64, mean_service: f64) -> Option<Self> {
        let sound = servers > 0 && mean_gap > 0.0 && mean_service > 0.0;
        let load = mean_service / (mean_gap * f64::from(servers));
        (sound && load < 1.0).then(|| Self {
            servers,
            mean_service,
            load,
            delayed: delayed(servers, load),
        })
    }

    /// Share of its time that each server is busy; below 1.
    pub fn load(&self) -> f64 {
        self.load
    }

    /// Probability that an arrival finds all servers busy.
    pub fn delayed(&self) -> f64 {
        self.delayed
    }

    /// Mean time in line.
    pub fn mean_wait(&self) -> f64 {
        self.delayed / self.drain_rate()
    }

    /// Mean time in line and in service.
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + self.mean_service
    }

    /// Probability of more than `t` ≥ 0 in line.
    pub fn wait_tail(&self, t: f64) -> f64 {
        self.delayed * math::exp(-self.drain_rate() * t)
    }

    /// Probability of more than `t` ≥ 0 in line and in service.
    ///
    /// A wait, where there is one, is exponential with the drain rate a, and a service of rate µ follows that
    /// knows nothing of it. So the tail is e^(−µt) · (1 + delayed · µ · (1 − e^(−(a − µ)t)) ÷ (a − µ)), and the
    /// fraction tends to t where a = µ.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        let (rate, excess) = (
            1.0 / self.mean_service,
            self.drain_rate() - 1.0 / self.mean_service,
        );
        let alone = math::exp(-rate * t);
        let x = excess * t;
        let after_wait = if x == 0.0 {
            alone * t
        } else if x.abs() < 1.0 {
            alone * -math::exp_m1(-x) / excess
        } else {
            // Far out the factor can overflow while the product is small.
            (alone - math::exp(-self.drain_rate() * t)) / excess
        };
        alone + self.delayed * rate * after_wait
    }

    /// Density of the time in line and in service at `t` ≥ 0.
    ///
    /// A message leaves at rate µ while it is in service, that is, while it has not left but waits no more.
    pub fn sojourn_density(&self, t: f64) -> f64 {
        (self.sojourn_tail(t) - self.wait_tail(t)) / self.mean_service
    }

    /// The time in line and in service that is exceeded with probability 1 − `p`, for 0 < `p` < 1.
    pub fn sojourn_quantile(&self, p: f64) -> f64 {
        let beyond = 1.0 - p;
        let (mut low, mut high) = (0.0, self.mean_sojourn());
        while self.sojourn_tail(high) > beyond {
            (low, high) = (high, high * 2.0);
        }
        loop {
            let middle = low + (high - low) / 2.0;
            if middle <= low || middle >= high {
                return middle;
            }
            if self.sojourn_tail(middle) > beyond {
                low = middle;
            } else {
                high = middle;
            }
        }
    }

    /// The scale on which the queue forgets its state: distance from equilibrium falls to 1/e in about this time.
    ///
    /// S ÷ (c · (1 − √load)²) with the mean service S; where many servers idle, that of a single service.
    pub fn relaxation_time(&self) -> f64 {
        let gap = 1.0 - math::sqrt(self.load);
        let of_line = 1.0 / (f64::from(self.servers) * gap * gap);
        self.mean_service * of_line.max(1.0)
    }

    /// Standard error of the share, among `messages` successive customers, whose sojourn exceeds `t`.
    ///
    /// Counts what comes from the ups and downs of the line; the luck of each single customer adds to it. Near
    /// load 1 that is next to nothing: long sojourns then come in jams, a few in a run, and a run that is short
    /// cannot tell from its own values how many jams there should have been.
    pub fn beyond_error(&self, t: f64, messages: f64) -> f64 {
        self.mean_error(&self.tail_by_state(t), messages)
    }

    /// Standard error of the mean, over the time in which `messages` arrive, of what takes `values[n]` while n
    /// are in the system. There must be a value for each of [`states`](Self::states).
    ///
    /// For a birth-death process at rate λ upwards the variance over a time τ is 2 ÷ (λτ) · Σ Cⱼ² ÷ πⱼ, where
    /// Cⱼ is Σ (value − mean) π over all states above j.
    fn mean_error(&self, values: &[f64], messages: f64) -> f64 {
        let states = self.states();
        let mean: f64 = values.iter().zip(&states).map(|(v, p)| v * p).sum();
        let (mut above, mut sum) = (0.0, 0.0);
        for (value, p) in values.iter().zip(&states).rev() {
            sum += above * above / p;
            above += (value - mean) * p;
        }
        math::sqrt(2.0 * sum / messages)
    }

    /// Probabilities of 0, 1, 2 … in the system, up to where they no longer matter.
    fn states(&self) -> Vec<f64> {
        let (servers, load) = (f64::from(self.servers), self.load);
        // Where all servers are busy, probabilities fall as powers of the load: e⁻⁶⁰ of them are left out.
        let number = servers + 60.0 / (1.0 - load);
        let busy = self.delayed * (1.0 - load);
        let in_line = (0..number as u32 - self.servers).map(|n| busy * math::pow(load, f64::from(n)));
        let in_service = (0..self.servers).rev().scan(busy, |p, n| {
            *p *= f64::from(n + 1) / (servers * load);
            Some(*p)
        });
        let mut states: Vec<f64> = in_service.collect();
        states.reverse();
        states.extend(in_line);
        states
    }

    /// Probability of a sojourn of more than `t` for an arrival that meets 0, 1, 2 … in the system.
    ///
    /// Who meets n ≥ c waits for k = n − c + 1 departures, a Poisson process of rate r = cµ, and is then served.
    /// Beyond `t` is one whose k departures are not through by then, or who is in service then (`serving`, which
    /// obeys serving(k − 1) = serving(k) · (r − µ) ÷ r + P(just k − 1 departures by t)).
    fn tail_by_state(&self, t: f64) -> Vec<f64> {
        let servers = f64::from(self.servers);
        let departures = servers * t / self.mean_service;
        let exactly = |k: usize| {
            let k = k as f64;
            math::exp(k * math::ln(departures) - departures - math::ln_gamma(k + 1.0))
        };
        let unhindered = math::exp(-t / self.mean_service);
        let (free, number) = (self.servers as usize, self.states().len());
        let mut tail = vec![unhindered; number];
        // Far beyond the states that matter, so that the recursion downwards has forgotten where it began.
        let top = number + 2 * departures as usize + 100;
        let mut serving = 0.0;
        let mut too_late = vec![0.0; top];
        for k in 1..top {
            too_late[k] = too_late[k - 1] + exactly(k - 1);
        }
        for k in (1..top).rev() {
            serving = serving * (servers - 1.0) / servers + exactly(k);
            if let Some(tail) = tail.get_mut(free + k - 1) {
                *tail = too_late[k] + serving;
            }
        }
        tail
    }

    /// Rate at which a line shortens while all servers are busy, arrivals included.
    fn drain_rate(&self) -> f64 {
        f64::from(self.servers) * (1.0 - self.load) / self.mean_service
    }
}

/// Erlang's C formula, by way of the recursion for a line without places (his B), which never overflows.
fn delayed(servers: u32, load: f64) -> f64 {
    let offered = load * f64::from(servers);
    let blocked = (1..=servers).fold(1.0, |b, n| offered * b / (f64::from(n) + offered * b));
    blocked / (1.0 - load * (1.0 - blocked))
}

/// Mean time in line of M/G/1: Poisson arrivals, one server, any service time with coefficient of variation
/// `cv` (0 = constant, M/D/1; 1 = exponential, M/M/1).
///
/// `None` if there is no equilibrium (load 1 and above), or a time that is not above 0.
pub fn pollaczek_khinchine_wait(mean_gap: f64, mean_service: f64, cv: f64) -> Option<f64> {
    let load = mean_service / mean_gap;
    let sound = mean_gap > 0.0 && mean_service > 0.0 && cv >= 0.0 && load < 1.0;
    sound.then(|| load * mean_service * (1.0 + cv * cv) / (2.0 * (1.0 - load)))
}

/// Standard error of the mean wait of `messages` successive customers of M/M/1, in mean service times.
///
/// Tells before a run how long it must be. Waits of neighbours are alike, so it is much larger than for
/// independent draws: at load 0.95 by a factor of 39.
pub fn mm1_wait_error(load: f64, messages: f64) -> f64 {
    let spread = load * (2.0 + load * (5.0 + load * (-4.0 + load)));
    let room = 1.0 - load;
    math::sqrt(spread / messages) / (room * room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
            "{found} instead of {expected}"
        );
    }

    fn queue(servers: u32, load: f64) -> ErlangC {
        ErlangC::new(servers, 1.0 / (load * f64::from(servers)), 1.0).unwrap()
    }

    /// One server: C = load, W = load ÷ (1 − load), and the sojourn is exponential with mean 1 ÷ (1 − load).
    #[test]
    fn one_server_is_mm1() {
        for load in [0.01, 0.5, 0.8, 0.95, 0.999] {
            let queue = queue(1, load);
            close(queue.delayed(), load);
            close(queue.mean_wait() / (load / (1.0 - load)), 1.0);
            close(queue.mean_sojourn() * (1.0 - load), 1.0);
            for t in [0.0, 0.1, 1.0, 10.0, 100.0] {
                close(queue.sojourn_tail(t), math::exp(-(1.0 - load) * t));
            }
            close(queue.sojourn_quantile(0.99) * (1.0 - load), math::ln(100.0));
        }
    }

    /// Two servers: C = 2 load² ÷ (1 + load). Source: the sum of two terms written out.
    #[test]
    fn two_servers_have_a_short_formula() {
        for load in [0.1, 0.5, 0.9] {
            close(queue(2, load).delayed(), 2.0 * load * load / (1.0 + load));
        }
    }

    /// C by its definition, as a sum over all states: the recursion must give the same.
    #[test]
    fn recursion_agrees_with_the_sum() {
        for servers in 1..=60_u32 {
            for load in [0.05, 0.5, 0.95] {
                let offered = load * f64::from(servers);
                let (mut term, mut sum) = (1.0, 0.0);
                for n in 1..=servers {
                    sum += term;
                    term *= offered / f64::from(n);
                }
                let last = term / (1.0 - load);
                close(queue(servers, load).delayed(), last / (sum + last));
            }
        }
    }

    /// Means, tails and densities are three views of one law: ∫ tail = mean, and −Δtail = ∫ density.
    /// (20, 0.95) is the case where the line drains at the very rate of one service.
    #[test]
    fn tail_and_density_integrate_to_the_mean() {
        for (servers, load) in [(1, 0.5), (4, 0.8), (20, 0.95), (20, 0.5), (3, 0.9)] {
            let queue = queue(servers, load);
            let step = queue.mean_sojourn() / 2_000.0;
            let points = 120_000;
            let middle = |i: i32| (f64::from(i) + 0.5) * step;
            let mean: f64 = (0..points).map(|i| queue.sojourn_tail(middle(i)) * step).sum();
            assert!(
                (mean / queue.mean_sojourn() - 1.0).abs() < 1e-6,
                "{servers} {load}: {mean}"
            );
            let half = points / 60;
            let gone: f64 = (0..half).map(|i| queue.sojourn_density(middle(i)) * step).sum();
            let expected = 1.0 - queue.sojourn_tail(f64::from(half) * step);
            assert!(
                (gone - expected).abs() < 1e-6,
                "{servers} {load}: {gone} {expected}"
            );
        }
    }

    /// The three branches of the tail meet.
    #[test]
    fn tail_has_no_seam() {
        for (servers, load) in [(20, 0.95), (20, 0.950_000_001), (4, 0.8), (20, 0.96), (20, 0.2)] {
            let queue = queue(servers, load);
            let mut before = 1.0;
            for i in 1..5_000 {
                let now = queue.sojourn_tail(f64::from(i) * 0.01);
                assert!(now < before && before - now < 0.01, "{servers} {load} {i}");
                before = now;
            }
            assert!(queue.sojourn_tail(1e6) >= 0.0 && queue.sojourn_tail(1e6) < 1e-300);
        }
    }

    #[test]
    fn quantile_inverts_the_tail() {
        for (servers, load) in [(1, 0.5), (4, 0.95), (20, 0.95), (200, 0.3)] {
            let queue = queue(servers, load);
            for p in [0.001, 0.5, 0.99, 0.999_999] {
                let beyond = queue.sojourn_tail(queue.sojourn_quantile(p));
                assert!((beyond / (1.0 - p) - 1.0).abs() < 1e-9, "{servers} {load} {p}");
            }
        }
    }

    /// M/M/1 is M/G/1 with cv 1; a constant service halves the wait.
    #[test]
    fn pollaczek_khinchine_knows_its_special_cases() {
        let wait = |cv| pollaczek_khinchine_wait(1.0, 0.8, cv).unwrap();
        close(wait(1.0), ErlangC::new(1, 1.0, 0.8).unwrap().mean_wait());
        close(wait(0.0), wait(1.0) / 2.0);
        close(wait(2.0), wait(1.0) * 2.5);
    }

    /// Probabilities sum to 1, their tail is C, and a sojourn's tail is the mean over what its arrival meets.
    #[test]
    fn states_mix_to_the_whole() {
        for (servers, load) in [(1, 0.5), (1, 0.95), (4, 0.8), (20, 0.95), (20, 0.5)] {
            let queue = queue(servers, load);
            let states = queue.states();
            close(states.iter().sum(), 1.0);
            close(states[servers as usize..].iter().sum(), queue.delayed());
            for p in [0.5, 0.99, 0.9999] {
                let t = queue.sojourn_quantile(p);
                let values = queue.tail_by_state(t);
                let mixed: f64 = states.iter().zip(&values).map(|(p, v)| p * v).sum();
                assert!((mixed - (1.0 - p)).abs() < 1e-10, "{servers} {load} {p}: {mixed}");
            }
        }
    }

    /// The number in M/M/1 over a time τ has the variance 2 load (1 + load) ÷ (1 − load)⁴ ÷ (µτ), a known result.
    /// Waits, counted by message, spread a little more (Daley), and near load 1 alike.
    #[test]
    fn error_of_a_mean_is_the_known_one_for_mm1() {
        for load in [0.1, 0.5, 0.95] {
            let queue = queue(1, load);
            let numbers: Vec<f64> = (0..queue.states().len()).map(|n| n as f64).collect();
            let found = queue.mean_error(&numbers, 1e6);
            let room = 1.0 - load;
            let expected = math::sqrt(2.0 * load * (1.0 + load) * load / 1e6) / (room * room);
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{load}: {found} {expected}"
            );
            assert!(found < mm1_wait_error(load, 1e6));
        }
        let numbers: Vec<f64> = (0..60_000).map(f64::from).collect();
        let ratio = queue(1, 0.999).mean_error(&numbers, 1e6) / mm1_wait_error(0.999, 1e6);
        assert!((ratio - 1.0).abs() < 0.002, "{ratio}");
    }

    #[test]
    fn no_equilibrium_no_answer() {
        for (servers, gap, service) in [
            (1, 1.0, 1.0),
            (2, 1.0, 3.0),
            (0, 1.0, 0.1),
            (1, 0.0, 1.0),
            (1, 1.0, 0.0),
        ] {
            assert_eq!(ErlangC::new(servers, gap, service), None);
        }
        assert_eq!(pollaczek_khinchine_wait(1.0, 1.0, 1.0), None);
        assert_eq!(pollaczek_khinchine_wait(1.0, f64::NAN, 1.0), None);
    }

    /// One server at load 0.25 forgets in 1 ÷ (1 − ½)² = 4 services; a hundred idle ones in one.
    #[test]
    fn relaxation_is_that_of_the_line_or_of_one_service() {
        close(queue(1, 0.25).relaxation_time(), 4.0);
        close(queue(4, 0.25).relaxation_time(), 1.0);
        close(queue(100, 0.25).relaxation_time(), 1.0);
    }
}
