//! Network namespaces of the watched processes, with the kernel's tables of each.

use std::fs::File;
use std::io;

use dyno_model::network::NetworkCounts;

use super::counts::{self, CountFiles, Counts};
use super::diag::Diag;
use super::place::Table;
use super::table::{self, Row};
use crate::root::SysRoot;

/// A runtime has no more of them.
const MAX_SPACES: usize = 16;

/// All of them.
#[derive(Debug)]
pub(super) struct Spaces {
    root: SysRoot,
    /// The agent's own.
    own: Option<u64>,
    /// Asks for TCP sockets of the agent's own; `None` where that is forbidden.
    diag: Option<Diag>,
    all: Vec<Space>,
}

/// One network namespace.
#[derive(Debug)]
struct Space {
    /// Inode of the namespace.
    id: u64,
    counts: CountFiles,
    /// The files stay those of this namespace when the process that they were opened by has ended.
    files: [Option<File>; Table::ALL.len()],
    before: Counts,
}

impl Spaces {
    pub(super) fn new(root: &SysRoot, own: Option<u64>) -> Self {
        // Best effort: without it, TCP sockets are read from their files.
        Self { root: root.clone(), own, diag: Diag::open().ok(), all: Vec::with_capacity(MAX_SPACES) }
    }

    /// The place of the namespace `id`, which the process `pid` is in.
    ///
    /// # Errors
    /// Why its tables cannot be read; `QuotaExceeded` for too many of them.
    pub(super) fn place(&mut self, id: u64, pid: u32) -> io::Result<usize> {
        if let Some(place) = self.all.iter().position(|space| space.id == id) {
            return Ok(place);
        }
        if self.all.len() == MAX_SPACES {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let folder = format!("proc/{pid}/net");
        // The first one must be there; a kernel without IPv6, say, lacks others.
        let open = |table: Table| self.root.open(&format!("{folder}/{}", table.file()));
        let first = open(Table::Tcp)?;
        let mut files = Table::ALL.map(|table| open(table).ok());
        files[Table::Tcp as usize] = Some(first);
        let counts = CountFiles::open(&self.root, &folder);
        let before = counts.read();
        self.all.push(Space { id, counts, files, before });
        Ok(self.all.len() - 1)
    }

    /// How many there are.
    pub(super) fn n(&self) -> usize {
        self.all.len()
    }

    /// Rows of a table of the namespace at `place`.
    ///
    /// # Errors
    /// Those of the system; `NotFound` where the kernel has no such table.
    pub(super) fn read(
        &mut self,
        place: usize,
        table: Table,
        buffer: &mut [u8],
        on: &mut dyn FnMut(Row),
    ) -> io::Result<()> {
        let space = self.all.get(place).ok_or(io::ErrorKind::NotFound)?;
        if let (true, Some(diag), Some(family)) = (self.own == Some(space.id), &self.diag, table.tcp_family())
        {
            match diag.tcp(family, buffer, on) {
                Ok(()) => return Ok(()),
                // It is not asked again; rows that came before are told once more.
                Err(_) => self.diag = None,
            }
        }
        let file = space.files[table as usize].as_ref().ok_or(io::ErrorKind::NotFound)?;
        table::read(file, buffer, on)
    }

    /// What was counted in all of them since each was met; `None` without one.
    pub(super) fn counted(&self) -> Option<NetworkCounts> {
        let of_space = |space: &Space| {
            let counted = space.counts.read().since(space.before);
            NetworkCounts { is_shared: self.own == Some(space.id), ..counted }
        };
        self.all.iter().map(of_space).reduce(counts::together)
    }
}
