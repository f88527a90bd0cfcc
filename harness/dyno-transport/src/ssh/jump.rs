//! Reaching a host over others: the ssh program carries the bytes to it (`ssh -W`).
//!
//! So the hosts on the way are reached, and their keys checked, exactly as OpenSSH does it for `ProxyJump`.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::output::{Collector, Keep, printable};
use crate::ssh::connect::Target;
use crate::ssh::error::SshError;
use crate::sys;

/// How long the last words of the ssh program may take to arrive.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(500);
/// How often it is looked whether the program has ended.
const LOOK: Duration = Duration::from_millis(5);
const MAX_WORDS_BYTES: usize = 2048;

/// A stream that the ssh program carries.
pub(super) struct JumpStream {
    link: UnixStream,
    guide: Arc<Guide>,
}

impl JumpStream {
    /// Starts the ssh program; whether it gets there shows in the stream.
    pub(super) fn open(target: &Target, hops: &str) -> Result<Self, SshError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => {
                SshError::NoProgram { host: target.host(), why: "ProxyJump".to_owned() }
            }
            _ => SshError::Here { host: target.host(), source },
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let stdin = OwnedFd::from(theirs.try_clone().map_err(failed)?);
        let mut command = Command::new("ssh");
        command.args(arguments(target, hops)).process_group(0);
        command.stdin(stdin).stdout(OwnedFd::from(theirs)).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        // The other end of the pair is the program's alone, so that its end is seen here.
        drop(command);
        let stderr = child.stderr.take().expect("it was asked for above");
        let words = Collector::start("jump", stderr, Keep::Last(MAX_WORDS_BYTES));
        let guide = Guide { child: Mutex::new(child), words: Mutex::new(words.map_err(failed)?) };
        Ok(Self { link: ours, guide: Arc::new(guide) })
    }

    pub(super) fn guide(&self) -> Arc<Guide> {
        Arc::clone(&self.guide)
    }
}

impl AsRawFd for JumpStream {
    fn as_raw_fd(&self) -> RawFd {
        self.link.as_raw_fd()
    }
}

/// The program on the way; it ends with the last one who holds it.
pub(super) struct Guide {
    child: Mutex<Child>,
    words: Mutex<Collector>,
}

impl Guide {
    /// What the program said, if it has ended.
    pub(super) fn last_words(&self) -> Option<String> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.wait(LAST_WORDS_LIMIT);
        let has_ended = self.has_ended_within(LAST_WORDS_LIMIT);
        let words = printable(&words.bytes());
        (has_ended && !words.is_empty()).then_some(words)
    }

    /// A program closes its streams a moment before it has ended.
    fn has_ended_within(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            let ended = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
            match ended {
                Ok(Some(_)) => return true,
                Ok(None) if Instant::now() < until => std::thread::sleep(LOOK),
                Ok(None) | Err(_) => return false,
            }
        }
    }
}

impl Drop for Guide {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(child.try_wait(), Ok(Some(_))) {
            sys::kill_group(child.id());
            // Best effort: after SIGKILL the child ends, and only our own child can be reaped here.
            child.wait().ok();
        }
    }
}

fn arguments(target: &Target, hops: &str) -> Vec<String> {
    let config = &target.config;
    let (before, last) = hops.rsplit_once(',').map_or((None, hops), |(before, last)| (Some(before), last));
    let hop = Hop::read(last);
    let mut words = target.settings.config_arguments();
    words.extend(["-T", "-o", "BatchMode=yes", "-o", "ClearAllForwardings=yes"].map(str::to_owned));
    // A master that is there is used; this call must not become one that stays.
    words.extend(["-o", "ControlMaster=no"].map(str::to_owned));
    words.extend(["-o".to_owned(), format!("ConnectTimeout={}", target.connect_limit().as_secs().max(1))]);
    words.extend(["-W".to_owned(), format!("[{}]:{}", config.name, config.port)]);
    let more = [("-J", before.map(str::to_owned)), ("-l", hop.user), ("-p", hop.port)];
    for (flag, value) in more.into_iter().filter_map(|(flag, value)| Some((flag, value?))) {
        words.extend([flag.to_owned(), value]);
    }
    words.extend(["--".to_owned(), hop.host]);
    words
}

/// `[user@]host[:port]`, or the same as a `ssh://` address.
#[derive(Debug, PartialEq, Eq)]
struct Hop {
    user: Option<String>,
    host: String,
    port: Option<String>,
}

impl Hop {
    fn read(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
        let (user, place) = text.rsplit_once('@').map_or((None, text), |(user, place)| (Some(user), place));
        let (host, port) = match place.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => match place.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (place, None),
            },
        };
        Self { user: user.map(str::to_owned), host: host.to_owned(), port: port.map(str::to_owned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_written_in_several_ways() {
        let check = |text: &str, user: Option<&str>, host: &str, port: Option<&str>| {
            let expected =
                Hop { user: user.map(str::to_owned), host: host.to_owned(), port: port.map(str::to_owned) };
            assert_eq!(Hop::read(text), expected, "{text}");
        };
        check("gate", None, "gate", None);
        check("me@gate:2222", Some("me"), "gate", Some("2222"));
        check("ssh://me@gate:23/", Some("me"), "gate", Some("23"));
        check("[fe80::1]:22", None, "fe80::1", Some("22"));
        check("fe80::1", None, "fe80::1", None);
        check("me@corp@gate", Some("me@corp"), "gate", None);
    }
}
