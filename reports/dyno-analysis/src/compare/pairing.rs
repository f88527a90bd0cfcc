//! Blocks: in each a run of both cells, with the same prompts.

use std::collections::HashMap;

use dyno_model::plan::{BlockOrder, PlannedRun};
use dyno_view::compare::{BlockOrderView, BlockView, PairingView};

use super::runs::{RunOf, runs_of};
use crate::cell::CellRecord;

/// One block.
pub(crate) struct Block<'r, 'a> {
    pub(crate) number: u32,
    pub(crate) baseline: RunOf<'r, 'a>,
    pub(crate) candidate: RunOf<'r, 'a>,
    pub(crate) baseline_first: bool,
    /// Rows of the requests of one prompt on both sides; those that failed are among them.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Why it does not count.
    pub(crate) left_out: Option<String>,
}

/// Runs of two cells that are held against each other.
pub(super) enum Pairing<'r, 'a> {
    Paired(Vec<Block<'r, 'a>>),
    Unpaired { why: String, baseline: Vec<RunOf<'r, 'a>>, candidate: Vec<RunOf<'r, 'a>> },
}

/// Cells of one campaign and one device are in blocks.
pub(super) fn pairing<'r, 'a>(
    baseline: &'r CellRecord<'a>,
    candidate: &'r CellRecord<'a>,
    names: [&str; 2],
) -> Pairing<'r, 'a> {
    let why = if !std::ptr::eq(baseline.record, candidate.record) {
        "the sides are of two campaigns, so that all that changed in between is in the difference"
    } else if baseline.cell.device != candidate.cell.device {
        "the sides ran on two devices"
    } else {
        return Pairing::Paired(paired(baseline, candidate, names));
    };
    let (baseline, candidate) = (runs_of(baseline), runs_of(candidate));
    Pairing::Unpaired { why: why.to_owned(), baseline, candidate }
}

/// The blocks of two cells of one campaign, by repetition; those that do not count say why.
pub(crate) fn paired<'r, 'a>(
    baseline: &'r CellRecord<'a>,
    candidate: &'r CellRecord<'a>,
    names: [&str; 2],
) -> Vec<Block<'r, 'a>> {
    let order: HashMap<u32, usize> =
        baseline.record.plan.runs.iter().enumerate().map(|(place, run)| (run.id.0, place)).collect();
    let mut partners: HashMap<u32, RunOf<'r, 'a>> =
        runs_of(candidate).into_iter().map(|run| (run.run.repetition, run)).collect();
    let mut blocks = Vec::new();
    for of_baseline in runs_of(baseline) {
        let number = of_baseline.run.repetition;
        let Some(of_candidate) = partners.remove(&number) else { continue };
        let baseline_first = order.get(&of_baseline.run.id.0) < order.get(&of_candidate.run.id.0);
        let mut block = Block {
            number,
            baseline: of_baseline,
            candidate: of_candidate,
            baseline_first,
            pairs: Vec::new(),
            left_out: None,
        };
        block.left_out = block.why_out(names);
        if block.left_out.is_none() {
            block.pairs = pairs((baseline, &block.baseline), (candidate, &block.candidate));
        }
        blocks.push(block);
    }
    blocks.sort_by_key(|block| block.number);
    blocks
}

impl Block<'_, '_> {
    fn why_out(&self, names: [&str; 2]) -> Option<String> {
        let words = |name: &str, run: &RunOf<'_, '_>| Some(format!("{name} {}", run.left_out.as_ref()?));
        let both = [words(names[0], &self.baseline), words(names[1], &self.candidate)];
        let both: Vec<String> = both.into_iter().flatten().collect();
        (!both.is_empty()).then(|| both.join(", and "))
    }
}

/// Rows of one prompt on both sides; a prompt that is asked several times is paired by its occurrence.
fn pairs(a: (&CellRecord<'_>, &RunOf<'_, '_>), b: (&CellRecord<'_>, &RunOf<'_, '_>)) -> Vec<(usize, usize)> {
    let of_a: HashMap<(&str, u32), usize> = asked(a.0, a.1).collect();
    asked(b.0, b.1).filter_map(|(key, row)| Some((*of_a.get(&key)?, row))).collect()
}

