//! `resume`: finish what a campaign is missing.

use dyno_model::clock::WallNs;
use dyno_store::Journal;

use crate::args::{Global, ResumeArgs};
use crate::cmd::campaign::{self, Conduct, Shown, VERSION};
use crate::cmd::{models, report};
use crate::exit::Exit;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::render_error::Failure;

/// Goes on with a campaign.
pub(crate) fn resume(global: &Global, args: &ResumeArgs) -> Result<Exit, Failure> {
    let campaign = report::open(&Project::find(global)?, args.campaign.as_deref())?;
    let opened = Journal::open(&campaign, VERSION, WallNs::now())?;
    let talk = Talk::of(global);
    if let Some((bytes, kept)) = &opened.cut {
        say(
            talk,
            Talk::Normal,
            &format!(
                "{bytes} bytes of a torn line were cut off the journal and are kept in {}",
                kept.display()
            ),
        );
    }
    let standing = campaign::standing(campaign.plan(), opened.journal.progress());
    say(talk, Talk::Normal, &format!("{}: {standing} are in the record", campaign.id()));
    let models = models::fetch(global, campaign.plan(), args.accept_terms)?;
    let conduct = Conduct { models, reconnect_limit: args.reconnect.limit(), shown: Shown::Report };
    campaign::measure(global, &campaign, opened.journal, &conduct)
}
