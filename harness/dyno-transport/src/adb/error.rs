//! What the adb server or a device on it refuses.

use std::io;

use dyno_model::blame::{Blame, Classify};

use crate::adb::listed::AdbState;

/// No adb server, no such device, or one that is not ready.
#[derive(Debug, thiserror::Error)]
pub enum AdbError {
    /// The environment names a server in a way that is not understood.
    #[error("`{value}` in {variable} is no address of an adb server")]
    Address {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// Nothing answers, and there is no `adb` program to start a server with.
    #[error("no adb server answers at {server}, and there is no adb program to start one")]
    NotInstalled {
        /// Where it should be.
        server: String,
    },
    /// `adb start-server` did not do it.
    #[error("`adb start-server` started none at {server}; it said `{said}`")]
    NotStarted {
        /// Where it should be.
        server: String,
        /// Its last words.
        said: String,
    },
    /// Nothing answers.
    #[error("no adb server answers at {server}")]
    NoServer {
        /// Where it should be.
        server: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something else listens there.
    #[error("what listens at {server} is no adb server; it said `{said}`")]
    NotAdb {
        /// Where.
        server: String,
        /// Its first bytes.
        said: String,
    },
    /// The server refuses a request that every server knows.
    #[error("the adb server at {server} refuses `{service}`: {said}")]
    Refused {
        /// Where.
        server: String,
        /// The request.
        service: String,
        /// Its words.
        said: String,
    },
    /// No device of that serial.
    #[error("adb knows no device `{serial}` for {device}; it lists {listed}")]
    NotFound {
        /// The device's name here.
        device: String,
        /// The serial.
        serial: String,
        /// What is there.
        listed: String,
    },
    /// Nothing on USB.
    #[error("no device is on USB for {device}; adb lists {listed}")]
    NoneOnUsb {
        /// The device's name here.
        device: String,
        /// What is there.
        listed: String,
    },
    /// `usb` does not say which.
    #[error("several devices are on USB for {device}: {listed}")]
    SeveralOnUsb {
        /// The device's name here.
        device: String,
        /// Those on USB.
        listed: String,
    },
    /// The device is there, but does not work for us.
    #[error("{device} (adb serial {serial}) is {state}")]
    NotReady {
        /// The device's name here.
        device: String,
        /// Its serial.
        serial: String,
        /// Its state.
        state: AdbState,
    },
    /// The server cannot connect to a device on the network.
    #[error("adb cannot connect to {address} for {device}: {said}")]
    NotConnected {
        /// The device's name here.
        device: String,
        /// Its address.
        address: String,
        /// The server's words.
        said: String,
    },
    /// The device refuses to do something that adb can ask for.
    #[error("adb on {device} refused while {doing}: {said}")]
    Declined {
        /// The device's name here.
        device: String,
        /// `starting a program`, `sending a file`.
        doing: &'static str,
        /// Its words.
        said: String,
    },
    /// The device speaks nonsense.
    #[error("{device} broke adb's protocol while {doing}: {detail}")]
    Garbled {
        /// The device's name here.
        device: String,
        /// What was going on.
        doing: &'static str,
        /// What is wrong.
        detail: String,
    },
}

impl Classify for AdbError {
    fn blame(&self) -> Blame {
        match self {
            Self::Address { .. } | Self::SeveralOnUsb { .. } => Blame::User,
            Self::NotInstalled { .. }
            | Self::NotStarted { .. }
            | Self::NoServer { .. }
            | Self::NotAdb { .. }
            | Self::Refused { .. }
            | Self::NotFound { .. }
            | Self::NoneOnUsb { .. }
            | Self::NotReady { .. }
            | Self::NotConnected { .. }
            | Self::Declined { .. }
            | Self::Garbled { .. } => Blame::Lab,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::NotReady { state, .. } => {
                matches!(state, AdbState::Offline | AdbState::Authorizing | AdbState::Connecting)
            }
            // A device that reboots is gone for a while.
            Self::NotFound { .. } | Self::NotConnected { .. } | Self::NoServer { .. } => true,
            _ => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Address { .. } => "write tcp:HOST:PORT or tcp:PORT in ADB_SERVER_SOCKET, a number in \
                ANDROID_ADB_SERVER_PORT, or unset it"
                .to_owned(),
            Self::NotInstalled { .. } => "install adb: `apt-get install adb` on Debian and Ubuntu, elsewhere the \
                platform-tools of the Android SDK"
                .to_owned(),
            Self::NotStarted { .. } => "run `adb start-server` and read what it says".to_owned(),
            Self::NoServer { server, .. } => format!("start one there; ADB_SERVER_SOCKET or its kin name {server}"),
            Self::NotAdb { .. } => "name another port by ANDROID_ADB_SERVER_PORT".to_owned(),
            Self::NotFound { serial, .. } if !serial.contains(':') => {
                "plug it in with USB debugging on, or correct `serial` in devices.toml; for a device on the network \
                 write HOST:PORT, such as 192.168.1.7:5555"
                    .to_owned()
            }
            Self::NotFound { .. } => "correct `serial` of the device in devices.toml".to_owned(),
            Self::NoneOnUsb { .. } => "plug the device in by a cable that carries data, and switch USB debugging on \
                in its developer options"
                .to_owned(),
            Self::SeveralOnUsb { .. } => "write one of the serials as `serial` in devices.toml".to_owned(),
            Self::NotConnected { .. } => "see that the device is on, awake and in the same network, and that its \
                wireless debugging is on (its port changes when it is switched on anew)"
                .to_owned(),
            Self::NotReady { serial, state, .. } => return state.hints(serial),
            Self::Refused { .. } | Self::Declined { .. } | Self::Garbled { .. } => return Vec::new(),
        };
        vec![hint]
    }
}
