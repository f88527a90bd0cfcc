//! Stops a launch from another thread.
//!
//! The thread that waits for a runtime sleeps in one place; raising an interrupt wakes it there.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys::{self, Waitable};

/// What was asked for, the stronger one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Asked {
    /// Nothing.
    #[default]
    Nothing,
    /// This launch is to stop.
    Cancel,
    /// The whole agent is to stop; cannot be taken back.
    Shutdown,
}

/// A flag that can be waited for together with a pipe.
#[derive(Debug)]
pub struct Interrupt {
    asked: Mutex<Asked>,
    /// Holds one byte exactly while something is asked.
    reader: PipeReader,
    writer: PipeWriter,
}

impl Interrupt {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// When the process has no file descriptors left.
    pub fn new() -> std::io::Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        Ok(Self { asked: Mutex::default(), reader, writer })
    }

    /// Asks for `what`; a weaker wish does not replace a stronger one.
    pub fn raise(&self, what: Asked) {
        let mut asked = self.lock();
        if *asked == Asked::Nothing && what != Asked::Nothing {
            (&self.writer)
                .write_all(&[1])
                .expect("both ends of the pipe are ours, and it holds at most one byte");
        }
        *asked = what.max(*asked);
    }

    /// Takes back a cancel: the next launch starts afresh. A shutdown stays.
    pub fn clear_cancel(&self) {
        let mut asked = self.lock();
        if *asked == Asked::Cancel {
            (&self.reader).read_exact(&mut [0]).expect("a raised interrupt holds one byte");
            *asked = Asked::Nothing;
        }
    }

    /// What is asked now.
    pub fn asked(&self) -> Asked {
        *self.lock()
    }

    /// Whether the launch in progress is to stop.
    pub fn is_raised(&self) -> bool {
        self.asked() != Asked::Nothing
    }

    /// Waits until something is asked, at most for `limit`; says whether it is.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        // Best effort: a poll that fails is as good as one that timed out, for the flag itself decides.
        drop(sys::wait_readable([Some(self.waitable()), None], limit));
        self.is_raised()
    }

    /// Can be read while something is asked.
    pub(crate) fn waitable(&self) -> Waitable<'_> {
        sys::waitable(&self.reader)
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_can_be_taken_back_and_a_shutdown_cannot() {
        let interrupt = Interrupt::new().expect("a pipe");
        assert!(!interrupt.wait(Some(Duration::ZERO)));
        interrupt.raise(Asked::Cancel);
        assert!(interrupt.wait(None));
        interrupt.clear_cancel();
        assert!(!interrupt.wait(Some(Duration::ZERO)));
        interrupt.raise(Asked::Cancel);
        interrupt.raise(Asked::Shutdown);
        interrupt.raise(Asked::Cancel);
        interrupt.clear_cancel();
        assert_eq!(interrupt.asked(), Asked::Shutdown);
        assert!(interrupt.wait(None));
    }
}
