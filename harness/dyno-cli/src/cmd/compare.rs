//! `compare`: sides held against the first of them, with a verdict for each metric.

use std::collections::BTreeSet;
use std::path::Path;

use dyno_analysis::{CompareAsk, Part, Side};
use dyno_report::bench_json::{self, Tool};
use dyno_report::terminal::TerminalStyle;
use dyno_report::{csv, html, json, junit, markdown, terminal};
use dyno_store::Campaign;
use dyno_view::calibration::CalibrationView;
use dyno_view::compare::{ChangeVerdictView, CompareView};

use crate::args::{CompareArgs, Format, Global};
use crate::cmd::{baseline, calibrate, report};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Compares.
pub(crate) fn compare(global: &Global, args: &CompareArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let sides = sides(&project, &args.sides)?;
    let calibrations = match &args.calibration {
        Some(path) => vec![calibrate::read(path)?],
        None => calibrations(&project, &sides)?,
    };
    let ask = CompareAsk {
        metrics: args.metrics.clone(),
        delta: args.delta,
        quality_delta: args.quality_delta,
        calibrations,
        regenerate: Some(regenerate(args, &sides)),
    };
    let sides: Vec<Side<'_>> = sides.iter().map(Named::side).collect();
    let view = dyno_analysis::compare(&sides, &ask)?;
    let usual = if global.json { Format::Json } else { Format::Terminal };
    let bytes = render(&view, args.format.unwrap_or(usual), report::style(global));
    match &args.output {
        Some(path) => report::write_file(path, &bytes)?,
        None => output::stdout(&bytes)?,
    }
    Ok(exit_of(&view, args.inconclusive_ok))
}

/// Renders `view` in one form.
fn render(view: &CompareView, format: Format, style: TerminalStyle) -> Vec<u8> {
    match format {
        Format::Terminal => terminal::compare(view, &style).into_bytes(),
        Format::Html => {
            let mut page = Vec::new();
            html::compare(view, &mut page).expect("writing to memory cannot fail");
            page
        }
        Format::Md => markdown::compare(view).into_bytes(),
        Format::Json => json::compare(view).into_bytes(),
        Format::Csv => csv::compare(view).into_bytes(),
        Format::Junit => junit::comparison(view).into_bytes(),
        Format::BenchmarkAction => {
            bench_json::benchmark_action_of_comparison(view, Tool::SmallerIsBetter).into_bytes()
        }
        Format::BenchmarkActionBigger => {
            bench_json::benchmark_action_of_comparison(view, Tool::BiggerIsBetter).into_bytes()
        }
        Format::Bencher => bench_json::bencher_of_comparison(view).into_bytes(),
    }
}

/// The exit code that a comparison stands for. Where nothing could be tested nothing passes, whatever is forgiven.
fn exit_of(view: &CompareView, inconclusive_ok: bool) -> Exit {
    match view.verdict {
        Some(ChangeVerdictView::Regression) => Exit::Breached,
        Some(ChangeVerdictView::Equivalent | ChangeVerdictView::Improvement) => Exit::Ok,
        Some(ChangeVerdictView::Inconclusive) if inconclusive_ok => Exit::Ok,
        Some(ChangeVerdictView::Inconclusive) | None => Exit::Invalid,
    }
}

/// A side as a person names it.
struct Named {
    name: String,
    /// The words that it was named by.
    words: String,
    campaign: Campaign,
    part: Part,
}

impl Named {
    fn side(&self) -> Side<'_> {
        Side { name: self.name.clone(), campaign: &self.campaign, part: self.part.clone() }
    }
}

/// All sides; without a word the newest campaign.
fn sides(project: &Project, words: &[String]) -> Result<Vec<Named>, Failure> {
    if words.is_empty() {
        let campaign = report::open(project, None)?;
        let id = campaign.id().0.clone();
        return Ok(vec![Named { name: id.clone(), words: id, campaign, part: Part::All }]);
    }
    words.iter().map(|word| named(project, word)).collect()
}

