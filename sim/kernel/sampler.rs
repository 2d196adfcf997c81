//! Samplers: distributions compiled for drawing.
//!
//! Every draw is a whole number of nanoseconds, rounded to the nearest, and saturates at 2⁶³ ns (292 years),
//! so no float outlives the draw. Constant, uniform, exponential, lognormal and Pareto take one word (a
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
    #[inline]
    pub fn sample(&self, source: &mut impl Source) -> SimDuration {
        match &self.0 {
            Kind::Constant(value) => *value,
            Kind::Exponential { mean } => whole(-math::ln(source.unit_open_low()) * mean),
            Kind::Other(other) => other.sample(source),
        }
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
    // The middles of 2⁵³ equal steps: never 0 or 1, and symmetric.
    let p = ((source.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64);
    math::normal_quantile(p)
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
