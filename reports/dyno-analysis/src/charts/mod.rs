//! Charts as data, reduced to what can be drawn.

mod cdf;
mod density;
mod own_timings;
mod reduce;
mod sampled;
mod scatter;
mod tokens;

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};

use crate::cell::CellRecord;
use crate::energy::power_chart;
use crate::load::charts_over_time;
use crate::memory::growth_chart;
use crate::roofline::ceiling_chart;
use crate::steady::pace_chart;

pub(crate) use reduce::{cloud, line, steps};

/// More launches than this are pooled into one series, or only the first ones are drawn.
const MAX_LAUNCHES: usize = 6;

/// All charts of a cell that have something to show.
pub(crate) fn charts(cell: &CellRecord<'_>) -> Vec<Chart> {
    let all = [
        cdf::ttft(cell),
        cdf::tpot(cell),
        scatter::ttft_by_isl(cell),
        scatter::e2e_by_isl(cell),
        tokens::timeline(cell),
        pace_chart(cell),
        own_timings::differences(cell),
        sampled::memory(cell),
        growth_chart(cell),
        ceiling_chart(cell),
        sampled::cpu(cell),
        sampled::temperature(cell),
        sampled::clocks(cell),
    ];
    let all = charts_over_time(cell).into_iter().chain(all).chain(power_chart(cell));
    all.filter(|chart| chart.series.iter().any(|series| !series.points.is_empty())).collect()
}

fn axis(label: &str, unit: AxisUnit) -> Axis {
    Axis { label: label.to_owned(), unit, scale: Scale::Linear }
}

/// A chart without marks; series without a point are left out.
fn chart(
    id: &str,
    title: &str,
    caption: &str,
    form: ChartForm,
    axes: (Axis, Axis),
    series: Vec<Series>,
) -> Chart {
    Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        caption: caption.to_owned(),
        form,
        x: axes.0,
        y: axes.1,
        series: series.into_iter().filter(|of| is_kept(form, of)).collect(),
        marks: Vec::new(),
    }
}

/// Series without a point have nothing to show; an empty class of density keeps its shade.
fn is_kept(form: ChartForm, series: &Series) -> bool {
    form == ChartForm::Density || !series.points.is_empty()
}
