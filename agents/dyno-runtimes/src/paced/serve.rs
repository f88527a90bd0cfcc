//! The server's loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use dyno_model::clock::{MonoNs, monotonic_now};

use super::asked::{Answer, Asked};
use super::frames::Frames;
use super::script::Script;
use super::{Played, Shared, Write};
use crate::http::Stamps;
use crate::http::sys::{self, Interest, Poller, Ready};

const LISTENER: u64 = u64::MAX - 1;
/// The flag is looked at so often at least.
const LOOK_NS: u64 = 1_000_000_000;
/// A request is not longer.
const MAX_REQUEST_BYTES: usize = 16 << 20;
/// The role-only chunk comes this long after the request, as it does from servers that send one early.
const ROLE_NS: u64 = 1_000_000;
/// One client at a time does not get more than so many chunks before the others have their turn.
const MAX_CHUNKS_IN_TURN: u64 = 256;

pub(super) struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
    poller: Poller,
    stamps: Stamps,
    clients: Vec<Option<Client>>,
    due: BinaryHeap<Reverse<(MonoNs, usize, u64)>>,
    room: Vec<u8>,
    n_served: u64,
}

/// A connection.
struct Client {
    socket: TcpStream,
    inbox: Vec<u8>,
    out: Vec<u8>,
    n_out: usize,
    is_blocked: bool,
    play: Option<Play>,
}

/// An answer under way.
struct Play {
    /// Its number, so that an old due instant is not taken for its own.
    number: u64,
    script: Script,
    frames: Frames,
    has_begun: bool,
    /// The next chunk.
    k: u64,
    n_chunks: u64,
    played: Played,
}

/// What is to become of a connection.
#[derive(PartialEq, Eq)]
enum Fate {
    Keep,
    Close,
    Reset,
}

