//! How controller and agent talk: framed messages over any pair of byte streams.
//!
//! [`frame`] makes frames of bytes, [`message`] says what they mean, [`peer`] is one side of the talk, and
//! [`build_id`] makes sure that both sides come from the same sources, so that the wire needs no compatibility.
//! [`manifest`] lists the agents that were built for other machines; [`glibc`] says what some of them need there.
//! Stdout of the agent carries frames and nothing else; words for people go to stderr.

pub mod build_id;
pub mod frame;
pub mod glibc;
pub mod manifest;
pub mod memory;
pub mod message;
pub mod peer;
