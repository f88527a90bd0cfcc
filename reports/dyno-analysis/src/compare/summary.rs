//! What a comparison shows as a whole, and what must be known before its rows.

use dyno_view::calibration::CalibrationUse;
use dyno_view::compare::{
    ChangeOutcome, ChangeRow, ChangeVerdictView, ContrastView, PairingView, QualityChange, QualityRow,
    SideView,
};
use dyno_view::comparison::Better;
use dyno_view::report::{Finding, FindingLevel};

use super::sides::{Opened, launches};
use crate::findings::{note, warning};

/// Changes that a summary has words for.
const MAX_TOLD: usize = 3;

/// A regression of anything; else what the primary metrics show together, the least certain first. `None` where nothing
/// was tested.
pub(super) fn verdict(contrasts: &[ContrastView]) -> Option<ChangeVerdictView> {
    let rows = || contrasts.iter().flat_map(|contrast| &contrast.rows);
    let tested = |row: &ChangeRow| row.tested().map(|change| change.verdict);
    let failures = contrasts.iter().filter_map(|contrast| contrast.failures.verdict);
    let answers = contrasts.iter().filter_map(|contrast| contrast.quality.as_ref());
    let answers = answers.flat_map(|quality| quality.rows().map(|row| row.verdict));
    if rows()
        .filter_map(tested)
        .chain(failures)
        .chain(answers)
        .any(|verdict| verdict == ChangeVerdictView::Regression)
    {
        return Some(ChangeVerdictView::Regression);
    }
    // Answers alone decide only where nothing else was asked.
    let is_graded = |contrast: &ContrastView| {
        contrast.rows.is_empty() && contrast.quality.as_ref().is_some_and(|of| of.all.p.is_some())
    };
    if !rows().any(|row| row.tested().is_some()) && !contrasts.iter().any(is_graded) {
        return None;
    }
    // A contrast of which nothing is known leaves the whole open.
    let of = |contrast: &ContrastView| {
        let primary = contrast.rows.iter().find(|row| row.is_primary).and_then(tested);
        let answers = contrast.quality.as_ref().filter(|_| contrast.rows.is_empty()).map(|of| of.all.verdict);
        primary.or(answers).unwrap_or(ChangeVerdictView::Inconclusive)
    };
    contrasts.iter().map(of).max()
}

/// The verdict in a sentence.
pub(super) fn words(
    verdict: Option<ChangeVerdictView>,
    sides: &[SideView],
    contrasts: &[ContrastView],
) -> String {
    let Some(verdict) = verdict else {
        return "nothing could be tested".to_owned();
    };
    let name = |contrast: &ContrastView| {
        sides.get(contrast.side as usize).map_or("the other side", |side| side.name.as_str())
    };
    let is_told = |row: &ChangeRow| {
        let is_meant = row.is_primary || verdict == ChangeVerdictView::Regression;
        is_meant && row.tested().is_some_and(|change| change.verdict == verdict)
    };
    let all = contrasts.iter().flat_map(|contrast| contrast.rows.iter().map(move |row| (contrast, row)));
    let mut told: Vec<(&ContrastView, &ChangeRow)> = all.filter(|(_, row)| is_told(row)).collect();
    // The sort is stable: primary metrics, then the others in their order.
    told.sort_by_key(|(_, row)| !row.is_primary);
    let rows = told.iter().map(|(of, row)| format!("{} of {}: {}", row.label, name(of), change_words(row)));
    let is_failing =
        |of: &&ContrastView| verdict == ChangeVerdictView::Regression && of.failures.verdict == Some(verdict);
    let failing = contrasts.iter().filter(is_failing).map(|of| format!("more requests of {} fail", name(of)));
    let answers = contrasts.iter().flat_map(|of| {
        let is_only = of.rows.is_empty();
        let is_told = move |row: &&QualityRow| {
            row.verdict == verdict && (verdict == ChangeVerdictView::Regression || is_only)
        };
        let rows = of.quality.iter().flat_map(QualityChange::rows).filter(is_told);
        rows.map(|row| answers_words(row, name(of))).collect::<Vec<_>>()
    });
    let parts: Vec<String> = failing.chain(answers).chain(rows).collect();
    match parts.len() {
        0 => "no primary metric could be tested".to_owned(),
        n if n > MAX_TOLD => format!("{}; and {} more", parts[..MAX_TOLD].join("; "), n - MAX_TOLD),
        _ => parts.join("; "),
    }
}

/// `+3.1 % [+2.0, +4.1], worse`.
fn change_words(row: &ChangeRow) -> String {
    let Some(change) = row.tested() else { return String::new() };
    let percent = |ratio: f64| format!("{:+.1}", (ratio - 1.0) * 100.0);
    let effect = &change.effect;
    let interval = match (effect.low, effect.high) {
        (Some(low), Some(high)) => format!("[{}, {}]", percent(low), percent(high)),
        _ => "without an interval".to_owned(),
    };
    let is_more = effect.ratio > 1.0;
    let way = match (change.verdict, row.better) {
        (ChangeVerdictView::Regression | ChangeVerdictView::Improvement, better) => {
            if is_more == (better == Better::Lower) { ", worse" } else { ", better" }
        }
        (ChangeVerdictView::Equivalent | ChangeVerdictView::Inconclusive, _) => "",
    };
    format!("{} % {interval}{way}", percent(effect.ratio))
}

