//! What the tests of the adb transport share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dyno_model::blame::Classify as _;
use dyno_testbench::{AdbDevice, AdbServer, PhoneOptions};
use dyno_transport::adb::{Limits, Server};
use dyno_transport::{AdbTransport, RemoteCommand, RemotePath, TransportError};

/// For an answer of a healthy device on a loaded machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Short ones, so that a test of a fault is short.
pub(crate) const SHORT: Limits = Limits {
    server: Duration::from_secs(5),
    start: Duration::from_secs(15),
    connect: Duration::from_secs(5),
    settle: Duration::from_millis(300),
    reach: Duration::from_secs(3),
    probe: Duration::from_secs(1),
    open: Duration::from_secs(12),
    silence: Duration::from_secs(2),
    finish: Duration::from_secs(4),
};

pub(crate) fn server_at(port: u16) -> Server {
    Server::at("127.0.0.1", port)
}

/// A phone, and the way to it through a server.
pub(crate) fn phone(server: &AdbServer, options: &PhoneOptions) -> (AdbDevice, AdbTransport) {
    let device = AdbDevice::start(server, options).expect("a phone");
    let transport = AdbTransport::new("phone", &device.serial(), None, server_at(server.port()));
    (device, transport)
}

pub(crate) fn command(argv: &[&str]) -> RemoteCommand {
    let command = RemoteCommand::new(&RemotePath::new(argv[0]));
    argv[1..].iter().fold(command, |command, arg| command.arg(*arg))
}

pub(crate) fn script(text: &str) -> RemoteCommand {
    command(&["sh", "-c", text])
}

/// A file of this many bytes that do not compress.
pub(crate) fn noise(folder: &Path, name: &str, n_bytes: usize) -> PathBuf {
    let path = folder.join(name);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(n_bytes + 8);
    while bytes.len() < n_bytes {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    let mut file = std::fs::File::create(&path).expect("a temporary file");
    file.write_all(&bytes[..n_bytes]).expect("room");
    path
}

/// The digest of a file here, by this machine's own program.
pub(crate) fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().expect("coreutils are here");
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}

/// What a person reads: the error with its causes, then its hints.
pub(crate) fn words(error: &TransportError) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    let hints = error.hints().into_iter().map(|hint| format!("\nhint: {hint}"));
    words.join(": ") + &hints.collect::<String>()
}
