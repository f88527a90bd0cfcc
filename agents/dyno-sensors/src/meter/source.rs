//! A source of readings, and how it is told to stop.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io};

use dyno_model::meter::{MeterSource, PlannedMeter};
use dyno_model::sample::Quantity;

use crate::meter::error::MeterError;
use crate::meter::intake::Intake;
use crate::meter::{file, http, hwmon, lines, mqtt};

/// A source looks so often whether it is to stop.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// A meter on the same network answers well within this.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// The most that one reading may be: the status of a Shelly with four relays has some 8 KiB.
pub(crate) const MAX_READING_BYTES: usize = 64 << 10;

/// Reads one source until it is told to stop, or has no more to say.
pub(crate) trait Source: Send + fmt::Debug {
    /// Leaves readings with `intake`.
    ///
    /// # Errors
    /// [`MeterError`] when it cannot go on; it is asked again later.
    fn run(&mut self, intake: &Intake, stop: &Stop) -> Result<(), MeterError>;

    /// What its readings are, where that is not the plan's to say.
    fn quantities(&self) -> Option<Vec<Quantity>> {
        None
    }
}

/// The source that the plan names.
pub(crate) fn open(planned: &PlannedMeter, name: &str) -> Result<Box<dyn Source>, MeterError> {
    let period_ms = planned.period_ms.max(1);
    let period = Duration::from_millis(u64::from(period_ms));
    Ok(match &planned.source {
        MeterSource::Http { url } => Box::new(http::Poll::new(url, period)?),
        MeterSource::Mqtt { broker, topic } => Box::new(mqtt::Subscriber::new(broker, topic, name)),
        MeterSource::Lines { argv } => Box::new(lines::Program::new(argv)),
        MeterSource::File { path, .. } => Box::new(file::Follower::new(path)),
        MeterSource::Hwmon { site } => Box::new(hwmon::Chip::find(site, period_ms)?),
    })
}

/// Tells a source to stop.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    stopping: AtomicBool,
    bell: (Mutex<()>, Condvar),
}

impl Stop {
    pub(crate) fn stop(&self) {
        let _guard = self.bell.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopping.store(true, Ordering::Release);
        self.bell.1.notify_all();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits until `due`, or until it is to stop; whether it is to go on.
    pub(crate) fn wait_until(&self, due: Instant) -> bool {
        let mut guard = self.bell.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_stopping() {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            guard = self.bell.1.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }
}

/// Connects to `host:port`, whichever of its addresses answers.
pub(crate) fn connect(to: &str) -> Result<TcpStream, MeterError> {
    let failed = |source| MeterError::Connect { to: to.to_owned(), source };
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in to.to_socket_addrs().map_err(failed)?.take(4) {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(stream) => {
                // Best effort: what is sent is one small piece anyway.
                drop(stream.set_nodelay(true));
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// `host`, with a port if it names none.
pub(crate) fn with_port(host: &str, port: u16) -> String {
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    if after.contains(':') { host.to_owned() } else { format!("{host}:{port}") }
}

/// Whether a read came back only because nothing was there yet.
pub(crate) fn is_quiet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_added_where_there_is_none() {
        let check = |host, expected: &str| assert_eq!(with_port(host, 80), expected);
        check("plug.lan", "plug.lan:80");
        check("10.0.0.7:8080", "10.0.0.7:8080");
        check("[fe80::1]", "[fe80::1]:80");
        check("[fe80::1]:81", "[fe80::1]:81");
    }

    #[test]
    fn nobody_waits_for_one_that_is_to_stop() {
        let stop = Stop::default();
        assert!(stop.wait_until(Instant::now()));
        stop.stop();
        assert!(!stop.wait_until(Instant::now() + Duration::from_hours(1)));
    }
}
