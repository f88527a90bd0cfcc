//! The value of any metric of the catalogue, of one request or of one launch: what is compared, judged and ranked.
//!
//! A metric of requests has a value for a request, and one for each launch (the median of its requests); one of
//! launches has a value for a launch only. Nothing here tells launches whose numbers may be used from the others: the
//! caller does, by [`CellRecord::valid_launches`].

use dyno_model::metric::{Population, metric};
use dyno_stats::{Level, type1};
use dyno_view::heat::HeatLaunchView;

use crate::cell::{CellRecord, LaunchRecord};
use crate::energy::energy_of;
use crate::heat::heat;
use crate::start::is_in_state;
use crate::throughput::launch_output_tokens_per_s;

/// A request's value of a metric of requests, in the metric's unit; `None` when it failed, or has none.
pub(crate) fn request_value(cell: &CellRecord<'_>, id: &str, row: usize) -> Option<f64> {
    let (requests, derived) = (&cell.record.requests, &cell.record.derived[row]);
    if requests.outcome[row] != "ok" {
        return None;
    }
    let whole = match id {
        "ttft_sched_ns" => derived.ttft_sched_ns,
        "e2e_sched_ns" => derived.e2e_sched_ns,
        "ttft_ns" => derived.ttft_ns,
        "tpot_ns" => derived.tpot_ns,
        "e2e_ns" => derived.e2e_ns,
        "tpot_k1_ns" => derived.tpot_k1_ns,
        "ttfo_ns" => derived.ttfo_ns,
        "ttst_ns" => derived.ttst_ns,
        "ttft_served_ns" => derived.ttft_served_ns,
        "e2e_served_ns" => derived.e2e_served_ns,
        "send_lag_ns" => derived.send_lag_ns,
        "queue_ns" => requests.queue_ns[row],
        "connect_ns" => requests.connect_ns[row],
        "isl_tokens" => requests.prompt_tokens[row].map(u64::from),
        "osl_tokens" => requests.completion_tokens[row].map(u64::from),
        "passed" => return cell.record.passed(row).map(|passes| f64::from(u8::from(passes))),
        "decode_tokens_per_s" => return derived.decode_tokens_per_s,
        "prefill_tokens_per_s" => return derived.prefill_tokens_per_s,
        _ => None,
    };
    whole.map(|value| value as f64)
}

/// A launch's value of a metric; of a metric of requests, the type 1 median of those that went well, or their share
/// where it is a yes or no.
pub(crate) fn launch_value(cell: &CellRecord<'_>, id: &str, launch: &LaunchRecord<'_>) -> Option<f64> {
    let of_launch = |value: Option<u64>| value.map(|value| value as f64);
    match id {
        // A start that was not shown to be in its state is no figure of that state.
        "load_ns" => of_launch(launch.load_ns().filter(|_| is_in_state(cell, launch))),
        "first_inference_ns" => {
            of_launch(launch.first_inference_ns(cell.record).filter(|_| is_in_state(cell, launch)))
        }
        "peak_rss_bytes" => of_launch(launch.row.peak_rss_bytes),
        "output_tokens_per_s" => launch_output_tokens_per_s(cell, launch),
        "j_per_request" => joules_per(cell, launch, Share::Request),
        "j_per_output_token" => joules_per(cell, launch, Share::OutputToken),
        "passed" => passed_ratio(cell, launch),
        "sustained_tokens_per_s" => heat_of(cell, launch)?.sustained.value,
        "sustained_ratio" => heat_of(cell, launch)?.ratio.value,
        _ => median_of_requests(cell, id, launch),
    }
}

/// Share of the graded answers that pass; a median of yes and no would say nothing.
fn passed_ratio(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<f64> {
    let graded: Vec<bool> = launch.rows.iter().filter_map(|row| cell.record.passed(*row)).collect();
    let n_passed = graded.iter().filter(|passes| **passes).count();
    (!graded.is_empty()).then(|| n_passed as f64 / graded.len() as f64)
}

fn median_of_requests(cell: &CellRecord<'_>, id: &str, launch: &LaunchRecord<'_>) -> Option<f64> {
    metric(id).filter(|metric| metric.population == Population::Request)?;
    let rows = cell.ok_rows_of(launch);
    let mut values: Vec<f64> = rows.iter().filter_map(|row| request_value(cell, id, *row)).collect();
    values.sort_unstable_by(f64::total_cmp);
    type1(&values, Level::P50)
}

/// What energy is shared out to.
#[derive(Clone, Copy)]
enum Share {
    Request,
    OutputToken,
}

fn joules_per(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>, share: Share) -> Option<f64> {
    let row = launch.row;
    let launches = &energy_of(cell)?.view.launches;
    let of = launches.iter().find(|of| (of.run, u32::from(of.launch)) == (row.run, row.launch))?;
    let n = match share {
        Share::Request => of.n_requests,
        Share::OutputToken => of.n_output_tokens,
    };
    of.energy_j.filter(|_| n > 0).map(|joules| joules / n as f64)
}

fn heat_of<'c>(cell: &'c CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<&'c HeatLaunchView> {
    let row = launch.row;
    heat(cell)?.launches.iter().find(|of| (of.run, u32::from(of.launch)) == (row.run, row.launch))
}
