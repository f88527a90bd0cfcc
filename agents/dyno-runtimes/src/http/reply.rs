//! One whole answer at a time: for what a server says of itself.

use dyno_model::clock::{MonoNs, monotonic_now};

use super::error::HttpError;
use super::exchange::{Exchanges, Flow, Happening, Outgoing, Polled};
use super::head::Head;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// When its last byte arrived.
    pub at: MonoNs,
    /// Its head.
    pub head: Head,
    /// Its body.
    pub body: Vec<u8>,
}

impl Exchanges {
    /// Sends one request and waits for the whole answer; no other exchange may be under way.
    ///
    /// # Errors
    /// Whatever ends an exchange; an answer of any status is none.
    pub fn fetch(&mut self, out: Outgoing) -> Result<Reply, HttpError> {
        let until = monotonic_now().plus(out.limit_ms.saturating_mul(2_000_000));
        self.submit(out)?;
        let mut head: Option<Head> = None;
        let mut body = Vec::new();
        let mut result = Ok(());
        let mut at = MonoNs::default();
        let mut take = |_ticket, happening: Happening<'_>| {
            match happening {
                Happening::Sent { .. } => {}
                Happening::Head(said) => head = Some(said.clone()),
                Happening::Body { bytes, .. } => body.extend_from_slice(bytes),
                Happening::Ended(ending) => (at, result) = (ending.at, ending.result),
            }
            Flow::Continue
        };
        if self.poll(until, &mut take)? != Polled::Ended {
            self.stop_all(&mut take);
        }
        result?;
        Ok(Reply { at, head: head.expect("an exchange that ended well had a head"), body })
    }
}
