//! One thread that reads sensors at absolute ticks.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{OwnCost, SampleBatch, SensorDeclared, UnreadableSensor};

use crate::driver::ProbeContext;
use crate::error::SensorError;
use crate::group::GroupFiles;
use crate::lateness::Lateness;
use crate::latest::Latest;
use crate::probed::{MAX_ROWS, Track, probe};
use crate::process::ProcessFiles;
use crate::root::SysRoot;
use crate::{share, sys, text};

const MAX_PERIOD_MS: u32 = 60_000;

/// What a sampler is to do.
#[derive(Debug, Clone)]
pub struct SamplerConfig {
    /// Where `/proc` and `/sys` are.
    pub root: SysRoot,
    /// Base period, 1 to 60,000 ms; 100 (10 Hz) is the fastest that is of use. Clocks and temperatures are read at
    /// 1 Hz at most.
    pub period_ms: u32,
    /// The runtime's process, where it runs already; else see [`Sampler::attach`].
    pub runtime_pid: Option<u32>,
}

/// A running sampler thread; dropping it ends the thread.
///
/// Each sensor is read once at the start, then at its ticks, and once more when the sampler is stopped, so that
/// cumulative counters cover the whole time. A tick that could not be kept is left out, not made up for: the times of
/// rows are those at which they were read.
#[derive(Debug)]
pub struct Sampler {
    root: SysRoot,
    declared: Vec<SensorDeclared>,
    unreadable: Mutex<Vec<UnreadableSensor>>,
    context: ProbeContext,
    tracks: Arc<Mutex<Vec<Track>>>,
    latest: Latest,
    boundary: Mutex<Vec<Track>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<Sampled>>,
    began: MonoNs,
    cpu_before_ns: u64,
}

impl Sampler {
    /// Finds all sensors and starts to read them.
    ///
    /// A driver whose source cannot be listed is noted in [`Sampler::unreadable`]; it keeps no other one from working.
    ///
    /// # Errors
    /// [`SensorError::Period`] for a period out of range, [`SensorError::NoProcess`] when `runtime_pid` cannot be
    /// watched, [`SensorError::Thread`] when there is no thread to be had.
    pub fn start(config: SamplerConfig) -> Result<Self, SensorError> {
        let SamplerConfig { root, period_ms, runtime_pid } = config;
        if !(1..=MAX_PERIOD_MS).contains(&period_ms) {
            return Err(SensorError::Period { period_ms });
        }
        let (began, cpu_before_ns) = (monotonic_now(), sys::process_cpu_ns());
        let context = ProbeContext::new(period_ms);
        let mut probed = probe(&root, &context);
        let tracks = std::mem::take(&mut probed.tracks);
        probed.ask_at_boundaries(&root, &context);
        let latest = Latest::of(tracks.iter().map(|track| track.rows.newest()));
        let (tracks, stopping) = (Arc::new(Mutex::new(tracks)), Arc::new(AtomicBool::new(false)));
        let mut sampler = Self {
            root,
            declared: probed.declared,
            unreadable: Mutex::new(probed.unreadable),
            context,
            tracks: Arc::clone(&tracks),
            latest,
            boundary: Mutex::new(probed.tracks),
            stopping: Arc::clone(&stopping),
            thread: None,
            began,
            cpu_before_ns,
        };
        if let Some(pid) = runtime_pid {
            sampler.attach(pid)?;
        }
        let ticker = Ticker { period_ns: u64::from(period_ms) * 1_000_000, stopping, tracks };
        let builder = thread::Builder::new().name("dyno-sampler".to_owned());
        sampler.thread =
            Some(builder.spawn(move || ticker.run()).map_err(|source| SensorError::Thread { source })?);
        Ok(sampler)
    }

    /// The sensors that take part; their numbers are those of the batches.
    pub fn declared(&self) -> Vec<SensorDeclared> {
        self.declared.clone()
    }

    /// What was found but is not sampled.
    pub fn unreadable(&self) -> Vec<UnreadableSensor> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest values, now and later; to look at them costs the sampler nothing.
    pub fn latest(&self) -> Latest {
        self.latest.clone()
    }

