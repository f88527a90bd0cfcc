//! The GPUs, and which of their figures can be had.

use std::collections::BTreeMap;
use std::sync::Arc;

use dyno_model::clock::monotonic_now;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use super::desk::Desk;
use super::library;
use super::query::{self, Figure, Runtime};

/// More GPUs than this are not sampled (house rule).
const MAX_GPUS: u32 = 16;

/// One GPU with its groups of figures.
#[derive(Debug)]
pub(super) struct Gpu<'nvml> {
    device: Device<'nvml>,
    /// It fell off its bus: it is not asked again, for each call may take long then.
    is_lost: bool,
    groups: Vec<Group>,
}

/// Figures that are read together, as one sensor.
#[derive(Debug)]
struct Group {
    figures: Vec<Figure>,
    values: Vec<Option<i64>>,
    desk: Arc<Desk>,
}

/// What was found, for the driver.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) desks: Vec<Arc<Desk>>,
    /// What is there but is not sampled, each with the reason.
    pub(super) notes: Vec<(String, String)>,
}

/// How often what is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Periods {
    pub(super) fast_ms: u32,
    pub(super) slow_ms: u32,
}

/// All GPUs; each figure is asked for once, and only those that have an answer are kept.
pub(super) fn survey<'nvml>(
    nvml: &'nvml Nvml,
    periods: Periods,
    runtime: &Runtime<'_>,
) -> Result<(Vec<Gpu<'nvml>>, Survey), NvmlError> {
    let (mut gpus, mut survey) = (Vec::new(), Survey::default());
    let n_gpus = nvml.device_count()?;
    if n_gpus > MAX_GPUS {
        let what = format!("gpu{MAX_GPUS} and all after it");
        survey.notes.push((what, format!("more than {MAX_GPUS} are not sampled")));
    }
    for idx in 0..n_gpus.min(MAX_GPUS) {
        let name = format!("gpu{idx}");
        match nvml.device_by_index(idx) {
            Ok(device) => gpus.push(meet(device, &name, periods, runtime, &mut survey)),
            Err(error) => survey.notes.push((name, library::words(&error))),
        }
    }
    Ok((gpus, survey))
}

fn meet<'nvml>(
    device: Device<'nvml>,
    name: &str,
    periods: Periods,
    runtime: &Runtime<'_>,
    survey: &mut Survey,
) -> Gpu<'nvml> {
    if device.mig_mode().is_ok_and(|mode| mode.current != 0) {
        let reason = "power, energy and temperature are those of the whole card".to_owned();
        survey.notes.push((format!("MIG instances of {name}"), reason));
    }
    let mut refused: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut keep = |mut figure: Figure| match figure.read(&device, runtime) {
        Err(error) if !library::may_pass(&error) => {
            refused.entry(library::words(&error)).or_default().push(figure.name);
            None
        }
        // No process of the runtime's may be there yet; all else that says nothing sensible will not do so later.
        Ok(None) if !figure.may_begin_later() => {
            refused.entry("it says no sensible value".to_owned()).or_default().push(figure.name);
            None
        }
        _ => Some(figure),
    };
    let energy: Vec<Figure> = keep(query::energy(name, periods.fast_ms)).into_iter().collect();
    let power: Vec<Figure> =
        query::powers(name, &device, periods.fast_ms).into_iter().find_map(&mut keep).into_iter().collect();
    let slow: Vec<Figure> = query::slow(name, periods.slow_ms).into_iter().filter_map(&mut keep).collect();
    for (reason, mut names) in refused {
        names.dedup();
        // One way to ask for power was enough.
        names.retain(|name| *name != "power" || power.is_empty());
        if !names.is_empty() {
            survey.notes.push((format!("{name}: {}", names.join(", ")), reason));
        }
    }
    let groups: Vec<Group> =
        [energy, power, slow].into_iter().filter(|figures| !figures.is_empty()).map(Group::new).collect();
    survey.desks.extend(groups.iter().map(|group| Arc::clone(&group.desk)));
    Gpu { device, is_lost: false, groups }
}

impl Group {
    fn new(figures: Vec<Figure>) -> Self {
        let channels = figures.iter().map(|figure| figure.channel.clone()).collect();
        let values = vec![None; figures.len()];
        Self { figures, values, desk: Arc::new(Desk::new(channels)) }
    }
}

impl Gpu<'_> {
    /// Reads the groups whose sensors want an answer; whether there was one.
    pub(super) fn answer(&mut self, runtime: &Runtime<'_>) -> bool {
        let mut any = false;
        for group in self.groups.iter_mut().filter(|group| group.desk.is_wanted()) {
            any = true;
            let begun_at = monotonic_now();
            for (figure, value) in group.figures.iter_mut().zip(&mut group.values) {
                let answer = if self.is_lost { Ok(None) } else { figure.read(&self.device, runtime) };
                self.is_lost |= matches!(answer, Err(NvmlError::GpuLost));
                // Best effort: "not readable now" is what the row says.
                *value = answer.unwrap_or_default();
            }
            group.desk.put(begun_at, &group.values);
        }
        any
    }
}
