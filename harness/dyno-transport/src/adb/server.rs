//! The adb server: where it is, and how to start it.

use std::fmt;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::adb::error::AdbError;
use crate::adb::limits::Limits;
use crate::adb::wire::{NotGranted, Patience, Wire};
use crate::output::printable;
use crate::process::LocalProcess;
use crate::transport::RemoteProcess as _;

/// Where adb's own client looks for its server.
const HOST: &str = "127.0.0.1";
const PORT: u16 = 5037;
const SOCKET_VARIABLE: &str = "ADB_SERVER_SOCKET";
const ADDRESS_VARIABLE: &str = "ANDROID_ADB_SERVER_ADDRESS";
const PORT_VARIABLE: &str = "ANDROID_ADB_SERVER_PORT";

/// The address of an adb server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    host: String,
    port: u16,
}

impl Server {
    /// The one at this host and port.
    pub fn at(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }

    /// The one that the `adb` program would use: ADB_SERVER_SOCKET (`tcp:PORT` or `tcp:HOST:PORT`), else
    /// ANDROID_ADB_SERVER_ADDRESS and ANDROID_ADB_SERVER_PORT, else port 5037 of this machine.
    ///
    /// # Errors
    /// [`AdbError::Address`]: the user must correct a variable.
    pub fn from_env() -> Result<Self, AdbError> {
        Self::from_variables(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, AdbError> {
        if let Some(value) = variable(SOCKET_VARIABLE) {
            let socket = value.strip_prefix("tcp:").and_then(Self::from_socket);
            return socket.ok_or_else(|| AdbError::Address {
                variable: SOCKET_VARIABLE,
                value: printable(value.as_bytes()),
            });
        }
        let host = variable(ADDRESS_VARIABLE).unwrap_or_else(|| HOST.to_owned());
        let port = match variable(PORT_VARIABLE) {
            None => PORT,
            Some(value) => value.parse().map_err(|_not_a_number| AdbError::Address {
                variable: PORT_VARIABLE,
                value: printable(value.as_bytes()),
            })?,
        };
        Ok(Self { host, port })
    }

    fn from_socket(socket: &str) -> Option<Self> {
        let (host, port) = socket.rsplit_once(':').unwrap_or((HOST, socket));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }

    fn is_here(&self) -> bool {
        ["127.0.0.1", "localhost", "::1"].contains(&self.host.as_str())
    }

    /// Sends one request that the server answers by itself, and gives its text.
    pub(super) fn ask(&self, service: &str, limits: &Limits, until: Instant) -> Result<String, AdbError> {
        let mut wire = self.connect(limits)?;
        wire.set_patience(Patience::Until(until));
        let answer = wire.request(service).and_then(|()| wire.text());
        answer.map_err(|error| self.not_granted(service, error))
    }

    /// A connection to the server, which is started if it is to be on this machine and nothing answers.
    pub(super) fn connect(&self, limits: &Limits) -> Result<Wire, AdbError> {
        match self.try_connect(limits) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && self.is_here() => {
                self.start(limits)?;
                self.try_connect(limits)
            }
            tried => tried,
        }
        .map_err(|source| self.no_server(source))
    }

    pub(super) fn not_granted(&self, service: &str, error: NotGranted) -> AdbError {
        match error {
            NotGranted::Refused(said) => AdbError::Refused {
                server: self.to_string(),
                service: printable(service.as_bytes()),
                said: printable(said.as_bytes()),
            },
            NotGranted::Strange(bytes) => {
                AdbError::NotAdb { server: self.to_string(), said: printable(&bytes) }
            }
            NotGranted::Broken(source) => self.no_server(source),
        }
    }

    fn no_server(&self, source: io::Error) -> AdbError {
        AdbError::NoServer { server: self.to_string(), source }
    }

    fn try_connect(&self, limits: &Limits) -> io::Result<Wire> {
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, limits.server) {
                Ok(stream) => return Wire::new(stream, Patience::Each(limits.server)),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Starts a server, unless another thread has done so meanwhile.
    fn start(&self, limits: &Limits) -> Result<(), AdbError> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if self.try_connect(limits).is_ok() {
            return Ok(());
        }
        let until = Instant::now() + limits.start;
        let said = self.run_adb(until)?;
        while Instant::now() < until {
            if self.try_connect(limits).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(AdbError::NotStarted { server: self.to_string(), said })
    }

    /// Runs `adb -P PORT start-server`; gives its last words.
    fn run_adb(&self, until: Instant) -> Result<String, AdbError> {
        let mut last = io::ErrorKind::NotFound.into();
        for program in adb_programs() {
            let mut command = Command::new(program);
            command.args(["-P", &self.port.to_string(), "start-server"]);
            match LocalProcess::start("this machine", &mut command, None) {
                Ok(mut process) => {
                    let left = until.saturating_duration_since(Instant::now());
                    let ended = process.wait(left);
                    let said = process.stderr_tail();
                    return match ended {
                        Ok(Some(_)) => Ok(said),
                        Ok(None) | Err(_) => Err(AdbError::NotStarted { server: self.to_string(), said }),
                    };
                }
                Err(error) => last = error,
            }
        }
        Err(match last.kind() {
            io::ErrorKind::NotFound => AdbError::NotInstalled { server: self.to_string() },
            _ => self.no_server(last),
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Where the `adb` program may be: in PATH, or in an SDK that the environment names.
fn adb_programs() -> impl Iterator<Item = PathBuf> {
    let sdk = ["ANDROID_HOME", "ANDROID_SDK_ROOT"].into_iter().filter_map(std::env::var_os);
    std::iter::once(PathBuf::from("adb")).chain(sdk.map(|dir| Path::new(&dir).join("platform-tools/adb")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_server() {
        let check = |variables: &[(&str, &str)], expected: Option<&str>| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let server = Server::from_variables(&variable).ok().map(|server| server.to_string());
            assert_eq!(server.as_deref(), expected, "{variables:?}");
        };
        check(&[], Some("127.0.0.1:5037"));
        check(&[("ANDROID_ADB_SERVER_PORT", "5838")], Some("127.0.0.1:5838"));
        check(&[("ANDROID_ADB_SERVER_ADDRESS", "lab"), ("ANDROID_ADB_SERVER_PORT", "1")], Some("lab:1"));
        check(&[("ADB_SERVER_SOCKET", "tcp:5038"), ("ANDROID_ADB_SERVER_PORT", "1")], Some("127.0.0.1:5038"));
        check(&[("ADB_SERVER_SOCKET", "tcp:lab.lan:5038")], Some("lab.lan:5038"));
        check(&[("ADB_SERVER_SOCKET", "tcp:[::1]:5038")], Some("[::1]:5038"));
        check(&[("ADB_SERVER_SOCKET", "localfilesystem:/run/adb")], None);
        check(&[("ADB_SERVER_SOCKET", "tcp:70000")], None);
        check(&[("ANDROID_ADB_SERVER_PORT", "x")], None);
    }
}
