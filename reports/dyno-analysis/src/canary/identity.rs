//! Whether a campaign may be held against a baseline: the same prompts, drawn alike, of the same model.

use dyno_model::digest::Digest;
use dyno_model::launch::ModelFacts;
use dyno_model::plan::{ModelOrigin, Plan};

use super::answers::sampling_of;
use super::baseline::{Baseline, BaselineModel, BaselineSampling};
use super::check::cells_words;
use super::error::CanaryError;

/// Holds a plan against a baseline before anything is measured: what would be refused afterwards is refused now, as far
/// as the plan tells it.
///
/// # Errors
/// The prompts, how answers are drawn, or the model is another.
pub fn canary_fits(baseline: &Baseline, plan: &Plan, allow_other_model: bool) -> Result<(), CanaryError> {
    same_corpus(baseline, plan)?;
    for cell in &plan.cells {
        same_sampling(baseline, sampling_of(plan, cell, &named(plan))?)?;
        let planned = plan.models.get(&cell.model).and_then(|model| digest_of(&model.origin));
        let model = BaselineModel { name: cell.model.clone(), file_digest: planned.cloned(), facts: None };
        // A plan that does not tell the file's digest is judged by what was recorded.
        if model.file_digest.is_some() && baseline.model.file_digest.is_some() {
            same_model(baseline, &model, allow_other_model)?;
        }
    }
    Ok(())
}

/// Whether a plan's answers can be a baseline, before anything is measured.
///
/// # Errors
/// It has several cells, or answers that are drawn by chance.
pub fn canary_records(plan: &Plan) -> Result<(), CanaryError> {
    let [cell] = plan.cells.as_slice() else {
        return Err(CanaryError::ManyCells { what: named(plan), cells: cells_words(plan) });
    };
    sampling_of(plan, cell, &named(plan)).map(drop)
}

fn named(plan: &Plan) -> String {
    format!("suite {}", plan.suite.name)
}

/// The digest that the model's file must have, where the plan says so.
fn digest_of(origin: &ModelOrigin) -> Option<&Digest> {
    match origin {
        ModelOrigin::Published { digest, .. } => Some(digest),
        ModelOrigin::Derived { digest, .. } => digest.as_ref(),
        ModelOrigin::Synthetic { .. } | ModelOrigin::None => None,
    }
}

/// The prompts are those of the baseline, and some are in both.
pub(super) fn same_corpus(baseline: &Baseline, plan: &Plan) -> Result<(), CanaryError> {
    let (one, two) = (&baseline.corpus, &plan.corpus);
    let why = if one.digest != two.digest {
        let (old, new) = (one.digest.short(), two.digest.short());
        format!("corpus {} ({old}), and now {} ({new})", one.name, two.name)
    } else if !baseline.answers.keys().any(|id| plan.prompts.contains_key(id)) {
        "none of them is asked now".to_owned()
    } else {
        return Ok(());
    };
    Err(CanaryError::OtherPrompts { name: baseline.name.clone(), why })
}

pub(super) fn same_sampling(baseline: &Baseline, subject: BaselineSampling) -> Result<(), CanaryError> {
    if baseline.sampling == subject {
        return Ok(());
    }
    Err(CanaryError::OtherSampling {
        name: baseline.name.clone(),
        baseline: baseline.sampling.words(),
        subject: subject.words(),
    })
}

pub(super) fn same_model(
    baseline: &Baseline,
    subject: &BaselineModel,
    allow_other_model: bool,
) -> Result<(), CanaryError> {
    let differences = differences(&baseline.model, subject);
    if differences.is_empty() || allow_other_model {
        return Ok(());
    }
    Err(CanaryError::OtherModel { name: baseline.name.clone(), differences })
}

