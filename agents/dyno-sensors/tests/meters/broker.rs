//! A minimal MQTT broker: it takes one subscriber at a time and says what a test gives it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// One packet's first byte and content; lengths under 128 only.
fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    assert!(head[1] < 128, "a test's packets are short");
    let mut content = vec![0; usize::from(head[1])];
    stream.read_exact(&mut content).ok()?;
    Some((head[0], content))
}

/// A PUBLISH with quality of service 0.
pub(crate) fn publish(topic: &str, payload: &str) -> Vec<u8> {
    let mut content = (topic.len() as u16).to_be_bytes().to_vec();
    content.extend(topic.as_bytes());
    content.extend(payload.as_bytes());
    let mut bytes = vec![0x30, (content.len() & 0x7f) as u8 | 0x80, (content.len() >> 7) as u8];
    bytes.extend(content);
    bytes
}

/// Serves subscribers one after the other: `serve` gets the number of the connection, its topic and the stream once it
/// has subscribed. Gives the address.
pub(crate) fn start(
    connack: u8,
    mut serve: impl FnMut(usize, &str, &mut TcpStream) + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let Some((0x10, connect)) = packet(&mut stream) else { continue };
            assert_eq!(connect[..7], *b"\0\x04MQTT\x04", "version 3.1.1");
            if stream.write_all(&[0x20, 2, 0, connack]).is_err() || connack != 0 {
                continue;
            }
            let Some((0x82, subscribe)) = packet(&mut stream) else { continue };
            let (topic, qos) = subscribe[4..].split_at(subscribe.len() - 5);
            assert_eq!(qos, [0]);
            if stream.write_all(&[0x90, 3, subscribe[0], subscribe[1], 0]).is_ok() {
                serve(n, &String::from_utf8_lossy(topic), &mut stream);
            }
        }
    });
    address
}
