//! What can go wrong before a device is reached over ssh.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use dyno_model::blame::{Blame, Classify};

use crate::command::quote;

/// A device could not be reached over ssh.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// A setting of the environment has a value that means nothing.
    #[error("EDGEDYNO_SSH is `{value}`; it may be `library` or `program`")]
    Setting {
        /// The value.
        value: String,
    },
    /// The `ssh` program is needed and not here.
    #[error("{host} needs the ssh program ({why}), which is not on this machine")]
    NoProgram {
        /// The host as the user wrote it.
        host: String,
        /// What needs it.
        why: String,
    },
    /// The user's ssh configuration could not be read for this host.
    #[error("cannot tell how to reach {host}: {said}")]
    Config {
        /// The host as the user wrote it.
        host: String,
        /// What the ssh program said, or which line is wrong.
        said: String,
    },
    /// The name has no address.
    #[error("no address is known for {name}, the host of {host}")]
    Resolve {
        /// The host as the user wrote it.
        host: String,
        /// The name that was looked up.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No connection came about.
    #[error("cannot connect to {address}, the host of {host}")]
    Connect {
        /// The host as the user wrote it.
        host: String,
        /// Address and port.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The port takes connections and says nothing.
    #[error("{address} accepts connections and says nothing for {limit:?}")]
    Silent {
        /// Address and port.
        address: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The port belongs to something else.
    #[error("{address} is no SSH server; it said `{said}`")]
    NotSsh {
        /// Address and port.
        address: String,
        /// Its first words.
        said: String,
    },
    /// The two sides found no common language, or the server broke off.
    #[error("cannot agree with the SSH server of {host} on how to talk")]
    Handshake {
        /// The host as the user wrote it.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A step took too long.
    #[error("{host} did not get done with {doing} in time")]
    Slow {
        /// The host as the user wrote it.
        host: String,
        /// `the log-in`, `looking up its address`.
        doing: &'static str,
    },
    /// The key of the host is not in the files of known hosts.
    #[error("the key of {host} is not known: {kind} {fingerprint}")]
    UnknownHostKey {
        /// The host as the user wrote it.
        host: String,
        /// `ED25519`, `ECDSA`, `RSA`.
        kind: &'static str,
        /// `SHA256:…`, as `ssh-keygen -l` shows it.
        fingerprint: String,
    },
    /// The key of the host is not the one that it had.
    #[error("the key of {host} has changed: it is now {kind} {fingerprint}, and {} line {line} has another one", file.display())]
    ChangedHostKey {
        /// The host as the user wrote it.
        host: String,
        /// `ED25519`, `ECDSA`, `RSA`.
        kind: &'static str,
        /// `SHA256:…`, as `ssh-keygen -l` shows it.
        fingerprint: String,
        /// The name under which it is known, such as `[pi4.local]:2222`.
        known_as: String,
        /// The file of known hosts.
        file: PathBuf,
        /// The line in it.
        line: usize,
    },
    /// The key of the host is marked as revoked.
    #[error("the key of {host}, {kind} {fingerprint}, is revoked by {} line {line}", file.display())]
    RevokedHostKey {
        /// The host as the user wrote it.
        host: String,
        /// `ED25519`, `ECDSA`, `RSA`.
        kind: &'static str,
        /// `SHA256:…`, as `ssh-keygen -l` shows it.
        fingerprint: String,
        /// The file of known hosts.
        file: PathBuf,
        /// The line in it.
        line: usize,
    },
    /// An accepted host key could not be kept.
    #[error("cannot add the key of {host} to {}", file.display())]
    KnownHosts {
        /// The host as the user wrote it.
        host: String,
        /// The file of known hosts.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server lets this user in with none of the keys.
    #[error("{host} does not let {user} in; it accepts {accepted}; tried: {tried}")]
    Auth {
        /// The host as the user wrote it.
        host: String,
        /// The log-in name.
        user: String,
        /// What the server accepts, such as `publickey,password`.
        accepted: String,
        /// Each key and what came of it.
        tried: String,
    },
    /// The right key is encrypted, and no passphrase was given.
    #[error("{host} would accept the key {}, which is encrypted, and there is no passphrase for it", key.display())]
    Locked {
        /// The host as the user wrote it.
        host: String,
        /// The key file.
        key: PathBuf,
    },
    /// The host on the way does not pass us on.
    #[error("{host} cannot be reached over {jump}: {said}")]
    Jump {
        /// The host as the user wrote it.
        host: String,
        /// The host on the way.
        jump: String,
        /// What the ssh program said.
        said: String,
    },
    /// The server opens no further channel, or runs no command in it.
    #[error("the SSH server of {host} refuses {what}")]
    Refused {
        /// The host as the user wrote it.
        host: String,
        /// `another session`, `to run a command`.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The ssh program gave up.
    #[error("the ssh program cannot reach {host}: {said}")]
    Program {
        /// The host as the user wrote it.
        host: String,
        /// What it said.
        said: String,
    },
    /// Something of this machine is missing: a thread, a socket, a folder.
    #[error("cannot prepare the connection to {host}")]
    Here {
        /// The host as the user wrote it.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Classify for SshError {
    fn blame(&self) -> Blame {
        match self {
            Self::Setting { .. } | Self::Config { .. } => Blame::User,
            Self::NoProgram { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Silent { .. }
            | Self::NotSsh { .. }
            | Self::Handshake { .. }
            | Self::Slow { .. }
            | Self::UnknownHostKey { .. }
            | Self::ChangedHostKey { .. }
            | Self::RevokedHostKey { .. }
            | Self::KnownHosts { .. }
            | Self::Auth { .. }
            | Self::Locked { .. }
            | Self::Jump { .. }
            | Self::Refused { .. }
            | Self::Program { .. }
            | Self::Here { .. } => Blame::Lab,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Resolve { .. }
                | Self::Connect { .. }
                | Self::Silent { .. }
                | Self::Slow { .. }
                | Self::Jump { .. }
        ) || matches!(self, Self::Handshake { source, .. } if source.kind() != io::ErrorKind::Unsupported)
            || matches!(self, Self::Program { said, .. } if is_of_the_network(said))
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Setting { .. } | Self::Slow { .. } | Self::KnownHosts { .. } | Self::Here { .. } => {
                return Vec::new();
            }
            Self::NoProgram { .. } => "install OpenSSH's client".to_owned(),
            Self::Config { host, .. } => format!("see what `ssh -G {}` says", quote(host)),
            Self::Resolve { .. } => {
                "check `host` in devices.toml and `HostName` in your ssh configuration, and whether the device is on"
                    .to_owned()
            }
            Self::Connect { source, .. } => match source.kind() {
                io::ErrorKind::ConnectionRefused => {
                    "start the SSH server of the device, or set its `Port` in your ssh configuration".to_owned()
                }
                _ => "check that the device is on and in the same network".to_owned(),
            },
            Self::Silent { .. } | Self::NotSsh { .. } => {
                "set the device's `Port` in your ssh configuration".to_owned()
            }
            Self::Handshake { host, .. } => format!("try `ssh {}`, or EDGEDYNO_SSH=program", quote(host)),
            Self::UnknownHostKey { host, .. } => format!(
                "compare the fingerprint with what `ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub` says on the \
                 device; if it is the same, say yes to `ssh {}` once",
                quote(host)
            ),
            Self::ChangedHostKey { known_as, file, .. } => format!(
                "if you know why (a new system on the device), remove the old key: ssh-keygen -R {} -f {}",
                quote(known_as),
                quote(&file.display().to_string())
            ),
            Self::RevokedHostKey { .. } => {
                "somebody marked this key as stolen or lost: give the device a new one".to_owned()
            }
            Self::Auth { host, tried, .. } if tried.contains(TOO_MANY) => format!(
                "name the right key for {host} by `IdentityFile` and set `IdentitiesOnly yes` in your ssh configuration"
            ),
            Self::Auth { host, .. } => format!(
                "put your public key there with `ssh-copy-id {}`, or name the right one by `IdentityFile` in your ssh \
                 configuration",
                quote(host)
            ),
            Self::Locked { key, .. } => {
                format!("give it to your agent: ssh-add {}", quote(&key.display().to_string()))
            }
            Self::Jump { jump, .. } => format!("try `ssh {} true`", quote(jump)),
            Self::Refused { .. } => {
                "raise `MaxSessions` in the device's sshd_config, or remove its `ForceCommand`".to_owned()
            }
            Self::Program { host, .. } => format!("try `ssh {} true`", quote(host)),
        };
        vec![hint]
    }
}

/// Said of the keys that were not tried any more.
pub(super) const TOO_MANY: &str = "the server hung up after so many";

fn is_of_the_network(said: &str) -> bool {
    ["timed out", "refused", "Could not resolve", "closed", "reset", "unreachable", "No route", "Broken pipe"]
        .iter()
        .any(|word| said.contains(word))
}
