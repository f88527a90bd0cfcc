//! Keys and an agent of their own for tests, made by OpenSSH's own programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::BenchError;
use crate::daemon::Daemon;
use crate::program::{find, run, wait_for, write};
use crate::undo::Scratch;

/// The passphrase of [`KeyKind::EncryptedEd25519`].
pub const PASSPHRASE: &str = "open sesame";
const CLIENT_PACKAGE: &str = "openssh-client";

/// The kinds of key that people have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519, without a passphrase.
    Ed25519,
    /// ECDSA on nistp256, without a passphrase.
    Ecdsa,
    /// RSA with 3072 bits, without a passphrase.
    Rsa,
    /// Ed25519, encrypted with [`PASSPHRASE`].
    EncryptedEd25519,
}

impl KeyKind {
    /// The word for it in file names and host aliases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Ecdsa => "ecdsa",
            Self::Rsa => "rsa",
            Self::EncryptedEd25519 => "encrypted",
        }
    }

    fn keygen_args(self) -> [&'static str; 6] {
        match self {
            Self::Ed25519 => ["-t", "ed25519", "-C", "bench", "-N", ""],
            Self::Ecdsa => ["-t", "ecdsa", "-C", "bench", "-N", ""],
            Self::Rsa => ["-t", "rsa", "-C", "bench", "-N", ""],
            Self::EncryptedEd25519 => ["-t", "ed25519", "-C", "bench", "-N", PASSPHRASE],
        }
    }
}

/// Makes a key pair `file` and `file.pub`, in place of one that is there.
pub(crate) fn make_key(kind: KeyKind, file: &Path) -> Result<(), BenchError> {
    // Best effort: there is none the first time, and ssh-keygen complains of one that stays.
    let _ = std::fs::remove_file(file);
    let mut keygen = Command::new(find("ssh-keygen", CLIENT_PACKAGE)?);
    run(keygen.arg("-q").args(kind.keygen_args()).arg("-f").arg(file))?;
    Ok(())
}

/// The public half of a key pair, one line.
pub(crate) fn public_key(file: &Path) -> Result<String, BenchError> {
    let file = file.with_extension("pub");
    let text = std::fs::read_to_string(&file).map_err(BenchError::io("cannot read", &file))?;
    Ok(text.trim_end().to_owned())
}

/// A running `ssh-agent` of the test's own.
#[derive(Debug)]
pub struct SshAgent {
    _daemon: Daemon,
    scratch: Scratch,
}

impl SshAgent {
    /// Starts it and gives it these private keys; encrypted ones are opened with [`PASSPHRASE`].
    ///
    /// # Errors
    /// When OpenSSH's client is not installed, or a key is refused.
    pub fn start(keys: &[&Path]) -> Result<Self, BenchError> {
        let scratch = Scratch::new("agent")?;
        let socket = scratch.join("socket");
        let mut command = Command::new(find("ssh-agent", CLIENT_PACKAGE)?);
        let daemon = Daemon::start(command.arg("-D").arg("-a").arg(&socket), &scratch.join("log"))?;
        let agent = Self { _daemon: daemon, scratch };
        wait_for("ssh-agent", Duration::from_secs(10), String::new, || socket.exists().then_some(()))?;
        let answer = agent.scratch.join("askpass");
        write(&answer, format!("#!/bin/sh\necho '{PASSPHRASE}'\n"))?;
        run(Command::new("chmod").arg("700").arg(&answer))?;
        for key in keys {
            let mut add = Command::new(find("ssh-add", CLIENT_PACKAGE)?);
            add.env("SSH_AUTH_SOCK", &socket).env("SSH_ASKPASS", &answer);
            run(add.env("SSH_ASKPASS_REQUIRE", "force").arg(key))?;
        }
        Ok(agent)
    }

    /// The value for `SSH_AUTH_SOCK`.
    pub fn socket(&self) -> PathBuf {
        self.scratch.join("socket")
    }
}
