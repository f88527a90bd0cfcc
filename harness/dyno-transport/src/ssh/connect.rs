//! From a host's configuration to a session that is logged in.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ssh2::{ErrorCode, MethodType, Session};

use crate::ssh::ask::{Ask, NoAsk};
use crate::ssh::auth;
use crate::ssh::config::{Family, HostConfig};
use crate::ssh::error::SshError;
use crate::ssh::host_key::HostKeys;
use crate::ssh::jump::{Guide, JumpStream};
use crate::ssh::settings::SshSettings;
use crate::ssh::sys;
use crate::ssh::watch::Watch;

/// How long the server may take for one answer while a session begins; a small board needs seconds for a key exchange.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// A name with more addresses is tried no further.
const MAX_ADDRESSES: usize = 8;
/// How long a greeting that is not SSH may still be followed by one (RFC 4253, 4.2 allows lines before it).
const GREETING_LIMIT: Duration = Duration::from_secs(1);

/// What is to be reached, and how.
pub(super) struct Target {
    pub(super) config: HostConfig,
    pub(super) settings: SshSettings,
}

/// Why there is no session.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Box<SshError>,
    /// What the ssh program could do about it, if anything.
    pub(super) beyond: Option<&'static str>,
}

impl From<SshError> for Failure {
    fn from(error: SshError) -> Self {
        Self { error: Box::new(error), beyond: None }
    }
}

impl Target {
    pub(super) fn ask(&self) -> &dyn Ask {
        if self.config.is_batch { &NoAsk } else { &*self.settings.ask }
    }

    pub(super) fn host(&self) -> String {
        self.config.alias.clone()
    }

    pub(super) fn connect_limit(&self) -> Duration {
        self.config.connect_limit.unwrap_or(self.settings.connect_limit)
    }
}

/// Reaches the host, checks its key and logs in.
pub(super) fn connect(target: &Target, watch: &Watch) -> Result<Session, Failure> {
    let stream = match &target.config.jump {
        Some(hops) => Stream::Jump(JumpStream::open(target, hops)?),
        None => Stream::Tcp(dial(target, watch)?),
    };
    let guide = stream.guide();
    let result = greet(target, watch, &stream).and_then(|()| begin(target, watch, stream));
    result.map_err(|mut failure| {
        // A host on the way that refuses is seen here as a link that ends; its own words are better.
        if let Some(said) = guide.and_then(|guide| guide.last_words()) {
            let jump = target.config.jump.clone().unwrap_or_default();
            failure = Failure::from(SshError::Jump { host: target.host(), jump, said });
        }
        failure
    })
}

/// The bytes between us and the server.
enum Stream {
    Tcp(TcpStream),
    Jump(JumpStream),
}

impl Stream {
    fn guide(&self) -> Option<Arc<Guide>> {
        match self {
            Self::Tcp(_) => None,
            Self::Jump(stream) => Some(stream.guide()),
        }
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Jump(stream) => stream.as_raw_fd(),
        }
    }
}

fn dial(target: &Target, watch: &Watch) -> Result<TcpStream, SshError> {
    let (config, limit) = (&target.config, target.connect_limit());
    watch.step("looking up its address", limit);
    let name = config.name.trim_start_matches('[').trim_end_matches(']');
    let resolve = |source| SshError::Resolve { host: target.host(), name: config.name.clone(), source };
    let addresses: Vec<SocketAddr> = (name, config.port).to_socket_addrs().map_err(resolve)?.collect();
    let fits = |address: &&SocketAddr| match config.family {
        None => true,
        Some(Family::V4) => address.is_ipv4(),
        Some(Family::V6) => address.is_ipv6(),
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address of the family that is asked for");
    let mut shown = config.address();
    for address in addresses.iter().filter(fits).take(MAX_ADDRESSES) {
        watch.step("connecting", limit);
        match TcpStream::connect_timeout(address, limit) {
            Ok(stream) => {
                // Best effort: without it small messages wait for each other a little.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Err(error) => last = error,
        }
        shown =
            if address.ip().to_string() == name { config.address() } else { format!("{name} ({address})") };
    }
    Err(SshError::Connect { host: target.host(), address: shown, source: last })
}

/// Waits for the server's first words, and looks whether they are those of an SSH server.
fn greet(target: &Target, watch: &Watch, stream: &Stream) -> Result<(), Failure> {
    let limit = target.connect_limit();
    watch.step("its greeting", limit + GREETING_LIMIT);
    let address = target.config.address();
    let mut until = Instant::now() + limit;
    let mut bytes = [0_u8; 2048];
    let mut n_before = 0;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let n_bytes = match sys::peek(stream.as_raw_fd(), &mut bytes, left) {
            Ok(n_bytes) => n_bytes,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(SshError::Silent { address, limit }.into());
            }
            Err(source) => return Err(SshError::Handshake { host: target.host(), source }.into()),
        };
        let said = &bytes[..n_bytes];
        if n_bytes == 0 {
            let words = "it closed the connection before its first word";
            let source = io::Error::new(io::ErrorKind::UnexpectedEof, words);
            return Err(SshError::Handshake { host: target.host(), source }.into());
        }
        if has_ssh_line(said) {
            return Ok(());
        }
        if n_before == 0 {
            until = Instant::now() + GREETING_LIMIT;
        }
        if Instant::now() >= until || n_bytes == bytes.len() {
            let said = crate::output::printable(&said[..n_bytes.min(80)]);
            return Err(SshError::NotSsh { address, said }.into());
        }
        n_before = n_bytes;
        // What is there already would be seen again at once.
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn has_ssh_line(said: &[u8]) -> bool {
    said.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"SSH-"))
}

