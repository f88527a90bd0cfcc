//! A server whose every token has a known instant: truth for the client, and for its calibration before a run.
//!
//! One thread, absolute due times, frames rendered before they are due. What it plays is said by the request: the first
//! segment of the path, or the endpoint's prefix, is a list like `/ttft_us=50000,gap_us=10000,n=64/v1`.
//!
//! | parameter | meaning | default |
//! |---|---|---|
//! | `ttft_us`, `gap_us` | request to first chunk, chunk to chunk | 0 |
//! | `n` | tokens | the request's limit, else 64 |
//! | `per_chunk` | tokens of a chunk | 1 |
//! | `batch` | chunks of one write | 1; 32 where `gap_us` is 0 |
//! | `role` | a role-only chunk at once | 0 |
//! | `usage` | a usage chunk at the end | 1 |
//! | `reasoning` | so many first chunks are reasoning | 0 |
//! | `comment_every` | a comment before every n-th chunk | never |
//! | `stall_at`, `stall_us` | before that chunk the schedule stands still for so long | never |
//! | `reset_at`, `close_at`, `cut_at` | at that chunk the connection is reset, closed, or closed within the chunk | never |
//! | `bad_json_at`, `bad_utf8_at`, `bad_chunk_at` | that chunk is no JSON, no UTF-8, or no HTTP chunk | never |
//! | `error_at` | an error object in the place of that chunk, and the end | never |
//! | `endless_at` | from that chunk on a line without an end | never |
//! | `status`, `retry_after_s` | the answer is a refusal | 200 |
//! | `error_200` | an error object with status 200 | 0 |
//! | `no_finish` | neither finish reason nor end mark | 0 |
//! | `until_close` | HTTP/1.0: the body ends with the connection | 0 |
//! | `silent` | no answer at all | 0 |
//! | `truth` | keep the instants of all writes | 1; 0 where `gap_us` is 0 |
//! | `slots` | so many requests are served at once; the others wait in the server, first come, first served | all |

mod asked;
mod client;
mod frames;
mod process;
mod script;
mod serve;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use dyno_model::clock::MonoNs;
use serde::{Deserialize, Serialize};

pub use process::{PacedError, PacedProcess, play_for, tell_url};
pub use script::{Script, ScriptError};

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct PacedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What really happened to one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// The seed that the request named: by it a client finds its own.
    pub seed: u64,
    /// When the request's last byte arrived.
    pub received_at: MonoNs,
    /// Each write of token chunks.
    pub writes: Vec<Write>,
}

/// One write of token chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// When it was due.
    pub due: MonoNs,
    /// Just before it was made; over loopback the bytes arrive between this and `after`.
    pub before: MonoNs,
    /// Just after.
    pub after: MonoNs,
    /// Chunks in it.
    pub n_chunks: u32,
}

/// What the server's thread and its owner share.
#[derive(Debug, Default)]
struct Shared {
    is_stopped: AtomicBool,
    played: Mutex<Vec<Played>>,
    cpu_ns: Mutex<Option<u64>>,
}

impl PacedServer {
    /// Listens on a port of its own on the loopback.
    ///
    /// # Errors
    /// When there is no socket or no thread to be had.
    pub fn start() -> io::Result<Self> {
        Self::start_on(0)
    }

    /// Listens on this port of the loopback; 0 is any that is free.
    ///
    /// # Errors
    /// When the port is taken, or there is no thread to be had.
    pub fn start_on(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let server = serve::Server::new(listener, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new().name("paced".to_owned()).spawn(move || server.run())?;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that plays `script`, to be put before an API's path.
    pub fn url(&self, script: &str) -> String {
        url_of(self.address, script)
    }

    /// The answers that ended since the last time.
    pub fn take_played(&self) -> Vec<Played> {
        std::mem::take(&mut *self.shared.played.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// CPU time of its thread as of its last answer; `None` where the system does not tell.
    pub fn cpu_ns(&self) -> Option<u64> {
        *self.shared.cpu_ns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PacedServer {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        // Best effort: a connection wakes it; without one it looks at the flag every second.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            // Best effort: a server that panicked has ended, too.
            drop(thread.join());
        }
    }
}

fn url_of(address: SocketAddr, script: &str) -> String {
    if script.is_empty() { format!("http://{address}") } else { format!("http://{address}/{script}") }
}
