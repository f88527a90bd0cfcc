//! SentencePiece BPE: characters are merged by the score of what they become; what is left over falls back to bytes.

use super::merge::merge;
use super::pieces::Pieces;

/// Stands for a space in the vocabulary.
const SPACE: &str = "\u{2581}";

/// The tables.
pub(super) struct Spm {
    pieces: Pieces,
    /// By token: lower is merged earlier.
    ranks: Vec<u32>,
    bytes: [Option<u32>; 256],
    unknown: Option<u32>,
    add_space_prefix: bool,
}

/// The byte of a token `<0x0A>`.
pub(super) fn byte_of(text: &[u8]) -> Option<u8> {
    let hex = text.strip_prefix(b"<0x")?.strip_suffix(b">")?;
    u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()
}

/// The text of a token.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    match str::from_utf8(text) {
        Ok(text) => text.replace(SPACE, " ").into_bytes(),
        Err(_not_utf8) => text.to_vec(),
    }
}

/// A number that falls as the score rises.
fn rank(score: f32) -> u32 {
    let bits = score.to_bits();
    let rising = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    !rising
}

impl Spm {
    /// Builds the tables.
    pub(super) fn new(
        texts: &[&[u8]],
        scores: Vec<f32>,
        unknown: Option<u32>,
        add_space_prefix: bool,
    ) -> Self {
        let pieces = Pieces::new(texts.iter()).with_index(|_| true);
        let bytes = std::array::from_fn(|byte| pieces.find(format!("<0x{byte:02X}>").as_bytes()));
        Self { pieces, ranks: scores.into_iter().map(rank).collect(), bytes, unknown, add_space_prefix }
    }

    /// Appends the tokens of a text without special tokens; `begins` says whether it begins a text or follows a
    /// special token.
    pub(super) fn encode(&self, text: &str, begins: bool, tokens: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let prefix = if begins && self.add_space_prefix { SPACE } else { "" };
        let text = format!("{prefix}{}", text.replace(' ', SPACE));
        let bytes = text.as_bytes();
        let characters = text.char_indices().map(|(start, c)| {
            let end = start + c.len_utf8();
            (start, end, self.pieces.find(&bytes[start..end]))
        });
        let symbols = merge(characters, |left, right| {
            let token = self.pieces.find(&bytes[left.start..right.end])?;
            Some((self.ranks[token as usize], token))
        });
        for symbol in symbols {
            match symbol.token {
                Some(token) => tokens.push(token),
                None => tokens.extend(
                    bytes[symbol.start..symbol.end]
                        .iter()
                        .filter_map(|byte| self.bytes[usize::from(*byte)].or(self.unknown)),
                ),
            }
        }
    }
}
