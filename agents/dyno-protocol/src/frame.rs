//! Frames: `magic u16 | version u8 | kind u8 | length u32 | crc32 u32 | payload`, little-endian.
//!
//! The checksum (CRC-32, ISO-HDLC) covers the eight bytes before it and the payload.
//! A stream that went wrong cannot be resynchronised: every error here ends the talk.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};

use dyno_model::blame::{Blame, Classify};

/// The first two bytes of every frame; no text begins so.
pub const MAGIC: [u8; 2] = [0xED, 0xD1];
/// Version of the frame's form.
pub const VERSION: u8 = 1;
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 12;
/// No payload may be longer: a guard against a broken peer.
pub const MAX_PAYLOAD_BYTES: usize = 64 << 20;
/// So many bytes of something that is not a frame are shown.
const SHOWN_BYTES: usize = 160;

/// One frame as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the payload is.
    pub kind: u8,
    /// The payload, its checksum verified.
    pub payload: Vec<u8>,
}

/// Why no frame could be had or sent.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream ended between two frames.
    #[error("the other side closed the link")]
    Closed,
    /// What came is not a frame: a login banner, a shell's complaint, a print statement.
    #[error("expected a frame, but this came: {got}")]
    NotAFrame {
        /// The bytes, escaped for reading.
        got: String,
    },
    /// A frame of another form.
    #[error("frame has version {got}, expected {VERSION}")]
    Version {
        /// Its version.
        got: u8,
    },
    /// The payload would be too long.
    #[error("frame of {bytes} bytes is over the limit of {MAX_PAYLOAD_BYTES}")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// The bytes are not those that were sent.
    #[error("frame is damaged: its checksum is {got:08x}, but its bytes give {expected:08x}")]
    Damaged {
        /// Checksum in the frame.
        got: u32,
        /// Checksum of the bytes.
        expected: u32,
    },
    /// The stream ended within a frame.
    #[error("the link ended within a frame, after {got} of {expected} bytes")]
    CutOff {
        /// Bytes that came.
        got: usize,
        /// Bytes that the frame should have; the header alone while the length is unknown.
        expected: usize,
    },
    /// The stream itself failed.
    #[error("cannot use the link")]
    Io(#[from] std::io::Error),
}

impl Classify for FrameError {
    fn blame(&self) -> Blame {
        match self {
            Self::Closed
            | Self::CutOff { .. }
            | Self::Io(_)
            | Self::Damaged { .. }
            | Self::NotAFrame { .. } => Blame::Lab,
            Self::Version { .. } | Self::TooLong { .. } => Blame::Harness,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Closed | Self::CutOff { .. } | Self::Io(_) | Self::Damaged { .. })
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NotAFrame { .. } => {
                vec!["make the login shell print nothing when it is not interactive".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// Reads frames from a byte stream.
pub struct FrameReader {
    input: BufReader<Box<dyn Read + Send>>,
}

impl FrameReader {
    /// Reads from `input`.
    pub fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input: BufReader::new(input) }
    }

    /// The next frame; waits for it.
    ///
    /// # Errors
    /// [`FrameError::Closed`] at a clean end; any other means that the link is no longer of use.
    pub fn read(&mut self) -> Result<Frame, FrameError> {
        let header = self.header()?;
        let [_, _, version, kind, l0, l1, l2, l3, c0, c1, c2, c3] = header;
        if version != VERSION {
            return Err(FrameError::Version { got: version });
        }
        let n_bytes = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if n_bytes > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLong { bytes: n_bytes as u64 });
        }
        // A length that lies costs no memory: the buffer grows with what really comes.
        let mut payload = Vec::with_capacity(n_bytes.min(1 << 16));
        (&mut self.input).take(n_bytes as u64).read_to_end(&mut payload)?;
        if payload.len() < n_bytes {
            return Err(FrameError::CutOff {
                got: HEADER_BYTES + payload.len(),
                expected: HEADER_BYTES + n_bytes,
            });
        }
        let got = u32::from_le_bytes([c0, c1, c2, c3]);
        let expected = checksum(&header, &payload);
        if got != expected {
            return Err(FrameError::Damaged { got, expected });
        }
        Ok(Frame { kind, payload })
    }

