//! Addresses in the kernel's tables, and which of them lie beyond this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::text;

/// `0100007F:1F90`: words of an address in network order, each written as a number of this machine, and the port.
pub(super) fn of_table(word: &[u8]) -> Option<SocketAddr> {
    let colon = word.iter().position(|byte| *byte == b':')?;
    let (digits, port) = (&word[..colon], &word[colon + 1..]);
    let port = u16::try_from(text::hex(port)?).ok()?;
    let octets_of = |digits: &[u8]| Some(u32::try_from(text::hex(digits)?).ok()?.to_ne_bytes());
    let ip = match digits.len() {
        8 => IpAddr::V4(Ipv4Addr::from(octets_of(digits)?)),
        32 => {
            let mut octets = [0; 16];
            for (place, digits) in octets.chunks_exact_mut(4).zip(digits.chunks_exact(8)) {
                place.copy_from_slice(&octets_of(digits)?);
            }
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Whether a socket from `local` to `remote` leads beyond this machine.
///
/// One that has the same address at both ends does not: it is an address of this machine.
pub(super) fn leads_beyond(local: SocketAddr, remote: SocketAddr) -> bool {
    let (local, remote) = (local.ip().to_canonical(), remote.ip().to_canonical());
    !remote.is_loopback() && !remote.is_unspecified() && local != remote
}

/// Whether who is bound here can neither be reached from elsewhere nor send there.
pub(super) fn is_inside(local: SocketAddr) -> bool {
    local.ip().to_canonical().is_loopback()
}

/// Whether there is nobody at this end.
pub(super) fn is_nobody(remote: SocketAddr) -> bool {
    remote.ip().is_unspecified() && remote.port() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address of the test")
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let check = |word: &str, expected: Option<&str>| {
            assert_eq!(of_table(word.as_bytes()), expected.map(address), "{word}");
        };
        check("0100007F:1F90", Some("127.0.0.1:8080"));
        check("0A00090A:01BB", Some("10.9.0.10:443"));
        check("00000000:0000", Some("0.0.0.0:0"));
        check("00000000000000000000000001000000:0016", Some("[::1]:22"));
        check("0000000000000000FFFF00000100007F:0050", Some("[::ffff:127.0.0.1]:80"));
        check("000080FE00000000FF005450B9BCFEFF:0001", Some("[fe80::5054:ff:fffe:bcb9]:1"));
        for word in
            ["", ":", "0100007F", "0100007F:", "0100007F:12345", "010000:50", "0100007G:50", "-100007F:50"]
        {
            check(word, None);
        }
    }

    #[test]
    fn only_another_machine_lies_beyond() {
        let check = |local: &str, remote: &str, expected: bool| {
            assert_eq!(leads_beyond(address(local), address(remote)), expected, "{local} to {remote}");
        };
        check("10.9.0.1:40000", "10.9.0.2:443", true);
        check("127.0.0.1:40000", "127.0.0.9:443", false);
        check("[::1]:40000", "[::1]:443", false);
        check("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:2", false);
        check("[::ffff:10.9.0.1]:1", "[::ffff:10.9.0.2]:2", true);
        // A program that speaks to its own machine by that machine's name.
        check("10.9.0.1:40000", "10.9.0.1:443", false);
        check("0.0.0.0:80", "0.0.0.0:0", false);
        check("[fe80::1]:5", "[fe80::2]:5", true);
        check("192.168.1.5:5", "224.0.0.251:5353", true);
    }

    #[test]
    fn who_is_bound_to_loopback_is_inside() {
        assert!(is_inside(address("127.0.0.53:53")) && is_inside(address("[::1]:53")));
        assert!(!is_inside(address("0.0.0.0:53")) && !is_inside(address("[::]:53")));
        assert!(is_nobody(address("0.0.0.0:0")) && is_nobody(address("[::]:0")));
        assert!(!is_nobody(address("0.0.0.0:1")));
    }
}
