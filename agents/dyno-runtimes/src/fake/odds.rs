//! How likely a script's tokens are.

use dyno_model::request::{TokenChoice, TokenLogprob};

use super::Settings;
use crate::error::RuntimeError;
use crate::logprobs::{Logprobs, choice};

/// About 0.61: a model that is rather sure.
const USUAL_MICRO: i64 = -500_000;

/// How likely each token is, as the script has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Odds {
    /// Natural logarithms in millionths, gone through again and again.
    Told(Vec<i64>),
    /// The runtime does not say.
    Silent,
}

impl Settings<'_> {
    /// The setting `logprob_micro`.
    pub(super) fn odds(&self) -> Result<Odds, RuntimeError> {
        const NAME: &str = "logprob_micro";
        let list = match self.text(NAME) {
            None => return Ok(Odds::Told(vec![USUAL_MICRO])),
            Some("none") => return Ok(Odds::Silent),
            Some(list) => list,
        };
        let one = |one: &str| one.trim().parse().ok().filter(|micro| *micro <= 0);
        let micros: Option<Vec<i64>> = list.split(',').map(one).collect();
        micros.map(Odds::Told).ok_or_else(|| self.bad(NAME, "`none`, or a comma list of numbers up to 0"))
    }
}

impl Odds {
    /// What is told of an answer of `n_tokens` words; `None` where nobody asks, or nothing is said.
    pub(super) fn of(&self, words: &[String], n_tokens: u32, top: u8) -> Option<Logprobs> {
        let Self::Told(micros) = self else { return None };
        if top == 0 {
            return None;
        }
        let mut told = Logprobs::new(top);
        for (micro, word) in micros.iter().cycle().zip((0..words.len()).cycle()).take(n_tokens as usize) {
            told.push(token(words, word, *micro, usize::from(top)));
        }
        Some(told)
    }
}

/// The word of that number, of that probability, and those after it with halves of what it leaves.
fn token(words: &[String], word: usize, logprob_micro: i64, n_top: usize) -> TokenLogprob {
    let token = TokenChoice { id: Some(word as u32), piece: words[word].clone(), logprob_micro };
    let left_ln = (-(logprob_micro as f64 / 1e6).exp()).ln_1p();
    let other = |number: usize| {
        let at = (word + number) % words.len();
        choice(Some(at as u32), words[at].clone(), left_ln - number as f64 * std::f64::consts::LN_2)
    };
    let others = (1..words.len().min(n_top + 1)).map(other);
    TokenLogprob { top: std::iter::once(token.clone()).chain(others).collect(), token }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<String> {
        ["a ", "b ", "c ", "d "].map(str::to_owned).to_vec()
    }

    #[test]
    fn alternatives_share_what_is_left_in_halves() {
        // A probability of one half, then certainty.
        let odds = Odds::Told(vec![-693_147, 0]);
        let told = odds.of(&words(), 3, 3).expect("asked");
        let rows: Vec<Vec<(Option<u32>, &str, i64)>> = told
            .tokens()
            .iter()
            .map(|one| one.top.iter().map(|top| (top.id, top.piece.as_str(), top.logprob_micro)).collect())
            .collect();
        // A half of the other half is a quarter, ln -1.386294; then an eighth, ln -2.079442.
        assert_eq!(
            rows[0],
            [(Some(0), "a ", -693_147), (Some(1), "b ", -1_386_295), (Some(2), "c ", -2_079_442)]
        );
        let impossible = -1_000_000_000_000;
        assert_eq!(rows[1], [(Some(1), "b ", 0), (Some(2), "c ", impossible), (Some(3), "d ", impossible)]);
        assert_eq!(rows[2][0], (Some(2), "c ", -693_147));
        assert_eq!(told.tokens()[2].token, told.tokens()[2].top[0]);
    }

    #[test]
    fn probabilities_never_add_up_to_more_than_one() {
        for micro in [-1, -1000, -500_000, -3_000_000, -20_000_000] {
            let told = Odds::Told(vec![micro]).of(&words(), 1, 20).expect("asked");
            let sum: f64 =
                told.tokens()[0].top.iter().map(|one| (one.logprob_micro as f64 / 1e6).exp()).sum();
            assert!(sum <= 1.0 + 1e-6, "{micro}: {sum}");
        }
    }

    #[test]
    fn nothing_is_told_unasked() {
        assert_eq!(Odds::Told(vec![-1]).of(&words(), 3, 0), None);
        assert_eq!(Odds::Silent.of(&words(), 3, 5), None);
    }
}
