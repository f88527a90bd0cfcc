//! Bytes of tokens to text, as they come: a character is given out once it is complete.

/// Holds back what is not yet a whole character.
#[derive(Default)]
pub(crate) struct TextStream {
    pending: Vec<u8>,
    out: String,
}

impl TextStream {
    /// Takes the bytes of one token and gives the text that is complete now. Bytes that cannot become a character
    /// are replaced by U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> &str {
        self.pending.extend_from_slice(bytes);
        self.out.clear();
        let mut chunks = self.pending.utf8_chunks().peekable();
        let mut held = 0;
        while let Some(chunk) = chunks.next() {
            self.out.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if chunks.peek().is_none() && may_go_on(invalid) {
                held = invalid.len();
            } else if !invalid.is_empty() {
                self.out.push(char::REPLACEMENT_CHARACTER);
            }
        }
        let done = self.pending.len() - held;
        self.pending.drain(..done);
        &self.out
    }

    /// As [`TextStream::push`], for the last token: what is incomplete will stay so.
    pub(crate) fn finish(&mut self, bytes: &[u8]) -> &str {
        self.push(bytes);
        if !self.pending.is_empty() {
            self.out.push(char::REPLACEMENT_CHARACTER);
            self.pending.clear();
        }
        &self.out
    }
}

/// Whether bytes that end a text are the beginning of a character.
fn may_go_on(invalid: &[u8]) -> bool {
    let needed = match invalid.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return false,
    };
    invalid.len() < needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_pieces_comes_out_whole() {
        let mut stream = TextStream::default();
        let smile = "😀".as_bytes();
        assert_eq!(stream.push(&smile[..1]), "");
        assert_eq!(stream.push(&smile[1..3]), "");
        assert_eq!(stream.push(&smile[3..]), "😀");
        assert_eq!(stream.push(b"a"), "a");
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced() {
        let mut stream = TextStream::default();
        assert_eq!(stream.push(&[0xff, b'a']), "\u{fffd}a");
        // The start of a character, then something else.
        assert_eq!(stream.push(&[0xe2, 0x82]), "");
        assert_eq!(stream.push(b"b"), "\u{fffd}b");
        // A start that no second byte can save.
        assert_eq!(stream.push(&[0xe2, b'(']), "\u{fffd}(");
    }

    #[test]
    fn the_end_gives_up_waiting() {
        let mut stream = TextStream::default();
        assert_eq!(stream.finish(&[b'x', 0xf0, 0x9f]), "x\u{fffd}");
        assert_eq!(stream.push(b"y"), "y");
    }
}
