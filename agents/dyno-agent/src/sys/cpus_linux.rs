//! Which CPUs a thread runs on, on Linux and Android.
#![expect(unsafe_code, reason = "affinities have no equivalent in std")]

use std::io;

/// The kernel's limit of CPUs on the systems that we know is 8192; a mask has a bit for each.
const MASK_WORDS: usize = 8192 / WORD_BITS;
const WORD_BITS: usize = libc::c_ulong::BITS as usize;

/// The CPUs that this process may use; `None` if the system does not say.
pub(crate) fn allowed() -> Option<Vec<u32>> {
    let mut mask = [0 as libc::c_ulong; MASK_WORDS];
    // The wrapper of musl takes a set of 1024 only; the call itself takes any.
    // SAFETY: the kernel writes at most the bytes that are given, which are ours.
    let rc = unsafe { libc::syscall(libc::SYS_sched_getaffinity, 0, size_of_val(&mask), mask.as_mut_ptr()) };
    let cpus = (0..MASK_WORDS * WORD_BITS).filter(|cpu| mask[cpu / WORD_BITS] >> (cpu % WORD_BITS) & 1 == 1);
    let cpus: Vec<u32> = cpus.filter_map(|cpu| u32::try_from(cpu).ok()).collect();
    (rc > 0 && !cpus.is_empty()).then_some(cpus)
}

/// The calling thread runs on `cpu` only.
///
/// # Errors
/// When this process may not use that CPU.
pub(crate) fn pin(cpu: u32) -> io::Result<()> {
    let mut mask = [0 as libc::c_ulong; MASK_WORDS];
    let word = mask.get_mut(cpu as usize / WORD_BITS).ok_or(io::ErrorKind::InvalidInput)?;
    *word = 1 << (cpu as usize % WORD_BITS);
    // SAFETY: the kernel reads the bytes that are given, which are ours; 0 is the calling thread.
    let rc = unsafe { libc::syscall(libc::SYS_sched_setaffinity, 0, size_of_val(&mask), mask.as_ptr()) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
