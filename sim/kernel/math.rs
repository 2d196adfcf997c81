//! The mathematical functions of the simulation: one portable implementation for every system.
//!
//! The platform's own `ln`, `exp` and `pow` differ between systems in the last bit, and one bit can move an
//! event. `libm` is called directly and by name here, and nowhere else.

/// Natural logarithm.
#[inline]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Natural logarithm of 1 + `x`, exact for small `x`.
#[inline]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// Logarithm to base 10.
#[inline]
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

/// e to the power of `x`.
#[inline]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// e to the power of `x`, less 1, exact for small `x`.
#[inline]
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// `x` to the power of `y`.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Square root; exact to the last bit on every system, as IEEE 754 asks.
#[inline]
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// Natural logarithm of the gamma function, for `x` > 0.
#[inline]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Probability that a standard normal value is at most `x`.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The value that a standard normal one stays below with probability `p`; relative error below 1e-15.
///
/// 0 gives −∞, 1 gives +∞, anything outside NaN.
///
/// Source: Wichura, "Algorithm AS 241: the percentage points of the normal distribution", 1988, PPND16.
#[inline]
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * horner(&CENTRE_OVER, r) / horner(&CENTRE_UNDER, r);
    }
    normal_quantile_of_tail(p, q)
}

fn normal_quantile_of_tail(p: f64, q: f64) -> f64 {
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = sqrt(-ln(tail));
    let size = if r <= 5.0 {
        horner(&TAIL_OVER, r - 1.6) / horner(&TAIL_UNDER, r - 1.6)
    } else {
        horner(&FAR_OVER, r - 5.0) / horner(&FAR_UNDER, r - 5.0)
    };
    size.copysign(q)
}

/// The polynomial with these coefficients, highest power first.
#[inline]
fn horner(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

const CENTRE_OVER: [f64; 8] = [
    2_509.080_928_730_122_6,
    33_430.575_583_588_13,
    67_265.770_927_008_7,
    45_921.953_931_549_87,
    13_731.693_765_509_46,
    1_971.590_950_306_551_3,
    133.141_667_891_784_38,
    3.387_132_872_796_366_5,
];
const CENTRE_UNDER: [f64; 8] = [
    5_226.495_278_852_545,
    28_729.085_735_721_943,
    39_307.895_800_092_71,
    21_213.794_301_586_597,
    5_394.196_021_424_751,
    687.187_007_492_057_9,
    42.313_330_701_600_91,
    1.0,
];
const TAIL_OVER: [f64; 8] = [
    7.745_450_142_783_414e-4,
    0.022_723_844_989_269_184,
    0.241_780_725_177_450_6,
    1.270_458_252_452_368_4,
    3.647_848_324_763_204_5,
    5.769_497_221_460_691,
    4.630_337_846_156_546,
    1.423_437_110_749_683_5,
];
const TAIL_UNDER: [f64; 8] = [
    1.050_750_071_644_416_9e-9,
    5.475_938_084_995_345e-4,
    0.015_198_666_563_616_457,
    0.148_103_976_427_480_08,
    0.689_767_334_985_1,
    1.676_384_830_183_803_8,
    2.053_191_626_637_759,
    1.0,
];
const FAR_OVER: [f64; 8] = [
    2.010_334_399_292_288_1e-7,
    2.711_555_568_743_487_6e-5,
    0.001_242_660_947_388_078_4,
    0.026_532_189_526_576_124,
    0.296_560_571_828_504_87,
    1.784_826_539_917_291_3,
    5.463_784_911_164_114,
    6.657_904_643_501_103,
];
const FAR_UNDER: [f64; 8] = [
    2.044_263_103_389_939_8e-15,
    1.421_511_758_316_446e-7,
    1.846_318_317_510_054_8e-5,
    7.868_691_311_456_133e-4,
    0.014_875_361_290_850_615,
    0.136_929_880_922_735_8,
    0.599_832_206_555_888,
    1.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// To the last bit, on every system: a change of the library that moves one shows here first.
    #[test]
    fn results_are_pinned() {
        let found = [
            ln(0.3),
            ln_1p(1e-5),
            log10(0.7),
            exp(-2.7),
            exp_m1(1e-5),
            pow(0.3, -0.4),
            ln_gamma(0.7),
            normal_cdf(-1.3),
            normal_quantile(0.3),
            normal_quantile(0.99),
            normal_quantile(1e-20),
        ]
        .map(f64::to_bits);
        let expected = [
            0xbff3_4378_fcbd_a721,
            0x3ee4_f8ae_a9ae_7317,
            0xbfc3_d3d3_d21c_cf04,
            0x3fb1_3461_6754_00c2,
            0x3ee4_f8bc_681c_dfb6,
            0x3ff9_e5f7_dcad_5544,
            0x3fd0_b20c_891c_de74,
            0x3fb8_c7ea_a388_3ae1,
            0xbfe0_c7e3_9582_c5fa,
            0x4002_9c5c_4630_ff0c,
            0xc022_8651_70b4_3a4b,
        ];
        assert_eq!(found, expected, "{found:#018x?}");
    }

    /// Tabulated values, digits after the 16th dropped.
    #[test]
    fn the_normal_quantile_has_its_known_values() {
        for (p, expected) in [
            (0.5, 0.0),
            (0.75, 0.674_489_750_196_081_7),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (0.001, -3.090_232_306_167_813_5),
            (1e-10, -6.361_340_902_404_056),
            (1e-20, -9.262_340_089_798_409),
        ] {
            let found = normal_quantile(p);
            assert!(
                (found - expected).abs() <= 2e-15 * expected.abs(),
                "{p}: {found} for {expected}"
            );
        }
        assert_eq!(
            (normal_quantile(0.0), normal_quantile(1.0)),
            (f64::NEG_INFINITY, f64::INFINITY)
        );
        assert!(normal_quantile(-0.1).is_nan() && normal_quantile(1.1).is_nan());
    }

    /// Φ(Φ⁻¹(p)) = p over all three pieces of the approximation. An error ε in the quantile x moves p by
    /// ε·φ(x)/p relatively, about ε·|x| in the tail: 1e-15 · 37² for the smallest p here, so 2e-12 is met
    /// only if every coefficient is right.
    #[test]
    fn the_normal_quantile_inverts_the_distribution_function() {
        for i in 1..3000 {
            let p = pow(10.0, -f64::from(i) / 10.0);
            let back = normal_cdf(normal_quantile(p));
            assert!((back / p - 1.0).abs() < 2e-12, "{p} came back as {back}");
        }
        for i in 1..1000 {
            let p = f64::from(i) / 1000.0;
            let back = normal_cdf(normal_quantile(p));
            assert!((back - p).abs() < 4e-16, "{p} came back as {back}");
        }
    }
}
