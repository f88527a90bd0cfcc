//! One request at a time.

use std::sync::Arc;

use dyno_model::clock::monotonic_now;
use dyno_model::request::{Chunk, Finish, Request};

use dyno_runtimes::adapter::Generate;
use dyno_runtimes::dialect::{Answered, Driver, Server, Step};
use dyno_runtimes::error::RuntimeError;
use dyno_runtimes::http::{HttpError, Polled};
use dyno_runtimes::interrupt::Interrupt;

/// Asks a server for one answer at a time, over a kept connection.
pub(crate) struct HttpClient {
    driver: Driver,
    last: Option<Box<Answered>>,
}

impl HttpClient {
    /// Gets ready; connects to nothing yet.
    ///
    /// # Errors
    /// When the process has no file descriptors left.
    pub(crate) fn new(server: Server, interrupt: Option<Arc<Interrupt>>) -> Result<Self, HttpError> {
        Ok(Self { driver: Driver::new(server, interrupt)?, last: None })
    }

    /// What is known of the last request beside its [`Finish`]: `sent_at` above all.
    pub(crate) fn last(&self) -> Option<&Answered> {
        self.last.as_deref()
    }

    /// For other questions to the same server, and for what the loop says of itself.
    pub(crate) fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }
}

impl Generate for HttpClient {
    fn generate(
        &mut self,
        request: &Request,
        on_chunk: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<Finish, RuntimeError> {
        let mut last = None;
        let mut on = |_ticket, step: Step<'_>| match step {
            Step::Sent { .. } => {}
            Step::Chunk(chunk) => on_chunk(chunk),
            Step::Ended(answered) => last = Some(answered),
        };
        self.driver.submit(request, None)?;
        // The exchange has its own deadline; ours is for a loop that does not keep it.
        let until =
            monotonic_now().plus(request.limit_ms.saturating_mul(1_000_000).saturating_add(5_000_000_000));
        if self.driver.poll(until, &mut on)? != Polled::Ended {
            self.driver.stop_all(&mut on);
        }
        let last = last.ok_or(RuntimeError::NotStarted)?;
        let finish = last.finish.clone();
        self.last = Some(last);
        Ok(finish)
    }
}
