//! `evidence`: a campaign as one archive that others can verify.

mod claim;
mod inputs;
mod pack;
mod recompute;
mod redact;
mod result;
mod verify;

use std::fs::File;
use std::path::Path;

use dyno_evidence::{Opened, Tool, public_key_path, write_key_pair};
use dyno_model::digest::Digest;
use dyno_protocol::build_id::BUILD_ID;
use dyno_report::untrusted::visible;

pub(crate) use redact::redacted;

use crate::args::{EvidenceCommand, Global};
use crate::cmd::campaign::VERSION;
use crate::exit::Exit;
use crate::output;
use crate::progress::{Talk, say};
use crate::render_error::Failure;

const PLAN_FILE: &str = "plan.json";
const JOURNAL_FILE: &str = "journal.log";
const REPORT_FILE: &str = "report.json";
const PAGE_FILE: &str = "report.html";
const INPUTS_FILE: &str = "inputs.json";
const ENVIRONMENT_FILE: &str = "environment.json";

/// Does what the subcommand says.
pub(crate) fn evidence(global: &Global, command: &EvidenceCommand) -> Result<Exit, Failure> {
    match command {
        EvidenceCommand::Pack(args) => pack::pack(global, args),
        EvidenceCommand::Verify(args) => verify::verify(global, args),
        EvidenceCommand::Keygen { file } => keygen(global, file),
        EvidenceCommand::Show { file } => show(global, file),
    }
}

fn keygen(global: &Global, file: &Path) -> Result<Exit, Failure> {
    let key = write_key_pair(file)?;
    let (private, public) = (file.display().to_string(), public_key_path(file).display().to_string());
    let text = if global.json {
        let json = serde_json::json!({
            "private_key": private, "public_key": public, "fingerprint": key.fingerprint()
        });
        format!("{json:#}\n")
    } else {
        format!("private key  {private}\npublic key   {public}\nfingerprint  {}\n", key.fingerprint())
    };
    output::stdout(text.as_bytes())?;
    say(
        Talk::of(global),
        Talk::Normal,
        "keep the private key to yourself; give the public key, and the fingerprint by another way",
    );
    Ok(Exit::Ok)
}

fn show(global: &Global, file: &Path) -> Result<Exit, Failure> {
    let pack = Opened::open(file)?;
    let manifest = pack.manifest();
    let text = if global.json {
        String::from_utf8(manifest.canonical()).expect("a manifest is JSON")
    } else {
        result::manifest_words(manifest)
    };
    output::stdout(visible(&text).as_bytes())?;
    say(Talk::of(global), Talk::Normal, "nothing of this was checked: `edgedyno evidence verify` does that");
    Ok(Exit::Ok)
}

/// This build of edgedyno.
fn this_tool() -> Tool {
    // Best effort: a program that cannot read itself counts as another build.
    let program = std::env::current_exe().and_then(File::open);
    let digest = program.and_then(|mut file| Digest::of_reader(&mut file));
    Tool { tool_version: VERSION.to_owned(), build_id: BUILD_ID.to_owned(), program_sha256: digest.ok() }
}

/// JSON as it stands in packs: indented, with a line feed at its end.
fn json_bytes(value: &impl serde::Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(value).expect("plain fields with string keys");
    json.push(b'\n');
    json
}
