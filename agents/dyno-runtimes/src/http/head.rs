//! The head of an answer.

use super::body::Framing;

/// The most bytes of one head.
pub(super) const MAX_HEAD_BYTES: usize = 64 << 10;
/// The most header lines of one head.
const MAX_HEADERS: usize = 100;
/// A server that asks for more patience than a day is taken at a day.
const MAX_RETRY_AFTER_S: u64 = 86_400;

/// What is used of an answer's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// 200 and its like.
    pub status: u16,
    /// In lower case, without parameters; empty if not said.
    pub content_type: String,
    /// From `Retry-After`, where it is a number of seconds.
    pub retry_after_ms: Option<u64>,
    /// Whether the connection may be used again.
    pub(super) is_kept: bool,
    /// How the body ends.
    pub(super) framing: Framing,
}

/// What a buffer that begins with a head came to.
pub(super) enum Parsed {
    /// The head, and its length in bytes.
    Head(Head, usize),
    /// A 1xx answer of that length: the real one follows.
    Interim(usize),
    /// More bytes are needed.
    Partial,
}

/// Reads a head; `Err` says what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let n = match response.parse(bytes) {
        Ok(httparse::Status::Complete(n)) => n,
        Ok(httparse::Status::Partial) => return Ok(Parsed::Partial),
        Err(httparse::Error::TooManyHeaders) => return Err("it has too many headers"),
        Err(_) => return Err("its head cannot be read"),
    };
    let status = response.code.ok_or("its head has no status")?;
    if status == 101 {
        return Err("it changes the protocol");
    }
    if (100..200).contains(&status) {
        return Ok(Parsed::Interim(n));
    }
    let is_1_1 = response.version == Some(1);
    Ok(Parsed::Head(head(status, is_1_1, response.headers)?, n))
}

fn head(status: u16, is_1_1: bool, headers: &[httparse::Header<'_>]) -> Result<Head, &'static str> {
    let mut head = Head {
        status,
        content_type: String::new(),
        retry_after_ms: None,
        is_kept: is_1_1,
        framing: Framing::UntilClose,
    };
    let mut length: Option<u64> = None;
    let mut is_chunked = false;
    for header in headers {
        let value = std::str::from_utf8(header.value).unwrap_or("").trim();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let said = decimal(value).ok_or("its Content-Length is no number")?;
            if length.is_some_and(|before| before != said) {
                return Err("it has two lengths");
            }
            length = Some(said);
        } else if is("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") || is_chunked {
                return Err("it has a transfer coding other than chunked");
            }
            is_chunked = true;
        } else if is("content-encoding") && !value.eq_ignore_ascii_case("identity") {
            return Err("it is compressed, though identity was asked for");
        } else if is("connection") {
            for word in value.split(',').map(str::trim) {
                head.is_kept = (head.is_kept || word.eq_ignore_ascii_case("keep-alive"))
                    && !word.eq_ignore_ascii_case("close");
            }
        } else if is("content-type") {
            head.content_type = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        } else if is("retry-after") {
            head.retry_after_ms = decimal(value).map(|s| s.min(MAX_RETRY_AFTER_S) * 1000);
        }
    }
    head.framing = match (is_chunked, length) {
        _ if status == 204 || status == 304 => Framing::Length(0),
        // A length beside it is void, and the connection is not to be trusted (RFC 9112, 6.3).
        (true, _) => Framing::Chunked,
        (false, Some(n)) => Framing::Length(n),
        (false, None) => Framing::UntilClose,
    };
    head.is_kept &= head.framing != Framing::UntilClose && !(is_chunked && length.is_some());
    Ok(head)
}

/// Digits only: no sign, no spaces.
fn decimal(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing_of(lines: &str) -> Result<(Framing, bool), &'static str> {
        match parse(format!("{lines}\r\n\r\n").as_bytes())? {
            Parsed::Head(head, _) => Ok((head.framing, head.is_kept)),
            Parsed::Interim(_) | Parsed::Partial => Err("no head"),
        }
    }

    #[test]
    fn the_framing_follows_rfc_9112() {
        let check = |lines: &str, expected| assert_eq!(framing_of(lines), expected, "{lines}");
        check("HTTP/1.1 200 OK\r\nContent-Length: 5", Ok((Framing::Length(5), true)));
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close", Ok((Framing::Length(5), false)));
        check("HTTP/1.0 200 OK\r\nContent-Length: 5", Ok((Framing::Length(5), false)));
        check(
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5",
            Ok((Framing::Length(5), true)),
        );
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked", Ok((Framing::Chunked, true)));
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
            Ok((Framing::Chunked, false)),
        );
        check("HTTP/1.1 200 OK", Ok((Framing::UntilClose, false)));
        check("HTTP/1.1 204 No Content", Ok((Framing::Length(0), true)));
    }

    #[test]
    fn a_head_that_could_be_read_in_two_ways_is_refused() {
        for lines in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
            "HTTP/1.1 200 OK\r\nContent-Length: +5",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip",
            "HTTP/1.1 101 Switching Protocols",
            "SSH-2.0-OpenSSH_9.2",
        ] {
            assert!(framing_of(lines).is_err(), "{lines}");
        }
    }

    #[test]
    fn the_words_that_are_used_are_read() {
        let bytes = b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: 0\r\n\r\nrest";
        let Ok(Parsed::Head(head, n)) = parse(bytes) else { panic!("a head") };
        assert_eq!((head.status, head.retry_after_ms, n), (429, Some(7000), bytes.len() - 4));
        assert_eq!(head.content_type, "application/json");
        assert!(matches!(parse(b"HTTP/1.1 100 Continue\r\n\r\nHTTP"), Ok(Parsed::Interim(25))));
        assert!(matches!(parse(b"HTTP/1.1 200 OK\r\nX"), Ok(Parsed::Partial)));
    }
}
