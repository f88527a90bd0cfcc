//! `models`: the model store; and the fetching that `run` and `resume` begin with.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use dyno_artifacts::{
    Conditions, FileWords, ModelStore, Progress, PullError, PulledModel, Quantizer, StoredModel,
    Verification, cache_dir,
};
use dyno_model::blame::Classify as _;
use dyno_model::launch::ModelFacts;
use dyno_model::plan::{ModelOrigin, Plan, PlannedModel};
use dyno_model::trust::SignatureState;
use dyno_plan::Catalog;
use dyno_report::untrusted::one_line;
use dyno_session::LocalModel;
use dyno_transport::{Ended, LocalTransport, RemoteCommand, RemotePath, Transport as _};
use serde::Serialize;

use crate::args::{Global, ModelsCommand};
use crate::cmd::provenance;
use crate::exit::Exit;
use crate::progress::{PullBar, Talk, say};
use crate::project::Project;
use crate::render_error::Failure;
use crate::{agent, output};

/// How long re-quantizing may take.
const QUANTIZE_LIMIT: Duration = Duration::from_hours(1);
/// How long reading a header may take.
const DESCRIBE_LIMIT: Duration = Duration::from_secs(30);

/// The subcommand.
pub(crate) fn models(global: &Global, command: &ModelsCommand) -> Result<Exit, Failure> {
    let store = ModelStore::open(&cache_dir()?)?;
    match command {
        ModelsCommand::List => list(global, &store),
        ModelsCommand::Pull { names, accept_terms } => pull(global, &store, names, *accept_terms),
        ModelsCommand::Verify { names } => verify(global, &store, names),
        ModelsCommand::Add { path } => add(global, &store, path),
    }
}

/// Fetches every model of a plan that is a file, and refuses what the plan's project does not trust.
pub(crate) fn fetch(
    global: &Global,
    plan: &Plan,
    accept_terms: bool,
) -> Result<BTreeMap<String, LocalModel>, Failure> {
    Ok(provenance::settle(global, plan.clone(), accept_terms)?.models)
}

/// Fetches a model, and tells what a person must know of it.
pub(crate) fn pull_one(
    global: &Global,
    store: &ModelStore,
    name: &str,
    model: &PlannedModel,
    conditions: &Conditions<'_>,
) -> Result<PulledModel, Failure> {
    let talk = Talk::of(global);
    if let Some(url) = terms(&model.origin)
        && store.locate(&model.origin)?.is_none()
    {
        say(talk, Talk::Quiet, &format!("{name} is licensed under the terms of {}: {url}", model.license));
    }
    let mut bar = PullBar::new(talk, name);
    let pulled = store.pull(name, model, conditions, &mut AgentQuantizer, &mut bar)?;
    bar.finish();
    if !pulled.was_there {
        say(
            talk,
            Talk::Normal,
            &format!("{name}: {} bytes from {}, sha256 {}", pulled.bytes, pulled.source, pulled.digest),
        );
    }
    Ok(pulled)
}

fn terms(origin: &ModelOrigin) -> Option<&str> {
    match origin {
        ModelOrigin::Published { terms_url, .. } => terms_url.as_deref(),
        ModelOrigin::Derived { published, .. } => terms(published),
        ModelOrigin::Synthetic { .. } | ModelOrigin::None => None,
    }
}

/// Re-quantizes with the agent's engine.
struct AgentQuantizer;

impl Quantizer for AgentQuantizer {
    fn quantize(
        &mut self,
        source: &Path,
        quantize: &str,
        target: &Path,
        _progress: &mut dyn Progress,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let agent = agent::local().map_err(|failure| failure.error)?;
        let folder = target.parent().map(|folder| folder.display().to_string());
        let mut transport = LocalTransport::new("quantizer", folder.as_deref())?;
        let command = RemoteCommand::new(&RemotePath::new(agent.path.display().to_string()))
            .arg("quantize")
            .arg(source.display().to_string())
            .arg(target.display().to_string())
            .arg(quantize);
        let output = transport.run(&command, QUANTIZE_LIMIT)?;
        match output.ended {
            Ended::Code(0) => Ok(()),
            _ => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
        }
    }
}

fn catalog(global: &Global) -> Result<Catalog, Failure> {
    Ok(Catalog::load(&Project::find(global)?.inputs()?)?)
}

