//! Facts of devices, runtimes and models, and what measuring cost.

use dyno_model::device::{CpuCluster, DeviceFacts};
use dyno_model::ids::DeviceId;
use dyno_model::plan::{ModelOrigin, TransportSpec};
use dyno_model::sample::OwnCost;
use dyno_store::JournalEntry;
use dyno_view::report::{DeviceView, FactValue, FactView};

use crate::cell::CellRecord;
use crate::record::Record;

fn fact(label: &str, value: Option<FactValue>) -> FactView {
    FactView { label: label.to_owned(), value }
}

fn text(label: &str, value: Option<&str>) -> FactView {
    fact(label, value.map(|words| FactValue::Text(words.to_owned())))
}

fn count(label: &str, value: Option<u64>) -> FactView {
    fact(label, value.map(FactValue::Count))
}

fn bytes(label: &str, value: Option<u64>) -> FactView {
    fact(label, value.map(FactValue::Bytes))
}

fn ns(label: &str, value: Option<u64>) -> FactView {
    fact(label, value.map(FactValue::Ns))
}

fn khz(label: &str, value: Option<u64>) -> FactView {
    fact(label, value.map(FactValue::Khz))
}

/// Every device of the plan.
pub(crate) fn device_views(record: &Record<'_>) -> Vec<DeviceView> {
    record.plan.devices.keys().map(|id| device_view(record, id)).collect()
}

fn device_view(record: &Record<'_>, id: &DeviceId) -> DeviceView {
    match record.session_with(id) {
        Some(JournalEntry::Session { transport, build_id, facts, .. }) => DeviceView {
            id: id.0.clone(),
            transport: transport.clone(),
            facts: device_facts(facts, build_id),
        },
        // Never reached: all that is known is how it would have been.
        _ => DeviceView { id: id.0.clone(), transport: planned_transport(record, id), facts: Vec::new() },
    }
}

fn planned_transport(record: &Record<'_>, id: &DeviceId) -> String {
    match record.plan.devices.get(id).map(|device| &device.transport) {
        None => String::new(),
        Some(TransportSpec::Local) => "local".to_owned(),
        Some(TransportSpec::Ssh { host }) => format!("ssh {host}"),
        Some(TransportSpec::Adb { serial }) => format!("adb {serial}"),
    }
}

fn device_facts(facts: &DeviceFacts, build_id: &str) -> Vec<FactView> {
    let features = (!facts.cpu_features.is_empty()).then(|| facts.cpu_features.join(" "));
    let mut views = vec![
        text("Model", facts.model.as_deref()),
        text("CPU", facts.cpu.as_deref()),
        text("Architecture", Some(&facts.arch)),
        text("CPU features", features.as_deref()),
        count("Logical CPUs", facts.n_cpus.map(u64::from)),
        count("Physical cores", facts.n_cores.map(u64::from)),
    ];
    for (place, cluster) in facts.clusters.iter().enumerate() {
        views.extend(cluster_facts(cluster, (facts.clusters.len() > 1).then_some(place)));
    }
    views.extend([
        bytes("RAM", facts.ram_bytes),
        bytes("RAM available at the start", facts.ram_available_bytes),
        bytes("Swap", facts.swap_bytes),
        text("System", facts.os_version.as_deref().or(Some(&facts.os))),
        text("Kernel", facts.kernel.as_deref()),
        text("Hypervisor", facts.hypervisor.as_deref().or(Some("none seen"))),
        text("Host name", facts.host.as_deref()),
        bytes("Free disk", facts.free_bytes),
    ]);
    if facts.battery_status.is_some() || facts.battery_percent.is_some() {
        views.push(text("Battery", facts.battery_status.as_deref()));
        views.push(count("Battery charge in per cent", facts.battery_percent.map(u64::from)));
    }
    views.push(text("Boot", facts.boot_id.as_deref()));
    views.push(text("Agent build", Some(build_id)));
    views
}

fn cluster_facts(cluster: &CpuCluster, place: Option<usize>) -> Vec<FactView> {
    let cpus: Vec<String> = cluster.cpus.iter().map(u32::to_string).collect();
    let label = |what: &str| match place {
        None => what.to_owned(),
        Some(place) => format!("Cluster {place}: {}", what.to_lowercase()),
    };
    let mut views = Vec::new();
    if place.is_some() {
        views.push(text(&label("CPUs"), Some(&cpus.join(" "))));
    }
    views.extend([
        text(&label("Governor"), cluster.governor.as_deref()),
        khz(&label("Lowest clock"), cluster.min_freq_khz),
        khz(&label("Highest clock"), cluster.max_freq_khz),
        khz(&label("Clock at the start"), cluster.now_freq_khz),
    ]);
    views
}

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
        text("Model", planned.map(|model| model.title.as_str())),
        text("Model licence", planned.map(|model| model.license.as_str())),
        fact("Model file", model_digest(cell).map(FactValue::Digest)),
    ];
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
    let says_synthetic = || {
        let facts = cell.launches.iter().filter_map(|launch| launch.row.facts.as_ref());
        facts.filter_map(|facts| facts.model.as_ref()).any(|model| model.synthetic)
    };
    match origin {
        Some(ModelOrigin::Synthetic { .. }) => vec!["synthetic: speed only, no quality".to_owned()],
        Some(ModelOrigin::Derived { from, quantize, .. }) => {
            vec![format!("derived from {from}, re-quantized to {quantize}")]
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
