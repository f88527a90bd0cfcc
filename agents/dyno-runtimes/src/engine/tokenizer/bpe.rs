//! Byte-level BPE, as GPT-2 has it: text is split into words, and the bytes of a word are merged by rank.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::TokenKind;
use super::merge::merge;
use super::pieces::Pieces;
use super::pretokenize::{Classes, Split};

/// Tokens of two neighbours, and their rank and what they become.
type Merges = HashMap<(u32, u32), (u32, u32), BuildHasherDefault<PairHasher>>;

/// The tables.
pub(super) struct Bpe {
    pieces: Pieces,
    merges: Merges,
    bytes: [Option<u32>; 256],
    split: Split,
    classes: Classes,
}

/// Multiplies two numbers into one; the keys are small and come from the model, not from an adversary per lookup.
#[derive(Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= super::pieces::hash(bytes);
    }
    fn write_u32(&mut self, x: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(x)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

/// The byte that a character of a vocabulary stands for: printable Latin-1 for itself, the others from U+0100 on.
fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    let is_printable = |code: u32| matches!(code, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    match code {
        _ if is_printable(code) => Some(code as u8),
        0x100..=0x143 => {
            (0..=255).filter(|byte| !is_printable(*byte)).nth((code - 0x100) as usize).map(|byte| byte as u8)
        }
        _ => None,
    }
}

/// The character that stands for a byte.
pub(crate) fn written_byte(byte: u8) -> char {
    ('\0'..='\u{143}').rev().find(|c| byte_of(*c) == Some(byte)).expect("the alphabet has every byte")
}

/// The bytes of a token; a text that is not written in that alphabet stands for itself.
pub(super) fn bytes_of(text: &[u8]) -> Vec<u8> {
    let Ok(text) = str::from_utf8(text) else { return text.to_vec() };
    let bytes: Option<Vec<u8>> = text.chars().map(byte_of).collect();
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

impl Bpe {
    /// Builds the tables.
    pub(super) fn new<'a>(
        texts: &[&[u8]],
        kinds: &[TokenKind],
        merges: impl Iterator<Item = &'a [u8]>,
        split: Split,
        classes: Classes,
    ) -> Self {
        let is_piece =
            |id: usize| matches!(kinds[id], TokenKind::Normal | TokenKind::Byte | TokenKind::Unused);
        let pieces = Pieces::new(texts.iter().map(|text| bytes_of(text))).with_index(is_piece);
        let mut table = Merges::default();
        for (rank, merge) in merges.enumerate() {
            let Some(space) = merge.iter().skip(1).position(|byte| *byte == b' ') else { continue };
            let (left, right) = (bytes_of(&merge[..=space]), bytes_of(&merge[space + 2..]));
            // A merge of something, or into something, that is no token can never happen.
            let pair = pieces.find(&left).zip(pieces.find(&right));
            if let (Some(pair), Some(token)) = (pair, pieces.find(&[left, right].concat())) {
                table.entry(pair).or_insert((rank as u32, token));
            }
        }
        let bytes = std::array::from_fn(|byte| pieces.find(&[byte as u8]));
        Self { pieces, merges: table, bytes, split, classes }
    }

    /// Appends the tokens of a text without special tokens.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) {
        self.split.words(text, &self.classes, |word| self.encode_word(word.as_bytes(), tokens));
    }

    fn encode_word(&self, word: &[u8], tokens: &mut Vec<u32>) {
        if self.split.whole_words_first()
            && let Some(token) = self.pieces.find(word)
        {
            tokens.push(token);
            return;
        }
        let bytes = word.iter().enumerate().map(|(i, byte)| (i, i + 1, self.bytes[usize::from(*byte)]));
        let symbols = merge(bytes, |left, right| self.merges.get(&(left.token?, right.token?)).copied());
        // A byte that the vocabulary lacks is dropped, as llama.cpp does.
        tokens.extend(symbols.filter_map(|symbol| symbol.token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_the_published_alphabet() {
        // GPT-2's table: space is U+0120, newline U+010A, U+00C4 itself, 0xAD (soft hyphen) the last one, U+0143.
        assert_eq!(bytes_of("Ġa".as_bytes()), b" a");
        assert_eq!(bytes_of("Ċ".as_bytes()), b"\n");
        assert_eq!(bytes_of("Ä".as_bytes()), [0xc4]);
        assert_eq!(bytes_of("\u{143}".as_bytes()), [0xad]);
        assert_eq!(bytes_of("漢".as_bytes()), "漢".as_bytes());
    }
}
