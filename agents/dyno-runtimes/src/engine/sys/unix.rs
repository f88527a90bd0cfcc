//! Mapping memory on Linux, Android and macOS.
#![expect(unsafe_code, reason = "mmap has no equivalent in std")]

use std::io;
use std::ptr::NonNull;

/// Reserves zeroed memory; what is not written costs nothing.
pub(super) fn map(size: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address that the system chooses touches no memory of ours.
    let start =
        unsafe { libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    advise_huge(start, size);
    Ok(NonNull::new(start.cast::<u8>()).expect("a mapping is not at address 0"))
}

/// Gives it back.
///
/// # Safety
/// It was mapped with this size, and nobody uses it any more.
pub(super) unsafe fn unmap(start: NonNull<u8>, size: usize) {
    // SAFETY: the caller vouches for it.
    unsafe { libc::munmap(start.as_ptr().cast(), size) };
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn advise_huge(start: *mut libc::c_void, size: usize) {
    // SAFETY: the range is a mapping of ours. Best effort: without huge pages all works, only slower.
    unsafe { libc::madvise(start, size, libc::MADV_HUGEPAGE) };
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn advise_huge(_start: *mut libc::c_void, _size: usize) {}
