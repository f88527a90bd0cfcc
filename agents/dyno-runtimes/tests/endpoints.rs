//! The client against a paced server and against servers that misbehave, over real connections.

#[path = "support/one_at_a_time.rs"]
mod one_at_a_time;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::ids::PromptId;
use dyno_model::outcome::Outcome;
use dyno_model::request::{ChunkKind, Finish, FinishReason, Message, Request, Sampling, UsageSource};
use dyno_runtimes::adapter::Generate;
use dyno_runtimes::dialect::{Answered, Api, Ask, Driver, Server, Step};
use dyno_runtimes::http::{Connections, Endpoint, Facts, Limits, Polled, Reuse};
use dyno_runtimes::interrupt::{Asked, Interrupt};
use dyno_runtimes::paced::PacedServer;
use one_at_a_time::HttpClient;

const LIMITS: Limits =
    Limits { connect_ms: 2_000, first_byte_ms: None, next_byte_ms: None, end_ms: 250, max_exchanges: 1000 };

fn server(url: &str, api: Api) -> Server {
    let endpoint = Endpoint::parse(url).expect("a URL");
    let addresses = endpoint.resolve(Duration::from_secs(1)).expect("an address");
    let connections = Connections { addresses, reuse: Reuse::Pooled, limits: LIMITS };
    Server { endpoint, api, ask: Ask::default(), key: None, connections }
}

fn request(seed: u64, max_tokens: u32, limit_ms: u64) -> Request {
    Request {
        idx: 0,
        prompt_id: PromptId("p".to_owned()),
        messages: vec![Message { role: "user".to_owned(), content: "hello".to_owned() }],
        sampling: Sampling {
            max_tokens,
            ignore_eos: false,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed,
            top_logprobs: 0,
        },
        due_ns: None,
        limit_ms,
    }
}

/// One answer: kinds and stamps of its chunks, its text, its end.
struct Got {
    chunks: Vec<(ChunkKind, MonoNs, Option<u16>)>,
    text: String,
    finish: Finish,
    answered: Answered,
}

impl Got {
    fn exchange(&self) -> &Facts {
        self.answered.exchange.as_ref().expect("it went over a network")
    }
}

fn ask_with(client: &mut HttpClient, request: &Request) -> Got {
    let mut chunks = Vec::new();
    let mut text = String::new();
    let finish = client
        .generate(request, &mut |chunk| {
            chunks.push((chunk.kind, chunk.at, chunk.n_tokens));
            text.push_str(chunk.text);
        })
        .expect("the loop works");
    let answered = client.last().expect("a request was made").clone();
    Got { chunks, text, finish, answered }
}

fn ask(url: &str, api: Api, max_tokens: u32) -> Got {
    let mut client = HttpClient::new(server(url, api), None).expect("descriptors");
    ask_with(&mut client, &request(1, max_tokens, 5_000))
}

fn play(paced: &PacedServer, script: &str) -> Got {
    ask(&format!("{}/v1", paced.url(script)), Api::OpenAiChat, 5)
}

#[test]
fn every_api_is_spoken_with_the_paced_server() {
    let paced = PacedServer::start().expect("a server");
    let check = |api, prefix: &str, source| {
        let got = ask(&format!("{}{prefix}", paced.url("per_chunk=2,reasoning=0")), api, 5);
        assert_eq!(got.finish.outcome, Outcome::Ok, "{api:?}");
        assert_eq!(
            (got.finish.reason, got.finish.usage.source),
            (Some(FinishReason::Length), source),
            "{api:?}"
        );
        assert_eq!((got.finish.usage.prompt_tokens, got.finish.usage.completion_tokens), (Some(7), Some(5)));
        assert_eq!((got.chunks.len(), got.text.as_str()), (3, " tok tok tok tok tok tok"), "{api:?}");
    };
    check(Api::OpenAiChat, "/v1", UsageSource::Usage);
    check(Api::OpenAiCompletions, "/v1", UsageSource::Usage);
    check(Api::LlamaServer, "", UsageSource::Timings);
    check(Api::OllamaGenerate, "", UsageSource::Usage);
    check(Api::OllamaChat, "", UsageSource::Usage);
}

