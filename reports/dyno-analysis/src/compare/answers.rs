//! What the graded answers to each prompt came to. A prompt is one pair, however often it was asked: greedy answers to
//! one prompt are one answer, and a test that counted each would know more than was measured.

use std::collections::BTreeMap;

use dyno_model::grader::Grader;
use dyno_model::ids::PromptId;
use dyno_model::plan::Plan;
use dyno_view::compare::FlippedPrompts;

use super::runs::RunOf;
use crate::cell::CellRecord;

/// Prompts of each direction that are listed.
const MAX_FLIPPED: usize = 20;

/// One side's graded answers to one prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Graded {
    first: bool,
    n_passed: u32,
    n: u32,
}

impl Graded {
    /// The majority; where there is none, the first answer.
    pub(crate) fn passes(self) -> bool {
        match (self.n_passed * 2).cmp(&self.n) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => self.first,
        }
    }

    /// Whether some pass and some fail.
    pub(crate) fn is_unstable(self) -> bool {
        self.n_passed > 0 && self.n_passed < self.n
    }
}

/// Graded answers by prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ByPrompt<'c>(BTreeMap<&'c str, Graded>);

impl<'c> ByPrompt<'c> {
    /// One more answer; the first that is taken is the first answer.
    pub(crate) fn take(&mut self, prompt: &'c str, passes: bool) {
        let graded = self.0.entry(prompt).or_insert(Graded { first: passes, n_passed: 0, n: 0 });
        graded.n += 1;
        graded.n_passed += u32::from(passes);
    }

    /// Those of runs, in their order.
    pub(crate) fn of_runs(cell: &'c CellRecord<'_>, runs: &[&RunOf<'_, '_>]) -> Self {
        let mut all = Self::default();
        for row in runs.iter().flat_map(|run| &run.launches).flat_map(|launch| launch.rows.iter().copied()) {
            if let Some(passes) = cell.record.passed(row) {
                all.take(cell.record.requests.prompt_id[row].as_str(), passes);
            }
        }
        all
    }

    /// Without the prompts that are not meant.
    pub(crate) fn only(mut self, is_meant: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|prompt, _| is_meant(prompt));
        self
    }

    pub(crate) fn n_unstable(&self) -> u64 {
        self.0.values().filter(|graded| graded.is_unstable()).count() as u64
    }
}

/// One prompt that both sides have a graded answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PromptPair<'c> {
    pub(crate) prompt: &'c str,
    pub(crate) baseline: bool,
    pub(crate) candidate: bool,
}

/// All pairs, sorted by the prompts' ids.
pub(crate) fn prompt_pairs<'c>(baseline: &ByPrompt<'c>, candidate: &ByPrompt<'c>) -> Vec<PromptPair<'c>> {
    let pair = |(prompt, one): (&&'c str, &Graded)| {
        let other = candidate.0.get(prompt)?;
        Some(PromptPair { prompt, baseline: one.passes(), candidate: other.passes() })
    };
    baseline.0.iter().filter_map(pair).collect()
}

/// How many pairs there are, and how they went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PairCounts {
    pub(crate) n: u64,
    pub(crate) baseline_passed: u64,
    pub(crate) candidate_passed: u64,
    pub(crate) lost: u64,
    pub(crate) gained: u64,
}

impl PairCounts {
    pub(crate) fn of<'p>(pairs: impl IntoIterator<Item = &'p PromptPair<'p>>) -> Self {
        let mut counts = Self::default();
        for pair in pairs {
            counts.n += 1;
            counts.baseline_passed += u64::from(pair.baseline);
            counts.candidate_passed += u64::from(pair.candidate);
            counts.lost += u64::from(pair.baseline && !pair.candidate);
            counts.gained += u64::from(!pair.baseline && pair.candidate);
        }
        counts
    }
}

/// The pairs that changed one way, the first of them by id.
pub(crate) fn flipped(pairs: &[PromptPair<'_>], is_one: impl Fn(&PromptPair<'_>) -> bool) -> FlippedPrompts {
    let all: Vec<&str> = pairs.iter().filter(|pair| is_one(pair)).map(|pair| pair.prompt).collect();
    let prompts = all.iter().take(MAX_FLIPPED).map(|prompt| (*prompt).to_owned()).collect();
    FlippedPrompts { n: all.len() as u64, prompts }
}

/// Whether a program can judge answers to a prompt.
pub(crate) fn is_graded(plan: &Plan, prompt: &PromptId) -> bool {
    let grader = plan.prompts.get(prompt).and_then(|planned| planned.grader.as_ref());
    grader.is_some_and(|grader| *grader != Grader::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_prompt(all: &[(&'static str, &[bool])]) -> ByPrompt<'static> {
        let mut found = ByPrompt::default();
        for (prompt, answers) in all {
            for passes in *answers {
                found.take(prompt, *passes);
            }
        }
        found
    }

    #[test]
    fn the_majority_counts_and_else_the_first_answer() {
        let check = |answers: &[bool], passes: bool, is_unstable: bool| {
            let mut of = ByPrompt::default();
            for answer in answers {
                of.take("p", *answer);
            }
            let graded = of.0["p"];
            assert_eq!((graded.passes(), graded.is_unstable()), (passes, is_unstable), "{answers:?}");
        };
        check(&[true], true, false);
        check(&[false, false], false, false);
        check(&[true, false], true, true);
        check(&[false, true], false, true);
        check(&[false, true, true], true, true);
        check(&[true, false, false], false, true);
        check(&[false, true, true, false], false, true);
    }

    #[test]
    fn prompts_are_paired_once_each() {
        let baseline = by_prompt(&[
            ("both", &[true, true]),
            ("lost", &[true, true]),
            ("gained", &[false]),
            ("neither", &[false]),
            ("only-here", &[true]),
        ]);
        let candidate = by_prompt(&[
            ("both", &[true]),
            ("lost", &[false, true, false]),
            ("gained", &[true]),
            ("neither", &[false]),
            ("only-there", &[true]),
        ]);
        let pairs = prompt_pairs(&baseline, &candidate);
        let prompts: Vec<&str> = pairs.iter().map(|pair| pair.prompt).collect();
        assert_eq!(prompts, ["both", "gained", "lost", "neither"]);
        let counts = PairCounts { n: 4, baseline_passed: 2, candidate_passed: 2, lost: 1, gained: 1 };
        assert_eq!(PairCounts::of(&pairs), counts);
        assert_eq!((baseline.n_unstable(), candidate.n_unstable()), (0, 1));
        assert_eq!(prompt_pairs(&baseline.only(|prompt| prompt == "lost"), &candidate).len(), 1);
    }
}
