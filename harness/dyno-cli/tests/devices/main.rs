//! The `edgedyno` command against real devices: OpenSSH, adb and adbd, an arm64 userland, a virtual machine.
//!
//! They need root and the packages that `.ci/run` installs; what is missing is named by the test that needs it.

mod bench;
mod broken;
mod inventory;
mod links;
mod machine;
mod refused;
#[path = "../cli/sandbox.rs"]
#[expect(dead_code, reason = "the other test binary uses the rest")]
mod sandbox;
mod together;
