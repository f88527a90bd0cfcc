//! From readings to joules, with how sure they are (MEASUREMENT §4).
//!
//! One source makes all figures of a cell: the best by class, then counters before samples, then the wider scope.
//! What it covers is never added to what another covers. Gross energy is the headline; net stands beside it where rest
//! was measured by the same source that day.

mod battery;
mod chart;
mod figures;
mod finding;
mod idle;
mod launch;
mod methods;
mod phases;
mod reading;
mod source;
mod table;
#[cfg(test)]
mod tests;

use dyno_view::energy::{EnergyScopeView, EnergySourceView, EnergyView, OtherSourceView};
use dyno_view::report::Finding;

use crate::cell::{CellRecord, LaunchRecord};

pub(crate) use chart::{power_chart, power_of};
pub(crate) use methods::methods;
pub(crate) use table::{energy_table, unlike_energy};

use launch::{Chosen, OfLaunch, choose};
use source::Source;

/// The energy of a cell, and what a reader must know of it.
#[derive(Debug, Clone)]
pub(crate) struct CellEnergy {
    pub(crate) view: EnergyView,
    pub(crate) findings: Vec<Finding>,
}

/// The energy of a cell; `None` where nothing measures power in any launch that may be used.
pub(crate) fn energy_of<'c>(cell: &'c CellRecord<'_>) -> Option<&'c CellEnergy> {
    cell.energy.get_or_init(|| work_out(cell)).as_ref()
}

/// What a report says of it.
pub(crate) fn energy_view(cell: &CellRecord<'_>) -> Option<EnergyView> {
    energy_of(cell).map(|energy| energy.view.clone())
}

/// Energy of a stretch of a launch, in J, by the source that figures of that launch are made of; `None` without one.
pub(crate) fn joules_between(
    cell: &CellRecord<'_>,
    launch: &LaunchRecord<'_>,
    from: u64,
    to: u64,
) -> Option<f64> {
    let chosen = choose(cell, &[launch])?.0?;
    let reading = chosen.launches.first()?.reading.as_ref()?;
    // Best effort: a stretch that its readings do not cover has no figure.
    reading.energy(from, to).ok().map(|energy| energy.joules)
}

fn work_out(cell: &CellRecord<'_>) -> Option<CellEnergy> {
    let launches: Vec<&LaunchRecord<'_>> = cell.valid_launches().collect();
    let (chosen, others) = choose(cell, &launches)?;
    let Some(chosen) = chosen else {
        return Some(without_source(others));
    };
    let totals = figures::Totals::of(&chosen);
    let mut figures = figures::figures(&totals);
    figures.extend(battery::figures(cell, &chosen, &totals));
    let view = EnergyView {
        source: Some(source_view(&chosen)),
        why_none: None,
        others,
        idle: idle::views(&chosen.rests()),
        figures,
        parts: figures::parts(&totals),
        launches: chosen.launches.iter().map(OfLaunch::view).collect(),
        notes: notes(&chosen),
    };
    let findings = finding::findings(cell, &view, &chosen, &totals);
    Some(CellEnergy { view, findings })
}

fn without_source(others: Vec<OtherSourceView>) -> CellEnergy {
    let words: Vec<String> = others.iter().map(|of| format!("{}: {}", of.name, of.why)).collect();
    let why = format!("no source of power is good enough ({})", words.join("; "));
    let view = EnergyView {
        source: None,
        why_none: Some(why.clone()),
        others,
        idle: Vec::new(),
        figures: Vec::new(),
        parts: Vec::new(),
        launches: Vec::new(),
        notes: Vec::new(),
    };
    CellEnergy { view, findings: vec![finding::no_energy(&why)] }
}

fn source_view(chosen: &Chosen<'_>) -> EnergySourceView {
    let source = &chosen.source;
    EnergySourceView {
        name: source.name.clone(),
        driver: source.driver.to_owned(),
        class: class_word(source),
        scope: scope_view(source),
        how: source.how,
        update_ns: chosen
            .launches
            .iter()
            .filter_map(|of| Some(of.reading.as_ref()?.update_ns))
            .max()
            .unwrap_or(0),
        gain_ratio: source.error.gain_ratio,
        offset_w: source.error.offset_w,
        step_w: source.error.step_w,
        tested: source.tested.clone(),
        caveat: source.caveat.clone(),
    }
}

/// `A` to `D`.
fn class_word(source: &Source<'_>) -> String {
    format!("{:?}", source.class)
}

fn scope_view(source: &Source<'_>) -> EnergyScopeView {
    use dyno_model::sample::Scope;
    match source.scope {
        Some(Scope::Device) => EnergyScopeView::Device,
        Some(Scope::Board) => EnergyScopeView::Board,
        Some(Scope::Package) => EnergyScopeView::Package,
        Some(Scope::Part) => EnergyScopeView::Part,
        None => EnergyScopeView::Unknown,
    }
}

/// What the readings went through, each once.
fn notes(chosen: &Chosen<'_>) -> Vec<String> {
    let mut notes: Vec<String> = chosen.source.caveat.iter().cloned().collect();
    for of in &chosen.launches {
        for note in of.reading.iter().flat_map(|reading| &reading.notes) {
            let words = format!("{}: {note}", of.name);
            if !notes.contains(&words) {
                notes.push(words);
            }
        }
    }
    notes
}