#[test]
fn stamps_lie_where_the_server_wrote() {
    let paced = PacedServer::start().expect("a server");
    let got = play(&paced, "ttft_us=20000,gap_us=2000,role=1,reasoning=2,comment_every=2,n=6");
    let kinds: Vec<ChunkKind> = got.chunks.iter().map(|one| one.0).collect();
    assert_eq!(kinds[..4], [ChunkKind::Role, ChunkKind::Reasoning, ChunkKind::Reasoning, ChunkKind::Content]);
    let played = paced.take_played();
    assert_eq!((played.len(), played[0].seed, played[0].writes.len()), (1, 1, 6));
    let sent_at = got.exchange().sent_at.expect("it was sent");
    assert!(sent_at <= played[0].received_at);
    for (write, (_, at, _)) in played[0].writes.iter().zip(&got.chunks[1..]) {
        // 10 µs: the wall clock's offset is known no better than that.
        assert!(write.before >= write.due && at.plus(10_000) >= write.before, "{write:?} {at:?}");
    }
    // The role-only chunk came long before the first token, which is due 20 ms after the request.
    assert!(got.chunks[0].1 < got.chunks[1].1);
    assert!(got.chunks[1].1.since(sent_at) >= 20_000_000);
    assert_eq!(got.answered.answer.n_comments, 3);
}

#[test]
fn what_goes_wrong_is_an_outcome_and_the_next_request_is_not_hurt() {
    let paced = PacedServer::start().expect("a server");
    let check = |script: &str, word: &str, part: &str, n_chunks: usize| {
        let got = play(&paced, script);
        let outcome = &got.finish.outcome;
        assert_eq!((outcome.word(), got.chunks.len()), (word, n_chunks), "{script}: {outcome:?}");
        assert!(outcome.detail().unwrap_or_default().contains(part), "{script}: {outcome:?}");
        assert!(word == "ok" || got.finish.reason.is_none(), "{script}");
    };
    check("batch=1,reset_at=3", "crashed", "the connection broke after", 3);
    check("batch=1,close_at=3", "crashed", "the server closed the connection after", 3);
    check("batch=1,cut_at=3", "crashed", "the server closed the connection after", 3);
    check("batch=1,bad_chunk_at=3", "crashed", "a chunk has no size", 3);
    check("batch=1,bad_json_at=3", "crashed", "could not be read", 4);
    check("batch=1,bad_utf8_at=3", "ok", "", 5);
    check("batch=1,error_at=3", "crashed", "in the middle of the answer, after 3 chunks: scripted error", 3);
    check("batch=1,endless_at=3", "crashed", "an event without an end", 3);
    check("error_200=1", "refused", "scripted refusal", 0);
    check("status=401", "refused", "HTTP 401: scripted refusal", 0);
    check("status=404", "refused", "HTTP 404", 0);
    check(
        "status=429,retry_after_s=7",
        "refused",
        "HTTP 429: scripted refusal (asks to come back after 7 s)",
        0,
    );
    check("status=500", "refused", "HTTP 500", 0);
    check("status=501", "unsupported", "HTTP 501", 0);
    check("status=503,retry_after_s=1", "refused", "HTTP 503", 0);
    check("no_finish=1", "crashed", "after 5 chunks without a finish", 5);
    check("until_close=1", "ok", "", 5);
    check("until_close=1,batch=1,close_at=3", "crashed", "without a finish", 3);
    check("n=5", "ok", "", 5);
}

#[test]
fn deadlines_end_what_stalls() {
    let paced = PacedServer::start().expect("a server");
    let check = |script: &str, limits: Limits, limit_ms, expected_ms| {
        let mut wanted = server(&format!("{}/v1", paced.url(script)), Api::OpenAiChat);
        wanted.connections.limits = limits;
        let mut client = HttpClient::new(wanted, None).expect("descriptors");
        let began = monotonic_now();
        let got = ask_with(&mut client, &request(1, 5, limit_ms));
        assert_eq!(got.finish.outcome, Outcome::Timeout { limit_ms: expected_ms }, "{script}");
        let took_ms = monotonic_now().since(began) / 1_000_000;
        assert!(took_ms >= expected_ms && took_ms < expected_ms + 2_000, "{script}: {took_ms} ms");
    };
    check("silent=1", Limits { first_byte_ms: Some(60), ..LIMITS }, 5_000, 60);
    check("stall_at=2,stall_us=9000000,batch=1", Limits { next_byte_ms: Some(50), ..LIMITS }, 5_000, 50);
    check("stall_at=2,stall_us=9000000,batch=1", LIMITS, 80, 80);
}

#[test]
fn nobody_there_is_an_outcome() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let got = ask(&format!("http://{address}"), Api::OpenAiChat, 5);
    let detail = got.finish.outcome.detail().expect("a failure");
    assert!(detail.starts_with(&format!("cannot connect to {address}")), "{detail}");
}

