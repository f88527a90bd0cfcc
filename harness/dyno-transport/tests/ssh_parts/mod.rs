//! What the tests of the ssh transport share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyno_model::blame::Classify as _;
use dyno_testbench::{Sshd, SshdOptions};
use dyno_transport::{
    Ask, RemoteCommand, RemotePath, SshError, SshSettings, SshTransport, Transport as _, TransportError,
};

/// For what should take a moment.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn start(options: SshdOptions) -> Sshd {
    Sshd::start(options).expect("a private sshd starts")
}

pub(crate) fn settings(server: &Sshd) -> SshSettings {
    SshSettings { config_file: Some(server.config()), ..SshSettings::default() }
}

pub(crate) fn reach(server: &Sshd) -> SshTransport {
    SshTransport::new("pi", &server.alias(), None, settings(server))
}

pub(crate) fn command(program: &str, args: &[&str]) -> RemoteCommand {
    let command = RemoteCommand::new(&RemotePath::new(program));
    args.iter().fold(command, |command, arg| command.arg(*arg))
}

/// Bytes that repeat nowhere near.
pub(crate) fn content(n_bytes: usize) -> Vec<u8> {
    (0..n_bytes).map(|n| (n * 31 + n / 251) as u8).collect()
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a temporary file");
}

/// Message, causes and hints of an error, one a line.
pub(crate) fn words(error: &TransportError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, "\ncaused by: {error}");
        cause = error.source();
    }
    for hint in error.hints() {
        let _ = write!(text, "\nhint: {hint}");
    }
    text
}

/// The error of a device that cannot be reached.
pub(crate) fn refused(mut transport: SshTransport) -> TransportError {
    transport.prepare().expect_err("it cannot be reached")
}

pub(crate) fn ssh_error(error: &TransportError) -> &SshError {
    match error {
        TransportError::Ssh(error) => error,
        other => panic!("{other}"),
    }
}

/// A host of a configuration of its own.
pub(crate) struct Config {
    pub(crate) file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Config {
    pub(crate) fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config");
        write(&file, lines.as_bytes());
        Self { file, _folder: folder }
    }

    pub(crate) fn settings(&self) -> SshSettings {
        SshSettings {
            config_file: Some(self.file.clone()),
            connect_limit: Duration::from_millis(700),
            ..SshSettings::default()
        }
    }
}

/// A person who says yes or no, and knows a secret or not; remembers the questions.
#[derive(Default)]
pub(crate) struct Person {
    pub(crate) says_yes: bool,
    pub(crate) secrets: Mutex<Vec<String>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Person {
    pub(crate) fn who_knows(secrets: &[&str]) -> Arc<Self> {
        // The last one is taken first.
        let secrets = secrets.iter().rev().map(|secret| (*secret).to_owned()).collect();
        Arc::new(Self { secrets: Mutex::new(secrets), ..Self::default() })
    }

    pub(crate) fn who_says_yes() -> Arc<Self> {
        Arc::new(Self { says_yes: true, ..Self::default() })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic before").clone()
    }
}

impl Ask for Person {
    fn confirm(&self, question: &str) -> bool {
        self.asked.lock().expect("no panic before").push(question.to_owned());
        self.says_yes
    }

    fn secret(&self, prompt: &str) -> Option<String> {
        self.asked.lock().expect("no panic before").push(prompt.to_owned());
        self.secrets.lock().expect("no panic before").pop()
    }
}

/// A link between a port of its own and a server, which can be made to stall: nothing passes, nothing is closed.
pub(crate) struct Link {
    pub(crate) port: u16,
    is_stalled: Arc<AtomicBool>,
}

impl Link {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let own = listener.local_addr().expect("it is bound").port();
        let is_stalled = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_stalled);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                pass(near.try_clone().expect("a socket"), far.try_clone().expect("a socket"), &flag);
                pass(far, near, &flag);
            }
        });
        Self { port: own, is_stalled }
    }

    pub(crate) fn stall(&self) {
        self.is_stalled.store(true, Ordering::SeqCst);
    }

    pub(crate) fn go_on(&self) {
        self.is_stalled.store(false, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, is_stalled: &Arc<AtomicBool>) {
    let is_stalled = Arc::clone(is_stalled);
    std::thread::spawn(move || {
        let mut block = vec![0; 64 << 10];
        while let Ok(n_bytes @ 1..) = from.read(&mut block) {
            while is_stalled.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if to.write_all(&block[..n_bytes]).is_err() {
                break;
            }
        }
        // Best effort: the other half may have closed both already.
        let _ = to.shutdown(Shutdown::Write);
    });
}
