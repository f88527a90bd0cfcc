//! A link that is slow, breaks, stalls or lies: a TCP proxy between a client and a real server.
//!
//! This kernel may lack netem; the proxy delays every byte by the same time and keeps their order and rate.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::BenchError;

const CHUNK_BYTES: usize = 64 << 10;
/// How much may be on its way in one direction: 16 MiB, enough for 50 ms at 300 MB/s.
const MAX_CHUNKS: usize = 256;
const POLL: Duration = Duration::from_millis(2);

const FLOWING: u8 = 0;
const STALLED: u8 = 1;
const GARBAGE: u8 = 2;

/// A running proxy on a port of 127.0.0.1; its connections end on drop.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    delay: Duration,
    mode: AtomicU8,
    is_over: AtomicBool,
    refuses: AtomicBool,
    n_connections: AtomicU64,
    to_server_bytes: AtomicU64,
    cut_at_bytes: AtomicU64,
    streams: Mutex<Vec<TcpStream>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

impl Proxy {
    /// Starts a proxy to `target` that holds every byte for `delay` on each way.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(target: SocketAddr, delay: Duration) -> Result<Self, BenchError> {
        let bad = || BenchError::io("cannot listen on", "127.0.0.1");
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(bad())?;
        let port = listener.local_addr().map_err(bad())?.port();
        let shared = Arc::new(Shared {
            target,
            delay,
            mode: AtomicU8::new(FLOWING),
            is_over: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            n_connections: AtomicU64::new(0),
            to_server_bytes: AtomicU64::new(0),
            cut_at_bytes: AtomicU64::new(u64::MAX),
            streams: Mutex::new(Vec::new()),
        });
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &of_thread));
        Ok(Self { port, shared })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections it has passed on.
    pub fn n_connections(&self) -> u64 {
        self.shared.n_connections.load(Ordering::Relaxed)
    }

    /// How many bytes clients have sent through it.
    pub fn to_server_bytes(&self) -> u64 {
        self.shared.to_server_bytes.load(Ordering::Relaxed)
    }

    /// Breaks all connections now; new ones are passed on.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Breaks all connections once, when this many more bytes have been sent to the server.
    pub fn cut_after(&self, n_bytes: u64) {
        self.shared.cut_at_bytes.store(self.to_server_bytes() + n_bytes, Ordering::Relaxed);
    }

    /// Breaks all connections and every new one at once, until [`resume`](Self::resume).
    pub fn refuse(&self) {
        self.shared.refuses.store(true, Ordering::Relaxed);
        self.shared.cut();
    }

    /// Holds every byte back, on both ways, without breaking anything, until [`resume`](Self::resume).
    pub fn stall(&self) {
        self.shared.mode.store(STALLED, Ordering::Relaxed);
    }

    /// Clients get endless bytes that mean nothing in place of the server's, until [`resume`](Self::resume).
    pub fn garbage(&self) {
        self.shared.mode.store(GARBAGE, Ordering::Relaxed);
    }

    /// Lets bytes flow again.
    pub fn resume(&self) {
        self.shared.refuses.store(false, Ordering::Relaxed);
        self.shared.mode.store(FLOWING, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.shared.cut();
        // Best effort: a last connection lets the listener see that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn cut(&self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams.drain(..) {
            // Best effort: one that has ended by itself is as good.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().flatten() {
        if shared.is_over() {
            return;
        }
        if shared.refuses.load(Ordering::Relaxed) {
            continue;
        }
        // Best effort: a server that is away looks to the client like a connection that breaks.
        let _ = connect(&client, shared);
    }
}

fn connect(client: &TcpStream, shared: &Arc<Shared>) -> std::io::Result<()> {
    let server = TcpStream::connect_timeout(&shared.target, Duration::from_secs(10))?;
    for stream in [client, &server] {
        stream.set_nodelay(true)?;
        shared.streams.lock().unwrap_or_else(PoisonError::into_inner).push(stream.try_clone()?);
    }
    shared.n_connections.fetch_add(1, Ordering::Relaxed);
    pump(client.try_clone()?, server.try_clone()?, Direction::ToServer, shared);
    pump(server, client.try_clone()?, Direction::ToClient, shared);
    Ok(())
}

type Chunk = (Instant, Vec<u8>);

