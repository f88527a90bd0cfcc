//! Requests to the adb server and its answers: four hex digits of length, then `OKAY` or `FAIL`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// The longest request: its length has four hex digits.
const MAX_REQUEST_BYTES: usize = 0xffff;

/// How long a read or write may wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// Until this instant, for all of them together.
    Until(Instant),
    /// So long for each of them.
    Each(Duration),
}

impl Patience {
    fn left(self) -> io::Result<Duration> {
        let left = match self {
            Self::Until(due) => due.saturating_duration_since(Instant::now()),
            Self::Each(limit) => limit,
        };
        // A limit of nothing would mean none to the socket.
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// A connection to the adb server on which nothing waits without a limit.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    patience: Patience,
}

/// Why a request was not granted.
#[derive(Debug)]
pub(super) enum NotGranted {
    /// `FAIL`, with these words.
    Refused(String),
    /// Neither `OKAY` nor `FAIL`.
    Strange(Vec<u8>),
    /// The connection broke, or the answer took too long.
    Broken(io::Error),
}

impl From<io::Error> for NotGranted {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Wire {
    pub(super) fn new(stream: TcpStream, patience: Patience) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, patience })
    }

    pub(super) fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Sends a request and waits until it is granted.
    pub(super) fn request(&mut self, service: &str) -> Result<(), NotGranted> {
        if service.len() > MAX_REQUEST_BYTES || service.contains('\0') {
            let words = format!("a request of {} bytes, or with a NUL in it", service.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words).into());
        }
        self.write_all(format!("{:04x}{service}", service.len()).as_bytes())?;
        let mut status = [0; 4];
        self.read_exact(&mut status)?;
        match &status {
            b"OKAY" => Ok(()),
            b"FAIL" => Err(NotGranted::Refused(self.text()?)),
            _ => Err(NotGranted::Strange(status.to_vec())),
        }
    }

    /// Reads a text with its length in front.
    pub(super) fn text(&mut self) -> Result<String, NotGranted> {
        let mut digits = [0; 4];
        self.read_exact(&mut digits)?;
        let length =
            std::str::from_utf8(&digits).ok().and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let length = length.ok_or_else(|| NotGranted::Strange(digits.to_vec()))?;
        let mut text = vec![0; usize::from(length)];
        self.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Whether something can be read, or the connection has ended, without waiting for it.
    pub(super) fn has_news(&mut self) -> io::Result<bool> {
        self.stream.set_nonblocking(true)?;
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        match peeked {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends the connection in both directions.
    pub(super) fn close(&self) {
        // Best effort: it may have ended already.
        self.stream.shutdown(Shutdown::Both).ok();
    }

    /// Gives the bare stream, on which writes still have this limit and reads have none.
    pub(super) fn into_stream(self, write_limit: Duration) -> io::Result<TcpStream> {
        self.stream.set_read_timeout(None)?;
        self.stream.set_write_timeout(Some(write_limit))?;
        Ok(self.stream)
    }
}

/// A socket's word for a wait that was too long differs between systems.
fn timed(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Wire {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.patience.left()?))?;
        self.stream.read(block).map_err(timed)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.patience.left()?))?;
        self.stream.write(bytes).map_err(timed)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A wire to a server that says `words` and then waits.
    fn wire_to(words: &'static [u8]) -> (Wire, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let stream = TcpStream::connect(address).expect("somebody listens");
        let (mut server, _) = listener.accept().expect("somebody connects");
        server.write_all(words).expect("the buffer has room");
        let until = Patience::Until(Instant::now() + Duration::from_millis(200));
        (Wire::new(stream, until).expect("a fresh socket"), server)
    }

    #[test]
    fn answers_are_told_apart() {
        let check = |words: &'static [u8], expected: &str| {
            let (mut wire, server) = wire_to(words);
            let granted = wire.request("host:version");
            let found = match granted {
                Ok(()) => "okay".to_owned(),
                Err(NotGranted::Refused(said)) => format!("refused: {said}"),
                Err(NotGranted::Strange(bytes)) => format!("strange: {}", String::from_utf8_lossy(&bytes)),
                Err(NotGranted::Broken(error)) => format!("broken: {:?}", error.kind()),
            };
            assert_eq!(found, expected);
            let mut request = [0; 16];
            (&server).read_exact(&mut request).expect("a request was sent");
            assert_eq!(&request, b"000chost:version");
        };
        check(b"OKAY", "okay");
        check(b"FAIL0006closed", "refused: closed");
        check(b"FAILzzzz", "strange: zzzz");
        check(b"HTTP/1.1 400 Bad Request", "strange: HTTP");
        check(b"OK", "broken: TimedOut");
    }

    #[test]
    fn a_request_that_cannot_be_sent_is_not() {
        let (mut wire, _server) = wire_to(b"OKAY");
        for service in ["x".repeat(0x1_0000), "shell:a\0b".to_owned()] {
            let Err(NotGranted::Broken(error)) = wire.request(&service) else { panic!("it was sent") };
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
