//! Tokens that are one token wherever they stand in a text.

use std::collections::HashMap;

use super::TokenKind;

/// Control, user-defined and unknown tokens.
pub(super) struct Specials {
    by_text: HashMap<Box<[u8]>, u32>,
    texts: HashMap<u32, Box<[u8]>>,
    /// By first byte: lengths, longest first.
    lengths: Vec<Vec<usize>>,
}

/// A part of a text.
pub(super) enum Part<'a> {
    /// A special token.
    Special(u32),
    /// What lies between.
    Text(&'a str),
}

impl Specials {
    /// Takes the special ones of a vocabulary.
    pub(super) fn new(texts: &[&[u8]], kinds: &[TokenKind]) -> Self {
        let mut out = Self { by_text: HashMap::new(), texts: HashMap::new(), lengths: vec![Vec::new(); 256] };
        for (id, (text, kind)) in texts.iter().zip(kinds).enumerate() {
            let special = matches!(kind, TokenKind::Control | TokenKind::UserDefined | TokenKind::Unknown);
            if let (true, Some(first)) = (special, text.first()) {
                out.by_text.entry((*text).into()).or_insert(id as u32);
                out.texts.insert(id as u32, (*text).into());
                let lengths = &mut out.lengths[usize::from(*first)];
                if !lengths.contains(&text.len()) {
                    lengths.push(text.len());
                }
            }
        }
        for lengths in &mut out.lengths {
            lengths.sort_unstable_by(|a, b| b.cmp(a));
        }
        out
    }

    /// How a special token is written.
    pub(super) fn text(&self, token: u32) -> Option<&[u8]> {
        self.texts.get(&token).map(AsRef::as_ref)
    }

    fn at(&self, rest: &[u8]) -> Option<(usize, u32)> {
        let lengths = &self.lengths[usize::from(*rest.first()?)];
        lengths.iter().find_map(|length| Some((*length, *self.by_text.get(rest.get(..*length)?)?)))
    }

    /// Gives the parts of a text in order, the longest special token first where several begin at one place.
    pub(super) fn split<'a>(&self, text: &'a str, mut part: impl FnMut(Part<'a>)) {
        let bytes = text.as_bytes();
        let (mut start, mut i) = (0, 0);
        while i < bytes.len() {
            let found = self.at(&bytes[i..]).filter(|(length, _)| text.is_char_boundary(i + length));
            let Some((length, id)) = found.filter(|_| text.is_char_boundary(i)) else {
                i += 1;
                continue;
            };
            if start < i {
                part(Part::Text(&text[start..i]));
            }
            part(Part::Special(id));
            i += length;
            start = i;
        }
        if start < text.len() {
            part(Part::Text(&text[start..]));
        }
    }
}
