//! Drawing the next token from the logits.

use dyno_model::request::Sampling;

use super::rng::SplitMix;

/// Candidates that are less likely than the best one by this factor, e^-16, never make it into a nucleus.
const NEGLIGIBLE: f32 = -16.0;

/// Draws the tokens of one request.
pub(crate) struct Sampler {
    rng: SplitMix,
    temperature: f32,
    top_p: f64,
    candidates: Vec<(f64, u32)>,
}

impl Sampler {
    /// A sampler that begins at the request's seed.
    pub(crate) fn new(sampling: &Sampling) -> Self {
        Self {
            rng: SplitMix::new(sampling.seed),
            temperature: sampling.temperature_milli as f32 / 1000.0,
            top_p: f64::from(sampling.top_p_milli.min(1000)) / 1000.0,
            candidates: Vec::new(),
        }
    }

    /// The next token.
    pub(crate) fn draw(&mut self, logits: &[f32]) -> u32 {
        let best = greatest(logits);
        if self.temperature <= 0.0 {
            return best;
        }
        let top = logits[best as usize];
        self.candidates.clear();
        for (token, logit) in logits.iter().enumerate() {
            let exponent = (logit - top) / self.temperature;
            if exponent > NEGLIGIBLE || self.top_p >= 1.0 {
                self.candidates.push((f64::from(exponent).exp(), token as u32));
            }
        }
        // Equal weights keep the order of the vocabulary, so that a seed always gives the same token.
        self.candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let total: f64 = self.candidates.iter().map(|candidate| candidate.0).sum();
        let mut nucleus = 0.0;
        let mut n = 0;
        for candidate in &self.candidates {
            nucleus += candidate.0;
            n += 1;
            if nucleus >= self.top_p * total {
                break;
            }
        }
        let mut left = self.rng.next_f64() * nucleus;
        for candidate in &self.candidates[..n] {
            left -= candidate.0;
            if left < 0.0 {
                return candidate.1;
            }
        }
        best
    }
}

/// Number of the greatest logit; the first of equal ones.
pub(super) fn greatest(logits: &[f32]) -> u32 {
    let (chunks, rest) = logits.as_chunks::<16>();
    // Two passes that the compiler can vectorize: the value, then its place.
    let mut lanes = [f32::NEG_INFINITY; 16];
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    let top = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    logits.iter().position(|x| *x >= top).unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(temperature_milli: u32, top_p_milli: u32, seed: u64) -> Sampler {
        Sampler::new(&Sampling {
            max_tokens: 1,
            ignore_eos: false,
            temperature_milli,
            top_p_milli,
            seed,
            top_logprobs: 0,
        })
    }

    #[test]
    fn temperature_zero_takes_the_first_of_the_greatest() {
        let mut logits = vec![0.0; 40];
        (logits[33], logits[35]) = (2.0, 2.0);
        assert_eq!(sampler(0, 1000, 1).draw(&logits), 33);
        logits[3] = 2.0;
        assert_eq!(sampler(0, 1000, 1).draw(&logits), 3);
        assert_eq!(sampler(0, 1000, 1).draw(&[f32::NAN; 3]), 0);
    }

    #[test]
    fn a_seed_fixes_the_draws_and_they_follow_the_odds() {
        // Odds 1 : 3 at temperature 1.
        let logits = [0.0, 3.0_f32.ln()];
        let draws = |seed| {
            let mut sampler = sampler(1000, 1000, seed);
            (0..4000).map(|_| sampler.draw(&logits)).collect::<Vec<_>>()
        };
        assert_eq!(draws(5), draws(5));
        assert_ne!(draws(5), draws(6));
        // 3000 expected, standard deviation 27.
        let n: u32 = draws(5).iter().sum();
        assert!((2860..3140).contains(&n), "{n}");
    }

    #[test]
    fn the_nucleus_leaves_out_the_unlikely() {
        // Odds 6 : 3 : 1; half of the mass is the first alone, 0.8 needs two.
        let logits = [1.0_f32.ln(), 6.0_f32.ln(), 3.0_f32.ln()];
        let mut half = sampler(1000, 500, 9);
        assert!((0..200).all(|_| half.draw(&logits) == 1));
        let mut most = sampler(1000, 800, 9);
        let draws: Vec<u32> = (0..500).map(|_| most.draw(&logits)).collect();
        assert!(draws.contains(&2) && !draws.contains(&0));
    }
}
