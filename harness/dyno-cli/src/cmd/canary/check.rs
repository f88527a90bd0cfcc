//! `canary check`: answers held against a baseline's.

use dyno_analysis::{Baseline, CANARY_RULE, CanaryAsk, canary_check, canary_fits};
use dyno_model::plan::Plan;
use dyno_report::{html, json, junit, markdown, terminal};
use dyno_store::Campaign;
use dyno_view::canary::{CanaryRuleView, CanaryVerdict, CanaryView};

use super::{files, measured, named};
use crate::args::{Ask, CanaryCheckArgs, CanaryFormat, CanaryLimits, Global};
use crate::cmd::compare::quoted;
use crate::cmd::{plan, report};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Checks.
pub(super) fn check(global: &Global, project: &Project, args: &CanaryCheckArgs) -> Result<Exit, Failure> {
    let baseline = files::read(project, &args.name)?;
    let campaign = if let Some(campaign) = named(project, &args.source)? {
        campaign
    } else {
        let plan = frozen(project, &baseline, args)?;
        match measured(global, project, &args.source, &plan)? {
            Some(campaign) => campaign,
            None => return Ok(Exit::Interrupted),
        }
    };
    let ask = CanaryAsk {
        cell: args.source.cell.clone(),
        rule: rule(&args.limits),
        allow_other_model: args.allow_other_model,
        regenerate: regenerate(args, &campaign),
    };
    let view = canary_check(&baseline, &campaign, &ask)?;
    let usual = if global.json { CanaryFormat::Json } else { CanaryFormat::Terminal };
    let bytes = match args.format.unwrap_or(usual) {
        CanaryFormat::Terminal => terminal::canary(&view, &report::style(global)).into_bytes(),
        CanaryFormat::Html => page(&view),
        CanaryFormat::Md => markdown::canary(&view).into_bytes(),
        CanaryFormat::Json => json::canary(&view).into_bytes(),
        CanaryFormat::Junit => junit::canary(&view).into_bytes(),
    };
    match &args.output {
        Some(path) => report::write_file(path, &bytes)?,
        None => output::stdout(&bytes)?,
    }
    Ok(exit_of(view.verdict))
}

fn exit_of(verdict: CanaryVerdict) -> Exit {
    match verdict {
        CanaryVerdict::Same | CanaryVerdict::Numeric => Exit::Ok,
        CanaryVerdict::Drift => Exit::Breached,
        CanaryVerdict::Incomplete => Exit::Invalid,
    }
}

/// The plan that asks what the baseline was asked; refused before it is measured where it would be refused after.
fn frozen(project: &Project, baseline: &Baseline, args: &CanaryCheckArgs) -> Result<Plan, Failure> {
    let plan = plan::freeze(project, &asked(&args.source.ask, baseline))?;
    canary_fits(baseline, &plan, args.allow_other_model)?;
    Ok(plan)
}

/// The flags, and where they say nothing what the baseline was asked with.
fn asked(ask: &Ask, of: &Baseline) -> Ask {
    let mut asked = ask.clone();
    asked.suite.get_or_insert_with(|| of.suite.clone());
    asked.seed.get_or_insert(of.seed);
    asked.requests.get_or_insert(of.requests);
    asked.max_tokens.get_or_insert(of.sampling.max_tokens);
    if asked.models.is_empty() {
        asked.models = vec![of.model.name.clone()];
    }
    asked
}

fn rule(limits: &CanaryLimits) -> CanaryRuleView {
    let usual = CANARY_RULE;
    CanaryRuleView {
        tie_margin_nats: limits.tie_margin.unwrap_or(usual.tie_margin_nats),
        max_kl_nats: limits.max_kl.unwrap_or(usual.max_kl_nats),
        max_unexplained_share: limits.max_unexplained.unwrap_or(usual.max_unexplained_share),
        max_disagreements_share: limits.max_disagreements.unwrap_or(usual.max_disagreements_share),
        max_gap_nats: limits.max_gap.unwrap_or(usual.max_gap_nats),
        alpha: limits.alpha.unwrap_or(usual.alpha),
    }
}

fn page(view: &CanaryView) -> Vec<u8> {
    let mut page = Vec::new();
    html::canary(view, &mut page).expect("writing to memory cannot fail");
    page
}

/// The command that makes the check again.
fn regenerate(args: &CanaryCheckArgs, campaign: &Campaign) -> String {
    let mut words =
        vec![format!("edgedyno canary check {} --campaign {}", quoted(&args.name), quoted(&campaign.id().0))];
    let limits = &args.limits;
    let per_cent = |share: Option<f64>| share.map(|share| share * 100.0);
    let numbers = [
        ("--tie-margin", limits.tie_margin),
        ("--max-kl", limits.max_kl),
        ("--max-disagreements", per_cent(limits.max_disagreements)),
        ("--max-gap", limits.max_gap),
        ("--max-unexplained", per_cent(limits.max_unexplained)),
        ("--alpha", limits.alpha),
    ];
    words.extend(args.source.cell.as_ref().map(|cell| format!("--cell {}", quoted(cell))));
    words.extend(args.allow_other_model.then(|| "--allow-other-model".to_owned()));
    words.extend(numbers.into_iter().filter_map(|(flag, value)| Some(format!("{flag} {}", value?))));
    words.join(" ")
}
