//! Logarithm, exponential and draws that are the same to the last bit on every machine.
//!
//! The library functions of platforms differ in their last digits, so a schedule made with them would differ, too.
//! Here only +, −, ×, ÷ and √ are used, each of which IEEE 754 defines exactly; Rust neither fuses nor reorders them.

use std::f64::consts::{LN_2, SQRT_2};

use crate::seed::Stream;

/// Terms of the series; the next one is below 1e-17 of the sum for every argument that is left after reduction.
const N_LN_TERMS: u32 = 12;
const N_EXP_TERMS: u32 = 16;
/// The upper 32 bits of ln 2, so that a whole multiple of it is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Arguments below have an exponential of under 1e-300, which is taken for 0.
const EXP_LEAST: f64 = -690.0;

/// Natural logarithm of a positive normal number: `ln x = e·ln 2 + 2·artanh((m − 1)/(m + 1))` with `x = m·2ᵉ`.
pub(crate) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i32 - 1023;
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if m > SQRT_2 {
        m /= 2.0;
        exponent += 1;
    }
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let sum = (0..N_LN_TERMS).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    f64::from(exponent) * LN_2_HIGH + (2.0 * s * sum + f64::from(exponent) * LN_2_LOW)
}

/// Exponential of a number that is not above 0: `eˣ = 2ⁿ·eʳ` with `|r| ≤ ln 2 / 2`.
pub(crate) fn exp(x: f64) -> f64 {
    if x < EXP_LEAST {
        return 0.0;
    }
    let n = (x / LN_2).round();
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let sum = (1..=N_EXP_TERMS).rev().fold(1.0, |sum, k| 1.0 + sum * r / f64::from(k));
    let exponent = (1023 + n as i64) as u64;
    sum * f64::from_bits(exponent << 52)
}

impl Stream {
    /// Uniform strictly between 0 and 1, in steps of 2⁻⁵².
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Exponential with mean 1, by inversion.
    pub(crate) fn exponential(&mut self) -> f64 {
        -ln(self.uniform())
    }

    /// Standard normal (Marsaglia & Bray 1964, the polar method; one of its two draws is used).
    fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }

    /// Gamma with `shape` and scale 1 (Marsaglia & Tsang 2000, "A simple method for generating gamma variables");
    /// a shape below 1 is that of one more, times `U^(1/shape)`, as they say there.
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        let boost = if shape < 1.0 { exp(ln(self.uniform()) / shape) } else { 1.0 };
        let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            let v = root * root * root;
            if root > 0.0 && ln(self.uniform()) < 0.5 * x * x + d - d * v + d * ln(v) {
                return boost * d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    const N: u32 = 40_000;

    /// Mean and variance of `N` draws.
    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let draws: Vec<f64> = (0..N).map(|_| draw()).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(N);
        (mean, draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(N))
    }

    #[test]
    fn logarithm_and_exponential_of_round_numbers() {
        assert_eq!(ln(1.0).to_bits(), 0.0_f64.to_bits());
        assert!((ln(10.0) - std::f64::consts::LN_10).abs() < 1e-15);
        assert!((exp(-1.0) - 1.0 / std::f64::consts::E).abs() < 1e-16);
        assert_eq!(exp(0.0).to_bits(), 1.0_f64.to_bits());
        assert_eq!(exp(-1000.0).to_bits(), 0.0_f64.to_bits());
    }

    proptest! {
        /// This platform's own library is the second method; it is right to about one unit of the last place.
        #[test]
        fn logarithm_and_exponential_are_right_to_the_last_digits(x in 1e-300_f64..1e300, y in -690.0_f64..0.0) {
            prop_assert!((ln(x) - x.ln()).abs() <= 4e-16 * x.ln().abs().max(1.0), "ln {x}");
            prop_assert!((exp(y) - y.exp()).abs() <= 4e-16 * y.exp(), "exp {y}");
        }
    }

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        // Bounds are five standard errors of 40,000 draws or more.
        let mut stream = Stream::new(3, "test", "");
        let close = |found: (f64, f64), mean: f64, variance: f64, by: f64| {
            assert!((found.0 - mean).abs() < by * variance.sqrt().max(1.0), "mean {found:?}, not {mean}");
            assert!((found.1 - variance).abs() < 6.0 * by * variance, "variance {found:?}, not {variance}");
        };
        close(moments(|| stream.uniform()), 0.5, 1.0 / 12.0, 0.025);
        close(moments(|| stream.exponential()), 1.0, 1.0, 0.025);
        close(moments(|| stream.normal()), 0.0, 1.0, 0.025);
        for shape in [0.25, 1.0, 4.0, 100.0] {
            close(moments(|| stream.gamma(shape)), shape, shape, 0.025);
        }
    }
}
