//! What the adb server lists.

use std::fmt;
use std::time::Instant;

use crate::adb::error::AdbError;
use crate::adb::limits::Limits;
use crate::adb::server::Server;
use crate::error::TransportError;
use crate::output::printable;

/// More devices than this are not listed: no lab has them on one server.
const MAX_DEVICES: usize = 1024;

/// What a device on adb can be used for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdbState {
    /// Everything.
    Device,
    /// It is known, but does not answer.
    Offline,
    /// Its user has not allowed this machine yet.
    Unauthorized,
    /// It is being asked whether this machine is allowed.
    Authorizing,
    /// It is being reached.
    Connecting,
    /// This machine's user may not open it.
    NoPermissions,
    /// It runs its recovery system.
    Recovery,
    /// It waits for an update.
    Sideload,
    /// It is in its boot loader.
    Bootloader,
    /// In a word that is not known here.
    Other(String),
}

impl AdbState {
    fn new(words: &str) -> Self {
        match words {
            "device" => Self::Device,
            "offline" => Self::Offline,
            "unauthorized" => Self::Unauthorized,
            "authorizing" => Self::Authorizing,
            "connecting" => Self::Connecting,
            "recovery" => Self::Recovery,
            "sideload" | "rescue" => Self::Sideload,
            "bootloader" => Self::Bootloader,
            _ if words.starts_with("no permissions") => Self::NoPermissions,
            _ => Self::Other(printable(words.as_bytes())),
        }
    }

    /// Whether it may become ready by itself within seconds.
    pub(super) fn may_settle(&self) -> bool {
        matches!(self, Self::Offline | Self::Authorizing | Self::Connecting)
    }

    /// What to do about it; empty for a device that is ready.
    pub fn hints(&self, serial: &str) -> Vec<String> {
        let hint = match self {
            Self::Device | Self::Other(_) => return Vec::new(),
            Self::Offline if serial.contains(':') => {
                "see that the device is on, awake and in the same network".to_owned()
            }
            Self::Offline => format!("replug the device, or run `adb -s {serial} reconnect`"),
            Self::Unauthorized => "unlock the device and accept \"Allow USB debugging?\" there; if the question does \
                not come, revoke the USB debugging authorizations in its developer options and replug it"
                .to_owned(),
            Self::Authorizing | Self::Connecting => "wait some seconds and try again".to_owned(),
            Self::NoPermissions => "let your user open USB devices: `apt-get install \
                android-sdk-platform-tools-common` (the udev rules), `usermod -aG plugdev YOU`, then log in again \
                and replug the device"
                .to_owned(),
            Self::Recovery | Self::Sideload => format!("start its system: `adb -s {serial} reboot`"),
            Self::Bootloader => format!("start its system: `fastboot -s {serial} reboot`"),
        };
        vec![hint]
    }
}

impl fmt::Display for AdbState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "ready",
            Self::Offline => "offline: it does not answer",
            Self::Unauthorized => "unauthorized: its user has not allowed this machine",
            Self::Authorizing => "authorizing: it is being asked whether this machine is allowed",
            Self::Connecting => "connecting",
            Self::NoPermissions => "there, but your user has no permissions for its USB device",
            Self::Recovery => "in its recovery system",
            Self::Sideload => "waiting for an update (sideload)",
            Self::Bootloader => "in its boot loader",
            Self::Other(words) => words,
        })
    }
}

/// A device that the adb server lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdbListed {
    /// Its serial, or `HOST:PORT`.
    pub serial: String,
    /// What it can be used for now.
    pub state: AdbState,
    /// `product:` as Android calls it; `None` when the device does not say.
    pub product: Option<String>,
    /// `model:`, with `_` for spaces; `None` when the device does not say.
    pub model: Option<String>,
    /// Where on USB it is, such as `1-4`; `None` for a device that is not on USB.
    pub usb: Option<String>,
}

impl AdbListed {
    /// Whether it is on USB. Some systems do not tell where; then it is what is neither network nor emulator.
    pub fn is_usb(&self) -> bool {
        let elsewhere =
            is_address(&self.serial) || self.serial.starts_with("emulator-") || self.serial.contains("._adb");
        self.usb.is_some() || !elsewhere
    }
}

