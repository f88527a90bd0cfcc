//! From the words people write to a frozen plan.
//!
//! Pure: text in, [`Plan`](dyno_model::plan::Plan) out. The caller reads the files and says where they came from
//! ([`Source`]); what edgedyno ships with is carried in the binary ([`Inputs::shipped`]).
//! All problems of all files are found at once, each with its place and a hint ([`Problems`]).
//!
//! ```
//! use dyno_plan::{Ask, Inputs};
//!
//! let plan = dyno_plan::freeze(&Inputs::shipped(), &Ask::suite("selftest"))?;
//! assert_eq!(plan.runs.len(), 3);
//! # Ok::<(), dyno_plan::Problems>(())
//! ```

mod answers;
mod api;
mod arm_words;
mod arms;
mod arrivals;
mod ask;
mod asked_load;
mod boards;
mod care;
mod catalog;
mod check;
mod corpus;
mod devices;
mod devices_add;
mod devices_pick;
mod document;
mod elementary;
mod endpoint;
mod expand;
mod fits;
mod freeze;
mod lengths;
mod load;
mod meter_words;
mod meters;
mod models;
mod order;
mod pairs;
mod prepare;
mod problem;
mod registry;
mod room;
mod runtimes;
mod schedule;
mod schemas;
mod seed;
mod select;
mod server;
mod shape;
mod slo;
mod source;
mod start;
mod steering;
mod suite;
mod trace;
mod trust;
mod trust_keys;

pub use arm_words::split_arms;
pub use ask::{Ask, AskedLoad, AskedPrompts, EndpointAsk};
pub use catalog::{Catalog, CorpusSummary, SuiteSummary};
pub use corpus::contents::{CorpusContents, corpus_at, corpus_names};
pub use devices_add::{NewDevice, add_device};
pub use devices_pick::pick_devices;
pub use fits::doubts;
pub use freeze::freeze;
pub use problem::{Problem, Problems};
pub use schemas::{NamedSchema, schemas};
pub use slo::{find_slo, read_slo};
pub use source::{Inputs, Source, SourceKind, Tier};
pub use trust::read_trust;
