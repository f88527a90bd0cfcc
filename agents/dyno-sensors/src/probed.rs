//! What all drivers found, numbered and with room for its rows.

use dyno_model::blame::chain;
use dyno_model::clock::MonoNs;
use dyno_model::sample::{SampleBatch, SensorDeclared, UnreadableSensor};

use crate::driver::{BOUNDARY_DRIVERS, DRIVERS, ProbeContext, SensorDriver};
use crate::root::SysRoot;
use crate::rows::Rows;

/// Rows of a sensor, and ticks, that are kept: 2 h at 10 Hz.
pub(crate) const MAX_ROWS: usize = 2 * 3600 * 10;
/// More rows than this are not taken at boundaries (house rule): a launch has a handful of boundaries.
const MAX_BOUNDARIES: usize = 1024;

/// What drivers found; a sensor's number is its place among those declared.
#[derive(Debug, Default)]
pub(crate) struct Probed {
    pub(crate) declared: Vec<SensorDeclared>,
    pub(crate) tracks: Vec<Track>,
    pub(crate) unreadable: Vec<UnreadableSensor>,
}

/// Asks all drivers whose sensors are read at ticks.
pub(crate) fn probe(root: &SysRoot, context: &ProbeContext) -> Probed {
    let mut probed = Probed::default();
    // One row more than the ticks have, for the one that is taken at the end.
    probed.ask(DRIVERS, root, context, |every| MAX_ROWS.div_ceil(every as usize) + 1);
    probed
}

impl Probed {
    /// Asks those whose sensors are read at boundaries only; their numbers go on where the others' end.
    pub(crate) fn ask_at_boundaries(&mut self, root: &SysRoot, context: &ProbeContext) {
        self.ask(BOUNDARY_DRIVERS, root, context, |_every| MAX_BOUNDARIES);
    }

    /// Asks these drivers; a sensor that is read at each tick in `every` has room for so many rows.
    fn ask(
        &mut self,
        drivers: &[&dyn SensorDriver],
        root: &SysRoot,
        context: &ProbeContext,
        n_rows: impl Fn(u64) -> usize,
    ) {
        for driver in drivers {
            let found = match driver.probe(root, context) {
                Ok(found) => found,
                Err(error) => {
                    let (driver, what) = (driver.name().to_owned(), "all sensors".to_owned());
                    self.unreadable.push(UnreadableSensor { driver, what, reason: chain(&error) });
                    continue;
                }
            };
            self.unreadable.extend(found.unreadable);
            for sensor in found.sensors {
                let number =
                    u16::try_from(self.declared.len()).expect("each driver finds a handful of sensors");
                let channels = sensor.channels().to_vec();
                let period_ms = channels.first().map_or(context.period_ms, |channel| channel.period_ms);
                let every = u64::from(period_ms / context.period_ms).max(1);
                self.declared.push(SensorDeclared {
                    sensor: number,
                    driver: driver.name().to_owned(),
                    channels,
                });
                self.tracks.push(Track { number, every, next: 0, rows: Rows::new(sensor, n_rows(every)) });
            }
        }
    }
}

/// A sensor, its number, and at which ticks it is read.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) number: u16,
    every: u64,
    next: u64,
    pub(crate) rows: Rows,
}

impl Track {
    /// Its rows under its number.
    pub(crate) fn into_batches(self) -> impl Iterator<Item = SampleBatch> {
        self.rows.into_batches(self.number)
    }

    /// Takes a row at each multiple of `every`, or at the first tick after one that was left out.
    pub(crate) fn take_if_due(&mut self, tick: u64) {
        self.take_if_due_as_of(tick, None);
    }

    /// Like [`Track::take_if_due`], with a time that is told; else that of the reading.
    pub(crate) fn take_if_due_as_of(&mut self, tick: u64, told: Option<MonoNs>) {
        if tick >= self.next {
            self.rows.take_as_of(told);
            self.next = (tick / self.every + 1) * self.every;
        }
    }
}
