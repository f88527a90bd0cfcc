//! The newest row of each sensor, for who must know while it is sampled: read without a lock and without a wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use dyno_model::clock::MonoNs;

use crate::rows::NONE;

/// A sampler's newest values.
///
/// Sensors that are read at boundaries only have none.
#[derive(Debug, Clone)]
pub struct Latest {
    /// By the sensors' numbers.
    rows: Arc<[Arc<Newest>]>,
}

/// The newest row of one sensor.
#[derive(Debug)]
pub(crate) struct Newest {
    /// When it was read; [`NEVER`] while there is none.
    at: AtomicU64,
    values: Box<[AtomicI64]>,
}

/// No row is from this time.
const NEVER: u64 = u64::MAX;

impl Latest {
    pub(crate) fn of(rows: impl Iterator<Item = Arc<Newest>>) -> Self {
        Self { rows: rows.collect() }
    }

    /// What a channel said last; `None` before its first row, and while it cannot be read.
    pub fn value(&self, sensor: u16, column: usize) -> Option<i64> {
        let row = self.rows.get(usize::from(sensor))?;
        let value = row.values.get(column)?.load(Ordering::Relaxed);
        Some(value).filter(|value| *value != NONE)
    }

    /// When a sensor's newest row was read: another one has another time.
    pub fn read_at(&self, sensor: u16) -> Option<MonoNs> {
        let at = self.rows.get(usize::from(sensor))?.at.load(Ordering::Acquire);
        Some(MonoNs(at)).filter(|_| at != NEVER)
    }
}

impl Newest {
    pub(crate) fn new(n_channels: usize) -> Self {
        Self { at: AtomicU64::new(NEVER), values: (0..n_channels).map(|_| AtomicI64::new(NONE)).collect() }
    }

    /// There is a new row. Allocates nothing, and never waits.
    pub(crate) fn put(&self, at: MonoNs, row: &[Option<i64>]) {
        for (place, value) in self.values.iter().zip(row) {
            place.store(value.unwrap_or(NONE), Ordering::Relaxed);
        }
        self.at.store(at.0, Ordering::Release);
    }

    /// There is no row to be had.
    pub(crate) fn clear(&self) {
        self.values.iter().for_each(|place| place.store(NONE, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_now_has_no_value() {
        let newest = Arc::new(Newest::new(2));
        let latest = Latest::of([Arc::clone(&newest)].into_iter());
        assert_eq!((latest.read_at(0), latest.value(0, 0)), (None, None));
        newest.put(MonoNs(0), &[Some(7), None]);
        assert_eq!(
            (latest.read_at(0), latest.value(0, 0), latest.value(0, 1)),
            (Some(MonoNs(0)), Some(7), None)
        );
        newest.clear();
        assert_eq!(latest.value(0, 0), None);
        assert_eq!((latest.value(0, 2), latest.value(1, 0), latest.read_at(1)), (None, None, None));
    }
}
