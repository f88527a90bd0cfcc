//! One process at a time works on one file of the store.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::error::StoreError;
use crate::progress::{Phase, Progress};

/// Held until dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until no other process holds the lock file `path`.
    pub(crate) fn take(path: &Path, progress: &mut dyn Progress) -> Result<Self, StoreError> {
        let file = File::create(path).map_err(StoreError::io("create", path))?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", path)(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if progress.is_cancelled() {
                return Err(StoreError::Cancelled);
            }
            if !told {
                progress.phase(&Phase::Wait);
                told = true;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}
