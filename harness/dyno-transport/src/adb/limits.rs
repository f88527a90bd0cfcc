//! How long each step may take.

use std::time::Duration;

/// Limits of the steps between the caller's own limits; house rules.
///
/// With the link down the server still calls a device online and a call to it hangs, so that no step goes without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// An answer of the adb server itself, which never asks the device for it.
    pub server: Duration,
    /// Starting an adb server.
    pub start: Duration,
    /// Connecting the server to a device on the network.
    pub connect: Duration,
    /// A device that is `offline`, `authorizing` or `connecting` may yet become ready.
    pub settle: Duration,
    /// All of the tries to reach a device again after an error.
    pub reach: Duration,
    /// A sign of life from a device after an error.
    pub probe: Duration,
    /// Opening a stream to a device; a sleeping phone needs seconds.
    pub open: Duration,
    /// A transfer in which no byte moves.
    pub silence: Duration,
    /// The device's last word after an upload: what the server holds back by then has yet to travel.
    pub finish: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            server: Duration::from_secs(5),
            start: Duration::from_secs(15),
            connect: Duration::from_secs(15),
            settle: Duration::from_secs(3),
            reach: Duration::from_secs(15),
            probe: Duration::from_secs(3),
            open: Duration::from_secs(20),
            silence: Duration::from_secs(30),
            finish: Duration::from_mins(2),
        }
    }
}
