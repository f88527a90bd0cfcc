//! What the user's ssh configuration says about one host.
//!
//! OpenSSH itself is asked (`ssh -G`), so that `Match`, `Include` and all defaults mean what they mean there.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::output::printable;
use crate::ssh::error::SshError;
use crate::ssh::{here, plain_config};
use crate::transport::Ended;

/// How long OpenSSH may take to read its files; a `Match exec` may be slow.
const READ_LIMIT: Duration = Duration::from_secs(15);

/// What is done with the key of a host that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Refuse,
    Ask,
    Accept,
}

/// Where the user's keys may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AgentSocket {
    None,
    At(PathBuf),
}

/// How to reach one host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of ssh_config(5)")]
pub(super) struct HostConfig {
    /// As the user wrote it.
    pub(super) alias: String,
    /// Name or address.
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// The user's private keys, in the order to try.
    pub(super) identity_files: Vec<PathBuf>,
    pub(super) certificate_files: Vec<PathBuf>,
    /// Whether the agent may offer only the keys named above.
    pub(super) is_identities_only: bool,
    pub(super) agent: AgentSocket,
    /// Hosts on the way, as `ProxyJump` has them.
    pub(super) jump: Option<String>,
    /// The files of known hosts; the first one is written to.
    pub(super) user_known_hosts: Vec<PathBuf>,
    pub(super) global_known_hosts: Vec<PathBuf>,
    /// The name under which the host's key is looked up, if another one.
    pub(super) key_alias: Option<String>,
    pub(super) unknown: Unknown,
    pub(super) is_hashing_hosts: bool,
    pub(super) is_compressed: bool,
    /// Whether nobody is to be asked for anything.
    pub(super) is_batch: bool,
    pub(super) methods: Methods,
    pub(super) connect_limit: Option<Duration>,
    /// Interval and number of signs of life, if set.
    pub(super) alive: Option<(Duration, u32)>,
    /// Which address family, if only one.
    pub(super) family: Option<Family>,
    pub(super) has_pubkey: bool,
    pub(super) has_keyboard: bool,
    pub(super) has_password: bool,
    pub(super) beyond: Beyond,
}

/// The kind of address to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// Lists of algorithms, best first; empty where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Methods {
    pub(super) kex: String,
    pub(super) host_key: String,
    pub(super) ciphers: String,
    pub(super) macs: String,
}

/// What only the ssh program can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of ssh_config(5)")]
pub(super) struct Beyond {
    pub(super) proxy_command: bool,
    pub(super) pkcs11: bool,
    pub(super) gssapi: bool,
    pub(super) host_based: bool,
    /// A socket of a master connection, if one is configured.
    pub(super) control_path: Option<PathBuf>,
}

