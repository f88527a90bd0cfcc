//! A file's pages through mappings of one piece after the other, so that a file of any size takes little memory.
#![expect(unsafe_code, reason = "mmap, mincore and madvise have no equivalents in std")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

use dyno_model::clock::{MonoNs, monotonic_now};

/// So much of a file is mapped at a time.
const WINDOW_BYTES: u64 = 64 << 20;

/// A piece of a file, mapped to be looked at: nothing is read by it.
pub(super) struct Window {
    start: *mut libc::c_void,
    bytes: usize,
}

impl Window {
    fn map(file: &File, offset: u64, bytes: usize) -> io::Result<Self> {
        let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
        // SAFETY: the kernel chooses the place, and the mapping is read through no reference.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                offset,
            )
        };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Self { start, bytes }) }
    }

    /// One byte for each page, whose lowest bit says that it is in memory.
    pub(super) fn mincore(&self, page: usize) -> io::Result<Vec<u8>> {
        let mut pages = vec![0_u8; self.bytes.div_ceil(page)];
        // SAFETY: the mapping is live, and there is a byte for each page of it.
        let rc = unsafe { libc::mincore(self.start, self.bytes, pages.as_mut_ptr().cast()) };
        if rc == 0 { Ok(pages) } else { Err(io::Error::last_os_error()) }
    }

    /// `act(start, bytes)` on the whole piece.
    pub(super) fn ask(&self, act: impl FnOnce(*mut libc::c_void, usize) -> libc::c_int) -> io::Result<()> {
        if act(self.start, self.bytes) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` made, and nothing refers to it any more.
        unsafe { libc::munmap(self.start, self.bytes) };
    }
}

/// Bytes of the first `len` of `file` that mincore(2) says are in memory.
pub(super) fn mincore_bytes(file: &File, len: u64, until: MonoNs) -> io::Result<u64> {
    let page = page_bytes();
    let mut resident = 0;
    each(file, len, until, |window| {
        let pages = window.mincore(page)?;
        let n = pages.iter().filter(|page| *page & 1 == 1).count() * page;
        // The last page of a file counts as far as the file goes.
        let is_last_in = pages.last().is_some_and(|page| page & 1 == 1);
        let beyond = if is_last_in { pages.len() * page - window.bytes } else { 0 };
        resident += (n - beyond) as u64;
        Ok(())
    })?;
    Ok(resident)
}

/// Maps piece after piece of the first `len` bytes.
pub(super) fn each(
    file: &File,
    len: u64,
    until: MonoNs,
    mut on_window: impl FnMut(&Window) -> io::Result<()>,
) -> io::Result<()> {
    let mut offset = 0;
    while offset < len {
        if monotonic_now() > until {
            let words = format!("its time was over after {offset} of {len} bytes");
            return Err(io::Error::new(io::ErrorKind::TimedOut, words));
        }
        let bytes = (len - offset).min(WINDOW_BYTES);
        on_window(&Window::map(file, offset, bytes as usize)?)?;
        offset += bytes;
    }
    Ok(())
}

/// Bytes of a page.
pub(crate) fn page_bytes() -> usize {
    // SAFETY: the call takes a plain number.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).ok().filter(|bytes| bytes.is_power_of_two()).unwrap_or(4096)
}
