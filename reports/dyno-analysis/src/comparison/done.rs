//! The work that was really done: equal plans may give unequal prompts and answers.

use std::collections::BTreeSet;

use dyno_model::plan::PlannedRequest;
use dyno_stats::{Level, type1};
use dyno_view::comparison::{ColumnView, LengthsView, TokensView, UnlikeView, WorkDoneView};

use super::listed;
use crate::cell::CellRecord;

/// House rule: lengths, or shares from a cache, that differ by more are unlike work.
const SPREAD: f64 = 0.05;

/// What longer prompts make longer.
const PROMPT_LATENCIES: [&str; 9] = [
    "ttft_sched_ns",
    "e2e_sched_ns",
    "ttft_ns",
    "e2e_ns",
    "ttfo_ns",
    "ttft_served_ns",
    "e2e_served_ns",
    "first_inference_ns",
    "j_per_request",
];
/// What longer answers make longer.
const ANSWER_LATENCIES: [&str; 4] = ["e2e_sched_ns", "e2e_ns", "e2e_served_ns", "j_per_request"];
/// What is counted in tokens.
const TOKEN_RATES: [&str; 7] = [
    "tpot_ns",
    "tpot_k1_ns",
    "decode_tokens_per_s",
    "prefill_tokens_per_s",
    "output_tokens_per_s",
    "j_per_output_token",
    "sustained_tokens_per_s",
];

/// What a cell's requests that went well really did; `None` without one.
pub(crate) fn work_done(cell: &CellRecord<'_>) -> Option<WorkDoneView> {
    let (record, rows) = (cell.record, cell.ok_rows());
    let requests = &record.requests;
    if rows.is_empty() {
        return None;
    }
    let column = |column: &[Option<u32>]| rows.iter().filter_map(|row| column[*row]).collect::<Vec<_>>();
    let (prompts, cached) = (column(&requests.prompt_tokens), column(&requests.cached_tokens));
    let sum = |of: &[u32]| of.iter().copied().map(u64::from).sum::<u64>();
    let n_prompt = sum(&prompts);
    let sources: BTreeSet<&str> = rows.iter().map(|row| requests.usage_source[*row].as_str()).collect();
    let model = cell
        .launches
        .iter()
        .find_map(|launch| launch.row.facts.as_ref()?.model.as_ref())
        .filter(|model| !model.tokenizer.is_empty());
    Some(WorkDoneView {
        tokenizer: model.map(|model| model.tokenizer.clone()),
        tokenizer_digest: model.and_then(|model| model.tokenizer_digest.as_ref()).map(ToString::to_string),
        prompts: tokens(prompts),
        cached_ratio: (!cached.is_empty() && n_prompt > 0).then(|| sum(&cached) as f64 / n_prompt as f64),
        answers: tokens(column(&requests.completion_tokens)),
        lengths: lengths(cell),
        sources: sources.into_iter().map(str::to_owned).collect(),
    })
}

fn tokens(mut of: Vec<u32>) -> Option<TokensView> {
    of.sort_unstable();
    let at = |percent: u32| type1(&of, Level::per_million(percent * 10_000)?).map(u64::from);
    Some(TokensView {
        n: of.len() as u64,
        sum: of.iter().copied().map(u64::from).sum(),
        p10: at(10)?,
        p50: at(50)?,
        p90: at(90)?,
    })
}

/// Whether the plan makes all answers as long as they may be.
fn lengths(cell: &CellRecord<'_>) -> LengthsView {
    let runs = cell.record.plan.runs.iter().filter(|run| run.cell == cell.cell.id);
    let is_forced = |request: &PlannedRequest| request.sampling.ignore_eos;
    let kinds: BTreeSet<bool> = runs.flat_map(|run| run.requests.iter().map(is_forced)).collect();
    match (kinds.contains(&true), kinds.contains(&false)) {
        (true, true) => LengthsView::Mixed,
        (true, false) => LengthsView::Forced,
        (false, _) => LengthsView::Natural,
    }
}

