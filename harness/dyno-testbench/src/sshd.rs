//! A private OpenSSH server on loopback, and the client's files that lead to it.

use std::fmt::Write as _;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::BenchError;
use crate::client::{ClientHome, KnownHosts, SshHost};
use crate::daemon::{Daemon, read_log};
use crate::program::{Output, find, is_root, make_folder, need_root, run, wait_for, write};
use crate::sshkey::{KeyKind, make_key, public_key};
use crate::sys;
use crate::undo::{Scratch, Undo, next_number};

const PACKAGE: &str = "openssh-server";
const READY: Duration = Duration::from_secs(20);
/// Another process may take a free port before sshd does.
const PORT_TRIES: usize = 5;
const MARK: &str = "EDGEDYNO_TESTBENCH";

/// A user of its own on this machine, for the time of the test; needs root.
#[derive(Debug, Clone)]
pub struct TestUser {
    /// The login shell, such as `/usr/sbin/nologin` or `/bin/sh`.
    pub shell: String,
    /// The password, where passwords are tested.
    pub password: Option<String>,
}

/// How a server is to be.
#[derive(Debug, Clone)]
pub struct SshdOptions {
    /// The server's own keys.
    pub host_keys: Vec<KeyKind>,
    /// The client's keys that are let in; each has its alias, the first is [`Sshd::alias`].
    pub client_keys: Vec<KeyKind>,
    /// What the client knows about the server.
    pub known_hosts: KnownHosts,
    /// The client's `StrictHostKeyChecking`: `yes`, `accept-new`, `ask` or `no`.
    pub strict_host_key_checking: String,
    /// Lines for `sshd_config`; they win over the bench's own (Banner, ForceCommand, Subsystem, Ciphers, …).
    pub server_lines: Vec<String>,
    /// Lines for every `Host` block of the client's configuration.
    pub client_lines: Vec<String>,
    /// Environment of the sessions; `HOME` is set to [`Sshd::home`] unless it is named here.
    pub session_env: Vec<(String, String)>,
    /// What the sessions' `.bashrc` holds; sshd lets bash read it for commands, too.
    pub bashrc: String,
    /// Log in as a user of its own instead of the one who runs the test.
    pub user: Option<TestUser>,
}

impl Default for SshdOptions {
    /// Ed25519 keys on both sides, host known, strict checking, the running user, a quiet `.bashrc`.
    fn default() -> Self {
        Self {
            host_keys: vec![KeyKind::Ed25519],
            client_keys: vec![KeyKind::Ed25519],
            known_hosts: KnownHosts::Plain,
            strict_host_key_checking: "yes".to_owned(),
            server_lines: Vec::new(),
            client_lines: Vec::new(),
            session_env: Vec::new(),
            bashrc: String::new(),
            user: None,
        }
    }
}

/// A running server; it, its sessions and all that they started end on drop.
#[derive(Debug)]
pub struct Sshd {
    daemon: Daemon,
    options: SshdOptions,
    port: u16,
    number: u32,
    user: String,
    client: ClientHome,
    /// Ends what sessions have left running, found by a mark in their environment; then removes the user.
    _undo: (Undo, Option<Undo>),
    scratch: Scratch,
}

