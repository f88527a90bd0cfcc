//! Whether the latencies can be believed: stamps, other users of the CPU, and loads that ended early.

use dyno_model::sample::Quantity;
use dyno_view::report::Finding;

use super::{counted, duration, percent, warning};
use crate::cell::{CellRecord, LaunchRecord};
use crate::observations::median;
use crate::proof::{bound, elapsed_ns, is_scripted, uncalibrated};

/// House rules: shares from which on a reader is told. Stolen CPU time, of all CPUs.
const STEAL_SHARE: f64 = 0.01;
/// CPU time of other programs, of all CPUs.
const OTHERS_SHARE: f64 = 0.05;
/// Stamps that are off, of the median that they are part of.
const STAMP_SHARE: f64 = 0.01;
/// Reads without a stamp of the kernel, of all reads.
const UNSTAMPED_SHARE: f64 = 0.01;

pub(super) fn findings(cell: &CellRecord<'_>) -> Vec<Finding> {
    let all = [
        coarse_stamps(cell),
        not_calibrated(cell),
        unstamped(cell),
        stolen(cell),
        others(cell),
        ended_early(cell),
    ];
    all.into_iter().flatten().collect()
}

/// Stamps that are too coarse for what was measured with them.
fn coarse_stamps(cell: &CellRecord<'_>) -> Option<Finding> {
    let derived = &cell.record.derived;
    let rows = cell.ok_rows();
    let medians = [
        ("a first token", median(rows.iter().filter_map(|row| derived[*row].ttft_ns))),
        ("a gap", median(rows.iter().filter_map(|row| derived[*row].tpot_ns))),
    ];
    let worst = |is_ttft: bool| {
        let errors = cell.valid_launches().filter_map(|launch| {
            let calibration = launch.row.calibration.as_ref()?;
            if is_ttft { calibration.ttft_error } else { calibration.gap_error }
        });
        errors.map(|error| bound(&error)).max_by(f64::total_cmp)
    };
    let words: Vec<String> = medians
        .into_iter()
        .zip([worst(true), worst(false)])
        .filter_map(|((what, median), error)| {
            let error = error?;
            let share = error / median.filter(|ns| *ns > 0.0)?;
            (share > STAMP_SHARE).then(|| {
                format!("that of {what} by up to {} ({} of the median)", duration(error), percent(share))
            })
        })
        .collect();
    (!words.is_empty()).then(|| {
        warning(format!(
            "stamps were off in the calibration, {}: leave the device a core that nothing else uses, or read no \
             difference smaller than that",
            words.join(" and ")
        ))
    })
}

/// A calibration that is missing although the launch could have had one.
fn not_calibrated(cell: &CellRecord<'_>) -> Option<Finding> {
    let missing: Vec<&LaunchRecord<'_>> = cell
        .launches
        .iter()
        .filter(|launch| launch.row.load.is_some() && uncalibrated(cell, launch).is_some())
        .collect();
    let reason = uncalibrated(cell, missing.first()?)?;
    if is_scripted(cell) {
        return None;
    }
    let which = match (missing.len(), cell.launches.len()) {
        (n, of) if n == of => "no launch".to_owned(),
        (n, of) => format!("{n} of {of} launches not"),
    };
    let calibrated = if missing.len() == cell.launches.len() { "was calibrated" } else { "calibrated" };
    Some(warning(format!("{which} {calibrated}: {reason}; how good their stamps are is not known")))
}

fn unstamped(cell: &CellRecord<'_>) -> Option<Finding> {
    let loads = || cell.valid_launches().filter_map(|launch| launch.row.load.as_ref());
    let n_reads: u64 = loads().map(|load| load.n_reads).sum();
    let n_unstamped: u64 = loads().map(|load| load.n_unstamped).sum();
    let delay_ns = loads().map(|load| load.max_read_delay_ns).max()?;
    let share = n_unstamped as f64 / n_reads as f64;
    (n_reads > 0 && share > UNSTAMPED_SHARE).then(|| {
        let late = match delay_ns {
            0 => "how late these are is not known: the system has no stamps of its own".to_owned(),
            ns => format!("a read came up to {} after its stamp", duration(ns as f64)),
        };
        warning(format!(
            "{} of the reads had no stamp of the kernel and were stamped when they returned; {late}",
            percent(share)
        ))
    })
}