/// `answers of B: 72.0 % → 58.0 % pass, −14.0 points [−20.1, −8.0], worse`.
fn answers_words(row: &QualityRow, name: &str) -> String {
    let about = row.category.as_ref().map(|category| format!("{category} ")).unwrap_or_default();
    let (Some([from, to]), Some(difference)) = (row.shares(), row.difference) else {
        return format!("{about}answers of {name}: no prompt has a graded answer on both sides");
    };
    let points = |share: f64| format!("{:+.1}", share * 100.0);
    let way = match row.verdict {
        ChangeVerdictView::Regression => ", worse",
        ChangeVerdictView::Improvement => ", better",
        ChangeVerdictView::Equivalent | ChangeVerdictView::Inconclusive => "",
    };
    format!(
        "{about}answers of {name}: {:.1} % → {:.1} % pass, {} points [{}, {}]{way}",
        from * 100.0,
        to * 100.0,
        points(difference.value),
        points(difference.low),
        points(difference.high)
    )
}

/// What must be known before the rows, the gravest first.
pub(super) fn findings(
    opened: &[Opened<'_, '_>],
    unmatched: &[String],
    contrasts: &[ContrastView],
    calibrations: &[CalibrationUse],
) -> Vec<Finding> {
    let mut all: Vec<Finding> = opened.iter().filter_map(unusable).collect();
    if contrasts.is_empty() && opened.len() > 1 {
        all.push(warning("no cell of one side did what a cell of the baseline did".to_owned()));
    }
    all.extend(unmatched.iter().map(|words| warning(words.clone())));
    all.extend(opened.iter().filter_map(incomplete));
    all.extend(contrasts.iter().filter_map(|contrast| unpaired(opened, contrast)));
    all.extend(unlike(contrasts));
    all.extend(uncalibrated(contrasts, calibrations));
    all.sort_by_key(|finding| finding.level);
    let mut seen: Vec<Finding> = Vec::new();
    for finding in all {
        if !seen.contains(&finding) {
            seen.push(finding);
        }
    }
    seen
}

/// A side without a launch that may be used gives no verdict.
fn unusable(side: &Opened<'_, '_>) -> Option<Finding> {
    let share = launches(&side.cells);
    let why = match (share.n, share.of) {
        (0, 0) => "was not measured".to_owned(),
        (0, of) => {
            let mut launches = side.cells.iter().flat_map(|cell| &cell.launches);
            let reason = launches.find_map(|launch| launch.row.invalid.as_ref()?.first());
            let reason = reason.map(|words| format!(": {words}")).unwrap_or_default();
            format!("has no launch that may be used, of {of}{reason}")
        }
        _ => return None,
    };
    Some(Finding { level: FindingLevel::Invalid, text: format!("{} {why}", side.name) })
}

fn incomplete(side: &Opened<'_, '_>) -> Option<Finding> {
    let is_whole = super::sides::is_complete(side);
    (!is_whole).then(|| {
        let campaign = &side.record.id;
        let name = &side.name;
        warning(format!("{name} is not whole: `edgedyno resume {campaign}` measures what is missing"))
    })
}

fn unpaired(opened: &[Opened<'_, '_>], contrast: &ContrastView) -> Option<Finding> {
    let name = &opened.get(contrast.side as usize)?.name;
    match &contrast.pairing {
        PairingView::Paired { .. } => None,
        PairingView::Unpaired { why, .. } => Some(warning(format!(
            "{name} is held against {} without blocks: {why}; a change counts from twice the usual size on",
            opened[0].name
        ))),
    }
}

/// Each reason once, with the metrics that it takes out.
fn unlike(contrasts: &[ContrastView]) -> Vec<Finding> {
    let mut reasons: Vec<(&String, Vec<String>)> = Vec::new();
    for row in contrasts.iter().flat_map(|contrast| &contrast.rows) {
        let ChangeOutcome::Unlike { reason } = &row.outcome else { continue };
        match reasons.iter_mut().find(|(of, _)| *of == reason) {
            Some((_, labels)) if labels.contains(&row.label) => {}
            Some((_, labels)) => labels.push(row.label.clone()),
            None => reasons.push((reason, vec![row.label.clone()])),
        }
    }
    let words = |(reason, labels): (&String, Vec<String>)| {
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        warning(format!("{} not compared: {reason}", crate::comparison::listed(&labels)))
    };
    reasons.into_iter().map(words).collect()
}

/// Devices that no calibration speaks for.
fn uncalibrated(contrasts: &[ContrastView], calibrations: &[CalibrationUse]) -> Vec<Finding> {
    let mut devices: Vec<&str> = contrasts.iter().map(|contrast| contrast.device.as_str()).collect();
    devices.sort_unstable();
    devices.dedup();
    let words = |device: &str| {
        let of: Vec<&CalibrationUse> = calibrations.iter().filter(|of| of.device == device).collect();
        match of.as_slice() {
            [] => Some(note(format!(
                "{device} has no A/A calibration: `edgedyno calibrate {device}` shows how far it differs from itself"
            ))),
            some if some.iter().any(|of| of.fits) => None,
            [first, ..] => {
                let why = first.why_not.first().map_or("it does not fit", String::as_str);
                Some(warning(format!("the A/A calibration of {device} does not hold here: {why}")))
            }
        }
    };
    devices.into_iter().filter_map(words).collect()
}
