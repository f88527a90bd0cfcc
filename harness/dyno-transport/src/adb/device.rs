//! One device: which serial it has, whether it is ready, and how to reach it again after an error.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::adb::error::AdbError;
use crate::adb::limits::Limits;
use crate::adb::listed::{AdbListed, AdbState, is_address, list, names};
use crate::adb::server::Server;
use crate::adb::speech::Speech;
use crate::adb::wire::{NotGranted, Patience, Wire};
use crate::error::TransportError;
use crate::output::printable;

/// The serial that means the only device on USB.
const USB: &str = "usb";
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A device on adb, and what is known of it until something goes wrong.
#[derive(Debug)]
pub(super) struct Device {
    name: String,
    /// As the user wrote it.
    asked: String,
    server: Server,
    limits: Limits,
    /// `None` until the device was found ready.
    known: Option<Known>,
    doubt: Doubt,
}

/// Set by a broken link: the server may still call the device online. Shared with its running programs.
#[derive(Debug, Clone, Default)]
pub(super) struct Doubt(Arc<AtomicBool>);

impl Doubt {
    pub(super) fn rise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn settle(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Clone)]
struct Known {
    serial: String,
    has_shell_v2: bool,
}

/// Why a stream to the device was not opened.
enum NotOpened {
    /// The server does not let us at the device now.
    Gone(String),
    /// The device does not have the service.
    Declined(String),
    Broken(io::Error),
    Server(AdbError),
}

