//! Lines of JSON.

use super::{MAX_EVENT_BYTES, TooLong};

/// Puts lines together from pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// Ready for another answer; memory is kept.
    pub(super) fn reset(&mut self) {
        self.line.clear();
    }

    /// Takes a piece, and hands over each line that it completes; empty ones are passed over.
    pub(super) fn feed(&mut self, mut bytes: &[u8], on_line: &mut dyn FnMut(&[u8])) -> Result<(), TooLong> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            if self.line.is_empty() {
                hand_over(&bytes[..end], on_line);
            } else {
                self.line.extend_from_slice(&bytes[..end]);
                hand_over(&self.line, on_line);
                self.line.clear();
            }
            bytes = &bytes[end + 1..];
        }
        if self.line.len() + bytes.len() > MAX_EVENT_BYTES {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// The last line need not have an end.
    pub(super) fn end(&mut self, on_line: &mut dyn FnMut(&[u8])) {
        hand_over(&self.line, on_line);
        self.line.clear();
    }
}

fn hand_over(line: &[u8], on_line: &mut dyn FnMut(&[u8])) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        on_line(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_wherever_they_are_cut() {
        let text = "{\"a\":\"é\"}\r\n\n{\"b\":2}\n{\"c\":3}".as_bytes();
        for cut in 0..=text.len() {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            let mut take = |line: &[u8]| seen.push(String::from_utf8_lossy(line).into_owned());
            lines.feed(&text[..cut], &mut take).expect("short");
            lines.feed(&text[cut..], &mut take).expect("short");
            lines.end(&mut take);
            assert_eq!(seen, ["{\"a\":\"é\"}", "{\"b\":2}", "{\"c\":3}"], "cut at {cut}");
        }
    }

    #[test]
    fn an_endless_line_is_given_up() {
        let mut lines = Lines::default();
        let piece = vec![b' '; 1 << 20];
        assert!((0..9).any(|_| lines.feed(&piece, &mut |_| {}).is_err()));
    }
}
