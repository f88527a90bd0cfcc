//! A server that plays a plug: each answer is said by a closure.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

pub(crate) struct Plug {
    pub(crate) host: String,
}

impl Plug {
    /// Answers each connection in its turn; `answer` gets its number and the request.
    pub(crate) fn start(mut answer: impl FnMut(usize, &str, &mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback");
        let host = listener.local_addr().expect("an address").to_string();
        // It ends with the test's process.
        thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let Ok(mut stream) = stream else { return };
                let mut request = [0; 1024];
                let n_bytes = stream.read(&mut request).unwrap_or(0);
                answer(n, &String::from_utf8_lossy(&request[..n_bytes]), &mut stream);
            }
        });
        Self { host }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/rpc/Switch.GetStatus?id=0", self.host)
    }
}

/// An answer with a body of known length. Best effort: a client may have gone.
pub(crate) fn say(stream: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).ok();
}
