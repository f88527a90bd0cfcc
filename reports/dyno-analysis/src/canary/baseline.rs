//! A baseline: the answers that are trusted, with all that says what they are answers of.
//!
//! It is a file that people hand on, so what is read is foreign: bounded, whole, and as it was written.

use std::collections::BTreeMap;

use dyno_model::digest::Digest;
use dyno_model::ids::PromptId;
use dyno_model::launch::ModelFacts;
use dyno_model::request::{FinishReason, Sampling, TokenChoice, TokenLogprob};
use serde::{Deserialize, Serialize};

use super::error::CanaryError;

/// Version of the file's form; raised when a field changes its meaning or goes.
pub const BASELINE_FORMAT: u32 = 1;
/// Bytes that a baseline's file may have (house rule).
pub const MAX_BASELINE_BYTES: usize = 64 << 20;
/// Prompts that it may have (house rule).
const MAX_PROMPTS: usize = 10_000;
/// Bytes that an answer, and each other text, may have (house rule).
const MAX_TEXT_BYTES: usize = 1 << 20;
/// Tokens that an answer may have, and likely tokens at each of its places (house rules).
const MAX_TOKENS: usize = 65_536;
const MAX_TOP: usize = 255;

/// The answers of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Its name.
    pub name: String,
    /// edgedyno's version that measured.
    pub tool_version: String,
    /// UTC of the first event of the campaign.
    pub recorded_at: Option<String>,
    /// The campaign.
    pub campaign: String,
    /// SHA-256 of its plan.
    pub plan_digest: Digest,
    /// Its suite.
    pub suite: String,
    /// Seed of its orders and draws.
    pub seed: u64,
    /// Requests of each launch.
    pub requests: u32,
    /// The corpus that the prompts come from.
    pub corpus: BaselineCorpus,
    /// How answers were drawn.
    pub sampling: BaselineSampling,
    /// Device id.
    pub device: String,
    /// What ran.
    pub runtime: BaselineRuntime,
    /// What it ran.
    pub model: BaselineModel,
    /// The answers, by prompt.
    pub answers: BTreeMap<PromptId, BaselineAnswer>,
}

/// The corpus of a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineCorpus {
    /// Its name.
    pub name: String,
    /// SHA-256 over its files.
    pub digest: Digest,
    /// Name of the slice; `None` is all of it.
    pub slice: Option<String>,
}

/// How answers were drawn; seeds do not matter to greedy ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineSampling {
    /// At most so many tokens.
    pub max_tokens: u32,
    /// Keep on after the model's end-of-sequence.
    pub ignore_eos: bool,
    /// Thousandths; 0 is greedy.
    pub temperature_milli: u32,
    /// Thousandths of probability mass to draw from.
    pub top_p_milli: u32,
}

impl BaselineSampling {
    pub(super) fn of(sampling: &Sampling) -> Self {
        Self {
            max_tokens: sampling.max_tokens,
            ignore_eos: sampling.ignore_eos,
            temperature_milli: sampling.temperature_milli,
            top_p_milli: sampling.top_p_milli,
        }
    }

    /// `greedy, at most 64 tokens`.
    pub(super) fn words(self) -> String {
        let drawn = match self.temperature_milli {
            0 => "greedy".to_owned(),
            milli => {
                format!("temperature {}, top-p {}", thousandths(milli), thousandths(self.top_p_milli))
            }
        };
        let end = if self.ignore_eos { "exactly" } else { "at most" };
        format!("{drawn}, {end} {} tokens", self.max_tokens)
    }
}

fn thousandths(milli: u32) -> f64 {
    f64::from(milli) / 1000.0
}

/// The runtime of a baseline, as it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineRuntime {
    /// Name in the catalogue.
    pub name: String,
    /// Version.
    pub version: Option<String>,
    /// Backend in use.
    pub backend: Option<String>,
    /// Threads that it ran.
    pub threads: Option<u32>,
    /// SHA-256 of its binary.
    pub binary_digest: Option<Digest>,
    /// Settings by name, as planned.
    pub settings: BTreeMap<String, String>,
}

/// The model of a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineModel {
    /// Name in the catalogue.
    pub name: String,
    /// SHA-256 of the file as it was on the device.
    pub file_digest: Option<Digest>,
    /// What the runtime says of it.
    pub facts: Option<ModelFacts>,
}

