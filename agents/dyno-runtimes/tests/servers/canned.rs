//! A server with an answer for each path, for servers that are asked before they are measured.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use dyno_model::clock::monotonic_now;
use dyno_model::ids::PromptId;
use dyno_model::request::{Finish, Message, Request, Sampling};
use dyno_runtimes::adapter::RuntimeAdapter;
use dyno_runtimes::dialect::Step;

/// Path, and the answers to one question after the other; the last one is given again and again.
pub(crate) type Answers = Vec<(&'static str, Vec<String>)>;

/// A server that answers from a list, on a port of its own, until the test ends.
pub(crate) struct Canned {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    pub(crate) fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::Builder::new()
            .name("canned".to_owned())
            .spawn(move || serve(&listener, answers, &seen))
            .expect("a thread");
        Self { address, asked }
    }

    /// The whole text of each request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics with the lock").clone()
    }
}

/// Serves one connection after the other, one request each.
pub(crate) fn serve(listener: &TcpListener, mut answers: Answers, seen: &Mutex<Vec<String>>) {
    for socket in listener.incoming() {
        let Ok(mut socket) = socket else { continue };
        let request = read_request(&mut socket);
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        seen.lock().expect("no test panics with the lock").push(request);
        let list = answers.iter_mut().find(|(known, _)| *known == path);
        let answer = match list {
            None => reply(404, "text/plain", "no such path"),
            Some((_, list)) if list.len() > 1 => list.remove(0),
            Some((_, list)) => list[0].clone(),
        };
        // Best effort: a client may have gone.
        drop(socket.write_all(answer.as_bytes()));
    }
}

/// Head and body, as long as its `Content-Length` says.
fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut block = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() >= length.and_then(|n| n.parse().ok()).unwrap_or(0) {
                return text;
            }
        }
        match socket.read(&mut block) {
            Ok(n @ 1..) => bytes.extend_from_slice(&block[..n]),
            _ => return text,
        }
    }
}

/// A whole answer.
pub(crate) fn reply(status: u16, kind: &str, body: &str) -> String {
    let n = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {n}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// A streamed chat of two tokens.
pub(crate) fn chat(first: &str, second: &str) -> String {
    let events = [
        r#"{"choices":[{"delta":{"role":"assistant"}}]}"#.to_owned(),
        format!(r#"{{"choices":[{{"delta":{{"content":"{first}"}}}}]}}"#),
        format!(r#"{{"choices":[{{"delta":{{"content":"{second}"}},"finish_reason":"stop"}}]}}"#),
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#.to_owned(),
        "[DONE]".to_owned(),
    ];
    let body = events.map(|event| format!("data: {event}\n\n")).concat();
    reply(200, "text/event-stream", &body)
}

/// A short question.
pub(crate) fn question() -> Request {
    Request {
        idx: 0,
        prompt_id: PromptId("p".to_owned()),
        messages: vec![Message { role: "user".to_owned(), content: "hello".to_owned() }],
        sampling: Sampling {
            max_tokens: 5,
            ignore_eos: false,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed: 1,
            top_logprobs: 0,
        },
        due_ns: None,
        limit_ms: 10_000,
    }
}

/// Text and end of an answer.
pub(crate) fn ask(adapter: &dyn RuntimeAdapter) -> (String, Finish) {
    let mut carrier = adapter.carrier().expect("it was started");
    carrier.submit(&question(), None).expect("room");
    let (mut text, mut finish) = (String::new(), None);
    while finish.is_none() {
        let mut on = |_, step: Step<'_>| match step {
            Step::Sent { .. } => {}
            Step::Chunk(chunk) => text.push_str(chunk.text),
            Step::Ended(answered) => finish = Some(answered.finish),
        };
        carrier.poll(monotonic_now().plus(1_000_000_000), &mut on).expect("the loop works");
    }
    (text, finish.expect("it ended"))
}
