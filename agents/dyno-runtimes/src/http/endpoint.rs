//! Where a server is: `http://host:port/prefix`.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use dyno_model::blame::{Blame, Classify};
use dyno_model::outcome::Outcome;

/// No URL of ours is longer.
const MAX_URL_BYTES: usize = 8 << 10;

/// A server's address and the path before its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// As it stands in the URL, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Without a slash at its end; empty for none.
    pub prefix: String,
    /// What `Host` says, where that is not the address: behind a relay.
    pub host_header: Option<String>,
}

/// A key for a server; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// A server's address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// TLS is spoken by the controller only.
    #[error("`{url}` needs TLS, which this agent does not have")]
    Tls {
        /// The URL.
        url: String,
    },
    /// It is no URL of ours.
    #[error("`{url}` is no address of a server: {what}")]
    Url {
        /// The URL, at most its beginning.
        url: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A key that cannot stand in a header; it is not shown.
    #[error("the API key has characters that no header can carry")]
    Key,
    /// The host has no address.
    #[error("cannot find the address of `{host}`")]
    Resolve {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Endpoint {
    /// Reads `http://host[:port][/prefix]`.
    ///
    /// # Errors
    /// Another scheme, no host, a bad port, or characters that no request line can carry.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let bad = |what| EndpointError::Url { url: url.chars().take(200).collect(), what };
        if url.len() > MAX_URL_BYTES || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad("it is too long or has characters that must be escaped"));
        }
        if url.starts_with("https://") {
            return Err(EndpointError::Tls { url: url.to_owned() });
        }
        let rest = url.strip_prefix("http://").ok_or_else(|| bad("it does not begin with http://"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if path.contains(['?', '#']) || authority.contains(['@', '?', '#']) {
            return Err(bad("it must not have a user, a query or a fragment"));
        }
        let (host, port) = split_port(authority).ok_or_else(|| bad("its host and port make no sense"))?;
        let port = port.map_or(Ok(80), |port| port.parse().map_err(|_error| bad("its port is no port")))?;
        if host.is_empty() {
            return Err(bad("it has no host"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            prefix: path.trim_end_matches('/').to_owned(),
            host_header: None,
        })
    }

    /// The same server, asked by another name.
    ///
    /// # Errors
    /// When no header can carry the name.
    pub fn asked_as(mut self, host: Option<&str>) -> Result<Self, EndpointError> {
        if let Some(host) = host {
            let fits = !host.is_empty() && host.len() <= MAX_URL_BYTES;
            if !fits || !host.bytes().all(|byte| byte.is_ascii_graphic()) {
                let url = host.chars().take(200).collect();
                return Err(EndpointError::Url { url, what: "it is no name of a host" });
            }
            self.host_header = Some(host.to_owned());
        }
        Ok(self)
    }

    /// Its addresses, in the order of the system's resolver; waits at most for `limit`.
    ///
    /// # Errors
    /// When the host has none, or the resolver is too slow.
    pub fn resolve(&self, limit: Duration) -> Result<Vec<SocketAddr>, EndpointError> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.port)]);
        }
        let failed = |source| EndpointError::Resolve { host: self.host.clone(), source };
        let (sender, receiver) = mpsc::sync_channel(1);
        let asked = (self.host.clone(), self.port);
        // The system's resolver has no deadline of its own; a thread that it holds ends when it lets go.
        std::thread::Builder::new()
            .name("resolve".to_owned())
            .spawn(move || {
                let found = asked.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
                // Best effort: nobody waits any more for an answer that comes too late.
                drop(sender.send(found));
            })
            .map_err(failed)?;
        let found = receiver
            .recv_timeout(limit)
            .map_err(|_error| failed(std::io::ErrorKind::TimedOut.into()))?
            .map_err(failed)?;
        if found.is_empty() {
            return Err(failed(std::io::ErrorKind::NotFound.into()));
        }
        Ok(found)
    }

    /// The value of `Host`.
    pub(crate) fn authority(&self) -> String {
        if let Some(host) = &self.host_header {
            host.clone()
        } else if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// A whole request, head and body in one piece; `body` is `None` for a GET.
    pub fn request(&self, path: &str, key: Option<&ApiKey>, body: Option<&[u8]>) -> Vec<u8> {
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut head = format!(
            "{method} {}{path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: edgedyno/{}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n",
            self.prefix,
            self.authority(),
            env!("CARGO_PKG_VERSION"),
        );
        if let Some(ApiKey(key)) = key {
            head.push_str("Authorization: Bearer ");
            head.push_str(key);
            head.push_str("\r\n");
        }
        if let Some(body) = body {
            head.push_str("Content-Type: application/json\r\nContent-Length: ");
            head.push_str(&body.len().to_string());
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body.unwrap_or_default());
        bytes
    }
}

