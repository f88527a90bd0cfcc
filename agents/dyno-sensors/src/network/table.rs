//! `/proc/PID/net/tcp` and its like: one line for each socket of a network namespace.

use std::fs::File;
use std::io;
use std::net::SocketAddr;

use super::address;
use crate::{sys, text};

/// A socket as the kernel's tables have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) inode: u64,
    /// One of the numbers of include/net/tcp_states.h, for all protocols.
    pub(super) state: u8,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

/// Reads a table from its beginning to its end, line by line.
///
/// # Errors
/// Those of the system; `InvalidData` for a line that does not fit into the buffer.
pub(super) fn read(file: &File, buffer: &mut [u8], on: &mut dyn FnMut(Row)) -> io::Result<()> {
    let (mut offset, mut kept) = (0, 0);
    loop {
        let n = sys::read_at(file, &mut buffer[kept..], offset)?;
        if n == 0 {
            return Ok(());
        }
        offset += n as u64;
        let filled = kept + n;
        let Some(end) = buffer[..filled].iter().rposition(|byte| *byte == b'\n') else {
            if filled == buffer.len() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            kept = filled;
            continue;
        };
        buffer[..end].split(|byte| *byte == b'\n').filter_map(row).for_each(&mut *on);
        buffer.copy_within(end + 1..filled, 0);
        kept = filled - end - 1;
    }
}

/// A line: number, both addresses, state, queues, timer, retransmissions, user, timeout, inode.
///
/// `None` for the line of names, and for anything else that is no socket.
pub(super) fn row(line: &[u8]) -> Option<Row> {
    let mut words = text::words(line).skip(1);
    let (local, remote) = (address::of_table(words.next()?)?, address::of_table(words.next()?)?);
    let state = u8::try_from(text::hex(words.next()?)?).ok()?;
    let inode = text::count(words.nth(5)?)?.cast_unsigned();
    Some(Row { inode, state, local, remote })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    // Linux 6.18, x86_64, 2026-11-21: cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp, parts of it.
    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n\
        \x20  0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3110022 1 0000000000000000 100 0 0 10 0                   \n\
        \x20  1: 01004D0A:C350 02004D0A:20FB 02 00000001:00000000 01:00000064 00000001  1000        0 3110107 2 0000000000000000 100 0 0 1 7                     \n\
        \x20  1: 00000000000000000000000001000000:9C40 00000000000000000000000001000000:1F90 01 00000000:00000000 02:000A7214 00000000     0        0 3110200 2 0000000000000000 20 4 30 10 -1\n";

    fn rows(buffer: usize) -> io::Result<Vec<Row>> {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(TABLE.as_bytes()).expect("a temporary file");
        let mut rows = Vec::new();
        read(&file, &mut vec![0; buffer], &mut |row| rows.push(row))?;
        Ok(rows)
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_are_read_whatever_the_room() {
        let expected = [
            (3_110_022, 0x0A, "127.0.0.1:9000", "0.0.0.0:0"),
            (3_110_107, 2, "10.77.0.1:50000", "10.77.0.2:8443"),
            (3_110_200, 1, "[::1]:40000", "[::1]:8080"),
        ];
        let expected = expected.map(|(inode, state, local, remote)| Row {
            inode,
            state,
            local: local.parse().expect("an address of the test"),
            remote: remote.parse().expect("an address of the test"),
        });
        for room in [200, 257, 4096] {
            assert_eq!(rows(room).expect("a table"), expected, "{room}");
        }
        assert_eq!(rows(64).expect_err("no line fits").kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_line_that_is_no_socket_is_none() {
        let cut =
            "   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0";
        for line in ["", "sl local_address rem_address st", cut, "x: 0100007F:2328 junk 0A 0:0 0:0 0 0 0 7"] {
            assert_eq!(row(line.as_bytes()), None, "{line}");
        }
    }
}
