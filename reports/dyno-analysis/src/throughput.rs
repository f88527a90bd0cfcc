//! Rates of a whole cell.

use dyno_view::report::{FigureView, UnitView};

use crate::cell::{CellRecord, LaunchRecord};

/// Sums over the launches whose numbers may be used.
#[derive(Default)]
struct Sums {
    n_ok: u64,
    isl: u64,
    osl: u64,
    busy_ns: u64,
    n_without_counts: u64,
}

impl Sums {
    fn output_tokens_per_s(&self) -> Option<f64> {
        (self.busy_ns > 0 && self.n_without_counts == 0).then(|| self.osl as f64 * 1e9 / self.busy_ns as f64)
    }
}

/// System rates, pooled as a sum over a sum: T runs from the first send to the last token of each launch.
pub(crate) fn throughput(cell: &CellRecord<'_>) -> Vec<FigureView> {
    let sums = sum(cell);
    let per_s = |n: u64| (sums.busy_ns > 0).then(|| n as f64 * 1e9 / sums.busy_ns as f64);
    let counts_known = sums.n_without_counts == 0;
    let token_note = |formula: &str| match (sums.busy_ns, counts_known) {
        (0, _) => nothing(cell).to_owned(),
        (_, true) => format!("{formula}, T = first send to last token of each launch, summed over launches"),
        (_, false) => format!("token counts of {} requests are unknown", sums.n_without_counts),
    };
    let request_note = match sums.busy_ns {
        0 => nothing(cell).to_owned(),
        _ => "requests that went well / T".to_owned(),
    };
    vec![
        FigureView {
            label: "System output rate".to_owned(),
            unit: UnitView::TokensPerSecond,
            value: per_s(sums.osl).filter(|_| counts_known),
            note: token_note("sum of OSL / T"),
        },
        FigureView {
            label: "System total rate".to_owned(),
            unit: UnitView::TokensPerSecond,
            value: per_s(sums.isl + sums.osl).filter(|_| counts_known),
            note: token_note("sum of ISL + OSL / T"),
        },
        FigureView {
            label: "Request rate".to_owned(),
            unit: UnitView::RequestsPerSecond,
            value: per_s(sums.n_ok),
            note: request_note,
        },
    ]
}

/// OSL of all answers over T; `None` where a count is unknown or nothing went well.
pub(crate) fn output_tokens_per_s(cell: &CellRecord<'_>) -> Option<f64> {
    sum(cell).output_tokens_per_s()
}

/// OSL of one launch's answers over its T; `None` where a count is unknown or nothing went well.
pub(crate) fn launch_output_tokens_per_s(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<f64> {
    let mut sums = Sums::default();
    add(cell, launch, &mut sums);
    sums.output_tokens_per_s()
}

/// Requests that went well over T; `None` where none did.
pub(crate) fn requests_per_s(cell: &CellRecord<'_>) -> Option<f64> {
    let sums = sum(cell);
    (sums.busy_ns > 0).then(|| sums.n_ok as f64 * 1e9 / sums.busy_ns as f64)
}

/// Why there is no rate.
fn nothing(cell: &CellRecord<'_>) -> &'static str {
    if cell.unusable().is_some() { "no launch may be used" } else { "no request went well" }
}

fn sum(cell: &CellRecord<'_>) -> Sums {
    let mut sums = Sums::default();
    for launch in cell.valid_launches() {
        add(cell, launch, &mut sums);
    }
    sums
}

/// Adds one launch.
fn add(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>, sums: &mut Sums) {
    let record = cell.record;
    let requests = &record.requests;
    let rows = cell.ok_rows_of(launch);
    let first = rows.iter().map(|row| requests.sent_at_ns[*row]).min();
    let last =
        rows.iter().filter_map(|row| Some(requests.sent_at_ns[*row] + record.derived[*row].e2e_ns?)).max();
    if let Some((first, last)) = first.zip(last) {
        sums.busy_ns += last.saturating_sub(first);
    }
    for row in rows {
        sums.n_ok += 1;
        match (requests.prompt_tokens[row], requests.completion_tokens[row]) {
            (Some(isl), Some(osl)) => {
                sums.isl += u64::from(isl);
                sums.osl += u64::from(osl);
            }
            _ => sums.n_without_counts += 1,
        }
    }
}
