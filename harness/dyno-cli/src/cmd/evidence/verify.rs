//! `evidence verify`: offline, from the pack alone.

use std::path::Path;

use dyno_evidence::{Fault, OpenError, Opened, PublicKey, Rigour, SignatureState};
use dyno_model::blame::chain;
use dyno_report::untrusted::visible;

use crate::args::{Global, VerifyArgs};
use crate::cmd::evidence::recompute::{recompute, rigour};
use crate::cmd::evidence::result::{Check, Signature, State, Verified, grouped};
use crate::cmd::evidence::{json_bytes, this_tool};
use crate::exit::Exit;
use crate::output;
use crate::render_error::Failure;

/// Says whether all that is asked holds.
pub(super) fn verify(global: &Global, args: &VerifyArgs) -> Result<Exit, Failure> {
    let trusted = args.public_key.iter().map(|path| PublicKey::read(path)).collect::<Result<Vec<_>, _>>()?;
    let verified = match Opened::open(&args.file) {
        Ok(pack) => examined(&args.file, &pack, &trusted)?,
        Err(OpenError::Changed { fault, .. }) => unopened(&args.file, &fault),
        Err(error) => return Err(error.into()),
    };
    let bytes = if global.json { json_bytes(&verified) } else { visible(&verified.words()).into_bytes() };
    output::stdout(&bytes)?;
    Ok(if verified.verified { Exit::Ok } else { Exit::Invalid })
}

/// An archive that was changed so that nothing in it can be relied on.
fn unopened(file: &Path, fault: &Fault) -> Verified {
    Verified {
        schema_version: 1,
        pack: file.display().to_string(),
        verified: false,
        campaign: None,
        packed_by: None,
        signature: None,
        redaction: None,
        checks: vec![Check::fails("archive", chain(fault))],
    }
}

fn examined(file: &Path, pack: &Opened, trusted: &[PublicKey]) -> Result<Verified, Failure> {
    let manifest = pack.manifest();
    let (n_members, n_bytes) = pack.size();
    let mut checks = vec![Check::holds(
        "archive",
        format!("{n_members} members of {} bytes, nothing else in it", grouped(n_bytes)),
    )];
    let faults = pack.faults()?;
    if faults.is_empty() {
        let n = manifest.files.len();
        checks.push(Check::holds("digests", format!("{n} files are those of the manifest")));
        checks.push(Check::holds("Merkle root", manifest.merkle_root.as_str()));
    }
    checks.extend(faults.iter().map(|fault| Check::fails("digests", fault.to_string())));
    let state = pack.signature(trusted)?;
    checks.push(signature_check(&state, trusted));
    if faults.is_empty() {
        checks.extend(from_record(pack)?);
    } else {
        checks.push(Check::new("figures", State::NotChecked, "the record is not the one that was packed"));
    }
    Ok(Verified {
        schema_version: 1,
        pack: file.display().to_string(),
        verified: !checks.iter().any(Check::is_bad),
        campaign: Some(manifest.campaign.clone()),
        packed_by: Some(manifest.packed_by.clone()),
        signature: Some(Signature::of(&state)),
        redaction: manifest.redaction.as_ref().map(|redaction| redaction.mode),
        checks,
    })
}

fn signature_check(state: &SignatureState, trusted: &[PublicKey]) -> Check {
    let check = |state, text: String| Check::new("signature", state, text);
    match state {
        SignatureState::None if trusted.is_empty() => {
            check(State::NotAsked, "no signature: anybody can have made this pack".to_owned())
        }
        SignatureState::None => check(State::Fails, "no signature, and one was asked for".to_owned()),
        SignatureState::Missing => check(
            State::Fails,
            "missing: the manifest names a signer, and the signature or key is gone".to_owned(),
        ),
        SignatureState::Broken => {
            check(State::Fails, "broken: it is not that of this manifest by the key that it names".to_owned())
        }
        SignatureState::UnknownKey { fingerprint } => {
            check(State::NotAsked, format!("good, by an unknown key: {fingerprint}"))
        }
        SignatureState::WrongKey { fingerprint } => {
            let asked: Vec<String> = trusted.iter().map(PublicKey::fingerprint).collect();
            check(State::Fails, format!("wrong key: signed by {fingerprint}, not by {}", asked.join(" or ")))
        }
        SignatureState::Good { fingerprint } => check(State::Holds, format!("good, by {fingerprint}")),
    }
}

/// A check without the folder that is gone when it is read.
fn without(temporary: &Path, check: Check) -> Check {
    let text = check.text.replace(&format!("{}/", temporary.display()), "");
    Check { text, ..check }
}

/// All that follows from the record. A record that was made to break us breaks a thread, and is told.
fn from_record(pack: &Opened) -> Result<Vec<Check>, Failure> {
    let here = this_tool();
    let rigour = rigour(pack.manifest(), &here);
    let mut checks = Vec::new();
    if rigour == Rigour::OtherBuild {
        let by = &pack.manifest().packed_by;
        let text = format!(
            "packed by another build ({}, {}) than this one ({}, {}): formulas may differ",
            by.tool_version,
            by.program_sha256.as_ref().map_or("unknown", |digest| digest.short()),
            here.tool_version,
            here.program_sha256.as_ref().map_or("unknown", |digest| digest.short()),
        );
        checks.push(Check::new("build", State::NotAsked, text));
    }
    let temporary = tempfile::Builder::new().prefix("edgedyno-verify-").tempdir();
    let temporary = temporary.map_err(|error| {
        Failure::io("cannot make a temporary folder", error, "name one that you may write in TMPDIR")
    })?;
    let computing = || recompute(pack, rigour, temporary.path());
    let computed = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("recompute".to_owned());
        thread.spawn_scoped(scope, computing).map(std::thread::ScopedJoinHandle::join)
    });
    match computed {
        Ok(Ok(found)) => checks.extend(found?.into_iter().map(|check| without(temporary.path(), check))),
        Ok(Err(_panic)) => {
            let text = "computing from this record broke edgedyno; its words are above";
            checks.push(Check::fails("figures", text));
        }
        Err(error) => {
            return Err(Failure::io("cannot start a thread", error, "end other programs and try again"));
        }
    }
    Ok(checks)
}
