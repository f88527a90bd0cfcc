//! Whether two answers part because two tokens were about as likely, or because one side holds something else.

use dyno_model::request::{FinishReason, TokenChoice, TokenLogprob};

use super::kl::probability;
use super::tokens::{Ends, Key, Said, TokensBy};

/// What kind of difference a first other token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Both tokens were about as likely on every side that tells: the last bits of a sum decide between them.
    Tie,
    /// A side held its own token clearly for the likelier one.
    Disagreement,
    /// No side tells how likely it held the other's token.
    Unexplained,
}

/// The two tokens where answers part, the baseline's first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forks {
    pub(super) kind: Kind,
    pub(super) choices: [Choice; 2],
    /// By how much each side preferred its own token, in nats: `ln(p(own) / p(the other's))`.
    pub(super) gaps: [Gap; 2],
}

/// What a side said where answers part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// The token's text; `None` where the answer ends, or its tokens are not known.
    pub(super) piece: Option<String>,
    /// How likely the side held it.
    pub(super) p: Option<f64>,
    /// The answer ends here.
    pub(super) is_end: bool,
}

/// By how much a side preferred its own token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Gap {
    /// By so much, in nats.
    Known(f64),
    /// By so much or more: the other's token is not among those that it tells.
    AtLeast(f64),
    /// It tells nothing of it.
    Unknown,
}

impl Gap {
    fn least(self) -> Option<f64> {
        match self {
            Self::Known(nats) | Self::AtLeast(nats) => Some(nats),
            Self::Unknown => None,
        }
    }

    pub(super) fn known(self) -> Option<f64> {
        match self {
            Self::Known(nats) => Some(nats),
            Self::AtLeast(_) | Self::Unknown => None,
        }
    }
}

