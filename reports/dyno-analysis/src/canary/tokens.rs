//! Tokens of two answers side by side: how many begin both, and which ones come then.

use std::collections::BTreeSet;

use dyno_model::request::{FinishReason, TokenChoice, TokenLogprob};
use dyno_view::canary::TokensByView;

/// By what two tokens are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TokensBy {
    /// By their numbers: both come from one vocabulary.
    Id,
    /// By their texts.
    Piece,
    /// Tokens are not known on both sides: texts are compared, character by character.
    Text,
}

impl TokensBy {
    pub(super) fn view(self) -> TokensByView {
        match self {
            Self::Id => TokensByView::Id,
            Self::Piece => TokensByView::Piece,
            Self::Text => TokensByView::Text,
        }
    }
}

/// What a token is told from others by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'a> {
    Id(u32),
    Piece(&'a str),
}

impl<'a> Key<'a> {
    pub(super) fn of(choice: &'a TokenChoice, by: TokensBy) -> Self {
        match choice.id.filter(|_| by == TokensBy::Id) {
            Some(id) => Self::Id(id),
            None => Self::Piece(&choice.piece),
        }
    }
}

/// An answer, as it is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) finish: Option<FinishReason>,
    pub(super) tokens: Option<&'a [TokenLogprob]>,
}

impl<'a> Said<'a> {
    /// By what its tokens can be told from another's; `is_one_vocabulary` says whether numbers mean the same.
    pub(super) fn comparable(&self, other: &Said<'_>, is_one_vocabulary: bool) -> TokensBy {
        let (Some(a), Some(b)) = (self.listed(), other.listed()) else { return TokensBy::Text };
        let has_ids = |of: &[TokenLogprob]| {
            of.iter().all(|at| at.token.id.is_some() && at.top.iter().all(|choice| choice.id.is_some()))
        };
        if is_one_vocabulary && has_ids(a) && has_ids(b) { TokensBy::Id } else { TokensBy::Piece }
    }

    /// Its tokens, where there are any: an answer without a text has none, and no list says so.
    pub(super) fn listed(&self) -> Option<&'a [TokenLogprob]> {
        self.tokens.filter(|tokens| !tokens.is_empty() || self.text.is_empty())
    }

    /// The token that ended it; `None` where the runtime does not tell that one.
    pub(super) fn end(&self) -> Option<&'a TokenChoice> {
        let last = &self.listed()?.last()?.token;
        // A part of a character is no end, though it is not in the text as it is written here.
        let is_part = last.piece.contains("\\x");
        let is_end = last.piece.is_empty() || !(is_part || self.text.ends_with(&last.piece));
        (self.finish == Some(FinishReason::Stop) && is_end).then_some(last)
    }

    /// How many of its tokens lie wholly within its first `n_bytes`; `None` where they do not spell its text.
    pub(super) fn tokens_within(&self, n_bytes: usize) -> Option<usize> {
        let text = self.text.as_bytes().get(..n_bytes)?;
        let mut spelled: Vec<u8> = Vec::with_capacity(n_bytes);
        let mut n = 0;
        for at in self.listed()? {
            if spelled.len() >= n_bytes {
                break;
            }
            spelled.extend(bytes_of(&at.token.piece));
            if spelled.len() > n_bytes {
                break;
            }
            n += 1;
        }
        let both = spelled.len().min(n_bytes);
        (both == n_bytes && spelled[..both] == text[..both]).then_some(n)
    }
}

/// The numbers or texts of the tokens that end answers.
pub(super) type Ends<'a> = BTreeSet<Key<'a>>;

/// How many tokens begin both.
pub(super) fn common_prefix(a: &[TokenLogprob], b: &[TokenLogprob], by: TokensBy) -> usize {
    let is_same = |(x, y): &(&TokenLogprob, &TokenLogprob)| Key::of(&x.token, by) == Key::of(&y.token, by);
    a.iter().zip(b).take_while(is_same).count()
}

/// How many bytes begin both texts, at the border of a character.
pub(super) fn common_bytes(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum()
}

