//! What was measured with what: digests of programs, models, prompts and traces, as plan and record have them.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::digest::Digest;
use dyno_model::launch::RuntimeFacts;
use dyno_model::load::LoadModel;
use dyno_model::plan::{ModelOrigin, Plan};
use dyno_model::trust::{AcceptedTerms, ModelProvenance, ProgramPins, SignatureState};
use dyno_store::{Campaign, JournalEntry, LaunchRow, TableError, Tables};
use serde::Serialize;

/// `inputs.json`: a pure function of the record.
#[derive(Debug, Serialize)]
pub(super) struct Inputs {
    schema_version: u32,
    /// Versions of edgedyno that measured, in order.
    tool_versions: Vec<String>,
    /// Build ids of the agents that were met, by device.
    agents: BTreeMap<String, BTreeSet<String>>,
    models: BTreeMap<String, Model>,
    runtimes: Vec<Runtime>,
    suite: Named,
    corpus: Named,
    /// Digests of traces, by file.
    traces: BTreeMap<String, Digest>,
}

/// A model: what its file must hash to, and what it did on each device.
#[derive(Debug, Default, Serialize)]
struct Model {
    planned: Option<Digest>,
    found: BTreeMap<String, BTreeSet<Digest>>,
    /// Whose signature was found on its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureState>,
    /// The terms that were accepted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<AcceptedTerms>,
}

/// A runtime as it was met; `launches` counts those that said so.
#[derive(Debug, Serialize)]
struct Runtime {
    planned: String,
    device: String,
    name: String,
    version: String,
    backend: String,
    binary: Option<Digest>,
    /// What its binary had to be, by architecture, with whose signature.
    #[serde(skip_serializing_if = "ProgramPins::is_empty")]
    pinned: ProgramPins,
    launches: u64,
}

#[derive(Debug, Serialize)]
struct Named {
    name: String,
    sha256: Digest,
}

/// Reads them from a campaign.
pub(super) fn inputs(campaign: &Campaign) -> Result<Inputs, TableError> {
    let (plan, tables) = (campaign.plan(), Tables::open(campaign)?);
    let entries = tables.sessions()?;
    let mut agents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let planned = plan.models.iter().map(|(name, model)| {
        let ModelProvenance { signature, terms, .. } = model.provenance.clone();
        let planned = digest_of(&model.origin);
        (name.clone(), Model { planned, signature, terms, ..Model::default() })
    });
    let mut models: BTreeMap<String, Model> = planned.collect();
    for entry in &entries {
        let JournalEntry::Session { device, build_id, model_digests, .. } = entry else { continue };
        agents.entry(device.0.clone()).or_default().insert(build_id.clone());
        for (name, digest) in model_digests {
            let found = &mut models.entry(name.clone()).or_default().found;
            found.entry(device.0.clone()).or_default().insert(digest.clone());
        }
    }
    Ok(Inputs {
        schema_version: 1,
        tool_versions: tool_versions(&entries),
        agents,
        models,
        runtimes: runtimes(plan, &tables.launches()?),
        suite: Named { name: plan.suite.name.clone(), sha256: plan.suite.digest.clone() },
        corpus: Named { name: plan.corpus.name.clone(), sha256: plan.corpus.digest.clone() },
        traces: traces(plan),
    })
}

fn digest_of(origin: &ModelOrigin) -> Option<Digest> {
    match origin {
        ModelOrigin::Published { digest, .. } => Some(digest.clone()),
        ModelOrigin::Derived { digest, .. } => digest.clone(),
        ModelOrigin::Synthetic { .. } | ModelOrigin::None => None,
    }
}

fn tool_versions(entries: &[JournalEntry]) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    for entry in entries {
        if let JournalEntry::Header { tool_version, .. } | JournalEntry::Resumed { tool_version, .. } = entry
            && versions.last() != Some(tool_version)
        {
            versions.push(tool_version.clone());
        }
    }
    versions
}

/// The pins of a runtime's program; their signatures' own texts are left to the plan.
fn pins(plan: &Plan, runtime: &str) -> ProgramPins {
    let server = plan.runtimes.get(runtime).and_then(|runtime| runtime.server.as_ref());
    let mut pins = server.map(|server| server.pins.clone()).unwrap_or_default();
    for pin in pins.values_mut() {
        pin.signature_from = None;
    }
    pins
}

fn runtimes(plan: &Plan, launches: &[LaunchRow]) -> Vec<Runtime> {
    type Key<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, Option<&'a Digest>);
    let mut counts: BTreeMap<Key<'_>, u64> = BTreeMap::new();
    for launch in launches {
        let run = plan.run(dyno_model::ids::RunId(launch.run));
        let (Some(cell), Some(facts)) = (run.and_then(|run| plan.cell(&run.cell)), &launch.facts) else {
            continue;
        };
        let RuntimeFacts { name, version, backend, binary_digest, .. } = facts;
        let key = (cell.runtime.as_str(), cell.device.0.as_str(), name.as_str(), version.as_str());
        *counts.entry((key.0, key.1, key.2, key.3, backend.as_str(), binary_digest.as_ref())).or_default() +=
            1;
    }
    let runtimes =
        counts.into_iter().map(|((planned, device, name, version, backend, binary), launches)| Runtime {
            planned: planned.to_owned(),
            device: device.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            backend: backend.to_owned(),
            binary: binary.cloned(),
            pinned: pins(plan, planned),
            launches,
        });
    runtimes.collect()
}

fn traces(plan: &Plan) -> BTreeMap<String, Digest> {
    let trace = |load: &LoadModel| match load {
        LoadModel::Trace { file, digest, .. } => Some((file.clone(), digest.clone())),
        LoadModel::Single { .. } | LoadModel::Closed { .. } | LoadModel::Open { .. } => None,
    };
    plan.cells.iter().filter_map(|cell| trace(&cell.load)).collect()
}
