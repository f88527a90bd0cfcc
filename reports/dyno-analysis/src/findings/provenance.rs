//! Whether model and runtime are what they claim.

use dyno_model::launch::RuntimeFacts;
use dyno_model::plan::PlannedModel;
use dyno_model::trust::SignatureState;
use dyno_view::report::Finding;

use super::{note, warning};
use crate::cell::CellRecord;

/// What model hubs write where the licence is none of their list.
const NO_LICENSE: [&str; 4] = ["other", "unknown", "none", "not said"];

pub(super) fn findings(cell: &CellRecord<'_>) -> Vec<Finding> {
    let facts = cell.launches.iter().find_map(|launch| launch.row.facts.as_ref());
    let model = cell.record.plan.models.get(&cell.cell.model);
    let license = model.zip(facts).and_then(|(model, facts)| license(&cell.cell.model, model, facts));
    let signer = model.and_then(|model| unknown_signer(&cell.cell.model, model));
    let script = facts.and_then(script);
    license.into_iter().chain(signer).chain(script).collect()
}

/// The licence of the catalogue against the one in the file.
fn license(name: &str, model: &PlannedModel, facts: &RuntimeFacts) -> Option<Finding> {
    let said = facts.model.as_ref()?.license.as_deref()?;
    if agree(&model.license, said) {
        return None;
    }
    Some(warning(format!(
        "model {name} is licensed as {} by the catalogue, and its file says {said}: find out which holds before \
         you publish or ship",
        model.license
    )))
}

/// Whether two names are of one licence, as far as names tell: `Apache-2.0` and `apache-2.0`, `Llama 3.2 Community`
/// and `llama3.2`.
fn agree(catalogue: &str, file: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (one, two) = (plain(catalogue), plain(file));
    let says_nothing = |of: &str| of.is_empty() || NO_LICENSE.iter().any(|word| plain(word) == of);
    says_nothing(&one) || says_nothing(&two) || one.starts_with(&two) || two.starts_with(&one)
}

fn unknown_signer(name: &str, model: &PlannedModel) -> Option<Finding> {
    let Some(SignatureState::UnknownSigner { signer, form }) = &model.provenance.signature else {
        return None;
    };
    Some(warning(format!(
        "model {name} is signed by the {} key {signer}, which this project does not know: its signature was not \
         checked; add the key to catalog/trust.toml if it is to be trusted",
        form.tool()
    )))
}

fn script(facts: &RuntimeFacts) -> Option<Finding> {
    let program = facts.binary_script_for.as_ref()?;
    Some(note(format!(
        "the runtime's program is a script for {program}: its digest, and a pin of it, say nothing of what it starts"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_agree_by_name() {
        let check = |catalogue: &str, file: &str, expected: bool| {
            assert_eq!(agree(catalogue, file), expected, "{catalogue} and {file}");
        };
        check("Apache-2.0", "apache-2.0", true);
        check("Gemma", "gemma", true);
        check("Llama 3.2 Community", "llama3.2", true);
        check("Apache-2.0", "cc-by-nc-4.0", false);
        check("MIT", "apache-2.0", false);
        check("unknown", "apache-2.0", true);
        check("MIT", "other", true);
        check("MIT", "", true);
    }
}
