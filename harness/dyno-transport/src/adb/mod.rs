//! Devices on adb, by the protocol of the adb server (AOSP's `SERVICES.TXT`, `SYNC.TXT`, `shell_protocol.h`).
//!
//! The `adb` program is used for one thing only: to start a server where none answers. A server that is there is
//! spoken to as it is, whatever its version, and is never killed: it may be Android Studio's.
//!
//! | concern | file |
//! |---|---|
//! | where the server is, how to start it | `server` |
//! | requests and answers, with a limit on every wait | `wire` |
//! | what the server lists | `listed` |
//! | one device: which serial, in which state, how to reach it again | `device` |
//! | what a program says and how it ended | `speech` |
//! | a running program | `process` |
//! | files | `sync` |

mod device;
mod error;
mod limits;
mod listed;
mod process;
mod server;
mod speech;
mod sync;
mod transport;
mod wire;

pub use error::AdbError;
pub use limits::Limits;
pub use listed::{AdbListed, AdbState, devices};
pub use server::Server;
pub use transport::AdbTransport;
