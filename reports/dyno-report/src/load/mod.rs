//! What every format says of load.

mod front;
mod sweep;
mod words;

pub(crate) use front::{
    Front, FrontLine, PERMILLES, caveats, fronts, legend, limits, load_name, short_load, unsaid,
};
pub(crate) use sweep::{Found, Sweep, SweepRow, sweeps};
pub(crate) use words::{chunk_words, http_words, limit_words, share_words, verdict_words};
