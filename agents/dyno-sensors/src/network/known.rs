//! Sockets that were met, so that only what is new or may change is asked about.

use dyno_model::clock::MonoNs;

use super::place::Table;
use super::seen::Noted;

/// Room that is made beforehand; more sockets than that cost an allocation.
const ROOM: usize = 1024;
/// More sockets are not told apart; that they were too many is told.
const MAX_SOCKETS: usize = 1 << 16;
/// While a socket is this young it is sought at each look: it is connected soon after it was made.
const YOUNG_NS: u64 = 2_000_000_000;
/// A socket that leads nowhere yet, or may be pointed elsewhere, is sought this often.
const OPEN_NS: u64 = 1_000_000_000;
/// One that stays as it is is sought again all the same.
const SETTLED_NS: u64 = 10_000_000_000;

/// All that were met and are still open, by their inodes.
#[derive(Debug)]
pub(super) struct Known {
    sockets: Vec<Socket>,
    look: u64,
}

/// One socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Socket {
    pub(super) inode: u64,
    pub(super) pid: u32,
    /// Its place among the namespaces.
    pub(super) space: usize,
    /// `None` where no table has it.
    pub(super) table: Option<Table>,
    pub(super) noted: Option<Noted>,
    pub(super) is_settled: bool,
    first_at: MonoNs,
    sought_at: Option<MonoNs>,
    look: u64,
}

/// What is known of an inode.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Met {
    Before(Option<Noted>),
    New,
    /// There is no room for it.
    TooMany,
}

impl Known {
    pub(super) fn new() -> Self {
        Self { sockets: Vec::with_capacity(ROOM), look: 0 }
    }

    /// The next look begins.
    pub(super) fn begin(&mut self) {
        self.look += 1;
    }

    /// A process has this socket open.
    pub(super) fn meet(&mut self, inode: u64) -> Met {
        match self.sockets.binary_search_by_key(&inode, |socket| socket.inode) {
            Ok(place) => {
                let socket = &mut self.sockets[place];
                socket.look = self.look;
                Met::Before(socket.noted)
            }
            Err(_) if self.sockets.len() >= MAX_SOCKETS => Met::TooMany,
            Err(_) => Met::New,
        }
    }

    /// Keeps a new one, and says where.
    pub(super) fn keep(
        &mut self,
        inode: u64,
        (pid, space): (u32, usize),
        table: Option<Table>,
        at: MonoNs,
    ) -> &mut Socket {
        let place = self.sockets.partition_point(|socket| socket.inode < inode);
        let (noted, is_settled) = (None, table.is_none());
        let socket = Socket {
            inode,
            pid,
            space,
            table,
            noted,
            is_settled,
            first_at: at,
            sought_at: None,
            look: self.look,
        };
        self.sockets.insert(place, socket);
        &mut self.sockets[place]
    }

    /// The look is over: those that nobody has open any more are forgotten.
    pub(super) fn forget(&mut self) {
        let look = self.look;
        self.sockets.retain(|socket| socket.look == look);
    }

    /// Whether a table of a namespace is to be read now.
    pub(super) fn wants(&self, space: usize, table: Table, at: MonoNs) -> bool {
        self.sockets
            .iter()
            .any(|socket| (socket.space, socket.table) == (space, Some(table)) && socket.is_due(at))
    }

    /// The socket of a row.
    pub(super) fn of_row(&mut self, inode: u64) -> Option<&mut Socket> {
        let place = self.sockets.binary_search_by_key(&inode, |socket| socket.inode).ok()?;
        Some(&mut self.sockets[place])
    }

    /// A table was read: all its sockets were sought.
    pub(super) fn sought(&mut self, space: usize, table: Table, at: MonoNs) {
        for socket in &mut self.sockets {
            if (socket.space, socket.table) == (space, Some(table)) {
                socket.sought_at = Some(at);
            }
        }
    }
}

impl Socket {
    fn is_due(&self, at: MonoNs) -> bool {
        let Some(sought_at) = self.sought_at else { return true };
        let since_ns = at.since(sought_at);
        if self.is_settled {
            return since_ns >= SETTLED_NS;
        }
        since_ns >= OPEN_NS || at.since(self.first_at) < YOUNG_NS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn only_what_is_new_or_may_change_is_asked_about() {
        let mut known = Known::new();
        known.begin();
        assert_eq!(known.meet(7), Met::New);
        known.keep(7, (1, 0), Some(Table::Tcp), MonoNs(0));
        let wants = |known: &Known, ms: u64| known.wants(0, Table::Tcp, MonoNs(ms * MS));
        assert!(wants(&known, 0), "it is new");
        known.sought(0, Table::Tcp, MonoNs(0));
        assert!(wants(&known, 250), "it is young");
        known.sought(0, Table::Tcp, MonoNs(1900 * MS));
        assert!(!wants(&known, 2500), "it leads nowhere and was sought a moment ago");
        assert!(wants(&known, 2900));
        known.of_row(7).expect("it was kept").is_settled = true;
        known.sought(0, Table::Tcp, MonoNs(3000 * MS));
        assert!(!wants(&known, 12_999) && wants(&known, 13_000));
        assert!(!known.wants(1, Table::Tcp, MonoNs(0)) && !known.wants(0, Table::Udp, MonoNs(0)));
    }

    #[test]
    fn what_nobody_has_open_is_forgotten() {
        let mut known = Known::new();
        known.begin();
        for inode in [9, 3, 5] {
            known.keep(inode, (1, 0), None, MonoNs(0));
        }
        known.forget();
        known.begin();
        assert_eq!(known.meet(5), Met::Before(None));
        known.of_row(5).expect("it is open").noted = Some(Noted::Counted);
        known.forget();
        known.begin();
        assert_eq!((known.meet(3), known.meet(5)), (Met::New, Met::Before(Some(Noted::Counted))));
    }
}
