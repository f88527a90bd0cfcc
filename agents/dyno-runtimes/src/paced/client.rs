//! A connection of the paced server.

use std::io::{self, Write as _};
use std::net::TcpStream;

use super::serve::Play;

/// A connection.
pub(super) struct Client {
    pub(super) socket: TcpStream,
    pub(super) inbox: Vec<u8>,
    pub(super) out: Vec<u8>,
    pub(super) n_out: usize,
    pub(super) is_blocked: bool,
    pub(super) play: Option<Play>,
}

impl Client {
    /// Writes what waits; sets `is_blocked` when the socket takes no more.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while self.n_out < self.out.len() {
            match (&self.socket).write(&self.out[self.n_out..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.n_out += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_blocked = true;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.n_out = 0;
        Ok(())
    }
}
