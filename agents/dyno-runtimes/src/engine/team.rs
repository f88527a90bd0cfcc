//! Compute threads that work through a list of steps.
//!
//! A step is cut into chunks; every thread takes the next chunk that nobody has, and whoever finishes the last one
//! publishes the next step. No thread has to arrive for the others to go on: one that the system has put aside holds
//! up at most the chunk in its hands, so that a contended machine slows the engine down and does not stop it.
//! Waiting threads spin for some microseconds, then give up their time slice, and sleep between runs.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::sys::Claim;

/// Turns of the spinning loop before a thread gives up its time slice: some 20 µs (house rule).
const SPIN_TURNS: u32 = 600;
/// Given-up time slices between runs before a thread sleeps (house rule).
const YIELDS_BEFORE_SLEEP: u32 = 50;

/// What a team works through.
pub(crate) trait Program: Sync {
    /// A thread's own memory.
    type Scratch;
    /// Makes one thread's own memory.
    fn scratch(&self) -> Self::Scratch;
    /// Number of chunks of a step of the run; `None` after the last step.
    fn chunks(&self, step: u32) -> Option<u16>;
    /// Does one chunk.
    fn run(&self, step: u32, claim: &Claim, scratch: &mut Self::Scratch);
}

/// Threads and what they agree on.
pub(crate) struct Team<'p, P> {
    program: &'p P,
    /// Step since the team began (high 32 bits), number of its chunks (16), the next one to take (16).
    word: AtomicU64,
    /// Chunks of the step that are finished.
    done: AtomicU32,
    /// The step since the team began with which the run began.
    base: AtomicU32,
    running: AtomicBool,
    ended: AtomicBool,
    /// Whether a thread panicked: the others must not wait for its chunk.
    broken: AtomicBool,
    sleepers: AtomicU32,
    lock: Mutex<()>,
    wake: Condvar,
}

/// Tells the others when its owner panics.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

impl<'p, P: Program> Team<'p, P> {
    /// Runs `body` with a team of `n_threads`, the caller's thread being one of them.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn with<T>(
        program: &'p P,
        n_threads: u32,
        body: impl FnOnce(&mut Lead<'_, 'p, P>) -> T,
    ) -> std::io::Result<T> {
        let team = Team {
            program,
            word: AtomicU64::new(0),
            done: AtomicU32::new(0),
            base: AtomicU32::new(0),
            running: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            sleepers: AtomicU32::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        };
        std::thread::scope(|scope| {
            let guard = Ending(&team);
            for i in 1..n_threads {
                let team = &team;
                let builder = std::thread::Builder::new().name(format!("engine-{i}"));
                builder.spawn_scoped(scope, move || team.follow())?;
            }
            let out = body(&mut Lead { team: &team, scratch: program.scratch() });
            drop(guard);
            Ok(out)
        })
    }

    fn follow(&self) {
        let mut scratch = self.program.scratch();
        let mut turns = 0;
        while !self.ended.load(Ordering::Acquire) && !self.broken.load(Ordering::Acquire) {
            if self.take_chunk(&mut scratch) {
                turns = 0;
            } else {
                turns += 1;
                if turns > SPIN_TURNS + YIELDS_BEFORE_SLEEP {
                    self.sleep();
                }
                wait(turns);
            }
        }
    }

    /// Sleeps until the next run, if there is none now.
    fn sleep(&self) {
        if !self.running.load(Ordering::Acquire) {
            let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            if !self.running.load(Ordering::SeqCst) && !self.ended.load(Ordering::SeqCst) {
                drop(self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner));
            }
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn rouse(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    /// Takes and does one chunk, if there is one to take.
    fn take_chunk(&self, scratch: &mut P::Scratch) -> bool {
        let word = self.word.load(Ordering::Acquire);
        let (step, n, next) = ((word >> 32) as u32, (word >> 16) as u16, word as u16);
        if next >= n {
            return false;
        }
        if self.word.compare_exchange(word, word + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return true;
        }
        let alarm = Alarm(&self.broken);
        // The step cannot end before this chunk does, so that what it was published with still holds.
        let in_run = step.wrapping_sub(self.base.load(Ordering::Relaxed));
        self.program.run(in_run, &Claim { step, chunk: u32::from(next) }, scratch);
        if self.done.fetch_add(1, Ordering::AcqRel) + 1 == u32::from(n) {
            self.publish(step.wrapping_add(1), scratch);
        }
        drop(alarm);
        true
    }

    /// Publishes that step, having done all steps before it that are a single chunk.
    fn publish(&self, mut step: u32, scratch: &mut P::Scratch) {
        loop {
            let in_run = step.wrapping_sub(self.base.load(Ordering::Relaxed));
            match self.program.chunks(in_run) {
                None => {
                    self.word.store(u64::from(step) << 32, Ordering::Release);
                    self.running.store(false, Ordering::Release);
                    return;
                }
                Some(1) => self.program.run(in_run, &Claim { step, chunk: 0 }, scratch),
                Some(0) => {}
                Some(n) => {
                    self.done.store(0, Ordering::Relaxed);
                    self.word.store(u64::from(step) << 32 | u64::from(n) << 16, Ordering::Release);
                    return;
                }
            }
            step = step.wrapping_add(1);
        }
    }
}

/// Waits a little: spinning at first, then by giving up the time slice.
fn wait(turns: u32) {
    if turns < SPIN_TURNS { std::hint::spin_loop() } else { std::thread::yield_now() }
}

/// Lets the threads go, also when the body panics.
struct Ending<'a, 'p, P: Program>(&'a Team<'p, P>);

impl<P: Program> Drop for Ending<'_, '_, P> {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
        self.0.rouse();
    }
}

