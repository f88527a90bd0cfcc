//! From a record to answers.
//!
//! A report is a pure function of the record: no clock is read, nothing is drawn, every order is fixed. The same
//! journal gives the same report, byte for byte.

mod answers;
mod calibration;
mod canary;
mod cell;
mod charts;
mod clock;
mod compare;
mod comparison;
mod compliance;
mod contacts;
mod derive;
mod energy;
mod error;
mod export;
mod facts;
mod findings;
mod gap_ranks;
mod heat;
mod history;
mod imported;
mod independence;
mod load;
mod machine;
mod measure;
mod memory;
mod metrics;
mod network;
mod observations;
mod planned;
mod present;
mod proof;
mod quality;
mod recommend;
mod record;
mod roofline;
mod start;
mod steady;
mod steering;
mod throughput;
mod timeline;
mod together;
mod tokens;
mod trace;

pub use calibration::{calibration_digest, calibrations};
pub use canary::{
    BASELINE_FORMAT, Baseline, BaselineAnswer, BaselineCorpus, BaselineModel, BaselineRuntime,
    BaselineSampling, CANARY_RULE, CanaryAsk, CanaryError, MAX_BASELINE_BYTES, RecordedBaseline,
    canary_baseline, canary_check, canary_fits, canary_records,
};
pub use compare::{CompareAsk, CompareError, Part, Side, compare};
pub use compliance::{Baselines, CheckAsk, ClaimProblem, ComplianceError, compliance, compliance_csv};
pub use derive::{Answer, Derived, derive};
pub use error::AnalysisError;
pub use export::{requests_csv, requests_jsonl};
pub use history::{HistoryAsk, HistoryOrder, history};
pub use imported::{ImportError, MAX_IMPORT_BYTES, llama_bench};
pub use present::{report, report_without_grades};
pub use recommend::{BuyerAsk, CloudPrice, Demand, PredictAsk, RecommendError, recommend};
pub use steering::{Judge, Need};
pub use together::report_of;
pub use trace::{TraceOptions, Traced, trace};

#[cfg(test)]
mod tests;
