//! What a search found, in words and as JSON.

use std::fmt::Write as _;

use dyno_report::untrusted::one_line;
use dyno_view::compare::{ChangeVerdictView, EffectView};
use serde::Serialize;

use super::Bisect;
use super::search::{Search, Standing};
use super::step::Step;
use crate::exit::Exit;

/// Version of the JSON.
const SCHEMA_VERSION: u32 = 1;

/// What a search found.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    schema_version: u32,
    /// What the names of the campaigns begin with.
    name: String,
    /// The metric that decided.
    metric: String,
    #[serde(skip)]
    label: &'static str,
    /// All builds, in their order.
    builds: Vec<BuildTold>,
    outcome: Outcome,
    /// The first bad build; `None` unless it was found.
    first_bad: Option<BuildTold>,
    /// The last build before it that is not worse than the first.
    last_good: Option<BuildTold>,
    /// The builds among which the first bad one is; empty when nothing regressed.
    candidates: Vec<BuildTold>,
    steps: Vec<StepTold>,
}

/// One build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct BuildTold {
    /// Its place, from 0.
    place: usize,
    name: String,
    words: String,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// The first bad build is known.
    Found,
    /// The last build is not worse than the first.
    NoRegression,
    /// A step could not be decided.
    Undecided,
}

/// One step.
#[derive(Debug, Serialize)]
struct StepTold {
    step: usize,
    build: BuildTold,
    /// The last one decided; those before it had too few blocks.
    campaigns: Vec<String>,
    blocks: u32,
    verdict: Option<ChangeVerdictView>,
    effect: Option<EffectView>,
    summary: String,
    /// Why there is no verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    why: Vec<String>,
}

impl Step {
    /// The step in a line: verdict, effect, blocks.
    pub(super) fn line(&self, bisect: &Bisect<'_>) -> String {
        line(bisect.metric.label, self.verdict, self.effect.as_ref(), self.blocks, &self.summary)
    }
}

impl BuildTold {
    /// Its name, and its words where they say more.
    fn shown(&self) -> String {
        let name = one_line(&self.name);
        if self.name == self.words { name } else { format!("{name} ({})", one_line(&self.words)) }
    }
}

impl Told {
    pub(super) fn of(bisect: &Bisect<'_>, search: &Search, steps: &[Step]) -> Self {
        let build = |place: usize| BuildTold {
            place,
            name: bisect.names[place].clone(),
            words: bisect.builds[place].clone(),
        };
        let (outcome, first_bad) = match search.standing() {
            Standing::Found(bad) => (Outcome::Found, Some(bad)),
            Standing::Nothing => (Outcome::NoRegression, None),
            Standing::Look(_) => (Outcome::Undecided, None),
        };
        let left = search.left();
        // While nothing is known to be bad, the first bad build may be any of them, or none.
        let any = (outcome == Outcome::Undecided).then_some((1, bisect.builds.len() - 1));
        Self {
            schema_version: SCHEMA_VERSION,
            name: bisect.name.clone(),
            metric: bisect.metric.id.to_owned(),
            label: bisect.metric.label,
            builds: (0..bisect.builds.len()).map(build).collect(),
            outcome,
            first_bad: first_bad.map(build),
            last_good: left.map(|(from, _)| build(from - 1)),
            candidates: left.or(any).map_or_else(Vec::new, |(from, to)| (from..=to).map(build).collect()),
            steps: steps
                .iter()
                .map(|step| StepTold {
                    step: step.number,
                    build: build(step.build),
                    campaigns: step.campaigns.clone(),
                    blocks: step.blocks,
                    verdict: step.verdict,
                    effect: step.effect,
                    summary: step.summary.clone(),
                    why: if step.verdict.is_none() { step.why.clone() } else { Vec::new() },
                })
                .collect(),
        }
    }

    /// A found regression is a regression, and what nobody can tell is inconclusive.
    pub(super) fn exit(&self) -> Exit {
        match self.outcome {
            Outcome::Found => Exit::Breached,
            Outcome::NoRegression => Exit::Ok,
            Outcome::Undecided => Exit::Invalid,
        }
    }

