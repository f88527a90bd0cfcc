//! One thread for each session: it connects, then carries all channels of the connection.
//!
//! A blocking read on one channel would hold the library's lock and stall the others, so nothing blocks here but
//! waiting for the socket and for orders.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ssh2::{BlockDirections, Channel, Session};

use crate::output::Keep;
use crate::ssh::connect::{Failure, Target, code_of, connect};
use crate::ssh::error::SshError;
use crate::ssh::line::{AGAIN, Line, broken, is_of_a_channel};
use crate::ssh::pipe::{Broken, Pipe, Waker};
use crate::ssh::sys::{self, Want};
use crate::ssh::watch::Watch;

/// How often it is looked whether connecting takes too long.
const LOOK: Duration = Duration::from_millis(100);
/// How much is read from a channel at once.
const SCRATCH_BYTES: usize = 256 << 10;
/// The library asks for a sign of life no more often than every two seconds.
const MIN_INTERVAL: Duration = Duration::from_millis(2500);
/// How long a refused channel is asked for again: the server may not have let go of the last one yet.
const REFUSAL_LIMIT: Duration = Duration::from_secs(1);
/// How often it is asked for.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// Channels whose other side never says goodbye; more of them are a server out of order.
const MAX_LINES: usize = 64;

/// A session that is logged in.
#[derive(Debug)]
pub(super) struct Mux {
    orders: Arc<Orders>,
    waker: Arc<Waker>,
}

/// What the thread is told; closed by the thread at its end.
#[derive(Debug, Default)]
struct Orders(Mutex<OrderBook>);

#[derive(Debug, Default)]
struct OrderBook {
    commands: Vec<(String, Arc<Pipe>)>,
    is_stopped: bool,
    /// Why the thread has ended.
    over: Option<Broken>,
}

impl Orders {
    fn book(&self) -> std::sync::MutexGuard<'_, OrderBook> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mux {
    /// Connects in a new thread and waits until that is done or has failed.
    pub(super) fn connect(target: &Arc<Target>) -> Result<Self, Failure> {
        let here = |source| SshError::Here { host: target.host(), source };
        let (waking, woken) = UnixStream::pair().map_err(here)?;
        waking.set_nonblocking(true).map_err(here)?;
        woken.set_nonblocking(true).map_err(here)?;
        let (orders, waker) = (Arc::new(Orders::default()), Arc::new(Waker(waking)));
        let watch = Watch::new("connecting", target.connect_limit());
        let (sender, outcome) = sync_channel(1);
        let (thread_target, thread_watch, thread_orders) =
            (Arc::clone(target), watch.clone(), Arc::clone(&orders));
        let work = move || {
            let connected = connect(&thread_target, &thread_watch);
            let (session, result) = match connected {
                Ok(session) => (Some(session), Ok(())),
                Err(failure) => (None, Err(failure)),
            };
            // Nobody waits any more once a limit has passed; the session is of no use then.
            if sender.send(result).is_ok()
                && let Some(session) = session
            {
                Loop::new(session, &thread_target, woken, thread_orders).run();
            }
        };
        thread::Builder::new().name(format!("ssh {}", target.host())).spawn(work).map_err(here)?;
        loop {
            match outcome.recv_timeout(LOOK) {
                Ok(Ok(())) => return Ok(Self { orders, waker }),
                Ok(Err(failure)) => return Err(failure),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(doing) = watch.overdue() {
                        return Err(SshError::Slow { host: target.host(), doing }.into());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(here(io::Error::other("the thread of the session has died")).into());
                }
            }
        }
    }

    /// Starts a command in a channel of its own.
    pub(super) fn open(&self, line: String, keep_errors: Keep) -> Arc<Pipe> {
        let pipe = Pipe::new(&self.waker, keep_errors);
        let mut book = self.orders.book();
        match &book.over {
            Some(broken) => pipe.finish(Err(broken.clone())),
            None => book.commands.push((line, Arc::clone(&pipe))),
        }
        drop(book);
        self.waker.wake();
        pipe
    }

    /// Whether the connection is gone.
    pub(super) fn is_over(&self) -> bool {
        self.orders.book().over.is_some()
    }
}

impl Drop for Mux {
    fn drop(&mut self) {
        self.orders.book().is_stopped = true;
        self.waker.wake();
    }
}

