//! `evidence pack`.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use dyno_evidence::{
    Contents, Difference, ListedFile, Member, PackError, Packed, Redaction, RedactionMode, Redactor,
    SigningKey, Source, Tool, first_other_figure, is_fit_name,
};
use dyno_model::digest::Digest;
use dyno_report::terminal::TerminalStyle;
use dyno_store::Campaign;
use dyno_view::report::Report;
use serde::Serialize;
use serde_json::Value;

use crate::args::{Format, Global, PackArgs, Redact};
use crate::cmd::evidence::claim::Claim;
use crate::cmd::evidence::redact::redacted;
use crate::cmd::evidence::result::grouped;
use crate::cmd::evidence::{
    ENVIRONMENT_FILE, INPUTS_FILE, JOURNAL_FILE, PAGE_FILE, PLAN_FILE, REPORT_FILE, inputs, json_bytes,
    this_tool,
};
use crate::cmd::report;
use crate::exit::Exit;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::render_error::Failure;
use crate::{agent, output};

/// Where a pack goes when nobody says.
const DEFAULT_FILE: &str = "evidence.zip";

/// What made the pack: `environment.json`.
#[derive(Debug, Serialize)]
struct Environment<'a> {
    schema_version: u32,
    packed_by: &'a Tool,
    /// SHA-256 of the agents that this build deploys, by target.
    agents: BTreeMap<String, Digest>,
}

/// Packs.
pub(super) fn pack(global: &Global, args: &PackArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let campaign = open(&project, args)?;
    let key = args.key.as_deref().map(SigningKey::read).transpose()?;
    let out = args.output.clone().unwrap_or_else(|| campaign.dir().join(DEFAULT_FILE));
    let lock = locked(&campaign)?;
    let claim = Claim::of(&project, &campaign, args)?;
    let packed = match args.redact {
        None => contents(&campaign, claim.as_ref())?.write(key.as_ref(), &out)?,
        Some(how) => {
            let temporary = beside(&out)?;
            redacted_contents(&campaign, claim.as_ref(), how, temporary.path())?.write(key.as_ref(), &out)?
        }
    };
    drop(lock);
    tell(global, &packed, &out)?;
    Ok(Exit::Ok)
}

/// The campaign, under the name that its folder really has.
fn open(project: &Project, args: &PackArgs) -> Result<Campaign, Failure> {
    let named = args.campaign.as_deref().filter(|path| path.join(PLAN_FILE).is_file());
    // Best effort: a folder without a true name is named as it was.
    let named = named.map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    let campaign = report::open(project, named.as_deref().or(args.campaign.as_deref()))?;
    if is_fit_name(&campaign.id().0) {
        return Ok(campaign);
    }
    Err(Failure::usage(
        format!("`{}` cannot be the name of a campaign in a pack", campaign.id()),
        "rename its folder: at most 100 letters, digits, `-`, `_` and `.`, not first a `.`",
    ))
}

/// Keeps others from going on with the campaign while it is packed.
fn locked(campaign: &Campaign) -> Result<File, Failure> {
    let path = campaign.journal_path();
    let unreadable = |error| {
        Failure::io(
            format!("cannot read {}", path.display()),
            error,
            "check that the campaign's folder is whole",
        )
    };
    let file = File::open(&path).map_err(unreadable)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::usage(
            format!("campaign {} is being measured", campaign.id()),
            "pack it when that is over, or stop it with Ctrl-C",
        )),
        Err(TryLockError::Error(error)) => Err(unreadable(error)),
    }
}

/// A folder for a copy of the record, on the disk that takes the pack.
fn beside(out: &Path) -> Result<tempfile::TempDir, Failure> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::Builder::new().prefix(".evidence-").tempdir_in(folder));
    made.map_err(|error| {
        Failure::io(format!("cannot write in {}", folder.display()), error, "name another file with --output")
    })
}

/// The pack of a campaign as it is.
fn contents(campaign: &Campaign, claim: Option<&Claim>) -> Result<Contents, Failure> {
    let report = dyno_analysis::report(campaign)?;
    contents_with(campaign, claim, &report, None)
}

