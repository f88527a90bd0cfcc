//! One step of a search: a campaign that holds a build against the first one, and what it shows.

use dyno_analysis::{CompareAsk, Part, Side};
use dyno_model::clock::WallNs;
use dyno_model::ids::CampaignId;
use dyno_model::plan::Plan;
use dyno_report::untrusted::one_line;
use dyno_store::{Campaign, Journal};
use dyno_view::compare::{ChangeRow, ChangeVerdictView, CompareView, EffectView};

use super::search::Seen;
use super::{Bisect, FACTORS};
use crate::cmd::campaign::{self, Conduct, Shown, VERSION};
use crate::cmd::plan;
use crate::cmd::provenance::{self, Settled};
use crate::exit::Exit;
use crate::progress::Talk;
use crate::render_error::Failure;
use crate::signals;

/// A step that was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Place of the build.
    pub(super) build: usize,
    /// The campaigns, one for each time that it was measured; the last is the one that counts.
    pub(super) campaigns: Vec<String>,
    /// Blocks of the last.
    pub(super) blocks: u32,
    /// What the last shows; `None` when nothing could be tested.
    pub(super) verdict: Option<ChangeVerdictView>,
    /// By how much the metric changed, where that decides.
    pub(super) effect: Option<EffectView>,
    /// The analysis' own words.
    pub(super) summary: String,
    /// Why there is no verdict.
    pub(super) why: Vec<String>,
}

/// What came of a step.
pub(super) enum Came {
    /// The build is good or bad.
    Decided(Step, Seen),
    /// Nobody can tell.
    Undecided(Step),
    /// The person asked to stop.
    Stopped,
}

impl Bisect<'_> {
    /// Holds a build against the first one, with more blocks where few of them do not decide.
    pub(super) fn step(&self, number: usize, build: usize) -> Result<Came, Failure> {
        let mut campaigns = Vec::new();
        let mut last = None;
        for factor in FACTORS {
            let suffix = if factor == 1 { String::new() } else { format!("-x{factor}") };
            let id = CampaignId(format!("{}-step-{number}{suffix}", self.name));
            let frozen = self.frozen(build, self.blocks.saturating_mul(factor))??;
            self.say(
                Talk::Normal,
                &format!(
                    "step {number}: is `{}` worse? {} blocks: {id}",
                    one_line(&self.names[build]),
                    plan::n_blocks(&frozen)
                ),
            );
            let Some(campaign) = self.measured(&id, &frozen)? else { return Ok(Came::Stopped) };
            campaigns.push(id.0);
            let step = self.judged(number, build, &campaign, &campaigns)?;
            self.say(Talk::Normal, &format!("step {number}: {}", step.line(self)));
            match step.verdict {
                Some(ChangeVerdictView::Regression) => return Ok(Came::Decided(step, Seen::Bad)),
                Some(ChangeVerdictView::Equivalent | ChangeVerdictView::Improvement) => {
                    return Ok(Came::Decided(step, Seen::Good));
                }
                Some(ChangeVerdictView::Inconclusive) => last = Some(step),
                // More blocks of something that cannot be tested are no better.
                None => return Ok(Came::Undecided(step)),
            }
        }
        Ok(last.map_or(Came::Stopped, Came::Undecided))
    }

    /// The campaign of a step with all that its plan asks for; `None` when the person asked to stop.
    fn measured(&self, id: &CampaignId, frozen: &Plan) -> Result<Option<Campaign>, Failure> {
        if signals::cancel()?.is_cancelled() {
            return Ok(None);
        }
        let settled = provenance::settle(self.global, frozen.clone(), self.args.accept_terms)?;
        let Settled { plan: frozen, models } = settled;
        let campaign = self.opened(id, &frozen)?;
        let opened = Journal::open(&campaign, VERSION, WallNs::now())?;
        let missing = opened.journal.progress().missing(&frozen);
        if missing.n_requests == 0 && missing.n_held == 0 {
            self.say(Talk::Normal, &format!("{id} is in the record"));
            return Ok(Some(campaign));
        }
        let conduct = Conduct { models, reconnect_limit: self.args.reconnect.limit(), shown: Shown::Nothing };
        let exit =
            campaign::measure(self.global, &campaign, opened.journal, &conduct).map_err(|mut failure| {
                failure.hints.push(self.go_on().trim_start_matches("hint: ").to_owned());
                failure
            })?;
        Ok((exit != Exit::Interrupted).then_some(campaign))
    }

    /// The campaign of that name: a new one, or the one that an earlier call left.
    fn opened(&self, id: &CampaignId, frozen: &Plan) -> Result<Campaign, Failure> {
        if !self.store.root().join(&id.0).exists() {
            return Ok(self.store.create(id, frozen)?);
        }
        let campaign = self.store.open(&id.0)?;
        if *campaign.plan_digest() == frozen.digest() {
            return Ok(campaign);
        }
        Err(Failure::usage(
            format!(
                "{} is there already, and is of other builds, other flags or another edgedyno",
                campaign.dir().display()
            ),
            "go on with the very same command, or choose another --name",
        ))
    }

    /// What a campaign shows.
    fn judged(
        &self,
        number: usize,
        build: usize,
        campaign: &Campaign,
        campaigns: &[String],
    ) -> Result<Step, Failure> {
        let side = Side { name: campaign.id().0.clone(), campaign, part: Part::All };
        let ask = CompareAsk {
            metrics: vec![self.metric.id.to_owned()],
            delta: self.args.delta,
            ..CompareAsk::default()
        };
        let view = dyno_analysis::compare(&[side], &ask)?;
        let change = row_of(&view, self.metric.id).and_then(ChangeRow::tested);
        Ok(Step {
            number,
            build,
            campaigns: campaigns.to_vec(),
            blocks: plan::n_blocks(campaign.plan()),
            verdict: view.verdict,
            // Where requests that fail decide, the metric has nothing to do with it.
            effect: change.filter(|change| view.verdict == Some(change.verdict)).map(|change| change.effect),
            why: view.findings.iter().map(|finding| finding.text.clone()).collect(),
            summary: view.summary,
        })
    }
}

fn row_of<'v>(view: &'v CompareView, metric: &str) -> Option<&'v ChangeRow> {
    view.rows().map(|(_, row)| row).find(|row| row.metric == metric)
}
