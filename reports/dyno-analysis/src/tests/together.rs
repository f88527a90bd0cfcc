//! Several campaigns in one report.

use std::path::Path;

use dyno_model::clock::WallNs;
use dyno_model::ids::CampaignId;
use dyno_model::plan::Plan;
use dyno_store::{Campaign, Journal, JournalEntry, Store};
use dyno_view::comparison::{RowPart, WorkPart};
use dyno_view::report::{FindingLevel, Report};
use tempfile::tempdir;

use super::sample::{Asked, End, WALL, launch, ok, plan, session};
use crate::imported::llama_bench;
use crate::{report, report_of};

fn written(root: &Path, name: &str, plan: &Plan, first_session: &JournalEntry) -> Campaign {
    let campaign = Store::new(root).create(&CampaignId::from(name), plan).expect("an empty folder");
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(WALL)).expect("a new journal");
    journal.append(first_session).expect("disk has room");
    for run in 0..2_u32 {
        let start = 100_000 * u64::from(run + 1);
        let asked: Vec<Asked> = (0..3_u32)
            .map(|idx| {
                let ttft = 100 + 10 * u64::from(3 * run + idx);
                ok(idx, start + 1000 * u64::from(idx + 1), &[ttft, ttft + 100, ttft + 200], 8)
            })
            .collect();
        journal.append_events(0, &launch(run, 1, start, &asked, &End::Valid)).expect("disk has room");
    }
    campaign
}

#[test]
fn the_same_cell_in_two_campaigns_is_two_rows_named_by_campaign() {
    let dir = tempdir().expect("a folder");
    let mut later = session(0);
    if let JournalEntry::Session { facts, .. } = &mut later {
        // A restart makes no other machine.
        facts.boot_id = Some("of another day".to_owned());
    }
    let campaigns = [("c-1", session(0)), ("c-2", later)]
        .map(|(name, first)| written(dir.path(), name, &plan(2), &first));
    let report = report_of(&campaigns, Vec::new()).expect("good records");
    let view = report.comparison.expect("two cells are compared");
    assert_eq!((view.groups.len(), &view.differences[..]), (1, &[][..]));
    let group = &view.groups[0];
    assert_eq!(group.differ_in, [RowPart::Campaign]);
    let names: Vec<&str> = group.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["c-1", "c-2"]);
    let ids: Vec<&str> = report.cells.iter().map(|cell| cell.id.as_str()).collect();
    assert_eq!(ids, ["c-1/00000000000000aa", "c-2/00000000000000aa"]);
    let devices: Vec<&str> = report.devices.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(devices, ["local"], "the same device is shown once");
    assert_eq!(report.campaigns.len(), 2);
    assert_eq!(report.campaign.n_requests_recorded, 12, "by hand: 2 campaigns x 2 runs x 3 requests");
    assert_eq!(report.campaign.regenerate, "edgedyno report c-1 c-2");
}

#[test]
fn other_work_is_another_group() {
    let dir = tempdir().expect("a folder");
    let mut longer = plan(2);
    longer.cells[0].context_tokens = 512;
    let campaigns =
        [written(dir.path(), "c-1", &plan(2), &session(0)), written(dir.path(), "c-2", &longer, &session(0))];
    let report = report_of(&campaigns, Vec::new()).expect("good records");
    let view = report.comparison.expect("two cells are compared");
    assert_eq!((view.groups.len(), &view.differences[..]), (2, &[WorkPart::Context][..]));
}

#[test]
fn a_device_that_says_something_else_is_named_with_its_campaign() {
    let dir = tempdir().expect("a folder");
    let JournalEntry::Session { mut facts, device, transport, build_id, model_digests, notes, wall, .. } =
        session(0)
    else {
        panic!("the sample makes sessions")
    };
    facts.ram_bytes = Some(2 << 30);
    facts.boot_id = Some("of another day".to_owned());
    let other =
        JournalEntry::Session { session: 0, device, transport, build_id, facts, model_digests, notes, wall };
    let campaigns =
        [written(dir.path(), "c-1", &plan(2), &session(0)), written(dir.path(), "c-2", &plan(2), &other)];
    let report = report_of(&campaigns, Vec::new()).expect("good records");
    let devices: Vec<&str> = report.devices.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(devices, ["local", "local in c-2"]);
    let said = report.findings.iter().find(|finding| finding.text.contains("another machine"));
    let said = said.expect("the rows may be of two machines");
    assert_eq!(said.level, FindingLevel::Warning);
    assert_eq!(
        said.text,
        "c-2: local says something else of itself than before (RAM): it may be another machine or another system"
    );
}

#[test]
fn figures_of_other_tools_stay_apart() {
    let dir = tempdir().expect("a folder");
    let campaigns = [written(dir.path(), "c-1", &plan(2), &session(0))];
    let bytes = include_bytes!("llama_bench/smollm2.json");
    let imported = llama_bench(bytes, "smollm2.json").expect("a good file");
    let with = report_of(&campaigns, vec![imported.clone()]).expect("a good record");
    assert_eq!(with.imported, [imported]);
    assert_eq!(with.campaign.regenerate, "edgedyno report c-1 --import smollm2.json");
    let without = report(&campaigns[0]).expect("a good record");
    let campaign = without.campaign.clone();
    assert_eq!(Report { imported: Vec::new(), campaign, ..with }, without, "nothing else changes");
}
