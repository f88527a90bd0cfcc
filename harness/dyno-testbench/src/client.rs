//! The client's side of an SSH device: a home folder with configuration, known hosts and keys.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BenchError;
use crate::program::{LIMIT, Output, find, make_folder, run, run_within, write};

/// What the client's known_hosts file says about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownHosts {
    /// Its keys, readable.
    Plain,
    /// Its keys, with the names hashed by `ssh-keygen -H`.
    Hashed,
    /// Nothing: the host is unknown.
    Empty,
}

/// A part of the bench that is reached by SSH.
pub trait SshHost {
    /// Its `Host` blocks for a client's configuration.
    fn client_config(&self) -> String;
}

/// Writes one client configuration with the aliases of all these hosts; for jumps and for several devices.
///
/// # Errors
/// When the file cannot be written.
pub fn combined_config(file: &Path, hosts: &[&dyn SshHost]) -> Result<(), BenchError> {
    write(file, hosts.iter().map(|host| host.client_config()).collect::<String>())
}

/// A client's home folder.
#[derive(Debug)]
pub(crate) struct ClientHome {
    folder: PathBuf,
}

impl ClientHome {
    pub(crate) fn new(folder: PathBuf) -> Result<Self, BenchError> {
        make_folder(&folder.join(".ssh"))?;
        Ok(Self { folder })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.clone()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(".ssh").join(name)
    }

    /// Writes known_hosts with these public keys of the server.
    pub(crate) fn know(
        &self,
        host: &str,
        port: u16,
        keys: &[String],
        how: KnownHosts,
    ) -> Result<(), BenchError> {
        let mut known = String::new();
        if how != KnownHosts::Empty {
            let name = if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") };
            for key in keys {
                let _ = writeln!(known, "{name} {key}");
            }
        }
        write(&self.file("known_hosts"), known)?;
        if how == KnownHosts::Hashed {
            let mut keygen = Command::new(find("ssh-keygen", "openssh-client")?);
            run(keygen.args(["-q", "-H", "-f"]).arg(self.file("known_hosts")))?;
        }
        Ok(())
    }

    /// One `Host` block.
    pub(crate) fn block(&self, alias: &str, address: &str, port: u16, user: &str, key: &str) -> String {
        format!(
            "Host {alias}\n  HostName {address}\n  Port {port}\n  User {user}\n  IdentityFile {}\n  \
             IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n",
            self.file(key).display(),
            self.file("known_hosts").display(),
        )
    }

    /// Runs a command there with OpenSSH's own client.
    pub(crate) fn ssh(&self, alias: &str, remote: &str) -> Result<Output, BenchError> {
        let mut ssh = Command::new(find("ssh", "openssh-client")?);
        ssh.arg("-F").arg(self.file("config")).args(["-o", "BatchMode=yes", alias, remote]);
        run_within(&mut ssh, LIMIT)
    }
}

/// Puts an `ssh` program into `folder` that reads `config` in place of the user's own, and gives the `PATH` with it in
/// front; for whole commands under test, which call `ssh` without saying where its configuration is.
///
/// # Errors
/// When OpenSSH's client is not installed, or the file cannot be written.
pub fn path_with_ssh(folder: &Path, config: &Path) -> Result<OsString, BenchError> {
    let real = find("ssh", "openssh-client")?;
    make_folder(folder)?;
    let program = folder.join("ssh");
    write(&program, format!("#!/bin/sh\nexec '{}' -F '{}' \"$@\"\n", real.display(), config.display()))?;
    run(Command::new("chmod").arg("755").arg(&program))?;
    let mut path = folder.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    Ok(path)
}
