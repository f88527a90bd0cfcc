//! Shares, verdicts, chunks and statuses in words.

use dyno_view::load::{ChunksView, GoodView, LimitView, ShareIntervalView, VerdictView};
use dyno_view::report::{OutcomeCount, UnitView};

use crate::words::{self, count, plural, value};

/// `93.0 % [90.2 – 95.2], 1.86 req/s`.
pub(super) fn good_words(good: &GoodView) -> String {
    let rate = good.rate_per_s.map(|rate| value(UnitView::RequestsPerSecond, rate));
    good.share.map(share_words).into_iter().chain(rate).collect::<Vec<_>>().join(", ")
}

/// `3.0 % [1.6 – 5.2]`.
pub(crate) fn share_words(share: ShareIntervalView) -> String {
    let ratio = 100.0 * share.n as f64 / share.of.max(1) as f64;
    // Bounds are rounded outwards; a millionth of the last digit is forgiven.
    let low = (share.low * 1000.0 + 1e-6).floor() / 10.0;
    let high = (share.high * 1000.0 - 1e-6).ceil() / 10.0;
    format!("{ratio:.1} % [{low:.1} – {high:.1}]")
}

/// `PASS`, `INCONCLUSIVE, 34 more requests needed`.
pub(crate) fn verdict_words(verdict: &VerdictView) -> String {
    match verdict {
        VerdictView::Pass => "PASS".to_owned(),
        VerdictView::Fail => "FAIL".to_owned(),
        VerdictView::Inconclusive { more_needed: u64::MAX } => {
            "INCONCLUSIVE, no number of requests shows it".to_owned()
        }
        VerdictView::Inconclusive { more_needed } => {
            format!("INCONCLUSIVE, {} needed", plural(*more_needed, "more request", "more requests"))
        }
    }
}

/// `TTFT from due ≤ 400 ms for 95 % of the requests: PASS, 3 of 400 did not`.
pub(crate) fn limit_words(limit: &LimitView, n: u64) -> String {
    format!(
        "{} ≤ {} for {} % of the requests, at {:.1} % confidence: {}; {} of {} did not keep it",
        limit.label,
        value(UnitView::Ns, limit.limit_ns as f64),
        percent(limit.fraction_milli),
        limit.confidence * 100.0,
        verdict_words(&limit.verdict),
        count(limit.n_violations),
        count(n),
    )
}

fn percent(milli: u32) -> String {
    if milli.is_multiple_of(10) { (milli / 10).to_string() } else { format!("{}.{}", milli / 10, milli % 10) }
}

/// How tokens came in chunks, one sentence each.
pub(crate) fn chunk_words(view: &ChunksView) -> Vec<String> {
    let share = |n: u64| format!("{:.1} %", (n as f64 / view.n_chunks.max(1) as f64 * 1000.0).floor() / 10.0);
    let mut sentences = Vec::new();
    match &view.itl_tail_unavailable {
        None => sentences.push(format!(
            "Chunk gaps are gaps between tokens: {} of {} surely carry exactly one token.",
            share(view.n_single),
            plural(view.n_chunks, "chunk", "chunks")
        )),
        Some(why) => {
            let histogram: Vec<String> = view
                .by_tokens
                .iter()
                .map(|of| match of.tokens {
                    Some(1) => format!("1 token: {}", count(of.n)),
                    Some(n) => format!("{} tokens: {}", count(u64::from(n)), count(of.n)),
                    None => format!("not said: {}", count(of.n)),
                })
                .collect();
            sentences.push(format!("ITL tail: unavailable. {why}."));
            sentences.push(format!("Chunks by the tokens that they carry: {}.", histogram.join(", ")));
        }
    }
    if let Some(n) = view.n_coalesced.filter(|n| *n > 0) {
        sentences.push(format!(
            "{} of the chunks came in one read with the one before and share its stamp.",
            share(n)
        ));
    }
    sentences
}

/// HTTP statuses and what Retry-After asked for; empty without either.
pub(crate) fn http_words(outcome: &OutcomeCount) -> Vec<String> {
    let statuses = outcome.statuses.iter().map(|of| format!("HTTP {}: {}", of.status, count(of.n)));
    let asked = outcome.retry_after.map(|of| {
        let ms = |ms: u64| ms as f64 * 1e6;
        format!("Retry-After {} ({})", words::range(UnitView::Ns, ms(of.min_ms), ms(of.max_ms)), count(of.n))
    });
    statuses.chain(asked).collect()
}

#[cfg(test)]
mod tests {
    use dyno_view::load::ChunkCountView;
    use dyno_view::report::{RetryAfterView, StatusCount};

    use super::*;

    #[test]
    fn shares_have_outward_bounds() {
        let share = ShareIntervalView { n: 10, of: 100, low: 0.049_004_69, high: 0.176_222_6 };
        assert_eq!(share_words(share), "10.0 % [4.9 – 17.7]");
    }

    #[test]
    fn a_verdict_says_what_it_takes() {
        let check = |verdict: VerdictView, expected| assert_eq!(verdict_words(&verdict), expected);
        check(VerdictView::Inconclusive { more_needed: 1 }, "INCONCLUSIVE, 1 more request needed");
        check(VerdictView::Inconclusive { more_needed: 1200 }, "INCONCLUSIVE, 1,200 more requests needed");
        check(VerdictView::Pass, "PASS");
    }

    #[test]
    fn chunks_of_several_tokens_have_a_histogram() {
        let by_tokens = [(Some(1), 90), (Some(3), 8), (None, 2)];
        let view = ChunksView {
            n_chunks: 100,
            by_tokens: by_tokens.into_iter().map(|(tokens, n)| ChunkCountView { tokens, n }).collect(),
            n_single: 90,
            n_coalesced: Some(4),
            itl_tail_unavailable: Some("90.0 % are not enough".to_owned()),
        };
        let expected = [
            "ITL tail: unavailable. 90.0 % are not enough.",
            "Chunks by the tokens that they carry: 1 token: 90, 3 tokens: 8, not said: 2.",
            "4.0 % of the chunks came in one read with the one before and share its stamp.",
        ];
        assert_eq!(chunk_words(&view), expected);
    }

    #[test]
    fn http_statuses_stand_beside_their_outcome() {
        let outcome = OutcomeCount {
            outcome: "refused".to_owned(),
            n: 12,
            example: None,
            statuses: vec![StatusCount { status: 429, n: 12 }],
            retry_after: Some(RetryAfterView { n: 12, min_ms: 1000, max_ms: 5000 }),
        };
        assert_eq!(http_words(&outcome), ["HTTP 429: 12", "Retry-After 1.00 – 5.00 s (12)"]);
    }
}
