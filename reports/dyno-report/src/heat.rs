//! What every format says of loads that go on.

use dyno_view::heat::{
    HeatCause, HeatChangeView, HeatFigureView, HeatLaunchView, HeatRowView, HeatTableView, HeatTempView,
    HeatVerdict, HeatView, HeatWaitView, TerminatedView,
};
use dyno_view::report::{QuantileFigure, UnitView};

use crate::proof::launch_name;
use crate::words::{Worded, count, duration, figure, grouped, value};

/// What stands below the table.
pub(crate) const TABLE_NOTE: &str = "Pace is the median decode rate in tokens per second. First is the first iteration, 10th the tenth; sustained is the last quarter of the load, where it lasted for 20 minutes (phones 15) and no longer rises or falls. Throttle is what the last quarter lacks to the first iteration, or the 10th iteration does where the load lasted for less than five minutes. [low – high] is a 95 % interval: order statistics for medians, a block bootstrap for ratios.";

/// Heads of the table's figures.
pub(crate) const HEADS: [&str; 4] = ["First", "10th iteration", "Sustained", "Throttle"];

/// One launch in one row.
pub(crate) struct Row {
    /// `smollm2-135m · embedded on pi5, run 2`.
    pub(crate) name: String,
    /// `single user; an iteration is one pass of 12 prompts`.
    pub(crate) load: String,
    pub(crate) figures: [Worded; 4],
    /// Requests behind each figure.
    pub(crate) ns: [String; 4],
    /// How it ended, where it did not end well.
    pub(crate) ended: Option<String>,
    pub(crate) is_invalid: bool,
}

/// All rows in words.
pub(crate) fn rows(view: &HeatTableView) -> Vec<Row> {
    view.rows.iter().map(row).collect()
}

/// `, campaign nightly`: ids of cells begin with it where the report is of several.
fn campaign(of: &HeatRowView) -> String {
    of.cell.rsplit_once('/').map(|(id, _)| format!(", campaign {id}")).unwrap_or_default()
}

fn row(of: &HeatRowView) -> Row {
    let launch = of.launch.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let figures = [&of.first, &of.tenth, &of.sustained, &of.throttle];
    Row {
        name: format!("{} · {} on {}{}{launch}", of.model, of.runtime, of.device, campaign(of)),
        load: format!("{}; an iteration is {}", of.load, of.iteration),
        figures: figures.map(worded),
        ns: figures.map(|of| if of.value.is_some() { format!("n = {}", count(of.n)) } else { String::new() }),
        ended: of.ended.as_ref().map(ended),
        is_invalid: !of.invalid.is_empty(),
    }
}

/// A figure with its interval, where there are enough observations for one.
pub(crate) fn worded(of: &HeatFigureView) -> Worded {
    match (of.value, of.interval) {
        (None, _) => {
            let reason = of.why.clone().unwrap_or_else(|| "not measured".to_owned());
            Worded::Missing { reason }
        }
        (Some(value), Some([low, high])) => {
            let estimate = QuantileFigure::Estimate { value, low, high, low_rank: 0, high_rank: 0 };
            figure(of.unit, &estimate, of.n, None)
        }
        (Some(found), None) => Worded::Estimate { value: value(of.unit, found), interval: String::new() },
    }
}

/// `ended as oom 15 min 0 s after the load began: low memory killer`.
fn ended(of: &TerminatedView) -> String {
    let detail = of.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("ended as {} {} after the load began{detail}", of.outcome, duration(of.after_ns))
}