impl Sshd {
    /// Starts a server on a free port and writes the client's files.
    ///
    /// # Errors
    /// When OpenSSH is not installed, or a user is asked for without root.
    pub fn start(options: SshdOptions) -> Result<Self, BenchError> {
        let (scratch, number) = (Scratch::new("sshd")?, next_number());
        run(Command::new("chmod").arg("755").arg(scratch.path()))?;
        let (user, account) = make_user(options.user.as_ref(), number, &scratch)?;
        let client = ClientHome::new(scratch.join("client"))?;
        write_keys(&options, &scratch, &client)?;
        let mark = format!("{MARK}={}-{number}", std::process::id());
        let sessions = Undo::new(&format!("end_marked {mark}"))?;
        for attempt in 1.. {
            let port = free_port()?;
            write(&scratch.join("sshd_config"), server_config(&options, &scratch, port, &mark))?;
            match start_daemon(&scratch, port) {
                Ok(daemon) => {
                    let undo = (sessions, account);
                    let server = Self { daemon, options, port, number, user, client, _undo: undo, scratch };
                    server.write_client_files()?;
                    return Ok(server);
                }
                Err(error) if attempt == PORT_TRIES => return Err(error),
                Err(_) => {}
            }
        }
        unreachable!("the last try returns")
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The login name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The client's configuration, for `ssh -F` (OpenSSH does not look at `HOME`).
    pub fn config(&self) -> PathBuf {
        self.client.file("config")
    }

    /// A client's home folder with `.ssh/config`, `.ssh/known_hosts` and the keys.
    pub fn client_home(&self) -> PathBuf {
        self.client.path()
    }

    /// The client's known_hosts file.
    pub fn known_hosts(&self) -> PathBuf {
        self.client.file("known_hosts")
    }

    /// The `Host` alias that uses the first client key.
    pub fn alias(&self) -> String {
        self.alias_with(self.options.client_keys[0])
    }

    /// The `Host` alias that uses this client key.
    pub fn alias_with(&self, key: KeyKind) -> String {
        format!("bench{}-{}", self.number, key.name())
    }

    /// The private key of this kind; it is there if the options name it.
    pub fn client_key(&self, key: KeyKind) -> PathBuf {
        self.client.file(&key_name(key))
    }

    /// The home folder of the sessions, empty but for `.bashrc` at first.
    pub fn home(&self) -> PathBuf {
        self.scratch.join("home")
    }

    /// A public key of the server, such as `ssh-ed25519 AAAA… bench`.
    ///
    /// # Errors
    /// When the server has no key of this kind.
    pub fn host_key(&self, kind: KeyKind) -> Result<String, BenchError> {
        public_key(&host_key_file(&self.scratch, kind))
    }

    /// All that the server has said.
    pub fn log(&self) -> String {
        read_log(&self.scratch.join("sshd.log"))
    }

    /// Replaces the server's keys and starts it anew on the same port; the client's known_hosts stays as it was.
    ///
    /// # Errors
    /// When the server does not come up again.
    pub fn change_host_key(&mut self) -> Result<(), BenchError> {
        for kind in &self.options.host_keys {
            make_key(*kind, &host_key_file(&self.scratch, *kind))?;
        }
        self.restart()
    }

    /// Kills the listener and all sessions; what sessions started in the background lives on, as on a real device.
    pub fn kill(&mut self) {
        self.kill_sessions();
        self.daemon.kill();
    }

    /// Kills the server and starts it anew on the same port.
    ///
    /// # Errors
    /// When the server does not come up again.
    pub fn restart(&mut self) -> Result<(), BenchError> {
        self.kill();
        self.daemon = start_daemon(&self.scratch, self.port)?;
        Ok(())
    }

    /// Kills the server's process of each connection: clients see a broken link. Says how many there were.
    pub fn kill_sessions(&self) -> usize {
        let sessions = children(self.daemon.pid());
        for pid in &sessions {
            sys::kill(*pid);
        }
        sessions.len()
    }

    /// The processes that sessions of this server have started and that still run: pid and command line.
    pub fn device_processes(&self) -> Vec<(u32, String)> {
        let mark = format!("{MARK}={}-{}", std::process::id(), self.number);
        processes().filter_map(|pid| Some((pid, marked_command(pid, &mark)?))).collect()
    }

    /// Runs a command there with OpenSSH's own client.
    ///
    /// # Errors
    /// When `ssh` is not installed or is not done in 60 s; a bad exit status is no error.
    pub fn ssh(&self, alias: &str, remote: &str) -> Result<Output, BenchError> {
        self.client.ssh(alias, remote)
    }

    fn write_client_files(&self) -> Result<(), BenchError> {
        write(&self.config(), self.client_config())?;
        let keys: Result<Vec<String>, BenchError> =
            self.options.host_keys.iter().map(|kind| self.host_key(*kind)).collect();
        self.client.know("127.0.0.1", self.port, &keys?, self.options.known_hosts)
    }
}

impl SshHost for Sshd {
    fn client_config(&self) -> String {
        let mut text = String::new();
        for key in &self.options.client_keys {
            let alias = self.alias_with(*key);
            text += &self.client.block(&alias, "127.0.0.1", self.port, &self.user, &key_name(*key));
            let _ = writeln!(text, "  StrictHostKeyChecking {}", self.options.strict_host_key_checking);
            for line in &self.options.client_lines {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn server_config(options: &SshdOptions, scratch: &Scratch, port: u16, mark: &str) -> String {
    // The first of several values wins in sshd_config, so the test's own lines come first.
    let mut text = String::new();
    for line in &options.server_lines {
        let _ = writeln!(text, "{line}");
    }
    let mut env = mark.to_owned();
    if !options.session_env.iter().any(|(name, _)| name == "HOME") {
        let _ = write!(env, " \"HOME={}\"", scratch.join("home").display());
    }
    for (name, value) in &options.session_env {
        let _ = write!(env, " \"{name}={value}\"");
    }
    let _ = write!(
        text,
        "ListenAddress 127.0.0.1\nPort {port}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\nUsePAM no\n\
         LogLevel VERBOSE\nMaxStartups 200\nMaxSessions 100\nLoginGraceTime 30\nPermitRootLogin yes\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\nSetEnv {env}\n",
        scratch.join("authorized_keys").display(),
    );
    for kind in &options.host_keys {
        let _ = writeln!(text, "HostKey {}", host_key_file(scratch, *kind).display());
    }
    text
}

fn key_name(kind: KeyKind) -> String {
    format!("id_{}", kind.name())
}

fn host_key_file(scratch: &Scratch, kind: KeyKind) -> PathBuf {
    scratch.join(&format!("host_{}", kind.name()))
}

fn write_keys(options: &SshdOptions, scratch: &Scratch, client: &ClientHome) -> Result<(), BenchError> {
    make_folder(&scratch.join("home"))?;
    write(&scratch.join("home").join(".bashrc"), &options.bashrc)?;
    let mut allowed = String::new();
    for kind in &options.client_keys {
        let file = client.file(&key_name(*kind));
        make_key(*kind, &file)?;
        let _ = writeln!(allowed, "{}", public_key(&file)?);
    }
    for kind in &options.host_keys {
        make_key(*kind, &host_key_file(scratch, *kind))?;
    }
    write(&scratch.join("authorized_keys"), allowed)
}

fn start_daemon(scratch: &Scratch, port: u16) -> Result<Daemon, BenchError> {
    if is_root() {
        // sshd as root wants its folder for privilege separation; without an init nobody else makes it.
        make_folder(Path::new("/run/sshd"))?;
    }
    let log = scratch.join("sshd.log");
    let mut command = Command::new(find("sshd", PACKAGE)?);
    command.args(["-D", "-e", "-f"]).arg(scratch.join("sshd_config"));
    let mut daemon = Daemon::start(&mut command, &log)?;
    let ready = || if daemon.has_ended() { Some(false) } else { greets(port).then_some(true) };
    if wait_for("sshd", READY, || read_log(&log), ready)? {
        return Ok(daemon);
    }
    Err(BenchError::Answer { what: "sshd".to_owned(), answer: read_log(&log) })
}

/// Whether an SSH server answers on this port of 127.0.0.1.
pub(crate) fn greets(port: u16) -> bool {
    answers_ssh(("127.0.0.1", port))
}

/// Whether an SSH server answers there.
pub(crate) fn answers_ssh(address: impl std::net::ToSocketAddrs) -> bool {
    let Some(address) = address.to_socket_addrs().ok().and_then(|mut all| all.next()) else { return false };
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else { return false };
    let mut begin = [0; 4];
    let timed = stream.set_read_timeout(Some(Duration::from_secs(3)));
    timed.is_ok() && stream.read_exact(&mut begin).is_ok() && &begin == b"SSH-"
}

/// A port of 127.0.0.1 that is free now.
pub(crate) fn free_port() -> Result<u16, BenchError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(listener.map_err(BenchError::io("cannot find a free port of", "127.0.0.1"))?.port())
}

fn make_user(
    wanted: Option<&TestUser>,
    number: u32,
    scratch: &Scratch,
) -> Result<(String, Option<Undo>), BenchError> {
    let Some(wanted) = wanted else {
        return Ok((run(Command::new("id").arg("-un"))?.text(), None));
    };
    need_root("a user of its own")?;
    let name = format!("dyno{}x{number}", std::process::id());
    let undo = Undo::new(&format!("userdel {name}"))?;
    let home = scratch.join("home");
    make_folder(&home)?;
    let mut useradd = Command::new(find("useradd", "passwd")?);
    run(useradd.args(["-M", "-N", "-s", &wanted.shell, "-d"]).arg(&home).arg(&name))?;
    run(Command::new("chown").arg(&name).arg(&home))?;
    // sshd refuses an account that is locked; `*` lets nobody in by password and is not locked.
    let hash = match &wanted.password {
        Some(password) => {
            run(Command::new(find("openssl", "openssl")?).args(["passwd", "-6", password]))?.text()
        }
        None => "*".to_owned(),
    };
    run(Command::new(find("usermod", "passwd")?).args(["-p", &hash, &name]))?;
    Ok((name, Some(undo)))
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn children(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1).and_then(|word| word.parse().ok()) == Some(parent)
    };
    processes().filter(is_child).collect()
}

fn marked_command(pid: u32, mark: &str) -> Option<String> {
    let env = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    env.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes()).then_some(())?;
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&words).replace('\0', " ").trim_end().to_owned())
}