    /// Gives the rows so far away, and goes on in fresh room: a launch may last longer than there is room for.
    ///
    /// Waits for a tick that is just being read; allocates. Not within a measured window.
    pub fn take_rows(&self) -> Vec<SampleBatch> {
        let given: Vec<_> =
            lock(&self.tracks).iter_mut().map(|track| (track.number, track.rows.give())).collect();
        given.into_iter().flat_map(|(number, rows)| rows.into_batches(number)).collect()
    }

    /// Watches the runtime's process from the next tick on, as site `process`; there are no rows of it before.
    ///
    /// # Errors
    /// [`SensorError::NoProcess`] when it has gone already or is hidden from this user.
    pub fn attach(&self, pid: u32) -> Result<(), SensorError> {
        self.attach_in(&self.root, pid)
    }

    /// Like [`Sampler::attach`], for a process that has its number below another root: in a container that is shown
    /// the host's files, processes have other numbers there.
    ///
    /// # Errors
    /// As [`Sampler::attach`].
    pub fn attach_in(&self, root: &SysRoot, pid: u32) -> Result<(), SensorError> {
        self.context.watched.store(pid, Ordering::Release);
        if !sys::HAS_PROCFS {
            return Ok(());
        }
        let opened = ProcessFiles::open(root, &pid.to_string());
        let (files, closed) = opened.map_err(|source| SensorError::NoProcess { pid, source })?;
        if let Some(reason) = closed {
            self.note("procfs", format!("/proc/{pid}/io"), &reason);
        }
        self.context.runtime.put(files);
        match GroupFiles::open(root, pid) {
            Ok(files) => self.context.group.put(files),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.note("cgroup", format!("the control group of process {pid}"), &error),
        }
        match share::open(root, pid) {
            Ok(file) => self.context.shares.put(file),
            Err(error) => {
                self.context.shares.put(None);
                self.note("smaps", format!("/proc/{pid}/smaps_rollup"), &error);
            }
        }
        Ok(())
    }

    /// Takes a row of each sensor that is read at boundaries only: what of the runtime's memory is its own, and what
    /// a phone's services say.
    ///
    /// Takes about 10 ms for each GiB that is resident, in which the process cannot map memory, and on Android about
    /// 0.1 s for the programs that are asked: for the boundaries of a run, never within a measured window. Reads in
    /// the thread of the caller; allocates.
    ///
    /// # Errors
    /// [`SensorError::NotAttached`] when there is no row of any of them: the process is not known yet, or its figures
    /// cannot be read.
    pub fn take_boundary(&self) -> Result<(), SensorError> {
        let taken =
            lock(&self.boundary).iter_mut().filter_map(|track| track.rows.take().then_some(())).count();
        if taken == 0 { Err(SensorError::NotAttached) } else { Ok(()) }
    }

    fn note(&self, driver: &str, what: String, reason: &io::Error) {
        let unreadable = UnreadableSensor { driver: driver.to_owned(), what, reason: reason.to_string() };
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).push(unreadable);
    }

    /// Takes a last row of each sensor, ends the thread, and gives all rows and what they cost.
    pub fn stop(mut self) -> (Vec<SampleBatch>, OwnCost) {
        let sampled = self.join().expect("only this function and drop take the thread");
        let tracks = std::mem::take(&mut *lock(&self.tracks));
        let boundary = std::mem::take(&mut *lock(&self.boundary));
        let own = OwnCost {
            wall_ns: monotonic_now().since(self.began),
            cpu_ns: sys::process_cpu_ns().saturating_sub(self.cpu_before_ns),
            sampler_cpu_ns: sampled.cpu_ns,
            peak_rss_bytes: own_peak_rss_bytes(),
            n_rows: tracks.iter().map(|track| track.rows.n_rows()).sum(),
            n_dropped: tracks.iter().chain(&boundary).map(|track| track.rows.n_dropped()).sum(),
            lateness_max_ns: sampled.lateness.max_ns(),
            ..OwnCost::default()
        };
        let [lateness_p50_ns, lateness_p99_ns] = sampled.lateness.quantiles_ns([50, 99]);
        let mut batches: Vec<SampleBatch> = tracks.into_iter().flat_map(Track::into_batches).collect();
        batches.extend(boundary.into_iter().flat_map(Track::into_batches));
        (batches, OwnCost { lateness_p50_ns, lateness_p99_ns, ..own })
    }

    fn join(&mut self) -> Option<Sampled> {
        let thread = self.thread.take()?;
        self.stopping.store(true, Ordering::Release);
        thread.thread().unpark();
        Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.join();
    }
}

