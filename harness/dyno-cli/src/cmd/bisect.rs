//! `bisect`: the first bad of a list of builds, by campaigns that hold one after another against the first.

mod search;
mod step;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use dyno_model::metric::{Direction, METRICS, Metric, Population};
use dyno_model::plan::Plan;
use dyno_plan::{Inputs, Problem, Problems};
use dyno_store::Store;
use jiff::Timestamp;

use crate::args::{BisectArgs, Global};
use crate::cmd::{models, plan, run};
use crate::exit::Exit;
use crate::output;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::render_error::Failure;

use search::{Search, Standing, most_steps};
use step::{Came, Step};
use words::Told;

/// An undecided step is measured anew with twice the blocks, and once more with four times as many.
const FACTORS: [u32; 3] = [1, 2, 4];

/// Blocks of a step without a number: what `run --compare` takes, too.
const USUAL_BLOCKS: u32 = 10;

/// What all steps share.
struct Bisect<'b> {
    global: &'b Global,
    args: &'b BisectArgs,
    project: Project,
    inputs: Inputs,
    store: Store,
    /// What the names of the campaigns begin with.
    name: String,
    builds: Vec<String>,
    /// What the builds are called in tables: by their `name=`, or their words.
    names: Vec<String>,
    metric: &'static Metric,
    /// Blocks of a step's first campaign.
    blocks: u32,
}

/// Finds the first bad build.
pub(crate) fn bisect(global: &Global, args: &BisectArgs) -> Result<Exit, Failure> {
    let mut bisect = Bisect::of(global, args)?;
    let plans = bisect.plans()?;
    bisect.names = names_of(&plans);
    run::check_writable(&bisect.project)?;
    let mut seen = BTreeSet::new();
    for plan in plans.iter().filter(|plan| seen.insert(plan.models.keys().cloned().collect::<Vec<_>>())) {
        // Before anything long begins: what cannot be had, or is under terms, is told now.
        models::fetch(global, plan, args.accept_terms)?;
    }
    bisect.announce(plans.first());
    let mut search = Search::new(bisect.builds.len());
    let mut steps: Vec<Step> = Vec::new();
    while let Standing::Look(build) = search.standing() {
        match bisect.step(steps.len() + 1, build)? {
            Came::Decided(step, seen) => {
                search.saw(seen);
                steps.push(step);
            }
            Came::Undecided(step) => {
                steps.push(step);
                break;
            }
            Came::Stopped => {
                bisect.say(Talk::Quiet, &bisect.go_on());
                return Ok(Exit::Interrupted);
            }
        }
    }
    let told = Told::of(&bisect, &search, &steps);
    output::stdout(&if global.json { told.json() } else { told.text().into_bytes() })?;
    Ok(told.exit())
}

impl<'b> Bisect<'b> {
    fn of(global: &'b Global, args: &'b BisectArgs) -> Result<Self, Failure> {
        let builds = match &args.builds_file {
            Some(path) => builds_of(path)?,
            None => args.builds.iter().map(|build| build.trim().to_owned()).collect(),
        };
        if builds.len() < 2 {
            return Err(Failure::usage(
                match builds.len() {
                    1 => "there is 1 build, and a search needs two".to_owned(),
                    n => format!("there are {n} builds, and a search needs two"),
                },
                "name a good one first and a bad one last, and those between them",
            ));
        }
        if !args.ask.blocks.compare.is_empty() {
            return Err(Failure::usage("bisect compares the builds that it is given", "leave --compare out"));
        }
        let project = Project::find(global)?;
        let metric = metric_of(&args.metric)?;
        let name = args
            .name
            .clone()
            .unwrap_or_else(|| format!("{}-bisect", Timestamp::now().strftime("%Y%m%d-%H%M%S")));
        let (inputs, store) = (project.inputs()?, Store::new(&project.runs));
        let blocks = args.ask.blocks.blocks.or(args.ask.repetitions).unwrap_or(USUAL_BLOCKS);
        Ok(Self { global, args, project, inputs, store, name, builds, names: Vec::new(), metric, blocks })
    }

