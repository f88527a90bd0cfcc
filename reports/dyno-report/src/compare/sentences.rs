//! What is said beside the table of a comparison: each form says the same sentences.

use dyno_view::calibration::CalibrationUse;
use dyno_view::compare::{
    BlockOrderView, CompareView, ContrastView, FailureRow, PairingView, ShapeRow, SideView, TailFigure,
    TailRow,
};
use dyno_view::load::ShareIntervalView;

use super::quality::{quality_measured, quality_said};
use super::{Group, Tone, letter, verdict_tone, verdict_word};
use crate::load::share_words;
use crate::words::{self, count, plural};

/// A sentence with its weight.
pub(crate) struct Said {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// A side in a line: `campaign c, arm fast, llama-server, gemma on local; 10 of 10 launches, 400 of 400 requests`.
pub(crate) fn side_line(side: &SideView) -> String {
    let mut parts = vec![format!("campaign {}", side.campaign)];
    match (&side.arm, &side.words) {
        (Some(arm), Some(words)) if arm != words => parts.push(format!("arm {arm} ({words})")),
        (Some(arm), _) => parts.push(format!("arm {arm}")),
        (None, _) => {}
    }
    let on =
        format!("{} · {} on {}", side.models.join(", "), side.runtimes.join(", "), side.devices.join(", "));
    parts.push(on);
    parts.extend(side.started_at.as_ref().map(|started| words::instant(started)));
    let launches =
        format!("{} of {} valid", count(side.launches.n), plural(side.launches.of, "launch", "launches"));
    let requests =
        format!("{} of {} ok", count(side.requests.n), plural(side.requests.of, "request", "requests"));
    let incomplete = if side.complete { "" } else { ", INCOMPLETE" };
    format!("{}; {launches}, {requests}{incomplete}", parts.join(", "))
}

/// What is to be said of a contrast beside its lines.
pub(crate) fn said_of(group: &Group<'_>) -> Vec<Said> {
    let contrast = group.contrast;
    let mut all = Vec::new();
    let mut say = |tone: Tone, text: String| all.push(Said { tone, text });
    if !contrast.changes.is_empty() {
        say(Tone::Plain, format!("What differs: {}.", contrast.changes.join("; ")));
    }
    let tone = if group.is_unpaired { Tone::Warn } else { Tone::Plain };
    say(tone, pairing_words(contrast));
    for text in left_out(&contrast.pairing) {
        say(Tone::Warn, text);
    }
    for line in group.lines.iter().filter(|line| !line.why.is_empty()) {
        say(line.tone, format!("{}: {}.", line.row.label, line.why));
    }
    if let Some((tone, text)) = failure_words(&contrast.failures) {
        say(tone, text);
    }
    all.extend(quality_said(group));
    let mut say = |tone: Tone, text: String| all.push(Said { tone, text });
    for note in &contrast.notes {
        say(Tone::Warn, note.clone());
    }
    all
}

/// How the launches of both belong together.
pub(crate) fn pairing_words(contrast: &ContrastView) -> String {
    match &contrast.pairing {
        PairingView::Paired { blocks, n, order } => {
            let order = match order {
                Some(BlockOrderView::Abba) => "every second block backwards (ABBA)",
                Some(BlockOrderView::Shuffled) => "their order drawn for each block",
                None => "in rounds of a plain matrix",
            };
            let of = plural(blocks.len() as u64, "block", "blocks");
            format!(
                "Paired: {} of {of} count; a block launches both with the same prompts, {order}.",
                count(*n)
            )
        }
        PairingView::Unpaired { why, n_baseline, n_candidate, .. } => format!(
            "UNPAIRED: {why}. {} of the baseline and {} of the side count; what differs between the two times is in \
             the result, and only changes of twice the size count.",
            plural(*n_baseline, "launch", "launches"),
            plural(*n_candidate, "launch", "launches"),
        ),
    }
}

/// What does not count, one sentence each.
fn left_out(pairing: &PairingView) -> Vec<String> {
    match pairing {
        PairingView::Paired { blocks, .. } => {
            let left = blocks.iter().filter_map(|block| Some((block.block, block.left_out.as_ref()?)));
            left.map(|(number, why)| format!("Block {number} does not count: {why}.")).collect()
        }
        PairingView::Unpaired { left_out, .. } => left_out.clone(),
    }
}

/// Requests that failed; `None` where nothing did.
pub(crate) fn failure_words(failures: &FailureRow) -> Option<(Tone, String)> {
    let verdict = failures.verdict?;
    let share = |share: Option<ShareIntervalView>| match share {
        Some(share) => format!("{} of {} ({})", count(share.n), count(share.of), share_words(share)),
        None => "none asked".to_owned(),
    };
    let first = format!(
        "Failed requests: {}; A {}, the side {}",
        verdict_word(Some(verdict)),
        share(failures.baseline),
        share(failures.candidate)
    );
    let blocks = failures.blocks.map(|of| {
        let blocks = plural(of.of, "block", "blocks");
        format!("; more in {} and fewer in {} of {blocks}", of.worse, of.better)
    });
    let q = failures.q.map(|q| format!(", q {}", words::p_value(q)));
    let how = (!failures.words.is_empty()).then(|| format!("; {}", failures.words.join(", ")));
    let text: String = [Some(first), blocks, q, how].into_iter().flatten().collect();
    Some((verdict_tone(Some(verdict)), format!("{text}.")))
}

/// A high percentile: its name, and what can be said.
pub(crate) fn tail_words(tail: &TailRow) -> (String, String) {
    let name = format!("{} {}", tail.label, words::quantile_name(tail.permille));
    let n = format!("n = {} and {}", count(tail.n_baseline), count(tail.n_candidate));
    let text = match &tail.figure {
        TailFigure::Ratio { baseline, candidate, ratio, low, high } => {
            let (value, interval) = words::change(*ratio, Some([*low, *high]));
            let from_to =
                format!("{} → {}", words::value(tail.unit, *baseline), words::value(tail.unit, *candidate));
            format!("{value} {interval}, {from_to}, {n}")
        }
        TailFigure::Missing { reason } => format!("n/a ({reason}), {n}"),
    };
    (name, text)
}

/// How far two distributions lie apart: their metric, and the distance.
pub(crate) fn shape_words(shape: &ShapeRow) -> (String, String) {
    let n = format!("n = {} and {}", count(shape.n_baseline), count(shape.n_candidate));
    (shape.label.clone(), format!("D = {}, {n}", words::grouped(shape.distance, 3)))
}

/// What the A/A calibrations say.
pub(crate) fn calibration_used(of: &CalibrationUse) -> Said {
    let measured = of.measured_at.as_ref().map(|at| format!(", {}", words::instant(at))).unwrap_or_default();
    let about = format!(
        "A/A calibration of {} (campaign {}{measured}, {}, {})",
        of.device,
        of.campaign,
        plural(of.n_blocks, "block", "blocks"),
        words::short_digest(&of.digest)
    );
    if !of.fits {
        return Said {
            tone: Tone::Warn,
            text: format!("{about} does not speak for this: {}.", of.why_not.join("; ")),
        };
    }
    let metric = |of: &dyno_view::calibration::CalibratedUse| {
        let (sd, mde) = (words::percent(of.sigma_run_ln), words::percent(of.mde_10));
        format!("{}: launches scatter by {sd}, 10 blocks find {mde}", of.label)
    };
    let metrics: Vec<String> = of.metrics.iter().map(metric).collect();
    Said { tone: Tone::Plain, text: format!("{about}. {}.", metrics.join("; ")) }
}

/// How all of it was tested, one sentence each.
pub(crate) fn how_measured(view: &CompareView) -> Vec<String> {
    let family = &view.family;
    let is_paired = |contrast: &ContrastView| matches!(contrast.pairing, PairingView::Paired { .. });
    let mut all = Vec::new();
    if view.contrasts.iter().any(is_paired) {
        all.push(
            "In each block the change of a metric is the median over prompts of the ratio of both sides; the change is \
             Hodges and Lehmann's estimate over blocks, with the exact interval of Wilcoxon's signed-rank test."
                .to_owned(),
        );
    }
    if !view.contrasts.iter().all(is_paired) {
        all.push(
            "UNPAIRED sides are compared by the medians of their launches: Mann and Whitney's exact test, and Hodges and \
             Lehmann's shift."
                .to_owned(),
        );
    }
    all.push(
        "REGRESSION: worse by more than δ, surely by more than half of it, and q ≤ 0.05; IMPROVEMENT: the same for \
         better. EQUIVALENT: the whole interval lies within ± δ. All else is INCONCLUSIVE, which is not \"no regression\"."
            .to_owned(),
    );
    all.push(format!(
        "q is the exact p value with all {} in view (Benjamini and Hochberg, {} of false alarms allowed); intervals have \
         {} confidence, so that those of changes that show hold together. MDE is the least change that so many blocks \
         find in four of five experiments.",
        plural(family.n_tests, "test", "tests"),
        words::percent(family.false_discovery),
        words::confidence(family.confidence),
    ));
    let graded = view.contrasts.iter().filter_map(|contrast| contrast.quality.as_ref());
    all.extend(graded.max_by_key(|of| of.categories.len()).map(quality_measured).unwrap_or_default());
    all
}

/// The names of the letters: `A old`.
pub(crate) fn lettered(view: &CompareView) -> impl Iterator<Item = (String, &SideView)> {
    view.sides.iter().enumerate().map(|(place, side)| (letter(place), side))
}

#[cfg(test)]
mod tests {
    use dyno_view::compare::{BlockCounts, ChangeVerdictView};
    use dyno_view::comparison::Better;
    use dyno_view::report::UnitView;

