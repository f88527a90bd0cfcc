//! How far a cell's latencies can be believed.

use dyno_model::launch::Dialect;
use dyno_model::proof::{Calibration, LoadFacts, Spread};
use dyno_view::proof::{ProofFigure, ProofLaunchView, ProofRowView, ProofStage, ProofView, StampsView};
use dyno_view::report::UnitView;

use crate::cell::{CellRecord, LaunchRecord};

/// How the agent's note on a calibration that failed begins.
const NOT_CALIBRATED: &str = "the client is not calibrated: ";

/// What speaks for and against a cell's figures; `None` without a launch.
pub(crate) fn proof(cell: &CellRecord<'_>) -> Option<ProofView> {
    if cell.launches.is_empty() {
        return None;
    }
    let launches = cell.launches.iter().map(|launch| ProofLaunchView {
        run: launch.row.run,
        launch: u16::try_from(launch.row.launch).unwrap_or(u16::MAX),
        is_valid: launch.is_valid(),
        n_streams: launch.row.calibration.as_ref().map(|calibration| calibration.n_streams),
        uncalibrated: uncalibrated(cell, launch).map(str::to_owned),
    });
    let n_cpus = cell.record.n_cpus(&cell.cell.device);
    let rows = ROWS.iter().map(|row| row_view(row, cell, n_cpus));
    Some(ProofView {
        stamps: stamps(cell),
        launches: launches.collect(),
        rows: rows.filter(|row| row.typical.is_some()).collect(),
    })
}

/// Why a launch has no calibration; `None` when it has one.
pub(crate) fn uncalibrated<'a>(cell: &CellRecord<'a>, launch: &LaunchRecord<'a>) -> Option<&'a str> {
    if launch.row.calibration.is_some() {
        return None;
    }
    let record = cell.record;
    if is_scripted(cell) {
        return Some("the runtime is scripted and tells its times itself");
    }
    let row = record.launches.iter().find(|row| (row.run, row.launch) == (launch.row.run, launch.row.launch));
    let note = row.and_then(|row| row.notes.iter().find(|note| note.contains("calibrat")));
    Some(match (note, launch.row.load.is_some()) {
        (Some(note), _) => note.strip_prefix(NOT_CALIBRATED).unwrap_or(note),
        (None, true) => "it was not carried out",
        (None, false) => "it is not in the record, which is of an earlier version or was cut off",
    })
}

/// Whether no clock stamps the tokens of a cell.
pub(crate) fn is_scripted(cell: &CellRecord<'_>) -> bool {
    let runtime = cell.record.plan.runtimes.get(&cell.cell.runtime);
    runtime.is_some_and(|runtime| runtime.dialect == Dialect::Fake)
}

/// What the stamps of the launches that count are good to.
fn stamps(cell: &CellRecord<'_>) -> StampsView {
    let calibrations: Vec<&Calibration> =
        counted(cell).iter().filter_map(|launch| launch.row.calibration.as_ref()).collect();
    if calibrations.is_empty() {
        let reason = cell.launches.iter().find_map(|launch| uncalibrated(cell, launch));
        return StampsView::Unknown { reason: reason.unwrap_or("no launch may be used").to_owned() };
    }
    let worst = |error: fn(&Calibration) -> Option<Spread>| {
        calibrations
            .iter()
            .filter_map(|calibration| error(calibration))
            .map(|of| bound(&of))
            .max_by(f64::total_cmp)
    };
    let mut paths: Vec<String> = calibrations.iter().map(|calibration| calibration.path.clone()).collect();
    paths.sort();
    paths.dedup();
    StampsView::Calibrated {
        ttft_ns: worst(|calibration| calibration.ttft_error),
        gap_ns: worst(|calibration| calibration.gap_error),
        n_launches: calibrations.len() as u64,
        of: counted(cell).len() as u64,
        paths,
    }
}

/// By how much 99 of 100 are off at most, early ones as far as the median shows them.
pub(crate) fn bound(error: &Spread) -> f64 {
    error.p99_ns.unsigned_abs().max(error.p50_ns.unsigned_abs()) as f64
}

/// Launches that count: those whose numbers may be used, or all where none may.
fn counted<'c, 'a>(cell: &'c CellRecord<'a>) -> Vec<&'c LaunchRecord<'a>> {
    let valid: Vec<&LaunchRecord<'a>> = cell.launches.iter().filter(|launch| launch.is_valid()).collect();
    if valid.is_empty() { cell.launches.iter().collect() } else { valid }
}

/// Something that is watched.
struct Row {
    id: &'static str,
    label: &'static str,
    unit: UnitView,
    note: &'static str,
    source: Source,
}

/// Where its figure comes from.
enum Source {
    Calibration(fn(&Calibration) -> Option<ProofFigure>),
    /// With the number of CPUs of the device.
    Load(fn(&LoadFacts, Option<u32>) -> Option<ProofFigure>),
}

