//! One look at all sockets of all processes.

use std::ffi::CStr;
use std::io::{self, Write as _};

use dyno_model::clock::MonoNs;
use dyno_model::network::{NetworkWatch, Reach, Unwatched};

use super::known::{Known, Met};
use super::place::{Kind, Lasts, Leads, Table, kind, leads};
use super::seen::{Seen, Sighting};
use super::spaces::Spaces;
use super::table::Row;
use super::tree::{Process, Refused, Tree, is_over};
use crate::root::SysRoot;
use crate::sys;

/// Room for a listing of open files, or for a part of a table.
const BUFFER_BYTES: usize = 1 << 16;
/// The record has no more sentences on what was not watched.
const MAX_UNWATCHED: usize = 16;

/// Looks at the sockets of a process and of all that comes of it, without a thread and a clock of its own.
#[derive(Debug)]
pub struct SocketLooks {
    root: SysRoot,
    tree: Tree,
    spaces: Spaces,
    known: Known,
    seen: Seen,
    unwatched: Vec<Unwatched>,
    buffer: Box<[u8]>,
    from: MonoNs,
    last_at: MonoNs,
    n_taken: u64,
    longest_gap_ns: u64,
}

/// A text with a NUL at its end, made without an allocation.
struct Name {
    bytes: [u8; 40],
}

impl Name {
    fn new(parts: std::fmt::Arguments<'_>) -> Self {
        let mut bytes = [0; 40];
        // The last byte stays 0. All names are shorter.
        let mut room = &mut bytes[..39];
        drop(room.write_fmt(parts));
        Self { bytes }
    }

