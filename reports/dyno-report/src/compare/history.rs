//! Campaigns over time, in words.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::history::{HistoryChange, HistoryPoint, HistorySeries, HistoryView};
use dyno_view::report::UnitView;

use super::{Tone, verdict_tone, verdict_word};
use crate::words::{self, Multiple, count, plural};

/// One metric of one device and scenario in words.
pub(crate) struct SeriesWords<'a> {
    /// `TTFT on pi5`.
    pub(crate) name: String,
    /// `gemma · embedded · single user, 2 threads`.
    pub(crate) work: String,
    pub(crate) unsearched: Option<&'a str>,
    pub(crate) points: Vec<PointWords>,
    pub(crate) changes: Vec<(Tone, String)>,
    /// Values over campaigns, and their changes with how far launches scatter.
    pub(crate) charts: Vec<Chart>,
}

/// One campaign's value in words.
pub(crate) struct PointWords {
    pub(crate) campaign: String,
    pub(crate) at: String,
    pub(crate) release: String,
    /// In the unit of the series.
    pub(crate) value: String,
    /// The least and the most.
    pub(crate) range: String,
    pub(crate) n: String,
    /// What to sort by.
    pub(crate) by: f64,
}

/// What all of it shows, in a sentence.
pub(crate) fn history_verdict(view: &HistoryView) -> (Tone, String) {
    let n_changes: usize = view.series.iter().map(|series| series.changes.len()).sum();
    let searched = view.series.iter().filter(|series| series.unsearched.is_none()).count();
    let found = plural(n_changes as u64, "lasting change", "lasting changes");
    let campaigns = plural(view.campaigns.len() as u64, "campaign", "campaigns");
    let text = format!(
        "{found} in {} of {campaigns}",
        plural(searched as u64, "searched series", "searched series")
    );
    if view.is_worse_now() {
        (Tone::Bad, format!("WORSE NOW: {text}; the newest level of a series is worse than the one before"))
    } else {
        let tone = if searched == 0 { Tone::Warn } else { Tone::Plain };
        (tone, format!("{text}; no series' newest level is worse than the one before"))
    }
}

/// Every series in words, primary metrics first.
pub(crate) fn series_words(view: &HistoryView) -> Vec<SeriesWords<'_>> {
    let mut all: Vec<&HistorySeries> = view.series.iter().collect();
    all.sort_by_key(|series| !series.is_primary);
    all.into_iter().map(|series| of_series(view, series)).collect()
}

fn of_series<'a>(view: &HistoryView, series: &'a HistorySeries) -> SeriesWords<'a> {
    let unit = Scaled::of(series);
    SeriesWords {
        name: format!("{} on {}", series.label, series.device),
        work: format!("{} · {} · {}", series.model, series.runtime, series.scenario),
        unsearched: series.unsearched.as_deref(),
        points: series.points.iter().map(|point| of_point(view, point, unit)).collect(),
        changes: series.changes.iter().map(|change| of_change(view, series, change, unit)).collect(),
        charts: series.chart.iter().cloned().chain(relative(view, series)).collect(),
    }
}

/// The series against its first point, with the least and the most of each campaign's launches: an axis that begins at
/// zero does not show a change of per cents. `None` with fewer than two points.
fn relative(view: &HistoryView, series: &HistorySeries) -> Option<Chart> {
    let first = series.points.first().filter(|first| first.value != 0.0)?;
    if series.points.len() < 2 {
        return None;
    }
    let line = |name: &str, n: u64, of: fn(&HistoryPoint) -> f64| {
        let at = |point: &HistoryPoint| [f64::from(point.campaign) + 1.0, of(point) / first.value - 1.0];
        Series { name: name.to_owned(), points: series.points.iter().map(at).collect(), n }
    };
    let n = series.points.len() as u64;
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    let mark = |change: &HistoryChange| {
        let point = series.points.get(usize::try_from(change.at).ok()?)?;
        let label = campaign(view, point).map_or_else(String::new, |of| format!("new level: {}", of.id));
        Some(Mark { x: f64::from(point.campaign) + 1.0, label })
    };
    let id = campaign(view, first).map_or("the first campaign", |of| of.id.as_str());
    Some(Chart {
        id: format!("history-{}-relative", series.metric.replace('_', "-")),
        title: format!("{} against {id}", series.label),
        caption: "One dot a campaign: the median of its launches. Dashed: the least and the most of them."
            .to_owned(),
        form: ChartForm::DottedLine,
        x: axis("campaign", AxisUnit::Count),
        y: axis("change", AxisUnit::Ratio),
        series: vec![
            line("median of launches", n, |point| point.value),
            line("least", 0, |point| point.range[0]),
            line("most", 0, |point| point.range[1]),
        ],
        marks: series.changes.iter().filter_map(mark).collect(),
    })
}

/// One unit for a whole series.
#[derive(Clone, Copy)]
struct Scaled(Multiple);

impl Scaled {
    fn of(series: &HistorySeries) -> Self {
        let highest = series.points.iter().map(|point| point.value.abs()).fold(0.0, f64::max);
        let unit: UnitView = series.unit;
        Self(Multiple::of(unit, highest))
    }

    /// Four digits: a change of per cents is to be seen in them.
    fn bare(self, value: f64) -> String {
        let scaled = value / self.0.factor;
        words::grouped(scaled, words::decimals_for(scaled, 0.0).min(self.0.max_decimals))
    }

    fn with_sign(self, value: f64) -> String {
        format!("{} {}", self.bare(value), self.0.sign).trim_end().to_owned()
    }
}

fn of_point(view: &HistoryView, point: &HistoryPoint, unit: Scaled) -> PointWords {
    let campaign = campaign(view, point);
    let [low, high] = point.range;
    PointWords {
        campaign: campaign.map_or_else(|| "n/a".to_owned(), |of| of.id.clone()),
        at: campaign.and_then(|of| of.started_at.as_ref()).map(|at| words::instant(at)).unwrap_or_default(),
        release: point.release.clone().unwrap_or_default(),
        value: unit.with_sign(point.value),
        range: format!("[{} – {}]", unit.bare(low), unit.bare(high)),
        n: count(point.n_launches),
        by: point.value,
    }
}

fn campaign<'a>(
    view: &'a HistoryView,
    point: &HistoryPoint,
) -> Option<&'a dyno_view::history::HistoryCampaign> {
    view.campaigns.get(usize::try_from(point.campaign).ok()?)
}

fn of_change(
    view: &HistoryView,
    series: &HistorySeries,
    change: &HistoryChange,
    unit: Scaled,
) -> (Tone, String) {
    let at = usize::try_from(change.at).ok().and_then(|at| series.points.get(at));
    let from = at.and_then(|point| campaign(view, point)).map_or("n/a", |of| of.id.as_str());
    let (by, _) = words::change(change.ratio, None);
    let with =
        if change.with.is_empty() { String::new() } else { format!("; with {}", change.with.join(", ")) };
    let text = format!(
        "{} from {from} on: {} → {} ({by}, p {}){with}",
        verdict_word(Some(change.verdict)),
        unit.with_sign(change.before),
        unit.with_sign(change.after),
        words::p_value(change.p),
    );
    (verdict_tone(Some(change.verdict)), text)
}