/// A side's own place, or how its answer goes on there.
#[derive(Clone, Copy)]
enum Next<'a> {
    /// It tells this token and those beside it.
    Token(&'a TokenLogprob),
    /// It said that the answer ends, and does not tell by which token.
    End,
    /// Its text goes on so, by tokens that are not known.
    Text(&'a str),
    /// Nothing is known.
    Nothing,
}

/// The tokens of both sides at place `token_at`, where their texts differ from byte `byte_at` on.
pub(super) fn fork(
    sides: [Said<'_>; 2],
    token_at: Option<usize>,
    byte_at: usize,
    by: TokensBy,
    ends: &Ends<'_>,
    margin: f64,
) -> Forks {
    let next = [0, 1].map(|side| next(sides, side, token_at, byte_at));
    let gaps = [0, 1].map(|side| gap(next[side], next[1 - side], by, ends));
    Forks { kind: kind(gaps, margin), choices: next.map(choice), gaps }
}

/// A gap that is clearly above the margin decides; one that is within it makes a tie where none is above.
fn kind(gaps: [Gap; 2], margin: f64) -> Kind {
    if gaps.iter().filter_map(|gap| gap.least()).any(|nats| nats > margin) {
        Kind::Disagreement
    } else if gaps.iter().any(|gap| gap.known().is_some()) {
        Kind::Tie
    } else {
        Kind::Unexplained
    }
}

fn next(sides: [Said<'_>; 2], side: usize, token_at: Option<usize>, byte_at: usize) -> Next<'_> {
    let said = sides[side];
    let place = token_at.and_then(|at| said.listed()?.get(at));
    let is_over = match (said.listed(), token_at) {
        (Some(tokens), Some(at)) => at >= tokens.len(),
        _ => byte_at >= said.text.len(),
    };
    match place {
        Some(at) => Next::Token(at),
        None if is_over && said.finish == Some(FinishReason::Stop) => Next::End,
        None if is_over => Next::Nothing,
        // From where the other side's token begins: that is not behind the first other byte.
        None => match token_at.and_then(|at| start_of(sides[1 - side].listed()?, at)) {
            Some(from) => said.text.get(from..).map_or(Next::Nothing, Next::Text),
            None => Next::Nothing,
        },
    }
}

/// Where a token begins in the text, as far as all before it are plain text.
fn start_of(tokens: &[TokenLogprob], at: usize) -> Option<usize> {
    let before = tokens.get(..at)?;
    let is_plain = |at: &TokenLogprob| !at.token.piece.contains("\\x");
    before.iter().all(is_plain).then(|| before.iter().map(|at| at.token.piece.len()).sum())
}

fn gap(own: Next<'_>, other: Next<'_>, by: TokensBy, ends: &Ends<'_>) -> Gap {
    let Next::Token(own) = own else { return Gap::Unknown };
    let own_micro = own.token.logprob_micro.min(0);
    let nats = |micro: i64| (own_micro.saturating_sub(micro.min(0))) as f64 / 1e6;
    let of_key = |key: Key<'_>| all(own).find(|choice| Key::of(choice, by) == key);
    let is_end = |choice: &&TokenChoice| {
        [TokensBy::Id, TokensBy::Piece].iter().any(|by| ends.contains(&Key::of(choice, *by)))
    };
    let found = match other {
        Next::Token(other) => of_key(Key::of(&other.token, by)),
        // Where the side's own token ends the answer as well, the end is no other choice.
        Next::End if is_end(&&own.token) => return Gap::Unknown,
        Next::End => all(own).find(is_end),
        Next::Text(text) => begins(own, text),
        Next::Nothing => return Gap::Unknown,
    };
    let is_known = match other {
        Next::End => !ends.is_empty(),
        Next::Token(_) | Next::Text(_) | Next::Nothing => true,
    };
    match (found, own.top.iter().map(|choice| choice.logprob_micro).min()) {
        (Some(choice), _) => Gap::Known(nats(choice.logprob_micro)),
        (None, Some(least)) if is_known => Gap::AtLeast(nats(least)),
        _ => Gap::Unknown,
    }
}

/// The listed token that a text goes on with: the longest, but not the side's own.
fn begins<'a>(own: &'a TokenLogprob, text: &str) -> Option<&'a TokenChoice> {
    let fits = |choice: &&TokenChoice| {
        !choice.piece.is_empty() && choice.piece != own.token.piece && text.starts_with(&choice.piece)
    };
    all(own).filter(fits).max_by_key(|choice| choice.piece.len())
}

/// All tokens that a place tells, the sampled one included.
fn all(at: &TokenLogprob) -> impl Iterator<Item = &TokenChoice> {
    at.top.iter().chain([&at.token])
}

fn choice(next: Next<'_>) -> Choice {
    match next {
        Next::Token(at) => Choice {
            piece: Some(at.token.piece.clone()),
            p: Some(probability(at.token.logprob_micro)),
            is_end: false,
        },
        Next::End => Choice { piece: None, p: None, is_end: true },
        Next::Text(_) | Next::Nothing => Choice { piece: None, p: None, is_end: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice_of(piece: &str, micro: i64) -> TokenChoice {
        TokenChoice { id: None, piece: piece.to_owned(), logprob_micro: micro }
    }

    fn place(own: &str, listed: &[(&str, i64)]) -> Vec<TokenLogprob> {
        let top: Vec<TokenChoice> = listed.iter().map(|(piece, micro)| choice_of(piece, *micro)).collect();
        let token = top.iter().find(|choice| choice.piece == own).expect("its own is listed").clone();
        vec![TokenLogprob { token, top }]
    }

    fn forked(a: &[TokenLogprob], b: Option<&[TokenLogprob]>, texts: [&str; 2], ends: &Ends<'_>) -> Forks {
        let stop = Some(FinishReason::Stop);
        let baseline = Said { text: texts[0], finish: stop, tokens: Some(a) };
        let candidate = Said { text: texts[1], finish: stop, tokens: b };
        let by = if b.is_some() { TokensBy::Piece } else { TokensBy::Text };
        fork([baseline, candidate], Some(0), 0, by, ends, 0.1)
    }

    #[test]
    fn gaps_by_hand() {
        // −0.70 against −0.75, and the other way round −0.72 against −0.74.
        let a = place("x", &[("x", -700_000), ("y", -750_000)]);
        let b = place("y", &[("y", -720_000), ("x", -740_000)]);
        let forks = forked(&a, Some(&b), ["x", "y"], &Ends::new());
        assert_eq!(forks.gaps, [Gap::Known(0.05), Gap::Known(0.02)]);
        assert_eq!(forks.kind, Kind::Tie);
        assert_eq!(forks.choices[1].piece.as_deref(), Some("y"));
        assert!((forks.choices[0].p.expect("told") - (-0.7_f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn one_clear_preference_is_a_disagreement() {
        let a = place("x", &[("x", -100_000), ("y", -2_500_000)]);
        let b = place("y", &[("y", -720_000), ("x", -740_000)]);
        let forks = forked(&a, Some(&b), ["x", "y"], &Ends::new());
        assert_eq!((forks.kind, forks.gaps[0]), (Kind::Disagreement, Gap::Known(2.4)));
        // A token that is not listed is less likely than all that are.
        let unlisted = place("x", &[("x", -100_000), ("z", -3_100_000)]);
        let forks = forked(&unlisted, Some(&b), ["x", "y"], &Ends::new());
        assert_eq!((forks.kind, forks.gaps[0]), (Kind::Disagreement, Gap::AtLeast(3.0)));
    }

    #[test]
    fn an_end_is_a_token_like_others() {
        // The baseline goes on, and holds the end for nearly as likely; the candidate ends, and does not tell how.
        let a = place("x", &[("x", -700_000), ("</s>", -750_000)]);
        let end = choice_of("</s>", 0);
        let ends: Ends<'_> = [Key::of(&end, TokensBy::Piece)].into();
        let forks = forked(&a, Some(&[]), ["x", ""], &ends);
        assert_eq!((forks.kind, forks.gaps[0]), (Kind::Tie, Gap::Known(0.05)));
        assert!(forks.choices[1].is_end && !forks.choices[0].is_end);
        // Which token ends is not known.
        assert_eq!(forked(&a, Some(&[]), ["x", ""], &Ends::new()).kind, Kind::Unexplained);
    }

    #[test]
    fn a_text_that_goes_on_is_found_among_the_listed() {
        let a = place("cat", &[("cat", -700_000), ("cats", -760_000), ("dog", -5_000_000)]);
        let check = |text: &str, kind: Kind, gap: Gap| {
            let forks = forked(&a, None, ["cat", text], &Ends::new());
            assert_eq!((forks.kind, forks.gaps[0]), (kind, gap), "{text}");
            assert_eq!(forks.gaps[1], Gap::Unknown);
        };
        check("cats sleep", Kind::Tie, Gap::Known(0.06));
        check("dogs sleep", Kind::Disagreement, Gap::Known(4.3));
        check("birds", Kind::Disagreement, Gap::AtLeast(4.3));
    }
}
