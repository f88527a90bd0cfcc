//! TCP sockets through netlink (sock_diag(7)): the same rows as those of `/proc/net/tcp`, more than ten times as fast
//! where the kernel's table has room for many. Only for the network namespace that this process is in.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::table::Row;
use crate::sys;

/// `struct nlmsghdr`, and `struct inet_diag_req_v2` after it.
const HEAD_BYTES: usize = 16;
const REQUEST_BYTES: usize = HEAD_BYTES + 56;
/// `struct inet_diag_msg`.
const MESSAGE_BYTES: usize = 72;
/// `SOCK_DIAG_BY_FAMILY`, and `NLM_F_REQUEST | NLM_F_DUMP`.
const BY_FAMILY: u16 = 20;
const DUMP: u16 = 0x301;
/// `NLMSG_ERROR` and `NLMSG_DONE`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
const ALL_STATES: u32 = 0xFFF;

/// An open question.
#[derive(Debug)]
pub(super) struct Diag {
    socket: File,
}

impl Diag {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { socket: sys::diag_socket()? })
    }

    /// All TCP sockets of a family: `AF_INET` or `AF_INET6`.
    pub(super) fn tcp(&self, family: u8, buffer: &mut [u8], on: &mut dyn FnMut(Row)) -> io::Result<()> {
        let mut socket = &self.socket;
        socket.write_all(&request(family))?;
        loop {
            let n = socket.read(buffer)?;
            if n == 0 || take(&buffer[..n], on)? {
                return Ok(());
            }
        }
    }
}

fn request(family: u8) -> [u8; REQUEST_BYTES] {
    let mut bytes = [0; REQUEST_BYTES];
    bytes[..4].copy_from_slice(&(REQUEST_BYTES as u32).to_ne_bytes());
    bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    bytes[HEAD_BYTES] = family;
    bytes[HEAD_BYTES + 1] = libc::IPPROTO_TCP as u8;
    bytes[HEAD_BYTES + 4..HEAD_BYTES + 8].copy_from_slice(&ALL_STATES.to_ne_bytes());
    bytes
}

/// The messages of one read; `true` when the answer is over.
fn take(mut messages: &[u8], on: &mut dyn FnMut(Row)) -> io::Result<bool> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    while !messages.is_empty() {
        let head: &[u8; HEAD_BYTES] = messages.first_chunk().ok_or_else(invalid)?;
        let length = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = u16::from_ne_bytes([head[4], head[5]]);
        let body = messages.get(HEAD_BYTES..length).ok_or_else(invalid)?;
        match kind {
            DONE => return Ok(true),
            ERROR => return Err(refusal(body)),
            _ => on(body.first_chunk().and_then(row).ok_or_else(invalid)?),
        }
        // Messages begin at multiples of four.
        messages = messages.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn refusal(body: &[u8]) -> io::Error {
    let code = body.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
    io::Error::from_raw_os_error(code.saturating_neg())
}

fn row(message: &[u8; MESSAGE_BYTES]) -> Option<Row> {
    let address = |at: usize, port_at: usize| {
        let bytes: &[u8; 16] = message[at..].first_chunk()?;
        let ip = match i32::from(message[0]) {
            libc::AF_INET => IpAddr::V4(Ipv4Addr::from(*bytes.first_chunk::<4>()?)),
            libc::AF_INET6 => IpAddr::V6(Ipv6Addr::from(*bytes)),
            _ => return None,
        };
        Some(SocketAddr::new(ip, u16::from_be_bytes([message[port_at], message[port_at + 1]])))
    };
    Some(Row {
        inode: u64::from(u32::from_ne_bytes(*message[68..].first_chunk()?)),
        state: message[1],
        local: address(8, 4)?,
        remote: address(24, 6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of `kind` with `body`.
    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = (HEAD_BYTES + body.len()) as u32;
        let mut bytes = [length.to_ne_bytes().as_slice(), &kind.to_ne_bytes(), &[0; 10], body].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_socket_is_read_from_its_message() {
        let mut body = [0; MESSAGE_BYTES];
        (body[0], body[1]) = (2, 2);
        body[4..8].copy_from_slice(&[0xC3, 0x50, 0x20, 0xFB]);
        body[8..12].copy_from_slice(&[10, 77, 0, 1]);
        body[24..28].copy_from_slice(&[10, 77, 0, 2]);
        body[68..].copy_from_slice(&3_110_107_u32.to_ne_bytes());
        let mut rows = Vec::new();
        // The attributes after it do not matter.
        let bytes = [message(BY_FAMILY, &[&body[..], &[1, 2, 3]].concat()), message(DONE, &[0; 4])].concat();
        assert!(take(&bytes, &mut |row| rows.push(row)).expect("whole messages"));
        let expected = Row {
            inode: 3_110_107,
            state: 2,
            local: "10.77.0.1:50000".parse().expect("an address of the test"),
            remote: "10.77.0.2:8443".parse().expect("an address of the test"),
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn a_refusal_and_a_torn_answer_are_errors() {
        let refused = take(&message(ERROR, &(-13_i32).to_ne_bytes()), &mut |_| {}).expect_err("refused");
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        for bytes in [&[1, 2, 3][..], &message(BY_FAMILY, &[2; 20]), &message(DONE, &[0; 8])[..17]] {
            assert!(take(bytes, &mut |_| {}).is_err(), "{bytes:?}");
        }
    }
}
