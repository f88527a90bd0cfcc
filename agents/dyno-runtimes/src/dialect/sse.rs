//! Server-sent events, as WHATWG's HTML standard says (9.2.6): any line end, comments, several data lines, a BOM.

use super::{MAX_EVENT_BYTES, TooLong};

/// Puts events together from pieces.
#[derive(Debug, Default)]
pub(super) struct Sse {
    /// A line that has not ended.
    line: Vec<u8>,
    /// The data lines of an event that has not ended, each with a newline after it.
    data: Vec<u8>,
    /// The last byte was a CR: a LF belongs to it.
    is_after_cr: bool,
    /// A line has been seen; before it there may be a BOM.
    has_begun: bool,
    /// Comments so far.
    pub(super) n_comments: u64,
}

impl Sse {
    /// Ready for another answer; memory is kept.
    pub(super) fn reset(&mut self) {
        self.line.clear();
        self.data.clear();
        self.is_after_cr = false;
        self.has_begun = false;
        self.n_comments = 0;
    }

    /// Takes a piece, and hands over the data of each event that it completes.
    pub(super) fn feed(&mut self, mut bytes: &[u8], on_event: &mut dyn FnMut(&[u8])) -> Result<(), TooLong> {
        if self.is_after_cr && !bytes.is_empty() {
            self.is_after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = bytes.split_at(end);
            if self.line.is_empty() {
                self.take(line, on_event)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                let taken = self.take(&whole, on_event);
                whole.clear();
                self.line = whole;
                taken?;
            }
            bytes = &rest[1..];
            if rest[0] == b'\r' {
                self.is_after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        if self.line.len() + bytes.len() > MAX_EVENT_BYTES {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes one line.
    fn take(&mut self, mut line: &[u8], on_event: &mut dyn FnMut(&[u8])) -> Result<(), TooLong> {
        if !self.has_begun {
            self.has_begun = true;
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            if let Some((_, data)) = self.data.split_last() {
                on_event(data);
                self.data.clear();
            }
            return Ok(());
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            None => (line, &b""[..]),
            Some(colon) => (&line[..colon], &line[colon + 1..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"" => self.n_comments += 1,
            b"data" => {
                if self.data.len() + value.len() > MAX_EVENT_BYTES {
                    return Err(TooLong);
                }
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            // Older llama-servers send `error: {…}` in the place of data.
            b"error" => {
                self.data.clear();
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            // `event`, `id`, `retry` and strangers have no meaning here.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(pieces: &[&[u8]]) -> (Vec<String>, u64) {
        let mut sse = Sse::default();
        let mut seen = Vec::new();
        for piece in pieces {
            sse.feed(piece, &mut |data| seen.push(String::from_utf8_lossy(data).into_owned()))
                .expect("short");
        }
        (seen, sse.n_comments)
    }

    #[test]
    fn the_standards_examples_are_read() {
        let check =
            |text: &str, expected: &[&str]| assert_eq!(events(&[text.as_bytes()]).0, expected, "{text:?}");
        // The examples of the standard's section 9.2.6.
        check("data: YHOO\ndata: +2\ndata: 10\n\n", &["YHOO\n+2\n10"]);
        check(
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
            &["first event", "second event"],
        );
        check("data\n\ndata\ndata\n\ndata:", &["", "\n"]);
        check("data:test\n\ndata: test\n\n", &["test", "test"]);
        // Line ends and the BOM.
        check("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &["a", "b", "c"]);
        check("\u{feff}data: a\n\n", &["a"]);
        check("event: x\nretry: 5\nDATA: no\ndata: yes\n\n\n\n", &["yes"]);
        check("error: {\"a\":1}\n\n", &["{\"a\":1}"]);
    }

    #[test]
    fn an_endless_line_and_an_endless_event_are_given_up() {
        let mut sse = Sse::default();
        let piece = vec![b'x'; 1 << 20];
        let mut n_fed = 0;
        while sse.feed(&piece, &mut |_| {}).is_ok() {
            n_fed += 1;
            assert!(n_fed <= 8, "given up after 8 MiB");
        }
        let mut sse = Sse::default();
        let line = [b"data: ".to_vec(), piece, b"\n".to_vec()].concat();
        let mut n_fed = 0;
        while sse.feed(&line, &mut |_| {}).is_ok() {
            n_fed += 1;
            assert!(n_fed <= 8, "given up after 8 MiB");
        }
    }

    proptest! {
        /// However a stream is cut, its events are the same.
        #[test]
        fn cuts_change_nothing(
            text in proptest::collection::vec(
                prop_oneof![
                    Just("\n"), Just("\r"), Just("\r\n"), Just("\n\n"), Just("data:"), Just("data: "), Just(": ping"),
                    Just("é"), Just("x"), Just("\u{feff}"), Just("id: 1"),
                ], 0..40),
            cuts in proptest::collection::vec(0.0..1.0_f64, 0..6),
        ) {
            let text = text.concat().into_bytes();
            let whole = events(&[&text]);
            let single: Vec<&[u8]> = text.chunks(1).collect();
            prop_assert_eq!(&events(&single), &whole);
            let mut at: Vec<usize> = cuts.iter().map(|cut| (cut * text.len() as f64) as usize).collect();
            at.sort_unstable();
            at.push(text.len());
            let mut pieces = Vec::new();
            let mut from = 0;
            for to in at {
                pieces.push(&text[from..to]);
                from = to;
            }
            prop_assert_eq!(&events(&pieces), &whole);
        }
    }
}
