//! Requests that failed on either side.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use dyno_stats::{mann_whitney, mcnemar};
use dyno_view::compare::{BlockCounts, ChangeVerdictView, FailureRow};
use dyno_view::load::ShareIntervalView;

use super::change::{ALPHA, MIN_LAUNCHES};
use super::pairing::{Block, Pairing};
use super::runs::RunOf;
use crate::cell::CellRecord;
use crate::load::{errors, unsent_of_runs};
use crate::metrics::outcome_counts;

/// A row of failures before the family is known.
pub(super) struct Failures {
    baseline: Option<ShareIntervalView>,
    candidate: Option<ShareIntervalView>,
    blocks: Option<BlockCounts>,
    /// Which way it goes, if it is shown to go one.
    way: ChangeVerdictView,
    pub(super) p: Option<f64>,
    q: Option<f64>,
    words: Vec<String>,
}

/// What blocks or launches say. A launch that dies takes many requests with it, so requests are not counted.
struct Tested {
    way: ChangeVerdictView,
    p: f64,
}

impl Failures {
    pub(super) fn of(
        baseline: &CellRecord<'_>,
        candidate: &CellRecord<'_>,
        pairing: &Pairing<'_, '_>,
    ) -> Self {
        let (blocks, tested) = match pairing {
            Pairing::Paired(blocks) => {
                let counts = counts(baseline, candidate, blocks);
                (Some(counts), of_blocks(counts))
            }
            Pairing::Unpaired { baseline: a, candidate: b, .. } => {
                (None, of_launches(&shares(baseline, a), &shares(candidate, b)))
            }
        };
        let of_outcomes = outcome_counts(candidate);
        let failed = of_outcomes.iter().filter(|of| !matches!(of.outcome.as_str(), "ok" | "cancelled"));
        Self {
            baseline: errors(baseline),
            candidate: errors(candidate),
            way: tested.as_ref().map_or(ChangeVerdictView::Inconclusive, |tested| tested.way),
            p: tested.map(|tested| tested.p),
            blocks,
            q: None,
            words: failed.map(|of| format!("{} ({})", of.outcome, of.n)).collect(),
        }
    }

    pub(super) fn settle(&mut self, q: Option<f64>) {
        self.q = q;
    }

    pub(super) fn view(self) -> FailureRow {
        FailureRow {
            verdict: self.verdict(),
            baseline: self.baseline,
            candidate: self.candidate,
            blocks: self.blocks,
            p: self.p,
            q: self.q,
            words: self.words,
        }
    }

    fn verdict(&self) -> Option<ChangeVerdictView> {
        let (a, b) = (self.baseline.as_ref()?, self.candidate.as_ref()?);
        if a.n == 0 && b.n == 0 {
            return None;
        }
        let is_shown = self.q.is_some_and(|q| q <= ALPHA);
        Some(if is_shown { self.way } else { ChangeVerdictView::Inconclusive })
    }
}

/// By the blocks in which one side had more failures; `None` where no block differs.
fn of_blocks(counts: BlockCounts) -> Option<Tested> {
    let differ = counts.worse + counts.better;
    (differ > 0).then(|| Tested {
        way: way(counts.worse.cmp(&counts.better)),
        p: mcnemar(counts.worse, counts.better),
    })
}

/// By the shares of failures in launches; `None` where all are equal.
fn of_launches(a: &[f64], b: &[f64]) -> Option<Tested> {
    let all = || a.iter().chain(b);
    let differ = all().any(|share| Some(share) != all().next());
    let test = mann_whitney(a, b).filter(|_| differ)?;
    let is_enough = a.len().min(b.len()) >= MIN_LAUNCHES;
    let middle = (a.len() * b.len()) as f64 / 2.0;
    Some(Tested {
        way: if is_enough { way(test.u.total_cmp(&middle)) } else { ChangeVerdictView::Inconclusive },
        p: test.p,
    })
}

fn way(failures: Ordering) -> ChangeVerdictView {
    match failures {
        Ordering::Greater => ChangeVerdictView::Regression,
        Ordering::Less => ChangeVerdictView::Improvement,
        Ordering::Equal => ChangeVerdictView::Inconclusive,
    }
}

/// The share of failures in each run that counts and asked anything.
fn shares(cell: &CellRecord<'_>, runs: &[RunOf<'_, '_>]) -> Vec<f64> {
    let unsent = unsent_of_runs(cell);
    let counted = runs.iter().filter(|run| run.left_out.is_none()).map(|run| failed(cell, run, &unsent));
    counted.filter(|of| of.asked > 0).map(|of| of.failed as f64 / of.asked as f64).collect()
}

/// In how many blocks which side had more failures.
fn counts(baseline: &CellRecord<'_>, candidate: &CellRecord<'_>, blocks: &[Block<'_, '_>]) -> BlockCounts {
    let (of_baseline, of_candidate) = (unsent_of_runs(baseline), unsent_of_runs(candidate));
    let mut counts = BlockCounts { worse: 0, better: 0, of: 0 };
    for block in blocks.iter().filter(|block| block.left_out.is_none()) {
        let a = failed(baseline, &block.baseline, &of_baseline).failed;
        let b = failed(candidate, &block.candidate, &of_candidate).failed;
        counts.of += 1;
        counts.worse += u64::from(b > a);
        counts.better += u64::from(b < a);
    }
    counts
}

/// Requests of a run, and those that did not go well.
struct Failed {
    failed: u64,
    asked: u64,
}

/// But for those that we cut off ourselves; those that were never sent because the runtime had ended are among them.
fn failed(cell: &CellRecord<'_>, run: &RunOf<'_, '_>, unsent: &BTreeMap<u32, u64>) -> Failed {
    let n_unsent = unsent.get(&run.run.id.0).copied().unwrap_or(0);
    let mut of = Failed { failed: n_unsent, asked: n_unsent };
    for row in run.launches.iter().flat_map(|launch| &launch.rows) {
        let outcome = cell.record.requests.outcome[*row].as_str();
        of.asked += u64::from(outcome != "cancelled");
        of.failed += u64::from(!matches!(outcome, "ok" | "cancelled"));
    }
    of
}
