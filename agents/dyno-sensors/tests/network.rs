//! Sockets of this very process and of its children, as they are watched.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};

use dyno_model::network::{NetworkWatch, Reach, SocketSeen};
use dyno_sensors::SocketWatch;

/// One look at least is taken, however soon it ends.
fn watched(pid: u32) -> NetworkWatch {
    SocketWatch::start(pid).stop()
}

fn at_port(watch: &NetworkWatch, port: u16) -> Vec<&SocketSeen> {
    let has = |address: &Option<String>| address.as_ref().is_some_and(|at| at.ends_with(&format!(":{port}")));
    watch.sockets.iter().filter(|socket| has(&socket.local) || has(&socket.remote)).collect()
}

#[test]
fn what_stays_on_loopback_is_not_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let near = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let far = listener.accept().expect("somebody has connected");
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
    let datagram_port = datagrams.local_addr().expect("it is bound").port();
    let watch = watched(std::process::id());
    assert_eq!((at_port(&watch, port), at_port(&watch, datagram_port)), (Vec::new(), Vec::new()));
    assert!(watch.n_looks >= 1 && watch.n_processes >= 1 && watch.unwatched.is_empty(), "{watch:?}");
    assert!(watch.counted.is_some_and(|counted| counted.is_shared && counted.tcp_opens.is_some()));
    drop((near, far));
}

#[test]
fn what_others_can_reach_is_told_apart_from_what_leads_there() {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let datagrams = UdpSocket::bind("0.0.0.0:0").expect("a free port");
    let datagram_port = datagrams.local_addr().expect("it is bound").port();
    let watch = watched(std::process::id());
    let (open, free) = (at_port(&watch, port), at_port(&watch, datagram_port));
    assert_eq!(open.iter().map(|of| of.reach).collect::<Vec<_>>(), [Reach::Listening], "{watch:?}");
    assert_eq!(free.iter().map(|of| of.reach).collect::<Vec<_>>(), [Reach::Anywhere], "{watch:?}");
    let own = std::fs::read_to_string("/proc/self/comm").expect("our own name");
    assert_eq!((open[0].protocol.as_str(), open[0].pid), ("TCP", std::process::id()));
    assert_eq!((free[0].protocol.as_str(), free[0].program.as_str()), ("UDP", own.trim()));
    assert!(!open.iter().chain(&free).any(|of| of.reach.is_beyond()), "neither leads anywhere yet");
}

#[test]
fn sockets_of_version_six_are_read_too() {
    let Ok(listener) = TcpListener::bind("[::]:0") else { return };
    let port = listener.local_addr().expect("it is bound").port();
    let watch = watched(std::process::id());
    let open = at_port(&watch, port);
    assert_eq!(
        open.iter().map(|of| (of.reach, of.protocol.as_str())).collect::<Vec<_>>(),
        [(Reach::Listening, "TCPv6")]
    );
}

#[test]
fn children_are_watched_with_their_parents() {
    let mut shell = Command::new("sh")
        .args(["-c", "exec 3<&0; cat <&3 & echo up; wait"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("every system has a shell");
    let mut said = String::new();
    let stdout = shell.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut said).expect("it says that its child is there");
    let watch = watched(shell.id());
    drop(shell.stdin.take());
    shell.wait().expect("it ends with its child, which ends with its input");
    assert_eq!(watch.n_processes, 2, "{watch:?}");
    assert_eq!((watch.sockets.len(), watch.unwatched.len()), (0, 0), "{watch:?}");
}

#[test]
fn who_is_not_there_is_told_as_not_watched() {
    let watch = watched(u32::MAX - 1);
    assert!(watch.unwatched.iter().any(|of| of.pid == Some(u32::MAX - 1)), "{watch:?}");
    assert!(watch.doubt().is_some());
}
