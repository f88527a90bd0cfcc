//! `history`: campaigns over time, and where a level changed for good.

use std::path::PathBuf;

use dyno_analysis::{HistoryAsk, HistoryOrder};
use dyno_model::blame::chain;
use dyno_report::terminal::TerminalStyle;
use dyno_report::{html, json, markdown, terminal};
use dyno_store::{Campaign, Store};
use dyno_view::history::{HistoryView, UnreadCampaign};

use crate::args::{Global, HistoryArgs, HistoryFormat};
use crate::cmd::compare::quoted;
use crate::cmd::report;
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Shows the history of what several campaigns measured alike.
pub(crate) fn history(global: &Global, args: &HistoryArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let (campaigns, unread) = found(&project, &args.campaigns)?;
    if campaigns.is_empty() && unread.is_empty() {
        return Err(Failure::usage(
            format!("no campaign in {}", project.runs.display()),
            "measure first: `edgedyno run`; or name campaigns' folders",
        ));
    }
    let ask = HistoryAsk {
        metrics: args.metrics.clone(),
        delta: args.delta,
        order: if args.as_given { HistoryOrder::AsGiven } else { HistoryOrder::ByTime },
        regenerate: Some(regenerate(args)),
    };
    let view = dyno_analysis::history(&campaigns, unread, &ask)?;
    let usual = if global.json { HistoryFormat::Json } else { HistoryFormat::Terminal };
    let bytes = render(&view, args.format.unwrap_or(usual), report::style(global));
    match &args.output {
        Some(path) => report::write_file(path, &bytes)?,
        None => output::stdout(&bytes)?,
    }
    Ok(if view.is_worse_now() { Exit::Breached } else { Exit::Ok })
}

/// The campaigns that are named, or all; of a folder of campaigns those in it. One that cannot be opened is told beside
/// the others, unless a person named it.
fn found(project: &Project, named: &[PathBuf]) -> Result<(Vec<Campaign>, Vec<UnreadCampaign>), Failure> {
    let mut campaigns = Vec::new();
    let mut stores = Vec::new();
    for path in named {
        let is_campaign =
            [path.clone(), project.runs.join(path)].iter().any(|at| at.join("plan.json").is_file());
        if path.is_dir() && !is_campaign {
            stores.push(Store::new(path));
        } else {
            campaigns.push(report::open(project, Some(path))?);
        }
    }
    stores.extend(named.is_empty().then(|| Store::new(&project.runs)));
    let mut unread = Vec::new();
    for store in stores {
        for id in store.list()? {
            match store.open(&id.0) {
                Ok(campaign) => campaigns.push(campaign),
                Err(error) => unread.push(UnreadCampaign { name: id.0, why: chain(&error) }),
            }
        }
    }
    Ok((campaigns, unread))
}

/// The command that makes the history again.
fn regenerate(args: &HistoryArgs) -> String {
    let mut words = vec!["edgedyno history".to_owned()];
    words.extend(args.campaigns.iter().map(|path| quoted(&path.display().to_string())));
    words.extend(args.as_given.then(|| "--as-given".to_owned()));
    if !args.metrics.is_empty() {
        words.push(format!("--metric {}", quoted(&args.metrics.join(","))));
    }
    words.extend(args.delta.map(|delta| format!("--delta {}", delta * 100.0)));
    words.join(" ")
}

/// Renders `view` in one form.
fn render(view: &HistoryView, format: HistoryFormat, style: TerminalStyle) -> Vec<u8> {
    match format {
        HistoryFormat::Terminal => terminal::history(view, &style).into_bytes(),
        HistoryFormat::Html => {
            let mut page = Vec::new();
            html::history(view, &mut page).expect("writing to memory cannot fail");
            page
        }
        HistoryFormat::Md => markdown::history(view).into_bytes(),
        HistoryFormat::Json => json::history(view).into_bytes(),
    }
}
