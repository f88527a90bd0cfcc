//! Pulls from a server on this machine, which breaks off, lies and refuses.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use dyno_artifacts::{Conditions, PullError, Schemes, StoreError};
use dyno_model::digest::Digest;
use dyno_model::plan::ModelSource;

use crate::bench::{Bench, Log, NoQuantizer, model_bytes, only_failure, published};

/// Answers the requests one after the other, each on a connection of its own; gives back their heads.
pub(crate) struct Server {
    url: String,
    heads: JoinHandle<Vec<String>>,
}

impl Server {
    pub(crate) fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/m.gguf", listener.local_addr().expect("it is bound"));
        let heads = thread::spawn(move || answers.iter().map(|answer| serve(&listener, answer)).collect());
        Self { url, heads }
    }

    pub(crate) fn source(&self) -> ModelSource {
        ModelSource::Https { url: self.url.clone() }
    }

    pub(crate) fn heads(self) -> Vec<String> {
        self.heads.join().expect("the server does not panic")
    }
}

fn serve(listener: &TcpListener, answer: &[u8]) -> String {
    let (mut stream, _) = listener.accept().expect("a client");
    let head = read_head(&mut stream);
    // The client may have hung up before the end, which some tests want.
    drop(stream.write_all(answer));
    head
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("a request") == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is text").to_lowercase()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n").as_bytes(), body].concat()
}

pub(crate) fn whole(bytes: &[u8]) -> Vec<u8> {
    answer("200 OK", &format!("content-length: {}\r\n", bytes.len()), bytes)
}

/// The whole file is promised, but only so many bytes of it come.
fn cut(bytes: &[u8], n: usize) -> Vec<u8> {
    answer("200 OK", &format!("content-length: {}\r\n", bytes.len()), &bytes[..n])
}

fn rest(bytes: &[u8], from: usize) -> Vec<u8> {
    let (end, total) = (bytes.len() - 1, bytes.len());
    let headers =
        format!("content-length: {}\r\ncontent-range: bytes {from}-{end}/{total}\r\n", total - from);
    answer("206 Partial Content", &headers, &bytes[from..])
}

fn part_of(bench: &Bench, bytes: &[u8]) -> std::path::PathBuf {
    bench.dir.path().join(format!("cache/partial/{}.part", Digest::of(bytes)))
}

#[test]
fn a_whole_file_comes_in_one_answer() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let server = Server::start(vec![whole(&bytes)]);
    let pulled = bench.pull(&published(&bytes, vec![server.source()])).expect("the server is good");
    assert_eq!(fs::read(pulled.path).expect("the model"), bytes);
    assert_eq!(pulled.source, server.url);
    let heads = server.heads();
    assert!(heads[0].starts_with("get /m.gguf http/1.1") && !heads[0].contains("range:"), "{}", heads[0]);
    assert_eq!(bench.files().len(), 2);
}

#[test]
fn a_redirect_is_followed() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let target = Server::start(vec![whole(&bytes)]);
    let moved = answer("302 Found", &format!("location: {}\r\ncontent-length: 0\r\n", target.url), b"");
    let server = Server::start(vec![moved]);
    bench.pull(&published(&bytes, vec![server.source()])).expect("the target is good");
    assert_eq!((server.heads().len(), target.heads().len()), (1, 1));
}

#[test]
fn a_broken_connection_is_resumed_where_it_broke() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let server = Server::start(vec![cut(&bytes, 1_234_567), rest(&bytes, 1_234_567)]);
    let pulled =
        bench.pull(&published(&bytes, vec![server.source()])).expect("the second answer is the rest");
    assert_eq!(fs::read(pulled.path).expect("the model"), bytes);
    assert!(server.heads()[1].contains("range: bytes=1234567-"));
}

#[test]
fn what_an_earlier_process_left_is_resumed() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    fs::write(part_of(&bench, &bytes), &bytes[..2_000_000]).expect("writable");
    let server = Server::start(vec![rest(&bytes, 2_000_000)]);
    bench.pull(&published(&bytes, vec![server.source()])).expect("the rest fits");
    assert!(server.heads()[0].contains("range: bytes=2000000-"));
}

#[test]
fn a_server_without_ranges_starts_again() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    fs::write(part_of(&bench, &bytes), &bytes[..2_000_000]).expect("writable");
    let server = Server::start(vec![whole(&bytes)]);
    let pulled = bench.pull(&published(&bytes, vec![server.source()])).expect("the whole file fits");
    assert_eq!(fs::read(pulled.path).expect("the model"), bytes);
}

