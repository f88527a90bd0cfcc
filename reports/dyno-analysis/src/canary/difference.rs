//! One answer held against another: pure, without IO.

use dyno_model::request::FinishReason;

use super::edit::{Edit, edit};
use super::kl::{Known, kl};
use super::tie::{Forks, Kind, fork};
use super::tokens::{Ends, Key, Said, TokensBy, common_bytes, common_prefix};

/// Positions of an answer that are compared as distributions, at most (house rule).
const MAX_POSITIONS: usize = 65_536;

/// How two answers to one prompt differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// By what tokens were compared.
    pub(super) by: TokensBy,
    /// Tokens that begin both; `None` where neither side's tokens are known.
    pub(super) prefix_tokens: Option<usize>,
    /// Characters that begin both.
    pub(super) prefix_chars: usize,
    /// How far the texts are apart.
    pub(super) edit: Edit,
    /// Divergence at each place that both came to by the same tokens, in nats; empty where no side or one only tells
    /// probabilities.
    pub(super) kl: Vec<f64>,
    /// Where they part; `None` where they are the same.
    pub(super) fork: Option<Fork>,
}

/// Where two answers part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fork {
    /// Token that is the first other one, from 0; `None` where neither side's tokens are known.
    pub(super) token_at: Option<usize>,
    /// Byte of the texts from which they differ.
    pub(super) byte_at: usize,
    /// What each side says there and how near the choice was.
    pub(super) forks: Forks,
}

/// Compares the candidate's answer with the baseline's. `margin` is the most in nats that two tokens may be apart to be
/// called a tie; `ends` are the tokens that end answers.
pub(super) fn difference(
    [baseline, candidate]: [Said<'_>; 2],
    by: TokensBy,
    ends: &Ends<'_>,
    margin: f64,
) -> Difference {
    let byte_at = common_bytes(baseline.text, candidate.text);
    let is_same_text = baseline.text == candidate.text;
    let is_same_end = is_same(baseline.finish, candidate.finish);
    let edit = edit(baseline.text, candidate.text);
    let prefix_chars = baseline.text[..byte_at].chars().count();
    let same = |by, prefix_tokens, kl| Difference { by, prefix_tokens, prefix_chars, edit, kl, fork: None };
    let (Some(a), Some(b), true) = (baseline.listed(), candidate.listed(), by != TokensBy::Text) else {
        let token_at = known_prefix([baseline, candidate], byte_at);
        if is_same_text && is_same_end {
            return same(TokensBy::Text, token_at, Vec::new());
        }
        let forks = fork([baseline, candidate], token_at, byte_at, TokensBy::Text, ends, margin);
        let fork = Some(Fork { token_at, byte_at, forks });
        return Difference { fork, ..same(TokensBy::Text, token_at, Vec::new()) };
    };
    let n = common_prefix(a, b, by);
    let kl = divergences([baseline, candidate], by, n);
    let is_ended = n == a.len() || n == b.len();
    if is_ended && is_same_text && is_same_end {
        // One side may tell the token that ends an answer, and the other not.
        return same(by, Some(n), kl);
    }
    let forks = fork([baseline, candidate], Some(n), byte_at, by, ends, margin);
    Difference { fork: Some(Fork { token_at: Some(n), byte_at, forks }), ..same(by, Some(n), kl) }
}

/// A side that does not say why it stopped is believed to have stopped as the other.
fn is_same(a: Option<FinishReason>, b: Option<FinishReason>) -> bool {
    a == b || a.is_none() || b.is_none()
}

/// Tokens that the first `byte_at` bytes hold, by the side that tells its tokens.
fn known_prefix(sides: [Said<'_>; 2], byte_at: usize) -> Option<usize> {
    sides.iter().find_map(|said| said.tokens_within(byte_at))
}

/// The divergence at each place that both came to by the same tokens: up to and with the one where they part.
fn divergences([baseline, candidate]: [Said<'_>; 2], by: TokensBy, n_common: usize) -> Vec<f64> {
    let (Some(a), Some(b)) = (baseline.listed(), candidate.listed()) else { return Vec::new() };
    let places = a.iter().zip(b).take(n_common.saturating_add(1).min(MAX_POSITIONS));
    places.filter_map(|(a, b)| Some(kl(&Known::of(a, by)?, &Known::of(b, by)?))).collect()
}

/// The mean logarithm of the probabilities that a side gave its own tokens, and how many; `None` without any.
pub(super) fn own_logprob(said: &Said<'_>) -> Option<(f64, usize)> {
    let tokens = said.listed().filter(|tokens| !tokens.is_empty())?;
    let sum: f64 = tokens.iter().map(|at| at.token.logprob_micro.min(0) as f64 / 1e6).sum();
    Some((sum, tokens.len()))
}

impl Difference {
    /// What kind of difference it is; `None` where there is none.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.fork.as_ref().map(|fork| fork.forks.kind)
    }
}

/// The tokens that end the answers of one side, by their numbers and their texts.
pub(super) fn ends_of<'a>(all: impl Iterator<Item = Said<'a>>) -> Ends<'a> {
    let ends = all.filter_map(|said| said.end());
    ends.flat_map(|end| [Key::of(end, TokensBy::Id), Key::of(end, TokensBy::Piece)]).collect()
}

#[cfg(test)]
mod tests {
    use dyno_model::request::{TokenChoice, TokenLogprob};

    use super::*;

