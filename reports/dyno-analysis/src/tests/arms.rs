//! Records of two arms in blocks, with times that are chosen.

use std::path::Path;

use dyno_model::clock::WallNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{CampaignId, CellId};
use dyno_model::outcome::Outcome;
use dyno_model::plan::{BlockOrder, Plan, PlannedArm, PlannedComparison};
use dyno_store::{Campaign, Journal, Store};

use super::sample::{Asked, End, WALL, launch, ok, plan, session};

/// Names of the arms; the cells are `cell-A` and `cell-B`.
pub(super) const ARMS: [&str; 2] = ["A", "B"];

/// Two cells that differ by their threads, in blocks of ABBA order; run `2 b` and `2 b + 1` are block `b`'s.
pub(super) fn arms_plan(n_blocks: u32) -> Plan {
    let mut all = plan(2 * n_blocks);
    let cell = all.cells.remove(0);
    for (arm, threads) in ARMS.iter().zip([2, 4]) {
        all.cells.push(dyno_model::plan::Cell {
            id: CellId(format!("cell-{arm}")),
            threads: Some(threads),
            arm: Some((*arm).to_owned()),
            ..cell.clone()
        });
    }
    for run in &mut all.runs {
        let block = run.id.0 / 2;
        run.repetition = block;
        run.cell = CellId(format!("cell-{}", ARMS[usize::from(!is_of_a(run.id.0))]));
    }
    let arm = |name: &str| PlannedArm { name: name.to_owned(), words: format!("fake+name={name}") };
    all.comparison = Some(PlannedComparison { arms: ARMS.map(arm).to_vec(), order: BlockOrder::Abba });
    all
}

/// The same cells without arms: rounds of a plain matrix.
pub(super) fn plain_plan(n_rounds: u32) -> Plan {
    let mut all = arms_plan(n_rounds);
    all.comparison = None;
    for cell in &mut all.cells {
        cell.arm = None;
    }
    all
}

/// Whether a run is one of A's: A B, B A, A B …
pub(super) fn is_of_a(run: u32) -> bool {
    run.is_multiple_of(2) == (run / 2).is_multiple_of(2)
}

/// Times of the prompts' tokens when the ratio is 1: TTFT, then two gaps.
const BASE: [[u64; 3]; 3] = [[10_000, 5000, 5000], [20_000, 6000, 6000], [30_000, 7000, 7000]];

/// The three answers of a run whose times are so many thousandths of the base; the first is asked at once.
pub(super) fn answers(run: u32, per_mille: u64) -> Vec<Asked> {
    let start = start_of(run);
    let mut sent_at = start + 60;
    let mut all = Vec::new();
    for (idx, [ttft, first, second]) in (0..).zip(BASE) {
        let at = [ttft, ttft + first, ttft + first + second].map(|ns| ns * per_mille / 1000);
        all.push(ok(idx, sent_at, &at, 8));
        sent_at += 1_000_000;
    }
    all
}

/// One of the answers failed.
pub(super) fn with_failure(mut asked: Vec<Asked>) -> Vec<Asked> {
    asked[1].outcome = Outcome::Timeout { limit_ms: 1000 };
    asked[1].chunks.clear();
    (asked[1].isl, asked[1].osl) = (None, None);
    asked
}

pub(super) fn start_of(run: u32) -> u64 {
    10_000_000 * u64::from(run + 1)
}

/// A valid launch of a run.
pub(super) fn good(run: u32, per_mille: u64) -> Vec<Event> {
    launch(run, 1, start_of(run), &answers(run, per_mille), &End::Valid)
}

/// Valid launches of all blocks; A's and B's times in thousandths by block.
pub(super) fn blocks(n: u32, times: impl Fn(u32) -> [u64; 2]) -> Vec<Vec<Event>> {
    (0..2 * n)
        .map(|run| {
            let times = times(run / 2);
            good(run, times[usize::from(!is_of_a(run))])
        })
        .collect()
}

/// A campaign of that plan, written then.
pub(super) fn written_at(
    root: &Path,
    name: &str,
    plan: &Plan,
    launches: &[Vec<Event>],
    after_s: u64,
) -> Campaign {
    let (campaign, mut journal) = begun(root, name, plan);
    journal.append(&session(0)).expect("disk has room");
    for events in launches {
        let mut events = events.clone();
        for event in &mut events {
            if let EventKind::LaunchStarted { wall, .. } = &mut event.kind {
                wall.0 += after_s * 1_000_000_000;
            }
        }
        journal.append_events(0, &events).expect("disk has room");
    }
    campaign
}

/// A campaign that was interrupted once.
pub(super) fn written_in_sessions(root: &Path, plan: &Plan, sessions: [&[Vec<Event>]; 2]) -> Campaign {
    let (campaign, mut journal) = begun(root, "c-1", plan);
    for (number, launches) in (0..).zip(sessions) {
        journal.append(&session(number)).expect("disk has room");
        for events in launches {
            journal.append_events(number, events).expect("disk has room");
        }
    }
    campaign
}

fn begun(root: &Path, name: &str, plan: &Plan) -> (Campaign, Journal) {
    let campaign = Store::new(root).create(&CampaignId::from(name), plan).expect("an empty folder");
    let journal = Journal::create(&campaign, "0.1.0", WallNs(WALL)).expect("a new journal");
    (campaign, journal)
}
