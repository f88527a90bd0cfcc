//! `canary`: answers of a trusted runtime and model kept, and others held against them.

mod check;
mod files;
mod record;

use dyno_model::clock::WallNs;
use dyno_model::plan::Plan;
use dyno_store::{Campaign, Journal, Store};

use crate::args::{CanaryCommand, CanarySource, Global};
use crate::cmd::campaign::{self, Conduct, Shown, VERSION};
use crate::cmd::provenance::{self, Settled};
use crate::cmd::{report, run};
use crate::exit::Exit;
use crate::project::Project;
use crate::render_error::Failure;

/// The suite that is meant where nobody says another.
const SUITE: &str = "canary";

/// Records, checks or lists.
pub(crate) fn canary(global: &Global, command: &CanaryCommand) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    match command {
        CanaryCommand::Record(args) => record::record(global, &project, args),
        CanaryCommand::Check(args) => check::check(global, &project, args),
        CanaryCommand::List => files::list(global, &project),
    }
}

/// Measures a plan as a campaign of its own; `None` when the person asked to stop.
fn measured(
    global: &Global,
    project: &Project,
    source: &CanarySource,
    plan: &Plan,
) -> Result<Option<Campaign>, Failure> {
    run::check_writable(project)?;
    let store = Store::new(&project.runs);
    let id = run::id(&store, source.run_name.as_deref(), &plan.suite.name)?;
    let Settled { plan, models } = provenance::settle(global, plan.clone(), source.accept_terms)?;
    let campaign = store.create(&id, &plan)?;
    let journal = Journal::create(&campaign, VERSION, WallNs::now())?;
    let conduct = Conduct { models, reconnect_limit: source.reconnect.limit(), shown: Shown::Nothing };
    let exit = campaign::measure(global, &campaign, journal, &conduct)?;
    Ok((exit != Exit::Interrupted).then_some(campaign))
}

/// The campaign that was named, where one was.
fn named(project: &Project, source: &CanarySource) -> Result<Option<Campaign>, Failure> {
    source.campaign.as_deref().map(|path| report::open(project, Some(path))).transpose()
}
