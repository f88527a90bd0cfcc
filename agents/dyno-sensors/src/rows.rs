//! Rows of one sensor in memory that was set aside before the first tick.

use std::fmt;

use dyno_model::clock::MonoNs;
use dyno_model::sample::SampleBatch;

use crate::driver::Sensor;

/// Rows of one [`SampleBatch`] at most, so that an event stays small.
const ROWS_PER_BATCH: usize = 1024;

/// How `None` is kept: in 8 bytes for each value instead of 16. No channel has this value.
const NONE: i64 = i64::MIN;

/// A sensor with room for a fixed number of its rows.
pub(crate) struct Rows {
    sensor: Box<dyn Sensor>,
    n_channels: usize,
    room: usize,
    at_ns: Vec<MonoNs>,
    values: Vec<i64>,
    row: Box<[Option<i64>]>,
    n_dropped: u64,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("n_rows", &self.n_rows())
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl Rows {
    /// Sets aside room for `room` rows; the system gives real memory only as it is used.
    pub(crate) fn new(sensor: Box<dyn Sensor>, room: usize) -> Self {
        let n_channels = sensor.channels().len();
        let (at_ns, values) = (Vec::with_capacity(room), Vec::with_capacity(room * n_channels));
        let row = vec![None; n_channels].into_boxed_slice();
        Self { sensor, n_channels, room, at_ns, values, row, n_dropped: 0 }
    }

    /// Reads and keeps one row, if there is one to read and room for it. Allocates nothing.
    pub(crate) fn take(&mut self) {
        self.take_as_of(None);
    }

    /// Like [`Rows::take`], with a time that is told; else that of the reading.
    pub(crate) fn take_as_of(&mut self, told: Option<MonoNs>) {
        if self.at_ns.len() == self.room {
            self.n_dropped += 1;
            return;
        }
        self.row.fill(None);
        // No row yet is no error: a process may not be known.
        if let Ok(at) = self.sensor.read(&mut self.row) {
            self.at_ns.push(told.unwrap_or(at));
            self.values.extend(self.row.iter().map(|value| value.unwrap_or(NONE)));
        }
    }

    /// Rows kept.
    pub(crate) fn n_rows(&self) -> u64 {
        self.at_ns.len() as u64
    }

    /// Rows lost for want of room.
    pub(crate) fn n_dropped(&self) -> u64 {
        self.n_dropped
    }

    /// The rows under the sensor's number, in order.
    pub(crate) fn into_batches(self, sensor: u16) -> impl Iterator<Item = SampleBatch> {
        let n_channels = self.n_channels;
        let n_batches = self.at_ns.len().div_ceil(ROWS_PER_BATCH);
        (0..n_batches).map(move |idx| {
            let rows = idx * ROWS_PER_BATCH..self.at_ns.len().min((idx + 1) * ROWS_PER_BATCH);
            let values = &self.values[rows.start * n_channels..rows.end * n_channels];
            let values = values.iter().map(|value| Some(*value).filter(|value| *value != NONE)).collect();
            SampleBatch { sensor, at_ns: self.at_ns[rows].to_vec(), values }
        })
    }
}

#[cfg(test)]
mod tests {
    use dyno_model::sample::{AccuracyClass, Channel, Quantity};

    use super::*;
    use crate::error::SensorError;

    /// Counts its reads in both of its columns; every third read has no row.
    struct Counter(Vec<Channel>, u64);

    impl Sensor for Counter {
        fn channels(&self) -> &[Channel] {
            &self.0
        }
        fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
            self.1 += 1;
            if self.1.is_multiple_of(3) {
                return Err(SensorError::NotAttached);
            }
            row.copy_from_slice(&[Some(self.1.cast_signed()), None]);
            Ok(MonoNs(self.1))
        }
    }

    fn counter() -> Box<dyn Sensor> {
        let channel = Channel::new(Quantity::FreqKhz, "x", AccuracyClass::A, 1);
        Box::new(Counter(vec![channel.clone(), channel], 0))
    }

    #[test]
    fn rows_beyond_the_room_are_counted_not_kept() {
        let mut rows = Rows::new(counter(), 2);
        (0..5).for_each(|_| rows.take());
        assert_eq!((rows.n_rows(), rows.n_dropped()), (2, 3));
    }

    #[test]
    fn a_read_without_a_row_leaves_no_trace() {
        let mut rows = Rows::new(counter(), 10);
        (0..4).for_each(|_| rows.take());
        let batches: Vec<SampleBatch> = rows.into_batches(7).collect();
        let at_ns = [1, 2, 4].map(MonoNs).to_vec();
        assert_eq!(
            batches,
            [SampleBatch { sensor: 7, at_ns, values: vec![Some(1), None, Some(2), None, Some(4), None] }]
        );
    }

    #[test]
    fn batches_are_bounded_and_lose_nothing() {
        let mut rows = Rows::new(counter(), 3000);
        while rows.n_rows() < 2049 {
            rows.take();
        }
        let batches: Vec<SampleBatch> = rows.into_batches(0).collect();
        assert_eq!(batches.iter().map(|batch| batch.at_ns.len()).collect::<Vec<_>>(), [1024, 1024, 1]);
        assert!(batches.iter().all(|batch| batch.values.len() == 2 * batch.at_ns.len()));
    }
}
