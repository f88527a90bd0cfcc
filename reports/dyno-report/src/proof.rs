//! What every format says of how far the figures of a cell can be believed.

use dyno_view::proof::{ProofFigure, ProofRowView, ProofStage, ProofView, StampsView};
use dyno_view::report::UnitView;

use crate::words::{grouped, plural, value};

/// How good the stamps are, in a sentence without its subject: `good to ± 18.0 µs for a first token …`.
pub(crate) fn stamps(view: &StampsView) -> String {
    match view {
        StampsView::Unknown { reason } => format!("not calibrated: {reason}"),
        StampsView::Calibrated { ttft_ns, gap_ns, n_launches, of, paths } => {
            let within = |ns: &Option<f64>, what: &str| {
                ns.map(|ns| format!("± {} for {what}", value(UnitView::Ns, ns)))
            };
            let parts: Vec<String> =
                [within(ttft_ns, "a first token"), within(gap_ns, "a gap")].into_iter().flatten().collect();
            if parts.is_empty() {
                return "calibrated, without a stamp to compare".to_owned();
            }
            let launches = match (n_launches, of) {
                (1, 1) => "one launch".to_owned(),
                (n, of) if n == of => format!("worst of {}", plural(*n, "launch", "launches")),
                (n, of) => format!("worst of {n} calibrated of {}", plural(*of, "launch", "launches")),
            };
            let paths = if paths.is_empty() { String::new() } else { format!(", {}", paths.join(" and ")) };
            format!("good to {} (p99 of a calibration, {launches}{paths})", parts.join(" and "))
        }
    }
}

/// What disturbed the worst launches, in a line: `agent 0.8 % of one CPU · …`; empty when nothing was watched.
pub(crate) fn disturbance(view: &ProofView) -> String {
    const SHORT: [(&str, &str, &str); 6] = [
        ("own_cpu", "agent", " of one CPU"),
        ("cpu_per_event", "", " of its CPU a token event"),
        ("others_cpu", "other programs", " of one CPU"),
        ("stolen_cpu", "stolen", ""),
        ("unstamped", "reads without a kernel stamp", ""),
        ("send_lag", "send lag p99", ""),
    ];
    let word = |(id, name, of): (&str, &str, &str)| {
        let row = view.rows.iter().find(|row| row.id == id)?;
        let figure = row.each.get(row.worst? as usize)?.as_ref()?;
        let worst = match figure {
            ProofFigure::Spread { p99, .. } => shown(row.unit, *p99),
            ProofFigure::Single { value: one } => shown(row.unit, *one),
        };
        Some(format!("{name} {worst}{of}").trim_start().to_owned())
    };
    let parts: Vec<String> = SHORT.into_iter().filter_map(word).collect();
    let n_watched = view.launches.len() as u64;
    match (parts.is_empty(), n_watched) {
        (true, _) => String::new(),
        (false, 1) => parts.join(" · "),
        (false, n) => format!("{} (worst of {})", parts.join(" · "), plural(n, "launch", "launches")),
    }
}

/// A row of the table.
pub(crate) struct Row<'a> {
    pub(crate) label: &'a str,
    pub(crate) note: &'a str,
    pub(crate) stage: ProofStage,
    /// The middle launch; figures one by one.
    pub(crate) typical: Vec<String>,
    /// The worst launch; empty where it is the same one.
    pub(crate) worst: Vec<String>,
    /// `run 2`; empty with one launch.
    pub(crate) worst_name: String,
}

/// All rows, in order.
pub(crate) fn rows(view: &ProofView) -> Vec<Row<'_>> {
    view.rows.iter().map(|row| worded(view, row)).collect()
}

fn worded<'a>(view: &'a ProofView, row: &'a ProofRowView) -> Row<'a> {
    let figure = |place: Option<u32>| {
        let figure = row.each.get(place? as usize)?.as_ref()?;
        Some(figures(row.unit, figure))
    };
    let is_same = row.typical == row.worst;
    let name = row.worst.filter(|_| !is_same).and_then(|place| view.launches.get(place as usize));
    Row {
        label: &row.label,
        note: &row.note,
        stage: row.stage,
        typical: figure(row.typical).unwrap_or_default(),
        worst: figure(row.worst.filter(|_| !is_same)).unwrap_or_default(),
        worst_name: name.map(|launch| launch_name(launch.run, launch.launch)).unwrap_or_default(),
    }
}