/// One trusted answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineAnswer {
    /// Category of the prompt.
    pub category: String,
    /// The whole answer.
    pub text: String,
    /// Why generation stopped.
    pub finish: Option<FinishReason>,
    /// Tokens, as the runtime counts them.
    pub n_tokens: Option<u32>,
    /// Whether it passed its grader when it was recorded; a check grades both sides anew.
    pub passed: Option<bool>,
    /// How many answers of other launches to the same prompt were others: a trusted runtime that does not repeat itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_others: u32,
    /// What the runtime said of each token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Vec<TokenLogprob>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// The file: what it says, and the digest of that.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<B> {
    format: u32,
    sha256: Digest,
    baseline: B,
}

/// What of a file is read first.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

impl Baseline {
    /// SHA-256 of its canonical JSON: fields in their order, no spaces.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("a baseline has only string keys"))
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// It is larger than a baseline may be.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanaryError> {
        self.bounded()?;
        let file = File { format: BASELINE_FORMAT, sha256: self.digest(), baseline: self };
        let mut json = serde_json::to_vec(&file).expect("a baseline has only string keys");
        json.push(b'\n');
        if json.len() > MAX_BASELINE_BYTES {
            return Err(self.too_big(format!("its file would have {} bytes", json.len())));
        }
        Ok(json)
    }

    /// Reads a file of the name `name`; no more than [`MAX_BASELINE_BYTES`] and one need be given.
    ///
    /// # Errors
    /// It is too big, is no baseline, is of a newer format, was changed since it was written, or has no texts.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, CanaryError> {
        if bytes.len() > MAX_BASELINE_BYTES {
            let why = format!("its file has more than {MAX_BASELINE_BYTES} bytes");
            return Err(CanaryError::TooBig { name: name.to_owned(), why });
        }
        let damaged = |source| CanaryError::Unreadable { name: name.to_owned(), source };
        let Versioned { format } = serde_json::from_slice(bytes).map_err(damaged)?;
        if format > BASELINE_FORMAT {
            let (name, known) = (name.to_owned(), BASELINE_FORMAT);
            return Err(CanaryError::Newer { name, found: format, known });
        }
        let file: File<Self> = serde_json::from_slice(bytes).map_err(damaged)?;
        if file.baseline.digest() != file.sha256 {
            return Err(CanaryError::Changed { name: name.to_owned() });
        }
        file.baseline.bounded()?;
        if is_redacted(file.baseline.answers.values().map(|answer| answer.text.as_str())) {
            return Err(CanaryError::Redacted { what: format!("baseline `{name}`") });
        }
        Ok(file.baseline)
    }

    fn too_big(&self, why: String) -> CanaryError {
        CanaryError::TooBig { name: self.name.clone(), why }
    }

    /// Nothing in it is larger than it may be, and no number is beyond what it can be.
    fn bounded(&self) -> Result<(), CanaryError> {
        if self.answers.len() > MAX_PROMPTS {
            return Err(self.too_big(format!("it has {} prompts", self.answers.len())));
        }
        let long = |text: &str| text.len() > MAX_TEXT_BYTES;
        for (prompt, answer) in &self.answers {
            let tokens = answer.tokens.as_deref().unwrap_or_default();
            if long(&answer.text) || long(&prompt.0) || long(&answer.category) {
                return Err(
                    self.too_big(format!("a text of prompt {} has more than 1 MiB", shown(&prompt.0)))
                );
            }
            if tokens.len() > MAX_TOKENS || tokens.iter().any(|at| at.top.len() > MAX_TOP) {
                let why = format!("the answer to prompt {} has {} tokens", shown(&prompt.0), tokens.len());
                return Err(self.too_big(why));
            }
            if tokens.iter().flat_map(|at| at.top.iter().chain([&at.token])).any(is_impossible) {
                let (name, prompt) = (self.name.clone(), shown(&prompt.0));
                return Err(CanaryError::Impossible { name, prompt });
            }
        }
        Ok(())
    }
}

/// The beginning of a name that may be anything.
fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

/// A probability above 1.
fn is_impossible(choice: &TokenChoice) -> bool {
    choice.logprob_micro > 0
}

