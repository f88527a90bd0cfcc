//! The body of an answer, taken apart as it comes: length, chunks (RFC 9112, 7.1), or until the end.

/// The most bytes of a chunk's size line, and of all trailers.
const MAX_LINE_BYTES: u32 = 16 << 10;

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With a chunk of no bytes.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// Takes one body apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Length(u64),
    Chunked(Chunks),
    UntilClose,
}

/// Where a chunked body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunks {
    state: State,
    /// Of the size so far, or of the chunk's data.
    left: u64,
    /// Digits of the size, or bytes of a line.
    n_line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size,
    /// After the size: spaces, extensions.
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
}

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(n) => Self::Length(n),
            Framing::Chunked => Self::Chunked(Chunks { state: State::Size, left: 0, n_line: 0 }),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// The next content in `input`, which moves past it; `None` when `input` holds no more.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
        match self {
            Self::Length(left) => Ok(take(input, left)),
            Self::UntilClose => {
                let mut no_end = u64::MAX;
                Ok(take(input, &mut no_end))
            }
            Self::Chunked(chunks) => chunks.next(input),
        }
    }

    /// Whether it is complete.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.state == State::Done,
            Self::UntilClose => false,
        }
    }

    /// Whether the end of the connection completes it.
    pub(super) fn ends_with_connection(self) -> bool {
        self == Self::UntilClose
    }
}

impl Chunks {
    fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
        loop {
            if self.state == State::Data {
                let data = take(input, &mut self.left);
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                if data.is_some() {
                    return Ok(data);
                }
            }
            if self.state == State::Done {
                return Ok(None);
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
            *input = rest;
            self.step(byte)?;
        }
    }

    /// One byte that is not data.
    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        self.n_line += 1;
        if self.n_line > MAX_LINE_BYTES {
            return Err("a line of its chunked body does not end");
        }
        self.state = match (self.state, byte) {
            (State::Size, b'\r') if self.n_line > 1 => State::SizeLf,
            (State::Size, b';' | b' ' | b'\t') if self.n_line > 1 => State::Extension,
            (State::Size, _) => {
                let digit = char::from(byte).to_digit(16).ok_or("a chunk has no size")?;
                let shifted = self.left.checked_mul(16).ok_or("a chunk's size is beyond all measure")?;
                self.left = shifted + u64::from(digit);
                State::Size
            }
            (State::Extension, b'\r') => State::SizeLf,
            (State::Extension, b'\n') => return Err("a chunk's size line ends badly"),
            (State::Extension, _) => State::Extension,
            (State::SizeLf, b'\n') => self.begin(),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => self.line(State::Size),
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerStart | State::Trailer, _) => State::Trailer,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Done,
            (State::SizeLf | State::DataCr | State::DataLf | State::TrailerLf | State::EndLf, _) => {
                return Err("a chunk does not end where it should");
            }
            (State::Data | State::Done, _) => {
                unreachable!("data is taken before, and an end is not stepped over")
            }
        };
        Ok(())
    }

    fn begin(&mut self) -> State {
        let next = if self.left == 0 { State::TrailerStart } else { State::Data };
        self.line(next)
    }

    fn line(&mut self, next: State) -> State {
        self.n_line = 0;
        next
    }
}

/// At most `left` bytes from the front of `input`.
fn take<'a>(input: &mut &'a [u8], left: &mut u64) -> Option<&'a [u8]> {
    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    let (data, rest) = input.split_at(n);
    *input = rest;
    *left -= n as u64;
    (!data.is_empty()).then_some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Content, whether it is done, and the bytes left over.
    fn decode(framing: Framing, pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, usize), &'static str> {
        let mut body = Body::new(framing);
        let mut content = Vec::new();
        let mut n_left = 0;
        for piece in pieces {
            let mut input = *piece;
            while let Some(data) = body.next(&mut input)? {
                content.extend_from_slice(data);
            }
            n_left += input.len();
        }
        Ok((content, body.is_done(), n_left))
    }

    #[test]
    fn chunks_are_joined_wherever_they_are_cut() {
        // All that RFC 9112's grammar has: sizes, an extension, data, the last chunk, a trailer.
        let wire: &[u8] =
            b"4\r\nWiki\r\n6 ;a=b\r\npedia \r\nD\r\nin\r\n\r\nchunks.\r\n0\r\nX-T: y\r\n\r\nNEXT";
        let expected = (b"Wikipedia in\r\n\r\nchunks.".to_vec(), true, 4);
        assert_eq!(decode(Framing::Chunked, &[wire]), Ok(expected.clone()));
        for cut in 0..wire.len() {
            let (a, b) = wire.split_at(cut);
            assert_eq!(decode(Framing::Chunked, &[a, b]), Ok(expected.clone()), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(decode(Framing::Chunked, &bytes), Ok(expected));
    }

    #[test]
    fn bad_chunks_are_refused() {
        for wire in [
            &b"\r\n"[..],
            b"g\r\n",
            b"4\rX",
            b"1\r\nab",
            b"1\r\na\rb",
            b"0\r\n\rx",
            b"-1\r\n",
            b"1;\n",
            b"fffffffffffffffff\r\n",
            b" 1\r\n",
        ] {
            assert!(decode(Framing::Chunked, &[wire]).is_err(), "{}", wire.escape_ascii());
        }
        let endless = [b"1;".to_vec(), vec![b'x'; 20 << 10]].concat();
        assert!(decode(Framing::Chunked, &[&endless]).is_err());
        let trailers = [b"0\r\n".to_vec(), b"a: b\r\n".repeat(5000)].concat();
        assert!(decode(Framing::Chunked, &[&trailers]).is_err());
    }

    #[test]
    fn a_length_and_an_open_end_are_kept() {
        assert_eq!(decode(Framing::Length(3), &[b"ab", b"cd"]), Ok((b"abc".to_vec(), true, 1)));
        assert_eq!(decode(Framing::Length(0), &[b""]), Ok((Vec::new(), true, 0)));
        assert_eq!(decode(Framing::Length(3), &[b"ab"]), Ok((b"ab".to_vec(), false, 0)));
        assert_eq!(decode(Framing::UntilClose, &[b"ab", b"c"]), Ok((b"abc".to_vec(), false, 0)));
        assert_eq!(decode(Framing::Chunked, &[b"3\r\nab"]), Ok((b"ab".to_vec(), false, 0)));
    }
}