/// A campaign or a baseline, and what follows the first `:` behind which one is found.
fn named(project: &Project, word: &str) -> Result<Named, Failure> {
    if let Some(campaign) = whole(project, word)? {
        let name = if Path::new(word).is_dir() { campaign.id().0.clone() } else { word.to_owned() };
        return Ok(Named { name, words: word.to_owned(), campaign, part: Part::All });
    }
    for (at, _) in word.match_indices(':') {
        let (left, part) = (&word[..at], &word[at + 1..]);
        if let Some(campaign) = whole(project, left)? {
            let part = part_of(&campaign, part);
            let name = match &part {
                Part::All => left.to_owned(),
                Part::Arm(name) | Part::Cell(name) => name.clone(),
            };
            return Ok(Named { name, words: word.to_owned(), campaign, part });
        }
    }
    let left = word.split_once(':').map_or(word, |(left, _)| left);
    match report::open(project, Some(Path::new(left))) {
        Ok(campaign) => {
            Ok(Named { name: word.to_owned(), words: word.to_owned(), campaign, part: Part::All })
        }
        Err(mut failure) => {
            let baselines = baseline::names(project)?;
            failure
                .hints
                .extend((!baselines.is_empty()).then(|| format!("baselines are {}", baselines.join(", "))));
            Err(failure)
        }
    }
}

/// The campaign that all of a word names; `None` where it names none. What is there and broken is an error.
pub(crate) fn whole(project: &Project, word: &str) -> Result<Option<Campaign>, Failure> {
    if let Some(campaign) = baseline::find(project, word)? {
        return Ok(Some(campaign));
    }
    let path = Path::new(word);
    let is_there = !word.is_empty()
        && (path.join("plan.json").is_file() || project.runs.join(word).join("plan.json").is_file());
    if is_there { report::open(project, Some(path)).map(Some) } else { Ok(None) }
}

/// An arm where the plan has one of that name, else a cell.
fn part_of(campaign: &Campaign, word: &str) -> Part {
    let planned = campaign.plan().comparison.as_ref();
    let is_arm = planned.is_some_and(|planned| planned.arms.iter().any(|arm| arm.name == word));
    let is_cell = campaign.plan().cells.iter().any(|cell| !word.is_empty() && cell.id.0.starts_with(word));
    if is_arm || (planned.is_some() && !is_cell) {
        Part::Arm(word.to_owned())
    } else {
        Part::Cell(word.to_owned())
    }
}

/// The stored calibrations of all devices of the sides.
fn calibrations(project: &Project, sides: &[Named]) -> Result<Vec<CalibrationView>, Failure> {
    let devices: BTreeSet<_> = sides.iter().flat_map(|side| side.campaign.plan().devices.keys()).collect();
    let paths = devices.into_iter().filter_map(|device| calibrate::place(project, &device.0));
    paths.filter(|path| path.is_file()).map(|path| calibrate::read(&path)).collect()
}

/// The command that makes the comparison again.
fn regenerate(args: &CompareArgs, sides: &[Named]) -> String {
    let mut words = vec!["edgedyno compare".to_owned()];
    words.extend(sides.iter().map(|side| quoted(&side.words)));
    if !args.metrics.is_empty() {
        words.push(format!("--metric {}", quoted(&args.metrics.join(","))));
    }
    words.extend(args.delta.map(|delta| format!("--delta {}", delta * 100.0)));
    words.extend(args.quality_delta.map(|delta| format!("--quality-delta {}", delta * 100.0)));
    words.extend(
        args.calibration
            .as_ref()
            .map(|path| format!("--calibration {}", quoted(&path.display().to_string()))),
    );
    words.join(" ")
}

/// A word for a POSIX shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+=,@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_a_shell_as_they_are() {
        let check = |word: &str, expected: &str| assert_eq!(quoted(word), expected);
        check("stable", "stable");
        check("c:llama-server+threads=2", "c:llama-server+threads=2");
        check("my runs/c", "'my runs/c'");
        check("it's", "'it'\\''s'");
        check("", "''");
        check("$(rm)", "'$(rm)'");
    }
}
