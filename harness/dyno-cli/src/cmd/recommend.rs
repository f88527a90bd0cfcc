//! `recommend`: which device to buy.

use std::fmt::Write as _;

use dyno_analysis::{BuyerAsk, CloudPrice, Demand, PredictAsk};
use dyno_plan::Catalog;
use dyno_report::terminal::TerminalStyle;
use dyno_report::{html, markdown, recommend as words, terminal};
use dyno_store::Campaign;
use dyno_view::recommend::{AdviceWord, Recommendation};

use crate::args::{Global, RecommendArgs, RecommendFormat};
use crate::cmd::campaign::VERSION;
use crate::cmd::check::objectives;
use crate::cmd::compare::quoted;
use crate::cmd::report;
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Recommends.
pub(crate) fn recommend(global: &Global, args: &RecommendArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let campaigns = campaigns(&project, args)?;
    let ask = ask(&project, args, &campaigns)?;
    let found = dyno_analysis::recommend(&campaigns, &ask)?;
    let usual = if global.json { RecommendFormat::Json } else { RecommendFormat::Terminal };
    let bytes = render(&found, args.format.unwrap_or(usual), report::style(global));
    match &args.output {
        Some(path) => report::write_file(path, &bytes)?,
        None => output::stdout(&bytes)?,
    }
    Ok(exit_of(found.advice.word))
}

fn exit_of(word: AdviceWord) -> Exit {
    match word {
        AdviceWord::Buy | AdviceWord::MeetsUnpriced => Exit::Ok,
        AdviceWord::NoneMeets => Exit::Breached,
        AdviceWord::Unknown => Exit::Invalid,
    }
}

fn campaigns(project: &Project, args: &RecommendArgs) -> Result<Vec<Campaign>, Failure> {
    if args.campaigns.is_empty() {
        return Ok(vec![report::open(project, None)?]);
    }
    args.campaigns.iter().map(|named| report::open(project, Some(named))).collect()
}

fn ask(project: &Project, args: &RecommendArgs, campaigns: &[Campaign]) -> Result<BuyerAsk, Failure> {
    let demand = args.users.zip(args.requests_per_user_hour);
    let boards = if args.predict.is_empty() { None } else { Some(Catalog::load(&project.inputs()?)?.boards) };
    let predict = args.predict.iter();
    Ok(BuyerAsk {
        slo: objectives(project, &args.slo)?,
        demand: demand.map(|(users, requests_per_user_hour)| Demand { users, requests_per_user_hour }),
        prices_eur: args.prices.iter().cloned().collect(),
        kwh_eur: args.kwh,
        years: args.years,
        utilisation: args.utilisation,
        cloud: args.cloud.map(|(input_eur, output_eur)| CloudPrice { input_eur, output_eur }),
        predict: predict.map(|(board, eur)| PredictAsk { board: board.clone(), price_eur: *eur }).collect(),
        boards: boards.unwrap_or_default(),
        model: args.model.clone(),
        regenerate: regenerate(args, campaigns),
        tool_version: VERSION.to_owned(),
    })
}

fn render(found: &Recommendation, format: RecommendFormat, style: TerminalStyle) -> Vec<u8> {
    match format {
        RecommendFormat::Terminal => terminal::recommend(found, &style).into_bytes(),
        RecommendFormat::Html => {
            let mut page = Vec::new();
            html::recommend(found, &mut page).expect("writing to memory cannot fail");
            page
        }
        RecommendFormat::Md => markdown::recommend(found).into_bytes(),
        RecommendFormat::Json => words::json(found).into_bytes(),
        RecommendFormat::Csv => words::csv(found).into_bytes(),
    }
}

/// The command that asks the same again.
fn regenerate(args: &RecommendArgs, campaigns: &[Campaign]) -> String {
    let mut text = "edgedyno recommend".to_owned();
    let mut push = |word: &str, value: String| {
        write!(text, " {word}{value}").expect("writing to a String cannot fail");
    };
    for campaign in campaigns {
        push("", quoted(&campaign.id().0));
    }
    push("--slo ", quoted(&args.slo));
    let numbers = [
        ("--users ", args.users.map(|n| n.to_string())),
        ("--requests-per-user-hour ", args.requests_per_user_hour.map(|n| n.to_string())),
        ("--kwh ", args.kwh.map(|n| n.to_string())),
        ("--years ", args.years.map(|n| n.to_string())),
        ("--utilisation ", args.utilisation.map(|n| n.to_string())),
        ("--cloud ", args.cloud.map(|(input, output)| format!("{input},{output}"))),
        ("--model ", args.model.as_deref().map(quoted)),
    ];
    for (word, value) in numbers {
        if let Some(value) = value {
            push(word, value);
        }
    }
    for (device, eur) in &args.prices {
        push("--price ", quoted(&format!("{device}={eur}")));
    }
    for (board, eur) in &args.predict {
        push("--predict ", quoted(&eur.map_or_else(|| board.clone(), |eur| format!("{board}={eur}"))));
    }
    text
}
