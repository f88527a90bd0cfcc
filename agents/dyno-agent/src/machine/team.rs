//! Threads that work at the same time, one on each CPU, pass after pass.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_runtimes::interrupt::Interrupt;

use super::WHAT;
use super::kernels::{self, Parts};
use crate::examine::ExamineError;
use crate::sys::cpus;

/// A pass takes this long where there is time (house rule): long beside a thread's wake-up.
const PASS_NS: u64 = 50_000_000;
/// And at least this long.
const MIN_PASS_NS: u64 = 2_000_000;
/// Passes of a kind of work, the first of which is left out (STREAM's rule: at least ten after the first).
const MIN_PASSES: u64 = 11;
/// More are of no use (house rule).
const MAX_PASSES: u64 = 101;
/// Turns of the spinning loop before a waiting thread gives up its time slice (house rule).
const SPIN_TURNS: u32 = 2000;

/// What is measured, and which parts in a hundred of the time it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    Read,
    Triad,
    F32,
    I8,
}

const SHARES: [(Work, u64); 4] = [(Work::Read, 40), (Work::Triad, 30), (Work::F32, 15), (Work::I8, 15)];

/// What a set of CPUs is to do.
pub(super) struct Job<'a> {
    pub(super) cpus: &'a [u32],
    /// Blocks of each array of each thread.
    pub(super) n_blocks: usize,
    pub(super) for_ns: u64,
    pub(super) interrupt: &'a Interrupt,
}

/// Rates per second of each pass.
pub(super) type Rates = BTreeMap<Work, Vec<u64>>;

/// Does the job; what went wrong with single threads goes to `notes`.
///
/// # Errors
/// [`ExamineError`] when it is cancelled, or a thread cannot be had.
pub(super) fn measure(job: &Job<'_>, notes: &mut Vec<String>) -> Result<Rates, ExamineError> {
    let turns = Turns {
        n_threads: job.cpus.len(),
        interrupt: job.interrupt,
        shape: kernels::best_shape(),
        until: monotonic_now().plus(job.for_ns),
        turn: AtomicU32::new(0),
        has_ended: AtomicBool::new(false),
        agreed: Mutex::default(),
    };
    let started = thread::scope(|scope| {
        for cpu in job.cpus {
            let turns = &turns;
            let builder = thread::Builder::new().name(format!("machine-{cpu}"));
            let begun = builder.spawn_scoped(scope, move || turns.work(*cpu, job.n_blocks));
            if let Err(source) = begun {
                turns.has_ended.store(true, Ordering::Release);
                return Err(ExamineError::Thread { what: WHAT, source });
            }
        }
        Ok(())
    });
    started?;
    if job.interrupt.is_raised() {
        return Err(ExamineError::Cancelled { what: WHAT });
    }
    let agreed = turns.agreed.into_inner().unwrap_or_else(PoisonError::into_inner);
    notes.extend(agreed.notes);
    Ok(agreed.rates)
}

/// A pass that all threads take part in.
#[derive(Debug, Clone, Copy)]
struct Pass {
    work: Work,
    until: MonoNs,
}

/// One thread's part of a pass.
#[derive(Debug, Clone, Copy)]
struct Part {
    done: u64,
    began: MonoNs,
    ended: MonoNs,
}

/// What the threads agree on.
#[derive(Debug, Default)]
struct Agreed {
    n_arrived: usize,
    parts: Vec<Part>,
    /// Passes to come, the next one last, each with its length.
    to_come: Option<Vec<(Work, u64)>>,
    now: Option<Pass>,
    rates: Rates,
    notes: Vec<String>,
}

/// Where the threads meet: whoever comes last begins the next pass.
struct Turns<'a> {
    n_threads: usize,
    interrupt: &'a Interrupt,
    shape: usize,
    until: MonoNs,
    turn: AtomicU32,
    has_ended: AtomicBool,
    agreed: Mutex<Agreed>,
}

/// Ends it for all when its owner panics.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

