//! Which runtime runs which model: figures under a wrong name would be a lie.

use dyno_model::launch::Dialect;
use dyno_model::plan::{ModelOrigin, PlannedModel, PlannedRuntime};

use crate::expand::Point;
use crate::problem::Problems;
use crate::registry::At;

/// Reports each point whose runtime cannot be measured with its model.
pub(crate) fn check(
    points: &[Point],
    runtimes: &[(String, PlannedRuntime)],
    models: &[(String, PlannedModel)],
    at: &At<'_>,
    problems: &mut Problems,
) {
    for point in points {
        let runtime = runtimes.iter().find(|(name, _)| *name == point.runtime);
        let model = models.iter().find(|(name, _)| *name == point.model);
        if let (Some((runtime, planned)), Some((model, planned_model))) = (runtime, model)
            && let Some((message, hint)) = refusal((runtime, planned), (model, planned_model))
        {
            problems.push(at.problem(message, Some(hint.to_owned())));
        }
    }
}

/// Why a runtime cannot be measured with a model, and what to do.
fn refusal(runtime: (&str, &PlannedRuntime), model: (&str, &PlannedModel)) -> Option<(String, &'static str)> {
    let ((runtime, planned), (model, planned_model)) = (runtime, model);
    let has_file = !matches!(planned_model.origin, ModelOrigin::None);
    if planned.endpoint.is_some() {
        return None;
    }
    if has_file == reads_file(planned) {
        return None;
    }
    Some(if !has_file {
        (format!("runtime `{runtime}` needs a model, and `{model}` has no file"), "name one with --model")
    } else if planned.dialect == Dialect::Fake {
        (
            format!("runtime `{runtime}` is scripted and would not run model `{model}`"),
            "ask for it with --model none",
        )
    } else {
        (
            format!("runtime `{runtime}` serves a model of its own and would not run model `{model}`"),
            "name a model with kind = \"none\", or give {model} to the server",
        )
    })
}

/// Whether a runtime is given the model's file.
fn reads_file(runtime: &PlannedRuntime) -> bool {
    match (&runtime.server, runtime.dialect) {
        (Some(server), _) => server.gaps().contains(&"model"),
        (None, Dialect::Embedded) => true,
        (None, _) => false,
    }
}
