//! Linux and Android.
#![expect(unsafe_code, reason = "prctl and CPU affinity have no equivalents in std")]

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// A set holds so many CPUs; C libraries give the number different types.
const N_CPUS: u32 = libc::CPU_SETSIZE as u32;

/// The unit of `ru_maxrss` (getrusage(2)).
pub(super) const MAXRSS_UNIT_BYTES: u64 = 1024;

/// No engine outlives its agent: the calling process dies when the thread that started it does.
pub(super) fn die_with(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: this prctl takes a plain number; it is safe between fork and exec.
    let rc = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `getppid` cannot fail and is safe between fork and exec.
    let now = unsafe { libc::getppid() };
    // The parent may have died before the wish was made.
    if now == parent { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
}

/// The child and all that it starts will run on `cpus` only.
pub(crate) fn pin(command: &mut Command, cpus: &[u32]) -> io::Result<()> {
    let set = cpu_set(cpus)?;
    let pin = move || {
        // SAFETY: 0 is the calling thread, and the pointer is to a live set of that size; it is safe between fork
        // and exec.
        let rc = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
        if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the closure only makes a call that is safe between fork and exec, and allocates nothing.
    unsafe { command.pre_exec(pin) };
    Ok(())
}

/// The CPUs that a process may run on now, sorted.
pub(crate) fn allowed_cpus(pid: u32) -> io::Result<Vec<u32>> {
    let mut set = no_cpus();
    // SAFETY: the pointer is to a live, writable set of that size.
    let rc =
        unsafe { libc::sched_getaffinity(pid.cast_signed(), size_of::<libc::cpu_set_t>(), &raw mut set) };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number is below the size of a set.
    let is_in = |cpu: &u32| unsafe { libc::CPU_ISSET(*cpu as usize, &set) };
    Ok((0..N_CPUS).filter(is_in).collect())
}

fn cpu_set(cpus: &[u32]) -> io::Result<libc::cpu_set_t> {
    let mut set = no_cpus();
    for cpu in cpus {
        if *cpu >= N_CPUS {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: the number is below the size of a set.
        unsafe { libc::CPU_SET(*cpu as usize, &mut set) };
    }
    Ok(set)
}

fn no_cpus() -> libc::cpu_set_t {
    // SAFETY: all-zero bytes are a valid set: the empty one.
    unsafe { std::mem::zeroed() }
}
