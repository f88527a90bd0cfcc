//! The pass rate of prompts with its interval.

use dyno_stats::{clopper_pearson_lower, clopper_pearson_upper};
use dyno_view::quality::PassRateView;

/// Confidence of each bound: 95 % for both together.
const ONE_SIDED: f64 = 0.975;
/// A sum of shares this near to a whole number is one, for rounding cannot tell.
const EQUAL: f64 = 1e-9;

/// The answers to one prompt of one cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Graded answers.
    pub(super) n: u64,
    /// Those that pass.
    pub(super) n_passed: u64,
    /// Those that were cut off at the most tokens that are allowed, and how many of them pass.
    pub(super) n_cut: u64,
    pub(super) n_cut_passed: u64,
    /// Answers that no program can judge.
    pub(super) n_ungraded: u64,
    /// Requests that failed.
    pub(super) n_failed: u64,
    /// The request of the first answer that does not pass.
    pub(super) first_miss: Option<usize>,
}

impl Asked {
    /// Adds one answer.
    pub(super) fn add(&mut self, row: usize, verdict: Option<bool>, is_cut: bool) {
        let Some(passes) = verdict else {
            self.n_ungraded += 1;
            return;
        };
        self.n += 1;
        self.n_passed += u64::from(passes);
        self.n_cut += u64::from(is_cut);
        self.n_cut_passed += u64::from(is_cut && passes);
        if !passes {
            self.first_miss.get_or_insert(row);
        }
    }

    /// Share of its answers that pass; `None` without a graded one.
    pub(super) fn share(&self) -> Option<f64> {
        (self.n > 0).then(|| self.n_passed as f64 / self.n as f64)
    }

    fn is_mixed(&self) -> bool {
        0 < self.n_passed && self.n_passed < self.n
    }
}

/// The pass rate of prompts: each counts once, as the share of its answers that pass.
pub(super) fn pass_rate<'a>(prompts: impl Iterator<Item = &'a Asked>) -> PassRateView {
    let mut view = PassRateView::default();
    for asked in prompts {
        if let Some(share) = asked.share() {
            view.n += 1;
            view.n_passed += share;
        }
        view.n_mixed += u64::from(asked.is_mixed());
        view.n_answers += asked.n;
        view.n_answers_passed += asked.n_passed;
        view.n_cut += asked.n_cut;
        view.n_cut_passed += asked.n_cut_passed;
        view.n_ungraded += u64::from(asked.n == 0 && asked.n_ungraded > 0);
        view.n_failed += asked.n_failed;
    }
    view.rate = (view.n > 0).then(|| view.n_passed / view.n as f64);
    view.interval = interval(view.n_passed, view.n);
    view
}

/// Exact bounds of the share over `n` prompts. A sum of shares that is no whole number is taken down for the lower bound
/// and up for the upper one: a share varies less than a yes or no of the same mean, so the interval is rather too wide.
fn interval(n_passed: f64, n: u64) -> Option<[f64; 2]> {
    let down = (n_passed + EQUAL).floor() as u64;
    let up = ((n_passed - EQUAL).ceil() as u64).min(n);
    Some([clopper_pearson_lower(down, n, ONE_SIDED)?, clopper_pearson_upper(up, n, ONE_SIDED)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(n: u64, n_passed: u64) -> Asked {
        Asked { n, n_passed, ..Asked::default() }
    }

    #[test]
    fn a_prompt_counts_once_however_often_it_is_answered() {
        // Ten of 100 prompts pass in each of five launches: R's binom.test(10, 100) gives 0.04900469 to 0.17622260, and
        // not the narrower 0.07513582 to 0.12970909 of binom.test(50, 500).
        let prompts: Vec<Asked> = (0..100).map(|n| asked(5, if n < 10 { 5 } else { 0 })).collect();
        let view = pass_rate(prompts.iter());
        assert_eq!((view.n, view.n_answers, view.n_answers_passed, view.n_mixed), (100, 500, 50, 0));
        let [low, high] = view.interval.expect("100 prompts");
        assert!((low - 0.049_004_69).abs() < 1e-8 && (high - 0.176_222_60).abs() < 1e-8, "{low} {high}");
    }

    #[test]
    fn a_prompt_whose_answers_differ_counts_as_its_share() {
        // 1 + 1/3 + 1/3 + 1/3 = 2 of 4; a sum that is whole but for rounding is whole.
        let view = pass_rate([asked(3, 3), asked(3, 1), asked(3, 1), asked(3, 1)].iter());
        assert_eq!((view.n, view.n_mixed), (4, 3));
        assert!((view.n_passed - 2.0).abs() < 1e-12, "{}", view.n_passed);
        // R: binom.test(2, 4)$conf.int is 0.06758599 to 0.93241401.
        let [low, high] = view.interval.expect("four prompts");
        assert!((low - 0.067_585_99).abs() < 1e-8 && (high - 0.932_414_01).abs() < 1e-8, "{low} {high}");
        // 1.5 of 4 lies between the lower bound of 1 and the upper bound of 2.
        let view = pass_rate([asked(2, 2), asked(2, 1), asked(2, 0), asked(2, 0)].iter());
        let [low, high] = view.interval.expect("four prompts");
        // binom.test(1, 4)$conf.int[1] is 1 - 0.975^(1/4) = 0.006309463.
        assert!((low - 0.006_309_463).abs() < 1e-8 && (high - 0.932_414_01).abs() < 1e-8, "{low} {high}");
    }

    #[test]
    fn without_a_graded_answer_there_is_no_rate() {
        let ungraded = Asked { n_ungraded: 2, ..Asked::default() };
        let failed = Asked { n_failed: 3, ..Asked::default() };
        let view = pass_rate([ungraded, failed].iter());
        assert_eq!((view.n, view.rate, view.interval), (0, None, None));
        assert_eq!((view.n_ungraded, view.n_failed), (1, 3));
    }

    #[test]
    fn cut_answers_are_told_apart() {
        let mut one = Asked::default();
        one.add(3, Some(true), true);
        one.add(5, Some(false), true);
        one.add(7, Some(false), false);
        one.add(9, None, true);
        assert_eq!((one.n, one.n_passed, one.n_cut, one.n_cut_passed), (3, 1, 2, 1));
        assert_eq!((one.n_ungraded, one.first_miss), (1, Some(5)));
    }
}
