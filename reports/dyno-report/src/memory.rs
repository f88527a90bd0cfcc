//! What every format says of memory and of the roofline of a cell.

use dyno_view::memory::{BoundedView, FitsWord, LadderView, MemoryView, RungView};
use dyno_view::report::{CellView, UnitView};
use dyno_view::roofline::{RooflineView, RooflineWord};

use crate::words::{Worded, count, plural, ranged, value};

/// A part of a cell in words.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// `fits`, with its reasons.
    pub(crate) verdict: String,
    /// `good`, `warn`, `bad` or empty.
    pub(crate) tone: &'static str,
    pub(crate) lines: Vec<Line>,
    /// Contexts of several lengths, one line each.
    pub(crate) rungs: Vec<Rung>,
}

/// One figure in words.
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) figure: Worded,
    pub(crate) note: String,
}

/// One length of context in words.
pub(crate) struct Rung {
    pub(crate) context: String,
    pub(crate) used: String,
    pub(crate) anon: String,
    pub(crate) launches: String,
    pub(crate) outcome: String,
    /// `good` or `bad`, empty where nothing was measured.
    pub(crate) tone: &'static str,
}

impl Line {
    /// `92.1 MiB (its own pages; 1 launch)`, or `n/a (not sampled here)`.
    pub(crate) fn text(&self) -> String {
        match (&self.figure, self.note.is_empty()) {
            (Worded::Missing { .. }, _) | (_, true) => self.figure.line(),
            (Worded::Estimate { .. }, false) => format!("{} ({})", self.figure.line(), self.note),
        }
    }
}

/// Memory and roofline of a cell, as far as it has them.
pub(crate) fn sections(cell: &CellView) -> Vec<Section> {
    let memory = cell.memory.as_ref().map(memory);
    memory.into_iter().chain(cell.roofline.as_ref().map(roofline)).collect()
}

fn memory(view: &MemoryView) -> Section {
    let (word, tone) = match view.fits {
        FitsWord::Fits => ("fits", "good"),
        FitsWord::DoesNotFit => ("does not fit", "bad"),
        FitsWord::NotShown => ("nothing speaks against it, but that it fits is not shown", ""),
    };
    let mut lines: Vec<Line> = view.figures.iter().map(line).collect();
    if let Some(growth) = &view.growth {
        let points = plural(growth.n, "point", "points");
        let measured = line(&growth.measured);
        lines.push(Line { note: format!("{}; {points}", measured.note), ..measured });
        lines.extend(growth.formula_bytes_per_token.map(|bytes| Line {
            label: "Keys and values for each token, by the formula".to_owned(),
            figure: single(UnitView::Bytes, bytes),
            note: "over the same contexts".to_owned(),
        }));
        lines.extend(growth.ratio.as_ref().map(line));
    }
    lines.extend(view.ladder.iter().flat_map(ends));
    let rungs = view.ladder.iter().flat_map(|ladder| ladder.rungs.iter().map(rung)).collect();
    let verdict = format!("{word}: {}", view.reasons.join("; "));
    Section { title: "Memory", verdict, tone, lines, rungs }
}

/// The largest context that went well, and the first that did not.
fn ends(ladder: &LadderView) -> Vec<Line> {
    let tokens = |label: &str, tokens: Option<u32>, none: &str| Line {
        label: label.to_owned(),
        figure: match tokens {
            Some(tokens) => single(UnitView::Tokens, f64::from(tokens)),
            None => Worded::Missing { reason: none.to_owned() },
        },
        note: String::new(),
    };
    let failed = ladder.rungs.iter().find(|rung| Some(rung.context_tokens) == ladder.first_failed);
    let how = failed.and_then(|rung| rung.failed.clone()).unwrap_or_default();
    vec![
        tokens("Largest context that went well", ladder.largest_ok, "none did"),
        Line {
            note: how,
            ..tokens("First context that did not", ladder.first_failed, "all that were tried did")
        },
    ]
}