fn contents_with(
    campaign: &Campaign,
    claim: Option<&Claim>,
    report: &Report,
    redaction: Option<Redaction>,
) -> Result<Contents, Failure> {
    let packed_by = this_tool();
    let environment = Environment { schema_version: 1, packed_by: &packed_by, agents: agent::digests() };
    let mut made = vec![
        (ENVIRONMENT_FILE, json_bytes(&environment)),
        (INPUTS_FILE, json_bytes(&inputs::inputs(campaign)?)),
        (REPORT_FILE, report::render(report, Format::Json, TerminalStyle::default())),
        (PAGE_FILE, report::render(report, Format::Html, TerminalStyle::default())),
    ];
    if let Some(claim) = claim {
        made.extend(claim.files(campaign)?);
    }
    let files = [(PLAN_FILE, campaign.dir().join(PLAN_FILE)), (JOURNAL_FILE, campaign.journal_path())];
    let made =
        made.into_iter().map(|(name, bytes)| Member { name: name.to_owned(), source: Source::Bytes(bytes) });
    let files = files.map(|(name, path)| Member { name: name.to_owned(), source: Source::File(path) });
    let members = made.chain(files).collect();
    Ok(Contents { campaign: campaign.id().0.clone(), packed_by, members, redaction })
}

/// The pack of a copy without texts, all of whose figures are those of the whole record.
fn redacted_contents(
    campaign: &Campaign,
    claim: Option<&Claim>,
    how: Redact,
    temporary: &Path,
) -> Result<Contents, Failure> {
    let mode = match how {
        Redact::Drop => RedactionMode::Drop,
        Redact::Hash => RedactionMode::Hash,
    };
    let mut redactor = Redactor::new(mode);
    let copy = redacted(campaign, &mut redactor, temporary)?;
    let (whole, without) = (dyno_analysis::report_without_grades(campaign)?, dyno_analysis::report(&copy)?);
    same_figures(&whole, &without)?;
    let originals = [(PLAN_FILE, campaign.dir().join(PLAN_FILE)), (JOURNAL_FILE, campaign.journal_path())];
    let originals =
        originals.into_iter().map(|(name, path)| listed(name, &path)).collect::<Result<_, _>>()?;
    let redaction = Redaction { mode, removed: redactor.removed(), originals };
    contents_with(&copy, claim, &without, Some(redaction))
}

fn same_figures(whole: &Report, without: &Report) -> Result<(), Failure> {
    let json = |report| -> Value { serde_json::to_value(report).expect("a report has only string keys") };
    let shown = |value: Option<Value>| value.map_or_else(|| "absent".to_owned(), |value| value.to_string());
    match first_other_figure(&json(whole), &json(without)) {
        None => Ok(()),
        Some(Difference { pointer, first, second }) => {
            Err(PackError::OtherFigures { pointer, whole: shown(first), redacted: shown(second) }.into())
        }
    }
}

fn listed(name: &str, path: &PathBuf) -> Result<ListedFile, Failure> {
    let read = File::open(path).and_then(|mut file| {
        let sha256 = Digest::of_reader(&mut file)?;
        Ok(ListedFile { name: name.to_owned(), bytes: file.metadata()?.len(), sha256 })
    });
    read.map_err(|error| Failure::io(format!("cannot read {}", path.display()), error, "check its owner"))
}

/// Says what was packed, and loudly what it lacks.
fn tell(global: &Global, packed: &Packed, out: &Path) -> Result<(), Failure> {
    let (talk, manifest) = (Talk::of(global), &packed.manifest);
    let text = if global.json {
        let json = serde_json::json!({
            "file": out.display().to_string(),
            "bytes": packed.bytes,
            "sha256": packed.digest,
            "manifest": manifest,
        });
        format!("{json:#}\n")
    } else {
        let signer = manifest.signer.as_ref().map_or("nobody", |signer| &signer.fingerprint);
        format!(
            "pack         {}\nbytes        {}\nsha256       {}\nMerkle root  {}\nsigned by    {signer}\n",
            out.display(),
            grouped(packed.bytes),
            packed.digest,
            manifest.merkle_root
        )
    };
    output::stdout(text.as_bytes())?;
    if manifest.signer.is_none() {
        say(talk, Talk::Quiet, "warning: this pack is NOT SIGNED: anybody could have made it");
        say(
            talk,
            Talk::Quiet,
            "hint: `edgedyno evidence keygen FILE` makes a key; pack again with --key FILE",
        );
    }
    if manifest.redaction.is_none() {
        say(talk, Talk::Normal, "prompts, answers and device names are in it; --redact leaves them out");
    }
    Ok(())
}