#[test]
fn a_connection_is_kept_and_a_stale_one_replaced() {
    let paced = PacedServer::start().expect("a server");
    let mut client = HttpClient::new(server(&paced.url(""), Api::LlamaServer), None).expect("descriptors");
    for turn in 0..4 {
        let got = ask_with(&mut client, &request(1, 3, 5_000));
        assert_eq!(got.finish.outcome, Outcome::Ok);
        assert_eq!(got.exchange().is_reused, turn > 0);
    }
    assert_eq!(client.driver().health().n_connections, 1);

    // A server that says keep-alive and closes all the same.
    let answer: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"done\":true}";
    let address = play_raw(vec![vec![answer.to_vec()]; 2]);
    let mut client =
        HttpClient::new(server(&format!("http://{address}"), Api::OllamaChat), None).expect("descriptors");
    for _ in 0..2 {
        assert_eq!(ask_with(&mut client, &request(1, 3, 5_000)).finish.outcome, Outcome::Ok);
    }
    assert_eq!(client.driver().health().n_connections, 2);
}

/// A server that answers its n-th connection with the n-th list of pieces, whatever is asked, and closes it.
fn play_raw(answers: Vec<Vec<Vec<u8>>>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::Builder::new()
        .name("raw".to_owned())
        .spawn(move || {
            for pieces in answers {
                let (mut socket, _) = listener.accept().expect("a client");
                let n = socket.read(&mut [0; 4096]).expect("a request");
                assert!(n > 0, "a request");
                for piece in pieces {
                    if socket.write_all(&piece).is_err() {
                        break;
                    }
                }
            }
        })
        .expect("a thread");
    address
}

fn ask_raw(answer: &[u8], piece: usize) -> Got {
    let address = play_raw(vec![answer.chunks(piece).map(<[u8]>::to_vec).collect()]);
    ask(&format!("http://{address}/v1"), Api::OpenAiChat, 5)
}

#[test]
fn heads_in_pieces_and_bad_heads() {
    let good = concat!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"é\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
    );
    for piece in [1, 3, 10_000] {
        let got = ask_raw(good.as_bytes(), piece);
        assert_eq!((got.finish.outcome, got.text.as_str()), (Outcome::Ok, "é"), "pieces of {piece}");
    }
    let check = |answer: &[u8], part: &str| {
        let detail = ask_raw(answer, 8_192).finish.outcome.detail().unwrap_or_default();
        assert!(detail.contains(part), "{detail}");
    };
    check(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "no HTTP/1.1");
    check(b"", "before the head of the answer was complete");
    check(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello",
        "answered with text/html",
    );
    let endless = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 100 << 10]].concat();
    check(&endless, "its head is larger than 65536 bytes");
    check(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ndata:",
        "the server closed the connection after 5 bytes",
    );
    let refused = include_bytes!("fixtures/llama-server-context-exceeded.http");
    let at = refused.iter().position(|byte| *byte == b'\n').expect("a header line") + 1;
    check(&refused[at..], "HTTP 400: request (6031 tokens) exceeds the available context size");
}

#[test]
fn an_interrupt_cancels_what_is_under_way() {
    let paced = PacedServer::start().expect("a server");
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let wanted = server(&paced.url("silent=1"), Api::LlamaServer);
    let mut client = HttpClient::new(wanted, Some(Arc::clone(&interrupt))).expect("descriptors");
    interrupt.raise(Asked::Cancel);
    let got = ask_with(&mut client, &request(1, 3, 60_000));
    assert_eq!(got.finish.outcome, Outcome::Cancelled);
}

#[test]
fn many_requests_are_sent_when_they_are_due() {
    let paced = PacedServer::start().expect("a server");
    let wanted = server(&format!("{}/v1", paced.url("ttft_us=5000,gap_us=1000,n=8")), Api::OpenAiChat);
    let mut driver = Driver::new(wanted, None).expect("descriptors");
    driver.connect_ahead(3).expect("a server");
    let start = monotonic_now().plus(5_000_000);
    // Out of order: the due instants decide.
    for k in (0..40_u64).rev() {
        driver.submit(&request(k, 8, 5_000), Some(start.plus(k * 1_000_000))).expect("room");
    }
    let mut sent = Vec::new();
    let mut n_chunks = 0;
    let mut ended = Vec::new();
    while driver.n_in_flight() > 0 {
        let polled = driver
            .poll(monotonic_now().plus(1_000_000_000), &mut |_, step| match step {
                Step::Sent { at } => sent.push(at),
                Step::Chunk(_) => n_chunks += 1,
                Step::Ended(answered) => ended.push(*answered),
            })
            .expect("the loop works");
        assert_ne!(polled, Polled::Interrupted);
    }
    assert_eq!((sent.len(), n_chunks, ended.len()), (40, 320, 40));
    assert!(ended.iter().all(|one| one.finish.outcome.is_ok()));
    for one in &ended {
        let exchange = one.exchange.as_ref().expect("it went over a network");
        let (due, sent_at) = (exchange.due.expect("given"), exchange.sent_at.expect("sent"));
        assert!(sent_at >= due, "nothing is sent early");
    }
    let mut seeds: Vec<u64> = paced.take_played().iter().map(|one| one.seed).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, (0..40).collect::<Vec<_>>());
}

