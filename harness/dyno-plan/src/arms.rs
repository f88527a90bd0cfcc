//! Arms of a comparison: from their words, the ask and the suite to what each of them launches, and in how many blocks.

use std::collections::BTreeMap;

use dyno_model::launch::Dialect;
use dyno_model::plan::{BlockOrder, PlannedArm, PlannedComparison, PlannedModel, PlannedRuntime};

use crate::arm_words::{self, ArmWords, shown};
use crate::ask::Ask;
use crate::catalog::Library;
use crate::expand::Point;
use crate::problem::{Problem, Problems};
use crate::registry::At;
use crate::server;
use crate::suite::SuiteWords;

/// Where arms are written.
const FLAG: &str = "--compare";
/// More are a matrix, not a comparison (house rule).
const MAX_ARMS: usize = 16;
/// Of ten blocks an effect as large as its own spread is found in four of five cases (MEASUREMENT §3.5).
const USUAL_BLOCKS: u32 = 10;
/// The fewest whose smallest two-sided p, 2 / 2⁶ = 0.031, is below 0.05 (MEASUREMENT §3.5).
const LEAST_BLOCKS: u32 = 6;

/// What a plan launches.
pub(crate) struct Subjects {
    /// `None` is a plain matrix.
    pub(crate) comparison: Option<PlannedComparison>,
    /// In the order of the ask or the suite.
    pub(crate) points: Vec<Point>,
    /// By name; those that an arm changed have names of their own.
    pub(crate) runtimes: Vec<(String, PlannedRuntime)>,
    pub(crate) models: Vec<(String, PlannedModel)>,
}

/// What ask or suite say, each value once.
pub(crate) struct Said {
    pub(crate) runtimes: Vec<String>,
    pub(crate) models: Vec<String>,
    pub(crate) threads: Vec<u32>,
    pub(crate) context_tokens: Vec<u32>,
}

/// The order of arms in a block, as asked for or as is usual for so many arms.
pub(crate) fn order(ask: &Ask) -> BlockOrder {
    ask.block_order.unwrap_or(if ask.arms.len() == 2 { BlockOrder::Abba } else { BlockOrder::Shuffled })
}

/// How many blocks: those asked for, and one more where ABBA would lack its last half.
pub(crate) fn blocks(ask: &Ask) -> u32 {
    let asked = ask.repetitions.unwrap_or(USUAL_BLOCKS);
    match order(ask) {
        BlockOrder::Abba => asked.saturating_add(asked % 2),
        BlockOrder::Shuffled => asked,
    }
}

/// Reports what does not go with arms, whatever they are.
pub(crate) fn check(ask: &Ask, suite: &SuiteWords, problems: &mut Problems) {
    let mut report = |flag: &str, message: String, hint: &str| {
        problems.push(Problem::of_flag(flag, message, Some(hint.to_owned())));
    };
    if ask.arms.len() < 2 {
        report(
            FLAG,
            "there is one arm, and a comparison needs two".to_owned(),
            "the same twice is a test of A against A",
        );
    } else if ask.arms.len() > MAX_ARMS {
        let message = format!("{} arms are more than {MAX_ARMS}", ask.arms.len());
        report(FLAG, message, "compare the best of a few with the best of others");
    }
    if let Some(n) = ask.repetitions.filter(|n| (1..LEAST_BLOCKS).contains(n)) {
        let p = 2.0_f64.powi(1 - n.cast_signed());
        let message = format!(
            "{n} blocks can show no difference, however large: the smallest p of them is 2/2^{n} = {p}"
        );
        report("--blocks", message, "6 or more; 10 are usual");
    }
    if ask.load.is_none() && suite.load.values().iter().any(|(_, load)| load.is_capacity()) {
        let message = format!("suite `{}` searches for a capacity, and its launches differ", ask.suite);
        report(FLAG, message, "take another suite, or say at which --rate or --concurrency to compare");
    }
    let stop = "blocks are measured to the last: what stops where it looks good shows nothing";
    match &ask.stop {
        Some(words) if words != "never" => {
            report("--stop", stop.to_owned(), "leave it out, and ask for --blocks");
        }
        None if suite.stop.is_some() => {
            report(
                FLAG,
                format!("suite `{}` has a rule for stopping: {stop}", ask.suite),
                "add --stop never",
            );
        }
        Some(_) | None => {}
    }
    if ask.endpoint.is_some() {
        let message =
            "each block launches all arms anew, and a server that runs already is not launched".to_owned();
        report("--endpoint", message, "describe the server in catalog/runtimes/ and name it in --compare");
    }
}

