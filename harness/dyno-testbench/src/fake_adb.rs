//! A FAKE adb server for what the real parts cannot show: phones that are unauthorized, offline or not permitted,
//! phones of before Android 7 without shell v2, and phones that send garbage.
//!
//! It speaks the server's protocol (AOSP packages/modules/adb, OVERVIEW.TXT and SERVICES.TXT) and stands in front of
//! a real server: what concerns real phones is passed on to it, so an old phone here is a real adbd to which only
//! the newer services are refused. `track-devices` tells the list once. The error texts are those of AOSP's transport.cpp (34.0.5).

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::{AdbServer, BenchError};

/// A request is four hexadecimal digits and at most this many bytes.
const MAX_REQUEST: usize = 1 << 16;
const FEATURES_OF_OLD_PHONES: &str = "cmd";

/// What is wrong with a fake phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FakeState {
    /// Nobody has confirmed this computer's key on its screen.
    Unauthorized,
    /// The phone does not answer.
    Offline,
    /// The USB device may not be opened by this user.
    NoPermissions,
    /// Its recovery system is running.
    Recovery,
    /// It accepts every service, and sends endless bytes that mean nothing.
    Garbage,
    /// It accepts every service, and says nothing.
    Silent,
}

impl FakeState {
    fn in_list(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Offline => "offline",
            Self::NoPermissions => {
                "no permissions (missing udev rules? user is in the plugdev group); \
                 see [http://developer.android.com/tools/device.html]"
            }
            Self::Recovery => "recovery",
            Self::Garbage | Self::Silent => "device",
        }
    }

    fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => Some(
                "device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set\n\
                 Try 'adb kill-server' if that seems wrong.\n\
                 Otherwise check for a confirmation dialog on your device.",
            ),
            Self::Offline => Some("device offline"),
            Self::NoPermissions => Some(
                "insufficient permissions for device: missing udev rules? user is in the plugdev group\n\
                 See [http://developer.android.com/tools/device.html] for more information",
            ),
            Self::Recovery | Self::Garbage | Self::Silent => None,
        }
    }
}

/// A phone that only the fake server knows.
#[derive(Debug, Clone)]
pub struct FakePhone {
    /// What `adb devices` calls it.
    pub serial: String,
    /// What is wrong with it.
    pub state: FakeState,
}

/// A running fake server in front of a real one.
#[derive(Debug)]
pub struct FakeAdb {
    port: u16,
    stop: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Shared {
    phones: Vec<FakePhone>,
    upstream: Option<u16>,
    is_old: bool,
}

impl FakeAdb {
    /// Starts a server that knows these phones only.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(phones: Vec<FakePhone>) -> Result<Self, BenchError> {
        serve(Shared { phones, upstream: None, is_old: false })
    }

    /// Starts a server that knows these phones and those of a real server.
    ///
    /// # Errors
    /// When no port is free.
    pub fn in_front_of(server: &AdbServer, phones: Vec<FakePhone>) -> Result<Self, BenchError> {
        serve(Shared { phones, upstream: Some(server.port()), is_old: false })
    }

    /// Starts a server for which the real server's phones are of before Android 7: no shell v2, no newer sync.
    ///
    /// # Errors
    /// When no port is free.
    pub fn with_old_phones(server: &AdbServer) -> Result<Self, BenchError> {
        serve(Shared { phones: Vec::new(), upstream: Some(server.port()), is_old: true })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for FakeAdb {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Best effort: a last connection lets the listener see that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(shared: Shared) -> Result<FakeAdb, BenchError> {
    let bad = || BenchError::io("cannot listen on", "127.0.0.1");
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(bad())?;
    let port = listener.local_addr().map_err(bad())?.port();
    let stop = Arc::new(AtomicBool::new(false));
    let (shared, is_over) = (Arc::new(shared), Arc::clone(&stop));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            let (shared, is_over) = (Arc::clone(&shared), Arc::clone(&is_over));
            std::thread::spawn(move || {
                // Best effort: a client that goes away ends its own conversation only.
                let _ = talk(client, &shared, &is_over);
            });
        }
    });
    Ok(FakeAdb { port, stop })
}

/// One connection: `host:` requests, or one that picks a phone and then asks it for a service.
fn talk(mut client: TcpStream, shared: &Shared, is_over: &AtomicBool) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let request = read_request(&mut client)?;
    match request.as_str() {
        "host:version" => return okay_with(&mut client, "0029"),
        "host:devices" | "host:devices-l" => return okay_with(&mut client, &list(shared, &request)?),
        "host:track-devices" | "host:track-devices-l" => {
            let plain = request.replace("track-", "");
            okay_with(&mut client, &list(shared, &plain)?)?;
            return wait_until_gone(&mut client);
        }
        _ => {}
    }
    if let Some(phone) = shared.phones.iter().find(|phone| names(&request, &phone.serial)) {
        return play(client, phone, &request, is_over);
    }
    if shared.is_old && (request == "host:features" || request.ends_with(":features")) {
        return okay_with(&mut client, FEATURES_OF_OLD_PHONES);
    }
    let Some(upstream) = shared.upstream else {
        let serial = request.rsplit(':').next().unwrap_or_default();
        return fail(&mut client, &format!("device '{serial}' not found"));
    };
    pass_on(client, upstream, &request, shared.is_old)
}

