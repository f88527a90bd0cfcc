//! The thread that takes looks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::network::NetworkWatch;

use super::look::SocketLooks;
use crate::root::SysRoot;
use crate::sys;

/// Between two looks: house rule. A connection that lives longer is seen.
const PERIOD_NS: u64 = 250_000_000;
/// Looks take one part in so many of a CPU at most: with the sampler's own that is less than half a percent.
const SHARE: u64 = 500;
/// What a first look may take beyond that: it has everything to find.
const AHEAD_NS: u64 = 10_000_000;
/// However long a look took, the next one comes.
const LONGEST_PAUSE_NS: u64 = 10_000_000_000;

/// Watches the sockets of a runtime until it is stopped; dropping it ends the thread.
#[derive(Debug)]
pub struct SocketWatch {
    stopping: Arc<AtomicBool>,
    thread: Result<Option<JoinHandle<NetworkWatch>>, String>,
}

impl SocketWatch {
    /// Begins with the process `pid` of this machine. What cannot be watched is told at the end.
    pub fn start(pid: u32) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopping);
        let builder = thread::Builder::new().name("dyno-sockets".to_owned());
        let thread: io::Result<_> = builder.spawn(move || run(pid, &flag));
        Self { stopping, thread: thread.map(Some).map_err(|error| format!("no thread: {error}")) }
    }

    /// Ends it, when the runtime has ended, and says what was seen.
    pub fn stop(mut self) -> NetworkWatch {
        match self.join() {
            Ok(watched) => watched,
            Err(why) => NetworkWatch::none(monotonic_now(), why),
        }
    }

    fn join(&mut self) -> Result<NetworkWatch, String> {
        let thread = match &mut self.thread {
            Ok(thread) => thread.take().ok_or("it was stopped before")?,
            Err(why) => return Err(why.clone()),
        };
        self.stopping.store(true, Ordering::Release);
        thread.thread().unpark();
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

impl Drop for SocketWatch {
    fn drop(&mut self) {
        // Best effort: what was seen is of no interest any more.
        drop(self.join());
    }
}

fn run(pid: u32, stopping: &AtomicBool) -> NetworkWatch {
    let cpu_before_ns = sys::thread_cpu_ns();
    let began = monotonic_now();
    let mut looks = SocketLooks::new(&SysRoot::real(), pid, began);
    loop {
        let at = monotonic_now();
        looks.look(at);
        let spent_ns = sys::thread_cpu_ns().saturating_sub(cpu_before_ns);
        let pause_ns = pause_ns(spent_ns, monotonic_now().since(began));
        if !wait_until(at.plus(pause_ns), stopping) {
            break;
        }
    }
    let to = monotonic_now();
    looks.finish(to, sys::thread_cpu_ns().saturating_sub(cpu_before_ns))
}

/// How long after the last look the next one comes: later, where looks have taken more than their share.
fn pause_ns(spent_ns: u64, elapsed_ns: u64) -> u64 {
    let over_ns = spent_ns.saturating_sub(AHEAD_NS + elapsed_ns / SHARE);
    PERIOD_NS.max(over_ns.saturating_mul(SHARE)).min(LONGEST_PAUSE_NS)
}

/// Waits; `false` if watching is to end.
fn wait_until(due: MonoNs, stopping: &AtomicBool) -> bool {
    loop {
        if stopping.load(Ordering::Acquire) {
            return false;
        }
        let left_ns = due.since(monotonic_now());
        if left_ns == 0 {
            return true;
        }
        thread::park_timeout(Duration::from_nanos(left_ns));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_take_long_come_later() {
        const MS: u64 = 1_000_000;
        let check = |spent_ms: u64, elapsed_ms: u64, expected_ms: u64| {
            assert_eq!(pause_ns(spent_ms * MS, elapsed_ms * MS), expected_ms * MS, "{spent_ms} {elapsed_ms}");
        };
        check(1, 0, 250);
        check(10, 0, 250);
        // 2 ms too many take a second to be earned.
        check(12, 0, 1000);
        check(12, 1000, 250);
        check(110, 50_000, 250);
        check(500, 0, 10_000);
    }
}
