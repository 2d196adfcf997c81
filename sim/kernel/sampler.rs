//! Samplers: distributions compiled for drawing.
//!
//! Every draw is a whole number of nanoseconds, rounded to the nearest, and saturates at 2⁶³ ns (292 years),
//! so no float outlives the draw; but whoever draws ahead keeps units, which a mean makes a draw. Constant, uniform, exponential, lognormal and Pareto take one word (a
//! constant none) and grow with it; gamma takes a varying number of words.

use crate::kernel::dist::{Dist, DistError, Shape};
use crate::kernel::math;
use crate::kernel::streams::Source;
use crate::kernel::time::SimDuration;

/// A distribution made ready for drawing.
#[derive(Clone, Debug)]
pub struct Sampler(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Constant(SimDuration),
    Exponential { mean: f64 },
    Other(Other),
}

#[derive(Clone, Debug)]
enum Other {
    Uniform { min: u64, span: u64 },
    Gamma(Gamma),
    Lognormal { mu: f64, sigma: f64 },
    Pareto { least: f64, exponent: f64 },
    Empirical(Box<[SimDuration]>),
}

impl Sampler {
    /// Compiles `dist`.
    ///
    /// # Errors
    /// What [`Dist::validate`] finds.
    pub fn new(dist: &Dist) -> Result<Self, DistError> {
        dist.validate()?;
        let shape = match dist {
            Dist::Constant(value) => return Ok(Self(Kind::Constant(*value))),
            Dist::Shape(shape) => shape,
        };
        Ok(Self(Kind::Other(match shape {
            Shape::Exponential { mean } => {
                return Ok(Self(Kind::Exponential { mean: nanos(*mean) }));
            }
            Shape::Uniform { min, max } => Other::Uniform {
                min: min.as_nanos(),
                span: (*max).saturating_sub(*min).as_nanos(),
            },
            Shape::Gamma { mean, cv } => Other::Gamma(Gamma::new(nanos(*mean), *cv)),
            Shape::Lognormal { mean, p99 } => {
                let (mu, sigma) = lognormal(nanos(*mean), nanos(*p99));
                Other::Lognormal { mu, sigma }
            }
            Shape::Pareto { mean, alpha } => Other::Pareto {
                least: nanos(*mean) * (alpha - 1.0) / alpha,
                exponent: -1.0 / alpha,
            },
            Shape::Empirical { values } => Other::Empirical(values.as_slice().into()),
        })))
    }

    /// One draw.
    #[inline(always)]
    pub fn sample(&self, source: &mut impl Source) -> SimDuration {
        match &self.0 {
            Kind::Constant(value) => *value,
            Kind::Exponential { mean } => Self::of_unit(Self::unit_exponential(source), *mean),
            Kind::Other(other) => other.sample(source),
        }
    }
}

impl Sampler {
    /// One draw from the exponential distribution of mean 1.
    #[inline]
    pub fn unit_exponential(source: &mut impl Source) -> f64 {
        -math::ln(source.unit_open_low())
    }

    /// The draw of mean `mean`, in nanoseconds, that goes with one of mean 1.
    #[inline]
    pub fn of_unit(unit: f64, mean: f64) -> SimDuration {
        whole(unit * mean)
    }
}

impl Other {
    fn sample(&self, source: &mut impl Source) -> SimDuration {
        match self {
            Self::Uniform { min, span } => {
                let offset = match span.checked_add(1) {
                    Some(n) => source.below(n),
                    None => source.next_u64(),
                };
                SimDuration::from_nanos(min + offset)
            }
            Self::Gamma(gamma) => whole(gamma.sample(source)),
            Self::Lognormal { mu, sigma } => whole(math::exp(mu + sigma * normal(source))),
            Self::Pareto { least, exponent } => whole(least * math::pow(source.unit_open_low(), *exponent)),
            Self::Empirical(values) => values[source.below(values.len() as u64) as usize],
        }
    }
}

fn nanos(d: SimDuration) -> f64 {
    d.as_nanos() as f64
}

/// The nearest whole nanosecond. By way of a signed integer, which every processor converts in one step.
#[inline]
fn whole(nanos: f64) -> SimDuration {
    SimDuration::from_nanos((nanos + 0.5) as i64 as u64)
}