/// When the other side was last heard.
struct Alive {
    interval: Duration,
    limit: Duration,
    heard: Instant,
    asked: Instant,
}

impl Alive {
    fn new(target: &Target) -> Self {
        let settings = &target.settings;
        let (interval, tries) =
            target.config.alive.unwrap_or((settings.alive_interval, settings.alive_tries));
        let (now, interval) = (Instant::now(), interval.max(MIN_INTERVAL));
        Self { interval, limit: interval * tries.clamp(1, 1000), heard: now, asked: now }
    }

    fn hear(&mut self) {
        self.heard = Instant::now();
    }

    fn is_dead(&self) -> bool {
        self.heard.elapsed() > self.interval + self.limit
    }

    /// How long until something is to be done.
    fn due(&self) -> Duration {
        let last = self.heard.max(self.asked);
        self.interval.saturating_sub(last.elapsed()).max(Duration::from_millis(1))
    }
}

/// The state of the thread.
struct Loop {
    session: Session,
    orders: Arc<Orders>,
    woken: UnixStream,
    waiting: VecDeque<(String, Arc<Pipe>)>,
    lines: Vec<Line>,
    /// A channel that is open and unused: the next command starts without a round trip for it, and through it the
    /// library takes in what the server says while nothing runs.
    spare: Option<Channel>,
    is_opening: bool,
    is_spare_refused: bool,
    /// Since when a channel that a command waits for is refused, and when it is asked for again.
    refused: Option<(Instant, Instant)>,
    alive: Alive,
    scratch: Vec<u8>,
}

impl Loop {
    fn new(session: Session, target: &Target, woken: UnixStream, orders: Arc<Orders>) -> Self {
        // The library counts in seconds and does not send earlier than that; when to send is decided here.
        session.set_keepalive(true, 2);
        Self {
            session,
            orders,
            woken,
            waiting: VecDeque::new(),
            lines: Vec::new(),
            spare: None,
            is_opening: false,
            is_spare_refused: false,
            refused: None,
            alive: Alive::new(target),
            scratch: vec![0; SCRATCH_BYTES],
        }
    }

    fn run(mut self) {
        let over = loop {
            if self.take_orders() {
                break Broken::Link(io::ErrorKind::NotConnected, "the connection was closed here".to_owned());
            }
            match self.turn() {
                Ok(has_moved) => {
                    if let Err(broken) = self.wait(has_moved) {
                        break broken;
                    }
                }
                Err(broken) => break broken,
            }
        };
        self.end(&over);
    }

    /// Whether the thread is to stop.
    fn take_orders(&mut self) -> bool {
        let mut book = self.orders.book();
        self.waiting.extend(book.commands.drain(..));
        book.is_stopped
    }

    /// Does once what can be done for each channel; whether anything could be.
    fn turn(&mut self) -> Result<bool, Broken> {
        let mut has_moved = self.open_channels()?;
        for line in &mut self.lines {
            has_moved |= line.step(&self.session, &mut self.scratch)?;
        }
        let n_before = self.lines.len();
        self.lines.retain(|line| !line.is_closed());
        if self.lines.len() < n_before {
            self.is_spare_refused = false;
        }
        if self.lines.len() > MAX_LINES {
            let words = format!("{} channels were never closed", self.lines.len());
            return Err(Broken::Link(io::ErrorKind::InvalidData, words));
        }
        if !self.lines.iter().any(Line::takes_in) {
            self.take_in()?;
        }
        Ok(has_moved)
    }

    fn open_channels(&mut self) -> Result<bool, Broken> {
        self.is_opening = false;
        let mut has_moved = false;
        loop {
            if self.spare.is_some()
                && let Some((line, pipe)) = self.waiting.pop_front()
            {
                let channel = self.spare.take().expect("it was just seen");
                self.lines.push(Line::new(channel, line, pipe));
                has_moved = true;
            }
            if self.spare.is_some() || (self.waiting.is_empty() && self.is_spare_refused) {
                return Ok(has_moved);
            }
            if self.refused.is_some_and(|(_, again)| Instant::now() < again) {
                return Ok(has_moved);
            }
            match self.session.channel_session() {
                Ok(channel) => {
                    self.spare = Some(channel);
                    self.refused = None;
                    has_moved = true;
                }
                Err(error) if code_of(&error) == AGAIN => {
                    self.is_opening = true;
                    return Ok(has_moved);
                }
                Err(error) if is_of_a_channel(code_of(&error)) => self.take_refusal(error.message()),
                Err(error) => return Err(broken(&error)),
            }
        }
    }