impl ApiKey {
    /// Takes a key.
    ///
    /// # Errors
    /// When no header can carry it.
    pub fn new(key: &str) -> Result<Self, EndpointError> {
        let fits =
            !key.is_empty() && key.len() <= MAX_URL_BYTES && key.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(key.to_owned())) } else { Err(EndpointError::Key) }
    }

    /// `text` without the key: a server may repeat it in its error.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        text.replace(&self.0, "…")
    }

    /// The outcome without the key in its words.
    pub(crate) fn hide(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Ok | Outcome::Rebooted | Outcome::Cancelled | Outcome::Timeout { .. } => outcome,
            Outcome::Oom { detail } => Outcome::Oom { detail: self.hide_in(&detail) },
            Outcome::Refused { detail } => Outcome::Refused { detail: self.hide_in(&detail) },
            Outcome::Unsupported { detail } => Outcome::Unsupported { detail: self.hide_in(&detail) },
            Outcome::AtLimit { detail } => Outcome::AtLimit { detail: self.hide_in(&detail) },
            Outcome::Crashed { exit, stderr_tail } => {
                Outcome::Crashed { exit: self.hide_in(&exit), stderr_tail: self.hide_in(&stderr_tail) }
            }
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl Classify for EndpointError {
    fn blame(&self) -> Blame {
        match self {
            Self::Tls { .. } | Self::Url { .. } | Self::Key => Blame::User,
            Self::Resolve { .. } => Blame::Lab,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Resolve { .. })
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Tls { .. } => vec!["measure from the controller's side, which speaks TLS".to_owned()],
            Self::Url { .. } => vec!["write it like http://127.0.0.1:8080/v1".to_owned()],
            Self::Key => vec!["take line breaks and spaces out of the key".to_owned()],
            Self::Resolve { host, .. } => vec![format!("see whether this device knows the name `{host}`")],
        }
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match authority.split_once(':') {
        None => Some((authority, None)),
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_host_port_and_prefix() {
        let check = |url: &str, host: &str, port: u16, prefix: &str| {
            let prefix = prefix.to_owned();
            let expected = Endpoint { host: host.to_owned(), port, prefix, host_header: None };
            assert_eq!(Endpoint::parse(url).expect(url), expected);
        };
        check("http://127.0.0.1:8080/v1", "127.0.0.1", 8080, "/v1");
        check("http://127.0.0.1:8080/v1/", "127.0.0.1", 8080, "/v1");
        check("http://edge.local", "edge.local", 80, "");
        check("http://[::1]:9/", "::1", 9, "");
        check("http://[::1]", "::1", 80, "");
    }

    #[test]
    fn what_is_no_url_of_ours_is_refused() {
        for url in [
            "",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:",
            "http://a:99999",
            "http://a:80:90",
            "http://a b",
            "http://u@h",
            "http://h/?q",
            "http://[::1",
            "http://[x]:1",
            "http://h/\r\nX: y",
            "http://ü",
        ] {
            assert!(matches!(Endpoint::parse(url), Err(EndpointError::Url { .. })), "{url}");
        }
        assert!(matches!(Endpoint::parse("https://a"), Err(EndpointError::Tls { .. })));
    }

    #[test]
    fn a_key_is_neither_printed_nor_split_over_headers() {
        let key = ApiKey::new("sk-secret").expect("a plain key");
        assert!(!format!("{key:?}").contains("secret"));
        assert!(matches!(ApiKey::new("a\r\nX: y"), Err(EndpointError::Key)));
        assert!(matches!(ApiKey::new(""), Err(EndpointError::Key)));
        let said = Outcome::Refused { detail: "HTTP 401: sk-secret is no key".to_owned() };
        assert_eq!(key.hide(said), Outcome::Refused { detail: "HTTP 401: … is no key".to_owned() });
    }

    #[test]
    fn behind_a_relay_the_server_is_asked_by_its_own_name() {
        let endpoint = Endpoint::parse("http://127.0.0.1:8/v1").expect("a URL");
        let asked = endpoint.clone().asked_as(Some("api.example.org")).expect("a name");
        let text = String::from_utf8(asked.request("/models", None, None)).expect("ASCII");
        assert!(text.starts_with("GET /v1/models HTTP/1.1\r\nHost: api.example.org\r\n"), "{text}");
        assert!(endpoint.asked_as(Some("a\r\nX: y")).is_err());
    }

    #[test]
    fn a_request_is_one_piece() {
        let endpoint = Endpoint::parse("http://[::1]:8/v1").expect("a URL");
        let key = ApiKey::new("k").expect("a key");
        let text = String::from_utf8(endpoint.request("/x", Some(&key), Some(b"{}"))).expect("ASCII");
        assert!(text.starts_with("POST /v1/x HTTP/1.1\r\nHost: [::1]:8\r\n"), "{text}");
        assert!(text.ends_with(
            "Authorization: Bearer k\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        ));
    }
}
