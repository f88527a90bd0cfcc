//! What the agent is told to do, from the plan.

use std::collections::BTreeMap;

use dyno_model::launch::LaunchSpec;
use dyno_model::load::LoadModel;
use dyno_model::plan::{Cell, Plan, PlannedRequest, PlannedRun, PlannedRuntime};
use dyno_model::request::Request;
use dyno_protocol::message::RunOrder;

use dyno_model::ids::CampaignId;

use crate::deploy::DeviceModels;
use crate::remaining::RemainingRun;

/// No server is asked to take more requests at once (house rule).
const MAX_SLOTS: u32 = 4096;

/// The order for one launch.
pub(crate) fn order(
    campaign: &CampaignId,
    plan: &Plan,
    remaining: &RemainingRun,
    models: &DeviceModels,
) -> RunOrder {
    let run = plan.run(remaining.run).expect("a remaining run is one of the plan's");
    let cell = plan.cell(&run.cell).expect("a run's cell is one of the plan's");
    let mut order = RunOrder {
        campaign: campaign.clone(),
        run: run.id,
        launch: remaining.launch,
        launch_spec: launch_spec(plan, cell, models),
        requests: requests(plan, run, &remaining.requests),
        load: cell.load.clone(),
        sampling_period_ms: plan.sampling_period_ms,
        hold: cell.hold,
        care: plan.care.clone(),
        sys_root: plan.devices.get(&cell.device).and_then(|device| device.sys_root.clone()),
        api_key: None,
    };
    models.endpoints.apply(&mut order);
    order
}

fn launch_spec(plan: &Plan, cell: &Cell, models: &DeviceModels) -> LaunchSpec {
    let runtime = plan.runtimes.get(&cell.runtime).expect("a cell's runtime is one of the plan's");
    let model = models.get(&cell.model);
    LaunchSpec {
        runtime: cell.runtime.clone(),
        dialect: runtime.dialect,
        model_path: model.map(|model| model.path.as_str().to_owned()),
        model_digest: model.and_then(|model| model.digest.clone()),
        threads: cell.threads,
        core_mask: core_mask(plan, cell),
        context_tokens: cell.context_tokens,
        settings: settings(runtime, &cell.load),
        ready_limit_ms: runtime.ready_limit_ms,
        start: cell.start,
        server: runtime.server.clone().map(Box::new),
        endpoint: runtime.endpoint.clone(),
    }
}

/// The runtime's settings, and how many requests a server is to take at once where nobody said.
fn settings(runtime: &PlannedRuntime, load: &LoadModel) -> BTreeMap<String, String> {
    let mut settings = runtime.settings.clone();
    if runtime.server.is_some() {
        settings.entry("slots".to_owned()).or_insert_with(|| slots(load).to_string());
    }
    settings
}

/// As many as there are users. Where requests come at a rate, the server's own choice would be of its version, so it is
/// the 4 of llama-server.
fn slots(load: &LoadModel) -> u32 {
    match load {
        LoadModel::Single { .. } => 1,
        LoadModel::Closed { workers, .. } => (*workers).clamp(1, MAX_SLOTS),
        LoadModel::Open { .. } | LoadModel::Trace { .. } => 4,
    }
}

fn core_mask(plan: &Plan, cell: &Cell) -> Option<Vec<u32>> {
    plan.devices.get(&cell.device)?.prepare.as_ref()?.core_mask.clone()
}

/// The requests of these places, due as from the launch's own begin.
fn requests(plan: &Plan, run: &PlannedRun, places: &[u32]) -> Vec<Request> {
    let done_ns = done_ns(run, places);
    let due = |mut request: Request| {
        request.due_ns = request.due_ns.map(|due_ns| due_ns.saturating_sub(done_ns));
        request
    };
    places.iter().filter_map(|idx| request(plan, run, *idx)).map(due).collect()
}

/// When the last request before these places was due: a launch that goes on with a run does not wait for what is done.
fn done_ns(run: &PlannedRun, places: &[u32]) -> u64 {
    let before = places.first().and_then(|first| run.requests.get(first.checked_sub(1)? as usize));
    before.and_then(|request| request.due_ns).unwrap_or(0)
}

fn request(plan: &Plan, run: &PlannedRun, idx: u32) -> Option<Request> {
    let planned: &PlannedRequest = run.requests.get(idx as usize)?;
    let prompt = plan.prompts.get(&planned.prompt)?;
    Some(Request {
        idx,
        prompt_id: planned.prompt.clone(),
        messages: prompt.messages.clone(),
        sampling: planned.sampling.clone(),
        due_ns: planned.due_ns,
        limit_ms: planned.limit_ms,
    })
}

#[cfg(test)]
mod tests {
    use dyno_model::ids::{CellId, RunId};
    use dyno_model::load::Arrivals;
    use dyno_model::request::Sampling;

    use super::*;

    #[test]
    fn a_launch_that_goes_on_does_not_wait_for_what_is_done() {
        let sampling = Sampling::greedy(1);
        let request = |due_ns| PlannedRequest {
            prompt: "p".into(),
            sampling: sampling.clone(),
            due_ns,
            limit_ms: 1,
            trace: None,
        };
        let run = |dues: [Option<u64>; 3]| PlannedRun {
            id: RunId(0),
            cell: CellId::from("c"),
            repetition: 0,
            requests: dues.map(request).to_vec(),
        };
        let open = run([Some(100), Some(250), Some(400)]);
        assert_eq!(
            (done_ns(&open, &[0, 1, 2]), done_ns(&open, &[1, 2]), done_ns(&open, &[2])),
            (0, 100, 250)
        );
        assert_eq!((done_ns(&open, &[]), done_ns(&run([None; 3]), &[2])), (0, 0));
    }

    #[test]
    fn a_server_has_a_slot_for_each_user() {
        let open = LoadModel::Open {
            arrivals: Arrivals::Poisson,
            rate_milli_per_s: 1000,
            ramp_to_milli_per_s: None,
            n_requests: 9,
            max_in_flight: None,
        };
        let check = |load: &LoadModel, expected| assert_eq!(slots(load), expected, "{}", load.label());
        check(&LoadModel::Single { think_ms: 0 }, 1);
        check(&LoadModel::Closed { workers: 8, think_ms: 0 }, 8);
        check(&LoadModel::Closed { workers: 1 << 20, think_ms: 0 }, 4096);
        check(&open, 4);
    }
}
