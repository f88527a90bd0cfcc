//! Bytes to and fro, between a plain connection and one over TLS, as they come.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ClientConnection;

use crate::sys::{Readiness, wait_for_either};

/// So much may wait on its way, in each direction.
const MAX_WAITING: usize = 64 << 10;
/// How often the end of the relay is looked for while nothing comes.
const TICK: Duration = Duration::from_millis(500);

/// Passes bytes on until one side ends.
pub(super) fn pump(client: &TcpStream, tls: ClientConnection, server: &TcpStream, is_stopped: &AtomicBool) {
    // Best effort: an end that broke is an end.
    drop(Pump { client, tls, server, to_client: Vec::new(), has_ended: false }.run(is_stopped));
    drop(client.shutdown(Shutdown::Both));
    drop(server.shutdown(Shutdown::Both));
}

struct Pump<'a> {
    client: &'a TcpStream,
    tls: ClientConnection,
    server: &'a TcpStream,
    /// Received, and not yet taken by the client.
    to_client: Vec<u8>,
    /// The server will send no more.
    has_ended: bool,
}

impl Pump<'_> {
    fn run(mut self, is_stopped: &AtomicBool) -> io::Result<()> {
        self.client.set_nodelay(true)?;
        self.client.set_nonblocking(true)?;
        self.server.set_nonblocking(true)?;
        self.tls.set_buffer_limit(Some(MAX_WAITING));
        self.receive()?;
        loop {
            if self.has_ended && self.to_client.is_empty() {
                return self.client.shutdown(Shutdown::Write);
            }
            let client = Readiness {
                // A server that is slow to take stops its client, not the relay's memory.
                read: !self.tls.wants_write(),
                write: !self.to_client.is_empty(),
            };
            let server = Readiness {
                read: !self.has_ended && self.to_client.len() < MAX_WAITING,
                write: self.tls.wants_write(),
            };
            let (client, server) = wait_for_either((self.client, client), (self.server, server), TICK)?;
            if is_stopped.load(Ordering::Relaxed) {
                return Ok(());
            }
            if server.read {
                self.receive()?;
            }
            if client.read && !self.take_from_client()? {
                self.tls.send_close_notify();
                self.send()?;
                return Ok(());
            }
            if client.write {
                self.give_to_client()?;
            }
            if server.write || client.read {
                self.send()?;
            }
        }
    }

    /// What the server sent, decrypted.
    fn receive(&mut self) -> io::Result<()> {
        loop {
            match self.tls.read_tls(&mut self.server) {
                // Many servers close without saying so first; what is cut off is seen by HTTP's own framing.
                Ok(0) => self.has_ended = true,
                Ok(_) => {}
                Err(error) if would_block(&error) => break,
                Err(error) => return Err(error),
            }
            let state = self.tls.process_new_packets().map_err(io::Error::other)?;
            let n = state.plaintext_bytes_to_read();
            let at = self.to_client.len();
            self.to_client.resize(at + n, 0);
            self.tls.reader().read_exact(&mut self.to_client[at..])?;
            self.has_ended |= state.peer_has_closed();
            if self.has_ended || self.to_client.len() >= MAX_WAITING {
                break;
            }
        }
        self.give_to_client()
    }

    fn give_to_client(&mut self) -> io::Result<()> {
        let mut n_given = 0;
        while n_given < self.to_client.len() {
            match self.client.write(&self.to_client[n_given..]) {
                Ok(n) => n_given += n,
                Err(error) if would_block(&error) => break,
                Err(error) => return Err(error),
            }
        }
        self.to_client.drain(..n_given);
        Ok(())
    }

    /// `false` when the client has ended.
    fn take_from_client(&mut self) -> io::Result<bool> {
        let mut block = [0; 16 << 10];
        loop {
            match self.client.read(&mut block) {
                Ok(0) => return Ok(false),
                Ok(n) => self.tls.writer().write_all(&block[..n])?,
                Err(error) if would_block(&error) => return Ok(true),
                Err(error) => return Err(error),
            }
            if self.tls.wants_write() {
                self.send()?;
            }
            if self.tls.wants_write() {
                return Ok(true);
            }
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.server) {
                Ok(_) => {}
                Err(error) if would_block(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
