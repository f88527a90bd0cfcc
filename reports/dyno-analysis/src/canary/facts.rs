//! What is known of both sides, side by side.

use dyno_model::digest::Digest;
use dyno_view::canary::CanaryFact;
use dyno_view::report::FactValue;

use super::answers::Subject;
use super::baseline::{Baseline, BaselineModel, BaselineRuntime};

/// Device, runtime and model of both; what neither tells is left out.
pub(super) fn facts(baseline: &Baseline, subject: &Subject<'_>) -> Vec<CanaryFact> {
    let (one, two) = (&baseline.runtime, &subject.runtime);
    let text = |label: &str, a: Option<String>, b: Option<String>| CanaryFact {
        label: label.to_owned(),
        baseline: a.map(FactValue::Text),
        subject: b.map(FactValue::Text),
    };
    let digest = |label: &str, a: Option<&Digest>, b: Option<&Digest>| {
        let value = |of: Option<&Digest>| of.map(|digest| FactValue::Digest(digest.to_string()));
        CanaryFact { label: label.to_owned(), baseline: value(a), subject: value(b) }
    };
    let of_model = |of: &BaselineModel, word: fn(&dyno_model::launch::ModelFacts) -> &str| {
        let word = of.facts.as_ref().map(|facts| word(facts).to_owned());
        word.filter(|word| !word.is_empty())
    };
    let both_models = |word| [of_model(&baseline.model, word), of_model(&subject.model, word)];
    let [one_architecture, two_architecture] = both_models(|facts| &facts.architecture);
    let [one_quantization, two_quantization] = both_models(|facts| &facts.quantization);
    let vocabulary = |of: &BaselineModel| of.facts.as_ref().and_then(|facts| facts.tokenizer_digest.clone());
    let (one_vocabulary, two_vocabulary) = (vocabulary(&baseline.model), vocabulary(&subject.model));
    let mut all = vec![
        text("Device", Some(baseline.device.clone()), Some(subject.cell.device.0.clone())),
        text("Runtime", Some(one.name.clone()), Some(two.name.clone())),
        text("Runtime version", one.version.clone(), two.version.clone()),
        text("Backend", one.backend.clone(), two.backend.clone()),
        text("Threads that ran", threads(one), threads(two)),
        digest("Runtime binary", one.binary_digest.as_ref(), two.binary_digest.as_ref()),
        text("Settings", settings(one), settings(two)),
        text("Model", Some(baseline.model.name.clone()), Some(subject.model.name.clone())),
        digest("Model file", baseline.model.file_digest.as_ref(), subject.model.file_digest.as_ref()),
        text("Architecture", one_architecture, two_architecture),
        text("Quantization", one_quantization, two_quantization),
        digest("Tokenizer digest", one_vocabulary.as_ref(), two_vocabulary.as_ref()),
    ];
    all.retain(|fact| fact.baseline.is_some() || fact.subject.is_some());
    all
}

fn threads(of: &BaselineRuntime) -> Option<String> {
    of.threads.map(|n| n.to_string())
}

/// `ctx=2048 flash_attn=on`.
fn settings(of: &BaselineRuntime) -> Option<String> {
    let words: Vec<String> = of.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