    fn text(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

impl SocketLooks {
    /// Of the process `pid` and of what comes of it, from `at` on.
    pub fn new(root: &SysRoot, pid: u32, at: MonoNs) -> Self {
        let mut looks = Self {
            root: root.clone(),
            tree: Tree::new(root),
            spaces: Spaces::new(root, own_space(root)),
            known: Known::new(),
            seen: Seen::default(),
            unwatched: Vec::new(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            from: at,
            last_at: at,
            n_taken: 0,
            longest_gap_ns: 0,
        };
        if let Err(refused) = looks.tree.begin(pid) {
            let words = refusal(root, &refused);
            note(&mut looks.unwatched, words);
        }
        looks
    }

    /// Takes a look. In the steady state it allocates nothing.
    pub fn look(&mut self, at: MonoNs) {
        self.longest_gap_ns = self.longest_gap_ns.max(at.since(self.last_at));
        self.last_at = at;
        self.n_taken += 1;
        let (root, unwatched) = (&self.root, &mut self.unwatched);
        self.tree.grow(&mut self.buffer, &mut |refused| note(unwatched, refusal(root, &refused)));
        self.known.begin();
        let mut processes = std::mem::take(&mut self.tree.processes);
        processes.retain_mut(|process| match self.look_at(process, at) {
            Ok(()) => true,
            Err(error) if is_over(&error) => false,
            Err(reason) => {
                if !process.is_hidden {
                    process.is_hidden = true;
                    note(&mut self.unwatched, refusal(&self.root, &Refused { pid: process.pid, reason }));
                }
                true
            }
        });
        self.tree.processes = processes;
        self.known.forget();
        self.seek(at);
    }

    /// The open sockets of one process.
    fn look_at(&mut self, process: &Process, at: MonoNs) -> io::Result<()> {
        let space = self.space_of(process)?;
        let (known, seen, unwatched) = (&mut self.known, &mut self.seen, &mut self.unwatched);
        let root = &self.root;
        let mut closed = None;
        sys::numbers_in(&process.files, &mut self.buffer, &mut |number| {
            let inode = match inode_of(process, number) {
                Ok(Some(inode)) => inode,
                Ok(None) => return,
                // A file that was closed just now; a process may also have become one that hides its files.
                Err(error) if is_over(&error) => return,
                Err(error) => {
                    closed = Some(error);
                    return;
                }
            };
            match known.meet(inode) {
                Met::Before(Some(noted)) => seen.again(noted, at),
                Met::Before(None) => {}
                Met::TooMany => {
                    note(unwatched, Unwatched::of_all("there were more than 65536 sockets at once"));
                }
                Met::New => {
                    let new = New { inode, number, pid: process.pid, space, at };
                    if let Err(error) = meet_new(known, seen, root, new) {
                        note(unwatched, Unwatched::of_all(format!("kinds of sockets are not told: {error}")));
                    }
                }
            }
        })?;
        closed.map_or(Ok(()), Err)
    }

    /// The place of a process's network namespace, which it may have changed since the last look.
    fn space_of(&mut self, process: &Process) -> io::Result<usize> {
        let mut room = [0; 40];
        let id = number_in(sys::link(&process.spaces, c"net", &mut room)?);
        self.spaces.place(id.ok_or(io::ErrorKind::InvalidData)?, process.pid)
    }

    /// Reads the tables that have sockets which are new or may have changed.
    fn seek(&mut self, at: MonoNs) {
        for space in 0..self.spaces.n() {
            for table in Table::ALL {
                if !self.known.wants(space, table, at) {
                    continue;
                }
                let (known, seen, root) = (&mut self.known, &mut self.seen, &self.root);
                let read = self.spaces.read(space, table, &mut self.buffer, &mut |row| {
                    take_row(known, seen, root, table, &row, at);
                });
                if let Err(error) = read {
                    let words = format!("the table of {} sockets cannot be read: {error}", table.file());
                    note(&mut self.unwatched, Unwatched::of_all(words));
                }
                self.known.sought(space, table, at);
            }
        }
    }

    /// The last look was taken; `to` is when watching ends.
    pub fn finish(self, to: MonoNs, cpu_ns: u64) -> NetworkWatch {
        let (sockets, n_more) = self.seen.finish();
        NetworkWatch {
            from: self.from,
            to,
            n_looks: self.n_taken,
            longest_gap_ns: self.longest_gap_ns.max(to.since(self.last_at)),
            n_processes: self.tree.n_met(),
            sockets,
            n_more,
            unwatched: self.unwatched,
            counted: self.spaces.counted(),
            cpu_ns,
        }
    }
}

/// A socket that was not open at the look before.
#[derive(Clone, Copy)]
struct New {
    inode: u64,
    number: u32,
    pid: u32,
    space: usize,
    at: MonoNs,
}

/// Finds out what kind of socket it is.
fn meet_new(known: &mut Known, seen: &mut Seen, root: &SysRoot, new: New) -> io::Result<()> {
    let New { inode, number, pid, space, at } = new;
    let mut buffer = [0; 32];
    let path = Name::new(format_args!("/proc/{pid}/fd/{number}"));
    let protocol = match sys::socket_protocol(path.text(), &mut buffer) {
        Ok(protocol) => protocol,
        // It was closed meanwhile.
        Err(error) if is_over(&error) => return Ok(()),
        Err(error) => {
            known.keep(inode, (pid, space), None, at);
            return Err(error);
        }
    };
    let table = match kind(protocol) {
        Kind::Of(table) => Some(table),
        Kind::Local | Kind::Other => None,
    };
    let socket = known.keep(inode, (pid, space), table, at);
    if kind(protocol) == Kind::Other {
        let protocol = String::from_utf8_lossy(protocol).into_owned();
        let sighting = Sighting { protocol, reach: Reach::Anywhere, local: None, remote: None, pid };
        socket.noted = Some(seen.note(sighting, None, at, || program(root, pid)));
    }
    Ok(())
}

/// A row of a table, where it is one of a socket that is watched.
fn take_row(known: &mut Known, seen: &mut Seen, root: &SysRoot, table: Table, row: &Row, at: MonoNs) {
    let Some(socket) = known.of_row(row.inode) else { return };
    let (reach, lasts) = match leads(table, row) {
        Leads::Nowhere => return,
        Leads::Inside(lasts) => {
            socket.is_settled = lasts == Lasts::Yes;
            return;
        }
        Leads::Out(reach, lasts) => (reach, lasts),
    };
    socket.is_settled = lasts == Lasts::Yes;
    let sighting = Sighting {
        protocol: protocol_word(table).to_owned(),
        reach,
        local: Some(row.local),
        remote: Some(row.remote).filter(|_| reach.is_beyond()),
        pid: socket.pid,
    };
    let pid = socket.pid;
    socket.noted = Some(seen.note(sighting, socket.noted, at, || program(root, pid)));
}

fn protocol_word(table: Table) -> &'static str {
    match table {
        Table::Tcp => "TCP",
        Table::Tcp6 => "TCPv6",
        Table::Udp => "UDP",
        Table::Udp6 => "UDPv6",
        Table::Raw => "RAW",
        Table::Raw6 => "RAWv6",
        Table::Ping => "PING",
        Table::Ping6 => "PINGv6",
    }
}

/// The inode of an open file that is a socket.
fn inode_of(process: &Process, number: u32) -> io::Result<Option<u64>> {
    let mut room = [0; 40];
    let name = Name::new(format_args!("{number}"));
    let target = sys::link(&process.files, name.text(), &mut room)?;
    Ok(target.strip_prefix(b"socket:").and_then(number_in))
}

/// The number of `[4026531840]` at the end of a text.
fn number_in(text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"]")?.rsplit(|byte| *byte == b'[').next()?;
    crate::text::count(digits).map(i64::cast_unsigned)
}

/// The network namespace that this process is in.
fn own_space(root: &SysRoot) -> Option<u64> {
    let mut buffer = [0; 40];
    let folder = root.path("proc/self/ns").and_then(std::fs::File::open).ok()?;
    number_in(sys::link(&folder, c"net", &mut buffer).ok()?)
}

/// The name of a process, as it is now: it changes when a process becomes another program.
fn program(root: &SysRoot, pid: u32) -> String {
    root.text(&format!("proc/{pid}/comm")).unwrap_or_else(|| "a process that has ended".to_owned())
}

fn refusal(root: &SysRoot, refused: &Refused) -> Unwatched {
    let Refused { pid, reason } = refused;
    Unwatched { pid: Some(*pid), program: Some(program(root, *pid)), reason: reason.to_string() }
}

fn note(unwatched: &mut Vec<Unwatched>, what: Unwatched) {
    if unwatched.len() < MAX_UNWATCHED && !unwatched.contains(&what) {
        unwatched.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_brackets() {
        let check = |text: &str, expected| assert_eq!(number_in(text.as_bytes()), expected, "{text}");
        check("net:[4026531840]", Some(4_026_531_840));
        check("[7]", Some(7));
        for text in ["", "net:[]", "net:7", "/dev/null", "net:[-7]", "[7] "] {
            check(text, None);
        }
    }

    #[test]
    fn a_name_has_its_nul() {
        let name = Name::new(format_args!("/proc/{}/fd/{}", u32::MAX, u32::MAX));
        assert_eq!(name.text().to_bytes(), b"/proc/4294967295/fd/4294967295");
    }
}
