//! Whether a model fits (MEASUREMENT §6).

use dyno_model::sample::Quantity;
use dyno_view::memory::FitsWord;

use super::peaks::PROCESS;
use super::readings::{Stretch, channel, grown};
use crate::cell::{CellRecord, LaunchRecord};
use crate::record::Record;

/// All tasks may wait for memory for a thousandth of the time.
const MAX_STALL_SHARE: f64 = 0.001;
/// So many launches show it.
const LAUNCHES_NEEDED: usize = 3;
/// House rule: the whole context is in use from so many of its tokens on.
const IN_USE_SHARE: f64 = 0.9;

/// What was seen of one sign.
enum Seen {
    /// It speaks against the model, in these words.
    Bad(String),
    /// It does not.
    Good,
    /// It could not be seen, for this reason.
    Not(&'static str),
}

/// The verdict, and what it stands on.
pub(super) fn fits(cell: &CellRecord<'_>) -> (FitsWord, Vec<String>) {
    let seen = [killed(cell), faults(cell), swapped(cell), stalled(cell)];
    let (mut bad, mut open) = (Vec::new(), Vec::new());
    for of in seen {
        match of {
            Seen::Bad(words) => bad.push(words),
            Seen::Not(why) => open.push(why.to_owned()),
            Seen::Good => {}
        }
    }
    if !bad.is_empty() {
        return (FitsWord::DoesNotFit, bad);
    }
    let n = served(cell).count();
    if n < LAUNCHES_NEEDED {
        open.push(format!("{n} of the {LAUNCHES_NEEDED} launches that it takes"));
    }
    let used = used_tokens(cell).unwrap_or(0);
    let context = u64::from(cell.cell.context_tokens);
    if (used as f64) < IN_USE_SHARE * context as f64 {
        open.push(format!("at most {used} of the context's {context} tokens were in use"));
    }
    if open.is_empty() {
        let none = "no page was read again, nothing came back from swap, hardly anything waited for memory, and \
                    nothing was killed";
        return (FitsWord::Fits, vec![none.to_owned()]);
    }
    (FitsWord::NotShown, open)
}

/// Launches with requests whose numbers may be used.
fn served<'c, 'a>(cell: &'c CellRecord<'a>) -> impl Iterator<Item = &'c LaunchRecord<'a>> {
    cell.valid_launches().filter(|launch| !launch.rows.is_empty())
}

/// Most tokens of context that a request of the cell had in use.
pub(super) fn used_tokens(cell: &CellRecord<'_>) -> Option<u64> {
    cell.ok_rows().into_iter().filter_map(|row| tokens_of(cell.record, row)).max()
}

/// Prompt and answer of a request together.
pub(super) fn tokens_of(record: &Record<'_>, row: usize) -> Option<u64> {
    let requests = &record.requests;
    Some(u64::from(requests.prompt_tokens[row]?) + u64::from(requests.completion_tokens[row]?))
}

/// How a launch or one of its requests died for want of memory.
fn killed(cell: &CellRecord<'_>) -> Seen {
    let outcomes = &cell.record.requests.outcome;
    for launch in &cell.launches {
        let detail = || launch.row.outcome_detail.as_ref().map(|of| format!(": {of}")).unwrap_or_default();
        if launch.row.outcome.as_deref() == Some("oom") {
            return Seen::Bad(format!("{} ran out of memory{}", launch.name(), detail()));
        }
        if launch.rows.iter().any(|row| outcomes[*row] == "oom") {
            return Seen::Bad(format!("a request of {} ran out of memory", launch.name()));
        }
    }
    Seen::Good
}

/// Major faults while requests were served after the first one: weights were read from storage again.
fn thrash(cell: &CellRecord<'_>) -> Option<u64> {
    sum(cell, (Quantity::MajorFaults, PROCESS))
}

fn faults(cell: &CellRecord<'_>) -> Seen {
    match thrash(cell) {
        None => Seen::Not("major faults are not counted here, or there was one request only"),
        Some(0) => Seen::Good,
        Some(n) => Seen::Bad(format!("{n} pages were read from storage again while it served (thrash)")),
    }
}

fn swapped(cell: &CellRecord<'_>) -> Seen {
    match sum(cell, (Quantity::SwapInBytes, "system")) {
        None => Seen::Not("what comes back from swap is not counted here"),
        Some(0) => Seen::Good,
        Some(n) => Seen::Bad(format!("{n} bytes came back from swap while it served")),
    }
}

fn stalled(cell: &CellRecord<'_>) -> Seen {
    let shares = served(cell).filter_map(|launch| {
        let stretch = Stretch::steady(cell, launch)?;
        let stalls = channel(cell, launch, (Quantity::StallFullNs, "memory"))?;
        let (waited, elapsed) = grown(stalls, stretch)?;
        Some(waited as f64 / elapsed as f64)
    });
    match shares.reduce(f64::max) {
        None => Seen::Not("waiting for memory (PSI) is not counted here"),
        Some(share) if share < MAX_STALL_SHARE => Seen::Good,
        Some(share) => {
            Seen::Bad(format!("everything waited for memory for {:.2} % of the time", share * 100.0))
        }
    }
}

/// The growth of a counter over all launches' steady stretches; `None` where no launch has it.
fn sum(cell: &CellRecord<'_>, of: (Quantity, &str)) -> Option<u64> {
    let grown =
        served(cell).filter_map(|launch| grown(channel(cell, launch, of)?, Stretch::steady(cell, launch)?));
    grown.fold(None, |sum, (n, _)| Some(sum.unwrap_or(0) + n))
}
