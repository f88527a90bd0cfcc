//! The relay against a server with a certificate of a test's own authority.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use dyno_testbench::{Authority, Certified};
use dyno_transport::tls::{TlsError, TlsRelay, Trust};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const LIMIT: Duration = Duration::from_secs(20);
const QUESTION: &[u8] = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n";

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A server of one kind of answer; it says the name that it was asked by, and the protocol.
fn serve(certified: &Certified, answer: impl Fn(&mut Stream) + Send + Sync + 'static) -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(&certified.certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&certified.key).expect("a key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they belong together");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    let accept = move || {
        for socket in listener.incoming() {
            let socket = socket.expect("a client");
            socket.set_read_timeout(Some(LIMIT)).expect("a timeout");
            let tls = ServerConnection::new(Arc::clone(&config)).expect("a server");
            let (mut stream, answer) = (StreamOwned::new(tls, socket), Arc::clone(&answer));
            std::thread::Builder::new()
                .name("tls-server".to_owned())
                .spawn(move || answer(&mut stream))
                .expect("a thread");
        }
    };
    std::thread::Builder::new().name("tls-accept".to_owned()).spawn(accept).expect("a thread");
    address
}

fn take_question(stream: &mut Stream) -> bool {
    let mut question = vec![0; QUESTION.len()];
    stream.read_exact(&mut question).is_ok_and(|()| question == QUESTION)
}

fn relay(port: u16, host: &str, authority: &Authority) -> TlsRelay {
    let trust = Trust::Authorities(authority.pem().expect("its file"));
    TlsRelay::start(host, port, &trust).expect("a relay")
}

/// All that comes back for the question.
fn ask(relay: &TlsRelay) -> String {
    let mut client = connect(relay);
    client.write_all(QUESTION).expect("the relay takes it");
    let mut text = String::new();
    client.read_to_string(&mut text).expect("an answer and its end");
    text
}

fn connect(relay: &TlsRelay) -> TcpStream {
    let client = TcpStream::connect(relay.address()).expect("the relay listens");
    client.set_read_timeout(Some(LIMIT)).expect("a timeout");
    client
}

fn localhost() -> (Authority, Certified) {
    let authority = Authority::new().expect("OpenSSL");
    let certified = authority.certify("DNS:localhost").expect("a certificate");
    (authority, certified)
}

#[test]
fn a_verified_server_is_asked_by_its_name_and_in_http_1() {
    let (authority, certified) = localhost();
    let address = serve(&certified, |stream| {
        assert!(take_question(stream));
        let name = stream.conn.server_name().unwrap_or_default().to_owned();
        let protocol = String::from_utf8_lossy(stream.conn.alpn_protocol().unwrap_or_default()).into_owned();
        write!(stream, "HTTP/1.1 200 OK\r\n\r\n{name} {protocol}").expect("it is taken");
        stream.conn.send_close_notify();
        stream.flush().expect("it is sent");
    });
    let relay = relay(address.port(), "localhost", &authority);
    assert_eq!(ask(&relay), "HTTP/1.1 200 OK\r\n\r\nlocalhost http/1.1");
    // Every client has a connection of its own.
    assert_eq!(ask(&relay), "HTTP/1.1 200 OK\r\n\r\nlocalhost http/1.1");
}

#[test]
fn pieces_arrive_when_they_are_sent_and_a_connection_is_kept() {
    let (authority, certified) = localhost();
    let (go, went) = std::sync::mpsc::channel::<()>();
    let went = std::sync::Mutex::new(went);
    let address = serve(&certified, move |stream| {
        while take_question(stream) {
            for piece in ["one", "two"] {
                stream.write_all(piece.as_bytes()).and_then(|()| stream.flush()).expect("it is taken");
                went.lock().expect("one at a time").recv().expect("the client goes on");
            }
        }
    });
    let relay = relay(address.port(), "localhost", &authority);
    let mut client = connect(&relay);
    for _ in 0..2 {
        client.write_all(QUESTION).expect("the relay takes it");
        for expected in [b"one", b"two"] {
            let mut piece = [0; 3];
            // The next piece is sent only when this one has arrived: nothing is held back.
            client.read_exact(&mut piece).expect("a piece");
            assert_eq!(&piece, expected);
            go.send(()).expect("the server waits");
        }
    }
}

