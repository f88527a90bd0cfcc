//! What the caller asks for: a suite, and what differs from it this time.

use dyno_model::launch::Dialect;
use dyno_model::load::Arrivals;
use dyno_model::plan::BlockOrder;

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
    /// Of an open load it takes the place of `requests` and `duration_ms`; of a trace and of a held load it is the
    /// most.
    pub requests: Option<u32>,
    /// How long a suite that holds its load is to hold it, in ms.
    pub hold_ms: Option<u64>,
    /// Temperature of the air around the devices, in thousandths of a degree, in place of what `devices.toml` says.
    pub ambient_mdegc: Option<i32>,
    /// Longest answer in tokens.
    pub max_tokens: Option<u32>,
    /// Seed of all orders and draws.
    pub seed: Option<u64>,
    /// Corpus by name; the suite's slice and selection are then not used.
    pub corpus: Option<String>,
    /// Slice of the corpus, all of it: the suite's selection is then not used.
    pub slice: Option<String>,
    /// Which prompts of the slice.
    pub prompts: AskedPrompts,
    /// Set of SLOs by name: what a good request is.
    pub slo: Option<String>,
    /// When a cell needs no more launches: `never`, `slo-decided`, or `p95:ttft:5%`.
    pub stop: Option<String>,
    /// How requests are offered, in place of all loads of the suite.
    pub load: Option<AskedLoad>,
    /// A server that runs already, in place of the runtimes and models of the suite; `models`, `runtimes` and
    /// `threads` must then be empty.
    pub endpoint: Option<EndpointAsk>,
    /// What is compared with each other in blocks of fresh launches, the first being what the others are held against;
    /// empty is no comparison. Each is a runtime, or `key=value`, or several of these with `+` between them; what it
    /// does not say is as `runtimes`, `models`, `threads`, `context_tokens` or the suite say. `repetitions` are then
    /// the blocks, 10 without a number.
    pub arms: Vec<String>,
    /// The order of arms in a block; `None` is ABBA of two arms, and drawn from the seed of more.
    pub block_order: Option<BlockOrder>,
}

/// Prompts by what they are, each word in place of the suite's; what nobody says leaves none out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedPrompts {
    /// Categories of the corpus.
    pub categories: Vec<String>,
    /// BCP 47 tags; `pt` takes `pt-BR` in.
    pub languages: Vec<String>,
    /// Fewest tokens of a prompt, estimated as two for seven bytes.
    pub tokens_from: Option<u32>,
    /// Most tokens of a prompt, estimated as two for seven bytes.
    pub tokens_to: Option<u32>,
    /// How many of them, drawn evenly from their categories.
    pub n: Option<u32>,
    /// Seed of the draw.
    pub seed: Option<u64>,
}

/// A server that runs already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointAsk {
    /// Its address with the path before the API's own: `http://host:port/v1`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// How it is asked.
    pub api: Dialect,
    /// The variable that holds its key and must be set; `None` is `EDGEDYNO_API_KEY`, set or not.
    pub key_variable: Option<String>,
}

impl EndpointAsk {
    /// A server of OpenAI's chat API.
    pub fn new(url: &str, model: &str) -> Self {
        let (url, model) = (url.to_owned(), model.to_owned());
        Self { url, model, api: Dialect::OpenaiChat, key_variable: None }
    }
}

/// A load asked for beside the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedLoad {
    /// So many users at once; each number is a cell.
    Closed {
        /// How many.
        concurrency: Vec<u32>,
    },
    /// Requests at a rate; each rate is a cell.
    Open {
        /// How the gaps are drawn.
        arrivals: Arrivals,
        /// Thousandths of a request per second.
        rates_milli_per_s: Vec<u64>,
        /// Time in which requests are due; without it, as many as a launch of the suite has.
        duration_ms: Option<u64>,
    },
}

impl Ask {
    /// A suite as it stands, on this machine.
    pub fn suite(name: &str) -> Self {
        Self { suite: name.to_owned(), ..Self::default() }
    }
}