/// One launch in words.
pub(crate) struct Launch {
    pub(crate) name: String,
    pub(crate) verdict: String,
    /// `good`, `warn`, `bad` or empty.
    pub(crate) tone: &'static str,
    /// `bad`, where the device could not go on.
    pub(crate) ended: Option<String>,
    /// Label, figure, and what is to be said of it.
    pub(crate) facts: Vec<(&'static str, Worded, String)>,
    pub(crate) changes: Vec<Change>,
    pub(crate) temps: Vec<Temp>,
    /// Why its numbers may not be used.
    pub(crate) invalid: Vec<String>,
}

/// A change of level.
pub(crate) struct Change {
    /// `5 min 0 s, request 121`.
    pub(crate) at: String,
    /// `20.0 → 12.0 tok/s`.
    pub(crate) levels: String,
    /// `-40.0 %`.
    pub(crate) by: String,
    /// `thermal`.
    pub(crate) cause: String,
    /// `warn` for a slowdown.
    pub(crate) tone: &'static str,
    pub(crate) evidence: Vec<String>,
    /// `85.0 °C`.
    pub(crate) temp: String,
}

/// A zone.
pub(crate) struct Temp {
    pub(crate) site: String,
    /// Before, at the onset, at the end, highest.
    pub(crate) figures: [String; 4],
}

/// All launches in words.
pub(crate) fn launches(view: &HeatView) -> Vec<Launch> {
    view.launches.iter().map(launch).collect()
}

fn launch(of: &HeatLaunchView) -> Launch {
    let (verdict, tone) = verdict(of);
    Launch {
        name: launch_name(of.run, of.launch),
        verdict,
        tone,
        ended: of.terminated.as_ref().map(ended),
        facts: facts(of),
        changes: of.changes.iter().map(change).collect(),
        temps: of.temps.iter().map(temp).collect(),
        invalid: of.invalid.clone(),
    }
}

fn verdict(of: &HeatLaunchView) -> (String, &'static str) {
    let seen = of.least_drop.map(|drop| {
        format!(
            "a drop of {} that lasts for {} would have been seen",
            value(UnitView::Ratio, drop.ratio),
            duration(drop.lasting_ns)
        )
    });
    let over = format!("over {}", duration(of.load_ns));
    let fell = || {
        let onset = of.onset.map(|onset| format!(" after {}", duration(onset.at_ns)));
        let depth = of.depth_ratio.map(|depth| format!(", by up to {}", value(UnitView::Ratio, depth)));
        format!("{}{}", onset.unwrap_or_default(), depth.unwrap_or_default())
    };
    match of.verdict {
        HeatVerdict::Flat => {
            let seen = seen.map(|seen| format!("; {seen}")).unwrap_or_default();
            (format!("flat {over}: no level lies 5 % or more below that of the peak{seen}"), "good")
        }
        HeatVerdict::Throttled => {
            let causes: Vec<&str> = of.causes().into_iter().map(cause_word).collect();
            (format!("throttled{} ({})", fell(), causes.join(", ")), "bad")
        }
        HeatVerdict::SlowdownUnknown => (format!("slowdown, cause unknown{}", fell()), "warn"),
        HeatVerdict::TooFew { needed } => {
            (format!("not known: n = {} < {} requests {over}", count(of.n), count(needed)), "")
        }
    }
}

fn cause_word(cause: HeatCause) -> &'static str {
    match cause {
        HeatCause::UnderVoltage => "under-voltage",
        HeatCause::Thermal => "thermal",
        HeatCause::PowerCap => "power cap",
        HeatCause::ClockCap => "lower clocks",
    }
}

fn facts(of: &HeatLaunchView) -> Vec<(&'static str, Worded, String)> {
    let n = |of: &HeatFigureView| match of.value {
        Some(_) => format!("n = {}", count(of.n)),
        None => String::new(),
    };
    let plain = |value: String| Worded::Estimate { value, interval: String::new() };
    let mut facts = vec![
        ("Peak", worded(&of.peak), format!("{}; highest median over 30 s of the first 120 s", n(&of.peak))),
        ("Sustained", worded(&of.sustained), n(&of.sustained)),
        ("Drift of the last quarter, per hour", worded(&of.slope_per_h), n(&of.slope_per_h)),
        ("Throttle", worded(&of.throttle), n(&of.throttle)),
    ];
    // Without a sustained pace its reason stands there already.
    if of.ratio.value.is_some() {
        facts.insert(2, ("Sustained over peak", worded(&of.ratio), n(&of.ratio)));
    }
    if let Some(ns) = of.until_90_ns {
        facts.push(("Until 90 % of the peak", plain(duration(ns)), String::new()));
    }
    if let Some(joules) = of.onset.and_then(|onset| onset.energy_j) {
        facts.push(("Energy until the slowdown", plain(value(UnitView::Joules, joules)), String::new()));
    }
    let waits = [
        ("Cool-down before", &of.cool_down, "as cool as at first"),
        ("Recovery", &of.recovery, "as cool as before"),
    ];
    for (label, wait, done) in waits {
        if let Some(HeatWaitView { ns, why, .. }) = wait {
            facts.push((label, plain(duration(*ns)), why.clone().unwrap_or_else(|| done.to_owned())));
        }
    }
    facts
}

fn change(of: &HeatChangeView) -> Change {
    let is_slower = of.after < of.before;
    let by = of.after / of.before - 1.0;
    let sign = if is_slower { "" } else { "+" };
    Change {
        at: format!("{}, request {}", duration(of.at_ns), count(of.request)),
        levels: format!(
            "{} → {}",
            value(UnitView::TokensPerSecond, of.before),
            value(UnitView::TokensPerSecond, of.after)
        ),
        by: format!("{sign}{}", value(UnitView::Ratio, by)),
        cause: match (is_slower, of.causes.is_empty()) {
            (false, _) => "faster".to_owned(),
            (true, true) => "cause unknown".to_owned(),
            (true, false) => of.causes.iter().map(|cause| cause_word(*cause)).collect::<Vec<_>>().join(", "),
        },
        tone: if is_slower { "warn" } else { "" },
        evidence: of.evidence.clone(),
        temp: degrees(of.temp_mdegc),
    }
}

fn temp(of: &HeatTempView) -> Temp {
    let figures = [of.before_mdegc, of.onset_mdegc, of.end_mdegc, Some(of.max_mdegc)];
    Temp { site: of.site.clone(), figures: figures.map(degrees) }
}

/// `85.0 °C`.
fn degrees(mdegc: Option<i64>) -> String {
    mdegc.map_or_else(|| "n/a".to_owned(), |of| format!("{} °C", grouped(of as f64 / 1000.0, 1)))
}

/// `air at 22.0 °C`.
pub(crate) fn ambient(view: &HeatView) -> String {
    match view.ambient_mdegc {
        None => "temperature of the air unknown".to_owned(),
        Some(of) => format!("air at {}", degrees(Some(i64::from(of)))),
    }
}