/// Whether all texts are what stands in the place of those that were left out of a record.
pub(super) fn is_redacted<'t>(texts: impl Iterator<Item = &'t str>) -> bool {
    let is_stand_in = |text: &str| {
        text == "[left out]"
            || text.strip_prefix("sha256:").is_some_and(|digits| {
                digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
    };
    let mut texts = texts.filter(|text| !text.is_empty()).peekable();
    texts.peek().is_some() && texts.all(is_stand_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline() -> Baseline {
        let choice = TokenChoice { id: Some(7), piece: "Hi".to_owned(), logprob_micro: -10 };
        let answer = BaselineAnswer {
            category: "chat".to_owned(),
            text: "Hi".to_owned(),
            finish: Some(FinishReason::Stop),
            n_tokens: Some(1),
            passed: Some(true),
            n_others: 0,
            tokens: Some(vec![TokenLogprob { token: choice.clone(), top: vec![choice] }]),
        };
        Baseline {
            name: "stable".to_owned(),
            tool_version: "0.1.0".to_owned(),
            recorded_at: None,
            campaign: "c".to_owned(),
            plan_digest: Digest::of(b"p"),
            suite: "canary".to_owned(),
            seed: 1,
            requests: 1,
            corpus: BaselineCorpus { name: "canary".to_owned(), digest: Digest::of(b"c"), slice: None },
            sampling: BaselineSampling {
                max_tokens: 64,
                ignore_eos: false,
                temperature_milli: 0,
                top_p_milli: 1000,
            },
            device: "local".to_owned(),
            runtime: BaselineRuntime::default(),
            model: BaselineModel::default(),
            answers: [(PromptId::from("p-1"), answer)].into(),
        }
    }

    fn bytes(of: &Baseline) -> Vec<u8> {
        of.to_bytes().expect("it is small")
    }

    #[test]
    fn a_file_says_what_was_written() {
        let written = baseline();
        assert_eq!(Baseline::read("stable", &bytes(&written)).expect("our own bytes"), written);
        assert_eq!(bytes(&written), bytes(&written.clone()));
        assert_eq!(written.sampling.words(), "greedy, at most 64 tokens");
    }

    #[test]
    fn a_changed_file_is_no_baseline() {
        let check = |bytes: &[u8], word: &str| {
            let error = Baseline::read("stable", bytes).expect_err("it is damaged").to_string();
            assert!(error.contains("stable") && error.contains(word), "{error}");
        };
        let good = String::from_utf8(bytes(&baseline())).expect("JSON");
        check(good.replace("\"Hi\"", "\"Ho\"").as_bytes(), "changed");
        check(&good.as_bytes()[..good.len() / 2], "no canary baseline");
        check(b"", "no canary baseline");
        check(b"[1, 2]", "no canary baseline");
        check(good.replacen("\"format\":1", "\"format\":2", 1).as_bytes(), "format 2");
        check("[".repeat(100_000).as_bytes(), "no canary baseline");
    }

    #[test]
    fn texts_that_were_left_out_are_no_baseline() {
        let check = |text: &str, is_left_out: bool| {
            let mut of = baseline();
            text.clone_into(&mut of.answers.get_mut(&PromptId::from("p-1")).expect("it has one").text);
            let read = Baseline::read("stable", &bytes(&of));
            assert_eq!(matches!(read, Err(CanaryError::Redacted { .. })), is_left_out, "{text}");
        };
        check("[left out]", true);
        check(&format!("sha256:{}", Digest::of(b"x").as_str()), true);
        check("sha256:abc", false);
        check("", false);
    }

    #[test]
    fn what_is_too_big_or_no_probability_is_refused() {
        let with = |change: &dyn Fn(&mut BaselineAnswer)| {
            let mut of = baseline();
            change(of.answers.get_mut(&PromptId::from("p-1")).expect("it has one"));
            of.to_bytes().expect_err("it is bounded").to_string()
        };
        assert!(with(&|answer| answer.text = "x".repeat(MAX_TEXT_BYTES + 1)).contains("p-1"));
        let tokens = |answer: &mut BaselineAnswer| answer.tokens.clone().expect("it has tokens")[0].clone();
        assert!(with(&|answer| answer.tokens = Some(vec![tokens(answer); MAX_TOKENS + 1])).contains("65537"));
        let above = with(&|answer| {
            let mut token = tokens(answer);
            token.token.logprob_micro = 1;
            answer.tokens = Some(vec![token]);
        });
        assert!(above.contains("probability"), "{above}");
        let long = vec![b' '; MAX_BASELINE_BYTES + 1];
        assert!(matches!(Baseline::read("b", &long), Err(CanaryError::TooBig { .. })));
    }
}
