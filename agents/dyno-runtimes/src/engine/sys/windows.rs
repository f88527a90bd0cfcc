//! Mapping memory on Windows; huge pages need a right there that nobody has by default.
#![expect(unsafe_code, reason = "VirtualAlloc has no equivalent in std")]

use std::io;
use std::ptr::NonNull;

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree,
};

/// Reserves zeroed memory; what is not written takes no RAM, but counts against the system's commit limit.
pub(super) fn map(size: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: new memory at an address that the system chooses touches none of ours.
    let start = unsafe { VirtualAlloc(std::ptr::null(), size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
    NonNull::new(start.cast::<u8>()).ok_or_else(io::Error::last_os_error)
}

/// Gives it back.
///
/// # Safety
/// It was mapped here, and nobody uses it any more.
pub(super) unsafe fn unmap(start: NonNull<u8>, _size: usize) {
    // SAFETY: the caller vouches for it.
    unsafe { VirtualFree(start.as_ptr().cast(), 0, MEM_RELEASE) };
}