/// A standard normal draw, from one word by inversion.
#[inline]
fn normal(source: &mut impl Source) -> f64 {
    // The middles of 2⁵³ equal steps: never 0. Above ½ a middle is not a number of its own but rounds to the even
    // end of its step, the last one to 1, which is infinitely far away.
    let p = ((source.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64);
    math::normal_quantile(p.min(1.0 - f64::EPSILON / 2.0))
}

/// Parameters (µ, σ) of the lognormal with this mean and 99th percentile.
///
/// ln mean = µ + σ²/2 and ln p99 = µ + zσ, so σ² − 2zσ + 2 ln(p99/mean) = 0; of the two roots the smaller is
/// the one whose bulk lies near the mean.
fn lognormal(mean: f64, p99: f64) -> (f64, f64) {
    let z = math::normal_quantile(0.99);
    let sigma = z - math::sqrt((z * z - 2.0 * math::ln(p99 / mean)).max(0.0));
    (math::ln(mean) - sigma * sigma / 2.0, sigma)
}

/// Gamma draws by rejection from a cubed normal.
///
/// Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
#[derive(Clone, Debug)]
struct Gamma {
    scale: f64,
    /// The method's d and c.
    d: f64,
    c: f64,
    /// 1 ÷ shape where the shape is below 1, which the method does not reach by itself.
    boost: Option<f64>,
}

impl Gamma {
    fn new(mean: f64, cv: f64) -> Self {
        let shape = 1.0 / (cv * cv);
        let (reached, boost) = if shape < 1.0 {
            (shape + 1.0, Some(1.0 / shape))
        } else {
            (shape, None)
        };
        let d = reached - 1.0 / 3.0;
        Self {
            scale: mean / shape,
            d,
            c: 1.0 / math::sqrt(9.0 * d),
            boost,
        }
    }

    fn sample(&self, source: &mut impl Source) -> f64 {
        let value = self.d * self.cube(source) * self.scale;
        match self.boost {
            // A draw of shape + 1 times a power of a uniform one has the shape that is wanted.
            Some(power) => value * math::pow(source.unit_open_low(), power),
            None => value,
        }
    }

    fn cube(&self, source: &mut impl Source) -> f64 {
        loop {
            let x = normal(source);
            let root = 1.0 + self.c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            let u = source.unit_open_low();
            let square = x * x;
            // The first test is cheap and settles nearly all draws; the second is exact.
            if u < 1.0 - 0.0331 * square * square
                || math::ln(u) < 0.5 * square + self.d * (1.0 - v + math::ln(v))
            {
                return v;
            }
        }
    }
}

/// Ranks drawn with a probability that falls as a power of the rank.
///
/// Constant time a draw for any number of ranks, by rejection from the continuous curve above the steps.
///
/// Source: Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone discrete
/// distributions", 1996.
#[derive(Clone, Debug)]
pub struct Zipf {
    n: u64,
    exponent: f64,
    /// Integral of the curve up to ½ past the last rank, and from where draws start.
    area_end: f64,
    area_start: f64,
    /// Draws this little above a rank's middle need no test.
    safe: f64,
}

impl Zipf {
    /// Ranks 0 … `n` − 1; rank k has weight (k + 1) to the power of −`exponent`.
    ///
    /// # Panics
    /// If `n` is zero, or `exponent` negative or not finite.
    pub fn new(n: u64, exponent: f64) -> Self {
        assert!(n > 0, "a Zipf law needs at least one rank");
        assert!(
            exponent.is_finite() && exponent >= 0.0,
            "the exponent of a Zipf law must be finite and not negative, but is {exponent}"
        );
        let area = |x| area(x, exponent);
        Self {
            n,
            exponent,
            area_end: area(n as f64 + 0.5),
            area_start: area(1.5) - 1.0,
            safe: 2.0 - area_inverse(area(2.5) - math::pow(2.0, -exponent), exponent),
        }
    }

    /// One rank; 0 is the likeliest.
    #[inline]
    pub fn sample(&self, source: &mut impl Source) -> u64 {
        loop {
            let u = self.area_end + source.unit() * (self.area_start - self.area_end);
            let x = area_inverse(u, self.exponent);
            let rank = ((x + 0.5) as u64).clamp(1, self.n);
            let k = rank as f64;
            if k - x <= self.safe || u >= area(k + 0.5, self.exponent) - math::pow(k, -self.exponent) {
                return rank - 1;
            }
        }
    }
}

/// Integral of t^−s from 1 to x.
#[inline]
fn area(x: f64, s: f64) -> f64 {
    let log = math::ln(x);
    let t = (1.0 - s) * log;
    // (x^(1−s) − 1) ÷ (1−s), which tends to ln x as s tends to 1.
    if t.abs() > 1e-8 {
        math::exp_m1(t) / t * log
    } else {
        log * (1.0 + t / 2.0)
    }
}

/// The x whose [`area`] is `a`.
#[inline]
fn area_inverse(a: f64, s: f64) -> f64 {
    // Rounding must not push the argument of the logarithm below 0.
    let t = (a * (1.0 - s)).max(-1.0);
    let log = if t.abs() > 1e-8 {
        math::ln_1p(t) / t * a
    } else {
        a * (1.0 - t / 2.0)
    };
    math::exp(log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::streams::{Stream, Streams};
    use statrs::distribution::ContinuousCDF;

    const DRAWS: usize = 1_000_000;

    fn sampler(json: &str) -> Sampler {
        let dist: Dist = serde_json::from_str(json).expect(json);
        Sampler::new(&dist).expect(json)
    }

    fn stream(purpose: &str) -> Stream {
        Streams::new(7).stream("test", purpose)
    }

    #[track_caller]
    fn check_first(json: &str, expected: [u64; 8]) {
        let (sampler, mut stream) = (sampler(json), stream("first"));
        let found = std::array::from_fn(|_| sampler.sample(&mut stream).as_nanos());
        assert_eq!(found, expected, "{json}");
    }

    /// Each new stream, each distribution: to the nanosecond, on every system.
    #[test]
    fn the_first_draws_are_pinned() {
        check_first(r#""60ms""#, [60_000_000; 8]);
        check_first(
            r#"{ "uniform": { "min": "10ms", "max": "30ms" } }"#,
            [
                10_063_715, 10_352_447, 27_235_490, 12_206_313, 20_190_840, 16_054_144, 27_698_740,
                19_024_180,
            ],
        );
        check_first(
            r#"{ "exponential": { "mean": "10ms" } }"#,
            [
                57_490_530, 40_385_850, 1_487_617, 22_044_095, 6_742_430, 11_949_893, 1_222_388, 7_958_246,
            ],
        );
        check_first(
            r#"{ "gamma": { "mean": "10ms", "cv": 0.5 } }"#,
            [
                1_327_301, 15_426_010, 9_281_655, 16_195_026, 12_964_799, 7_780_045, 14_861_569, 6_741_220,
            ],
        );
        check_first(
            r#"{ "gamma": { "mean": "10ms", "cv": 1.5 } }"#,
            [
                46_326, 390_766, 35_308_007, 14_607_482, 3_472_667, 888_201, 1_967_147, 107_448,
            ],
        );
        check_first(
            r#"{ "lognormal": { "mean": "10ms", "p99": "40ms" } }"#,
            [
                1_152_528, 1_783_876, 16_778_412, 3_309_549, 7_949_764, 5_440_161, 18_146_624, 7_172_940,
            ],
        );
        check_first(
            r#"{ "pareto": { "mean": "10ms", "alpha": 2.5 } }"#,
            [
                59_822_430, 30_180_423, 6_367_864, 14_490_935, 7_857_407, 9_677_031, 6_300_664, 8_248_978,
            ],
        );
        check_first(
            r#"{ "empirical": { "values": ["1ns", "2ns", "3ns"] } }"#,
            [1, 1, 3, 1, 2, 1, 3, 2],
        );
    }

    #[test]
    fn the_first_ranks_are_pinned() {
        let (zipf, mut stream) = (Zipf::new(10_000, 1.1), stream("first"));
        let ranks: [u64; 8] = std::array::from_fn(|_| zipf.sample(&mut stream));
        assert_eq!(ranks, [9485, 7490, 0, 1854, 21, 168, 0, 36]);
    }

    /// A million draws against the law: mean and standard deviation (seconds), and the greatest distance of
    /// the distribution functions (Kolmogorov and Smirnov).
    ///
    /// Bounds: four standard errors for the mean; 1.95 ÷ √n for the distance, which a right sampler passes
    /// in 999 of 1000 seeds, plus 1e-4 because only every hundredth draw is looked at.
    #[track_caller]
    fn check_law(json: &str, mean: f64, deviation: f64, law: impl Fn(f64) -> f64) {
        let (sampler, mut stream) = (sampler(json), stream("law"));
        let mut draws: Vec<u64> = (0..DRAWS)
            .map(|_| sampler.sample(&mut stream).as_nanos())
            .collect();
        let n = DRAWS as f64;
        let found = draws.iter().map(|&d| d as f64).sum::<f64>() / n / 1e9;
        assert!(
            (found - mean).abs() < 4.0 * deviation / n.sqrt(),
            "{json}: mean {found} for {mean}"
        );

        draws.sort_unstable();
        for draw in draws.iter().step_by(100) {
            // A draw stands for all that rounds to it.
            let (below, up_to) = (
                draws.partition_point(|d| d < draw),
                draws.partition_point(|d| d <= draw),
            );
            for (count, edge) in [(below, -0.5), (up_to, 0.5)] {
                let distance = (count as f64 / n - law((*draw as f64 + edge).max(0.0) / 1e9)).abs();
                assert!(
                    distance < 1.95 / n.sqrt() + 1e-4,
                    "{json}: {distance} off at {draw} ns"
                );
            }
        }
    }

    #[test]
    fn uniform_draws_follow_their_law() {
        let json = r#"{ "uniform": { "min": "10ms", "max": "30ms" } }"#;
        check_law(json, 0.02, 0.02 / 12_f64.sqrt(), |x| (x - 0.01) / 0.02);
    }

    #[test]
    fn exponential_draws_follow_their_law() {
        let law = statrs::distribution::Exp::new(100.0).expect("a rate");
        check_law(r#"{ "exponential": { "mean": "10ms" } }"#, 0.01, 0.01, |x| {
            law.cdf(x)
        });
    }

    /// Shapes 25 (above 1), 1 (the exponential) and 1/9 (below 1, so through the boost).
    #[test]
    fn gamma_draws_follow_their_law() {
        for cv in [0.2, 1.0, 3.0] {
            let shape = 1.0 / (cv * cv);
            let law = statrs::distribution::Gamma::new(shape, shape / 0.01).expect("a shape and a rate");
            let json = format!(r#"{{ "gamma": {{ "mean": "10ms", "cv": {cv} }} }}"#);
            check_law(&json, 0.01, 0.01 * cv, |x| law.cdf(x));
        }
    }

    /// With µ = ln 1 s and σ = 1 the mean is e^½ s and the 99th percentile e^2.3263… s; the standard deviation is
    /// mean × √(e − 1).
    #[test]
    fn lognormal_draws_follow_their_law() {
        let json = r#"{ "lognormal": { "mean": "1648721271ns", "p99": "10240473656ns" } }"#;
        let law = statrs::distribution::LogNormal::new(0.0, 1.0).expect("a scale and a shape");
        let mean = math::exp(0.5);
        check_law(json, mean, mean * (std::f64::consts::E - 1.0).sqrt(), |x| {
            law.cdf(x)
        });
    }

    /// α = 2.5 and mean 10 ms: least value 10 ms × 1.5 ÷ 2.5 = 6 ms; variance 6² × 2.5 ÷ (1.5² × 0.5) ms².
    #[test]
    fn pareto_draws_follow_their_law() {
        let law = statrs::distribution::Pareto::new(0.006, 2.5).expect("a scale and a shape");
        let deviation = 0.006 * (2.5_f64 / (1.5 * 1.5 * 0.5)).sqrt();
        check_law(
            r#"{ "pareto": { "mean": "10ms", "alpha": 2.5 } }"#,
            0.01,
            deviation,
            |x| law.cdf(x),
        );
    }

    /// 1 ms is listed twice among four. Standard error of a count of 300 000 at ½: 274.
    #[test]
    fn empirical_draws_come_as_often_as_listed() {
        let sampler = sampler(r#"{ "empirical": { "values": ["1ms", "7ms", "1ms", "9ms"] } }"#);
        let mut stream = stream("law");
        let ones = (0..300_000)
            .filter(|_| sampler.sample(&mut stream).as_millis() == 1)
            .count();
        assert!(ones.abs_diff(150_000) < 4 * 274, "{ones}");
    }

    /// A source that gives the same word for ever: the ends of what a generator can give.
    struct Always(u64);
    impl Source for Always {
        fn next_u64(&mut self) -> u64 {
            self.0
        }
    }

    /// −ln 2⁻⁵³ = 36.7; the Pareto tail of α = 1.0001 passes 292 years and saturates.
    #[test]
    fn the_ends_of_luck_give_sound_times() {
        let (low, high) = (&mut Always(0), &mut Always(u64::MAX));
        let exponential = sampler(r#"{ "exponential": { "mean": "1s" } }"#);
        assert_eq!(exponential.sample(low).to_string(), "36s736ms800us570ns");
        assert_eq!(exponential.sample(high), SimDuration::ZERO);
        let pareto = sampler(r#"{ "pareto": { "mean": "100000d", "alpha": 1.0001 } }"#);
        assert_eq!(pareto.sample(low).as_nanos(), i64::MAX as u64);
        let lognormal = sampler(r#"{ "lognormal": { "mean": "1s", "p99": "4s" } }"#);
        assert!(SimDuration::ZERO < lognormal.sample(low) && lognormal.sample(low) < lognormal.sample(high));
        // The quantiles of 2⁻⁵⁴ and of 1 − 2⁻⁵³.
        assert_eq!((normal(low) * 1e6).round(), -8_292_361.0);
        assert_eq!((normal(high) * 1e6).round(), 8_209_536.0);
        let uniform = sampler(r#"{ "uniform": { "min": "1ns", "max": "4ns" } }"#);
        assert_eq!(
            (uniform.sample(low).as_nanos(), uniform.sample(high).as_nanos()),
            (1, 4)
        );
    }

    /// Ranks against their exact weights: χ² over the 30 likeliest and the rest, with 30 degrees of freedom,
    /// so mean 30 and standard deviation √60; bound 5 of them.
    #[test]
    fn zipf_ranks_follow_their_law() {
        for (n, exponent) in [
            (1000_u32, 0.0),
            (1000, 0.5),
            (1000, 1.0),
            (1000, 1.1),
            (31, 2.5),
            (100_000, 1.0001),
        ] {
            let weights: Vec<f64> = (1..=n).map(|k| math::pow(f64::from(k), -exponent)).collect();
            let total: f64 = weights.iter().sum();
            let (zipf, mut stream) = (Zipf::new(u64::from(n), exponent), stream("zipf"));
            const N: u32 = 300_000;
            let mut counts = [0_u32; 31];
            for _ in 0..N {
                let rank = zipf.sample(&mut stream);
                assert!(rank < u64::from(n));
                counts[rank.min(30) as usize] += 1;
            }
            let share = |i: usize| if i < 30 { weights[i] } else { weights[30..].iter().sum() } / total;
            let chi: f64 = (0..31)
                .map(|i| {
                    math::pow(f64::from(counts[i]) - share(i) * f64::from(N), 2.0) / (share(i) * f64::from(N))
                })
                .sum();
            assert!(
                (chi - 30.0).abs() < 5.0 * 60_f64.sqrt(),
                "n {n}, exponent {exponent}: χ² {chi:.0}"
            );
        }
    }

    /// Near exponent 1 the integral is a series; ln x · (1 + t/2 + t²/6 + …) with t = (1 − s) ln x on both sides of
    /// where it takes over.
    #[test]
    fn areas_have_no_seam_near_exponent_one() {
        for x in [1.5, 2.5, 1e6] {
            for off in [
                0.0, 1e-16, 1e-12, 1e-10, 7e-10, 1e-9, 5e-9, 1e-8, 2e-8, 1e-7, 1e-6,
            ] {
                for s in [1.0 - off, 1.0 + off] {
                    let (log, t) = (math::ln(x), (1.0 - s) * math::ln(x));
                    let expected = log * (1.0 + t / 2.0 * (1.0 + t / 3.0 * (1.0 + t / 4.0)));
                    let found = area(x, s);
                    assert!(
                        (found / expected - 1.0).abs() < 1e-15,
                        "{x} {s}: {found} for {expected}"
                    );
                    let back = area_inverse(found, s);
                    assert!((back / x - 1.0).abs() < 1e-14, "{x} {s}: came back as {back}");
                }
            }
        }
    }

    /// The second rank is the one whose draws need the test soonest: what spares it to all ranks is its bound.
    #[test]
    fn draws_are_spared_the_test_as_far_as_is_sure() {
        for exponent in [0.0, 0.5, 1.0, 1.1, 3.0] {
            let edge = 2.0 - Zipf::new(1000, exponent).safe;
            let (found, bound) = (
                area(edge, exponent),
                area(2.5, exponent) - math::pow(2.0, -exponent),
            );
            assert!((found - bound).abs() < 1e-15, "{exponent}: {found} for {bound}");
        }
    }

    #[test]
    fn a_zipf_law_reaches_both_ends() {
        for n in [1, 2, u64::from(u32::MAX), u64::MAX] {
            for exponent in [0.0, 0.99, 1.0, 3.0, 50.0] {
                let zipf = Zipf::new(n, exponent);
                let mut stream = stream("zipf");
                for _ in 0..100 {
                    assert!(zipf.sample(&mut stream) < n, "{n} {exponent}");
                }
            }
        }
    }
}
