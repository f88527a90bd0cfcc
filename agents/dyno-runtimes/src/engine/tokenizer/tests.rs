//! The schemes on vocabularies small enough to work out by hand.

use super::bpe::Bpe;
use super::pretokenize::{Classes, Split};
use super::special::{Part, Specials};
use super::spm::Spm;
use super::{TokenKind, merge};

fn bytes<'a>(texts: &[&'a str]) -> Vec<&'a [u8]> {
    texts.iter().map(|text| text.as_bytes()).collect()
}

#[test]
fn bpe_merges_by_rank_and_then_from_the_left() {
    let texts = bytes(&["a", "b", "c", "Ġ", "ab", "bc", "abc", "Ġa", "aa"]);
    let kinds = vec![TokenKind::Normal; texts.len()];
    let merges = bytes(&["b c", "a b", "a bc", "Ġ a", "a a", "c c", "noise"]);
    let bpe = Bpe::new(&texts, &kinds, merges.into_iter(), Split::Gpt2, Classes::new());
    let check = |text: &str, expected: &[u32]| {
        let mut tokens = Vec::new();
        bpe.encode(text, &mut tokens);
        assert_eq!(tokens, expected, "{text}");
    };
    // b+c comes before a+b, then a+bc.
    check("abc", &[6]);
    check("ab", &[4]);
    // a a a: the left pair first.
    check("aaa", &[8, 0]);
    check(" abc b", &[3, 6, 3, 1]);
    // A byte that the vocabulary lacks is dropped.
    check("azb", &[0, 1]);
}

#[test]
fn spm_merges_by_score_and_falls_back_to_bytes() {
    let texts = bytes(&["<unk>", "<0xE2>", "<0x82>", "<0xAC>", "▁", "h", "e", "l", "he", "▁h", "ll", "hell"]);
    let scores = vec![0.0, 0.0, 0.0, 0.0, -9.0, -9.0, -9.0, -9.0, -2.0, -1.0, -3.0, -4.0];
    let check = |spm: &Spm, text: &str, expected: &[u32]| {
        let mut tokens = Vec::new();
        spm.encode(text, true, &mut tokens);
        assert_eq!(tokens, expected, "{text}");
    };
    let plain = Spm::new(&texts, scores.clone(), Some(0), false);
    // he (-2) before ll (-3), then hell (-4).
    check(&plain, "hell", &[11]);
    // ▁h (-1) is best, and leaves e alone.
    check(&plain, " hell", &[9, 6, 10]);
    // The euro sign is no piece: three bytes.
    check(&plain, "l€", &[7, 1, 2, 3]);
    // No piece and no byte: unknown, once per byte.
    check(&plain, "é", &[0, 0]);
    let prefixed = Spm::new(&texts, scores, Some(0), true);
    check(&prefixed, "h", &[9]);
}

#[test]
fn special_tokens_are_found_longest_first() {
    let texts = bytes(&["<a>", "<a>b", "x", "\n\n"]);
    let kinds = [TokenKind::Control, TokenKind::UserDefined, TokenKind::Normal, TokenKind::UserDefined];
    let specials = Specials::new(&texts, &kinds);
    let mut parts = Vec::new();
    specials.split("é<a>b<a>x\n\n\n", |part| {
        parts.push(match part {
            Part::Special(id) => id.to_string(),
            Part::Text(text) => text.to_owned(),
        });
    });
    assert_eq!(parts, ["é", "1", "0", "x", "3", "\n"]);
}

#[test]
fn merging_keeps_what_has_no_rule() {
    let spans = (0..3).map(|i| (i, i + 1, None));
    let symbols: Vec<_> = merge::merge(spans, |_, _| None).map(|symbol| (symbol.start, symbol.end)).collect();
    assert_eq!(symbols, [(0, 1), (1, 2), (2, 3)]);
}
