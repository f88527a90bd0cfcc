//! `run`: plan, fetch, measure, report.

use std::fs;

use dyno_model::clock::WallNs;
use dyno_model::ids::CampaignId;
use dyno_store::{Journal, Store};
use jiff::Timestamp;

use crate::args::{Global, RunArgs};
use crate::cmd::campaign::{self, Conduct, Shown, VERSION};
use crate::cmd::plan;
use crate::cmd::provenance::{self, Settled};
use crate::exit::Exit;
use crate::project::Project;
use crate::render_error::Failure;

/// Measures what the flags ask for.
pub(crate) fn run(global: &Global, args: &RunArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let plan = plan::freeze(&project, &args.ask)?;
    plan::tell_blocks(global, &args.ask, &plan);
    plan::tell_doubts(global, &plan);
    let store = Store::new(&project.runs);
    check_writable(&project)?;
    let id = id(&store, args.name.as_deref(), &plan.suite.name)?;
    let Settled { plan, models } = provenance::settle(global, plan, args.accept_terms)?;
    let campaign = store.create(&id, &plan)?;
    let journal = Journal::create(&campaign, VERSION, WallNs::now())?;
    let conduct = Conduct { models, reconnect_limit: args.reconnect.limit(), shown: Shown::Report };
    campaign::measure(global, &campaign, journal, &conduct)
}

/// Finds out before anything long begins.
pub(crate) fn check_writable(project: &Project) -> Result<(), Failure> {
    fs::create_dir_all(&project.runs).and_then(|()| tempfile::tempfile_in(&project.runs).map(drop)).map_err(
        |error| {
            let words = format!("cannot write into the folder of the campaigns, {}", project.runs.display());
            Failure::io(words, error, "name another folder with --runs")
        },
    )
}

/// The given name, or UTC time and suite.
pub(crate) fn id(store: &Store, given: Option<&str>, suite: &str) -> Result<CampaignId, Failure> {
    let taken = store.list()?;
    let stem = match given {
        Some(name) if taken.iter().any(|id| id.0 == name) || store.root().join(name).exists() => {
            return Err(Failure::usage(
                format!("{} exists already", store.root().join(name).display()),
                format!("choose another --name, or finish that campaign: `edgedyno resume {name}`"),
            ));
        }
        Some(name) => return Ok(CampaignId::from(name)),
        None => format!("{}-{suite}", Timestamp::now().strftime("%Y%m%d-%H%M%S")),
    };
    let mut id = CampaignId(stem.clone());
    let mut n = 2;
    while taken.contains(&id) {
        id = CampaignId(format!("{stem}-{n}"));
        n += 1;
    }
    Ok(id)
}
