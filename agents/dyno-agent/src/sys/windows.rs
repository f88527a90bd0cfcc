//! Windows.
#![expect(unsafe_code, reason = "the console's keys and CPU times have no equivalents in std")]

use std::fs::File;
use std::io;
use std::os::windows::io::AsHandle as _;
use std::path::Path;
use std::thread;

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};

use super::Signal;

/// Ignores the console's interrupt key: it is the controller that decides what a Ctrl-C means.
pub(crate) fn catch_signals() -> io::Result<()> {
    // SAFETY: no handler is given: the key is ignored, here and in children.
    let rc = unsafe { SetConsoleCtrlHandler(None, 1) };
    if rc == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sleeps for ever: no signal asks a program to stop here. The agent ends with its link, or is ended.
pub(crate) fn wait_for_signal() -> Signal {
    loop {
        thread::park();
    }
}

/// No agent can be spoken to this way here.
pub(crate) fn signal(_pid: u32, _signal: Signal) -> bool {
    false
}

/// A process here is in no session that could take it along.
pub(crate) fn leave_session() {}

/// Nobody says.
pub(crate) fn command_line(_pid: u32) -> Option<Vec<String>> {
    None
}

/// Nobody says whether a pipe has room, so that no progress is told: nobody waits for a slow controller.
pub(crate) fn stdout_has_room() -> bool {
    false
}

/// Stdin and stdout without std's buffers, which would look for newlines in frames.
pub(crate) fn raw_stdio() -> io::Result<(File, File)> {
    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((File::from(input), File::from(output)))
}

/// A folder cannot be synced here; the file system's own journal has the names.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// CPU time of this process so far, in ns.
pub(crate) fn own_cpu_ns() -> u64 {
    let mut times = [FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 }; 4];
    let [made, ended, kernel, user] = times.each_mut().map(std::ptr::from_mut);
    // SAFETY: the call takes nothing; what it gives stands for the process itself and is always good.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the handle is good, and the pointers are to live, writable values.
    let rc = unsafe { GetProcessTimes(process, made, ended, kernel, user) };
    assert_ne!(rc, 0, "the times of oneself can always be had");
    // In units of 100 ns.
    let ns = |time: FILETIME| (u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)) * 100;
    ns(times[2]) + ns(times[3])
}

/// Nobody says: a launch that the machine slept through is not noticed.
pub(crate) fn suspended_ns() -> Option<u64> {
    None
}

/// All times of a file can be set here.
pub(crate) fn stamp(_about: &std::fs::Metadata) -> Option<String> {
    None
}

/// Nobody says without more than std has.
pub(crate) fn file_system_id(_about: &std::fs::Metadata) -> Option<u64> {
    None
}

/// Not asked for here.
pub(crate) fn uptime_s() -> Option<u64> {
    None
}

/// There is no limit of open files that could be raised here.
pub(crate) struct FileLimit;

impl FileLimit {
    /// Nothing to do.
    pub(crate) fn raise(_n: usize) -> Self {
        Self
    }
}
