//! A zip archive with one form only.
//!
//! Members are stored as they are, in the order of their names, with one time and one set of rights, so that every byte
//! of the archive follows from its members. A reader that makes the bytes again and compares them finds a change
//! anywhere, also where no digest reaches. That is why this is not left to a general zip library, whose headers may
//! change from version to version. Any unzip program reads it; tests ask an independent one.
//!
//! Format: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16
//! (end records), 4.5.3 (ZIP64 extra field).

mod layout;
mod read;
mod write;

pub(crate) use layout::Facts;
pub use layout::is_fit_name;
pub(crate) use read::Archive;
pub(crate) use write::{Entry, WriteError, write};

#[cfg(test)]
pub(crate) use layout::Layout;
