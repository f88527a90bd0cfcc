//! How far an empirical distribution function can be from the true one.

/// Half the height of a band that holds the whole true distribution function with at least `confidence`, of `n`
/// independent observations: `√(ln(2/α) / 2n)`, α = 1 − `confidence`.
///
/// Dvoretzky, Kiefer and Wolfowitz (1956) with Massart's constant ("The tight constant in the
/// Dvoretzky–Kiefer–Wolfowitz inequality", 1990). It holds for all shapes and at all points at once, so it is wider
/// than an interval of one percentile. `None` without an observation, or with a confidence outside 0 to 1.
pub fn dkw_half_height(n: u64, confidence: f64) -> Option<f64> {
    let is_share = confidence > 0.0 && confidence < 1.0;
    (n > 0 && is_share).then(|| ((2.0 / (1.0 - confidence)).ln() / (2.0 * n as f64)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    #[test]
    fn half_heights_are_those_of_the_formula() {
        // By hand: ln 40 = 3.688879; over 200 it is 0.01844440, of which the root is 0.1358102.
        let found = dkw_half_height(100, 0.95).expect("100 observations");
        assert!((found - 0.135_810_2).abs() < 1e-6, "{found}");
        // ln 200 = 5.298317; over 2000 it is 0.002649159, of which the root is 0.05146998.
        let found = dkw_half_height(1000, 0.99).expect("1000 observations");
        assert!((found - 0.051_469_98).abs() < 1e-6, "{found}");
        assert_eq!(dkw_half_height(0, 0.95), None);
        assert_eq!(dkw_half_height(10, 1.0), None);
    }

    /// Of 10,000 experiments with 40 observations each, at least 94 % keep the whole true function within the band: the
    /// true function of uniform numbers is x itself, and the farthest points are at the steps.
    #[test]
    fn a_band_holds_the_whole_function() {
        const N: usize = 40;
        let height = dkw_half_height(N as u64, 0.95).expect("40 observations");
        let mut draws = Draws::new(7);
        let mut n_held = 0;
        for _ in 0..10_000 {
            let mut values: Vec<f64> = (0..N).map(|_| draws.unit()).collect();
            values.sort_unstable_by(f64::total_cmp);
            let step = |k: usize| k as f64 / N as f64;
            let is_near =
                |(k, x): (usize, &f64)| (step(k) - x).abs() <= height && (step(k + 1) - x).abs() <= height;
            n_held += u32::from(values.iter().enumerate().all(is_near));
        }
        assert!(n_held >= 9_400, "{n_held}");
        assert!(n_held <= 9_900, "a band that always holds would be too wide: {n_held}");
    }
}