    pub(super) fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("words and numbers are JSON");
        json.push(b'\n');
        json
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let out = &mut text;
        let mut line = |words: &str| writeln!(out, "{words}").expect("writing to a String cannot fail");
        let first = self.builds.first().map_or_else(String::new, BuildTold::shown);
        for step in &self.steps {
            line(&format!("step {}  {}", step.step, step.build.shown()));
            line(&format!("        {}", self.line_of(step)));
            line(&format!("        {}", step.campaigns.join(", ")));
            step.why.iter().for_each(|why| line(&format!("        {}", one_line(why))));
        }
        line("");
        match (self.outcome, &self.first_bad) {
            (Outcome::Found, Some(bad)) => {
                let (step, campaign) = self.evidence(bad);
                let (bad, words) = (bad.shown(), step.map_or_else(String::new, |step| self.line_of(step)));
                line(&format!("first bad build: {bad}"));
                line(&format!("  {words}, against {first} ({campaign})"));
                if let Some(good) = &self.last_good {
                    line(&format!("last good build: {}{}", good.shown(), self.proof_of(good)));
                }
            }
            (Outcome::NoRegression, _) => {
                let last = self.builds.last().map_or_else(String::new, BuildTold::shown);
                line(&format!("nothing to find: {last} is not worse than {first}"));
            }
            (Outcome::Found | Outcome::Undecided, _) => {
                let all: Vec<String> = self.candidates.iter().map(BuildTold::shown).collect();
                line(&format!("not decided: the first bad build is one of {}", all.join(" | ")));
                line(
                    "hint: a quieter device, more --requests or more --blocks tell more; a build that does not run can be left out",
                );
            }
        }
        text
    }

    fn line_of(&self, step: &StepTold) -> String {
        line(self.label, step.verdict, step.effect.as_ref(), step.blocks, &step.summary)
    }

    /// The step that looked at a build, and the campaign that decided.
    fn evidence(&self, build: &BuildTold) -> (Option<&StepTold>, &str) {
        let step = self.steps.iter().rev().find(|step| step.build == *build);
        (step, step.and_then(|step| step.campaigns.last()).map_or("", String::as_str))
    }

    /// How a good build was seen to be good; the first is taken to be.
    fn proof_of(&self, build: &BuildTold) -> String {
        match self.evidence(build) {
            (Some(step), campaign) => format!("\n  {} ({campaign})", self.line_of(step)),
            (None, _) => " (the first; taken to be good)".to_owned(),
        }
    }
}

fn line(
    label: &str,
    verdict: Option<ChangeVerdictView>,
    effect: Option<&EffectView>,
    blocks: u32,
    summary: &str,
) -> String {
    let word = match verdict {
        Some(ChangeVerdictView::Equivalent) => "EQUIVALENT",
        Some(ChangeVerdictView::Improvement) => "IMPROVEMENT",
        Some(ChangeVerdictView::Inconclusive) => "INCONCLUSIVE",
        Some(ChangeVerdictView::Regression) => "REGRESSION",
        None => "NO VERDICT",
    };
    match effect {
        Some(effect) => format!("{word}: {label} {}, {blocks} blocks", change(effect)),
        None => format!("{word}: {}", one_line(summary)),
    }
}

/// A ratio as a change in per cent, with its interval; with a digit more where the interval is narrow.
fn change(effect: &EffectView) -> String {
    let width = effect.high.zip(effect.low).map_or(f64::INFINITY, |(high, low)| (high - low) * 100.0);
    let digits = if width < 0.1 { 2 } else { 1 };
    let percent = |ratio: f64| {
        // What rounds to 0 has no sign to be read.
        let least = 0.5 * 10.0_f64.powi(-digits);
        let change = (ratio - 1.0) * 100.0;
        let change = if change.abs() < least { 0.0 } else { change };
        format!("{change:+.*} %", digits.unsigned_abs() as usize).replace('-', "−")
    };
    let middle = percent(effect.ratio);
    match (effect.low, effect.high) {
        (Some(low), Some(high)) => {
            let confidence = (effect.confidence * 1000.0).floor() / 10.0;
            format!("{middle} ({} to {} at {confidence} %)", percent(low), percent(high))
        }
        _ => format!("{middle} (no interval)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_reads_as_a_change_in_per_cent() {
        let of = |ratio, low, high| EffectView { ratio, low, high, confidence: 0.951_17 };
        assert_eq!(change(&of(1.123, Some(1.119), Some(1.128))), "+12.3 % (+11.9 % to +12.8 % at 95.1 %)");
        assert_eq!(change(&of(0.909, Some(0.9), None)), "−9.1 % (no interval)");
        let narrow = change(&of(0.909_09, Some(0.909_09), Some(0.909_1)));
        assert_eq!(narrow, "−9.09 % (−9.09 % to −9.09 % at 95.1 %)");
        assert_eq!(
            change(&of(0.999_99, Some(0.999_98), Some(1.0))),
            "+0.00 % (+0.00 % to +0.00 % at 95.1 %)"
        );
    }
}
