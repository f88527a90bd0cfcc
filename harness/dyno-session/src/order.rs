//! What the agent is told to do, from the plan.

use dyno_model::launch::LaunchSpec;
use dyno_model::plan::{Cell, Plan, PlannedRequest, PlannedRun};
use dyno_model::request::Request;
use dyno_protocol::message::RunOrder;

use dyno_model::ids::CampaignId;

use crate::deploy::DeviceModels;
use crate::remaining::RemainingRun;

/// The order for one launch.
pub(crate) fn order(
    campaign: &CampaignId,
    plan: &Plan,
    remaining: &RemainingRun,
    models: &DeviceModels,
) -> RunOrder {
    let run = plan.run(remaining.run).expect("a remaining run is one of the plan's");
    let cell = plan.cell(&run.cell).expect("a run's cell is one of the plan's");
    RunOrder {
        campaign: campaign.clone(),
        run: run.id,
        launch: remaining.launch,
        launch_spec: launch_spec(plan, cell, models),
        requests: remaining.requests.iter().filter_map(|idx| request(plan, run, *idx)).collect(),
        load: cell.load.clone(),
        sampling_period_ms: plan.sampling_period_ms,
        api_key: None,
    }
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
        settings: runtime.settings.clone(),
        ready_limit_ms: runtime.ready_limit_ms,
        start: cell.start,
        server: runtime.server.clone().map(Box::new),
        endpoint: runtime.endpoint.clone(),
    }
}

fn core_mask(plan: &Plan, cell: &Cell) -> Option<Vec<u32>> {
    plan.devices.get(&cell.device)?.prepare.as_ref()?.core_mask.clone()
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
