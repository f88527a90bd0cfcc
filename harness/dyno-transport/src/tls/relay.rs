//! The listener, and a thread for each connection.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::pump::pump;
use super::{TlsError, Trust};

/// More connections at once are turned away (house rule).
const MAX_CONNECTIONS: usize = 1024;
const STACK_BYTES: usize = 256 << 10;
/// For a connection to the server to stand.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Takes plain bytes on the loopback and passes them on over TLS to one server; ends when it is dropped.
#[derive(Debug)]
pub struct TlsRelay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the relay's threads share.
#[derive(Debug)]
struct Shared {
    host: String,
    port: u16,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    is_stopped: AtomicBool,
    n_connections: AtomicUsize,
}

impl TlsRelay {
    /// Listens for what goes to `host:port`. Nothing is sent there yet: what cannot be reached, or is not who it
    /// should be, is told to each client that comes, as an answer of HTTP with the status 500.
    ///
    /// # Errors
    /// A name that no certificate could be for, authorities that cannot be read, or no socket.
    pub fn start(host: &str, port: u16, trust: &Trust) -> Result<Self, TlsError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_error| TlsError::Name { host: host.to_owned() })?;
        let listen = |source| TlsError::Listen { host: host.to_owned(), source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let shared = Arc::new(Shared {
            host: host.to_owned(),
            port,
            name,
            config: trust.config()?,
            is_stopped: AtomicBool::new(false),
            n_connections: AtomicUsize::new(0),
        });
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("tls-relay".to_owned())
            .spawn(move || accept(&listener, &of_thread))
            .map_err(listen)?;
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for TlsRelay {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        // Best effort: a connection wakes the listener; connections see the flag by themselves.
        drop(TcpStream::connect(self.address));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.is_stopped.load(Ordering::SeqCst) {
            return;
        }
        // A client that went before it was taken is no concern of the others.
        let Ok(client) = client else { continue };
        if shared.n_connections.fetch_add(1, Ordering::SeqCst) >= MAX_CONNECTIONS {
            shared.n_connections.fetch_sub(1, Ordering::SeqCst);
            refuse(client, &format!("more than {MAX_CONNECTIONS} connections at once"));
            continue;
        }
        let of_thread = Arc::clone(shared);
        let thread = std::thread::Builder::new().name("tls-connection".to_owned()).stack_size(STACK_BYTES);
        let spawned = thread.spawn(move || {
            serve(client, &of_thread);
            of_thread.n_connections.fetch_sub(1, Ordering::SeqCst);
        });
        if spawned.is_err() {
            // The client's connection went with the thread that never was.
            shared.n_connections.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn serve(client: TcpStream, shared: &Shared) {
    match reach(shared) {
        Ok((tls, server)) => pump(&client, tls, &server, &shared.is_stopped),
        Err(error) => {
            refuse(client, &format!("cannot reach {}:{} over TLS: {error}", shared.host, shared.port));
        }
    }
}

/// A verified connection.
fn reach(shared: &Shared) -> io::Result<(ClientConnection, TcpStream)> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    let addresses = (shared.host.trim_matches(['[', ']']), shared.port).to_socket_addrs()?;
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(server) => return shake_hands(shared, server),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn shake_hands(shared: &Shared, mut server: TcpStream) -> io::Result<(ClientConnection, TcpStream)> {
    let (config, name) = (Arc::clone(&shared.config), shared.name.clone());
    let mut tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
    server.set_nodelay(true)?;
    server.set_read_timeout(Some(CONNECT_LIMIT))?;
    server.set_write_timeout(Some(CONNECT_LIMIT))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut server)?;
    }
    Ok((tls, server))
}

/// Says what is wrong in the client's own language.
fn refuse(mut client: TcpStream, why: &str) {
    let body = format!("edgedyno's TLS relay: {why}");
    let head =
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close";
    let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    // Best effort: a client that has gone needs no answer.
    drop(client.write_all(answer.as_bytes()));
    drop(client.shutdown(Shutdown::Write));
    // What it sent is read, or its end of the connection would be reset before it read the answer.
    drop(client.set_read_timeout(Some(Duration::from_secs(1))));
    drop(io::copy(&mut io::Read::take(&mut client, 1 << 20), &mut io::sink()));
}
