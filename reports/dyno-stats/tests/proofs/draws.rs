//! Seeded draws of several shapes, for simulated experiments.

/// xorshift64* (Vigna 2016): a seeded generator, so that each run of a test sees the same draws.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    /// Uniform in (0, 1).
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        (bits as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box & Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.next().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.next()).cos()
    }
}

/// A named shape, by one draw of it.
pub(crate) type Shape = (&'static str, fn(&mut Draws) -> f64);

/// Normal, skewed, of two modes, and with a tail without a variance.
pub(crate) const SHAPES: [Shape; 4] = [
    ("normal", Draws::normal),
    ("log-normal", |draws| (0.8 * draws.normal()).exp()),
    ("two modes", |draws| 4.0 * f64::from(u8::from(draws.next() < 0.3)) + 0.5 * draws.normal()),
    ("Cauchy", |draws| (std::f64::consts::PI * (draws.next() - 0.5)).tan()),
];
