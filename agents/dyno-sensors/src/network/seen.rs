//! Sockets that lead beyond the machine, as they go to the record.

use std::net::SocketAddr;

use dyno_model::clock::MonoNs;
use dyno_model::network::{Reach, SocketSeen};

/// The record has no more entries; further ones are counted.
const MAX_ENTRIES: usize = 64;

/// Entries of the record in the making.
#[derive(Debug)]
pub(super) struct Seen {
    entries: Vec<Entry>,
    n_more: u64,
}

#[derive(Debug)]
struct Entry {
    sighting: Sighting,
    program: String,
    n: u64,
    first_seen: MonoNs,
    last_seen: MonoNs,
}

/// One socket that leads beyond the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) protocol: String,
    pub(super) reach: Reach,
    pub(super) local: Option<SocketAddr>,
    pub(super) remote: Option<SocketAddr>,
    pub(super) pid: u32,
}

/// Where a socket's entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    At(usize),
    /// It was counted: there is no more room.
    Counted,
}

impl Sighting {
    /// Where it leads, or where others reach it.
    fn place(&self) -> Option<SocketAddr> {
        self.remote.or(self.local)
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self { entries: Vec::with_capacity(MAX_ENTRIES), n_more: 0 }
    }
}

impl Seen {
    /// A socket was seen; `before` is its entry so far, and `program` tells the name of its process.
    pub(super) fn note(
        &mut self,
        sighting: Sighting,
        before: Option<Noted>,
        at: MonoNs,
        program: impl FnOnce() -> String,
    ) -> Noted {
        match before {
            Some(Noted::Counted) => return Noted::Counted,
            Some(Noted::At(place)) if self.goes_on(place, &sighting) => {
                self.entries[place].last_seen = at;
                return Noted::At(place);
            }
            Some(Noted::At(_)) | None => {}
        }
        let program = program();
        if let Some(place) = self.entries.iter().position(|entry| entry.is_like(&sighting, &program)) {
            let entry = &mut self.entries[place];
            (entry.n, entry.last_seen) = (entry.n + 1, at);
            return Noted::At(place);
        }
        if self.entries.len() == MAX_ENTRIES {
            self.n_more += 1;
            return Noted::Counted;
        }
        self.entries.push(Entry { sighting, program, n: 1, first_seen: at, last_seen: at });
        Noted::At(self.entries.len() - 1)
    }

    /// Whether a socket is still that of its entry; a connection that stands now was attempted before.
    fn goes_on(&mut self, place: usize, sighting: &Sighting) -> bool {
        let Some(entry) = self.entries.get_mut(place) else { return false };
        if entry.sighting.remote != sighting.remote {
            return false;
        }
        let stands_now = entry.sighting.reach == Reach::Attempted && sighting.reach == Reach::Connected;
        if stands_now && entry.n == 1 {
            entry.sighting.reach = Reach::Connected;
        }
        entry.sighting.reach == sighting.reach
    }

    /// A socket of an entry is still open.
    pub(super) fn again(&mut self, noted: Noted, at: MonoNs) {
        if let Noted::At(place) = noted
            && let Some(entry) = self.entries.get_mut(place)
        {
            entry.last_seen = at;
        }
    }

    /// For the record: entries in the order in which they were seen first, and how many more there were.
    pub(super) fn finish(self) -> (Vec<SocketSeen>, u64) {
        let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        let entry = |entry: Entry| SocketSeen {
            protocol: entry.sighting.protocol,
            reach: entry.sighting.reach,
            local: text(entry.sighting.local),
            remote: text(entry.sighting.remote),
            pid: entry.sighting.pid,
            program: entry.program,
            n: entry.n,
            first_seen: entry.first_seen,
            last_seen: entry.last_seen,
        };
        (self.entries.into_iter().map(entry).collect(), self.n_more)
    }
}

impl Entry {
    fn is_like(&self, other: &Sighting, program: &str) -> bool {
        let own = &self.sighting;
        (own.reach, own.place(), &own.protocol) == (other.reach, other.place(), &other.protocol)
            && self.program == program
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(reach: Reach, remote: &str) -> Sighting {
        let address = |text: &str| Some(text.parse().expect("an address of the test"));
        Sighting {
            protocol: "TCP".into(),
            reach,
            local: address("10.0.0.1:5"),
            remote: address(remote),
            pid: 9,
        }
    }

    #[test]
    fn an_attempt_that_succeeds_is_one_connection() {
        let mut seen = Seen::default();
        let name = || "serve".to_owned();
        let first = seen.note(sighting(Reach::Attempted, "10.0.0.2:443"), None, MonoNs(10), name);
        let then = seen.note(sighting(Reach::Connected, "10.0.0.2:443"), Some(first), MonoNs(20), name);
        seen.again(then, MonoNs(30));
        let (entries, n_more) = seen.finish();
        assert_eq!((entries.len(), n_more, first == then), (1, 0, true));
        assert_eq!((entries[0].reach, entries[0].n), (Reach::Connected, 1));
        assert_eq!((entries[0].first_seen, entries[0].last_seen), (MonoNs(10), MonoNs(30)));
        assert_eq!(entries[0].remote.as_deref(), Some("10.0.0.2:443"));
    }

    #[test]
    fn connections_of_one_program_to_one_place_are_one_entry() {
        let mut seen = Seen::default();
        for at in 0..5 {
            seen.note(sighting(Reach::Connected, "10.0.0.2:443"), None, MonoNs(at), || "curl".to_owned());
        }
        seen.note(sighting(Reach::Connected, "10.0.0.2:443"), None, MonoNs(7), || "wget".to_owned());
        let entries = seen.finish().0;
        assert_eq!(entries.iter().map(|entry| entry.n).collect::<Vec<_>>(), [5, 1]);
    }

    #[test]
    fn what_has_no_more_room_is_counted_once() {
        let mut seen = Seen::default();
        let note = |seen: &mut Seen, port: usize, before| {
            let to = format!("10.0.0.2:{port}");
            seen.note(sighting(Reach::Connected, &to), before, MonoNs(0), || "scan".to_owned())
        };
        for port in 1..=MAX_ENTRIES {
            note(&mut seen, port, None);
        }
        let noted = note(&mut seen, 60_000, None);
        assert_eq!((noted, note(&mut seen, 60_000, Some(noted))), (Noted::Counted, Noted::Counted));
        let (entries, n_more) = seen.finish();
        assert_eq!((entries.len(), n_more), (MAX_ENTRIES, 1));
    }

    #[test]
    fn a_socket_that_is_pointed_elsewhere_is_another_entry() {
        let mut seen = Seen::default();
        let name = || "dig".to_owned();
        let first = seen.note(sighting(Reach::Connected, "10.0.0.2:53"), None, MonoNs(0), name);
        let second = seen.note(sighting(Reach::Connected, "10.0.0.3:53"), Some(first), MonoNs(1), name);
        assert_ne!(first, second);
    }
}