/// The entry of that name, or an error with the list.
fn known<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c PlannedModel, Failure> {
    catalog.models.get(name).ok_or_else(|| {
        let names: Vec<&str> = catalog.models.keys().map(String::as_str).collect();
        Failure::usage(format!("unknown model `{name}`"), format!("known are {}", names.join(", ")))
    })
}

/// One row of the list.
#[derive(Serialize)]
struct Row<'c> {
    name: &'c str,
    title: &'c str,
    license: &'c str,
    kind: &'static str,
    bytes: Option<u64>,
    path: Option<String>,
    sha256: Option<String>,
}

fn list(global: &Global, store: &ModelStore) -> Result<Exit, Failure> {
    let catalog = catalog(global)?;
    let mut rows = Vec::new();
    for (name, model) in &catalog.models {
        let there = store.locate(&model.origin)?;
        rows.push(row(name, model, there.as_ref()));
    }
    if global.json {
        let mut json = serde_json::to_vec_pretty(&rows).expect("a row has only string keys");
        json.push(b'\n');
        output::stdout(&json)?;
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    let wide = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in &rows {
        let state = match (row.kind, &row.path, row.bytes) {
            ("synthetic", ..) => "made on the device".to_owned(),
            ("none", ..) => "needs no file".to_owned(),
            (_, Some(_), Some(bytes)) => format!("in the cache, {} MB", bytes.div_ceil(1_000_000)),
            (_, None, Some(bytes)) => format!("not pulled, {} MB", bytes.div_ceil(1_000_000)),
            _ => "not pulled".to_owned(),
        };
        writeln!(text, "{:wide$}  {:9}  {state}  [{}]", row.name, row.kind, row.license)
            .expect("writing to a String cannot fail");
    }
    output::stdout(text.as_bytes())?;
    Ok(Exit::Ok)
}

fn row<'c>(name: &'c str, model: &'c PlannedModel, there: Option<&StoredModel>) -> Row<'c> {
    let (kind, bytes) = match &model.origin {
        ModelOrigin::Published { bytes, .. } => ("published", Some(*bytes)),
        ModelOrigin::Derived { .. } => ("derived", there.map(|model| model.record.bytes)),
        ModelOrigin::Synthetic { .. } => ("synthetic", None),
        ModelOrigin::None => ("none", None),
    };
    Row {
        name,
        title: &model.title,
        license: &model.license,
        kind,
        bytes,
        path: there.map(|model| model.path.display().to_string()),
        sha256: there.map(|model| model.record.digest.to_string()),
    }
}

fn pull(global: &Global, store: &ModelStore, names: &[String], accept_terms: bool) -> Result<Exit, Failure> {
    let catalog = catalog(global)?;
    let conditions = provenance::conditions(accept_terms, catalog.trust.as_ref());
    let wanted =
        names.iter().map(|name| Ok((name, known(&catalog, name)?))).collect::<Result<Vec<_>, Failure>>()?;
    for (name, model) in wanted {
        let pulled = pull_one(global, store, name, model, &conditions)?;
        say(Talk::of(global), Talk::Normal, &format!("{name}: {}", provenance::words(&pulled.signature)));
        output::stdout(format!("{}\n", pulled.path.display()).as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn verify(global: &Global, store: &ModelStore, names: &[String]) -> Result<Exit, Failure> {
    let catalog = catalog(global)?;
    let mut models = Vec::new();
    for name in names {
        let there = store.locate(&known(&catalog, name)?.origin)?;
        models.push(there.ok_or_else(|| {
            Failure::usage(
                format!("model `{name}` is not in the cache"),
                format!("fetch it: `edgedyno models pull {name}`"),
            )
        })?);
    }
    if names.is_empty() {
        models = store.list()?;
    }
    let mut hints = Vec::new();
    for model in &models {
        let mut bar = PullBar::new(Talk::of(global), &model.record.file);
        let found = store.verify(model, &mut bar)?;
        let words = match &found {
            Verification::Intact => match signature_words(store, &catalog, model, &mut bar) {
                Ok(signature) => {
                    format!("intact   {}  {}{signature}\n", model.record.digest, model.path.display())
                }
                Err(PullError::Refused(refused)) => {
                    hints.extend(refused.hints());
                    format!("REFUSED  {}  {}: {refused}\n", model.record.digest, model.path.display())
                }
                Err(error) => return Err(error.into()),
            },
            Verification::Changed { digest, bytes } => {
                hints.push("delete the changed file and pull the model again".to_owned());
                let expected = &model.record.digest;
                format!("CHANGED  {expected}  {} is now {digest}, {bytes} bytes\n", model.path.display())
            }
        };
        bar.finish();
        output::stdout(words.as_bytes())?;
    }
    hints.dedup();
    for hint in &hints {
        say(Talk::of(global), Talk::Quiet, &format!("hint: {hint}"));
    }
    Ok(if hints.is_empty() { Exit::Ok } else { Exit::Lab })
}

/// What the signature of a model in the store says; nothing where nobody asks for one.
fn signature_words(
    store: &ModelStore,
    catalog: &Catalog,
    stored: &StoredModel,
    bar: &mut PullBar,
) -> Result<String, PullError> {
    let mut named = None;
    for (name, model) in &catalog.models {
        let there = store.locate(&model.origin)?;
        if there.is_some_and(|there| there.record.digest == stored.record.digest) {
            named = Some((name, model));
            break;
        }
    }
    let from = named.and_then(|(_, model)| model.provenance.signature_from.as_ref());
    if let (None, Some(made)) = (from, &stored.record.derived) {
        // Nobody signs what is made here: the file that it was made from is in the list, too.
        return Ok(format!("  made here from {}", made.from));
    }
    let name = named.map_or(stored.record.file.as_str(), |(name, _)| name.as_str());
    let state = store.check_signature(name, stored, from, catalog.trust.as_ref(), bar)?;
    let is_asked_for = catalog.trust.is_some() || state != SignatureState::Unsigned;
    Ok(if is_asked_for { format!("  {}", provenance::words(&state)) } else { String::new() })
}

/// What the header of a person's file says. Best effort: a file that the agent cannot read may be of a newer kind.
fn said(global: &Global, store: &ModelStore, path: &Path) -> FileWords {
    let Ok(path) = std::fs::canonicalize(path) else { return FileWords::default() };
    let described = agent::local().and_then(|agent| {
        let folder = store.dir().display().to_string();
        let mut transport = LocalTransport::new("describe", Some(&folder))?;
        let command = RemoteCommand::new(&RemotePath::new(agent.path.display().to_string()))
            .arg("describe")
            .arg(path.display().to_string());
        Ok(transport.run(&command, DESCRIBE_LIMIT)?)
    });
    let Ok(output) = described else { return FileWords::default() };
    let facts = serde_json::from_slice::<ModelFacts>(&output.stdout);
    if let (Ended::Code(0), Ok(facts)) = (output.ended, facts) {
        FileWords { license: facts.license, trained_context_tokens: Some(facts.trained_context_tokens) }
    } else {
        let words = one_line(&String::from_utf8_lossy(&output.stderr));
        say(Talk::of(global), Talk::Verbose, &format!("its header was not read: {words}"));
        FileWords::default()
    }
}

fn add(global: &Global, store: &ModelStore, path: &Path) -> Result<Exit, Failure> {
    // The entry may be on its way into a file of the catalogue, which is then empty and wrong.
    let inputs = Project::find(global)?.inputs()?;
    let (trust, catalog) = (dyno_plan::read_trust(&inputs)?, Catalog::load(&inputs).ok());
    let mut bar = PullBar::new(Talk::of(global), &path.display().to_string());
    let said = said(global, store, path);
    let added = store.add(path, &said, trust.as_ref(), &mut bar)?;
    bar.finish();
    let tell = |words: &str| say(Talk::of(global), Talk::Normal, words);
    tell(&format!("kept as {}, {}", added.path.display(), provenance::words(&added.signature)));
    let is_it = |model: &PlannedModel| matches!(&model.origin, ModelOrigin::Published { digest, .. } if *digest == added.digest);
    match catalog.iter().flat_map(|catalog| &catalog.models).find(|(_, model)| is_it(model)) {
        Some((name, model)) => {
            let terms = terms(&model.origin).map(|url| {
                format!("; it comes under the terms {}, which must be accepted: {url}", model.license)
            });
            tell(&format!("the catalogue knows this file as {name}{}\n", terms.unwrap_or_default()));
        }
        None => {
            tell(&format!("write this into catalog/models/{}.toml beside your devices.toml:\n", added.name));
        }
    }
    output::stdout(added.catalog_entry.as_bytes())?;
    Ok(Exit::Ok)
}