    fn take_refusal(&mut self, words: &str) {
        if self.waiting.is_empty() {
            self.is_spare_refused = true;
            return;
        }
        let now = Instant::now();
        let since = self.refused.map_or(now, |(since, _)| since);
        self.refused = Some((since, now + ASK_AGAIN));
        if since.elapsed() < REFUSAL_LIMIT {
            return;
        }
        self.refused = None;
        for (_, pipe) in self.waiting.drain(..) {
            pipe.finish(Err(Broken::Refused("another session", words.to_owned())));
        }
    }

    /// Lets the library take in what the server says, when no running command does.
    fn take_in(&mut self) -> Result<(), Broken> {
        let Some(spare) = &mut self.spare else { return Ok(()) };
        match spare.read(&mut []) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(Broken::Link(io::ErrorKind::ConnectionReset, error.to_string())),
        }
        if spare.eof() {
            // The server has closed it unused; it is not worth another try before a command needs one.
            self.spare = None;
            self.is_spare_refused = true;
        }
        Ok(())
    }

    /// Waits for the link or for orders; after some progress only looks.
    fn wait(&mut self, has_moved: bool) -> Result<(), Broken> {
        let link = self.session.as_raw_fd();
        if has_moved {
            self.alive.hear();
        }
        // Nothing may be read between a question and the wait for its answer: it would be taken in unseen.
        self.keep_alive(link)?;
        let again = self.refused.map(|(_, again)| again.saturating_duration_since(Instant::now()));
        let limit =
            if has_moved { Duration::ZERO } else { self.alive.due().min(again.unwrap_or(Duration::MAX)) };
        let is_open_stuck = self.is_opening
            && matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both);
        let want = if is_open_stuck || self.lines.iter().any(Line::wants_room) {
            Want::InputOrRoom
        } else if self.spare.is_some() || self.is_opening || !self.lines.is_empty() {
            Want::Input
        } else {
            Want::End
        };
        if !has_moved {
            sys::confirm_at_once(link);
        }
        let ready = sys::wait(link, want, self.woken.as_fd(), limit)
            .map_err(|error| Broken::Link(error.kind(), error.to_string()))?;
        let mut bytes = [0_u8; 64];
        // Best effort: what wakes has no meaning but that.
        while matches!(self.woken.read(&mut bytes), Ok(n_bytes) if n_bytes == bytes.len()) {}
        if ready.has_input && want == Want::End {
            return Err(Broken::Link(io::ErrorKind::ConnectionReset, "the server hung up".to_owned()));
        }
        if ready.has_input {
            self.alive.hear();
        }
        Ok(())
    }

    fn keep_alive(&mut self, link: i32) -> Result<(), Broken> {
        if self.alive.is_dead() {
            let words = format!("nothing was heard for {:?}", self.alive.heard.elapsed());
            return Err(Broken::Link(io::ErrorKind::TimedOut, words));
        }
        let is_due = self.alive.heard.max(self.alive.asked).elapsed() >= self.alive.interval;
        let is_free = !self.is_opening && !self.lines.iter().any(Line::wants_room);
        if is_due && is_free && sys::has_room(link) {
            self.alive.asked = Instant::now();
            self.session.keepalive_send().map_err(|error| broken(&error))?;
        } else if is_due {
            self.alive.asked = Instant::now();
        }
        Ok(())
    }

    /// Tells everyone, and lets go of the connection.
    fn end(mut self, over: &Broken) {
        let mut book = self.orders.book();
        book.over = Some(over.clone());
        self.waiting.extend(book.commands.drain(..));
        drop(book);
        self.waiting.iter().for_each(|(_, pipe)| pipe.finish(Err(over.clone())));
        self.lines.iter().for_each(|line| line.finish(Err(over.clone())));
        if matches!(over, Broken::Link(io::ErrorKind::NotConnected, _))
            && sys::has_room(self.session.as_raw_fd())
        {
            // Best effort: a goodbye for the server's log.
            self.session.disconnect(None, "done", None).ok();
        }
        // With the link cut, the library frees its channels without waiting for the other side.
        sys::cut(self.session.as_raw_fd());
        self.lines.clear();
    }
}