impl Device {
    pub(super) fn new(name: &str, serial: &str, server: Server, limits: Limits) -> Self {
        let (name, asked) = (name.to_owned(), serial.to_owned());
        Self { name, asked, server, limits, known: None, doubt: Doubt::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// What a running program raises when its link breaks.
    pub(super) fn doubt(&self) -> Doubt {
        self.doubt.clone()
    }

    /// Looks anew at the next call.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// A broken link: looks anew at the next call, and asks for a sign of life.
    pub(super) fn link_broke(&mut self, doing: &str, source: io::Error) -> TransportError {
        self.doubt.rise();
        let source = match source.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(source.kind(), "the connection ended"),
            _ => source,
        };
        TransportError::Link { device: self.name.clone(), doing: doing.to_owned(), source }
    }

    /// How to run a program there.
    pub(super) fn speech(&mut self, until: Instant) -> Result<Speech, TransportError> {
        Ok(Speech::of(self.ready(until)?.has_shell_v2))
    }

    /// Opens a stream to a service of the device, which is made ready for it.
    pub(super) fn open(
        &mut self,
        service: &str,
        doing: &'static str,
        until: Instant,
    ) -> Result<Wire, TransportError> {
        let mut known = self.ready(until)?;
        let mut opened = self.try_open(&known, service, until);
        let is_gone = match &opened {
            Err(NotOpened::Gone(_)) => true,
            Err(NotOpened::Declined(_)) => !self.is_listed_ready(&known)?,
            Ok(_) | Err(NotOpened::Broken(_) | NotOpened::Server(_)) => false,
        };
        if is_gone {
            self.known = None;
            known = self.ready(until)?;
            opened = self.try_open(&known, service, until);
        }
        opened.map_err(|error| self.not_opened(error, doing))
    }

    fn not_opened(&mut self, error: NotOpened, doing: &'static str) -> TransportError {
        let device = self.name.clone();
        match error {
            NotOpened::Gone(said) | NotOpened::Declined(said) => {
                self.doubt.rise();
                AdbError::Declined { device, doing, said: printable(said.as_bytes()) }.into()
            }
            NotOpened::Broken(source) => match source.kind() {
                io::ErrorKind::InvalidInput => {
                    TransportError::Start { device, program: "a command".to_owned(), source }
                }
                io::ErrorKind::InvalidData => {
                    AdbError::Garbled { device, doing, detail: source.to_string() }.into()
                }
                _ => self.link_broke(doing, source),
            },
            NotOpened::Server(error) => error.into(),
        }
    }

    fn try_open(&self, known: &Known, service: &str, until: Instant) -> Result<Wire, NotOpened> {
        let mut wire = self.server.connect(&self.limits).map_err(NotOpened::Server)?;
        let transport = format!("host:transport:{}", known.serial);
        wire.request(&transport).map_err(|error| match error {
            NotGranted::Refused(said) => NotOpened::Gone(said),
            other => NotOpened::Server(self.server.not_granted(&transport, other)),
        })?;
        wire.set_patience(Patience::Until(until));
        match wire.request(service) {
            Ok(()) => Ok(wire),
            Err(NotGranted::Refused(said)) => Err(NotOpened::Declined(said)),
            Err(NotGranted::Broken(error)) => Err(NotOpened::Broken(error)),
            Err(NotGranted::Strange(bytes)) => {
                let words = format!("it answered `{}`", printable(&bytes));
                Err(NotOpened::Broken(io::Error::new(io::ErrorKind::InvalidData, words)))
            }
        }
    }

    /// Finds the device ready, or makes it so.
    fn ready(&mut self, until: Instant) -> Result<Known, TransportError> {
        if let Some(known) = self.known.as_ref().filter(|_| !self.doubt.is_there()) {
            return Ok(known.clone());
        }
        let begin = Instant::now();
        let reach_until = until.min(begin + self.limits.reach);
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.look(begin, reach_until) {
                Ok(known) => {
                    self.known = Some(known.clone());
                    self.doubt.settle();
                    return Ok(known);
                }
                Err(NotYet::Never(error)) => return Err(error),
                Err(NotYet::Later(error)) => error,
            };
            if Instant::now() + pause >= reach_until {
                return Err(error);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One try to find the device ready.
    fn look(&self, begin: Instant, until: Instant) -> Result<Known, NotYet> {
        let listed = list(&self.server, &self.limits)?;
        let Some(found) = self.pick(&listed)? else {
            if !is_address(&self.asked) {
                return Err(self.not_found(&listed).into());
            }
            self.connect(until).map_err(|error| self.later_if_it_was_there(error))?;
            return Err(NotYet::Later(self.not_found(&listed).into()));
        };
        match &found.state {
            AdbState::Device => self.examine(found, until),
            AdbState::Offline if is_address(&found.serial) => {
                self.reconnect(&found.serial, until)?;
                Err(NotYet::Later(self.not_ready(found).into()))
            }
            state if state.may_settle() && begin.elapsed() < self.limits.settle => {
                Err(NotYet::Later(self.not_ready(found).into()))
            }
            _ => Err(self.not_ready(found).into()),
        }
    }

    /// What a device that is listed as ready can do; after an error it must give a sign of life.
    fn examine(&self, found: &AdbListed, until: Instant) -> Result<Known, NotYet> {
        let serial = found.serial.clone();
        let service = format!("host-serial:{serial}:features");
        let features = match self.server.ask(&service, &self.limits, Instant::now() + self.limits.server) {
            Ok(features) => features,
            Err(AdbError::Refused { said, .. }) if said.contains("unknown host service") => String::new(),
            Err(error @ AdbError::Refused { .. }) => return Err(NotYet::Later(error.into())),
            Err(error) => return Err(error.into()),
        };
        let known = Known { has_shell_v2: features.split(',').any(|name| name == "shell_v2"), serial };
        if !self.doubt.is_there() {
            return Ok(known);
        }
        let nothing = Speech::of(known.has_shell_v2).service(":");
        let probe_until = until.min(Instant::now() + self.limits.probe);
        match self.try_open(&known, &nothing, probe_until) {
            Ok(_) => Ok(known),
            Err(NotOpened::Server(error)) => Err(error.into()),
            Err(NotOpened::Broken(source)) => {
                let (device, doing) = (self.name.clone(), "waiting for a sign of life".to_owned());
                let error = TransportError::Link { device, doing, source };
                if !is_address(&known.serial) {
                    return Err(NotYet::Never(error));
                }
                self.reconnect(&known.serial, until)?;
                Err(NotYet::Later(error))
            }
            Err(NotOpened::Gone(_) | NotOpened::Declined(_)) => {
                Err(NotYet::Later(self.not_ready(found).into()))
            }
        }
    }

    /// The device that is meant; `None` if it is not listed.
    fn pick<'a>(&self, listed: &'a [AdbListed]) -> Result<Option<&'a AdbListed>, AdbError> {
        if self.asked != USB {
            return Ok(listed.iter().find(|one| one.serial == self.asked));
        }
        let on_usb: Vec<&AdbListed> = listed.iter().filter(|one| one.is_usb()).collect();
        let device = self.name.clone();
        match on_usb[..] {
            [one] => Ok(Some(one)),
            [] => Err(AdbError::NoneOnUsb { device, listed: names(listed) }),
            _ => Err(AdbError::SeveralOnUsb { device, listed: names(on_usb) }),
        }
    }

    fn is_listed_ready(&self, known: &Known) -> Result<bool, AdbError> {
        let listed = list(&self.server, &self.limits)?;
        Ok(listed.iter().any(|one| one.serial == known.serial && one.state == AdbState::Device))
    }

    /// Has the server connect to the device's address.
    fn connect(&self, until: Instant) -> Result<(), AdbError> {
        let until = until.min(Instant::now() + self.limits.connect);
        let said = match self.server.ask(&format!("host:connect:{}", self.asked), &self.limits, until) {
            Ok(said) | Err(AdbError::Refused { said, .. }) => said,
            Err(AdbError::NoServer { source, .. }) if source.kind() == io::ErrorKind::TimedOut => {
                "it does not answer".to_owned()
            }
            Err(error) => return Err(error),
        };
        // A device that has yet to allow this machine is listed so.
        let is_there = ["connected to", "already connected to", "failed to authenticate to"];
        if is_there.iter().any(|words| said.starts_with(words)) {
            return Ok(());
        }
        let (device, address) = (self.name.clone(), printable(self.asked.as_bytes()).replace('\n', " "));
        Err(AdbError::NotConnected { device, address, said: printable(said.as_bytes()) })
    }

    /// Has the server let go of a dead connection and make a new one.
    fn reconnect(&self, serial: &str, until: Instant) -> Result<(), NotYet> {
        let patience = Instant::now() + self.limits.server;
        // Best effort: that it is not connected is what is wanted.
        self.server.ask(&format!("host:disconnect:{serial}"), &self.limits, patience).ok();
        self.connect(until).map_err(|error| NotYet::Later(error.into()))
    }

    /// A device that was there before may be starting again.
    fn later_if_it_was_there(&self, error: AdbError) -> NotYet {
        if self.doubt.is_there() { NotYet::Later(error.into()) } else { NotYet::Never(error.into()) }
    }

    fn not_found(&self, listed: &[AdbListed]) -> AdbError {
        let serial = printable(self.asked.as_bytes()).replace('\n', " ");
        AdbError::NotFound { device: self.name.clone(), serial, listed: names(listed) }
    }

    fn not_ready(&self, found: &AdbListed) -> AdbError {
        let (device, serial) = (self.name.clone(), found.serial.clone());
        AdbError::NotReady { device, serial, state: found.state.clone() }
    }
}

/// Why a device is not ready.
enum NotYet {
    /// It may become so within seconds.
    Later(TransportError),
    /// It does not without somebody.
    Never(TransportError),
}

impl From<AdbError> for NotYet {
    fn from(error: AdbError) -> Self {
        Self::Never(error.into())
    }
}