fn figures(unit: UnitView, figure: &ProofFigure) -> Vec<String> {
    match figure {
        ProofFigure::Single { value: one } => vec![shown(unit, *one)],
        ProofFigure::Spread { p50, p99, max, .. } => vec![
            format!("p50 {}", shown(unit, *p50)),
            format!("p99 {}", shown(unit, *p99)),
            format!("max {}", shown(unit, *max)),
        ],
    }
}

/// A figure; a share with one decimal, for a tenth of a per cent changes nothing here.
fn shown(unit: UnitView, figure: f64) -> String {
    match unit {
        UnitView::Ratio if figure > 0.0 && figure < 0.0005 => "< 0.1 %".to_owned(),
        UnitView::Ratio => format!("{} %", grouped(figure * 100.0, 1)),
        _ => value(unit, figure),
    }
}

/// `run 2`, or `run 2, launch 2` where a run was launched again.
pub(crate) fn launch_name(run: u32, launch: u16) -> String {
    if launch == 1 { format!("run {run}") } else { format!("run {run}, launch {launch}") }
}

/// When something was watched, as a heading.
pub(crate) fn stage_word(stage: ProofStage) -> &'static str {
    match stage {
        ProofStage::Calibration => "Calibration, before the launches",
        ProofStage::Load => "While the load was offered",
    }
}

/// Launches without a calibration, with the reason, each reason once.
pub(crate) fn uncalibrated(view: &ProofView) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for launch in &view.launches {
        let Some(reason) = launch.uncalibrated.as_deref() else { continue };
        let name = launch_name(launch.run, launch.launch);
        match reasons.iter_mut().find(|(of, _)| *of == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let all = view.launches.len();
    let words = |(reason, names): (&str, Vec<String>)| match names.len() {
        n if n == all => format!("No calibration: {reason}."),
        n if n > 4 => format!("No calibration of {n} launches: {reason}."),
        _ => format!("No calibration of {}: {reason}.", names.join(", ")),
    };
    reasons.into_iter().map(words).collect()
}

#[cfg(test)]
mod tests {
    use dyno_view::proof::ProofLaunchView;

    use super::*;

    fn launch(run: u32, uncalibrated: Option<&str>) -> ProofLaunchView {
        ProofLaunchView {
            run,
            launch: 1,
            is_valid: true,
            n_streams: None,
            uncalibrated: uncalibrated.map(str::to_owned),
        }
    }

    #[test]
    fn stamps_are_good_to_what_was_seen() {
        let good = |ttft_ns, n_launches, of| StampsView::Calibrated {
            ttft_ns,
            gap_ns: Some(9_000.0),
            n_launches,
            of,
            paths: vec!["http".to_owned()],
        };
        assert_eq!(
            stamps(&good(Some(18_200.0), 3, 3)),
            "good to ± 18.2 µs for a first token and ± 9.00 µs for a gap (p99 of a calibration, worst of 3 launches, http)"
        );
        assert_eq!(
            stamps(&good(None, 2, 3)),
            "good to ± 9.00 µs for a gap (p99 of a calibration, worst of 2 calibrated of 3 launches, http)"
        );
        let unknown = StampsView::Unknown { reason: "it was not carried out".to_owned() };
        assert_eq!(stamps(&unknown), "not calibrated: it was not carried out");
    }

    #[test]
    fn a_reason_is_said_once() {
        let view = |launches| ProofView {
            stamps: StampsView::Unknown { reason: String::new() },
            launches,
            rows: Vec::new(),
        };
        assert_eq!(
            uncalibrated(&view(vec![launch(0, Some("a")), launch(1, Some("a"))])),
            ["No calibration: a."]
        );
        assert_eq!(
            uncalibrated(&view(vec![launch(0, Some("a")), launch(1, None), launch(2, Some("b"))])),
            ["No calibration of run 0: a.", "No calibration of run 2: b."]
        );
    }
}
