//! Memory for weights and caches, in huge pages where the system has them.
//!
//! A decoded token reads all weights once. With pages of 4 KiB the CPU spends a good part of that time looking up
//! addresses (a quarter of it in a virtual machine, where a look-up is two); with pages of 2 MiB none.
#![expect(unsafe_code, reason = "handing out parts of a mapping")]

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use super::map::{map, unmap};

/// Size of a huge page on x86 and on Arm with 4 KiB pages.
const HUGE_PAGE: usize = 2 << 20;
/// Least address range to reserve at a time; what is not written costs nothing.
const REGION: usize = 64 << 20;
/// Every part starts at a multiple of it: a cache line.
const ALIGNMENT: usize = 64;

/// Types for which all bits zero is a value and that need no dropping.
///
/// # Safety
/// Both must hold, and the alignment must be at most 64.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: numbers, and arrays of numbers.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for [f32; 2] {}
// SAFETY: as above.
unsafe impl Plain for [f32; 16] {}
// SAFETY: as above.
unsafe impl Plain for [u16; 16] {}
// SAFETY: as above.
unsafe impl Plain for [i8; 32] {}
// SAFETY: an array of bytes, aligned to 64.
unsafe impl Plain for super::super::kernels::tile::Block4 {}
// SAFETY: an array of bytes, aligned to 64.
unsafe impl Plain for super::super::kernels::tile::Block8 {}

/// Hands out zeroed memory; it goes back to the system with the last part.
#[derive(Default)]
pub(crate) struct Arena(Mutex<Option<(Arc<Region>, usize)>>);

/// One mapping.
struct Region {
    start: NonNull<u8>,
    size: usize,
    /// Where parts may begin.
    first: usize,
}

// SAFETY: a region is an address range; its parts are handed out once each.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    fn map(size: usize) -> io::Result<Self> {
        let size = (size + HUGE_PAGE).next_multiple_of(HUGE_PAGE);
        let start = map(size)?;
        let address = start.addr().get();
        Ok(Self { start, size, first: address.next_multiple_of(HUGE_PAGE) - address })
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and all parts of it are gone, for each holds the region.
        unsafe { unmap(self.start, self.size) };
    }
}

impl Arena {
    /// `n` zeroes.
    ///
    /// # Errors
    /// When the system has no address range of that size.
    pub(crate) fn slab<T: Plain>(&self, n: usize) -> io::Result<Slab<T>> {
        let too_big = || io::Error::from(io::ErrorKind::OutOfMemory);
        let size = n
            .checked_mul(size_of::<T>())
            .filter(|size| *size < isize::MAX as usize / 2)
            .ok_or_else(too_big)?;
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = current.as_ref().is_some_and(|(region, used)| used + size <= region.size);
        if !fits {
            let region = Region::map(size.max(REGION))?;
            let first = region.first;
            *current = Some((Arc::new(region), first));
        }
        let (region, used) = current.as_mut().expect("it was just set where it was not");
        // SAFETY: the part lies within the mapping: either it fitted, or the mapping was made for it.
        let start = unsafe { region.start.add(*used) }.cast::<T>();
        *used = (*used + size).next_multiple_of(ALIGNMENT);
        Ok(Slab { region: Arc::clone(region), start, n })
    }
}

/// A part of an arena: a list of fixed length.
pub(crate) struct Slab<T> {
    /// Keeps the memory.
    #[expect(dead_code, reason = "it is there to be dropped")]
    region: Arc<Region>,
    start: NonNull<T>,
    n: usize,
}

// SAFETY: a slab owns its elements as a `Vec` does.
unsafe impl<T: Send> Send for Slab<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Slab<T> {}

impl<T> Slab<T> {
    /// Where it lies. Going by this pointer, the elements may be written while the slab is shared, if nobody else
    /// has them then.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.start.as_ptr()
    }
}

impl<T> Deref for Slab<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the part holds `n` elements: zero, which is a value of `T`, or what was written.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.n) }
    }
}

impl<T> DerefMut for Slab<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; parts do not overlap, so that this is the only way to these elements.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.n) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_zero_aligned_and_apart() {
        let arena = Arena::default();
        let mut first = arena.slab::<f32>(5).expect("there is memory");
        let mut second = arena.slab::<[u16; 16]>(3).expect("there is memory");
        let big = arena.slab::<f32>(REGION).expect("there is memory");
        assert_eq!(second.as_ptr().addr() % ALIGNMENT, 0);
        assert_eq!(first[..], [0.0; 5]);
        first.fill(1.0);
        second[2] = [7; 16];
        assert_eq!(second[0], [0; 16]);
        assert_eq!(big[REGION - 1].to_bits(), 0);
        drop(arena);
        assert_eq!(first[..], [1.0; 5]);
        assert_eq!(second[2][15], 7);
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        assert!(Arena::default().slab::<f32>(usize::MAX / 2).is_err());
        assert!(Arena::default().slab::<f32>(usize::MAX / 8).is_err());
        // Each is nearly a quarter of all addresses.
        let slabs: io::Result<Vec<_>> =
            (0..5).map(|_| Arena::default().slab::<f32>(usize::MAX / 17)).collect();
        assert!(slabs.is_err());
    }
}