/// Asks for all devices, and starts a server if none answers.
///
/// # Errors
/// [`TransportError::Adb`] when there is no server and none can be started.
pub fn devices(server: &Server) -> Result<Vec<AdbListed>, TransportError> {
    Ok(list(server, &Limits::default())?)
}

pub(super) fn list(server: &Server, limits: &Limits) -> Result<Vec<AdbListed>, AdbError> {
    let until = Instant::now() + limits.server;
    let text = server.ask("host:devices-l", limits, until)?;
    Ok(text.lines().take(MAX_DEVICES).filter_map(read).collect())
}

/// For messages: `A (ready), B (offline: …)`.
pub(super) fn names<'a>(all: impl IntoIterator<Item = &'a AdbListed>) -> String {
    let words = all.into_iter().map(|one| format!("{} ({})", one.serial, one.state));
    let words: Vec<String> = words.take(16).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// Whether a serial is an address that the server can connect to.
pub(super) fn is_address(serial: &str) -> bool {
    let port =
        serial.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    matches!(port, Some(Ok(_)))
}

/// One line: the serial, padded; the state, which may be several words; then `name:value` words.
fn read(line: &str) -> Option<AdbListed> {
    const NO_SERIAL: &str = "(no serial number)";
    let (serial, rest) = match line.strip_prefix(NO_SERIAL) {
        Some(rest) => (NO_SERIAL, rest),
        None => line.split_once(char::is_whitespace)?,
    };
    let rest = rest.trim_start();
    let known = ["usb:", "product:", "model:", "device:", "transport_id:"];
    let words: Vec<&str> = rest.split_whitespace().collect();
    let is_field = |word: &&str| known.iter().any(|name| word.starts_with(name));
    let n_state = words.iter().position(is_field).unwrap_or(words.len());
    let field = |name: &str| {
        let value = words[n_state..].iter().find_map(|word| word.strip_prefix(name))?;
        Some(printable(value.as_bytes())).filter(|value| !value.is_empty())
    };
    Some(AdbListed {
        serial: printable(serial.as_bytes()),
        state: AdbState::new(&words[..n_state].join(" ")),
        product: field("product:"),
        model: field("model:"),
        usb: field("usb:"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as `append_transport` of adb 34 writes them: the serial padded to 22, the state, then what is known.
    /// The first is captured (Debian adb 34.0.5 with adbd in a namespace, 2026-11-21, `host:devices-l`).
    const LINES: &str = "10.78.1.2:5555         device transport_id:1
1A2B3C4D               device usb:1-4 product:oriole model:Pixel_6 device:oriole transport_id:2
(no serial number)     no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html] usb:3-2 transport_id:3
emulator-5554          offline transport_id:4
ABC                    unauthorized usb:1-1 transport_id:5
DEF                    rescue transport_id:6
GHI                    dancing transport_id:7
";

    #[test]
    fn lines_are_read() {
        let listed: Vec<AdbListed> = LINES.lines().filter_map(read).collect();
        let states: Vec<(&str, &AdbState, bool)> =
            listed.iter().map(|one| (one.serial.as_str(), &one.state, one.is_usb())).collect();
        assert_eq!(
            states,
            [
                ("10.78.1.2:5555", &AdbState::Device, false),
                ("1A2B3C4D", &AdbState::Device, true),
                ("(no serial number)", &AdbState::NoPermissions, true),
                ("emulator-5554", &AdbState::Offline, false),
                ("ABC", &AdbState::Unauthorized, true),
                ("DEF", &AdbState::Sideload, true),
                ("GHI", &AdbState::Other("dancing".to_owned()), true),
            ]
        );
        let pixel = &listed[1];
        assert_eq!((pixel.model.as_deref(), pixel.usb.as_deref()), (Some("Pixel_6"), Some("1-4")));
        assert_eq!(pixel.product.as_deref(), Some("oriole"));
        assert_eq!(listed[0].model, None);
    }

    #[test]
    fn an_address_is_a_host_with_a_port() {
        for (serial, expected) in [
            ("10.0.0.1:5555", true),
            ("[fe80::1]:5555", true),
            ("phone.lan:37001", true),
            ("1A2B3C4D", false),
            ("usb:1-4", false),
            (":5555", false),
            ("host:70000", false),
            ("adb-1A2B-x1._adb-tls-connect._tcp", false),
        ] {
            assert_eq!(is_address(serial), expected, "{serial}");
        }
    }
}
