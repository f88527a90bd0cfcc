//! As much of MQTT 3.1.1 (OASIS standard, 2014) as a subscriber with quality of service 0 needs: pure.
//!
//! Written here and not taken from elsewhere: the small codecs without an asynchronous client around them are no
//! longer looked after, and this is one screen.

/// What a broker sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// Answer to a connection (section 3.2); 0 is yes.
    ConnAck { code: u8 },
    /// Answer to a subscription (section 3.9); 0x80 is no.
    SubAck { code: u8 },
    /// A message (section 3.3) that came just now.
    Publish { topic: &'a [u8], payload: &'a [u8] },
    /// Anything else that needs no answer.
    Other,
}

/// The first packet of `bytes` and its length; `None` while it is not whole.
pub(crate) fn parse(bytes: &[u8], limit: usize) -> Result<Option<(Packet<'_>, usize)>, &'static str> {
    let Some((&kind, rest)) = bytes.split_first() else { return Ok(None) };
    let Some((length, n)) = length(rest)? else { return Ok(None) };
    if length > limit {
        return Err("a packet is too big");
    }
    let Some(content) = rest.get(n..n + length) else { return Ok(None) };
    let packet = match kind >> 4 {
        2 => Packet::ConnAck { code: *content.get(1).ok_or("a short CONNACK")? },
        9 => Packet::SubAck { code: *content.get(2).ok_or("a short SUBACK")? },
        // With RETAIN the broker repeats what it was told at some time before we came (section 3.3.1.3).
        3 if kind & 1 == 1 => Packet::Other,
        3 => publish(kind, content)?,
        13 => Packet::Other,
        _ => return Err("a packet that a broker does not send"),
    };
    Ok(Some((packet, 1 + n + length)))
}

fn publish(kind: u8, content: &[u8]) -> Result<Packet<'_>, &'static str> {
    const SHORT: &str = "a short PUBLISH";
    let length =
        content.get(..2).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]]))).ok_or(SHORT)?;
    let topic = content.get(2..2 + length).ok_or(SHORT)?;
    // With a higher quality of service a number follows; we asked for none.
    let n_number = if kind & 0b0110 == 0 { 0 } else { 2 };
    let payload = content.get(2 + length + n_number..).ok_or(SHORT)?;
    Ok(Packet::Publish { topic, payload })
}

/// The remaining length (section 2.2.3), and how many bytes it takes.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, &'static str> {
    let mut length = 0;
    for (idx, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * idx);
        if byte & 0x80 == 0 {
            return Ok(Some((length, idx + 1)));
        }
    }
    if bytes.len() >= 4 { Err("a length of more than four bytes") } else { Ok(None) }
}

/// CONNECT with a clean session (section 3.1).
pub(crate) fn connect(client: &str, keep_alive_s: u16) -> Vec<u8> {
    let mut content = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0b10];
    content.extend(keep_alive_s.to_be_bytes());
    text(&mut content, client);
    packet(0x10, &content)
}

/// SUBSCRIBE to one topic (section 3.8).
pub(crate) fn subscribe(topic: &str) -> Vec<u8> {
    let mut content = vec![0, 1];
    text(&mut content, topic);
    content.push(0);
    packet(0x82, &content)
}

/// PINGREQ (section 3.12).
pub(crate) const PING: [u8; 2] = [0xc0, 0];
/// DISCONNECT (section 3.14).
pub(crate) const DISCONNECT: [u8; 2] = [0xe0, 0];

/// Text with its length before it (section 1.5.3); what is too long for that is cut off.
fn text(content: &mut Vec<u8>, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    content.extend((bytes.len() as u16).to_be_bytes());
    content.extend_from_slice(bytes);
}

fn packet(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    let mut left = content.len();
    loop {
        let low = (left & 0x7f) as u8;
        left >>= 7;
        bytes.push(if left == 0 { low } else { low | 0x80 });
        if left == 0 {
            break;
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_those_of_the_standard() {
        let connect = connect("m", 60);
        assert_eq!(connect, [0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'm']);
        assert_eq!(subscribe("a/b"), [0x82, 8, 0, 1, 0, 3, b'a', b'/', b'b', 0]);
        // Section 2.2.3 has 321 as 193, 2.
        assert_eq!(packet(0x30, &[0; 321])[..3], [0x30, 193, 2]);
        assert_eq!(length(&[193, 2]), Ok(Some((321, 2))));
        assert_eq!(length(&[0xff, 0xff, 0xff, 0x7f]), Ok(Some((268_435_455, 4))));
    }

    #[test]
    fn what_a_broker_says_is_understood_piece_by_piece() {
        let whole: &[u8] = &[0x20, 2, 0, 5, 0x90, 3, 0, 1, 0x80, 0x30, 5, 0, 1, b't', b'4', b'2', 0xd0, 0];
        let mut rest = whole;
        let mut packets = Vec::new();
        while let Some((packet, n)) = parse(rest, 100).expect("a good broker") {
            packets.push(packet);
            rest = &rest[n..];
        }
        assert_eq!(
            packets,
            [
                Packet::ConnAck { code: 5 },
                Packet::SubAck { code: 0x80 },
                Packet::Publish { topic: b"t", payload: b"42" },
                Packet::Other
            ]
        );
        for n in 0..4 {
            assert_eq!(parse(&whole[..n], 100), Ok(None), "{n} bytes of a packet of four");
        }
        // Quality of service 1 has a number before the payload.
        let numbered = [0x32, 6, 0, 1, b't', 0, 9, b'7'];
        assert_eq!(parse(&numbered, 100), Ok(Some((Packet::Publish { topic: b"t", payload: b"7" }, 8))));
        let retained = [0x31, 4, 0, 1, b't', b'7'];
        assert_eq!(parse(&retained, 100), Ok(Some((Packet::Other, 6))), "it may be of yesterday");
    }

    #[test]
    fn a_hostile_broker_is_an_error_and_never_a_panic() {
        for bytes in [
            &[0x30, 0xff, 0xff, 0xff, 0xff][..],
            &[0x30, 0x7f],
            &[0x30, 1, 0],
            &[0x30, 2, 9, 9],
            &[0x20, 1, 0],
            &[0, 0],
        ] {
            assert!(parse(bytes, 100).is_err(), "{bytes:?}");
        }
        for first in 0..=255_u8 {
            for second in [0, 1, 2, 3, 0x80, 0xff] {
                // Whatever comes of it, it comes.
                drop(parse(&[first, second, 0, 0, 0, 0xff], 100));
            }
        }
    }
}
