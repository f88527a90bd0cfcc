//! The ssh process that holds the connection for all calls (OpenSSH's control master).

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::output::{Collector, Keep, printable};
use crate::ssh::error::SshError;
use crate::ssh::transfer::end;

/// How long the ssh program may take until it is logged in.
pub(super) const LOG_IN_LIMIT: Duration = Duration::from_mins(1);
/// A call's end may be seen so much earlier than that of the connection.
const LAG: Duration = Duration::from_millis(50);
const WORDS_BYTES: usize = 4096;

/// The process that holds the connection, and its socket in a folder of its own.
pub(super) struct OwnMaster {
    child: Child,
    words: Collector,
    folder: PathBuf,
    pub(super) socket: PathBuf,
}

impl OwnMaster {
    /// Starts it and waits until it is logged in.
    pub(super) fn start(mut ssh: Command, host: &str) -> Result<Self, SshError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => {
                SshError::NoProgram { host: host.to_owned(), why: "see its configuration".to_owned() }
            }
            _ => SshError::Here { host: host.to_owned(), source },
        };
        let folder = private_folder().map_err(failed)?;
        let socket = folder.join("link");
        ssh.args(["-M", "-N", "-o", "ControlPersist=no", "-S"]).arg(&socket).arg("--").arg(host);
        ssh.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let started = ssh.spawn().map_err(failed).and_then(|mut child| {
            let stderr = child.stderr.take().expect("it was asked for above");
            Ok((child, Collector::start("ssh", stderr, Keep::Last(WORDS_BYTES)).map_err(failed)?))
        });
        let (child, words) = started.inspect_err(|_| remove(&folder))?;
        let mut master = Self { child, words, folder, socket };
        master.wait_for_log_in(host)?;
        Ok(master)
    }

    fn wait_for_log_in(&mut self, host: &str) -> Result<(), SshError> {
        let until = Instant::now() + LOG_IN_LIMIT;
        while !self.socket.exists() {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                self.words.wait(Duration::from_millis(500));
                let said = last_lines(&printable(&self.words.bytes()));
                return Err(SshError::Program { host: host.to_owned(), said });
            }
            if Instant::now() >= until {
                return Err(SshError::Slow { host: host.to_owned(), doing: "the log-in by the ssh program" });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    pub(super) fn is_up(&mut self) -> bool {
        self.socket.exists() && matches!(self.child.try_wait(), Ok(None))
    }

    /// As `is_up`, but a call's end may be seen a moment before that of the connection.
    pub(super) fn is_up_soon(&mut self) -> bool {
        std::thread::sleep(LAG);
        self.is_up()
    }
}

impl Drop for OwnMaster {
    fn drop(&mut self) {
        end(&mut self.child);
        remove(&self.folder);
    }
}

fn remove(folder: &Path) {
    // Best effort: an empty folder of ours at worst.
    fs::remove_dir_all(folder).ok();
}

/// A new folder that only this user can enter; its name is short, since sockets' names must be.
fn private_folder() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("edgedyno-{}-{n}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            // A leftover of a process of the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// The last lines: a banner of the server comes before what matters.
fn last_lines(words: &str) -> String {
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = lines[lines.len().saturating_sub(3)..].join("; ");
    if text.is_empty() { "it said nothing".to_owned() } else { text }
}
