//! The server's loop.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use dyno_model::clock::{MonoNs, monotonic_now};

use super::asked::{Answer, Asked};
use super::client::Client;
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
    /// Connections whose request waits for a slot, in order.
    queue: VecDeque<usize>,
    /// Answers under way that hold a slot.
    n_slots_taken: u64,
    room: Vec<u8>,
    n_served: u64,
}

/// An answer under way.
pub(super) struct Play {
    /// Its number, so that an old due instant is not taken for its own.
    number: u64,
    script: Script,
    frames: Frames,
    /// When its service began: its schedule counts from here. `None` while it waits for a slot.
    served_from: Option<MonoNs>,
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
            queue: VecDeque::new(),
            n_slots_taken: 0,
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
                let (number, served_from, has_begun) = (self.n_served, None, false);
                let script = *script;
                let play = Play { number, script, frames, served_from, has_begun, k: 0, n_chunks, played };
                client.play = Some(play);
                if script.slots.is_none() {
                    return self.start(idx, at);
                }
                self.queue.push_back(idx);
                self.fill_slots(at);
            }
        }
    }

    /// An answer's service begins at `at`.
    fn start(&mut self, idx: usize, at: MonoNs) {
        let Some(play) = self.play_of(idx) else { return };
        play.served_from = Some(at);
        let first_ns = if play.script.role.unwrap_or(0) > 0 { ROLE_NS } else { play.script.due_ns(0) };
        let number = play.number;
        self.due.push(Reverse((at.plus(first_ns), idx, number)));
    }

    /// Serves those who wait for a slot, as far as there are any.
    fn fill_slots(&mut self, at: MonoNs) {
        while let Some(idx) = self.queue.front().copied() {
            let n_slots = self.play_of(idx).and_then(|play| play.script.slots).unwrap_or(u64::MAX).max(1);
            if self.n_slots_taken >= n_slots {
                return;
            }
            self.queue.pop_front();
            self.n_slots_taken += 1;
            self.start(idx, at);
        }
    }

    fn free_slot(&mut self) {
        self.n_slots_taken -= 1;
        self.fill_slots(monotonic_now());
    }

    /// Writes what is due.
    fn go_on(&mut self, idx: usize) {
        let Some(client) = self.clients.get_mut(idx).and_then(Option::as_mut) else { return };
        let mut fate = Fate::Keep;
        let mut next = None;
        let mut frees_slot = false;
        if client.flush().is_err() {
            fate = Fate::Close;
        } else if let (false, Some(mut play)) = (client.is_blocked, client.play.take()) {
            fate = play.go_on(client);
            if play.k > play.n_chunks {
                let ends_with_connection = play.script.until_close.unwrap_or(0) > 0;
                frees_slot = play.script.slots.is_some();
                // Before the client can know that it is over.
                finished(&self.shared, play);
                if fate == Fate::Keep && (client.flush().is_err() || ends_with_connection) {
                    fate = Fate::Close;
                }
            } else {
                let at = play.due_at(play.k.min(play.n_chunks.max(1) - 1));
                next = at.filter(|_| !client.is_blocked).map(|at| (at, play.number));
                client.play = Some(play);
            }
        }
        if client.is_blocked && fate == Fate::Keep {
            drop(self.poller.change(&client.socket, idx as u64, Interest::Write));
        }
        if let Some((at, number)) = next {
            self.due.push(Reverse((at, idx, number)));
        }
        if frees_slot {
            self.free_slot();
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
            let has_slot = play.script.slots.is_some() && play.served_from.is_some();
            finished(&self.shared, play);
            self.queue.retain(|one| *one != idx);
            if has_slot {
                self.free_slot();
            }
        }
    }
}

fn finished(shared: &Shared, play: Play) {
    *shared.cpu_ns.lock().unwrap_or_else(PoisonError::into_inner) = sys::thread_cpu_ns();
    if play.script.keeps_truth() {
        shared.played.lock().unwrap_or_else(PoisonError::into_inner).push(play.played);
    }
}

impl Play {
    /// When chunk `k` is due; `None` while it waits for a slot.
    fn due_at(&self, k: u64) -> Option<MonoNs> {
        self.served_from.map(|from| from.plus(self.script.due_ns(k)))
    }

    /// Writes chunks until none is due, the socket is full, or others must have their turn.
    fn go_on(&mut self, client: &mut Client) -> Fate {
        if self.served_from.is_none() {
            return Fate::Keep;
        }
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
            let Some(due) = self.due_at(self.k) else { return Fate::Keep };
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
