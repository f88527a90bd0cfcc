//! What the device can do at most: bandwidth of its memory and multiply-adds (MEASUREMENT §7).
//!
//! As in STREAM, arrays are far bigger than the caches, and the first pass is left out. A pass is a span of time, in
//! which each thread works through its own part block by block: on cores of unlike speed all are busy to its end.

#[cfg(feature = "engine-embedded")]
mod kernels;
#[cfg(not(feature = "engine-embedded"))]
#[path = "no_engine.rs"]
mod kernels;
mod sets;
mod team;

use std::path::Path;

use dyno_model::clock::monotonic_now;
use dyno_model::machine::{ClusterFigures, MachineFigures, RateFigure};
use dyno_runtimes::interrupt::Interrupt;
use dyno_sensors::{SysRoot, device_facts};

use crate::examine::ExamineError;
use crate::sys::cpus;
use sets::{CpuSet, Room};
use team::{Job, Rates, Work};

pub(crate) use kernels::burn;

const WHAT: &str = "measure what the machine can do";
/// Shorter than this, no pass is of use (house rule).
const MIN_MS: u64 = 500;

/// Measures for about `for_ms`; sets of CPUs share the time, all of them together having twice as much as any other.
///
/// # Errors
/// [`ExamineError`] when it is cancelled or there are no threads.
pub(crate) fn figures(
    root: &SysRoot,
    work_dir: &Path,
    interrupt: &Interrupt,
    for_ms: u64,
) -> Result<MachineFigures, ExamineError> {
    let began = monotonic_now();
    let facts = device_facts(root, work_dir);
    let mut notes = Vec::new();
    let allowed = allowed(&mut notes);
    let mut found = sets::sets(root, &allowed, &facts.clusters);
    if !kernels::IS_THERE {
        notes.push(
            "this agent was built without the engine, whose instructions the device is measured by"
                .to_owned(),
        );
        found.clear();
    }
    let available = sets::available_bytes(root, facts.ram_available_bytes);
    let mut clusters = Vec::new();
    let until = began.plus(for_ms.max(MIN_MS).saturating_mul(1_000_000));
    for (idx, set) in found.iter().enumerate() {
        let shares = (found.len() - idx + usize::from(idx == 0)) as u64;
        let share = until.since(monotonic_now()) / shares * if idx == 0 { 2 } else { 1 };
        let size = Room::of(set, available);
        notes.extend(size.note(set));
        let job = Job { cpus: &set.cpus, n_blocks: size.n_blocks(set.cpus.len()), for_ns: share, interrupt };
        let rates = team::measure(&job, &mut notes)?;
        clusters.push(cluster(set, &size, &rates));
    }
    notes.dedup();
    Ok(MachineFigures { clusters, wall_ns: monotonic_now().since(began), notes })
}

fn allowed(notes: &mut Vec<String>) -> Vec<u32> {
    cpus::allowed().unwrap_or_else(|| {
        notes.push("this system does not say which CPUs may be used, and threads are not pinned".to_owned());
        // Best effort: one CPU is always there.
        let n = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (0..u32::try_from(n).unwrap_or(1)).collect()
    })
}

fn cluster(set: &CpuSet, room: &Room, rates: &Rates) -> ClusterFigures {
    let of = |work: Work| figure(rates.get(&work).map(Vec::as_slice).unwrap_or_default());
    ClusterFigures {
        label: set.label.clone(),
        cpus: set.cpus.clone(),
        read: of(Work::Read),
        triad: of(Work::Triad),
        f32_ops: of(Work::F32),
        i8_ops: of(Work::I8),
        array_bytes: 3 * kernels::BLOCK_BYTES * (room.n_blocks(set.cpus.len()) * set.cpus.len()) as u64,
        cache_bytes: set.cache_bytes,
    }
}

/// Best, median and worst of rates per second, the first left out; `None` without any.
fn figure(rates: &[u64]) -> Option<RateFigure> {
    let mut kept: Vec<u64> = rates.iter().skip(1).copied().filter(|rate| *rate > 0).collect();
    kept.sort_unstable();
    let (worst, best) = (*kept.first()?, *kept.last()?);
    let middle = kept.len() / 2;
    let median = if kept.len() % 2 == 1 { kept[middle] } else { kept[middle - 1].midpoint(kept[middle]) };
    let n = u32::try_from(kept.len()).unwrap_or(u32::MAX);
    Some(RateFigure { best_per_s: best, median_per_s: median, worst_per_s: worst, n })
}

#[cfg(test)]
mod tests {
    use dyno_runtimes::interrupt::Asked;

    use super::*;

    #[test]
    fn the_first_pass_is_left_out() {
        let of = |rates: &[u64]| {
            figure(rates).map(|rate| (rate.best_per_s, rate.median_per_s, rate.worst_per_s, rate.n))
        };
        assert_eq!(of(&[1, 30, 10, 20]), Some((30, 20, 10, 3)));
        assert_eq!(of(&[1, 30, 10, 20, 40]), Some((40, 25, 10, 4)));
        assert_eq!(of(&[50]), None);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[50, 0]), None, "a pass in which nobody did anything is none");
    }

    #[test]
    #[cfg(feature = "engine-embedded")]
    fn this_machine_has_figures_for_all_its_cpus_first() {
        let interrupt = Interrupt::new().expect("a pipe");
        let figures = figures(&SysRoot::real(), Path::new("/"), &interrupt, 600).expect("threads");
        let first = figures.clusters.first().expect("all CPUs");
        assert!(first.label.contains("CPU"), "{first:?}");
        let (read, triad) = (first.read.expect("memory"), first.triad.expect("memory"));
        for rate in [read, triad, first.f32_ops.expect("a CPU that multiplies")] {
            assert!(rate.n >= 10, "{figures:?}");
            assert!(
                rate.worst_per_s <= rate.median_per_s && rate.median_per_s <= rate.best_per_s,
                "{rate:?}"
            );
        }
        // Slower than any memory that is sold, and faster than all.
        assert!((10_000_000..20_000_000_000_000).contains(&read.best_per_s), "{read:?}");
        if let Some(cache) = first.cache_bytes {
            assert!(first.array_bytes >= 4 * cache || !figures.notes.is_empty(), "{figures:?}");
        }
    }

    #[test]
    fn an_interrupt_ends_it() {
        let interrupt = Interrupt::new().expect("a pipe");
        interrupt.raise(Asked::Cancel);
        let ended = figures(&SysRoot::real(), Path::new("/"), &interrupt, 600_000);
        if kernels::IS_THERE {
            assert!(matches!(ended, Err(ExamineError::Cancelled { .. })), "{ended:?}");
        }
    }
}
