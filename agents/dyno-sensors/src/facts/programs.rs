//! Asking the system's own programs, where a file does not say it: bounded in time and output.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::root::SysRoot;

/// How long a program may take (house rule): the slowest of them, `dumpsys power`, takes about 0.1 s on a phone.
const LIMIT: Duration = Duration::from_secs(2);
/// The most that is read of what a program says; `dumpsys power` says about 50 KiB.
const MAX_OUTPUT_BYTES: u64 = 512 << 10;
/// What the reason for a program that was ended begins with.
const LATE: &str = "did not end within";
/// How often it is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(2);
/// Where programs of the system lie; `PATH` is not asked, because anything may lie there.
const FOLDERS: &[&str] = &["system/bin", "usr/bin", "bin", "usr/local/bin", "opt/vc/bin"];
/// In a tree of plain files: where the recorded output of programs lies, a file for each command line.
const RECORDED: &str = "commands";

/// What `program` says on stdout; `None` where there is no such program.
///
/// # Errors
/// Why it could not be asked, in words: it could not be started, did not end in time, or failed.
pub(crate) fn ask(root: &SysRoot, program: &str, args: &[&str]) -> Result<Option<String>, String> {
    if !root.is_real() {
        let line = [&[program], args].concat().join(" ");
        // Best effort: what was not recorded is not there.
        return Ok(root.read(&format!("{RECORDED}/{line}")).ok());
    }
    let candidates = FOLDERS.iter().filter_map(|folder| root.path(&format!("{folder}/{program}")).ok());
    match candidates.into_iter().find(|path| path.is_file()) {
        Some(path) => run(Command::new(path).args(args), LIMIT).map(Some),
        None => Ok(None),
    }
}

/// Whether this is why a program was ended before it had.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_late(reason: &str) -> bool {
    reason.starts_with(LATE)
}

/// Runs to the end, or to the limit.
fn run(command: &mut Command, limit: Duration) -> Result<String, String> {
    let deadline = Instant::now() + limit;
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let stdout = child.stdout.take().expect("it was asked for on the line above");
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let mut bytes = Vec::new();
        // Best effort: what came before an error counts.
        stdout.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes).ok();
        // Best effort: nobody listens any more after the limit.
        sender.send(bytes).ok();
    };
    let reader = thread::Builder::new().name("ask".to_owned()).spawn(read);
    let ended = reader.map_err(|error| format!("cannot be read: {error}")).and_then(|_detached| {
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => break Ok(()),
                Ok(Some(status)) => break Err(format!("ended with {status}")),
                Ok(None) if Instant::now() >= deadline => break Err(format!("{LATE} {limit:?}")),
                Ok(None) => thread::sleep(LOOK),
                Err(error) => break Err(format!("cannot be waited for: {error}")),
            }
        }
    });
    if ended.is_err() {
        // Best effort: it may have ended by now.
        child.kill().ok();
        child.wait().ok();
    }
    ended?;
    // A descendant may hold the pipe open: then there is no end of the output to wait for.
    let left = deadline.saturating_duration_since(Instant::now());
    let bytes = receiver.recv_timeout(left).map_err(|_late| format!("{LATE} {limit:?}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<String, String> {
        run(Command::new("/bin/sh").args(["-c", script]), limit)
    }

    #[test]
    fn a_program_that_hangs_or_never_stops_talking_is_ended() {
        let limit = Duration::from_millis(300);
        for script in ["sleep 60", "yes", "sleep 60 & echo x"] {
            let begun = Instant::now();
            let said = shell(script, limit);
            assert!(said.is_err(), "{script}: {said:?}");
            assert!(begun.elapsed() < Duration::from_secs(10), "{script}: {:?}", begun.elapsed());
        }
    }

    #[test]
    fn words_come_only_of_a_program_that_succeeded() {
        let limit = Duration::from_secs(20);
        assert_eq!(shell("echo a; echo b >&2", limit).as_deref(), Ok("a\n"));
        assert!(shell("echo a; exit 3", limit).is_err_and(|why| why.contains('3')));
        assert_eq!(ask(&SysRoot::real(), "edgedyno-no-such-program", &[]), Ok(None));
    }
}
