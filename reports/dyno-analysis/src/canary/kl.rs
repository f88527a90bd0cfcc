//! How far two distributions over next tokens are apart, of each of which only the likeliest tokens are known.

use std::collections::BTreeMap;

use dyno_model::request::TokenLogprob;

use super::tokens::{Key, TokensBy};

/// The least probability that is told from none: what a record resolves (house rule).
const LEAST: f64 = 1e-6;

/// What is known of one distribution: the probability of some tokens.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known<'a> {
    p: BTreeMap<Key<'a>, f64>,
    /// No token that is not among them is likelier than this.
    cap: f64,
}

impl<'a> Known<'a> {
    /// The listed tokens and the sampled one; `None` where nothing is listed.
    pub(super) fn of(at: &'a TokenLogprob, by: TokensBy) -> Option<Self> {
        let least = at.top.iter().map(|choice| probability(choice.logprob_micro)).reduce(f64::min)?;
        let mut p: BTreeMap<Key<'a>, f64> = BTreeMap::new();
        for choice in &at.top {
            // Two tokens may share one text.
            *p.entry(Key::of(choice, by)).or_default() += probability(choice.logprob_micro);
        }
        p.entry(Key::of(&at.token, by)).or_insert_with(|| probability(at.token.logprob_micro));
        Some(Self { p, cap: least })
    }

    fn of_token(&self, key: &Key<'_>) -> Option<f64> {
        self.p.get(key).copied()
    }

    /// What all tokens that are not among them have together.
    fn unlisted(&self) -> f64 {
        (1.0 - self.p.values().sum::<f64>()).max(0.0)
    }
}

/// A probability of its logarithm in millionths; never above 1.
pub(super) fn probability(logprob_micro: i64) -> f64 {
    (logprob_micro.min(0) as f64 / 1e6).exp()
}

/// Kullback and Leibler's divergence of `q` from `p`, in nats: `Σ p · ln(p / q)`.
///
/// The terms are those of the tokens that both tell, and all others lumped together. A token that only `p` tells has at
/// most the probability of `q`'s least likely listed token, and all of them at most what `q` has left: they are a lump of
/// their own, at that most. So the value is never above the divergence of the whole distributions.
pub(super) fn kl(p: &Known<'_>, q: &Known<'_>) -> f64 {
    let (mut sum, mut rest_p, mut rest_q) = (0.0, 1.0, 1.0);
    let (mut only_p, mut n_only) = (0.0, 0_u32);
    for (key, of_p) in &p.p {
        rest_p -= of_p;
        if let Some(of_q) = q.of_token(key) {
            rest_q -= of_q;
            sum += term(*of_p, of_q);
        } else {
            only_p += of_p;
            n_only += 1;
        }
    }
    let (rest_p, rest_q) = (rest_p.max(0.0), rest_q.max(0.0));
    let lump = only_p + rest_p;
    // Of what `q` gives to all other tokens, a share like `p`'s would be closest; it cannot be more than the most.
    let like_p = if lump > 0.0 { rest_q * only_p / lump } else { 0.0 };
    let of_only = like_p.min(f64::from(n_only) * q.cap).min(q.unlisted());
    sum += term(only_p, of_only) + term(rest_p, rest_q - of_only);
    sum.max(0.0)
}

fn term(p: f64, q: f64) -> f64 {
    if p < LEAST { 0.0 } else { p * (p / q.max(LEAST)).ln() }
}

#[cfg(test)]
mod tests {
    use dyno_model::request::TokenChoice;

    use super::*;

    fn listed(choices: &[(u32, f64)]) -> TokenLogprob {
        let choice = |(id, p): &(u32, f64)| TokenChoice {
            id: Some(*id),
            piece: format!("t{id}"),
            logprob_micro: (p.ln() * 1e6).round() as i64,
        };
        let top: Vec<TokenChoice> = choices.iter().map(choice).collect();
        TokenLogprob { token: top[0].clone(), top }
    }

    fn check(p: &[(u32, f64)], q: &[(u32, f64)], expected: f64) {
        let (p, q) = (listed(p), listed(q));
        let known = |of| Known::of(of, TokensBy::Id).expect("tokens are listed");
        let found = kl(&known(&p), &known(&q));
        assert!((found - expected).abs() < 5e-6, "{found} is not {expected}");
    }

    #[test]
    fn divergences_by_hand() {
        // 0.5 ln(0.5/0.4) + 0.3 ln(0.3/0.4) + 0.2 ln(0.2/0.2) = 0.111572 − 0.086305 + 0.
        check(&[(1, 0.5), (2, 0.3)], &[(1, 0.4), (2, 0.4)], 0.025_267);
        // The other way round: 0.4 ln(0.4/0.5) + 0.4 ln(0.4/0.3) = −0.089257 + 0.115073.
        check(&[(1, 0.4), (2, 0.4)], &[(1, 0.5), (2, 0.3)], 0.025_816);
        // The rest moves, too: 0.9 ln(0.9/0.6) + 0.1 ln(0.1/0.4) = 0.364919 − 0.138629.
        check(&[(1, 0.9)], &[(1, 0.6)], 0.226_290);
        check(&[(1, 0.7), (2, 0.2)], &[(1, 0.7), (2, 0.2)], 0.0);
    }

    #[test]
    fn lists_without_a_common_token_are_far_apart() {
        // q gives token 1 at most what its least listed token has, 0.05: 0.9 ln(0.9/0.05) + 0.1 ln(0.1/0.95)
        // = 2.601334 − 0.225129.
        check(&[(1, 0.9)], &[(2, 0.8), (3, 0.05)], 2.376_205);
    }

    #[test]
    fn a_token_that_only_one_side_tells_costs_nothing_where_it_may_be_as_likely() {
        // Of the 0.1 that q does not tell of, token 2 may have 0.05 as in p: nothing is shown to differ.
        check(&[(1, 0.6), (2, 0.05)], &[(1, 0.6), (3, 0.3)], 0.0);
        // It cannot have 0.3: 0.3 ln(0.3/0.1) + 0.1 ln(0.1/0.3).
        check(&[(1, 0.6), (2, 0.3)], &[(1, 0.6), (3, 0.3)], 0.219_722);
    }

    #[test]
    fn numbers_that_are_no_probabilities_stay_finite() {
        let odd = |logprob_micro| TokenLogprob {
            token: TokenChoice { id: Some(1), piece: String::new(), logprob_micro },
            top: vec![TokenChoice { id: Some(1), piece: String::new(), logprob_micro }; 3],
        };
        for (a, b) in [(i64::MAX, i64::MIN), (i64::MIN, i64::MAX), (0, 0), (i64::MIN, i64::MIN)] {
            let (a, b) = (odd(a), odd(b));
            let known = |of| Known::of(of, TokensBy::Id).expect("tokens are listed");
            let found = kl(&known(&a), &known(&b));
            assert!(found.is_finite() && found >= 0.0, "{found}");
        }
    }

    #[test]
    fn nothing_is_known_where_nothing_is_listed() {
        let mut none = listed(&[(1, 0.5)]);
        none.top.clear();
        assert_eq!(Known::of(&none, TokensBy::Id), None);
    }
}
