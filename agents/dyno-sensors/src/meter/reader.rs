//! One thread for one meter.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use dyno_model::blame::chain;
use dyno_model::meter::{METER_DRIVER, MeterCounts, PlannedMeter};
use dyno_model::sample::{SampleBatch, SensorDeclared};

use crate::meter::error::MeterError;
use crate::meter::intake::{Intake, channel, channels};
use crate::meter::source::{Source, Stop, open};

/// A source that failed is sought again after this, and after twice as long each time, until it gave a row again.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(15);

/// A meter that is read; dropping it ends that.
#[derive(Debug)]
pub struct Meter {
    declared: SensorDeclared,
    intake: Arc<Intake>,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// What a meter had to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its oldest rows, by this machine's clock.
    pub batches: Vec<SampleBatch>,
    /// What was not kept, since it was begun.
    pub counts: MeterCounts,
    /// Whether there are more rows.
    pub has_more: bool,
}

impl Meter {
    /// Begins to read a meter as sensor `sensor` with the site `name`. Whether its source answers is seen later, in
    /// [`MeterCounts`]: one that is switched on late is read from then on.
    ///
    /// # Errors
    /// What the plan says of it cannot be used on this machine, or there is no thread to be had.
    pub fn begin(name: &str, sensor: u16, planned: &PlannedMeter) -> Result<Self, MeterError> {
        let source = open(planned, name)?;
        let channels = match source.quantities() {
            Some(all) => all.into_iter().map(|quantity| channel(planned, name, quantity)).collect(),
            None => channels(planned, name),
        };
        if channels.is_empty() {
            return Err(MeterError::NoFields);
        }
        let intake = Arc::new(Intake::new(planned, sensor, &channels));
        let stop = Arc::new(Stop::default());
        let (to, told) = (Arc::clone(&intake), Arc::clone(&stop));
        let thread = thread::Builder::new()
            .name("dyno-meter".to_owned())
            .spawn(move || keep_reading(source, &to, &told))
            .map_err(|source| MeterError::Thread { source })?;
        let declared = SensorDeclared { sensor, driver: METER_DRIVER.to_owned(), channels };
        Ok(Self { declared, intake, stop, thread: Some(thread) })
    }

    /// Its channels.
    pub fn declared(&self) -> &SensorDeclared {
        &self.declared
    }

    /// Gives its oldest rows, and forgets them.
    pub fn take(&self) -> Taken {
        let (batches, counts, has_more) = self.intake.take();
        Taken { batches, counts, has_more }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

/// Reads a source, and seeks it again when it fails.
fn keep_reading(mut source: Box<dyn Source>, intake: &Intake, stop: &Stop) {
    let mut wait = FIRST_RETRY;
    loop {
        intake.begin();
        let n_before = intake.n_rows();
        let Err(error) = source.run(intake, stop) else { return };
        intake.failed(&chain(&error));
        if intake.n_rows() > n_before {
            wait = FIRST_RETRY;
        }
        if !stop.wait_until(Instant::now() + wait) {
            return;
        }
        wait = (wait * 2).min(LONGEST_RETRY);
    }
}
