//! Differential validation: the answers of a new runtime, build, quantization or model held against trusted ones.
//!
//! A correct new kernel gives other last bits, and so another token where two were about as likely; from there on the
//! answer is another text. A broken one, a wrong chat template or a wrong tokenizer gives other tokens where the baseline
//! was sure. So what is judged is not how many answers differ, but where each of them begins to, and how far the
//! distributions over next tokens are apart up to there.

mod answers;
mod baseline;
mod check;
mod difference;
mod edit;
mod error;
mod facts;
mod findings;
mod identity;
mod kl;
mod record;
mod rows;
mod tie;
mod tokens;
mod verdict;

pub use baseline::{
    BASELINE_FORMAT, Baseline, BaselineAnswer, BaselineCorpus, BaselineModel, BaselineRuntime,
    BaselineSampling, MAX_BASELINE_BYTES,
};
pub use check::{CanaryAsk, canary_check};
pub use error::CanaryError;
pub use identity::{canary_fits, canary_records};
pub use record::{RecordedBaseline, canary_baseline};
pub use verdict::CANARY_RULE;
