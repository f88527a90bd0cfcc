//! Process groups.
#![expect(unsafe_code, reason = "std cannot signal a group, nor let a child die with its parent")]

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

/// The program will lead a group of its own, and not outlive this thread.
pub(crate) fn prepare_child(command: &mut Command) {
    command.process_group(0);
    die_with_us(command);
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn die_with_us(command: &mut Command) {
    let parent = std::process::id().cast_signed();
    let die_with = move || {
        // SAFETY: this prctl takes a plain number; it is safe between fork and exec.
        let rc = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) };
        if rc != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `getppid` cannot fail and is safe between fork and exec.
        let now = unsafe { libc::getppid() };
        // The parent may have died before the wish was made.
        if now == parent { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
    };
    // SAFETY: the closure only makes calls that are safe between fork and exec, and allocates nothing.
    unsafe { command.pre_exec(die_with) };
}

/// macOS has no such wish: there a program ends when it writes to the pipe that nobody reads any more.
#[cfg(target_os = "macos")]
fn die_with_us(_command: &mut Command) {}

/// Ends the group that `child` leads, and waits for `child`.
///
/// The child was not waited for yet, or just now: a group outlives its leader, and numbers are given in turn, so that
/// this one is still the group's or nobody's.
pub(crate) fn end_group(child: &mut Child) {
    // Best effort: a number beyond the range is no group.
    if let Ok(group) = i32::try_from(child.id()) {
        // SAFETY: kill takes plain numbers; whose group it is, is said above.
        let rc = unsafe { libc::kill(-group, libc::SIGKILL) };
        if rc != 0 {
            // Best effort: without its group the child alone is ended.
            drop(child.kill());
        }
    }
    // Best effort: a child that cannot be waited for is waited for by the system.
    drop(child.wait());
}