impl Turns<'_> {
    fn lock(&self) -> MutexGuard<'_, Agreed> {
        self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One thread's life.
    fn work(&self, cpu: u32, n_blocks: usize) {
        let _alarm = Alarm(&self.has_ended);
        if let Err(error) = cpus::pin(cpu) {
            self.lock().notes.push(format!("the thread for CPU {cpu} is not pinned: {error}"));
        }
        let mut memory = match Parts::touch(n_blocks) {
            Ok(memory) => memory,
            Err(error) => {
                self.lock().notes.push(format!("no memory for the arrays: {error}"));
                self.has_ended.store(true, Ordering::Release);
                return;
            }
        };
        let mut part = None;
        while let Some(pass) = self.meet(part) {
            part = Some(self.pass(pass, &mut memory));
        }
    }

    fn pass(&self, pass: Pass, memory: &mut Parts) -> Part {
        let (began, mut done) = (monotonic_now(), 0);
        loop {
            done += match pass.work {
                Work::Read => memory.read(),
                Work::Triad => memory.triad(),
                Work::F32 => kernels::f32_step(self.shape),
                Work::I8 => kernels::i8_step(),
            };
            let ended = monotonic_now();
            if ended >= pass.until {
                return Part { done, began, ended };
            }
        }
    }

    /// Hands in what was done, and waits for all others; `None` when there is nothing more to do.
    fn meet(&self, part: Option<Part>) -> Option<Pass> {
        let turn = self.turn.load(Ordering::Acquire);
        {
            let mut agreed = self.lock();
            agreed.parts.extend(part);
            agreed.n_arrived += 1;
            if agreed.n_arrived == self.n_threads {
                self.go_on(&mut agreed);
                return agreed.now;
            }
        }
        let mut n_turns = 0;
        while self.turn.load(Ordering::Acquire) == turn {
            if self.has_ended.load(Ordering::Acquire) {
                return None;
            }
            n_turns += 1;
            if n_turns < SPIN_TURNS { std::hint::spin_loop() } else { thread::yield_now() }
        }
        self.lock().now
    }

    /// Counts the pass that is over, and begins the next one.
    fn go_on(&self, agreed: &mut Agreed) {
        if let Some(pass) = agreed.now {
            let rate = rate(&agreed.parts);
            agreed.rates.entry(pass.work).or_default().push(rate);
        }
        agreed.parts.clear();
        agreed.n_arrived = 0;
        // Only now, for touching the memory took a part of the time.
        let left_ns = self.until.since(monotonic_now());
        let next = agreed.to_come.get_or_insert_with(|| passes(left_ns)).pop();
        let next = next.filter(|_| !self.interrupt.is_raised());
        agreed.now = next.map(|(work, ns)| Pass { work, until: monotonic_now().plus(ns) });
        self.turn.fetch_add(1, Ordering::Release);
    }
}

/// All passes in `left_ns`, the first one last.
fn passes(left_ns: u64) -> Vec<(Work, u64)> {
    let of = |(work, share): (Work, u64)| {
        let share_ns = left_ns / 100 * share;
        let n = (share_ns / PASS_NS).clamp(MIN_PASSES, MAX_PASSES);
        std::iter::repeat_n((work, (share_ns / n).max(MIN_PASS_NS)), usize::try_from(n).unwrap_or(usize::MAX))
    };
    SHARES.into_iter().rev().flat_map(of).collect()
}

/// What all did per second from the first one's begin to the last one's end; 0 if nobody did anything.
fn rate(parts: &[Part]) -> u64 {
    let began = parts.iter().map(|part| part.began).min();
    let ended = parts.iter().map(|part| part.ended).max();
    let (Some(began), Some(ended)) = (began, ended) else { return 0 };
    let done: u128 = parts.iter().map(|part| u128::from(part.done)).sum();
    u64::try_from(done * 1_000_000_000 / u128::from(ended.since(began).max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_all_threads_over_the_whole_pass() {
        let part = |done, began, ended| Part { done, began: MonoNs(began), ended: MonoNs(ended) };
        // 300 in 60 ns.
        let parts = [part(100, 1000, 1050), part(200, 1010, 1060)];
        assert_eq!(rate(&parts), 5_000_000_000);
        assert_eq!(rate(&[]), 0);
        assert_eq!(rate(&[part(0, 5, 5)]), 0);
    }

    #[test]
    fn the_time_is_shared_out_and_reading_comes_first() {
        // 10 s: 4 s of reading are 80 passes, 1.5 s of multiplying 30.
        let all = passes(10_000_000_000);
        let n = |work| all.iter().filter(|pass| pass.0 == work).count();
        assert_eq!([n(Work::Read), n(Work::Triad), n(Work::F32), n(Work::I8)], [80, 60, 30, 30]);
        assert_eq!(all.last(), Some(&(Work::Read, 50_000_000)));
        assert_eq!(all.iter().map(|pass| pass.1).sum::<u64>(), 10_000_000_000);
        // No time left: the fewest passes, the shortest.
        let short = passes(0);
        assert_eq!((short.len(), short[0].1), (44, MIN_PASS_NS));
    }
}
