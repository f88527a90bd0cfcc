//! What a reader is told of runs that were left out, and of rules that did not come true.

use std::collections::BTreeMap;

use dyno_model::ids::RunId;
use dyno_model::plan::{Cell, Plan, PlannedRun, Steering};
use dyno_stats::{Known, Verdict};
use dyno_view::report::{Finding, FindingLevel};

use super::evidence::{Evidence, Tally};
use super::left_out;
use super::looks::{PrecisionLook, SloLook, confidence_words, known_words, n_looks, verdict_word};
use super::search::{look, per_s, rates, runs};
use crate::record::Record;

/// All of them; none without a rule.
pub(crate) fn findings(record: &Record<'_>) -> Vec<Finding> {
    let Some(steering) = &record.plan.steering else { return Vec::new() };
    let of = Told { plan: record.plan, evidence: Evidence::of(record), left_out: left_out(&record.entries) };
    match steering {
        Steering::Precision { .. } | Steering::SloDecided { .. } => {
            record.plan.cells.iter().filter_map(|cell| of.stop(steering, cell)).collect()
        }
        Steering::Capacity => of.searches(),
    }
}

struct Told<'r> {
    plan: &'r Plan,
    evidence: Evidence,
    left_out: BTreeMap<RunId, &'r str>,
}

/// A finding without the name of what it is about.
type Words = (FindingLevel, String);

impl Told<'_> {
    /// How the repetitions of a cell ended; `None` while they have not.
    fn stop(&self, steering: &Steering, cell: &Cell) -> Option<Finding> {
        let all: Vec<&PlannedRun> = runs(self.plan, cell).collect();
        let (level, text) = match all.iter().find_map(|run| self.left_out.get(&run.id)) {
            Some(why) => {
                let n = all.iter().filter(|run| !self.left_out.contains_key(&run.id)).count();
                (FindingLevel::Note, format!("stopped after {n} of {} repetitions: {why}", all.len()))
            }
            None if all.iter().all(|run| self.evidence.is_over(run)) => self.end(steering, cell, &all)?,
            None => return None,
        };
        Some(Finding { level, text: format!("{}{text}", self.name(cell)) })
    }

    /// What all repetitions show that could have been fewer.
    fn end(&self, steering: &Steering, cell: &Cell, all: &[&PlannedRun]) -> Option<Words> {
        let tally = self.evidence.tally(all.iter().copied());
        let at = End { n_repetitions: all.len() as u64, is_open: cell.load.is_open() };
        let n_looks = n_looks(self.plan, cell);
        match PrecisionLook::of(steering, n_looks, &tally) {
            Some(look) => Some(at.of_precision(&look)),
            None => at.of_slo(self.plan, n_looks, &tally),
        }
    }

    /// Every search of the plan, and what its reader must know.
    fn searches(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut told: Vec<&Cell> = Vec::new();
        for cell in &self.plan.cells {
            let Some(rates) = rates(self.plan, cell).filter(|_| !told.contains(&cell)) else { continue };
            told.extend(rates.iter().map(|(_, cell)| *cell));
            let several = self.plan.cells.len() > rates.len();
            let name = if several {
                format!("{} · {} · {}: ", cell.device, cell.runtime, cell.model)
            } else {
                String::new()
            };
            let of_search = self.search(&rates).into_iter();
            findings.extend(of_search.map(|(level, text)| Finding { level, text: format!("{name}{text}") }));
        }
        findings
    }

    fn search(&self, rates: &[(u64, &Cell)]) -> Vec<Words> {
        let is_any = |cell: &Cell, is: &dyn Fn(RunId) -> bool| runs(self.plan, cell).any(|run| is(run.id));
        let mut told = Vec::new();
        let mut tried = Vec::new();
        for (rate, cell) in rates.iter().filter(|(_, cell)| is_any(cell, &|run| self.evidence.has_begun(run)))
        {
            let at = per_s(*rate);
            let Some(found) = look(self.plan, &self.evidence, cell) else {
                tried.push(format!("no valid launch at {at}"));
                let text = format!("no launch at {at} may be used: the search went on above and below it");
                told.push((FindingLevel::Warning, text));
                continue;
            };
            tried.push(format!("{} at {at}", verdict_word(found.verdict)));
            if let Verdict::Inconclusive { .. } = found.verdict {
                let text = format!(
                    "nothing is shown at {at}, so the search takes it for not passing, and the capacity may be \
                     higher: {}",
                    found.words(true)
                );
                told.push((FindingLevel::Warning, text));
            }
        }
        if rates.iter().any(|(_, cell)| is_any(cell, &|run| self.left_out.contains_key(&run))) {
            let text = format!(
                "the search tried {} of {} rates: {}; the others need no trying, for a lower rate did not pass or a \
                 higher one did",
                tried.len(),
                rates.len(),
                tried.join(", ")
            );
            told.push((FindingLevel::Note, text));
        }
        told
    }

    /// A cell's name before what is said of it, where there are several.
    fn name(&self, cell: &Cell) -> String {
        if self.plan.cells.len() < 2 {
            return String::new();
        }
        format!("{} · {} · {}, {}: ", cell.device, cell.runtime, cell.model, cell.load.label())
    }
}

/// Repetitions of a cell of which none was left out.
struct End {
    n_repetitions: u64,
    is_open: bool,
}

impl End {
    fn of_precision(&self, look: &PrecisionLook<'_>) -> Words {
        let n = self.n_repetitions;
        let (name, confidence) = (look.name(self.is_open), confidence_words(look.confidence));
        let Some(known) = &look.known else {
            let n_values = look.n;
            let text = format!(
                "all {n} repetitions are too few: {name} has no finite interval (n = {n_values}, at {confidence})"
            );
            return (FindingLevel::Warning, text);
        };
        let words = known_words(known);
        if look.is_enough() {
            let text = format!("it took all {n} repetitions: {name} is {words}, at {confidence})");
            return (FindingLevel::Note, text);
        }
        let asked = f64::from(look.within_milli) / 10.0;
        let more = self
            .more(known, look.within_milli)
            .map_or_else(String::new, |n_more| format!("; about {n_more} more of them would be needed"));
        let text = format!(
            "all {n} repetitions are not enough for ±{asked} %: {name} is {words}, at {confidence}){more}"
        );
        (FindingLevel::Warning, text)
    }

    /// About how many more repetitions would do.
    fn more(&self, known: &Known, within_milli: u32) -> Option<u64> {
        let of_each = (known.n / self.n_repetitions.max(1)).max(1);
        Some(known.n_within(within_milli)?.saturating_sub(known.n).div_ceil(of_each))
    }

    fn of_slo(&self, plan: &Plan, n_looks: u32, tally: &Tally) -> Option<Words> {
        let look = SloLook::of(plan.slo.as_ref()?, n_looks, tally)?;
        let n = self.n_repetitions;
        let (words, confidence) = (look.words(self.is_open), confidence_words(look.confidence()));
        Some(match look.verdict {
            Verdict::Inconclusive { more_needed } => {
                let text = format!(
                    "all {n} repetitions decide nothing: {words} (at {confidence}); {more_needed} more requests would \
                     show that it is kept, if all of them keep it"
                );
                (FindingLevel::Warning, text)
            }
            Verdict::Pass | Verdict::Fail => {
                (FindingLevel::Note, format!("it took all {n} repetitions: {words} (at {confidence})"))
            }
        })
    }
}
