//! One line for each metric, the primary one first.

use dyno_view::compare::{
    Change, ChangeOutcome, ChangeRow, ChangeVerdictView, CompareView, ContrastView, PairingView, TestedValues,
};
use dyno_view::comparison::Better;
use dyno_view::report::UnitView;

use super::{Tone, letter, verdict_tone, verdict_word};
use crate::chart::ForestRow;
use crate::words::{self, Multiple};

/// A contrast in words.
pub(crate) struct Group<'a> {
    pub(crate) contrast: &'a ContrastView,
    /// Letter and name of the side.
    pub(crate) letter: String,
    pub(crate) side: &'a str,
    /// Name of the baseline.
    pub(crate) baseline: &'a str,
    /// Whether launches could not be held against their neighbours in time.
    pub(crate) is_unpaired: bool,
    /// The lines, primary ones first.
    pub(crate) lines: Vec<Line<'a>>,
}

impl Group<'_> {
    /// `gemma-3-270m-it · single user on pi5`.
    pub(crate) fn work(&self) -> String {
        format!("{} on {}", self.contrast.label, self.contrast.device)
    }

    /// The same with its sides: `B new against A old: …`.
    pub(crate) fn heading(&self) -> String {
        let unpaired = if self.is_unpaired { " (UNPAIRED)" } else { "" };
        format!("{} {} against A {}: {}{unpaired}", self.letter, self.side, self.baseline, self.work())
    }

    /// What one unit of replication is.
    pub(crate) fn replicate(&self) -> &'static str {
        if self.is_unpaired { "launches" } else { "blocks" }
    }

    /// The lines as a forest plot has them: more is worse.
    pub(crate) fn forest(&self) -> Vec<ForestRow> {
        self.lines.iter().filter_map(Line::forest).collect()
    }
}

/// One metric in words.
pub(crate) struct Line<'a> {
    pub(crate) row: &'a ChangeRow,
    /// The test, where there is one.
    pub(crate) change: Option<&'a Change>,
    /// `REGRESSION`, `UNLIKE WORK`, `NO FIGURE`.
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    /// Median of the baseline's launches with its unit, or `n/a`.
    pub(crate) baseline: String,
    pub(crate) candidate: String,
    /// `+4.2 %`, or `n/a`.
    pub(crate) effect: String,
    /// `[+2.9 – +5.5]`; empty without one.
    pub(crate) interval: String,
    pub(crate) q: String,
    pub(crate) mde: String,
    /// Blocks, or launches of the side with fewer.
    pub(crate) n: String,
    /// Why there is no test, or what would decide; empty where all is said.
    pub(crate) why: String,
}

impl Line<'_> {
    /// `TTFT`, marked where the scenario is about it.
    pub(crate) fn name(&self) -> String {
        if self.row.is_primary { format!("{} (primary)", self.row.label) } else { self.row.label.clone() }
    }

    /// `lower is better`.
    pub(crate) fn better(&self) -> &'static str {
        match self.row.better {
            Better::Lower => "lower is better",
            Better::Higher => "higher is better",
        }
    }

    /// `+4.2 % [+2.9 – +5.5]`.
    pub(crate) fn effect_line(&self) -> String {
        if self.interval.is_empty() {
            self.effect.clone()
        } else {
            format!("{} {}", self.effect, self.interval)
        }
    }

    fn forest(&self) -> Option<ForestRow> {
        let change = self.change?;
        let effect = change.effect;
        let bounds = effect.low.zip(effect.high);
        let worse = |ratio: f64| match self.row.better {
            Better::Lower => ratio - 1.0,
            Better::Higher => 1.0 - ratio,
        };
        let colour = match change.verdict {
            ChangeVerdictView::Regression => Some(1),
            ChangeVerdictView::Improvement => Some(2),
            ChangeVerdictView::Equivalent => Some(0),
            ChangeVerdictView::Inconclusive => None,
        };
        let placed = |(low, high): (f64, f64)| {
            let (low, high) = (worse(low), worse(high));
            [low.min(high), worse(effect.ratio), low.max(high)]
        };
        Some(ForestRow {
            name: format!("{}, n = {}", self.row.label, words::count(change.n)),
            word: self.word.to_owned(),
            colour,
            change: bounds.map(placed),
            delta: self.row.delta,
        })
    }
}

