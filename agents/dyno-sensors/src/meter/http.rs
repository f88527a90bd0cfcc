//! One GET a period, without TLS.
//!
//! A connection for each: plugs close theirs after an answer, and once a second it costs nothing. The whole answer has
//! one deadline, so that a source that drips keeps nobody.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use dyno_model::clock::{MonoNs, monotonic_now};

use crate::meter::error::MeterError;
use crate::meter::intake::Intake;
use crate::meter::source::{MAX_READING_BYTES, Source, Stop, connect, with_port};

/// A plug answers within this, or the reading is lost.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
const MAX_HEADERS: usize = 64;

/// Asks one address once a period.
#[derive(Debug)]
pub(crate) struct Poll {
    url: String,
    host: String,
    path: String,
    period: Duration,
}

impl Poll {
    pub(crate) fn new(url: &str, period: Duration) -> Result<Self, MeterError> {
        let bad = || MeterError::Url { url: url.to_owned() };
        let rest = url.strip_prefix("http://").ok_or_else(bad)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || host.contains('@') || !is_plain(host) || !is_plain(path) {
            return Err(bad());
        }
        Ok(Self { url: url.to_owned(), host: with_port(host, 80), path: format!("/{path}"), period })
    }

    /// One answer, and the instant half-way between question and answer.
    fn ask(&self) -> Result<(Vec<u8>, MonoNs), MeterError> {
        let mut stream = connect(&self.host)?;
        let due = Instant::now() + ANSWER_LIMIT;
        let lost = |source| MeterError::Lost { to: self.host.clone(), source };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            self.path, self.host
        );
        stream.set_write_timeout(Some(ANSWER_LIMIT)).map_err(lost)?;
        let asked = monotonic_now();
        stream.write_all(request.as_bytes()).map_err(lost)?;
        let mut bytes = Vec::new();
        let mut first = None;
        loop {
            let is_over = !self.more(&mut stream, &mut bytes, due)?;
            let first = *first.get_or_insert_with(monotonic_now);
            match body(&bytes, is_over).map_err(|what| self.speech(what))? {
                Found::Body { status: 200, body } => {
                    return Ok((body, asked.plus(first.since(asked) / 2)));
                }
                Found::Body { status, .. } => {
                    return Err(MeterError::Status { url: self.url.clone(), status });
                }
                Found::More if is_over => return Err(self.speech("the answer is cut off")),
                Found::More => {}
            }
        }
    }

    /// Reads on; `false` at the end.
    fn more(&self, stream: &mut TcpStream, bytes: &mut Vec<u8>, due: Instant) -> Result<bool, MeterError> {
        let lost = |source| MeterError::Lost { to: self.host.clone(), source };
        let left = due.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left)).map_err(lost)?;
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).map_err(lost)?;
        if Instant::now() >= due && n > 0 {
            return Err(lost(std::io::ErrorKind::TimedOut.into()));
        }
        bytes.extend_from_slice(&piece[..n]);
        if bytes.len() > MAX_READING_BYTES {
            return Err(MeterError::TooBig { from: self.url.clone(), limit_bytes: MAX_READING_BYTES });
        }
        Ok(n > 0)
    }

    fn speech(&self, what: &'static str) -> MeterError {
        MeterError::Speech { from: self.url.clone(), speech: "HTTP", what }
    }
}

impl Source for Poll {
    fn run(&mut self, intake: &Intake, stop: &Stop) -> Result<(), MeterError> {
        let mut due = Instant::now();
        while stop.wait_until(due) {
            let (body, at) = self.ask()?;
            intake.say(&body, at);
            // A period that was missed is left out, not made up for.
            due = (due + self.period).max(Instant::now());
        }
        Ok(())
    }
}

/// What there is of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    More,
    Body { status: u16, body: Vec<u8> },
}

/// Understands an answer as far as it has come; `is_over` says that there will be no more.
fn body(bytes: &[u8], is_over: bool) -> Result<Found, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let start = match head.parse(bytes) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => return Ok(Found::More),
        Err(_not_http) => return Err("no response line"),
    };
    let status = head.code.ok_or("no status")?;
    let value = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok().map(str::trim)
    };
    let rest = &bytes[start..];
    let is_chunked = value("transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked"));
    let whole = match value("content-length") {
        _ if is_chunked => unchunk(rest)?,
        Some(length) => {
            let length: usize = length.parse().map_err(|_not_a_number| "its length is no number")?;
            if length > MAX_READING_BYTES {
                return Err("its length is absurd");
            }
            rest.get(..length).map(<[u8]>::to_vec)
        }
        None => is_over.then(|| rest.to_vec()),
    };
    Ok(whole.map_or(Found::More, |body| Found::Body { status, body }))
}

/// The pieces of a chunked body put together (RFC 9112, section 7.1); `None` while some are missing.
fn unchunk(mut rest: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    let mut whole = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_invalid) => return Err("a chunk has no size"),
        };
        if size == 0 {
            return Ok(Some(whole));
        }
        let size = usize::try_from(size)
            .ok()
            .filter(|size| *size <= MAX_READING_BYTES)
            .ok_or("a chunk is absurd")?;
        let Some(chunk) = rest.get(start..start + size) else { return Ok(None) };
        whole.extend_from_slice(chunk);
        let Some(after) = rest.get(start + size + 2..) else { return Ok(None) };
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, is_over: bool) -> Result<Option<String>, &'static str> {
        Ok(match body(text.as_bytes(), is_over)? {
            Found::More => None,
            Found::Body { status, body } => Some(format!("{status} {}", String::from_utf8_lossy(&body))),
        })
    }

    #[test]
    fn a_body_ends_by_its_length_its_chunks_or_the_connection() {
        let check = |text: &str, is_over, expected: Option<&str>| {
            assert_eq!(found(text, is_over), Ok(expected.map(str::to_owned)), "{text}");
        };
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd", false, Some("200 abc"));
        check("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc", false, None);
        check("HTTP/1.1 200 OK\r\n\r\nab", false, None);
        check("HTTP/1.0 200 OK\r\n\r\nab", true, Some("200 ab"));
        check("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", false, Some("401 "));
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
        check(chunked, false, Some("200 abc"));
        check(&chunked[..chunked.len() - 6], false, None);
        check("HTTP/1.", false, None);
    }

    #[test]
    fn hostile_answers_are_errors() {
        for text in [
            "SSH-2.0-dropbear\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
        ] {
            assert!(found(text, false).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_are_plain_http() {
        let path = |url| Poll::new(url, Duration::ZERO).map(|poll| (poll.host, poll.path));
        let (host, path_of) = path("http://plug/rpc/Switch.GetStatus?id=0").expect("an address");
        assert_eq!((host.as_str(), path_of.as_str()), ("plug:80", "/rpc/Switch.GetStatus?id=0"));
        for url in
            ["https://plug/", "plug", "http://", "http://a b/", "http://plug/a\r\nX: y", "http://u:p@plug/"]
        {
            assert!(matches!(path(url), Err(MeterError::Url { .. })), "{url}");
        }
    }
}
