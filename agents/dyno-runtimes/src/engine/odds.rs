//! How likely the model held the tokens of an answer, before temperature and cuts.

use dyno_model::request::TokenLogprob;

use super::sample::greatest;
use super::tokenizer::Tokenizer;
use crate::logprobs::{Logprobs, choice, piece_of};

/// Works out the probabilities of one answer's tokens.
pub(crate) struct Odds {
    told: Logprobs,
    /// Logits and numbers of the likeliest tokens, the likeliest first; its memory is kept.
    best: Vec<(f32, u32)>,
    n_best: usize,
}

impl Odds {
    /// With so many of the likeliest tokens at each place.
    pub(crate) fn new(n_best: u8) -> Self {
        Self {
            told: Logprobs::new(n_best),
            best: Vec::with_capacity(usize::from(n_best) + 1),
            n_best: usize::from(n_best),
        }
    }

    /// Takes the next place: its logits and the token that was drawn from them.
    ///
    /// Cost: an exponential for each token of the vocabulary.
    pub(crate) fn tell(&mut self, logits: &[f32], token: u32, tokenizer: &Tokenizer) {
        let norm = log_sum_exp(logits);
        self.find_best(logits);
        let told =
            |id: u32, logit: f32| choice(Some(id), piece_of(tokenizer.piece(id)), f64::from(logit) - norm);
        let top = self.best.iter().map(|(logit, id)| told(*id, *logit)).collect();
        self.told.push(TokenLogprob { token: told(token, logits[token as usize]), top });
    }

    /// All that was told.
    pub(crate) fn finish(self) -> Logprobs {
        self.told
    }

    /// The likeliest tokens; of equal ones the first in the vocabulary.
    fn find_best(&mut self, logits: &[f32]) {
        self.best.clear();
        for (id, logit) in (0..).zip(logits) {
            let is_full = self.best.len() == self.n_best;
            let is_behind = is_full && self.best.last().is_none_or(|last| last.0 >= *logit);
            // What is no number is no candidate.
            if is_behind || logit.is_nan() {
                continue;
            }
            let at = self.best.partition_point(|known| known.0 >= *logit);
            self.best.insert(at, (*logit, id));
            self.best.truncate(self.n_best);
        }
    }
}

/// Natural logarithm of the sum of all e^logit: the softmax's denominator. The greatest is taken out first, so that
/// nothing overflows, and the sum is made in double precision.
fn log_sum_exp(logits: &[f32]) -> f64 {
    let top = logits.get(greatest(logits) as usize).copied().map_or(f64::NEG_INFINITY, f64::from);
    top + logits.iter().map(|logit| (f64::from(*logit) - top).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::super::rng::SplitMix;
    use super::*;

    /// As many logits as a small vocabulary has, as far apart as a model's are.
    fn logits(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = SplitMix::new(seed);
        (0..n).map(|_| (rng.next_f64() * 40.0 - 25.0) as f32).collect()
    }

    fn best(logits: &[f32], n: u8) -> Vec<u32> {
        let mut odds = Odds::new(n);
        odds.find_best(logits);
        odds.best.iter().map(|(_, id)| *id).collect()
    }

    #[test]
    fn the_denominator_is_that_of_the_plain_formula() {
        for seed in 0..5 {
            let logits = logits(49_152, seed);
            // Without taking anything out: these logits are small enough for it.
            let plain: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
            assert!((log_sum_exp(&logits) - plain.ln()).abs() < 1e-9, "{seed}");
            // And in another order, with the compensation of Kahan (1965).
            let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
            for logit in logits.iter().rev() {
                let term = f64::from(*logit).exp() - lost;
                let next = sum + term;
                lost = (next - sum) - term;
                sum = next;
            }
            assert!((log_sum_exp(&logits) - sum.ln()).abs() < 1e-9, "{seed}");
        }
        // Odds 1 : 3, and logits that no exponential holds.
        assert!((log_sum_exp(&[0.0, 3.0_f32.ln()]) - 4.0_f64.ln()).abs() < 1e-7);
        assert!((log_sum_exp(&[1000.0, 1000.0]) - (1000.0 + 2.0_f64.ln())).abs() < 1e-9);
        assert!((log_sum_exp(&[f32::NEG_INFINITY, 2.0]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_likeliest_are_those_of_a_sorted_vocabulary() {
        for seed in 0..5 {
            let mut logits = logits(5000, seed);
            // Some that are equal, and some that are not numbers.
            (logits[40], logits[4000], logits[77]) = (20.0, 20.0, f32::NAN);
            let mut sorted: Vec<u32> = (0..5000).filter(|id| *id != 77).collect();
            sorted.sort_by(|a, b| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b)));
            for n in [1, 2, 10, 255] {
                assert_eq!(best(&logits, n), sorted[..usize::from(n)], "{n}");
            }
        }
        assert_eq!(best(&[1.0, 2.0], 5), [1, 0]);
        assert_eq!(best(&[f32::NEG_INFINITY; 3], 2), [0, 1]);
        assert_eq!(best(&[f32::NAN; 3], 2), [0_u32; 0]);
    }
}
