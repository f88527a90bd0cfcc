//! Windows.
#![expect(unsafe_code, reason = "jobs, process times and pipe states have no equivalents in std")]

#[cfg(feature = "engine-embedded")]
use std::fs::File;
use std::io;
#[cfg(feature = "engine-embedded")]
use std::os::windows::fs::FileExt as _;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
    TerminateJobObject,
};
use windows_sys::Win32::System::Pipes::PeekNamedPipe;
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, GetProcessTimes};

use super::{Patience, Reaped};

/// Pipes cannot be waited for together, so they are looked at so often. No stamp depends on it.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The exit status of what was killed here.
const KILLED: u32 = 1;

/// A child of ours, in a job of its own: it and its children end with the job, and the job with this value.
#[derive(Debug)]
pub(crate) struct Spawned {
    child: Child,
    job: OwnedHandle,
}

impl Spawned {
    /// Takes a child. One that cannot be put into a job is killed.
    pub(crate) fn new(mut child: Child) -> io::Result<Self> {
        match job_of(&child) {
            Ok(job) => Ok(Self { child, job }),
            Err(error) => {
                // Best effort: it may have ended just now.
                drop(child.kill());
                Err(error)
            }
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for it and takes its resource usage; `None` while it runs.
    pub(crate) fn reap(&mut self, patience: Patience) -> io::Result<Option<Reaped>> {
        let status = match patience {
            Patience::None => self.child.try_wait()?,
            Patience::Endless => Some(self.child.wait()?),
        };
        let Some(status) = status else { return Ok(None) };
        let (cpu_ns, peak_rss_bytes) = (cpu_ns(&self.child)?, peak_rss_bytes(&self.child));
        Ok(Some(Reaped { status, cpu_ns, peak_rss_bytes }))
    }

    /// There is no way to ask: it is killed.
    pub(crate) fn ask_to_end(&mut self) -> io::Result<()> {
        self.kill()
    }

    /// Kills it and its children.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        // SAFETY: the handle is that of our job.
        done(unsafe { TerminateJobObject(self.job.as_raw_handle(), KILLED) })
    }
}

/// A fresh job, with the child in it.
fn job_of(child: &Child) -> io::Result<OwnedHandle> {
    // SAFETY: nothing is given: a job without a name, with default rights.
    let job = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
    if job.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was just made, and is nobody else's.
    let job = unsafe { OwnedHandle::from_raw_handle(job) };
    // SAFETY: all-zero bytes are a valid value of this type, which is plain numbers.
    let mut limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = unsafe { std::mem::zeroed() };
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    let size = size_of_val(&limits) as u32;
    // SAFETY: the handle is that of our job, and the pointer is to a live value of that size.
    done(unsafe {
        SetInformationJobObject(
            job.as_raw_handle(),
            JobObjectExtendedLimitInformation,
            (&raw const limits).cast(),
            size,
        )
    })?;
    // SAFETY: both handles are good as long as their owners live.
    done(unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) })?;
    Ok(job)
}

fn cpu_ns(child: &Child) -> io::Result<u64> {
    let mut times = [FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 }; 4];
    let [made, ended, kernel, user] = times.each_mut().map(std::ptr::from_mut);
    // SAFETY: the handle is good as long as its owner lives, and the pointers are to live, writable values.
    done(unsafe { GetProcessTimes(child.as_raw_handle(), made, ended, kernel, user) })?;
    // In units of 100 ns.
    let ns = |time: FILETIME| (u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)) * 100;
    Ok(ns(times[2]) + ns(times[3]))
}

fn peak_rss_bytes(child: &Child) -> Option<u64> {
    // SAFETY: all-zero bytes are a valid value of this type, which is plain numbers.
    let mut memory: PROCESS_MEMORY_COUNTERS = unsafe { std::mem::zeroed() };
    let size = size_of_val(&memory) as u32;
    // SAFETY: the handle is good as long as its owner lives, and the pointer is to a live value of that size.
    let rc = unsafe { K32GetProcessMemoryInfo(child.as_raw_handle(), &raw mut memory, size) };
    // A process that has ended may have none left.
    Some(memory.PeakWorkingSetSize as u64).filter(|bytes| rc != 0 && *bytes > 0)
}

/// What calls give that return 0 when they failed.
fn done(rc: i32) -> io::Result<()> {
    if rc == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What [`wait_readable`] waits for.
pub(crate) type Waitable<'a> = BorrowedHandle<'a>;

/// A pipe as something to wait for.
pub(crate) fn waitable(pipe: &impl AsHandle) -> Waitable<'_> {
    pipe.as_handle()
}

/// Waits until one of the pipes can be read or is at its end, at most for `limit`; says which.
pub(crate) fn wait_readable(
    pipes: [Option<Waitable<'_>>; 2],
    limit: Option<Duration>,
) -> io::Result<[bool; 2]> {
    let due = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let are_readable = pipes.map(|pipe| pipe.is_some_and(is_readable));
        if are_readable.contains(&true) || due.is_some_and(|due| Instant::now() >= due) {
            return Ok(are_readable);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Whether a read would not wait; a pipe that cannot be looked at is at its end.
fn is_readable(pipe: Waitable<'_>) -> bool {
    let mut n_bytes = 0;
    // SAFETY: the handle is borrowed, `n_bytes` is a live number, and the rest is not asked for.
    let rc = unsafe {
        PeekNamedPipe(
            pipe.as_raw_handle(),
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
            &raw mut n_bytes,
            std::ptr::null_mut(),
        )
    };
    rc == 0 || n_bytes > 0
}

/// The console's interrupt key does not reach the child.
pub(crate) fn prepare_child(command: &mut Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// Whether a process that was asked to end did so: here it was killed.
pub(crate) fn is_own_end(_status: ExitStatus) -> bool {
    true
}

/// `exit status 3`; an exception's number in hex.
pub(crate) fn worded(status: ExitStatus) -> String {
    match status.code().map(i32::cast_unsigned) {
        Some(code @ 0xc000_0000..) => format!("exit status {code:#x} (exception)"),
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    }
}

/// This process's stdin and stdout without std's buffers, which would look for newlines in every token.
#[cfg(feature = "engine-embedded")]
pub(crate) fn raw_stdio() -> io::Result<(File, File)> {
    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((File::from(input), File::from(output)))
}

/// Fills `out` from `offset` on; threads may do so at the same time.
#[cfg(feature = "engine-embedded")]
pub(crate) fn read_exact_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !out.is_empty() {
        let n_bytes = file.seek_read(out, offset)?;
        if n_bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out = &mut out[n_bytes..];
        offset += n_bytes as u64;
    }
    Ok(())
}

/// A process is not bound to CPUs here.
pub(crate) fn pin(_command: &mut Command, _cpus: &[u32]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nobody says.
pub(crate) fn allowed_cpus(_pid: u32) -> io::Result<Vec<u32>> {
    Err(io::ErrorKind::Unsupported.into())
}