fn pump(from: TcpStream, to: TcpStream, direction: Direction, shared: &Arc<Shared>) {
    let (sender, receiver) = sync_channel(MAX_CHUNKS);
    let (reading, writing) = (Arc::clone(shared), Arc::clone(shared));
    std::thread::spawn(move || read_chunks(from, &sender, direction, &reading));
    std::thread::spawn(move || write_chunks(to, &receiver, direction, &writing));
}

fn read_chunks(mut from: TcpStream, sender: &SyncSender<Chunk>, direction: Direction, shared: &Shared) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if direction == Direction::ToServer {
            let before = shared.to_server_bytes.fetch_add(length as u64, Ordering::Relaxed);
            let limit = shared.cut_at_bytes.load(Ordering::Relaxed);
            if before + length as u64 >= limit {
                shared.cut_at_bytes.store(u64::MAX, Ordering::Relaxed);
                shared.cut();
                return;
            }
        }
        if sender.send((Instant::now() + shared.delay, buffer[..length].to_vec())).is_err() {
            return;
        }
    }
}

fn write_chunks(mut to: TcpStream, receiver: &Receiver<Chunk>, direction: Direction, shared: &Shared) {
    let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut waiting: Option<Chunk> = None;
    while !shared.is_over() {
        match shared.mode.load(Ordering::Relaxed) {
            STALLED => std::thread::sleep(POLL),
            GARBAGE if direction == Direction::ToClient => {
                if to.write_all(&noise).is_err() {
                    return;
                }
            }
            _ => match waiting.take() {
                Some((at, bytes)) => {
                    std::thread::sleep(at.saturating_duration_since(Instant::now()));
                    if shared.mode.load(Ordering::Relaxed) != FLOWING {
                        waiting = Some((at, bytes));
                    } else if to.write_all(&bytes).is_err() {
                        return;
                    }
                }
                None => match receiver.recv_timeout(POLL * 5) {
                    Ok(chunk) => waiting = Some(chunk),
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                },
            },
        }
    }
    // Best effort: the end of one side is passed on as an end.
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut &stream, &mut &stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        address
    }

    fn client(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("the proxy listens");
        stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a limit can be set");
        stream
    }

    #[test]
    fn bytes_are_held_on_both_ways_and_the_end_is_passed_on() {
        let proxy = Proxy::start(echo(), Duration::from_millis(40)).expect("a proxy");
        let mut stream = client(&proxy);
        let begin = Instant::now();
        stream.write_all(b"hello").expect("it can be sent");
        stream.shutdown(Shutdown::Write).expect("one way can be ended");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer ends");
        assert_eq!(answer, "hello");
        assert!(begin.elapsed() >= Duration::from_millis(80));
        assert_eq!((proxy.n_connections(), proxy.to_server_bytes()), (1, 5));
    }

    #[test]
    fn a_stalled_link_says_nothing_and_then_all() {
        let proxy = Proxy::start(echo(), Duration::ZERO).expect("a proxy");
        let mut stream = client(&proxy);
        proxy.stall();
        stream.write_all(b"late").expect("it can be sent");
        let mut answer = [0; 4];
        let error = stream.read_exact(&mut answer).expect_err("nothing comes");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
        proxy.resume();
        stream.read_exact(&mut answer).expect("now it comes");
        assert_eq!(&answer, b"late");
    }

    #[test]
    fn a_cut_link_breaks_where_it_was_told_and_the_next_one_works() {
        let proxy = Proxy::start(echo(), Duration::ZERO).expect("a proxy");
        let mut stream = client(&proxy);
        proxy.cut_after(10);
        let mut answer = [0; 5];
        stream.write_all(b"first").expect("it can be sent");
        stream.read_exact(&mut answer).expect("five bytes pass");
        stream.write_all(b"second").expect("it can be sent");
        assert_ne!(stream.read(&mut answer).unwrap_or(0), 5);
        assert_eq!(stream.read(&mut answer).unwrap_or(0), 0);
        let mut again = client(&proxy);
        again.write_all(b"again").expect("it can be sent");
        again.read_exact(&mut answer).expect("five bytes pass");
        proxy.refuse();
        assert_eq!(client(&proxy).read(&mut answer).unwrap_or(0), 0);
    }

    #[test]
    fn garbage_is_endless() {
        let proxy = Proxy::start(echo(), Duration::ZERO).expect("a proxy");
        let mut stream = client(&proxy);
        proxy.garbage();
        let mut noise = vec![0; 1 << 20];
        stream.read_exact(&mut noise).expect("it comes without a question");
        assert!(noise.iter().any(|byte| *byte != noise[0]));
    }
}
