//! Rows of one sensor in memory that was set aside before the first tick.

use std::fmt;
use std::sync::Arc;

use dyno_model::clock::MonoNs;
use dyno_model::sample::SampleBatch;

use crate::driver::Sensor;
use crate::latest::Newest;

/// Rows of one [`SampleBatch`] at most, so that an event stays small.
const ROWS_PER_BATCH: usize = 1024;

/// How `None` is kept: in 8 bytes for each value instead of 16. No channel has this value.
pub(crate) const NONE: i64 = i64::MIN;

/// A sensor with room for a fixed number of its rows.
pub(crate) struct Rows {
    sensor: Box<dyn Sensor>,
    n_channels: usize,
    room: usize,
    at_ns: Vec<MonoNs>,
    values: Vec<i64>,
    row: Box<[Option<i64>]>,
    newest: Arc<Newest>,
    n_given: u64,
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
        let newest = Arc::new(Newest::new(n_channels));
        Self { sensor, n_channels, room, at_ns, values, row, newest, n_given: 0, n_dropped: 0 }
    }

    /// Where the newest row is.
    pub(crate) fn newest(&self) -> Arc<Newest> {
        Arc::clone(&self.newest)
    }

    /// Reads and keeps one row, if there is one to read and room for it. Allocates nothing.
    pub(crate) fn take(&mut self) -> bool {
        self.take_as_of(None)
    }

    /// Like [`Rows::take`], with a time that is told; else that of the reading. Says whether there is a row more.
    pub(crate) fn take_as_of(&mut self, told: Option<MonoNs>) -> bool {
        self.row.fill(None);
        // No row yet is no error: a process may not be known.
        let Ok(at) = self.sensor.read(&mut self.row) else {
            self.newest.clear();
            return false;
        };
        let at = told.unwrap_or(at);
        self.newest.put(at, &self.row);
        // What is not kept is still the newest: who watches a temperature must not be shown an old one.
        if self.at_ns.len() == self.room {
            self.n_dropped += 1;
            return false;
        }
        self.at_ns.push(at);
        self.values.extend(self.row.iter().map(|value| value.unwrap_or(NONE)));
        true
    }

    /// Rows taken, those that were given away included.
    pub(crate) fn n_rows(&self) -> u64 {
        self.n_given + self.at_ns.len() as u64
    }

    /// Rows lost for want of room.
    pub(crate) fn n_dropped(&self) -> u64 {
        self.n_dropped
    }

    /// Gives the rows so far away, and goes on in fresh room.
    pub(crate) fn give(&mut self) -> Given {
        let at_ns = std::mem::replace(&mut self.at_ns, Vec::with_capacity(self.room));
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(self.room * self.n_channels));
        self.n_given += at_ns.len() as u64;
        Given { n_channels: self.n_channels, at_ns, values }
    }

    /// The rows under the sensor's number, in order.
    pub(crate) fn into_batches(self, sensor: u16) -> impl Iterator<Item = SampleBatch> {
        let Self { n_channels, at_ns, values, .. } = self;
        Given { n_channels, at_ns, values }.into_batches(sensor)
    }
}

/// Rows that were given away.
#[derive(Debug)]
pub(crate) struct Given {
    n_channels: usize,
    at_ns: Vec<MonoNs>,
    values: Vec<i64>,
}

impl Given {
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
    use crate::latest::Latest;

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
        let taken: Vec<bool> = (0..5).map(|_| rows.take()).collect();
        assert_eq!(taken, [true, true, false, false, false]);
        // The third read had no row.
        assert_eq!((rows.n_rows(), rows.n_dropped()), (2, 2));
        let latest = Latest::of([rows.newest()].into_iter());
        assert_eq!((latest.read_at(0), latest.value(0, 0)), (Some(MonoNs(5)), Some(5)));
    }

    #[test]
    fn a_read_without_a_row_leaves_no_trace() {
        let mut rows = Rows::new(counter(), 10);
        let taken: Vec<bool> = (0..4).map(|_| rows.take()).collect();
        assert_eq!(taken, [true, true, false, true]);
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

    #[test]
    fn rows_that_were_given_away_are_counted_and_make_room() {
        let mut rows = Rows::new(counter(), 2);
        // Reads 1 and 2, then 4 and 5: each third has no row.
        (0..2).for_each(|_| assert!(rows.take()));
        let given: Vec<SampleBatch> = rows.give().into_batches(0).collect();
        assert_eq!(
            given.iter().flat_map(|batch| batch.at_ns.clone()).collect::<Vec<_>>(),
            [1, 2].map(MonoNs)
        );
        let taken: Vec<bool> = (0..5).map(|_| rows.take()).collect();
        assert_eq!(taken, [false, true, true, false, false]);
        assert_eq!((rows.n_rows(), rows.n_dropped()), (4, 1));
        let rest: Vec<SampleBatch> = rows.into_batches(0).collect();
        assert_eq!(rest.iter().flat_map(|batch| batch.at_ns.clone()).collect::<Vec<_>>(), [4, 5].map(MonoNs));
    }
}