#[test]
fn bytes_of_another_file_are_thrown_away_and_fetched_again() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    fs::write(part_of(&bench, &bytes), vec![7; 2_000_000]).expect("writable");
    let server = Server::start(vec![rest(&bytes, 2_000_000), whole(&bytes)]);
    let pulled = bench.pull(&published(&bytes, vec![server.source()])).expect("the second answer is whole");
    assert_eq!(fs::read(pulled.path).expect("the model"), bytes);
    assert!(!server.heads()[1].contains("range:"));
}

#[test]
fn a_part_that_is_already_whole_needs_no_server() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    fs::write(part_of(&bench, &bytes), &bytes).expect("writable");
    let url = "http://127.0.0.1:9/m".to_owned();
    bench.pull(&published(&bytes, vec![ModelSource::Https { url }])).expect("all bytes are there");
}

#[test]
fn a_connection_that_brings_nothing_more_fails_and_keeps_the_bytes() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let nothing = answer(
        "206 Partial Content",
        &format!("content-length: 1\r\ncontent-range: bytes 500000-{}/{}\r\n", bytes.len() - 1, bytes.len()),
        b"",
    );
    let nothing = String::from_utf8(nothing)
        .expect("a head")
        .replace("content-length: 1\r\n", &format!("content-length: {}\r\n", bytes.len() - 500_000));
    let server = Server::start(vec![cut(&bytes, 500_000), nothing.into_bytes()]);
    let words = only_failure(bench.pull(&published(&bytes, vec![server.source()])));
    assert_eq!(words, format!("the connection broke after 500000 of {} bytes", bytes.len()));
    assert_eq!(fs::read(part_of(&bench, &bytes)).expect("kept"), &bytes[..500_000]);
    assert_eq!(bench.files(), [format!("partial/{}.part", Digest::of(&bytes))]);
}

#[test]
fn a_body_of_another_digest_does_not_enter() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let other = vec![1; bytes.len()];
    let server = Server::start(vec![whole(&other)]);
    let words = only_failure(bench.pull(&published(&bytes, vec![server.source()])));
    assert_eq!(words, format!("sha256 {} instead of {}", Digest::of(&other), Digest::of(&bytes)));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_body_of_another_length_is_refused_at_once() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let server = Server::start(vec![whole(&bytes[..1000])]);
    let words = only_failure(bench.pull(&published(&bytes, vec![server.source()])));
    assert_eq!(words, format!("1000 bytes instead of {}", bytes.len()));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn an_endless_body_is_cut_at_the_size_that_is_expected() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let mut endless = bytes.clone();
    endless.extend([0; 100]);
    // Without a length, the body ends with the connection.
    let server = Server::start(vec![answer("200 OK", "", &endless)]);
    let words = only_failure(bench.pull(&published(&bytes, vec![server.source()])));
    assert!(words.ends_with(&format!("bytes instead of {}", bytes.len())), "{words}");
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_refusal_is_told_with_its_status() {
    let check = |status: &str, expected: &str| {
        let (bench, bytes) = (Bench::new(), model_bytes());
        let server = Server::start(vec![answer(status, "content-length: 2\r\n", b"no")]);
        assert_eq!(only_failure(bench.pull(&published(&bytes, vec![server.source()]))), expected);
        assert_eq!(bench.files().iter().filter(|file| file.starts_with("models")).count(), 0);
    };
    check("404 Not Found", "the server answers with status 404");
    check("403 Forbidden", "the server answers with status 403");
    check("503 Service Unavailable", "the server answers with status 503");
}

#[test]
fn a_plain_address_is_not_fetched_unless_the_settings_say_so() {
    let bench = Bench::with(|settings| settings.schemes = Schemes::Https);
    let model = published(b"x", vec![ModelSource::Https { url: "http://127.0.0.1:9/m".to_owned() }]);
    assert_eq!(only_failure(bench.pull(&model)), "only https addresses are fetched");
}

#[test]
fn a_stopped_download_keeps_its_bytes_and_goes_on_later() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    let first = Server::start(vec![whole(&bytes)]);
    let mut log = Log { stop_after_bytes: Some(1), ..Log::default() };
    let model = published(&bytes, vec![first.source()]);
    let error = bench
        .store
        .pull("m", &model, &Conditions::default(), &mut NoQuantizer, &mut log)
        .expect_err("stopped");
    assert!(matches!(error, PullError::Store(StoreError::Cancelled)));
    drop(first.heads());
    let kept = fs::metadata(part_of(&bench, &bytes)).expect("kept").len() as usize;
    assert!(kept > 0 && kept < bytes.len());
    let second = Server::start(vec![rest(&bytes, kept)]);
    bench.pull(&published(&bytes, vec![second.source()])).expect("the rest fits");
    assert!(second.heads()[0].contains(&format!("range: bytes={kept}-")));
}