fn begin(target: &Target, watch: &Watch, stream: Stream) -> Result<Session, Failure> {
    let config = &target.config;
    let keys = HostKeys::read(config);
    let mut session = Session::new().map_err(|error| here(target, error))?;
    if keys.needs_certificate() {
        let source =
            io::Error::new(io::ErrorKind::Unsupported, "its key is vouched for by a certificate authority");
        let error = SshError::Handshake { host: target.host(), source };
        return Err(Failure { error: Box::new(error), beyond: Some("a certificate of the host") });
    }
    session.set_compress(config.is_compressed);
    session.set_timeout(ANSWER_LIMIT.as_millis() as u32);
    session.set_tcp_stream(stream);
    prefer(&session, config, &keys).map_err(|error| disagree(target, &error))?;
    watch.step("the key exchange", ANSWER_LIMIT);
    session.handshake().map_err(|error| disagree(target, &error))?;
    watch.asking(ANSWER_LIMIT, || keys.verify(&session, target.ask()))?;
    auth::log_in(target, &session, watch)?;
    session.set_timeout(0);
    session.set_blocking(false);
    Ok(session)
}

fn here(target: &Target, error: ssh2::Error) -> SshError {
    SshError::Here { host: target.host(), source: io::Error::from(error) }
}

/// Tells the library which algorithms the user's configuration allows; it leaves out those that it does not know.
fn prefer(session: &Session, config: &HostConfig, keys: &HostKeys<'_>) -> Result<(), ssh2::Error> {
    let methods = &config.methods;
    session.method_pref(MethodType::HostKey, &keys.methods())?;
    if !methods.kex.is_empty() {
        // Not ways to exchange keys, but what the library announces in that list; without them RSA keys and the
        // strict key exchange are lost.
        let kex = format!("{},ext-info-c,kex-strict-c-v00@openssh.com", methods.kex);
        session.method_pref(MethodType::Kex, &kex)?;
    }
    if !methods.ciphers.is_empty() {
        session.method_pref(MethodType::CryptCs, &methods.ciphers)?;
        session.method_pref(MethodType::CryptSc, &methods.ciphers)?;
    }
    if !methods.macs.is_empty() {
        session.method_pref(MethodType::MacCs, &methods.macs)?;
        session.method_pref(MethodType::MacSc, &methods.macs)?;
    }
    Ok(())
}

/// Errors of the library that mean: no algorithm that both sides know. `LIBSSH2_ERROR_HOSTKEY_INIT`, `_METHOD_NONE`,
/// `_METHOD_NOT_SUPPORTED`, `_ALGO_UNSUPPORTED`.
const NO_COMMON_METHOD: [i32; 4] = [-10, -17, -33, -51];
/// `LIBSSH2_ERROR_KEX_FAILURE`: the same, or the server hung up at this point.
const NO_KEY_EXCHANGE: i32 = -5;
/// `LIBSSH2_ERROR_TIMEOUT`.
pub(super) const TIMED_OUT: i32 = -9;

pub(super) fn code_of(error: &ssh2::Error) -> i32 {
    match error.code() {
        ErrorCode::Session(code) | ErrorCode::SFTP(code) => code,
    }
}

fn disagree(target: &Target, error: &ssh2::Error) -> Failure {
    let (host, words) = (target.host(), error.message().to_owned());
    match code_of(error) {
        TIMED_OUT => SshError::Slow { host, doing: "the key exchange" }.into(),
        code if code == NO_KEY_EXCHANGE || NO_COMMON_METHOD.contains(&code) => {
            let is_sure = code != NO_KEY_EXCHANGE;
            let kind = if is_sure { io::ErrorKind::Unsupported } else { io::ErrorKind::ConnectionReset };
            let error = SshError::Handshake { host, source: io::Error::new(kind, words) };
            Failure { error: Box::new(error), beyond: Some("algorithms that libssh2 lacks") }
        }
        _ => SshError::Handshake { host, source: io::Error::other(words) }.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_may_come_after_other_lines() {
        assert!(has_ssh_line(b"SSH-2.0-OpenSSH_9.2\r\n"));
        assert!(has_ssh_line(b"be good\r\nSSH-2.0-x\r\n"));
        assert!(!has_ssh_line(b"220 ready for SSH-2.0\r\n"));
        assert!(!has_ssh_line(b"SS"));
    }
}