/// What the arms are; `None` when that cannot be told, which has been reported.
pub(crate) fn resolve(
    ask: &Ask,
    beside: &Said,
    library: &Library<'_>,
    problems: &mut Problems,
) -> Option<Subjects> {
    let mut found =
        Resolver { beside, library, problems, runtimes: BTreeMap::new(), models: BTreeMap::new() };
    let mut points = Vec::new();
    let mut names = Vec::new();
    let n_before = found.problems.0.len();
    for (number, arm) in (1..).zip(&ask.arms) {
        let (words, wrong) = arm_words::read(arm);
        let is_whole = wrong.is_empty();
        for wrong in wrong {
            found.refuse(arm, &wrong.message, &wrong.hint);
        }
        names.push(words.name.clone().unwrap_or_else(|| arm.trim().to_owned()));
        // What was understood is looked up all the same: all problems are told at once.
        let point = found.point(arm, number, &words, is_whole);
        points.extend(point);
    }
    let names = distinct_names(&names);
    if found.problems.0.len() > n_before || points.len() < ask.arms.len() {
        return None;
    }
    for (point, name) in points.iter_mut().zip(&names) {
        point.arm = Some(name.clone());
    }
    let arms = names.into_iter().zip(&ask.arms);
    let arms = arms.map(|(name, words)| PlannedArm { name, words: words.trim().to_owned() }).collect();
    Some(Subjects {
        comparison: Some(PlannedComparison { arms, order: order(ask) }),
        points,
        runtimes: found.runtimes.into_iter().collect(),
        models: found.models.into_iter().collect(),
    })
}

/// The names, and where one comes again, its count behind it: `A`, `A #2`.
fn distinct_names(names: &[String]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let counted = (2..).map(|n| format!("{name} #{n}"));
        let free = std::iter::once(name.clone()).chain(counted).find(|name| {
            // The first of a name keeps it, also where another arm's own name looks like a count.
            !taken.contains(name) && (name == names.get(taken.len()).unwrap_or(name) || !names.contains(name))
        });
        taken.extend(free);
    }
    taken
}

struct Resolver<'r, 'd, 'p> {
    /// For what an arm does not say.
    beside: &'r Said,
    library: &'r Library<'d>,
    problems: &'p mut Problems,
    runtimes: BTreeMap<String, PlannedRuntime>,
    models: BTreeMap<String, PlannedModel>,
}

impl Resolver<'_, '_, '_> {
    fn refuse(&mut self, arm: &str, message: &str, hint: &str) {
        let message = format!("arm `{}`: {message}", shown(arm));
        self.problems.push(Problem::of_flag(FLAG, message, Some(hint.to_owned())));
    }

    /// What an arm launches. An arm that was not understood to its end is not asked for what it may have said.
    fn point(&mut self, arm: &str, number: usize, words: &ArmWords, is_whole: bool) -> Option<Point> {
        let (library, beside) = (self.library, self.beside);
        let mut text = |key: &str, said: &Option<String>, others: &[String]| {
            if is_whole || said.is_some() { self.said(arm, key, said.as_ref(), others) } else { None }
        };
        let runtime = text("runtime", &words.runtime, &beside.runtimes);
        let model = text("model", &words.model, &beside.models);
        let runtime = runtime.and_then(|name| {
            library.runtimes.find(&name, &At::Flag(FLAG), self.problems)?;
            Some((name.clone(), library.planned_runtimes.get(&name)?.clone()))
        });
        let model = model.and_then(|name| {
            library.models.find(&name, &At::Flag(FLAG), self.problems)?;
            Some((name.clone(), library.planned_models.get(&name)?.clone()))
        });
        // `None` is the runtime's or the model's own, or has been reported.
        let mut count = |key: &str, said: Option<u32>, others: &[u32]| {
            let is_nobodys = said.is_none() && (others.is_empty() || !is_whole);
            if is_nobodys { None } else { self.said(arm, key, said.as_ref(), others) }
        };
        let threads = count("threads", words.threads, &beside.threads);
        let context = count("context", words.context_tokens, &beside.context_tokens);
        let runtime = runtime.and_then(|runtime| self.changed(arm, number, runtime, words));
        let (runtime, (model, planned)) = (runtime?, model?);
        let context_tokens = context.unwrap_or(planned.context_tokens);
        self.models.insert(model.clone(), planned);
        Some(Point { runtime, model, threads, context_tokens, arm: None })
    }

    /// What the arm says, or else the only value that ask or suite have.
    fn said<T: Clone + ToString>(
        &mut self,
        arm: &str,
        key: &str,
        said: Option<&T>,
        unsaid: &[T],
    ) -> Option<T> {
        match (said, unsaid) {
            (Some(said), _) => Some(said.clone()),
            (None, [only]) => Some(only.clone()),
            (None, many) => {
                let all: Vec<String> = many.iter().map(ToString::to_string).collect();
                let message =
                    format!("it does not say `{key}`, and there are {}: {}", many.len(), all.join(", "));
                self.refuse(arm, &message, &format!("add +{key}=…, or ask for one beside {FLAG}"));
                None
            }
        }
    }

    /// Keeps the arm's runtime, under a name of its own where the arm changes it, and gives that name.
    fn changed(
        &mut self,
        arm: &str,
        number: usize,
        (name, mut runtime): (String, PlannedRuntime),
        words: &ArmWords,
    ) -> Option<String> {
        if words.program.is_none() && words.settings.is_empty() {
            self.runtimes.insert(name.clone(), runtime);
            return Some(name);
        }
        let n_before = self.problems.0.len();
        let mut changes = Vec::new();
        if let Some(program) = &words.program {
            match &mut runtime.server {
                Some(server) => server.program.clone_from(program),
                None => self.refuse(
                    arm,
                    &format!("runtime `{name}` starts no program that another could take the place of"),
                    "only a runtime with a [runtime.NAME.server] does, such as llama-server",
                ),
            }
            changes.push(format!("program {program}"));
        }
        for (key, value) in &words.settings {
            if let Some((message, hint)) = refusal(&name, &runtime, key, value) {
                self.refuse(arm, &message, &hint);
            }
            runtime.settings.insert(key.clone(), json_of_body(key, value));
            changes.push(format!("{key} {value}"));
        }
        runtime.title = format!("{} ({})", runtime.title, changes.join(", "));
        (self.problems.0.len() == n_before).then(|| self.kept(&name, number, runtime))
    }

    /// The name of a changed runtime: one for all arms that change it alike, and none that the catalogue has.
    fn kept(&mut self, name: &str, number: usize, runtime: PlannedRuntime) -> String {
        let is_own = |(known, planned): &(&String, &PlannedRuntime)| {
            **planned == runtime && !self.library.planned_runtimes.contains_key(*known)
        };
        if let Some((known, _)) = self.runtimes.iter().find(is_own) {
            return known.clone();
        }
        let mut own = format!("{name}-arm{number}");
        while self.library.runtimes.get(&own).is_some() || self.runtimes.contains_key(&own) {
            own.push('x');
        }
        self.runtimes.insert(own.clone(), runtime);
        own
    }
}