/// Rows of a run with their prompt, and for the how manieth time the run asks it.
fn asked<'x>(
    cell: &'x CellRecord<'_>,
    run: &'x RunOf<'_, '_>,
) -> impl Iterator<Item = ((&'x str, u32), usize)> {
    let occurrences = Occurrences::of(run.run);
    let requests = &cell.record.requests;
    let rows = run.launches.iter().flat_map(|launch| launch.rows.iter().copied());
    rows.map(move |row| {
        let prompt = requests.prompt_id[row].as_str();
        ((prompt, occurrences.at(prompt, requests.idx[row])), row)
    })
}

/// The how manieth time a prompt is asked, by the plan: a request that is missing moves no other.
struct Occurrences<'a> {
    /// For each place of the run.
    before: Vec<u32>,
    /// How often each prompt is asked in one round.
    in_round: HashMap<&'a str, u32>,
}

impl<'a> Occurrences<'a> {
    fn of(run: &'a PlannedRun) -> Self {
        let mut in_round: HashMap<&str, u32> = HashMap::new();
        let mut before = Vec::with_capacity(run.requests.len());
        for request in &run.requests {
            let n = in_round.entry(request.prompt.0.as_str()).or_default();
            before.push(*n);
            *n += 1;
        }
        Self { before, in_round }
    }

    /// Requests of a held load go round.
    fn at(&self, prompt: &str, idx: u32) -> u32 {
        let n = (self.before.len() as u32).max(1);
        let before = self.before.get((idx % n) as usize).copied().unwrap_or(0);
        before + idx / n * self.in_round.get(prompt).copied().unwrap_or(1)
    }
}

impl Pairing<'_, '_> {
    pub(super) fn view(&self, cell: &CellRecord<'_>, names: [&str; 2]) -> PairingView {
        match self {
            Self::Paired(blocks) => PairingView::Paired {
                n: blocks.iter().filter(|block| block.left_out.is_none()).count() as u64,
                blocks: blocks.iter().map(|block| block_view(cell, block)).collect(),
                order: cell.record.plan.comparison.as_ref().map(|planned| match planned.order {
                    BlockOrder::Abba => BlockOrderView::Abba,
                    BlockOrder::Shuffled => BlockOrderView::Shuffled,
                }),
            },
            Self::Unpaired { why, baseline, candidate } => {
                let counting =
                    |runs: &[RunOf<'_, '_>]| runs.iter().filter(|run| run.left_out.is_none()).count() as u64;
                let out = |name: &str, runs: &[RunOf<'_, '_>]| {
                    let words = |run: &RunOf<'_, '_>| {
                        Some(format!("run {} of {name} {}", run.run.id, run.left_out.as_ref()?))
                    };
                    runs.iter().filter_map(words).collect::<Vec<_>>()
                };
                PairingView::Unpaired {
                    why: why.clone(),
                    n_baseline: counting(baseline),
                    n_candidate: counting(candidate),
                    left_out: [out(names[0], baseline), out(names[1], candidate)].concat(),
                }
            }
        }
    }
}

fn block_view(cell: &CellRecord<'_>, block: &Block<'_, '_>) -> BlockView {
    let outcome = &cell.record.requests.outcome;
    let is_answered = |(a, b): &&(usize, usize)| outcome[*a] == "ok" && outcome[*b] == "ok";
    BlockView {
        block: block.number,
        baseline_first: block.baseline_first,
        n_prompts: block.pairs.iter().filter(is_answered).count() as u64,
        left_out: block.left_out.clone(),
    }
}

#[cfg(test)]
mod tests {
    use dyno_model::ids::{CellId, RunId};
    use dyno_model::plan::PlannedRequest;
    use dyno_model::request::Sampling;

    use super::*;

    #[test]
    fn a_repeated_prompt_is_counted_by_the_plan() {
        let sampling = Sampling {
            max_tokens: 1,
            ignore_eos: false,
            temperature_milli: 0,
            top_p_milli: 0,
            seed: 0,
            top_logprobs: 0,
        };
        let request = |prompt: &str| PlannedRequest {
            prompt: prompt.into(),
            sampling: sampling.clone(),
            due_ns: None,
            limit_ms: 1,
            trace: None,
        };
        let requests = ["a", "b", "a"].map(request).to_vec();
        let run = PlannedRun { id: RunId(0), cell: CellId::from("c"), repetition: 0, requests };
        let of = Occurrences::of(&run);
        // a b a · a b a · …: the third `a` is that of place 3.
        let found: Vec<u32> = (0..6).map(|idx| of.at(["a", "b", "a"][idx as usize % 3], idx)).collect();
        assert_eq!(found, [0, 0, 1, 2, 1, 3]);
    }
}
