//! Facts of a cell's runtime and model, and what measuring it cost.

use dyno_model::plan::ModelOrigin;
use dyno_model::sample::OwnCost;
use dyno_store::JournalEntry;
use dyno_view::report::{FactValue, FactView};

use super::{bytes, count, fact, ns, provenance, text};
use crate::cell::CellRecord;

/// Facts of a cell's runtime and model, as the first launch that became ready says.
pub(crate) fn cell_facts(cell: &CellRecord<'_>) -> Vec<FactView> {
    let record = cell.record;
    let plan = record.plan;
    let runtime = cell.launches.iter().find_map(|launch| launch.row.facts.as_ref());
    let planned = plan.models.get(&cell.cell.model);
    let mut views = vec![
        text("Runtime", plan.runtimes.get(&cell.cell.runtime).map(|runtime| runtime.title.as_str())),
        text("Runtime version", runtime.map(|facts| facts.version.as_str())),
        text("Backend", runtime.map(|facts| facts.backend.as_str())),
        count("Threads that run", runtime.and_then(|facts| facts.threads).map(u64::from)),
        fact(
            "Runtime binary",
            runtime
                .and_then(|facts| facts.binary_digest.as_ref())
                .map(|digest| FactValue::Digest(digest.to_string())),
        ),
    ];
    views.extend(provenance::of_runtime(cell, runtime));
    views.extend([
        text("Model", planned.map(|model| model.title.as_str())),
        text("Model licence", planned.map(|model| model.license.as_str())),
        fact("Model file", model_digest(cell).map(FactValue::Digest)),
    ]);
    views.extend(provenance::of_model(cell));
    if let Some(model) = runtime.and_then(|facts| facts.model.as_ref()) {
        views.extend([
            text("Architecture", Some(&model.architecture)),
            text("Quantization", Some(&model.quantization)),
            count("Parameters", Some(model.n_parameters)),
            bytes("File size", Some(model.file_bytes)),
            bytes("Weights read for each token", Some(model.bytes_per_token)),
            count("Layers", Some(u64::from(model.n_layers))),
            count("Vocabulary", Some(u64::from(model.n_vocabulary))),
            count("Context of the training", Some(u64::from(model.trained_context_tokens))),
            text("Tokenizer", Some(&model.tokenizer)),
            fact(
                "Tokenizer digest",
                model.tokenizer_digest.as_ref().map(|digest| FactValue::Digest(digest.to_string())),
            ),
            text(
                "Chat template",
                Some(if model.has_chat_template { "the model's own" } else { "none in the file" }),
            ),
        ]);
        views.extend(provenance::of_file(model));
    }
    views
}

/// The digest of the model file as it was on the device.
fn model_digest(cell: &CellRecord<'_>) -> Option<String> {
    match cell.record.session_with(&cell.cell.device)? {
        JournalEntry::Session { model_digests, .. } => {
            model_digests.get(&cell.cell.model).map(ToString::to_string)
        }
        _ => None,
    }
}

/// Marks that a reader must see beside the model's name.
pub(crate) fn model_marks(cell: &CellRecord<'_>) -> Vec<String> {
    let origin = cell.record.plan.models.get(&cell.cell.model).map(|model| &model.origin);
    let runtime = cell.record.plan.runtimes.get(&cell.cell.runtime);
    let is_endpoint = runtime.is_some_and(|runtime| runtime.endpoint.is_some());
    let says_synthetic = || {
        let facts = cell.launches.iter().filter_map(|launch| launch.row.facts.as_ref());
        facts.filter_map(|facts| facts.model.as_ref()).any(|model| model.synthetic)
    };
    match origin {
        Some(ModelOrigin::Synthetic { .. }) => vec!["synthetic: speed only, no quality".to_owned()],
        Some(ModelOrigin::Derived { from, quantize, .. }) => {
            vec![format!("derived from {from}, re-quantized to {quantize}")]
        }
        Some(ModelOrigin::None) if is_endpoint => {
            vec!["the server's own: nothing of it was checked".to_owned()]
        }
        Some(ModelOrigin::None) => vec!["no model: scripted answers".to_owned()],
        Some(ModelOrigin::Published { .. }) | None if says_synthetic() => {
            vec!["synthetic: speed only, no quality".to_owned()]
        }
        Some(ModelOrigin::Published { .. }) | None => Vec::new(),
    }
}

/// What measuring cost, over all launches of a cell.
pub(crate) fn own_cost(cell: &CellRecord<'_>) -> Vec<FactView> {
    let costs: Vec<&OwnCost> = cell.launches.iter().filter_map(|launch| launch.row.own.as_ref()).collect();
    if costs.is_empty() {
        return Vec::new();
    }
    let sum = |value: fn(&OwnCost) -> u64| Some(costs.iter().map(|own| value(own)).sum());
    let worst = |value: fn(&OwnCost) -> Option<u64>| costs.iter().filter_map(|own| value(own)).max();
    vec![
        ns("Agent CPU time", sum(|own| own.cpu_ns)),
        ns("of which the sampler's", sum(|own| own.sampler_cpu_ns)),
        ns("over a wall time of", sum(|own| own.wall_ns)),
        bytes("Agent peak memory", worst(|own| own.peak_rss_bytes)),
        count("Rows sampled", sum(|own| own.n_rows)),
        count("Rows lost", sum(|own| own.n_dropped)),
        ns("Tick lateness p50, worst launch", worst(|own| own.lateness_p50_ns)),
        ns("Tick lateness p99, worst launch", worst(|own| own.lateness_p99_ns)),
        ns("Tick lateness, worst", worst(|own| own.lateness_max_ns)),
    ]
}