/// The caller's place in the team.
pub(crate) struct Lead<'a, 'p, P: Program> {
    team: &'a Team<'p, P>,
    scratch: P::Scratch,
}

impl<P: Program> Lead<'_, '_, P> {
    /// Works through all steps with the team; what it returns allows reading the results until the next run.
    pub(crate) fn run(&mut self) -> Claim {
        let team = self.team;
        let first = ((team.word.load(Ordering::Acquire) >> 32) as u32).wrapping_add(1);
        team.base.store(first, Ordering::Relaxed);
        team.running.store(true, Ordering::SeqCst);
        team.publish(first, &mut self.scratch);
        team.rouse();
        let mut turns = 0;
        while team.running.load(Ordering::Acquire) {
            assert!(!team.broken.load(Ordering::Acquire), "a compute thread panicked");
            if team.take_chunk(&mut self.scratch) {
                turns = 0;
            } else {
                turns += 1;
                wait(turns);
            }
        }
        Claim { step: (team.word.load(Ordering::Acquire) >> 32) as u32, chunk: u32::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sys::{Arena, Shared};
    use super::*;

    /// Step `s` of `N_STEPS` adds 1 to every cell, in a number of chunks that varies; reads the step before.
    struct Sums(Shared<f32>);
    const N_STEPS: u32 = 50;
    const N_CELLS: usize = 24;

    impl Program for Sums {
        type Scratch = ();
        fn scratch(&self) {}
        fn chunks(&self, step: u32) -> Option<u16> {
            (step < N_STEPS).then_some([1, 3, 8, 24][step as usize % 4])
        }
        fn run(&self, step: u32, claim: &Claim, (): &mut ()) {
            let n = N_CELLS / usize::from(self.chunks(step).expect("a step of the run"));
            let from = claim.chunk as usize * n;
            for cell in self.0.write(claim, from..from + n) {
                *cell += 1.0;
            }
        }
    }

    #[test]
    fn every_chunk_of_every_step_runs_once_and_in_order() {
        for n_threads in [1, 2, 5] {
            let sums = Sums(Shared::new(&Arena::default(), N_CELLS).expect("there is memory"));
            Team::with(&sums, n_threads, |lead| {
                for run in 1..=20_u16 {
                    let claim = lead.run();
                    let expected = f32::from(run) * N_STEPS as f32;
                    assert_eq!(sums.0.read(&claim, 0..N_CELLS), [expected; N_CELLS]);
                }
            })
            .expect("threads start");
        }
    }

    struct Broken;
    impl Program for Broken {
        type Scratch = ();
        fn scratch(&self) {}
        fn chunks(&self, step: u32) -> Option<u16> {
            (step == 0).then_some(2)
        }
        fn run(&self, _step: u32, claim: &Claim, (): &mut ()) {
            assert_eq!(claim.chunk, 1, "chunk 0 fails on purpose");
        }
    }

    #[test]
    fn a_panic_in_a_chunk_ends_the_run_and_not_the_patience() {
        let caught = std::panic::catch_unwind(|| Team::with(&Broken, 2, |lead| lead.run().step));
        assert!(caught.is_err());
    }
}