const ROWS: [Row; 14] = [
    Row {
        id: "ttft_error",
        label: "TTFT stamp error",
        unit: UnitView::Ns,
        note: "reported less sent by a server of known schedule",
        source: Source::Calibration(|of| spread(of.ttft_error)),
    },
    Row {
        id: "gap_error",
        label: "Gap stamp error",
        unit: UnitView::Ns,
        note: "the same of the time between two chunks",
        source: Source::Calibration(|of| spread(of.gap_error)),
    },
    Row {
        id: "null_request",
        label: "Null request",
        unit: UnitView::Ns,
        note: "a whole answer of a server that waits for nothing: what the client itself adds",
        source: Source::Calibration(|of| spread(of.null_request)),
    },
    Row {
        id: "calibration_send_lag",
        label: "Send lag",
        unit: UnitView::Ns,
        note: "from due to sent",
        source: Source::Calibration(|of| spread(of.send_lag)),
    },
    Row {
        id: "calibration_cpu_per_event",
        label: "Client CPU per token event, paced",
        unit: UnitView::Ns,
        note: "CPU time of the client / token events",
        source: Source::Calibration(|of| quotient(of.cpu_ns, of.n_token_events)),
    },
    Row {
        id: "null_cpu_per_event",
        label: "Client CPU per token event, null test",
        unit: UnitView::Ns,
        note: "the same without any waiting",
        source: Source::Calibration(|of| quotient(of.null_cpu_ns, of.n_null_events)),
    },
    Row {
        id: "calibration_unstamped",
        label: "Reads without a kernel stamp",
        unit: UnitView::Ratio,
        note: "stamped when the read returned instead",
        source: Source::Calibration(|of| quotient(Some(of.n_unstamped), of.n_reads)),
    },
    Row {
        id: "send_lag",
        label: "Send lag",
        unit: UnitView::Ns,
        note: "from due to sent; only where requests are due at instants of their own",
        source: Source::Load(|of, _| spread(of.send_lag)),
    },
    Row {
        id: "cpu_per_event",
        label: "Agent CPU per token event",
        unit: UnitView::Ns,
        note: "CPU time of the agent, its sampler included / token events",
        source: Source::Load(|of, _| quotient(of.own_cpu_ns, of.n_token_events)),
    },
    Row {
        id: "own_cpu",
        label: "Agent CPU",
        unit: UnitView::Ratio,
        note: "of one CPU",
        source: Source::Load(|of, _| quotient(of.own_cpu_ns, elapsed_ns(of))),
    },
    Row {
        id: "others_cpu",
        label: "CPU of other programs",
        unit: UnitView::Ratio,
        note: "of one CPU; neither the runtime nor the agent",
        source: Source::Load(|of, _| quotient(of.others_cpu_ns, elapsed_ns(of))),
    },
    Row {
        id: "stolen_cpu",
        label: "CPU stolen by a hypervisor",
        unit: UnitView::Ratio,
        note: "of all CPUs",
        source: Source::Load(|of, n_cpus| {
            quotient(of.steal_ns, elapsed_ns(of).saturating_mul(u64::from(n_cpus?)))
        }),
    },
    Row {
        id: "unstamped",
        label: "Reads without a kernel stamp",
        unit: UnitView::Ratio,
        note: "stamped when the read returned instead",
        source: Source::Load(|of, _| quotient(Some(of.n_unstamped), of.n_reads)),
    },
    Row {
        id: "max_read_delay",
        label: "Longest read delay",
        unit: UnitView::Ns,
        note: "from the kernel's stamp to the read's return: what a stamp made by the program would have been late",
        source: Source::Load(|of, _| {
            (of.n_reads > of.n_unstamped)
                .then_some(ProofFigure::Single { value: of.max_read_delay_ns as f64 })
        }),
    },
];

/// How long the load took.
pub(crate) fn elapsed_ns(load: &LoadFacts) -> u64 {
    load.ended_at.0.saturating_sub(load.began_at.0)
}

fn spread(of: Option<Spread>) -> Option<ProofFigure> {
    of.map(|of| ProofFigure::Spread {
        n: of.n,
        p50: of.p50_ns as f64,
        p99: of.p99_ns as f64,
        max: of.max_ns as f64,
    })
}

fn quotient(part: Option<u64>, whole: u64) -> Option<ProofFigure> {
    part.filter(|_| whole > 0).map(|part| ProofFigure::Single { value: part as f64 / whole as f64 })
}

fn row_view(row: &Row, cell: &CellRecord<'_>, n_cpus: Option<u32>) -> ProofRowView {
    let figure = |launch: &LaunchRecord<'_>| match row.source {
        Source::Calibration(value) => launch.row.calibration.as_ref().and_then(value),
        Source::Load(value) => launch.row.load.as_ref().and_then(|load| value(load, n_cpus)),
    };
    let each: Vec<Option<ProofFigure>> = cell.launches.iter().map(figure).collect();
    let any_valid = cell.launches.iter().any(LaunchRecord::is_valid);
    let counts = |place: usize| !any_valid || cell.launches[place].is_valid();
    let mut ranked: Vec<(f64, u32)> = (0_u32..)
        .zip(&each)
        .filter(|(place, _)| counts(*place as usize))
        .filter_map(|(place, figure)| Some((badness(figure.as_ref()?), place)))
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    ProofRowView {
        id: row.id.to_owned(),
        label: row.label.to_owned(),
        stage: match row.source {
            Source::Calibration(_) => ProofStage::Calibration,
            Source::Load(_) => ProofStage::Load,
        },
        unit: row.unit,
        note: row.note.to_owned(),
        typical: ranked.get(ranked.len().saturating_sub(1) / 2).map(|(_, place)| *place),
        worst: ranked.last().map(|(_, place)| *place),
        each,
    }
}

/// What launches are ordered by: the 99th percentile, early or late, or the value.
fn badness(figure: &ProofFigure) -> f64 {
    match figure {
        ProofFigure::Spread { p50, p99, .. } => p50.abs().max(p99.abs()),
        ProofFigure::Single { value } => *value,
    }
}
