//! Every figure of a pack again, from its record alone.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::Path;

use dyno_evidence::{Difference, Manifest, Opened, Rigour, first_difference, is_fit_name, n_values};
use dyno_model::blame::{Classify, chain};
use dyno_model::digest::Digest;
use dyno_report::terminal::TerminalStyle;
use dyno_store::{Campaign, JournalEntry, JournalReader};
use serde_json::Value;

use crate::args::Format;
use crate::cmd::evidence::claim::{self, COMPLIANCE_FILE, COMPLIANCE_PAGE_FILE, Claim};
use crate::cmd::evidence::result::{Check, State, grouped};
use crate::cmd::evidence::{
    INPUTS_FILE, JOURNAL_FILE, PAGE_FILE, PLAN_FILE, REPORT_FILE, inputs, json_bytes,
};
use crate::cmd::report;
use crate::render_error::Failure;

/// Values of packs are shown up to here.
const MAX_SHOWN_CHARS: usize = 200;

/// Computes everything anew in `temporary` and compares it with what was packed.
pub(super) fn recompute(pack: &Opened, rigour: Rigour, temporary: &Path) -> Result<Vec<Check>, Failure> {
    let campaign = match unpacked(pack, temporary)? {
        Ok(campaign) => campaign,
        Err(check) => return Ok(vec![check]),
    };
    let mut checks = vec![belongs(&campaign)?];
    let report = match or_broken(REPORT_FILE, dyno_analysis::report(&campaign))? {
        Ok(report) => report,
        Err(check) => {
            checks.push(check);
            return Ok(checks);
        }
    };
    let json = report::render(&report, Format::Json, TerminalStyle::default());
    let of_report = compared(pack, REPORT_FILE, &json, rigour)?;
    let rendered = report::render(&report, Format::Html, TerminalStyle::default());
    let of_page = page(pack, PAGE_FILE, &rendered, &of_report, rigour)?;
    checks.extend([of_report, of_page]);
    match or_broken(INPUTS_FILE, inputs::inputs(&campaign))? {
        Ok(inputs) => checks.push(compared(pack, INPUTS_FILE, &json_bytes(&inputs), rigour)?),
        Err(check) => checks.push(check),
    }
    checks.extend(verdicts(pack, &campaign, rigour)?);
    Ok(checks)
}

/// The verdicts again, where the pack claims any.
fn verdicts(pack: &Opened, campaign: &Campaign, rigour: Rigour) -> Result<Vec<Check>, Failure> {
    let claim = match Claim::read(pack)? {
        Ok(Some(claim)) => claim,
        Ok(None) => return Ok(Vec::new()),
        Err(check) => return Ok(vec![check]),
    };
    let view = match or_broken(COMPLIANCE_FILE, claim.judged(campaign))? {
        Ok(view) => view,
        Err(check) => return Ok(vec![check]),
    };
    let json = dyno_report::json::compliance(&view);
    let of_verdicts = compared(pack, COMPLIANCE_FILE, json.as_bytes(), rigour)?;
    let of_page = page(pack, COMPLIANCE_PAGE_FILE, &claim::rendered(&view), &of_verdicts, rigour)?;
    Ok(vec![of_verdicts, of_page])
}

/// The record as a campaign of its own, with the name that it had.
fn unpacked(pack: &Opened, temporary: &Path) -> Result<Result<Campaign, Check>, Failure> {
    let name = &pack.manifest().campaign;
    if !is_fit_name(name) {
        return Ok(Err(Check::fails("record", format!("`{name}` is no campaign's name"))));
    }
    let folder = temporary.join(name);
    fs::create_dir(&folder).map_err(|error| unwritable(&folder, error))?;
    for member in [PLAN_FILE, JOURNAL_FILE] {
        let path = folder.join(member);
        let mut file = BufWriter::new(File::create(&path).map_err(|error| unwritable(&path, error))?);
        let is_there = pack.copy_to(member, &mut file).and_then(|is_there| {
            file.flush()?;
            Ok(is_there)
        });
        if !is_there.map_err(|error| unwritable(&path, error))? {
            return Ok(Err(Check::fails("record", format!("the pack has no {member}"))));
        }
    }
    or_broken("record", Campaign::open_dir(&folder))
}

/// Whether the journal was written for this plan.
fn belongs(campaign: &Campaign) -> Result<Check, Failure> {
    let first = JournalReader::open(&campaign.journal_path()).map(|mut lines| lines.next().transpose());
    let first = match or_broken("record", first.and_then(|line| line))? {
        Ok(first) => first,
        Err(check) => return Ok(check),
    };
    Ok(match first.map(|line| line.entry) {
        Some(JournalEntry::Header { plan_digest, .. }) if &plan_digest == campaign.plan_digest() => {
            Check::holds("record", "the journal was written for this plan")
        }
        Some(JournalEntry::Header { plan_digest, .. }) => {
            let (journal, plan) = (plan_digest.short(), campaign.plan_digest().short());
            Check::fails("record", format!("the journal was written for plan {journal}, not for {plan}"))
        }
        Some(_) | None => Check::fails("record", "the journal is empty"),
    })
}

