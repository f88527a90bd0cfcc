//! A subscriber to one topic of an MQTT broker.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use dyno_model::clock::{MonoNs, monotonic_now};

use crate::meter::error::MeterError;
use crate::meter::intake::Intake;
use crate::meter::packet::{self, Packet};
use crate::meter::source::{
    CONNECT_LIMIT, MAX_READING_BYTES, Source, Stop, TICK, connect, is_quiet, with_port,
};

const PORT: u16 = 1883;
const KEEP_ALIVE_S: u16 = 30;
/// A broker that was pinged answers within this.
const SILENCE_LIMIT: Duration = Duration::from_secs(45);
/// A packet that began is whole within this.
const PACKET_LIMIT: Duration = Duration::from_secs(10);

/// Listens to one topic.
#[derive(Debug)]
pub(crate) struct Subscriber {
    broker: String,
    topic: String,
    client: String,
}

/// What a connection knows of itself.
struct Talk<'t> {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// When the packet in `bytes` began.
    began: Instant,
    heard: Instant,
    pinged: Instant,
    of: &'t Subscriber,
    intake: &'t Intake,
}

impl Subscriber {
    pub(crate) fn new(broker: &str, topic: &str, name: &str) -> Self {
        // Two clients of one name throw each other out.
        let client = format!("edgedyno-{}-{name}", std::process::id());
        Self { broker: with_port(broker, PORT), topic: topic.to_owned(), client }
    }
}

impl Source for Subscriber {
    fn run(&mut self, intake: &Intake, stop: &Stop) -> Result<(), MeterError> {
        let stream = connect(&self.broker)?;
        let lost = |source| MeterError::Lost { to: self.broker.clone(), source };
        stream.set_read_timeout(Some(TICK)).map_err(lost)?;
        stream.set_write_timeout(Some(CONNECT_LIMIT)).map_err(lost)?;
        let now = Instant::now();
        let mut talk =
            Talk { stream, bytes: Vec::new(), began: now, heard: now, pinged: now, of: self, intake };
        talk.send(&packet::connect(&self.client, KEEP_ALIVE_S))?;
        while !stop.is_stopping() {
            talk.listen()?;
        }
        // Best effort: a broker notices a closed connection, too.
        drop(talk.send(&packet::DISCONNECT));
        Ok(())
    }
}

impl Talk<'_> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), MeterError> {
        self.stream.write_all(bytes).map_err(|source| self.lost(source))
    }

    /// Takes what is there, or waits a little.
    fn listen(&mut self) -> Result<(), MeterError> {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => return Err(self.lost(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(n) => {
                let at = monotonic_now();
                self.heard = Instant::now();
                if self.bytes.is_empty() {
                    self.began = self.heard;
                }
                self.bytes.extend_from_slice(&piece[..n]);
                self.take(at)?;
            }
            Err(error) if is_quiet(&error) => {}
            Err(error) => return Err(self.lost(error)),
        }
        self.keep_alive()
    }

    fn take(&mut self, at: MonoNs) -> Result<(), MeterError> {
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut taken = 0;
        loop {
            let parsed = packet::parse(&bytes[taken..], MAX_READING_BYTES);
            let Some((packet, n)) = parsed.map_err(|what| self.speech(what))? else { break };
            self.obey(&packet, at)?;
            taken += n;
            self.began = Instant::now();
        }
        bytes.drain(..taken);
        self.bytes = bytes;
        Ok(())
    }

    fn obey(&mut self, packet: &Packet<'_>, at: MonoNs) -> Result<(), MeterError> {
        match packet {
            Packet::ConnAck { code: 0 } => self.send(&packet::subscribe(&self.of.topic)),
            Packet::ConnAck { code } => Err(self.refused("the connection", *code)),
            Packet::SubAck { code: code @ 0x80.. } => Err(self.refused("the topic", *code)),
            Packet::Publish { topic, payload } => {
                if *topic == self.of.topic.as_bytes() {
                    self.intake.say(payload, at);
                }
                Ok(())
            }
            Packet::SubAck { .. } | Packet::Other => Ok(()),
        }
    }

    fn keep_alive(&mut self) -> Result<(), MeterError> {
        let now = Instant::now();
        let is_stuck = !self.bytes.is_empty() && now - self.began > PACKET_LIMIT;
        if is_stuck || now - self.heard > SILENCE_LIMIT {
            return Err(self.lost(std::io::ErrorKind::TimedOut.into()));
        }
        if now - self.pinged > Duration::from_secs(u64::from(KEEP_ALIVE_S) / 2) {
            self.pinged = now;
            self.send(&packet::PING)?;
        }
        Ok(())
    }

    fn lost(&self, source: std::io::Error) -> MeterError {
        MeterError::Lost { to: self.of.broker.clone(), source }
    }

    fn speech(&self, what: &'static str) -> MeterError {
        MeterError::Speech { from: self.of.broker.clone(), speech: "MQTT", what }
    }

    fn refused(&self, what: &'static str, code: u8) -> MeterError {
        MeterError::Refused { broker: self.of.broker.clone(), what, code }
    }
}
