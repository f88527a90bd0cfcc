//! Packs that are made, opened and changed in every way that comes to mind.

mod archive;
mod foreign;
mod keys;
mod redaction;
mod sample;
mod tampering;
mod writing;