#[test]
fn a_server_can_be_asked_other_things() {
    let paced = PacedServer::start().expect("a server");
    let mut driver = Driver::new(server(&paced.url(""), Api::LlamaServer), None).expect("descriptors");
    let reply = driver.get("/health", 2_000, 1 << 16).expect("an answer");
    assert_eq!((reply.head.status, reply.body.as_slice()), (200, &b"{\"status\":\"ok\"}"[..]));
    assert!(driver.get("/health", 2_000, 3).is_err(), "the body is larger than what is taken");
}

const GOOD: &str = concat!(
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
);

#[test]
fn what_goes_wrong_with_some_stops_none_of_the_others() {
    let answers = [
        GOOD,
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "",
        GOOD,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999\r\n\r\ndata: {\"choi",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{\"error\":\"no memory\"}",
        GOOD,
    ];
    let address = play_raw(answers.iter().map(|text| vec![text.as_bytes().to_vec()]).collect());
    let mut wanted = server(&format!("http://{address}/v1"), Api::OpenAiChat);
    wanted.connections.reuse = Reuse::Fresh;
    let mut driver = Driver::new(wanted, None).expect("descriptors");
    let tickets: Vec<_> = (0..answers.len() as u64)
        .map(|k| driver.submit(&request(k, 5, 10_000), None).expect("room"))
        .collect();
    let mut words = vec![String::new(); tickets.len()];
    while driver.n_in_flight() > 0 {
        let mut on = |ticket, step: Step<'_>| {
            if let Step::Ended(answered) = step {
                let i = tickets.iter().position(|one| *one == ticket).expect("one of ours");
                words[i] = answered.finish.outcome.word().to_owned();
            }
        };
        driver.poll(monotonic_now().plus(1_000_000_000), &mut on).expect("the loop works");
    }
    assert_eq!(words, ["ok", "refused", "crashed", "crashed", "ok", "crashed", "refused", "ok"]);
}

#[test]
fn an_answer_without_an_end_is_given_up_at_half_a_gigabyte() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let talk = move || {
        let (mut socket, _) = listener.accept().expect("a client");
        let n = socket.read(&mut [0; 4096]).expect("a request");
        assert!(n > 0, "a request");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        let words = "word ".repeat(13_000);
        let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{words}\"}}}}]}}\n\n");
        let mut sent = 0_u64;
        let mut next = head;
        while socket.write_all(next.as_bytes()).is_ok() {
            sent += next.len() as u64;
            next = &event;
        }
        sent
    };
    let talk = std::thread::Builder::new().name("endless".to_owned()).spawn(talk).expect("a thread");
    let mut client =
        HttpClient::new(server(&format!("http://{address}/v1"), Api::OpenAiChat), None).expect("descriptors");
    let mut n_bytes = 0;
    let finish = client
        .generate(&request(1, 5, 120_000), &mut |chunk| n_bytes += chunk.text.len() as u64)
        .expect("the loop works");
    let detail = finish.outcome.detail().unwrap_or_default();
    assert!(detail.starts_with("its body is larger than 536870912 bytes"), "{detail}");
    assert!((500_000_000..536_870_912).contains(&n_bytes), "{n_bytes}");
    // What the server still had to say was not taken: what lies in the sockets' buffers is all.
    let sent = talk.join().expect("the server ended");
    assert!(sent < 536_870_912 + (64 << 20), "{sent}");
}

#[test]
fn a_client_that_leaves_the_paced_server_frees_its_slot() {
    let paced = PacedServer::start().expect("a server");
    let ask_raw = |script: &str| {
        let mut socket = std::net::TcpStream::connect(paced.address()).expect("it listens");
        let head = format!("POST /{script}/v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}");
        socket.write_all(head.as_bytes()).expect("it listens");
        socket
    };
    let hour = "ttft_us=3600000000,n=1,slots=1";
    let (served, waiting) = (ask_raw(hour), ask_raw(hour));
    drop(waiting);
    drop(served);
    let got = play(&paced, "n=1,slots=1");
    assert_eq!((got.finish.outcome, got.chunks.len()), (Outcome::Ok, 1));
}
