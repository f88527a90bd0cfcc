//! Where a cell's model and runtime come from, and who vouches for them.

use dyno_model::launch::{ModelFacts, RuntimeFacts};
use dyno_model::trust::{AcceptedTerms, SignatureState};
use dyno_view::report::{FactValue, FactView};

use super::{fact, text};
use crate::cell::CellRecord;
use crate::present::utc;

/// Facts of the model's file that the plan holds since the campaign began; what nobody looked at is left out.
pub(super) fn of_model(cell: &CellRecord<'_>) -> Vec<FactView> {
    let Some(model) = cell.record.plan.models.get(&cell.cell.model) else { return Vec::new() };
    let of = &model.provenance;
    let signature = of.signature.as_ref().map(|state| text("Model signature", Some(&words(state))));
    let terms = of.terms.as_ref().map(|terms| text("Terms accepted", Some(&accepted(terms))));
    signature.into_iter().chain(terms).collect()
}

/// Facts of the runtime's program.
pub(super) fn of_runtime(cell: &CellRecord<'_>, facts: Option<&RuntimeFacts>) -> Vec<FactView> {
    let script = facts.and_then(|facts| facts.binary_script_for.as_deref());
    let script = script.map(|program| {
        text("Runtime is a script", Some(&format!("for {program}; what it starts is in no digest")))
    });
    pinned(cell, facts).map(|words| text("Runtime pinned", Some(&words))).into_iter().chain(script).collect()
}

/// Whether the program was held against a digest, and who signed that; `None` where nothing was asked for.
fn pinned(cell: &CellRecord<'_>, facts: Option<&RuntimeFacts>) -> Option<String> {
    let runtime = cell.record.plan.runtimes.get(&cell.cell.runtime)?;
    if runtime.endpoint.is_some() {
        return Some("no: the server ran already, and nothing of it can be checked".to_owned());
    }
    let pins = &runtime.server.as_ref()?.pins;
    if pins.is_empty() {
        return cell.record.plan.trust.is_some().then(|| "no: the catalogue has no sha256 of it".to_owned());
    }
    // Which of the pins held is known by what was found.
    let found = facts.and_then(|facts| facts.binary_digest.as_ref());
    let pin = pins.values().find(|pin| Some(&pin.sha256) == found);
    Some(match (pin, found) {
        (Some(pin), _) => {
            let signed = pin.signature.as_ref().map(|state| format!("; {}", words(state)));
            format!("yes: checked before each start{}", signed.unwrap_or_default())
        }
        (None, Some(_)) => "yes, and the program is another one".to_owned(),
        (None, None) => "yes, and it was never started".to_owned(),
    })
}

/// What a signature says, for people.
fn words(state: &SignatureState) -> String {
    match state {
        SignatureState::Signed { key, form, comment } => {
            let comment = comment.as_ref().map(|comment| format!(", “{comment}”")).unwrap_or_default();
            format!("signed by {key} ({}{comment})", form.tool())
        }
        SignatureState::MadeFromSigned { from, key } => format!("made here from {from}, signed by {key}"),
        SignatureState::UnknownSigner { signer, form } => {
            format!("by the unknown {} key {signer}, so not checked", form.tool())
        }
        SignatureState::Unsigned => "unsigned".to_owned(),
    }
}

fn accepted(terms: &AcceptedTerms) -> String {
    let at = terms.at.and_then(utc).map(|at| format!(", {at}")).unwrap_or_default();
    format!("{} ({}) by {}{at}", terms.license, terms.url, terms.by)
}

/// What the file says of itself beyond its shapes; what it does not say is left out.
pub(super) fn of_file(model: &ModelFacts) -> Vec<FactView> {
    let bases = (!model.base_models.is_empty()).then(|| model.base_models.join(", "));
    let said = [
        ("Name in the file", model.name.as_deref()),
        ("Version in the file", model.version.as_deref()),
        ("Licence in the file", model.license.as_deref()),
        ("Made by", model.author.as_deref()),
        ("Made from", bases.as_deref()),
        ("Quantized by", model.quantized_by.as_deref()),
        ("Pre-tokenizer", model.pre_tokenizer.as_deref()),
    ];
    let said = said.into_iter().filter(|(_, words)| words.is_some()).map(|(label, words)| text(label, words));
    let template = model
        .chat_template_digest
        .as_ref()
        .map(|digest| fact("Chat template digest", Some(FactValue::Digest(digest.to_string()))));
    said.chain(template).collect()
}

#[cfg(test)]
mod tests {
    use dyno_model::clock::WallNs;
    use dyno_model::trust::SignatureForm;

    use super::*;

    #[test]
    fn a_signature_is_told_with_its_key_and_comment() {
        let signed = |comment: Option<&str>| SignatureState::Signed {
            key: "lab".to_owned(),
            form: SignatureForm::Minisign,
            comment: comment.map(str::to_owned),
        };
        assert_eq!(words(&signed(Some("v1"))), "signed by lab (minisign, “v1”)");
        assert_eq!(words(&signed(None)), "signed by lab (minisign)");
        assert_eq!(words(&SignatureState::Unsigned), "unsigned");
    }

    #[test]
    fn an_acceptance_says_when_and_by_what() {
        let terms = AcceptedTerms {
            license: "Gemma".to_owned(),
            url: "https://terms.example/".to_owned(),
            by: "--accept-terms".to_owned(),
            at: Some(WallNs(0)),
        };
        let words = accepted(&terms);
        assert!(words.starts_with("Gemma (https://terms.example/) by --accept-terms, 1970-01-01"), "{words}");
    }

    #[test]
    fn only_what_a_file_says_has_a_row() {
        assert_eq!(of_file(&ModelFacts::default()), []);
        let facts = ModelFacts { license: Some("mit".to_owned()), ..ModelFacts::default() };
        assert_eq!(of_file(&facts), [text("Licence in the file", Some("mit"))]);
    }
}