/// Why a runtime cannot be given this setting, and what to do.
fn refusal(name: &str, runtime: &PlannedRuntime, key: &str, value: &str) -> Option<(String, String)> {
    if let Some(server) = &runtime.server {
        return match key.strip_prefix("body.") {
            Some(_field) => None,
            None => server::refuse_setting(name, server, key, value),
        };
    }
    match runtime.dialect {
        // Its script is read, and refused, where it is played.
        Dialect::Fake => None,
        _ => Some((
            format!("runtime `{name}` has no settings, and so no `{key}`"),
            "leave it out; threads and context are said by `threads=` and `context=`".to_owned(),
        )),
    }
}

/// A field of a request's body is JSON; what is none is a text.
fn json_of_body(key: &str, value: &str) -> String {
    let is_text = key.starts_with("body.") && serde_json::from_str::<serde_json::Value>(value).is_err();
    if is_text { serde_json::Value::from(value).to_string() } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_arm_twice_has_two_names() {
        let check = |names: &[&str], expected: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(distinct_names(&names), expected);
        };
        check(&["a", "b"], &["a", "b"]);
        check(&["a", "a", "a"], &["a", "a #2", "a #3"]);
        check(&["a", "a", "a #2"], &["a", "a #3", "a #2"]);
        check(&["a #2", "a", "a"], &["a #2", "a", "a #3"]);
    }

    #[test]
    fn blocks_of_abba_are_even() {
        let ask = |n_arms, repetitions, block_order| Ask {
            arms: vec![String::new(); n_arms],
            repetitions,
            block_order,
            ..Ask::default()
        };
        let check = |ask: Ask, expected| assert_eq!((blocks(&ask), order(&ask)), expected);
        check(ask(2, None, None), (10, BlockOrder::Abba));
        check(ask(2, Some(7), None), (8, BlockOrder::Abba));
        check(ask(2, Some(7), Some(BlockOrder::Shuffled)), (7, BlockOrder::Shuffled));
        check(ask(3, Some(7), None), (7, BlockOrder::Shuffled));
        check(ask(3, Some(7), Some(BlockOrder::Abba)), (8, BlockOrder::Abba));
    }

    #[test]
    fn a_field_of_a_body_is_json() {
        assert_eq!(json_of_body("body.top_k", "1"), "1");
        assert_eq!(json_of_body("body.stop", "[\"x\"]"), "[\"x\"]");
        assert_eq!(json_of_body("body.format", "json"), "\"json\"");
        assert_eq!(json_of_body("text", "json"), "json");
    }
}