    use super::*;

    #[test]
    fn failures_say_how_many_and_how() {
        let share = |n, low, high| Some(ShareIntervalView { n, of: 400, low, high });
        let mut failures = FailureRow {
            baseline: share(0, 0.0, 0.0092),
            candidate: share(6, 0.0055, 0.0324),
            blocks: Some(BlockCounts { worse: 6, better: 0, of: 10 }),
            p: Some(0.03125),
            q: Some(0.0625),
            verdict: Some(ChangeVerdictView::Inconclusive),
            words: vec!["timeout (6)".to_owned()],
        };
        let (tone, text) = failure_words(&failures).expect("six failed");
        assert_eq!(tone, Tone::Warn);
        assert_eq!(
            text,
            "Failed requests: INCONCLUSIVE; A 0 of 400 (0.0 % [0.0 – 1.0]), the side 6 of 400 (1.5 % [0.5 – 3.3]); more \
             in 6 and fewer in 0 of 10 blocks, q 0.062; timeout (6)."
        );
        failures.verdict = None;
        assert!(failure_words(&failures).is_none(), "nothing failed, nothing is said");
    }

    #[test]
    fn tails_say_their_ratio_or_why_there_is_none() {
        let mut tail = TailRow {
            metric: "ttft_ns".to_owned(),
            label: "TTFT".to_owned(),
            unit: UnitView::Ns,
            better: Better::Lower,
            permille: 950,
            n_baseline: 400,
            n_candidate: 396,
            figure: TailFigure::Ratio {
                baseline: 120e6,
                candidate: 126e6,
                ratio: 1.05,
                low: 1.01,
                high: 1.08,
            },
        };
        let said = "+5.0 % [+1.0 – +8.0], 120 ms → 126 ms, n = 400 and 396";
        assert_eq!(tail_words(&tail), ("TTFT p95".to_owned(), said.to_owned()));
        tail.figure = TailFigure::Missing { reason: "n = 40 < 72".to_owned() };
        assert_eq!(tail_words(&tail).1, "n/a (n = 40 < 72), n = 400 and 396");
    }
}
