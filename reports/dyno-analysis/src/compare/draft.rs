//! What a row is made of, before the family is known.

use dyno_model::metric::{Metric, Population};
use dyno_stats::block_effect;
use dyno_view::comparison::Better;

use super::pairing::{Block, Pairing};
use super::runs::{RunOf, middle, run_value};
use super::scenario::{better, delta_of};
use super::unlike::Unlike;
use crate::cell::CellRecord;
use crate::energy::energy_of;
use crate::measure::request_value;

/// A row before its test.
pub(super) struct Draft {
    pub(super) metric: &'static Metric,
    pub(super) delta: f64,
    pub(super) baseline: Option<f64>,
    pub(super) candidate: Option<f64>,
    pub(super) data: Data,
}

/// What a test is made of.
pub(super) enum Data {
    /// Logarithms of ratios, one for each block.
    Blocks(Vec<BlockValue>),
    /// Values of runs, none of them 0.
    Launches { baseline: Vec<f64>, candidate: Vec<f64> },
    /// Not compared, and why.
    Unlike(String),
    /// Nothing there, and why.
    Missing(String),
}

/// One block's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BlockValue {
    pub(crate) block: u32,
    /// `median over prompts of ln candidate − ln baseline`, or that of the launches.
    pub(crate) ln_ratio: f64,
    /// Prompts behind it; `None` for metrics of launches.
    pub(crate) n_prompts: Option<u64>,
}

impl Draft {
    /// A test needs data.
    pub(super) fn is_tested(&self) -> bool {
        matches!(self.data, Data::Blocks(_) | Data::Launches { .. })
    }

    pub(super) fn better(&self) -> Better {
        better(self.metric)
    }
}

/// The two cells of a contrast.
pub(super) struct Both<'x, 'a> {
    pub(super) baseline: &'x CellRecord<'a>,
    pub(super) candidate: &'x CellRecord<'a>,
    pub(super) names: [&'x str; 2],
}

/// A metric of two cells.
pub(super) fn draft(
    both: &Both<'_, '_>,
    pairing: &Pairing<'_, '_>,
    metric: &'static Metric,
    unlike: &Unlike,
    delta: Option<f64>,
) -> Draft {
    let values = [of_runs(both.baseline, metric, pairing, 0), of_runs(both.candidate, metric, pairing, 1)];
    let unlike = unlike.reason(metric.id);
    let data = match (unlike, pairing) {
        (Some(reason), _) => Data::Unlike(reason),
        (None, Pairing::Paired(blocks)) => Data::Blocks(block_values(both, blocks, metric)),
        (None, Pairing::Unpaired { .. }) => {
            Data::Launches { baseline: positive(&values[0]), candidate: positive(&values[1]) }
        }
    };
    let is_empty = match &data {
        Data::Blocks(values) => values.is_empty(),
        Data::Launches { baseline, candidate } => baseline.is_empty() || candidate.is_empty(),
        Data::Unlike(_) | Data::Missing(_) => false,
    };
    let data = if is_empty { Data::Missing(why_missing(both, pairing, metric, &values)) } else { data };
    let [baseline, candidate] = values.map(middle);
    Draft { metric, delta: delta.unwrap_or_else(|| delta_of(metric)), baseline, candidate, data }
}

/// Values of one side's runs that count.
fn of_runs(cell: &CellRecord<'_>, metric: &Metric, pairing: &Pairing<'_, '_>, side: usize) -> Vec<f64> {
    let of = |run: &RunOf<'_, '_>| run_value(cell, metric.id, run);
    match pairing {
        Pairing::Paired(blocks) => {
            let counting = blocks.iter().filter(|block| block.left_out.is_none());
            counting.filter_map(|block| of([&block.baseline, &block.candidate][side])).collect()
        }
        Pairing::Unpaired { baseline, candidate, .. } => {
            [baseline, candidate][side].iter().filter_map(of).collect()
        }
    }
}

/// A ratio takes values above 0.
fn positive(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| *value > 0.0 && value.is_finite()).collect()
}

fn block_values(both: &Both<'_, '_>, blocks: &[Block<'_, '_>], metric: &Metric) -> Vec<BlockValue> {
    let counting = blocks.iter().filter(|block| block.left_out.is_none());
    counting.filter_map(|block| block_value((both.baseline, both.candidate), block, metric)).collect()
}

/// One block's value; `None` where a side has none.
pub(crate) fn block_value(
    (baseline, candidate): (&CellRecord<'_>, &CellRecord<'_>),
    block: &Block<'_, '_>,
    metric: &Metric,
) -> Option<BlockValue> {
    if metric.population == Population::Request {
        let of = |cell, row| request_value(cell, metric.id, row).filter(|value| *value > 0.0);
        let both = |(a, b): &(usize, usize)| Some((of(baseline, *a)?, of(candidate, *b)?));
        let prompts: Vec<(f64, f64)> = block.pairs.iter().filter_map(both).collect();
        let n_prompts = Some(prompts.len() as u64);
        return Some(BlockValue { block: block.number, ln_ratio: block_effect(&prompts)?, n_prompts });
    }
    let ln = |cell, run| run_value(cell, metric.id, run).filter(|value| *value > 0.0).map(f64::ln);
    let ln_ratio = ln(candidate, &block.candidate)? - ln(baseline, &block.baseline)?;
    Some(BlockValue { block: block.number, ln_ratio, n_prompts: None })
}

/// Why there is nothing to compare: which side lacks it, and when that is so.
fn why_missing(
    both: &Both<'_, '_>,
    pairing: &Pairing<'_, '_>,
    metric: &Metric,
    values: &[Vec<f64>; 2],
) -> String {
    let names = both.names;
    let nothing_counts = match pairing {
        Pairing::Paired(blocks) if blocks.iter().all(|block| block.left_out.is_some()) => {
            let why = blocks.iter().find_map(|block| block.left_out.as_ref());
            Some(match why {
                None => "the sides have no block in common".to_owned(),
                Some(why) => format!("no block counts: {why}"),
            })
        }
        Pairing::Paired(_) => None,
        Pairing::Unpaired { baseline, candidate, .. } => {
            let none = |name: &str, runs: &[RunOf<'_, '_>]| {
                let why = runs.iter().find_map(|run| run.left_out.as_ref());
                let is_none = runs.iter().all(|run| run.left_out.is_some());
                is_none.then(|| {
                    let why = why.map(|why| format!(": the first {why}")).unwrap_or_default();
                    format!("no launch of {name} counts{why}")
                })
            };
            none(names[0], baseline).or_else(|| none(names[1], candidate))
        }
    };
    nothing_counts.unwrap_or_else(|| {
        let without_energy = |cell: &CellRecord<'_>| {
            let energy = energy_of(cell).filter(|_| metric.id.starts_with("j_per_"));
            energy.and_then(|energy| energy.view.why_none.clone())
        };
        let why = without_energy(both.baseline).or_else(|| without_energy(both.candidate));
        let why = why.unwrap_or_else(|| metric.undefined.to_owned());
        match [values[0].is_empty(), values[1].is_empty()] {
            [true, true] => format!("neither side has it: {why}"),
            [true, false] => format!("{} has none: {why}", names[0]),
            [false, true] => format!("{} has none: {why}", names[1]),
            [false, false] => "no value above 0 on both sides of one block".to_owned(),
        }
    })
}
