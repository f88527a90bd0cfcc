//! Whether the server is the one that it was.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ssh2::{HashType, Session};

use crate::ssh::ask::Ask;
use crate::ssh::config::{HostConfig, Unknown};
use crate::ssh::error::SshError;
use crate::ssh::known_hosts::{KnownKeys, Verdict, add, name_of};

/// Kinds of key that the library verifies, best first, as `HostKeyAlgorithms` names them.
const METHODS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// What is known of one host.
pub(super) struct HostKeys<'a> {
    config: &'a HostConfig,
    name: String,
    known: KnownKeys,
    /// What is known of the host on port 22; a key there counts for other ports.
    known_elsewhere: KnownKeys,
}

impl<'a> HostKeys<'a> {
    /// Reads the user's and the system's files.
    pub(super) fn read(config: &'a HostConfig) -> Self {
        let files = || config.user_known_hosts.iter().chain(&config.global_known_hosts);
        let (name, other) = match &config.key_alias {
            Some(alias) => (alias.to_lowercase(), None),
            None => {
                (name_of(&config.name, config.port), (config.port != 22).then(|| name_of(&config.name, 22)))
            }
        };
        let known = KnownKeys::read(files(), &name);
        let known_elsewhere = other.map(|other| KnownKeys::read(files(), &other)).unwrap_or_default();
        Self { config, name, known, known_elsewhere }
    }

    /// The kinds of key to ask the server for: those that are known first, so that none looks like a change.
    pub(super) fn methods(&self) -> String {
        let allowed: Vec<&str> = self.config.methods.host_key.split(',').collect();
        let mut methods: Vec<&str> =
            METHODS.into_iter().filter(|method| allowed == [""] || allowed.contains(method)).collect();
        let known: Vec<&str> = self.known.kinds().into_iter().chain(self.known_elsewhere.kinds()).collect();
        // A stable sort: false, for a known kind, comes first.
        methods.sort_by_key(|method| !known.contains(&key_of(method)));
        methods.join(",")
    }

    /// Whether only a certificate could prove who the host is, which the library does not check.
    pub(super) fn needs_certificate(&self) -> bool {
        self.known.needs_certificate() && self.known_elsewhere.kinds().is_empty()
    }

    /// Lets a known host pass, asks about an unknown one as far as the configuration allows, and refuses others.
    pub(super) fn verify(&self, session: &Session, ask: &dyn Ask) -> Result<(), SshError> {
        let (key, _) = session.host_key().expect("a session with shaken hands has one");
        let kind = kind_of(key);
        let host = self.config.alias.clone();
        let (shown, fingerprint) = (shown(&kind), fingerprint(session));
        let elsewhere = || self.known_elsewhere.judge(&kind, key);
        match self.known.judge(&kind, key) {
            Verdict::Known => Ok(()),
            Verdict::Unknown if elsewhere() == Verdict::Known => Ok(()),
            Verdict::Unknown => self.take_new(&kind, key, shown, fingerprint, ask),
            Verdict::Changed(place) => {
                let (known_as, file, line) = (self.name.clone(), place.file, place.line);
                Err(SshError::ChangedHostKey { host, kind: shown, fingerprint, known_as, file, line })
            }
            Verdict::Revoked(place) => {
                let (file, line) = (place.file, place.line);
                Err(SshError::RevokedHostKey { host, kind: shown, fingerprint, file, line })
            }
        }
    }

    fn take_new(
        &self,
        kind: &str,
        key: &[u8],
        shown: &'static str,
        fingerprint: String,
        ask: &dyn Ask,
    ) -> Result<(), SshError> {
        let host = self.config.alias.clone();
        let file = self.config.user_known_hosts.first();
        let question = || {
            let kept = file.map_or(String::new(), |file| format!(" and keep it in {}", file.display()));
            let address = self.config.address();
            format!("the key of {host} ({address}) is not known: {shown} {fingerprint}; trust it{kept}?")
        };
        let is_taken = match self.config.unknown {
            Unknown::Accept => true,
            Unknown::Ask => ask.confirm(&question()),
            Unknown::Refuse => false,
        };
        if !is_taken {
            return Err(SshError::UnknownHostKey { host, kind: shown, fingerprint });
        }
        let Some(file) = file.filter(|file| !file.starts_with("/dev")) else { return Ok(()) };
        add(file, &self.name, self.config.is_hashing_hosts, kind, key)
            .map_err(|source| SshError::KnownHosts { host, file: file.clone(), source })
    }
}

/// The kind of key that a method signs with.
fn key_of(method: &str) -> &str {
    if method.starts_with("rsa-sha2-") { "ssh-rsa" } else { method }
}

/// The kind of a key: the first string in it (RFC 4253, 6.6).
pub(super) fn kind_of(key: &[u8]) -> String {
    let length = key.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let kind = key.get(4..).and_then(|rest| rest.get(..length)).unwrap_or_default();
    String::from_utf8_lossy(kind).into_owned()
}

fn shown(kind: &str) -> &'static str {
    match kind {
        "ssh-ed25519" => "ED25519",
        "ssh-rsa" => "RSA",
        kind if kind.starts_with("ecdsa-") => "ECDSA",
        _ => "key",
    }
}

fn fingerprint(session: &Session) -> String {
    let hash = session.host_key_hash(HashType::Sha256).unwrap_or_default();
    format!("SHA256:{}", STANDARD_NO_PAD.encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_the_first_string() {
        assert_eq!(kind_of(b"\0\0\0\x0bssh-ed25519\0\0\0\x20..."), "ssh-ed25519");
        assert_eq!(kind_of(b"\xff\xff\xff\xffx"), "");
        assert_eq!(kind_of(b""), "");
    }

    #[test]
    fn a_known_kind_is_asked_for_first() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "[h]:23 ssh-rsa AAAA\nh ecdsa-sha2-nistp256 AAAA\n")
            .expect("it can be written");
        let text = format!("user u\nhostname h\nport 23\nuserknownhostsfile {}\n", file.path().display());
        let config = HostConfig::parse("h", &text).expect("whole");
        assert_eq!(
            HostKeys::read(&config).methods(),
            "ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256,ssh-ed25519,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521"
        );
        let text =
            format!("{text}hostkeyalgorithms ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-256\n");
        let config = HostConfig::parse("h", &text).expect("whole");
        assert_eq!(HostKeys::read(&config).methods(), "rsa-sha2-256,ssh-ed25519");
    }
}
