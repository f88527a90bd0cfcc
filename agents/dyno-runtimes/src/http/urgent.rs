//! Urgency of the thread that reads.

use std::marker::PhantomData;

use super::sys;

/// While it lives, the calling thread runs before all ordinary ones, where the system permits that.
///
/// The kernel stamps what arrives, but chunks of one stream that wait together are read as one: beside a busy model a
/// reader that must wait for its turn (10 ms and more) loses their stamps. It needs little: some 10 µs for a chunk.
/// Linux and Android only (`SCHED_FIFO`, priority 1; it takes root, `CAP_SYS_NICE` or `RLIMIT_RTPRIO`); threads and
/// processes that begin meanwhile are ordinary ones.
#[derive(Debug)]
pub struct Urgent {
    is_granted: bool,
    /// It is of the thread that took it.
    _thread: PhantomData<*const ()>,
}

impl Urgent {
    /// Asks for it.
    pub fn take() -> Self {
        Self { is_granted: sys::be_urgent().is_ok(), _thread: PhantomData }
    }

    /// Whether the system agreed; not, where the thread has a policy of somebody's choice already.
    pub fn is_granted(&self) -> bool {
        self.is_granted
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        if self.is_granted {
            // Best effort: who could take it can give it back.
            drop(sys::be_ordinary());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_is_taken_once_and_given_back() {
        let first = Urgent::take();
        // A second one would end the first one's when it is dropped.
        assert!(!Urgent::take().is_granted());
        let was_granted = first.is_granted();
        drop(first);
        assert_eq!(Urgent::take().is_granted(), was_granted, "it has been given back");
    }
}
