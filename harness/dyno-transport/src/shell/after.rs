//! What a program says, without what a login shell said before it.
//!
//! sshd and adbd start the user's shell, and its start files may print. A mark shows where the program begins.

use std::io::{self, Read};

/// Printed on a line of its own before the program's first byte.
pub(super) const MARK: &str = "edgedyno-begins-here";
/// More than this before the mark is no greeting.
const MAX_NOISE_BYTES: usize = 256 << 10;

/// The index after the mark's line; `None` if there is none.
pub(crate) fn end_of_mark(bytes: &[u8]) -> Option<usize> {
    let line = format!("\n{MARK}\n");
    let at = bytes.windows(line.len()).position(|window| window == line.as_bytes())?;
    Some(at + line.len())
}

/// Reads what follows the mark.
pub(crate) struct AfterMark {
    inner: Box<dyn Read + Send>,
    /// `None` once the mark is found.
    noise: Option<Vec<u8>>,
    ready: Vec<u8>,
}

impl AfterMark {
    pub(crate) fn new(inner: Box<dyn Read + Send>) -> Self {
        Self { inner, noise: Some(Vec::new()), ready: Vec::new() }
    }

    /// Reads on until the mark is there; `false` at the end of the stream.
    fn find(&mut self) -> io::Result<bool> {
        let Some(noise) = &mut self.noise else { return Ok(true) };
        let mut block = [0_u8; 4096];
        // Where the mark can still begin: what was searched already is not searched again.
        let mut from = 0;
        loop {
            if let Some(begin) = end_of_mark(&noise[from..]) {
                self.ready = noise.split_off(from + begin);
                self.noise = None;
                return Ok(true);
            }
            from = noise.len().saturating_sub(MARK.len() + 1);
            if noise.len() > MAX_NOISE_BYTES {
                let words = format!("{} bytes came before the program's first", noise.len());
                return Err(io::Error::new(io::ErrorKind::InvalidData, words));
            }
            match self.inner.read(&mut block) {
                Ok(0) => return Ok(false),
                Ok(n_bytes) => noise.extend_from_slice(&block[..n_bytes]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for AfterMark {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        if !self.find()? {
            return Ok(0);
        }
        if self.ready.is_empty() {
            return self.inner.read(block);
        }
        let n_bytes = block.len().min(self.ready.len());
        block[..n_bytes].copy_from_slice(&self.ready[..n_bytes]);
        self.ready.drain(..n_bytes);
        Ok(n_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow(io::Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
            let one = block.len().min(1);
            self.0.read(&mut block[..one])
        }
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        AfterMark::new(Box::new(Slow(io::Cursor::new(bytes.to_vec())))).read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn a_greeting_is_passed_over() {
        let check = |bytes: &str, expected: &str| {
            assert_eq!(read(bytes.as_bytes()).expect("a short text"), expected.as_bytes(), "{bytes:?}");
        };
        check("\nedgedyno-begins-here\nEDYN", "EDYN");
        check(
            "Welcome!\nLast login\n\nedgedyno-begins-here\nEDYN\nedgedyno-begins-here\n",
            "EDYN\nedgedyno-begins-here\n",
        );
        check("no newline\nedgedyno-begins-here\n", "");
        check("This account is currently not available.\n", "");
    }

    #[test]
    fn endless_noise_is_an_error() {
        let noise = vec![b'y'; MAX_NOISE_BYTES + 5000];
        assert_eq!(read(&noise).expect_err("too much").kind(), io::ErrorKind::InvalidData);
    }
}
