//! What the models and runtimes of a plan are: looked at before anything is deployed, and frozen into the plan.

use std::collections::BTreeMap;

use dyno_artifacts::{Conditions, ModelStore, PullError, PulledModel, Refusal, Refused, cache_dir};
use dyno_model::plan::{ModelOrigin, Plan, PlannedRuntime};
use dyno_model::trust::{SignatureState, Trust};
use dyno_report::untrusted::one_line;
use dyno_session::LocalModel;

use crate::args::Global;
use crate::cmd::models;
use crate::progress::{Talk, say};
use crate::render_error::Failure;

/// The flag that accepts terms, as records name it.
const ACCEPT_TERMS: &str = "--accept-terms";

/// A plan that says what was found of its models and runtimes, and the models' files.
pub(crate) struct Settled {
    pub(crate) plan: Plan,
    pub(crate) models: BTreeMap<String, LocalModel>,
}

/// What a person and a project have said.
pub(crate) fn conditions(accept_terms: bool, trust: Option<&Trust>) -> Conditions<'_> {
    Conditions { accepted_by: accept_terms.then_some(ACCEPT_TERMS), trust }
}

/// Fetches every model of a plan that is a file, and refuses what the project does not trust.
pub(crate) fn settle(global: &Global, mut plan: Plan, accept_terms: bool) -> Result<Settled, Failure> {
    let store = ModelStore::open(&cache_dir()?)?;
    let trust = plan.trust.clone();
    // Runtimes first: what is refused is refused before gigabytes come.
    for (name, runtime) in &mut plan.runtimes {
        if plan.cells.iter().any(|cell| cell.runtime == *name) {
            check_runtime(&store, name, runtime, trust.as_ref())?;
        }
    }
    let conditions = conditions(accept_terms, trust.as_ref());
    let mut models = BTreeMap::new();
    for (name, model) in &mut plan.models {
        let is_file = matches!(model.origin, ModelOrigin::Published { .. } | ModelOrigin::Derived { .. });
        if !is_file || !plan.cells.iter().any(|cell| cell.model == *name) {
            continue;
        }
        let pulled = models::pull_one(global, &store, name, model, &conditions)?;
        tell(global, name, &pulled);
        let PulledModel { path, digest, bytes, signature, terms, .. } = pulled;
        (model.provenance.signature, model.provenance.terms) = (Some(signature), terms);
        models.insert(name.clone(), LocalModel { path, digest, bytes });
    }
    Ok(Settled { plan, models })
}

/// Looks at the pins of a runtime's program; the program itself is looked at where it lies, before each start.
fn check_runtime(
    store: &ModelStore,
    name: &str,
    runtime: &mut PlannedRuntime,
    trust: Option<&Trust>,
) -> Result<(), PullError> {
    let refused = |why| PullError::from(Refused { what: format!("runtime `{name}`"), why });
    let requires = |of: fn(&Trust) -> bool| trust.is_some_and(of);
    if runtime.endpoint.is_some() && requires(|trust| trust.require_for_models || trust.require_for_runtimes)
    {
        return Err(refused(Refusal::RunsAlready));
    }
    // The embedded engine and the scripted runtime are parts of this program.
    let Some(server) = &mut runtime.server else { return Ok(()) };
    if server.pins.is_empty() && requires(|trust| trust.require_for_runtimes) {
        return Err(refused(Refusal::Unpinned { program: server.program.clone() }));
    }
    for pin in server.pins.values_mut() {
        pin.signature = Some(store.check_program(name, &server.program, pin, trust)?);
    }
    Ok(())
}

fn tell(global: &Global, name: &str, pulled: &PulledModel) {
    let level = match &pulled.signature {
        SignatureState::Unsigned => return,
        SignatureState::UnknownSigner { .. } => Talk::Quiet,
        SignatureState::Signed { .. } | SignatureState::MadeFromSigned { .. } => Talk::Normal,
    };
    say(Talk::of(global), level, &format!("{name}: {}", words(&pulled.signature)));
}

/// What a signature says, for people.
pub(crate) fn words(state: &SignatureState) -> String {
    match state {
        SignatureState::Signed { key, form, comment } => {
            let comment =
                comment.as_ref().map(|comment| format!(": {}", one_line(comment))).unwrap_or_default();
            format!("signed by {} ({}{comment})", one_line(key), form.tool())
        }
        SignatureState::MadeFromSigned { from, key } => {
            format!("made here from {}, which is signed by {}", one_line(from), one_line(key))
        }
        SignatureState::UnknownSigner { signer, form } => format!(
            "signed by the {} key {}, which catalog/trust.toml does not name, so its signature was not checked",
            form.tool(),
            one_line(signer)
        ),
        SignatureState::Unsigned => "unsigned".to_owned(),
    }
}