/// The highest resident bytes of this process so far.
///
/// Not `ru_maxrss`, which a program inherits from the one that it was started from.
fn own_peak_rss_bytes() -> Option<u64> {
    // Best effort: where there is no procfs this is unknown.
    let status = SysRoot::real().read("proc/self/status").ok()?;
    text::kib_line(status.as_bytes(), b"VmHWM:").map(i64::cast_unsigned)
}

/// What the thread gives back.
#[derive(Debug)]
struct Sampled {
    lateness: Lateness,
    cpu_ns: u64,
}

/// The loop of the thread.
struct Ticker {
    period_ns: u64,
    stopping: Arc<AtomicBool>,
    /// Locked for a tick; what takes rows out waits for its end.
    tracks: Arc<Mutex<Vec<Track>>>,
}

impl Ticker {
    fn run(self) -> Sampled {
        let cpu_before_ns = sys::thread_cpu_ns();
        let mut lateness = Lateness::with_room(MAX_ROWS);
        let origin = monotonic_now();
        let mut tick = 0;
        loop {
            lateness.record(monotonic_now().since(due(origin, self.period_ns, tick)));
            lock(&self.tracks).iter_mut().for_each(|track| track.take_if_due(tick));
            tick = next_tick(origin, self.period_ns, tick, monotonic_now());
            if !self.wait_until(due(origin, self.period_ns, tick)) {
                break;
            }
        }
        for track in &mut *lock(&self.tracks) {
            track.rows.take();
        }
        Sampled { cpu_ns: sys::thread_cpu_ns() - cpu_before_ns, lateness }
    }

    /// Waits; `false` if the sampler is to stop.
    fn wait_until(&self, due: MonoNs) -> bool {
        loop {
            if self.stopping.load(Ordering::Acquire) {
                return false;
            }
            let left_ns = due.since(monotonic_now());
            if left_ns == 0 {
                return true;
            }
            thread::park_timeout(Duration::from_nanos(left_ns));
        }
    }
}

/// A tick that panicked has left whole rows.
fn lock(tracks: &Mutex<Vec<Track>>) -> MutexGuard<'_, Vec<Track>> {
    tracks.lock().unwrap_or_else(PoisonError::into_inner)
}

fn due(origin: MonoNs, period_ns: u64, tick: u64) -> MonoNs {
    origin.plus(tick.saturating_mul(period_ns))
}

/// The first tick after `tick` that is not over yet: those that were missed for a whole period are left out.
fn next_tick(origin: MonoNs, period_ns: u64, tick: u64, now: MonoNs) -> u64 {
    (tick + 1).max(now.since(origin) / period_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_that_were_missed_are_left_out() {
        let next = |tick, now| next_tick(MonoNs(1000), 100, tick, MonoNs(now));
        assert_eq!(next(0, 1005), 1);
        // 50 late for tick 1, which is still served.
        assert_eq!(next(0, 1150), 1);
        // Asleep from tick 0 to within the period of tick 7.
        assert_eq!(next(0, 1799), 7);
        assert_eq!(next(7, 1799), 8);
        assert_eq!(due(MonoNs(1000), 100, 7), MonoNs(1700));
    }

    #[test]
    fn a_period_out_of_range_is_refused() {
        for period_ms in [0, 60_001] {
            let config = SamplerConfig { root: SysRoot::real(), period_ms, runtime_pid: None };
            assert!(matches!(Sampler::start(config), Err(SensorError::Period { .. })), "{period_ms}");
        }
    }
}