impl Server {
    pub(super) fn new(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Self> {
        let mut poller = Poller::new()?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        Ok(Self {
            listener,
            shared,
            poller,
            stamps: Stamps::new(),
            clients: Vec::new(),
            due: BinaryHeap::new(),
            room: vec![0; 64 << 10],
            n_served: 0,
        })
    }

    pub(super) fn run(mut self) {
        let mut ready: Vec<Ready> = Vec::new();
        while !self.shared.is_stopped.load(Ordering::SeqCst) {
            let now = monotonic_now();
            self.stamps.refresh(now);
            let next = self.due.peek().map_or(now.plus(LOOK_NS), |Reverse((at, ..))| *at);
            // A server that cannot wait has lost its descriptors: it ends, and its clients see that.
            if self.poller.wait(next.min(now.plus(LOOK_NS)), &mut ready).is_err() {
                return;
            }
            for one in &ready {
                if one.key == LISTENER { self.accept() } else { self.serve(one.key as usize) }
            }
            while let Some(Reverse((at, idx, number))) = self.due.peek().copied() {
                if at > monotonic_now() {
                    break;
                }
                self.due.pop();
                if self.play_of(idx).is_some_and(|play| play.number == number) {
                    self.go_on(idx);
                }
            }
        }
    }

    fn play_of(&mut self, idx: usize) -> Option<&mut Play> {
        self.clients.get_mut(idx)?.as_mut()?.play.as_mut()
    }

    fn accept(&mut self) {
        while let Ok((socket, _)) = self.listener.accept() {
            // Best effort: a socket that refuses these is worse, not wrong.
            drop(socket.set_nodelay(true));
            drop(sys::stamp_receives(&socket));
            let idx = self.clients.iter().position(Option::is_none).unwrap_or_else(|| {
                self.clients.push(None);
                self.clients.len() - 1
            });
            let is_watched = socket.set_nonblocking(true).is_ok()
                && self.poller.add(&socket, idx as u64, Interest::Read).is_ok();
            if is_watched {
                let (inbox, out) = (Vec::new(), Vec::new());
                self.clients[idx] =
                    Some(Client { socket, inbox, out, n_out: 0, is_blocked: false, play: None });
            }
        }
    }

    fn serve(&mut self, idx: usize) {
        let Some(client) = self.clients.get_mut(idx).and_then(Option::as_mut) else { return };
        if client.is_blocked {
            client.is_blocked = false;
            drop(self.poller.change(&client.socket, idx as u64, Interest::Read));
            self.go_on(idx);
            return;
        }
        let earliest = MonoNs(0);
        match sys::receive(&client.socket, &mut self.room) {
            Ok(received) if received.n > 0 && client.inbox.len() < MAX_REQUEST_BYTES => {
                client.inbox.extend_from_slice(&self.room[..received.n]);
                let at = self.stamps.instant(received.wall_ns, earliest);
                if client.play.is_none() {
                    self.begin(idx, at);
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Ok(_) | Err(_) => self.close(idx, &Fate::Close),
        }
    }

    /// Begins an answer, if the request is complete.
    fn begin(&mut self, idx: usize, at: MonoNs) {
        let Some(client) = self.clients[idx].as_mut() else { return };
        let Some(asked) = Asked::read(&mut client.inbox) else { return };
        self.n_served += 1;
        match asked.answer() {
            Answer::Plain(bytes) => {
                client.out.extend_from_slice(&bytes);
                self.go_on(idx);
            }
            Answer::Silence => {}
            Answer::Play(api, script) => {
                let n_tokens = script.n_tokens(asked.max_tokens);
                let n_chunks = n_tokens.div_ceil(script.per_chunk());
                let n_writes = if script.keeps_truth() { n_chunks.div_ceil(script.batch()) } else { 0 };
                let writes = Vec::with_capacity(usize::try_from(n_writes).unwrap_or(0).min(1 << 16));
                let played = Played { seed: asked.seed, received_at: at, writes };
                let frames = Frames::new(api, &script, n_tokens);
                let number = self.n_served;
                client.play =
                    Some(Play { number, script: *script, frames, has_begun: false, k: 0, n_chunks, played });
                let first_ns = if script.role.unwrap_or(0) > 0 { ROLE_NS } else { script.due_ns(0) };
                self.due.push(Reverse((at.plus(first_ns), idx, number)));
            }
        }
    }

    /// Writes what is due.
    fn go_on(&mut self, idx: usize) {
        let Some(client) = self.clients.get_mut(idx).and_then(Option::as_mut) else { return };
        let mut fate = Fate::Keep;
        let mut next = None;
        if client.flush().is_err() {
            fate = Fate::Close;
        } else if let (false, Some(mut play)) = (client.is_blocked, client.play.take()) {
            fate = play.go_on(client);
            if play.k > play.n_chunks {
                let ends_with_connection = play.script.until_close.unwrap_or(0) > 0;
                // Before the client can know that it is over.
                finished(&self.shared, play);
                if fate == Fate::Keep && (client.flush().is_err() || ends_with_connection) {
                    fate = Fate::Close;
                }
            } else {
                let at =
                    play.played.received_at.plus(play.script.due_ns(play.k.min(play.n_chunks.max(1) - 1)));
                next = (!client.is_blocked).then_some((at, play.number));
                client.play = Some(play);
            }
        }
        if client.is_blocked && fate == Fate::Keep {
            drop(self.poller.change(&client.socket, idx as u64, Interest::Write));
        }
        if let Some((at, number)) = next {
            self.due.push(Reverse((at, idx, number)));
        }
        if fate != Fate::Keep {
            self.close(idx, &fate);
        } else if self.clients[idx].as_ref().is_some_and(|one| one.play.is_none() && !one.inbox.is_empty()) {
            self.begin(idx, monotonic_now());
        }
    }

    fn close(&mut self, idx: usize, fate: &Fate) {
        let Some(mut client) = self.clients[idx].take() else { return };
        if *fate == Fate::Reset {
            // Best effort: where it cannot be, the connection ends without a reset.
            drop(sys::reset_on_close(&client.socket));
        }
        self.poller.remove(&client.socket, idx as u64);
        if let Some(play) = client.play.take() {
            finished(&self.shared, play);
        }
    }
}

fn finished(shared: &Shared, play: Play) {
    *shared.cpu_ns.lock().unwrap_or_else(PoisonError::into_inner) = sys::thread_cpu_ns();
    if play.script.keeps_truth() {
        shared.played.lock().unwrap_or_else(PoisonError::into_inner).push(play.played);
    }
}

impl Client {
    /// Writes what waits; sets `is_blocked` when the socket takes no more.
    fn flush(&mut self) -> io::Result<()> {
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

impl Play {
    /// Writes chunks until none is due, the socket is full, or others must have their turn.
    fn go_on(&mut self, client: &mut Client) -> Fate {
        if !self.has_begun {
            self.has_begun = true;
            client.out.extend_from_slice(&self.frames.head);
            if self.script.role.unwrap_or(0) > 0 {
                client.out.extend_from_slice(&self.frames.role);
                return if client.flush().is_ok() { Fate::Keep } else { Fate::Close };
            }
        }
        let last = self.k.saturating_add(MAX_CHUNKS_IN_TURN);
        while !client.is_blocked && self.k < last {
            if self.k >= self.n_chunks {
                self.k = self.n_chunks + 1;
                client.out.extend_from_slice(&self.frames.tail);
                return Fate::Keep;
            }
            let due = self.played.received_at.plus(self.script.due_ns(self.k));
            let before = monotonic_now();
            if due > before {
                return Fate::Keep;
            }
            let n = self.script.batch().min(self.n_chunks - self.k);
            let mut fate = Fate::Keep;
            for k in self.k..self.k + n {
                fate = self.render(k, &mut client.out);
                if fate != Fate::Keep {
                    break;
                }
            }
            if client.flush().is_err() {
                return Fate::Close;
            }
            if fate != Fate::Keep {
                return fate;
            }
            if self.script.keeps_truth() {
                let after = monotonic_now();
                self.played.writes.push(Write { due, before, after, n_chunks: n as u32 });
            }
            if self.script.endless_at.is_none_or(|at| self.k < at) {
                // An error made the answer shorter.
                self.k = (self.k + n).min(self.n_chunks);
            }
        }
        Fate::Keep
    }

    /// The bytes of chunk `k`.
    fn render(&mut self, k: u64, out: &mut Vec<u8>) -> Fate {
        let script = &self.script;
        let frames = &self.frames;
        let at = |chosen: Option<u64>| chosen == Some(k);
        if script.comment_every.is_some_and(|n| n > 0 && k.is_multiple_of(n)) {
            out.extend_from_slice(&frames.comment);
        }
        if at(script.reset_at) {
            return Fate::Reset;
        }
        if at(script.close_at) {
            return Fate::Close;
        }
        if at(script.cut_at) {
            out.extend_from_slice(&frames.content[..frames.content.len() / 2]);
            return Fate::Close;
        }
        let frame = if at(script.error_at) {
            self.n_chunks = k + 1;
            self.frames.tail = if script.until_close.is_some() { Vec::new() } else { b"0\r\n\r\n".to_vec() };
            &self.frames.error
        } else if at(script.bad_json_at) {
            &frames.bad_json
        } else if at(script.bad_utf8_at) {
            &frames.bad_utf8
        } else if at(script.bad_chunk_at) {
            &frames.bad_chunk
        } else if at(script.endless_at) {
            &frames.endless
        } else if k < script.reasoning.unwrap_or(0) {
            &frames.reasoning
        } else {
            &frames.content
        };
        out.extend_from_slice(frame);
        Fate::Keep
    }
}