/// An error of this machine stops the command; one of the record is a result.
fn or_broken<T, E>(check: &str, result: Result<T, E>) -> Result<Result<T, Check>, Failure>
where
    E: Classify + Send + Sync + 'static,
{
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) if is_of_disk(&error) => Err(error.into()),
        Err(error) => Ok(Err(Check::fails(check, format!("the record cannot be read: {}", chain(&error))))),
    }
}

/// Whether a disk said no. What cannot be understood is the pack's.
fn is_of_disk(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return !matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
        }
        cause = error.source();
    }
    false
}

/// Compares a JSON file of the pack with what was computed.
fn compared(pack: &Opened, name: &str, computed: &[u8], rigour: Rigour) -> Result<Check, Failure> {
    let Some(packed) = bytes(pack, name)? else {
        return Ok(Check::fails(name, format!("the pack has no {name}")));
    };
    let Ok(packed) = serde_json::from_slice::<Value>(&packed) else {
        return Ok(Check::fails(name, "it is no JSON"));
    };
    // Read from its written form, as the packed one is: both have the same digits then.
    let computed: Value = serde_json::from_slice(computed).expect("what was just written is JSON");
    let found = first_difference(&packed, &computed, rigour);
    let Some(Difference { pointer, first, second }) = found.difference else {
        let n = grouped(n_values(&packed));
        return Ok(Check::holds(name, format!("{n} values computed from the record: all the same")));
    };
    let text = format!(
        "{pointer} is {} in the pack and {} when computed from the record{}",
        shown(first.as_ref()),
        shown(second.as_ref()),
        other_formulas(&packed, &computed)
    );
    Ok(Check { pointer: Some(pointer), packed: first, recomputed: second, ..Check::fails(name, text) })
}

/// Metrics whose formula is of another version.
fn other_formulas(packed: &Value, computed: &Value) -> String {
    let versions = |value: &Value| -> BTreeMap<String, u64> {
        let methods = value["methods"].as_array().cloned().unwrap_or_default();
        let of = |method: &Value| {
            Some((method["metric"].as_str()?.to_owned(), method["formula_version"].as_u64()?))
        };
        methods.iter().filter_map(of).collect()
    };
    let here = versions(computed);
    let other = versions(packed)
        .into_iter()
        .filter(|(metric, version)| here.get(metric).is_some_and(|of| of != version));
    let names: Vec<String> = other.map(|(metric, _)| metric).collect();
    if names.is_empty() { String::new() } else { format!("; formulas changed since: {}", names.join(", ")) }
}

/// Compares a page with the one that is made of what was computed.
fn page(
    pack: &Opened,
    name: &str,
    rendered: &[u8],
    of_json: &Check,
    rigour: Rigour,
) -> Result<Check, Failure> {
    if of_json.is_bad() {
        return Ok(Check::new(name, State::NotChecked, format!("{} already differs", of_json.check)));
    }
    let Some(packed) = bytes(pack, name)? else {
        return Ok(Check::fails(name, format!("the pack has no {name}")));
    };
    let (packed, rendered) = (Digest::of(&packed), Digest::of(rendered));
    Ok(if packed == rendered {
        Check::holds(name, "it is the page of what was computed, byte for byte")
    } else if rigour == Rigour::OtherBuild {
        let by = &pack.manifest().packed_by.tool_version;
        let text = format!(
            "it is not the page that this build makes; only the build that packed it ({by}) can tell"
        );
        Check::new(name, State::CannotTell, text)
    } else {
        let (packed, rendered) = (packed.short(), rendered.short());
        Check::fails(
            name,
            format!("its SHA-256 is {packed}; that of the page of what was computed is {rendered}"),
        )
    })
}

/// How alike the packed and the computed must be.
pub(super) fn rigour(manifest: &Manifest, here: &dyno_evidence::Tool) -> Rigour {
    let is_same = here.program_sha256.is_some() && manifest.packed_by == *here;
    if is_same { Rigour::Exact } else { Rigour::OtherBuild }
}

/// A member of a pack; `None` without it.
pub(super) fn bytes(pack: &Opened, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    pack.bytes(name).map_err(|error| {
        Failure::io(format!("cannot read {}", pack.path().display()), error, "check that it is still there")
    })
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "absent".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::io(
        format!("cannot unpack to {}", path.display()),
        error,
        "name a folder with room for the record in TMPDIR",
    )
}