    /// Tokens that are words, each the likeliest at 0.6 with `other` at `p`.
    fn tokens(text: &str, other: &str, p: f64) -> Vec<TokenLogprob> {
        let choice = |piece: &str, p: f64| TokenChoice {
            id: None,
            piece: piece.to_owned(),
            logprob_micro: (p.ln() * 1e6).round() as i64,
        };
        let at = |piece: &str| TokenLogprob {
            token: choice(piece, 0.6),
            top: vec![choice(piece, 0.6), choice(other, p)],
        };
        text.split_inclusive(' ').map(at).collect()
    }

    fn found(a: (&str, &[TokenLogprob]), b: (&str, &[TokenLogprob])) -> Difference {
        fn said<'a>((text, tokens): (&'a str, &'a [TokenLogprob])) -> Said<'a> {
            Said { text, finish: Some(FinishReason::Stop), tokens: Some(tokens) }
        }
        difference([said(a), said(b)], TokensBy::Piece, &Ends::new(), 0.1)
    }

    #[test]
    fn the_same_answer_is_the_same() {
        let a = tokens("the cat sat", "dog", 0.2);
        let same = found(("the cat sat", &a), ("the cat sat", &a));
        assert!(same.kind().is_none());
        assert_eq!((same.prefix_tokens, same.prefix_chars, same.kl.len()), (Some(3), 11, 3));
        assert!(same.kl.iter().all(|kl| *kl < 1e-12), "{same:?}");
        // One side tells the token that ends the answer.
        let mut with_end = a.clone();
        with_end.extend(tokens("<end>", "x", 0.1));
        let ended = found(("the cat sat", &with_end), ("the cat sat", &a));
        assert!(ended.kind().is_none(), "{ended:?}");
        assert_eq!(ended.prefix_tokens, Some(3));
    }

    #[test]
    fn a_word_that_was_as_likely_is_a_tie_and_another_is_not() {
        // 0.6 against 0.58: ln(0.6/0.58) = 0.034 on both sides. Against 0.2 it is ln 3 = 1.1.
        let check = |p: f64, expected: Kind| {
            let a = tokens("the cat sat", "dog ", p);
            let mut b = tokens("the dog ran", "cat ", p);
            b[0] = a[0].clone();
            let other = found(("the cat sat", &a), ("the dog ran", &b));
            assert_eq!(other.kind(), Some(expected), "{other:?}");
            assert_eq!((other.prefix_tokens, other.prefix_chars), (Some(1), 4));
            // Places 0 and 1 have one context; after that the texts are others.
            assert_eq!(other.kl.len(), 2);
        };
        check(0.58, Kind::Tie);
        check(0.2, Kind::Disagreement);
    }

    #[test]
    fn a_divergence_by_hand_where_they_part() {
        let a = tokens("cat", "dog", 0.2);
        let b = tokens("dog", "cat", 0.2);
        let other = found(("cat", &a), ("dog", &b));
        // 0.6 ln(0.6/0.2) + 0.2 ln(0.2/0.6) + 0.2 ln 1 = 0.4 ln 3.
        assert!((other.kl[0] - 0.4 * 3_f64.ln()).abs() < 1e-5, "{other:?}");
    }

    #[test]
    fn without_tokens_texts_are_compared() {
        let said = |text, finish| Said { text, finish, tokens: None };
        let check = |a, b, is_same: bool, chars: usize| {
            let found = difference([a, b], TokensBy::Text, &Ends::new(), 0.1);
            assert_eq!((found.kind().is_none(), found.prefix_chars), (is_same, chars), "{a:?} {b:?}");
            assert_eq!((found.by, found.prefix_tokens, found.kl.len()), (TokensBy::Text, None, 0));
            assert_eq!(found.kind(), (!is_same).then_some(Kind::Unexplained));
        };
        let (stop, length) = (Some(FinishReason::Stop), Some(FinishReason::Length));
        check(said("yes", stop), said("yes", stop), true, 3);
        check(said("yes", stop), said("yes", None), true, 3);
        check(said("yes", stop), said("yes", length), false, 3);
        check(said("yes", stop), said("yes!", stop), false, 3);
        check(said("", stop), said("no", stop), false, 0);
    }

    #[test]
    fn one_side_without_tokens_is_compared_by_text_and_placed_by_the_other() {
        let a = tokens("the cat sat", "dog ", 0.58);
        let with = Said { text: "the cat sat", finish: None, tokens: Some(&a) };
        let without = Said { text: "the dog sat", finish: None, tokens: None };
        let found = difference([with, without], TokensBy::Text, &Ends::new(), 0.1);
        assert_eq!((found.by, found.prefix_tokens, found.prefix_chars), (TokensBy::Text, Some(1), 4));
        // The baseline tells how likely it held the other's word.
        assert_eq!(found.kind(), Some(Kind::Tie));
        let other = Said { text: "the bird sat", ..without };
        let found = difference([with, other], TokensBy::Text, &Ends::new(), 0.1);
        assert_eq!(
            found.kind(),
            Some(Kind::Unexplained),
            "0.58 is within the margin, so the unlisted may be"
        );
    }

    #[test]
    fn perplexity_is_of_a_sides_own_tokens() {
        let a = tokens("the cat", "dog", 0.2);
        let said = Said { text: "the cat", finish: None, tokens: Some(&a) };
        let (sum, n) = own_logprob(&said).expect("tokens");
        assert_eq!(n, 2);
        assert!((sum - 2.0 * 0.6_f64.ln()).abs() < 2e-6);
        assert_eq!(own_logprob(&Said { tokens: None, ..said }), None);
    }
}
