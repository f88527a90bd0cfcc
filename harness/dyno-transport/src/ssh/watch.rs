//! Which step a connection is at, and until when it may be: libraries that wait have no limits of their own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by the thread that connects and the one that waits for it.
#[derive(Debug, Clone)]
pub(super) struct Watch(Arc<Mutex<Step>>);

#[derive(Debug, Clone, Copy)]
struct Step {
    doing: &'static str,
    /// `None` while a person is asked.
    until: Option<Instant>,
}

/// A step may take this much longer than its limit before it is given up from outside: its own errors are better.
const GRACE: Duration = Duration::from_secs(1);

impl Watch {
    pub(super) fn new(doing: &'static str, limit: Duration) -> Self {
        Self(Arc::new(Mutex::new(Step { doing, until: Some(Instant::now() + limit + GRACE) })))
    }

    /// The next step begins.
    pub(super) fn step(&self, doing: &'static str, limit: Duration) {
        *self.lock() = Step { doing, until: Some(Instant::now() + limit + GRACE) };
    }

    /// Asks a person, for whom no limit holds; the step has its time anew afterwards.
    pub(super) fn asking<T>(&self, limit: Duration, ask: impl FnOnce() -> T) -> T {
        let doing = self.lock().doing;
        self.lock().until = None;
        let answer = ask();
        self.step(doing, limit);
        answer
    }

    /// What took too long, if anything did.
    pub(super) fn overdue(&self) -> Option<&'static str> {
        let step = *self.lock();
        step.until.is_some_and(|until| Instant::now() > until).then_some(step.doing)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Step> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
