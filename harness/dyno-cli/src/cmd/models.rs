//! `models`: the model store; and the fetching that `run` and `resume` begin with.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use dyno_artifacts::{ModelStore, Progress, Quantizer, StoredModel, Terms, Verification, cache_dir};
use dyno_model::plan::{ModelOrigin, Plan, PlannedModel};
use dyno_plan::Catalog;
use dyno_session::LocalModel;
use dyno_transport::{Ended, LocalTransport, RemoteCommand, RemotePath, Transport as _};
use serde::Serialize;

use crate::args::{Global, ModelsCommand};
use crate::exit::Exit;
use crate::progress::{PullBar, Talk, say};
use crate::project::Project;
use crate::render_error::Failure;
use crate::{agent, output};

/// How long re-quantizing may take.
const QUANTIZE_LIMIT: Duration = Duration::from_hours(1);

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

/// Fetches every model of a plan that is a file.
pub(crate) fn fetch(
    global: &Global,
    plan: &Plan,
    accept_terms: bool,
) -> Result<BTreeMap<String, LocalModel>, Failure> {
    let store = ModelStore::open(&cache_dir()?)?;
    let used = plan
        .models
        .iter()
        .filter(|(name, model)| is_file(&model.origin) && plan.cells.iter().any(|cell| cell.model == **name));
    let pulled = used.map(|(name, model)| {
        let model = pull_one(global, &store, name, model, accept_terms)?;
        Ok((name.clone(), LocalModel { path: model.path, digest: model.digest, bytes: model.bytes }))
    });
    pulled.collect()
}

fn is_file(origin: &ModelOrigin) -> bool {
    matches!(origin, ModelOrigin::Published { .. } | ModelOrigin::Derived { .. })
}

fn pull_one(
    global: &Global,
    store: &ModelStore,
    name: &str,
    model: &PlannedModel,
    accept_terms: bool,
) -> Result<dyno_artifacts::PulledModel, Failure> {
    let talk = Talk::of(global);
    if let Some(url) = terms(&model.origin)
        && store.locate(&model.origin)?.is_none()
    {
        say(talk, Talk::Quiet, &format!("{name} is licensed under the terms of {}: {url}", model.license));
    }
    let terms = if accept_terms { Terms::Accepted } else { Terms::NotAccepted };
    let mut bar = PullBar::new(talk, name);
    let pulled = store.pull(name, model, terms, &mut AgentQuantizer, &mut bar)?;
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
    let wanted =
        names.iter().map(|name| Ok((name, known(&catalog, name)?))).collect::<Result<Vec<_>, Failure>>()?;
    for (name, model) in wanted {
        let pulled = pull_one(global, store, name, model, accept_terms)?;
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
    let mut changed = 0;
    for model in &models {
        let mut bar = PullBar::new(Talk::of(global), &model.record.file);
        let found = store.verify(model, &mut bar)?;
        bar.finish();
        let words = match &found {
            Verification::Intact => format!("intact   {}  {}\n", model.record.digest, model.path.display()),
            Verification::Changed { digest, bytes } => {
                changed += 1;
                let expected = &model.record.digest;
                format!("CHANGED  {expected}  {} is now {digest}, {bytes} bytes\n", model.path.display())
            }
        };
        output::stdout(words.as_bytes())?;
    }
    if changed > 0 {
        say(Talk::of(global), Talk::Quiet, "hint: delete the changed file and pull the model again");
        return Ok(Exit::Lab);
    }
    Ok(Exit::Ok)
}

fn add(global: &Global, store: &ModelStore, path: &Path) -> Result<Exit, Failure> {
    let mut bar = PullBar::new(Talk::of(global), &path.display().to_string());
    let added = store.add(path, &mut bar)?;
    bar.finish();
    say(Talk::of(global), Talk::Normal, &format!("kept as {}", added.path.display()));
    say(
        Talk::of(global),
        Talk::Normal,
        &format!("write this into catalog/models/{}.toml beside your devices.toml:\n", added.name),
    );
    output::stdout(added.catalog_entry.as_bytes())?;
    Ok(Exit::Ok)
}