impl HostConfig {
    /// Asks OpenSSH about `host`; without its `ssh` program the plain parts of the user's file are read.
    pub(super) fn resolve(host: &str, file: Option<&Path>) -> Result<Self, SshError> {
        let mut command = Command::new("ssh");
        if let Some(file) = file {
            command.arg("-F").arg(file);
        }
        command.args(["-T", "-G", "--", host]);
        let failed = |said: String| SshError::Config { host: host.to_owned(), said };
        let output = match here::run(&mut command, READ_LIMIT) {
            Ok(Some(output)) => output,
            Ok(None) => return Err(failed(format!("`ssh -G` did not end within {READ_LIMIT:?}"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = plain_config::read(host, file).map_err(failed)?;
                return Self::parse(host, &text);
            }
            Err(source) => return Err(SshError::Here { host: host.to_owned(), source }),
        };
        if output.ended != Ended::Code(0) {
            return Err(failed(printable(&output.stderr)));
        }
        Self::parse(host, &String::from_utf8_lossy(&output.stdout))
    }

    /// Reads lines of lower-case keywords and values, as `ssh -G` prints them.
    pub(super) fn parse(host: &str, text: &str) -> Result<Self, SshError> {
        let said = Said::read(text);
        let failed = |what: &str| SshError::Config { host: host.to_owned(), said: what.to_owned() };
        let name = said.text("hostname").unwrap_or(host).to_owned();
        let port = said.text("port").unwrap_or("22").parse().map_err(|_no_number| failed("a bad Port"))?;
        let user = said.text("user").ok_or_else(|| failed("no User is set"))?.to_owned();
        let tokens = Tokens { alias: host, name: &name, port, user: &user };
        let paths = |key: &str| -> Vec<PathBuf> {
            said.all(key).filter(|path| *path != "none").map(|path| tokens.expand(path)).collect()
        };
        let lists = |key: &str| -> Vec<PathBuf> {
            said.all(key).flat_map(split_paths).map(|path| tokens.expand(&path)).collect()
        };
        Ok(Self {
            identity_files: paths("identityfile"),
            certificate_files: paths("certificatefile"),
            is_identities_only: said.is_on("identitiesonly"),
            agent: agent(said.text("identityagent"), &tokens),
            jump: said.text("proxyjump").map(str::to_owned),
            user_known_hosts: lists("userknownhostsfile"),
            global_known_hosts: lists("globalknownhostsfile"),
            key_alias: said.text("hostkeyalias").map(str::to_owned),
            unknown: unknown(said.text("stricthostkeychecking")),
            is_hashing_hosts: said.is_on("hashknownhosts"),
            is_compressed: said.is_on("compression"),
            is_batch: said.is_on("batchmode"),
            methods: said.methods(),
            connect_limit: said.seconds("connecttimeout"),
            alive: said.alive(),
            family: family(said.text("addressfamily")),
            has_pubkey: !said.is_off("pubkeyauthentication"),
            has_keyboard: !said.is_off("kbdinteractiveauthentication"),
            has_password: !said.is_off("passwordauthentication"),
            beyond: said.beyond(),
            alias: host.to_owned(),
            name,
            port,
            user,
        })
    }

    /// Address and port, for messages.
    pub(super) fn address(&self) -> String {
        if self.name.contains(':') {
            format!("[{}]:{}", self.name, self.port)
        } else {
            format!("{}:{}", self.name, self.port)
        }
    }
}

fn agent(asked: Option<&str>, tokens: &Tokens<'_>) -> AgentSocket {
    let variable = |name: &str| match std::env::var_os(name).filter(|path| !path.is_empty()) {
        Some(path) => AgentSocket::At(PathBuf::from(path)),
        None => AgentSocket::None,
    };
    match asked {
        None | Some("SSH_AUTH_SOCK") => variable("SSH_AUTH_SOCK"),
        Some("none") => AgentSocket::None,
        Some(path) => match path.strip_prefix('$') {
            Some(name) if !name.starts_with('{') => variable(name),
            _ => AgentSocket::At(tokens.expand(path)),
        },
    }
}

fn unknown(asked: Option<&str>) -> Unknown {
    match asked {
        Some("yes" | "true") => Unknown::Refuse,
        Some("accept-new" | "no" | "off" | "false") => Unknown::Accept,
        _ => Unknown::Ask,
    }
}

fn family(asked: Option<&str>) -> Option<Family> {
    match asked {
        Some("inet") => Some(Family::V4),
        Some("inet6") => Some(Family::V6),
        _ => None,
    }
}

/// `ssh -G` prints several paths on a line and does not quote spaces: a path begins with `/` or `~`.
fn split_paths(line: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match paths.last_mut() {
            Some(path) if !word.starts_with(['/', '~', '%', '$']) => {
                path.push(' ');
                path.push_str(word);
            }
            _ => paths.push(word.to_owned()),
        }
    }
    paths.retain(|path| path != "none" && !path.is_empty());
    paths
}

/// What stands for `%h` and its kin in a path.
struct Tokens<'a> {
    alias: &'a str,
    name: &'a str,
    port: u16,
    user: &'a str,
}

impl Tokens<'_> {
    fn expand(&self, path: &str) -> PathBuf {
        let home = std::env::var("HOME").unwrap_or_default();
        let path = match path.strip_prefix("~/") {
            Some(inside) => format!("{home}/{inside}"),
            None => path.to_owned(),
        };
        let mut text = String::new();
        let mut rest = path.as_str();
        while let Some(at) = rest.find(['%', '$']) {
            text.push_str(&rest[..at]);
            let (value, n_bytes) = self.token(&rest[at..], &home);
            text.push_str(&value);
            rest = &rest[at + n_bytes..];
        }
        text.push_str(rest);
        PathBuf::from(text)
    }

    /// The value of the token at the beginning of `text`, and its length there.
    fn token(&self, text: &str, home: &str) -> (String, usize) {
        if let Some((name, _)) = text.strip_prefix("${").and_then(|text| text.split_once('}')) {
            return (std::env::var(name).unwrap_or_default(), name.len() + 3);
        }
        let local_user =
            || std::env::var("USER").or_else(|_unset| std::env::var("LOGNAME")).unwrap_or_default();
        let value = match text.as_bytes().get(..2) {
            Some(b"%%") => "%".to_owned(),
            Some(b"%d") => home.to_owned(),
            Some(b"%h") => self.name.to_owned(),
            Some(b"%n" | b"%k") => self.alias.to_owned(),
            Some(b"%p") => self.port.to_string(),
            Some(b"%r") => self.user.to_owned(),
            Some(b"%u") => local_user(),
            _ => return (text[..1].to_owned(), 1),
        };
        (value, 2)
    }
}