/// What shows that two models are not one; empty where nothing does.
pub(super) fn differences(a: &BaselineModel, b: &BaselineModel) -> Vec<String> {
    let mut found = Vec::new();
    if let (Some(one), Some(two)) = (&a.file_digest, &b.file_digest) {
        if one == two {
            return found;
        }
        found.push(format!("file {} ({}), and now {} ({})", a.name, one.short(), b.name, two.short()));
    }
    if let (Some(one), Some(two)) = (&a.facts, &b.facts) {
        found.extend(facts(one, two));
    }
    let is_told = a.file_digest.is_some() && b.file_digest.is_some();
    if found.is_empty() && !is_told && a.name != b.name {
        found.push(format!(
            "it is called {}, and now {}, and no digest shows that the files are one",
            a.name, b.name
        ));
    }
    found
}

fn facts(a: &ModelFacts, b: &ModelFacts) -> Vec<String> {
    let text = |what: &str, one: &str, two: &str| {
        (!one.is_empty() && !two.is_empty() && one != two).then(|| format!("{what} {one}, and now {two}"))
    };
    let count = |what: &str, one: u64, two: u64| {
        (one > 0 && two > 0 && one != two).then(|| format!("{one} {what}, and now {two}"))
    };
    let short = |digest: &Option<Digest>| {
        digest.as_ref().map_or_else(String::new, |digest| digest.short().to_owned())
    };
    let all = [
        text("architecture", &a.architecture, &b.architecture),
        text("tokenizer", &a.tokenizer, &b.tokenizer),
        text("vocabulary", &short(&a.tokenizer_digest), &short(&b.tokenizer_digest)),
        text("quantization", &a.quantization, &b.quantization),
        count("parameters", a.n_parameters, b.n_parameters),
    ];
    all.into_iter().flatten().collect()
}

/// Whether a token's number means the same in both.
pub(super) fn is_one_vocabulary(a: &BaselineModel, b: &BaselineModel) -> bool {
    let is_one = |one: Option<&Digest>, two: Option<&Digest>| one.is_some() && one == two;
    let vocabulary = |of: &BaselineModel| of.facts.as_ref().and_then(|facts| facts.tokenizer_digest.clone());
    is_one(a.file_digest.as_ref(), b.file_digest.as_ref())
        || is_one(vocabulary(a).as_ref(), vocabulary(b).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, file: Option<&str>, vocabulary: Option<&str>) -> BaselineModel {
        let digest = |text: &str| Digest::of(text.as_bytes());
        let facts = vocabulary.map(|vocabulary| ModelFacts {
            architecture: "llama".to_owned(),
            tokenizer_digest: Some(digest(vocabulary)),
            ..ModelFacts::default()
        });
        BaselineModel { name: name.to_owned(), file_digest: file.map(digest), facts }
    }

    #[test]
    fn models_are_one_by_what_is_known_of_them() {
        let check = |a: &BaselineModel, b: &BaselineModel, n: usize| {
            assert_eq!(differences(a, b).len(), n, "{:?}", differences(a, b));
        };
        let q4 = model("q4", Some("f"), Some("v"));
        check(&q4, &model("renamed", Some("f"), None), 0);
        check(&q4, &model("q8", Some("g"), Some("v")), 1);
        check(&q4, &model("q8", Some("g"), Some("w")), 2);
        // An endpoint tells no digest: its name must do.
        check(&q4, &model("q4", None, None), 0);
        check(&q4, &model("other", None, None), 1);
        check(&q4, &model("q4", None, Some("w")), 1);
    }

    #[test]
    fn numbers_of_tokens_mean_the_same_in_one_vocabulary() {
        let q4 = model("q4", Some("f"), Some("v"));
        assert!(is_one_vocabulary(&q4, &model("q8", Some("g"), Some("v"))));
        assert!(is_one_vocabulary(&q4, &model("q4", Some("f"), None)));
        assert!(!is_one_vocabulary(&q4, &model("q4", None, None)));
        assert!(!is_one_vocabulary(&model("a", None, None), &model("a", None, None)));
    }
}