/// The bytes of a piece, in which bytes that are no UTF-8 are written `\xNN`.
fn bytes_of(piece: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(piece.len());
    let mut rest = piece;
    while let Some(at) = rest.find("\\x") {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let digits = rest.get(at + 2..at + 4);
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &rest[at + 4..];
        } else {
            bytes.extend_from_slice(b"\\x");
            rest = &rest[at + 2..];
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(pieces: &[&str]) -> Vec<TokenLogprob> {
        let choice = |(id, piece): (u32, &&str)| TokenChoice {
            id: Some(id),
            piece: (*piece).to_owned(),
            logprob_micro: -1,
        };
        let at = |token: TokenChoice| TokenLogprob { top: vec![token.clone()], token };
        (0..).zip(pieces).map(choice).map(at).collect()
    }

    #[test]
    fn what_begins_both() {
        let check = |a: &[&str], b: &[&str], expected: usize| {
            assert_eq!(common_prefix(&tokens(a), &tokens(b), TokensBy::Piece), expected, "{a:?} {b:?}");
        };
        check(&["a", "b", "c"], &["a", "b", "d"], 2);
        check(&["a"], &["a", "b"], 1);
        check(&["x"], &["y"], 0);
        check(&[], &["y"], 0);
        check(&["a", "b"], &["a", "b"], 2);
        // Numbers decide where they are compared: here they are the places.
        assert_eq!(common_prefix(&tokens(&["a", "b"]), &tokens(&["x", "y"]), TokensBy::Id), 2);
        assert_eq!(common_bytes("Größe", "Grüße"), 2);
        assert_eq!(common_bytes("日本語", "日本"), 6);
    }

    #[test]
    fn the_end_is_told_from_a_word() {
        let check = |pieces: &[&str], text: &str, finish, expected: Option<&str>| {
            let tokens = tokens(pieces);
            let said = Said { text, finish, tokens: Some(&tokens) };
            assert_eq!(said.end().map(|end| end.piece.as_str()), expected, "{pieces:?}");
        };
        let (stop, length) = (Some(FinishReason::Stop), Some(FinishReason::Length));
        check(&["Hi", "<|im_end|>"], "Hi", stop, Some("<|im_end|>"));
        check(&["Hi", ""], "Hi", stop, Some(""));
        check(&["Hi", "!"], "Hi!", stop, None);
        check(&["Hi", "<|im_end|>"], "Hi", length, None);
        check(&[], "", stop, None);
    }

    #[test]
    fn bytes_are_found_among_tokens() {
        let check = |pieces: &[&str], text: &str, n_bytes: usize, expected: Option<usize>| {
            let tokens = tokens(pieces);
            let said = Said { text, finish: None, tokens: Some(&tokens) };
            assert_eq!(said.tokens_within(n_bytes), expected, "{pieces:?} {n_bytes}");
        };
        check(&["Hel", "lo", " you"], "Hello you", 9, Some(3));
        check(&["Hel", "lo", " you"], "Hello you", 6, Some(2));
        check(&["Hel", "lo", " you"], "Hello you", 0, Some(0));
        // A character of two tokens.
        check(&["\\xC3", "\\xA9", "t"], "ét", 2, Some(2));
        check(&["\\xC3", "\\xA9", "t"], "ét", 3, Some(3));
        check(&["Hallo"], "Hello", 5, None);
        check(&["Hel"], "Hello", 5, None);
        assert_eq!(bytes_of("a\\x4"), b"a\\x4");
    }

    fn said(tokens: Option<&[TokenLogprob]>) -> Said<'_> {
        Said { text: "a", finish: None, tokens }
    }

    #[test]
    fn numbers_are_compared_only_where_they_mean_the_same() {
        let (with, mut without) = (tokens(&["a"]), tokens(&["a"]));
        without[0].token.id = None;
        let check = |a, b, is_one, expected| {
            assert_eq!(said(a).comparable(&said(b), is_one), expected);
        };
        check(Some(&with[..]), Some(&with[..]), true, TokensBy::Id);
        check(Some(&with[..]), Some(&with[..]), false, TokensBy::Piece);
        check(Some(&with[..]), Some(&without[..]), true, TokensBy::Piece);
        check(Some(&with[..]), None, true, TokensBy::Text);
        check(Some(&with[..]), Some(&[]), true, TokensBy::Text);
    }
}