fn rung(view: &RungView) -> Rung {
    let (outcome, tone) = match (&view.failed, view.n_launches) {
        (_, 0) => ("not measured".to_owned(), ""),
        (Some(how), _) => (how.clone(), "bad"),
        (None, _) => ("went well".to_owned(), "good"),
    };
    let none = || "n/a".to_owned();
    Rung {
        context: count(u64::from(view.context_tokens)),
        used: view.used_tokens.map_or_else(none, count),
        anon: view.anon_peak_bytes.map_or_else(none, |bytes| value(UnitView::Bytes, bytes as f64)),
        launches: count(view.n_launches),
        outcome,
        tone,
    }
}

fn roofline(view: &RooflineView) -> Section {
    let (word, tone) = match view.verdict {
        RooflineWord::Below => ("decode is below its ceiling", "good"),
        RooflineWord::FromCache => ("decode is above its ceiling, by what the cache holds", ""),
        RooflineWord::Impossible => ("decode is above its ceiling, which cannot be", "bad"),
        RooflineWord::Unknown => ("the ceiling is not known", ""),
    };
    let verdict = if view.why.is_empty() { word.to_owned() } else { format!("{word}: {}", view.why) };
    Section {
        title: "Roofline",
        verdict,
        tone,
        lines: view.figures.iter().map(line).collect(),
        rungs: Vec::new(),
    }
}

fn line(view: &BoundedView) -> Line {
    let figure = match (view.value, view.low, view.high) {
        (None, ..) => Worded::Missing { reason: view.note.clone() },
        (Some(value), Some(low), Some(high)) => ranged(view.unit, [value, low, high]),
        (Some(value), ..) => single(view.unit, value),
    };
    Line { label: view.label.clone(), figure, note: view.note.clone() }
}

fn single(unit: UnitView, figure: f64) -> Worded {
    Worded::Estimate { value: value(unit, figure), interval: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(value: Option<f64>, bounds: Option<(f64, f64)>, unit: UnitView, note: &str) -> BoundedView {
        BoundedView {
            label: "MBU".to_owned(),
            unit,
            value,
            low: bounds.map(|(low, _)| low),
            high: bounds.map(|(_, high)| high),
            note: note.to_owned(),
        }
    }

    #[test]
    fn figures_have_their_bounds_or_their_reason() {
        let check = |view: BoundedView, expected: &str| assert_eq!(line(&view).text(), expected);
        check(bounded(Some(0.6), Some((0.5, 0.75)), UnitView::Ratio, "a"), "60 % [50 – 75] (a)");
        check(bounded(Some(92.0 * 1_048_576.0), None, UnitView::Bytes, "own"), "92.0 MiB (own)");
        check(bounded(Some(2048.0), None, UnitView::Bytes, ""), "2.00 KiB");
        check(bounded(None, None, UnitView::Bytes, "not sampled here"), "n/a (not sampled here)");
    }

    #[test]
    fn a_ladder_says_where_it_ends() {
        let rung = |context_tokens, failed: Option<&str>| RungView {
            context_tokens,
            used_tokens: failed.is_none().then_some(u64::from(context_tokens) - 9),
            n_launches: 3,
            anon_peak_bytes: Some(1 << 20),
            failed: failed.map(str::to_owned),
        };
        let ladder = LadderView {
            rungs: vec![rung(512, None), rung(1024, Some("run 1 ended as oom"))],
            largest_ok: Some(512),
            first_failed: Some(1024),
        };
        let texts: Vec<String> = ends(&ladder).iter().map(Line::text).collect();
        assert_eq!(texts, ["512 tokens", "1,024 tokens (run 1 ended as oom)"]);
        let all = LadderView { first_failed: None, ..ladder };
        assert_eq!(ends(&all)[1].text(), "n/a (all that were tried did)");
    }
}
