//! The decode rate beside its ceiling.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};

use super::roofline;
use crate::cell::CellRecord;

/// Two rows: what memory allows, and what was measured; without points where either is missing.
pub(crate) fn ceiling_chart(cell: &CellRecord<'_>) -> Chart {
    let ceiling = roofline(cell).and_then(|view| view.ceiling);
    let row = |name: &str, place: f64, [low, value, high]: [f64; 3]| Series {
        name: name.to_owned(),
        points: vec![[low, place], [value, place], [high, place]],
        n: 1,
    };
    let series = ceiling.map(|of| {
        let most = of.ceiling_tokens_per_s;
        vec![
            row("ceiling", 1.0, [most; 3]),
            row("decode", 2.0, [of.rate_low, of.rate_tokens_per_s, of.rate_high]),
        ]
    });
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    Chart {
        id: "roofline".to_owned(),
        title: "Decode and its ceiling".to_owned(),
        caption: "The ceiling is the measured bandwidth of memory by the bytes that one token reads; decode is that of \
                  the median TPOT with its interval."
            .to_owned(),
        form: ChartForm::Whiskers,
        x: axis("tokens/s", AxisUnit::TokensPerSecond),
        y: axis("place", AxisUnit::Count),
        series: series.unwrap_or_default(),
        marks: Vec::new(),
    }
}
