//! What the caller asks for: a suite, and what differs from it this time.

/// What to plan. Empty and `None` mean "as the suite says".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Name of the suite.
    pub suite: String,
    /// Devices by id, tag or glob (`pi5-*`); empty is the device `local`.
    pub devices: Vec<String>,
    /// Models by name.
    pub models: Vec<String>,
    /// Runtimes by name.
    pub runtimes: Vec<String>,
    /// Numbers of compute threads.
    pub threads: Vec<u32>,
    /// Context lengths in tokens.
    pub context_tokens: Vec<u32>,
    /// Fresh launches of each cell.
    pub repetitions: Option<u32>,
    /// Requests of each launch; fewer than the slice has are taken evenly from all of it, more go round it again.
    /// Of an open load it takes the place of `requests` and `duration_ms`; of a trace it is the most.
    pub requests: Option<u32>,
    /// Longest answer in tokens.
    pub max_tokens: Option<u32>,
    /// Seed of all orders and draws.
    pub seed: Option<u64>,
    /// Corpus by name; the suite's slice is then not used.
    pub corpus: Option<String>,
    /// Slice of the corpus.
    pub slice: Option<String>,
}

impl Ask {
    /// A suite as it stands, on this machine.
    pub fn suite(name: &str) -> Self {
        Self { suite: name.to_owned(), ..Self::default() }
    }
}