    /// The plans of the first steps that any build could have: what is wrong with any of them is told at once.
    fn plans(&self) -> Result<Vec<Plan>, Failure> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut plans = Vec::new();
        for build in 1..self.builds.len() {
            match self.frozen(build, self.blocks)? {
                Ok(plan) => plans.push(plan),
                Err(found) => problems.extend(found.0),
            }
        }
        problems.sort();
        problems.dedup();
        if !problems.is_empty() {
            return Err(Problems(problems).into());
        }
        match plans.iter().map(|plan| plan.cells.len() / 2).max() {
            Some(n) if n > 1 => Err(Failure::usage(
                format!("{n} comparisons a step, and a search follows one"),
                "choose one --device, and one load of the suite with --concurrency or --rate",
            )),
            Some(_) | None => Ok(plans),
        }
    }

    /// The plan that holds a build against the first one.
    fn frozen(&self, build: usize, blocks: u32) -> Result<Result<Plan, Problems>, Failure> {
        let mut ask = plan::asked(&self.args.ask, vec![self.builds[0].clone(), self.builds[build].clone()])?;
        ask.repetitions = Some(blocks);
        Ok(dyno_plan::freeze(&self.inputs, &ask).map_err(|mut problems| {
            for problem in problems.0.iter_mut().filter(|problem| problem.file == "--compare") {
                "build".clone_into(&mut problem.file);
            }
            problems
        }))
    }

    fn announce(&self, plan: Option<&Plan>) {
        let n = self.builds.len();
        let requests = plan.map_or(0, Plan::n_requests);
        let most = match most_steps(n) {
            1 => "1 step".to_owned(),
            most => format!("{most} steps"),
        };
        let text = format!(
            "bisect {}: {n} builds, {most} at most; each holds one against the first in {} blocks, {requests} requests; \
             {} decides",
            self.name,
            plan.map_or(self.blocks, plan::n_blocks),
            self.metric.label,
        );
        self.say(Talk::Normal, &text);
    }

    fn say(&self, at_least: Talk, text: &str) {
        say(Talk::of(self.global), at_least, text);
    }

    /// How a search that was stopped goes on.
    fn go_on(&self) -> String {
        format!("hint: go on with the search: the same command again, with --name {}", self.name)
    }
}

/// The names of all builds, by the plans that hold each of them against the first.
fn names_of(plans: &[Plan]) -> Vec<String> {
    let arm = |plan: &Plan, place: usize| Some(plan.comparison.as_ref()?.arms.get(place)?.name.clone());
    let first = plans.first().and_then(|plan| arm(plan, 0));
    first.into_iter().chain(plans.iter().filter_map(|plan| arm(plan, 1))).collect()
}

/// The builds of a file.
fn builds_of(path: &Path) -> Result<Vec<String>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::io(format!("cannot read {}", path.display()), error, "name a file with a build on each line")
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Failure::usage(format!("{} is not UTF-8 (byte {place})", path.display()), "save it as UTF-8")
    })?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    Ok(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect())
}

/// The metric of that id, with or without its unit.
fn metric_of(word: &str) -> Result<&'static Metric, Failure> {
    const UNITS: [&str; 5] = ["", "_ns", "_bytes", "_tokens_per_s", "_tokens"];
    let named = |metric: &&Metric| UNITS.iter().any(|unit| metric.id.strip_suffix(unit) == Some(word));
    // Gaps belong to no prompt, so that those of two builds are no pairs.
    let has_side =
        |metric: &&Metric| metric.direction != Direction::Neutral && metric.population != Population::Gap;
    METRICS.iter().filter(has_side).find(named).ok_or_else(|| {
        let known: Vec<&str> = METRICS.iter().filter(has_side).map(|metric| metric.id).collect();
        Failure::usage(
            format!("`{}` is no metric that can be better or worse", dyno_report::untrusted::one_line(word)),
            format!("metrics are {}", known.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_by_their_ids_with_and_without_unit() {
        let check = |word, expected: Option<&str>| {
            assert_eq!(metric_of(word).ok().map(|metric| metric.id), expected, "{word}");
        };
        check("ttft", Some("ttft_ns"));
        check("ttft_ns", Some("ttft_ns"));
        check("decode", Some("decode_tokens_per_s"));
        check("peak_rss", Some("peak_rss_bytes"));
        check("sustained_ratio", Some("sustained_ratio"));
        check("isl", None);
        check("chunk_gap_ns", None);
        check("", None);
        check("tt", None);
    }
}