/// All contrasts in words.
pub(crate) fn groups(view: &CompareView) -> Vec<Group<'_>> {
    view.contrasts.iter().map(|contrast| group(view, contrast)).collect()
}

fn group<'a>(view: &'a CompareView, contrast: &'a ContrastView) -> Group<'a> {
    let name = |place: usize| view.sides.get(place).map_or("", |side| side.name.as_str());
    let place = usize::try_from(contrast.side).unwrap_or(usize::MAX);
    let mut lines: Vec<Line<'_>> = contrast.rows.iter().map(line).collect();
    // Stable: the order of the catalogue stays within each half.
    lines.sort_by_key(|line| !line.row.is_primary);
    Group {
        contrast,
        letter: letter(place),
        side: name(place),
        baseline: name(0),
        is_unpaired: matches!(contrast.pairing, PairingView::Unpaired { .. }),
        lines,
    }
}

fn line(row: &ChangeRow) -> Line<'_> {
    let (baseline, candidate) = both(row.unit, row.baseline, row.candidate);
    let empty = |word: &'static str, tone: Tone, why: &str| Line {
        row,
        change: None,
        word,
        tone,
        baseline: baseline.clone(),
        candidate: candidate.clone(),
        effect: "n/a".to_owned(),
        interval: String::new(),
        q: "n/a".to_owned(),
        mde: "n/a".to_owned(),
        n: String::new(),
        why: why.to_owned(),
    };
    match &row.outcome {
        ChangeOutcome::Tested(change) => tested(row, change, baseline, candidate),
        ChangeOutcome::Unlike { reason } => empty("UNLIKE WORK", Tone::Warn, reason),
        ChangeOutcome::Missing { reason } => empty("NO FIGURE", Tone::Plain, reason),
    }
}

fn tested<'a>(row: &'a ChangeRow, change: &'a Change, baseline: String, candidate: String) -> Line<'a> {
    let effect = change.effect;
    let bounds = effect.low.zip(effect.high).map(|(low, high)| [low, high]);
    let (words_of_effect, interval) = words::change(effect.ratio, bounds);
    let or_none = |words: Option<String>| words.unwrap_or_else(|| "n/a".to_owned());
    Line {
        row,
        change: Some(change),
        word: verdict_word(Some(change.verdict)),
        tone: verdict_tone(Some(change.verdict)),
        baseline,
        candidate,
        effect: words_of_effect,
        interval,
        q: or_none(change.q.map(words::p_value)),
        mde: or_none(change.mde.map(words::percent)),
        n: words::count(change.n),
        why: decides(change),
    }
}

/// What would decide.
fn decides(change: &Change) -> String {
    if change.verdict != ChangeVerdictView::Inconclusive {
        return String::new();
    }
    let (one, many, each) = match change.values {
        TestedValues::Blocks { .. } => ("block", "blocks", ""),
        TestedValues::Launches { .. } => ("launch", "launches", " of each side"),
    };
    match change.more_blocks {
        Some(n) => {
            let more = if n == 1 { one } else { many };
            format!("about {} more {more}{each} would probably decide", words::count(u64::from(n)))
        }
        None => format!("no number of {many} within reason would decide"),
    }
}

/// Both values in one unit, with four digits: a change of per cents is to be seen in them.
fn both(unit: UnitView, baseline: Option<f64>, candidate: Option<f64>) -> (String, String) {
    let highest = baseline.into_iter().chain(candidate).map(f64::abs).fold(0.0, f64::max);
    let multiple = Multiple::of(unit, highest);
    let worded = |value: Option<f64>| {
        let Some(value) = value else { return "n/a".to_owned() };
        let scaled = value / multiple.factor;
        let decimals = words::decimals_for(scaled, 0.0).min(multiple.max_decimals);
        format!("{} {}", words::grouped(scaled, decimals), multiple.sign).trim_end().to_owned()
    };
    (worded(baseline), worded(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_values_have_one_unit() {
        let check = |unit, a, b, expected: (&str, &str)| {
            let (left, right) = both(unit, a, b);
            assert_eq!((left.as_str(), right.as_str()), expected);
        };
        check(UnitView::Ns, Some(999_400.0), Some(1_041_000.0), ("0.9994 ms", "1.041 ms"));
        check(UnitView::Ns, Some(92_123_456.0), None, ("92.12 ms", "n/a"));
        check(UnitView::Count, None, None, ("n/a", "n/a"));
    }
}
