//! Sides held against each other, with a verdict for each metric (MEASUREMENT §3.5).
//!
//! The first side is the baseline. Cells of two sides that did the same work are a contrast: in one campaign and on one
//! device its repetitions are blocks, each with a fresh launch of both; otherwise launches are held against launches,
//! and differences count from twice the size on. The unit of replication is the launch, never the request.

mod answers;
mod ask;
mod beside;
mod calibrated;
mod change;
mod changes;
mod charts;
mod contrast;
mod draft;
mod error;
mod failures;
mod family;
mod matching;
mod pairing;
mod quality;
mod runs;
mod scenario;
mod sides;
mod summary;
mod unlike;

use dyno_view::compare::{COMPARE_SCHEMA_VERSION, CompareView, ContrastView, FamilyView};

use crate::cell::CellRecord;
use crate::error::AnalysisError;
use crate::metrics::method_views;
use crate::record::Record;

pub use ask::{CompareAsk, Part, Side};
pub use error::CompareError;

pub(crate) use answers::{ByPrompt, PairCounts, flipped, is_graded, prompt_pairs};
pub(crate) use change::{ALPHA, POWER, p_of_blocks, standard_deviation};
pub(crate) use changes::{release, settings_of};
pub(crate) use draft::block_value;
pub(crate) use pairing::{Block, paired};
pub(crate) use runs::{middle, run_value, runs_of};
pub(crate) use scenario::{Asked, asked, better, delta_of, metrics_of, primary_of};
pub(crate) use unlike::{prompts_of, unlike_answers};

use ask::distinct;
use contrast::Drafted;
use matching::matched;
use sides::Opened;

/// The metric of graded answers.
const PASSED: &str = "passed";

/// The sides against the first of them. One side alone stands for its plan's arms, or for cells that differ by one
/// thing.
///
/// # Errors
/// A record cannot be read, a side names what its campaign does not have, a metric is none, or there is nothing to hold
/// against anything.
pub fn compare(sides: &[Side<'_>], ask: &CompareAsk) -> Result<CompareView, AnalysisError> {
    let asked = Questions::of(ask)?;
    let campaigns = distinct(sides);
    let records: Vec<Record<'_>> =
        campaigns.iter().map(|campaign| Record::read(campaign)).collect::<Result<_, _>>()?;
    let cells: Vec<Vec<CellRecord<'_>>> = records.iter().map(cells_of).collect();
    let place = |side: &Side<'_>| campaigns.iter().position(|of| of.dir() == side.campaign.dir());
    let opened = sides::open(sides, |side| {
        let at = place(side).expect("each side's campaign is among the distinct ones");
        (&records[at], cells[at].as_slice())
    })?;
    Ok(view(&opened, &asked, ask))
}

/// What a campaign's own arms show; `None` when its plan compares nothing.
pub(crate) fn verdicts(record: &Record<'_>, cells: &[CellRecord<'_>]) -> Option<CompareView> {
    record.plan.comparison.as_ref()?;
    let opened = sides::arms(record, cells);
    let ask = CompareAsk::default();
    Some(view(&opened, &Questions::USUAL, &ask))
}

/// All cells of a record.
pub(crate) fn cells_of<'a>(record: &'a Record<'a>) -> Vec<CellRecord<'a>> {
    record.plan.cells.iter().map(|cell| CellRecord::of(record, cell)).collect()
}

/// The cell of a baseline that a campaign's cell is held against: its only one, else the one that is matched to it as
/// cells of two sides are.
pub(crate) fn counterpart<'r, 'a>(
    baseline: &'r [CellRecord<'a>],
    cells: &'r [CellRecord<'a>],
    place: usize,
) -> Option<&'r CellRecord<'a>> {
    if let [only] = baseline {
        return Some(only);
    }
    let open = |cells: &'r [CellRecord<'a>]| {
        let record = cells.first()?.record;
        Some(Opened { name: String::new(), arm: None, record, cells: cells.iter().collect() })
    };
    let opened = [open(baseline)?, open(cells)?];
    let pairs = matched(&opened).pairs;
    let of_place = pairs.into_iter().find(|pair| std::ptr::eq(pair.candidate, &raw const cells[place]));
    of_place.map(|pair| pair.baseline)
}

fn view(opened: &[Opened<'_, '_>], asked: &Questions, ask: &CompareAsk) -> CompareView {
    let matched = matched(opened);
    let mut drafted: Vec<Drafted<'_, '_>> =
        matched.pairs.into_iter().map(|pair| contrast::draft(opened, pair, asked, ask)).collect();
    let family = family::settle(&mut drafted);
    let contrasts = drafted.into_iter().map(Drafted::view).collect::<Vec<_>>();
    let calibrations = calibrated::uses(opened, &contrasts, &ask.calibrations);
    let findings = summary::findings(opened, &matched.unmatched, &contrasts, &calibrations);
    let verdict = summary::verdict(&contrasts);
    let sides: Vec<_> = opened.iter().map(sides::side_view).collect();
    let is_compared = |id: &str| {
        let is_row = |of: &ContrastView| of.rows.iter().any(|row| row.metric == id);
        contrasts.iter().any(|of| is_row(of) || (id == PASSED && of.quality.is_some()))
    };
    CompareView {
        schema_version: COMPARE_SCHEMA_VERSION,
        verdict,
        summary: summary::words(verdict, &sides, &contrasts),
        family,
        calibrations,
        findings,
        methods: method_views().into_iter().filter(|method| is_compared(&method.metric)).collect(),
        regenerate: ask.regenerate.clone().unwrap_or_else(|| sides::regenerate(opened)),
        sides,
        contrasts,
    }
}

/// What is asked of each pair of cells.
pub(crate) struct Questions {
    metrics: Asked,
    /// Whether graded answers are compared, where there are any.
    quality: bool,
}

impl Questions {
    /// All that is usual.
    const USUAL: Self = Self { metrics: Asked::Usual, quality: true };

    /// Metrics of words. Whether an answer passes is no figure of a launch, so it has a test of its own.
    fn of(ask: &CompareAsk) -> Result<Self, CompareError> {
        let is_quality = |word: &&String| word.as_str() == PASSED;
        let others: Vec<String> = ask.metrics.iter().filter(|word| !is_quality(word)).cloned().collect();
        if others.is_empty() {
            let metrics = if ask.metrics.is_empty() { Asked::Usual } else { Asked::These(Vec::new()) };
            return Ok(Self { metrics, quality: true });
        }
        Ok(Self { metrics: asked(&others)?, quality: others.len() < ask.metrics.len() })
    }
}

/// A family without a test.
const fn no_tests() -> FamilyView {
    FamilyView { n_tests: 0, n_different: 0, false_discovery: ALPHA, confidence: 1.0 - ALPHA }
}