/// CPU time that a hypervisor gave to others, as a share of all CPUs' time.
fn stolen(cell: &CellRecord<'_>) -> Option<Finding> {
    let share = stolen_by_load(cell).or_else(|| stolen_by_samples(cell))?;
    (share > STEAL_SHARE).then(|| {
        warning(format!(
            "the hypervisor gave {} of the CPU time to others while this was measured: latencies are worse than the \
             device's own; measure when the host is idle, or on a machine with CPUs of its own",
            percent(share)
        ))
    })
}

fn stolen_by_load(cell: &CellRecord<'_>) -> Option<f64> {
    cpu_share(cell, |load| load.steal_ns)
}

/// CPU time of the loads as a share of all CPUs; `None` where the record does not have it.
fn cpu_share(cell: &CellRecord<'_>, value: fn(&dyno_model::proof::LoadFacts) -> Option<u64>) -> Option<f64> {
    let n_cpus = cell.record.n_cpus(&cell.cell.device)?;
    let (mut part_ns, mut whole_ns) = (0_u64, 0_u64);
    for load in cell.valid_launches().filter_map(|launch| launch.row.load.as_ref()) {
        if let Some(ns) = value(load) {
            part_ns += ns;
            whole_ns += elapsed_ns(load);
        }
    }
    (whole_ns > 0).then(|| part_ns as f64 / (whole_ns as f64 * f64::from(n_cpus)))
}

fn stolen_by_samples(cell: &CellRecord<'_>) -> Option<f64> {
    let record = cell.record;
    let (mut stolen_ns, mut elapsed_ns) = (0_i64, 0_u64);
    for channel in record.channels.iter().filter(|row| row.what.quantity == Quantity::StealNs) {
        if record.cell_of(channel.run).is_none_or(|of| of.id != cell.cell.id) {
            continue;
        }
        let points = record.points.get(&(channel.run, channel.launch, channel.sensor, channel.channel));
        if let Some([first, .., last]) = points.map(Vec::as_slice) {
            stolen_ns += last.1.saturating_sub(first.1);
            elapsed_ns += last.0.saturating_sub(first.0);
        }
    }
    let n_cpus = record.n_cpus(&cell.cell.device)?;
    (elapsed_ns > 0).then(|| stolen_ns as f64 / (elapsed_ns as f64 * f64::from(n_cpus)))
}

fn others(cell: &CellRecord<'_>) -> Option<Finding> {
    let share = cpu_share(cell, |load| load.others_cpu_ns)?;
    (share > OTHERS_SHARE).then(|| {
        warning(format!(
            "other programs took {} of the CPU time while this was measured: end them and measure again \
             (`edgedyno doctor` names the busiest)",
            percent(share)
        ))
    })
}

/// Requests that were due and never sent.
fn ended_early(cell: &CellRecord<'_>) -> Option<Finding> {
    let loads = || cell.launches.iter().filter_map(|launch| launch.row.load.as_ref());
    let n_unsent: u64 = loads().map(|load| u64::from(load.n_unsent)).sum();
    let n_sent: u64 = loads().map(|load| u64::from(load.n_sent)).sum();
    (n_unsent > 0).then(|| {
        warning(format!(
            "the load ended early: {} of {} never sent; `edgedyno resume {}` sends them",
            n_unsent,
            if n_unsent + n_sent == 1 {
                "1 request was".to_owned()
            } else {
                format!("{} were", counted(n_unsent + n_sent, "request"))
            },
            cell.record.id
        ))
    })
}