    /// Takes the header byte by byte as far as it goes, so that a short banner is reported and not waited on.
    fn header(&mut self) -> Result<[u8; HEADER_BYTES], FrameError> {
        let mut header = [0_u8; HEADER_BYTES];
        let mut n_got = 0;
        while n_got < HEADER_BYTES {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if buffer.is_empty() {
                return Err(match n_got {
                    0 => FrameError::Closed,
                    _ => FrameError::CutOff { got: n_got, expected: HEADER_BYTES },
                });
            }
            let n = buffer.len().min(HEADER_BYTES - n_got);
            header[n_got..n_got + n].copy_from_slice(&buffer[..n]);
            let n_magic = (n_got + n).min(MAGIC.len());
            if header[..n_magic] != MAGIC[..n_magic] {
                let got = [&header[..n_got], buffer].concat();
                return Err(FrameError::NotAFrame { got: shown(&got) });
            }
            self.input.consume(n);
            n_got += n;
        }
        Ok(header)
    }
}

/// Writes frames to a byte stream.
pub struct FrameWriter {
    output: Box<dyn Write + Send>,
    buffer: Vec<u8>,
}

impl FrameWriter {
    /// Writes to `output`.
    pub fn new(output: Box<dyn Write + Send>) -> Self {
        Self { output, buffer: Vec::new() }
    }

    /// Sends one frame whose payload `fill` appends; one write, flushed.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] before anything is sent, else [`FrameError::Io`]; also what `fill` gives.
    pub fn write<E: From<FrameError>>(
        &mut self,
        kind: u8,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.buffer.clear();
        self.buffer.extend_from_slice(&[MAGIC[0], MAGIC[1], VERSION, kind, 0, 0, 0, 0, 0, 0, 0, 0]);
        fill(&mut self.buffer)?;
        self.send().map_err(E::from)
    }

    fn send(&mut self) -> Result<(), FrameError> {
        let (header, payload) = self.buffer.split_at_mut(HEADER_BYTES);
        let too_long = FrameError::TooLong { bytes: payload.len() as u64 };
        let Some(n_bytes) = u32::try_from(payload.len()).ok().filter(|n| *n as usize <= MAX_PAYLOAD_BYTES)
        else {
            return Err(too_long);
        };
        header[4..8].copy_from_slice(&n_bytes.to_le_bytes());
        let crc = checksum(header, payload);
        header[8..12].copy_from_slice(&crc.to_le_bytes());
        self.output.write_all(&self.buffer)?;
        self.output.flush()?;
        // A big frame is rare; its memory is not kept.
        self.buffer.clear();
        self.buffer.shrink_to(1 << 16);
        Ok(())
    }
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..8]);
    hasher.update(payload);
    hasher.finalize()
}

/// The first bytes for a person: text as it is, all else escaped.
fn shown(bytes: &[u8]) -> String {
    let rest = if bytes.len() > SHOWN_BYTES { "…" } else { "" };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES)]);
    format!("`{}{rest}`", text.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(kind: u8, payload: &[u8]) -> Vec<u8> {
        let crc = checksum(&[MAGIC[0], MAGIC[1], VERSION, kind, payload.len() as u8, 0, 0, 0], payload);
        let mut bytes = vec![MAGIC[0], MAGIC[1], VERSION, kind, payload.len() as u8, 0, 0, 0];
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Frame, FrameError> {
        FrameReader::new(Box::new(std::io::Cursor::new(bytes.to_vec()))).read()
    }

    #[test]
    fn a_frame_has_the_documented_bytes() {
        // CRC-32 of ed d1 01 02 05 00 00 00 "hello", by Python's zlib.crc32.
        let expected = b"\xed\xd1\x01\x02\x05\0\0\0\x1f\xbb\x06\x5ehello";
        assert_eq!(bytes_of(2, b"hello"), expected);
        assert_eq!(read(expected).expect("intact"), Frame { kind: 2, payload: b"hello".to_vec() });
    }

    #[test]
    fn a_login_banner_is_shown_as_it_came() {
        let error = read(b"Welcome to Debian\n").expect_err("no frame");
        assert_eq!(error.to_string(), "expected a frame, but this came: `Welcome to Debian\\n`");
        assert!(!error.hints().is_empty());
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_memory_is_taken() {
        let mut bytes = bytes_of(1, b"");
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(read(&bytes), Err(FrameError::TooLong { bytes: 4_294_967_295 })));
    }

    #[test]
    fn another_version_is_named() {
        let mut bytes = bytes_of(1, b"x");
        bytes[2] = 9;
        assert_eq!(read(&bytes).expect_err("other version").to_string(), "frame has version 9, expected 1");
    }

    #[test]
    fn a_clean_end_is_not_a_cut_off_one() {
        assert!(matches!(read(b""), Err(FrameError::Closed)));
        assert!(matches!(read(&MAGIC), Err(FrameError::CutOff { got: 2, expected: 12 })));
        assert!(matches!(
            read(&bytes_of(1, b"abc")[..14]),
            Err(FrameError::CutOff { got: 14, expected: 15 })
        ));
    }
}
