//! Windows.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Poller;
use crate::interrupt::Interrupt;

/// Makes a connection, and waits for it: std has no other way here.
pub(crate) fn connect(address: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, limit)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A pipe cannot be waited for together with sockets here: a wait is cut into slices, and the flag looked at.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn watch_interrupt(
    _poller: &mut Poller,
    _interrupt: &Interrupt,
    _key: u64,
) -> io::Result<Option<u64>> {
    Ok(Some(20_000_000))
}

/// There is no way here without further interfaces: the connection ends.
pub(crate) fn reset_on_close(_socket: &TcpStream) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
