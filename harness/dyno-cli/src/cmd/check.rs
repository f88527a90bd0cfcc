//! `check`: a campaign held against service level objectives.

use std::collections::BTreeMap;
use std::path::Path;

use dyno_analysis::{Baselines, CheckAsk};
use dyno_model::slo::{Demand, Objective, Slo};
use dyno_plan::{Source, SourceKind};
use dyno_report::{html, json, junit, markdown, terminal};
use dyno_store::Campaign;
use dyno_view::compliance::{ComplianceVerdict, ComplianceView};

use crate::args::{CheckArgs, CheckFormat, Global};
use crate::cmd::campaign::VERSION;
use crate::cmd::compare::quoted;
use crate::cmd::{baseline, calibrate, compare, report};
use crate::exit::Exit;
use crate::output;
use crate::pdf;
use crate::project::{Project, read_text};
use crate::render_error::Failure;

/// Checks.
pub(crate) fn check(global: &Global, args: &CheckArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let slo = objectives(&project, &args.slo)?;
    let campaign = report::open(&project, args.campaign.as_deref())?;
    let against = Against::of(&project, &slo, args.baseline.as_deref())?;
    let regenerate = regenerate(args, &campaign);
    let ask = CheckAsk {
        slo: &slo,
        operator: args.operator.as_deref(),
        checked_by: VERSION,
        regenerate: &regenerate,
        calibrations: calibrations(&project, &campaign)?,
        baselines: against.baselines(),
    };
    let view = dyno_analysis::compliance(&campaign, &ask)?;
    if let Some(path) = &args.pdf {
        report::write_file(path, &pdf::of_page(&page(&view))?)?;
    }
    let usual = if global.json { CheckFormat::Json } else { CheckFormat::Terminal };
    let bytes = match args.format.unwrap_or(usual) {
        CheckFormat::Terminal => terminal::compliance(&view, &report::style(global)).into_bytes(),
        CheckFormat::Html => page(&view),
        CheckFormat::Md => markdown::compliance(&view).into_bytes(),
        CheckFormat::Json => json::compliance(&view).into_bytes(),
        CheckFormat::Junit => junit::compliance(&view).into_bytes(),
        CheckFormat::Csv => {
            let mut rows = Vec::new();
            dyno_analysis::compliance_csv(&campaign, &slo, &mut rows)?;
            rows
        }
    };
    match &args.output {
        Some(path) => report::write_file(path, &bytes)?,
        None => output::stdout(&bytes)?,
    }
    Ok(exit_of(view.verdict))
}

fn exit_of(verdict: ComplianceVerdict) -> Exit {
    match verdict {
        ComplianceVerdict::Pass => Exit::Ok,
        ComplianceVerdict::Fail => Exit::Breached,
        ComplianceVerdict::Inconclusive | ComplianceVerdict::Invalid => Exit::Invalid,
    }
}

fn page(view: &ComplianceView) -> Vec<u8> {
    let mut page = Vec::new();
    html::compliance(view, &mut page).expect("writing to memory cannot fail");
    page
}

/// The set of that name, or that lies in that file.
pub(crate) fn objectives(project: &Project, named: &str) -> Result<Slo, Failure> {
    let path = Path::new(named);
    let is_path =
        path.is_file() || path.extension().is_some_and(|ending| ending == "toml") || named.contains('/');
    if !is_path {
        return Ok(dyno_plan::find_slo(&project.inputs()?, named)?);
    }
    let source = Source::user_as(SourceKind::Slos, named, read_text(path)?);
    Ok(dyno_plan::read_slo(&source)?)
}

/// The campaigns that drops of quality are held against.
struct Against {
    named: BTreeMap<String, Campaign>,
    instead: Option<Campaign>,
}

impl Against {
    /// The one that the flag names, else those that the objectives name.
    fn of(project: &Project, slo: &Slo, flag: Option<&str>) -> Result<Self, Failure> {
        let drops = slo.objectives.iter().filter(|of| matches!(of.demand, Demand::Drop { .. }));
        let drops: Vec<&Objective> = drops.collect();
        if let Some(word) = flag {
            if drops.is_empty() {
                return Err(Failure::usage(
                    format!(
                        "no objective of {} has a `max_drop` that --baseline could be held against",
                        slo.name
                    ),
                    "leave --baseline out, or add an objective with max_drop",
                ));
            }
            let instead = match compare::whole(project, word)? {
                Some(campaign) => campaign,
                None => report::open(project, Some(Path::new(word)))?,
            };
            return Ok(Self { named: BTreeMap::new(), instead: Some(instead) });
        }
        let mut named = BTreeMap::new();
        for objective in drops {
            let Some(name) = &objective.baseline else { continue };
            if named.contains_key(name) {
                continue;
            }
            let Some(campaign) = baseline::find(project, name)? else {
                let known = baseline::names(project)?;
                let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
                return Err(Failure::usage(
                    format!("{}:{}: no baseline `{name}`", slo.file, objective.line),
                    format!(
                        "`edgedyno baseline set {name} CAMPAIGN` gives a campaign that name; baselines: {known}"
                    ),
                ));
            };
            named.insert(name.clone(), campaign);
        }
        Ok(Self { named, instead: None })
    }

    fn baselines(&self) -> Baselines<'_> {
        let named = self.named.iter().map(|(name, campaign)| (name.clone(), campaign)).collect();
        Baselines::Given { named, instead: self.instead.as_ref() }
    }
}

/// Digests of the devices' A/A calibrations, where there are any.
pub(crate) fn calibrations(
    project: &Project,
    campaign: &Campaign,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut digests = BTreeMap::new();
    for device in campaign.plan().devices.keys() {
        let Some(path) = calibrate::place(project, &device.0).filter(|path| path.is_file()) else { continue };
        let calibration = calibrate::read(&path)?;
        digests.insert(device.0.clone(), dyno_analysis::calibration_digest(&calibration));
    }
    Ok(digests)
}

/// The command that makes the report again.
fn regenerate(args: &CheckArgs, campaign: &Campaign) -> String {
    let operator =
        args.operator.as_ref().map(|name| format!(" --operator {}", quoted(name))).unwrap_or_default();
    let baseline =
        args.baseline.as_ref().map(|name| format!(" --baseline {}", quoted(name))).unwrap_or_default();
    format!("edgedyno check {} --slo {}{baseline}{operator}", quoted(&campaign.id().0), quoted(&args.slo))
}
