//! What even a few runs show against a claim, whatever the requests of a run have in common.

/// Whether runs with these shares of violations show that the share of all runs to come is above `allowed`.
///
/// By Markov's inequality a run has a share of `s` or more with a chance of at most `allowed / s`, if `allowed` is what
/// runs have on average; so all of `m` independent runs have it with a chance of at most `(allowed / s)^m`, where `s`
/// is the smallest share among them. Nothing is assumed of the requests within a run.
pub fn fails_in_every_run(shares: &[f64], allowed: f64, confidence: f64) -> bool {
    let Some(smallest) = shares.iter().copied().min_by(f64::total_cmp) else { return false };
    if smallest <= allowed {
        return false;
    }
    let chance = (allowed / smallest).powf(shares.len() as f64);
    chance < (1.0 - confidence) * (1.0 - 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    #[test]
    fn the_smallest_share_to_the_power_of_the_runs_decides() {
        // Three runs that violate always: 0.05³ = 0.000125.
        assert!(fails_in_every_run(&[1.0; 3], 0.05, 0.95));
        // One run: 0.05 is not below 0.05; at 0.94 it is.
        assert!(!fails_in_every_run(&[1.0], 0.05, 0.95));
        assert!(fails_in_every_run(&[1.0], 0.05, 0.94));
        // Two runs, the better one at 20 %: (0.05 / 0.2)² = 0.0625; at 25 %: 0.04.
        assert!(!fails_in_every_run(&[0.2, 0.9], 0.05, 0.95));
        assert!(fails_in_every_run(&[0.25, 0.9], 0.05, 0.95));
        // A run within the limit leaves everything open.
        assert!(!fails_in_every_run(&[0.05, 1.0, 1.0, 1.0], 0.05, 0.95));
        assert!(!fails_in_every_run(&[], 0.05, 0.95));
    }

    /// Runs that are wholly bad or wholly good, the worst case of the inequality: with 5 % bad ones, as many as are
    /// allowed, all of three are bad once in 8000 times.
    #[test]
    fn it_is_wrong_as_rarely_as_it_says() {
        let mut draws = Draws::new(7);
        let mut n_wrong = 0_u32;
        for _ in 0..20_000 {
            let shares: Vec<f64> = (0..2).map(|_| if draws.unit() < 0.05 { 1.0 } else { 0.0 }).collect();
            n_wrong += u32::from(fails_in_every_run(&shares, 0.05, 0.95));
        }
        // Expected 0.0025 of 20,000 = 50, far below the 1,000 that 95 % allow.
        assert!((20..=90).contains(&n_wrong), "{n_wrong}");
    }
}