/// In what rows did unlike work, and which columns are no ground for an order because of it.
pub(crate) fn unlike(columns: &[ColumnView], rows: &[(&str, &WorkDoneView)]) -> Vec<UnlikeView> {
    if rows.len() < 2 {
        return Vec::new();
    }
    let places = |metrics: &[&str]| -> Vec<u32> {
        let of = (0..).zip(columns).filter(|(_, column)| metrics.contains(&column.metric.as_str()));
        of.map(|(place, _)| place).collect()
    };
    let all = [
        (uneven("prompts", rows, |work| work.prompts.as_ref()), places(&PROMPT_LATENCIES)),
        (uneven("answers", rows, |work| work.answers.as_ref()), places(&ANSWER_LATENCIES)),
        (caches(rows), places(&[PROMPT_LATENCIES.as_slice(), &["prefill_tokens_per_s"]].concat())),
        (tokenizers(rows), places(&TOKEN_RATES)),
        (sources(rows), places(&TOKEN_RATES)),
    ];
    let found = all.into_iter().filter_map(|(reason, columns)| Some(UnlikeView { reason: reason?, columns }));
    found.collect()
}

/// One figure of a set of lengths.
type Length = fn(&TokensView) -> f64;

/// Lengths that should be equal and are not: tokenizers or arithmetic differ.
fn uneven<'w>(
    what: &str,
    rows: &[(&'w str, &'w WorkDoneView)],
    of: impl Fn(&'w WorkDoneView) -> Option<&'w TokensView>,
) -> Option<String> {
    let known: Vec<(&str, &TokensView)> =
        rows.iter().filter_map(|(name, work)| Some((*name, of(work)?))).collect();
    let mean = |of: &TokensView| of.sum as f64 / of.n.max(1) as f64;
    let parts: [(&str, Length); 3] =
        [("median", |of| of.p50 as f64), ("p10", |of| of.p10 as f64), ("p90", |of| of.p90 as f64)];
    let words = |word: &str, value: &dyn Fn(&TokensView) -> f64| {
        let shortest = known.iter().min_by(|a, b| value(a.1).total_cmp(&value(b.1)))?;
        let longest = known.iter().max_by(|a, b| value(a.1).total_cmp(&value(b.1)))?;
        let (low, high) = (value(shortest.1), value(longest.1));
        // One token more or less is a count that holds the end of the answer or not.
        let is_unlike = high > low * (1.0 + SPREAD) && high - low >= 1.0;
        is_unlike.then(|| {
            format!(
                "the {what} are not of equal length ({word} {high} tokens on {}, {low} on {})",
                longest.0, shortest.0
            )
        })
    };
    let quantiles = parts.iter().find_map(|(word, value)| words(word, value));
    quantiles.or_else(|| words("mean", &|of| (mean(of) * 10.0).round() / 10.0))
}

fn caches(rows: &[(&str, &WorkDoneView)]) -> Option<String> {
    let known = || rows.iter().filter_map(|(name, work)| Some((*name, work.cached_ratio?)));
    let least = known().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let most = known().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (most.1 - least.1 > SPREAD).then(|| {
        format!(
            "prompts came from a cache to unequal parts ({:.0} % of their tokens on {}, {:.0} % on {})",
            most.1 * 100.0,
            most.0,
            least.1 * 100.0,
            least.0
        )
    })
}

fn tokenizers(rows: &[(&str, &WorkDoneView)]) -> Option<String> {
    let digests: BTreeSet<&str> =
        rows.iter().filter_map(|(_, work)| work.tokenizer_digest.as_deref()).collect();
    let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    let words: Vec<String> = rows
        .iter()
        .filter_map(|(name, work)| Some(format!("{} on {name}", short(work.tokenizer_digest.as_deref()?))))
        .collect();
    (digests.len() > 1).then(|| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        format!("the tokenizers differ ({}), so that a token is not the same text", listed(&words))
    })
}

