//! The built agent asks a server that runs already.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use dyno_model::event::EventKind;
use dyno_model::launch::{Dialect, EndpointSpec};
use dyno_model::outcome::Outcome;
use dyno_protocol::message::{Command, RunOrder, Secret};

use crate::support::{Agent, folder, order, outcome, requests};

const KEY: &str = "sk-never-to-be-seen-again";
const LIST: &str = r#"{"object":"list","data":[{"id":"m","owned_by":"test"}]}"#;

/// A server that takes the key; its third answer to a chat repeats it in an error.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let talk = move || {
        let mut n_chats = 0;
        for socket in listener.incoming() {
            let socket = socket.expect("a client");
            let mut reader = BufReader::new(socket.try_clone().expect("a descriptor"));
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|n| n > 0) {
                let line = head.trim_end().rsplit('\n').next().unwrap_or_default();
                if let Some(n) = line.strip_prefix("Content-Length: ") {
                    length = n.parse().expect("a number");
                }
            }
            let mut body = vec![0; length];
            // A connection that was made ahead and never used has nothing to say.
            if head.is_empty() || reader.read_exact(&mut body).is_err() {
                continue;
            }
            let has_key = head.contains(&format!("Authorization: Bearer {KEY}\r\n"));
            n_chats += u32::from(head.starts_with("POST "));
            let (status, kind, body) = match (has_key, head.starts_with("GET "), n_chats) {
                (false, ..) => (401, "application/json", "{}".to_owned()),
                (true, true, _) => (200, "application/json", LIST.to_owned()),
                (true, false, 3) => {
                    (403, "application/json", format!(r#"{{"error":{{"message":"no more for {KEY}"}}}}"#))
                }
                _ => (200, "text/event-stream", chat()),
            };
            let n = body.len();
            let head = format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {n}");
            // Best effort: the agent may have gone.
            drop((&socket).write_all(format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes()));
        }
    };
    std::thread::Builder::new().name("server".to_owned()).spawn(talk).expect("a thread");
    address
}

fn chat() -> String {
    let events = [
        r#"{"choices":[{"delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2}}"#,
        "[DONE]",
    ];
    events.map(|event| format!("data: {event}\n\n")).concat()
}

fn order_for(address: SocketAddr, n_requests: u32) -> RunOrder {
    let mut order = order(n_requests, &[]);
    "endpoint".clone_into(&mut order.launch_spec.runtime);
    order.launch_spec.dialect = Dialect::OpenaiChat;
    order.launch_spec.endpoint = Some(EndpointSpec {
        url: format!("http://{address}/v1"),
        model: "m".to_owned(),
        key_variable: None,
        host: None,
    });
    // No connection is made ahead: this server takes one after the other.
    order.launch_spec.settings.insert("connections".to_owned(), "fresh".to_owned());
    order.api_key = Some(Secret::new(KEY.to_owned()));
    order
}

#[test]
fn a_server_is_measured_and_its_key_is_nowhere() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    agent.peer.send(&Command::Run(Box::new(order_for(serve(), 4)))).expect("it listens");
    let events = agent.events();
    assert_eq!(outcome(&events), Some(&Outcome::Ok));
    let records = requests(&events);
    let refused = Outcome::Refused { detail: "HTTP 403: no more for …".to_owned() };
    let outcomes: Vec<&Outcome> = records.iter().map(|record| &record.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Ok, &Outcome::Ok, &refused, &Outcome::Ok]);
    assert_eq!((records[0].text.as_str(), records[0].usage.completion_tokens), ("ab", Some(2)));
    assert_eq!(records[2].exchange.and_then(|exchange| exchange.status), Some(403));
    // Nothing was spawned, so nothing says that it was.
    assert!(!events.iter().any(|event| event.kind == EventKind::Spawned));

    let words = format!("{events:?}");
    assert!(!words.contains(KEY));
    assert!(!holds(folder.path(), KEY), "a file of the agent's folder has the key");
    agent.end();
}

#[test]
fn a_key_that_is_missing_ends_the_launch_and_not_the_agent() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let mut order = order_for(serve(), 2);
    order.api_key = None;
    agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
    let events = agent.events();
    let Some(Outcome::Refused { detail }) = outcome(&events) else {
        panic!("refused: {:?}", outcome(&events))
    };
    assert!(detail.contains("HTTP 401: it wants a key; set the variable EDGEDYNO_API_KEY"), "{detail}");
    assert!(requests(&events).is_empty());
    agent.end();
}

/// Whether any file below a folder has that text.
fn holds(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("our own folder");
    entries.map(|entry| entry.expect("our own folder").path()).any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}