/// Whether a request is about this phone; a serial may hold colons itself.
fn names(request: &str, serial: &str) -> bool {
    let about = ["host:transport:", "host:tport:serial:"]
        .iter()
        .any(|head| request.strip_prefix(head).is_some_and(|rest| rest == serial));
    about || request.strip_prefix(&format!("host-serial:{serial}:")).is_some()
}

fn play(
    mut client: TcpStream,
    phone: &FakePhone,
    request: &str,
    is_over: &AtomicBool,
) -> std::io::Result<()> {
    if request.ends_with(":get-state") && phone.state.refusal().is_none() {
        return okay_with(&mut client, phone.state.in_list());
    }
    if let Some(refusal) = phone.state.refusal() {
        return fail(&mut client, refusal);
    }
    if request.ends_with(":features") {
        return okay_with(&mut client, "shell_v2,cmd,stat_v2");
    }
    client.write_all(b"OKAY")?;
    if request.starts_with("host:tport:") {
        client.write_all(&1_u64.to_le_bytes())?;
    }
    read_request(&mut client)?;
    match phone.state {
        FakeState::Garbage => {
            client.write_all(b"OKAY")?;
            let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            while !is_over.load(Ordering::Relaxed) {
                client.write_all(&noise)?;
            }
            Ok(())
        }
        FakeState::Silent => {
            client.write_all(b"OKAY")?;
            wait_until_gone(&mut client)
        }
        FakeState::Recovery => fail(&mut client, "closed"),
        FakeState::Unauthorized | FakeState::Offline | FakeState::NoPermissions => Ok(()),
    }
}

/// Passes a request and all that follows to the real server; an old phone closes services that it does not know.
fn pass_on(mut client: TcpStream, upstream: u16, request: &str, is_old: bool) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
    write_request(&mut server, request)?;
    let picks_phone = request.starts_with("host:transport") || request.starts_with("host:tport");
    if is_old && picks_phone {
        let mut answer = vec![0; if request.starts_with("host:tport") { 12 } else { 4 }];
        server.read_exact(&mut answer[..4])?;
        if &answer[..4] == b"OKAY" {
            server.read_exact(&mut answer[4..])?;
            client.write_all(&answer)?;
            let service = read_request(&mut client)?;
            if service.starts_with("shell,") || service.starts_with("abb") {
                return fail(&mut client, "closed");
            }
            write_request(&mut server, &service)?;
        } else {
            client.write_all(&answer[..4])?;
        }
    }
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let up = std::thread::spawn(move || {
        // Best effort on both ways: the end of one side is passed on as an end.
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}

fn list(shared: &Shared, request: &str) -> std::io::Result<String> {
    let mut text = String::new();
    for (idx, phone) in shared.phones.iter().enumerate() {
        let state = phone.state.in_list();
        if request.ends_with("-l") {
            // The columns of AOSP's append_transport().
            let _ = writeln!(text, "{:<22} {state} transport_id:{}", phone.serial, 1000 + idx);
        } else {
            let _ = writeln!(text, "{}\t{state}", phone.serial);
        }
    }
    if let Some(upstream) = shared.upstream {
        let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
        write_request(&mut server, request)?;
        let mut status = [0; 4];
        server.read_exact(&mut status)?;
        text += &read_request(&mut server)?;
    }
    Ok(text)
}

fn read_request(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut digits = [0; 4];
    stream.read_exact(&mut digits)?;
    let bad = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let text = std::str::from_utf8(&digits).map_err(std::io::Error::other)?;
    let length = usize::from_str_radix(text, 16).map_err(std::io::Error::other)?;
    if length > MAX_REQUEST {
        return Err(bad());
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(std::io::Error::other)
}

fn write_request(stream: &mut TcpStream, request: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:04x}{request}", request.len()).as_bytes())
}

fn okay_with(client: &mut TcpStream, text: &str) -> std::io::Result<()> {
    client.write_all(b"OKAY")?;
    write_request(client, text)
}

fn fail(client: &mut TcpStream, reason: &str) -> std::io::Result<()> {
    client.write_all(b"FAIL")?;
    write_request(client, reason)
}

fn wait_until_gone(client: &mut TcpStream) -> std::io::Result<()> {
    client.set_read_timeout(Some(Duration::from_mins(10)))?;
    std::io::copy(client, &mut std::io::sink()).map(|_| ())
}