#[test]
fn megabytes_go_both_ways_and_a_slow_reader_loses_nothing() {
    const N: usize = 8 << 20;
    let (authority, certified) = localhost();
    let address = serve(&certified, |stream| {
        let mut sent = vec![0; N];
        stream.read_exact(&mut sent).expect("all of it");
        assert!(sent.iter().enumerate().all(|(i, byte)| *byte == i as u8));
        stream.write_all(&sent).and_then(|()| stream.flush()).expect("it is taken");
    });
    let relay = relay(address.port(), "localhost", &authority);
    let mut client = connect(&relay);
    let bytes: Vec<u8> = (0..N).map(|i| i as u8).collect();
    client.write_all(&bytes).expect("the relay takes it");
    let mut back = vec![0; N];
    let (first, rest) = back.split_at_mut(1000);
    client.read_exact(first).expect("the beginning");
    // The relay's buffers fill up meanwhile.
    std::thread::sleep(Duration::from_millis(100));
    client.read_exact(rest).expect("the rest");
    assert!(back == bytes);
}

#[test]
fn who_is_not_vouched_for_is_not_talked_to() {
    let (authority, certified) = localhost();
    let stranger = Authority::new().expect("OpenSSL");
    let asked = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let address = serve(&certified, move |stream| {
        seen.fetch_or(take_question(stream), std::sync::atomic::Ordering::SeqCst);
    });
    let check = |relay: &TlsRelay, part: &str| {
        let said = ask(relay);
        assert!(said.starts_with("HTTP/1.1 500 "), "{said}");
        assert!(said.contains("edgedyno's TLS relay: cannot reach ") && said.contains(part), "{said}");
    };
    check(&relay(address.port(), "localhost", &stranger), "UnknownIssuer");
    // The certificate is for another name.
    check(&relay(address.port(), "127.0.0.1", &authority), "not valid for");
    // This machine's own authorities do not know it either.
    let system = TlsRelay::start("localhost", address.port(), &Trust::System).expect("a relay");
    check(&system, "over TLS: ");
    assert!(!asked.load(std::sync::atomic::Ordering::SeqCst), "nothing was sent to it");
}

#[test]
fn what_speaks_no_tls_and_what_is_not_there_is_told() {
    let authority = Authority::new().expect("OpenSSL");
    let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = plain.local_addr().expect("an address").port();
    let answer = std::thread::spawn(move || {
        let (mut socket, _) = plain.accept().expect("a client");
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("it is taken");
        let mut rest = Vec::new();
        // The client gives up.
        drop(socket.read_to_end(&mut rest));
    });
    let said = ask(&relay(port, "localhost", &authority));
    assert!(said.starts_with("HTTP/1.1 500 ") && said.contains("over TLS: "), "{said}");
    answer.join().expect("the server ended");

    let said = ask(&relay(port, "localhost", &authority));
    assert!(said.contains("Connection refused"), "{said}");
    let said = ask(&relay(443, "server.invalid", &authority));
    assert!(said.contains("cannot reach server.invalid:443 over TLS: "), "{said}");
    let error = TlsRelay::start("not a name", 443, &Trust::System).expect_err("no name");
    assert!(matches!(error, TlsError::Name { .. }), "{error}");
}

#[test]
fn a_server_that_goes_in_the_middle_ends_the_clients_connection() {
    let (authority, certified) = localhost();
    let address = serve(&certified, |stream| {
        assert!(take_question(stream));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").expect("it is taken");
        stream.flush().expect("it is sent");
        // Without a word: no alert of TLS.
        stream.sock.shutdown(std::net::Shutdown::Both).expect("it was open");
    });
    let said = ask(&relay(address.port(), "localhost", &authority));
    assert_eq!(said, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
}

#[test]
fn a_dropped_relay_listens_no_more() {
    let (authority, certified) = localhost();
    let address = serve(&certified, |stream| {
        let _ = take_question(stream);
    });
    let relay = relay(address.port(), "localhost", &authority);
    let at = relay.address();
    drop(relay);
    let is_gone = || TcpStream::connect(at).is_err();
    let begun = std::time::Instant::now();
    while !is_gone() {
        assert!(begun.elapsed() < LIMIT, "it still listens");
        std::thread::sleep(Duration::from_millis(5));
    }
}