/// Keywords and their values, in their order.
struct Said<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Said<'a> {
    fn read(text: &'a str) -> Self {
        let mut said: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in text.lines().filter_map(|line| line.trim().split_once(' ')) {
            said.entry(key).or_default().push(value.trim());
        }
        Self(said)
    }

    fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.get(key).into_iter().flatten().copied()
    }

    /// The first value, unless it is `none`.
    fn text(&self, key: &str) -> Option<&'a str> {
        self.all(key).next().filter(|value| *value != "none" || key == "identityagent")
    }

    fn is_on(&self, key: &str) -> bool {
        matches!(self.text(key), Some("yes" | "true"))
    }

    fn is_off(&self, key: &str) -> bool {
        matches!(self.text(key), Some("no" | "false"))
    }

    fn seconds(&self, key: &str) -> Option<Duration> {
        let seconds: u64 = self.text(key)?.parse().ok()?;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    fn alive(&self) -> Option<(Duration, u32)> {
        let tries = self.text("serveralivecountmax").and_then(|count| count.parse().ok()).unwrap_or(3);
        Some((self.seconds("serveraliveinterval")?, tries))
    }

    fn methods(&self) -> Methods {
        let list = |key| self.text(key).unwrap_or_default().to_owned();
        Methods {
            kex: list("kexalgorithms"),
            host_key: list("hostkeyalgorithms"),
            ciphers: list("ciphers"),
            macs: list("macs"),
        }
    }

    fn beyond(&self) -> Beyond {
        Beyond {
            proxy_command: self.text("proxycommand").is_some(),
            pkcs11: self.text("pkcs11provider").is_some(),
            gssapi: self.is_on("gssapiauthentication"),
            host_based: self.is_on("hostbasedauthentication"),
            control_path: self.text("controlpath").map(PathBuf::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `ssh -G` of OpenSSH 9.2p1 (Debian 12), 2026-11-21, shortened.
    const SAID: &str = "host d3\nuser pi\nhostname 10.0.0.7\nport 2222\naddressfamily inet\n\
        identitiesonly yes\nstricthostkeychecking accept-new\nserveralivecountmax 3\nserveraliveinterval 7\n\
        hashknownhosts yes\npubkeyauthentication true\npasswordauthentication no\nhostkeyalias rack-3\n\
        identityfile %d/.ssh/id_%r_%n\nidentityfile /tmp/a b/key\ncertificatefile /x-cert.pub\n\
        ciphers aes128-gcm@openssh.com,aes128-ctr\nidentityagent none\n\
        globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2\n\
        userknownhostsfile /root/kh1 /tmp/a b/kh\nconnecttimeout none\nproxyjump u@j1:23,j2\n";

    #[test]
    fn the_words_of_openssh_are_understood() {
        let config = HostConfig::parse("d3", SAID).expect("it is whole");
        assert_eq!((config.name.as_str(), config.port, config.user.as_str()), ("10.0.0.7", 2222, "pi"));
        let home = PathBuf::from(std::env::var("HOME").unwrap_or_default());
        assert_eq!(config.identity_files, [home.join(".ssh/id_pi_d3"), PathBuf::from("/tmp/a b/key")]);
        assert_eq!(config.user_known_hosts, [PathBuf::from("/root/kh1"), PathBuf::from("/tmp/a b/kh")]);
        assert_eq!(config.global_known_hosts.len(), 2);
        assert_eq!(config.alive, Some((Duration::from_secs(7), 3)));
        assert_eq!((config.connect_limit, config.family), (None, Some(Family::V4)));
        assert_eq!((config.unknown, config.agent.clone()), (Unknown::Accept, AgentSocket::None));
        assert_eq!(config.jump.as_deref(), Some("u@j1:23,j2"));
        assert_eq!(config.key_alias.as_deref(), Some("rack-3"));
        assert!(
            config.is_identities_only && config.is_hashing_hosts && config.has_pubkey && !config.has_password
        );
        assert_eq!(config.beyond, Beyond::default());
        assert_eq!(config.methods.ciphers, "aes128-gcm@openssh.com,aes128-ctr");
    }

    #[test]
    fn what_is_needed_is_asked_for() {
        let error = HostConfig::parse("x", "hostname x\nport 22\n").expect_err("nobody to log in as");
        assert_eq!(error.to_string(), "cannot tell how to reach x: no User is set");
        let error = HostConfig::parse("x", "user u\nport 99999\n").expect_err("no such port");
        assert_eq!(error.to_string(), "cannot tell how to reach x: a bad Port");
    }
}
