//! Whether a runtime speaks to anybody beyond this machine: the sockets of its process and of all that came of it.
//!
//! A thread of its own looks at the open files of those processes four times a second. A socket that it has not seen is
//! asked for its protocol, and sought among the kernel's rows of such sockets, which say where it leads. A look at what
//! is known already is a listing of open files and no more.
//!
//! **Invariant:** looks take no more than two thousandths of a CPU: what takes longer is looked at less often, and the
//! record says how long the longest time without a look was. In the steady state a look allocates nothing.

mod address;
mod counts;
mod diag;
mod known;
mod look;
mod place;
mod seen;
mod spaces;
mod table;
mod tree;
mod watch;

pub use look::SocketLooks;
pub use watch::SocketWatch;