fn sources(rows: &[(&str, &WorkDoneView)]) -> Option<String> {
    let kinds: BTreeSet<&[String]> = rows.iter().map(|(_, work)| work.sources.as_slice()).collect();
    let words: Vec<String> =
        rows.iter().map(|(name, work)| format!("{} on {name}", work.sources.join(" and "))).collect();
    (kinds.len() > 1).then(|| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        format!("tokens were not counted by the same means ({})", listed(&words))
    })
}

#[cfg(test)]
mod tests {
    use dyno_view::comparison::{Better, ColumnFigure};
    use dyno_view::report::UnitView;

    use super::*;

    fn work(isl: u64, osl: u64, cached_ratio: f64, digest: &str, source: &str) -> WorkDoneView {
        let tokens = |n: u64| Some(TokensView { n: 10, sum: 10 * n, p10: n, p50: n, p90: n });
        WorkDoneView {
            tokenizer: Some("gpt2".to_owned()),
            tokenizer_digest: Some(digest.to_owned()),
            prompts: tokens(isl),
            cached_ratio: Some(cached_ratio),
            answers: tokens(osl),
            lengths: LengthsView::Natural,
            sources: vec![source.to_owned()],
        }
    }

    fn columns() -> Vec<ColumnView> {
        let column = |metric: &str| ColumnView {
            metric: metric.to_owned(),
            label: metric.to_owned(),
            unit: UnitView::Ns,
            figure: ColumnFigure::Highest,
            better: Better::Lower,
        };
        ["ttft_ns", "decode_tokens_per_s", "prefill_tokens_per_s", "e2e_ns", "peak_rss_bytes"]
            .map(column)
            .into()
    }

    #[test]
    fn each_inequality_takes_its_columns_out_of_any_order() {
        let check = |other: WorkDoneView, expected: &[(&str, &[u32])]| {
            let one = work(100, 64, 0.0, "aa", "engine");
            let found = unlike(&columns(), &[("pi5", &one), ("phone", &other)]);
            let found: Vec<(&str, &[u32])> =
                found.iter().map(|of| (of.reason.as_str(), of.columns.as_slice())).collect();
            assert_eq!(found, expected);
        };
        check(work(104, 66, 0.02, "aa", "engine"), &[]);
        check(
            work(106, 64, 0.0, "aa", "engine"),
            &[("the prompts are not of equal length (median 106 tokens on phone, 100 on pi5)", &[0, 3])],
        );
        check(
            work(100, 48, 0.0, "aa", "engine"),
            &[("the answers are not of equal length (median 64 tokens on pi5, 48 on phone)", &[3])],
        );
        check(
            work(100, 64, 0.5, "aa", "engine"),
            &[(
                "prompts came from a cache to unequal parts (50 % of their tokens on phone, 0 % on pi5)",
                &[0, 2, 3],
            )],
        );
        check(
            work(100, 64, 0.0, "bb", "usage"),
            &[
                (
                    "the tokenizers differ (aa on pi5 and bb on phone), so that a token is not the same text",
                    &[1, 2],
                ),
                ("tokens were not counted by the same means (engine on pi5 and usage on phone)", &[1, 2]),
            ],
        );
    }

    #[test]
    fn equal_medians_with_other_tails_are_unlike() {
        let one = work(100, 64, 0.0, "aa", "engine");
        let mut other = one.clone();
        other.answers = Some(TokensView { n: 10, sum: 700, p10: 64, p50: 64, p90: 90 });
        let found = unlike(&columns(), &[("pi5", &one), ("phone", &other)]);
        assert_eq!(
            found[0].reason,
            "the answers are not of equal length (p90 90 tokens on phone, 64 on pi5)"
        );
        assert!(unlike(&columns(), &[("pi5", &one)]).is_empty());
    }
}
