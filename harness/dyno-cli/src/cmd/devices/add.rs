//! `devices add`: one more device in devices.toml.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dyno_model::ids::DeviceId;
use dyno_model::plan::{PlannedDevice, TransportSpec};
use dyno_plan::{Inputs, NewDevice, Source, SourceKind, Tier};
use dyno_report::untrusted::one_line;

use crate::args::{AddArgs, Global};
use crate::cmd::devices::meet;
use crate::cmd::devices::rows::{Inventory, Row};
use crate::exit::Exit;
use crate::output;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::render_error::Failure;

/// Writes it down, if it can be reached.
pub(crate) fn add(global: &Global, args: &AddArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let inputs = project.inputs()?;
    let text = dyno_plan::add_device(&inputs, &new_device(args))?;
    let planned = dyno_plan::pick_devices(&with(inputs, &text), std::slice::from_ref(&args.name))?;
    let row = if args.no_check { unchecked(&planned) } else { checked(global, &planned)? };
    let path = project.root.join("devices.toml");
    write(&path, &text).map_err(|error| {
        let words = format!("cannot write {}", path.display());
        Failure::io(words, error, "check that you may write there, or name another folder with --project")
    })?;
    let known = row.facts.as_ref().and_then(|facts| facts.model.clone()).unwrap_or_default();
    let known = if known.is_empty() { known } else { format!(", {}", one_line(&known)) };
    say(Talk::of(global), Talk::Normal, &format!("{}{known}: added to {}", args.name, path.display()));
    if global.json {
        output::stdout(&Inventory { format: 1, devices: vec![row], notes: Vec::new() }.json())?;
    }
    Ok(Exit::Ok)
}

fn new_device(args: &AddArgs) -> NewDevice {
    let transport = match (&args.way.ssh, &args.way.adb) {
        (Some(host), _) => TransportSpec::Ssh { host: host.clone() },
        (None, Some(serial)) => TransportSpec::Adb { serial: serial.clone() },
        // The command line asks for one of them.
        (None, None) => TransportSpec::Local,
    };
    NewDevice {
        name: args.name.clone(),
        transport,
        board: args.board.clone(),
        tags: args.tags.clone(),
        work_dir: args.work_dir.clone(),
        price_eur_cents: args.price_eur,
    }
}

/// The inputs with another devices.toml.
fn with(mut inputs: Inputs, text: &str) -> Inputs {
    inputs.sources.retain(|source| source.kind != SourceKind::Devices || source.tier != Tier::User);
    inputs.with(Source::user_as(SourceKind::Devices, "devices.toml", text))
}

fn unchecked(planned: &BTreeMap<DeviceId, PlannedDevice>) -> Row {
    let (device, planned) = planned.first_key_value().expect("it was found by its name");
    Row::of(device, planned, None)
}

/// The device's row; fails where it does not answer, and nothing is written then.
fn checked(global: &Global, planned: &BTreeMap<DeviceId, PlannedDevice>) -> Result<Row, Failure> {
    let (device, of) = planned.first_key_value().expect("it was found by its name");
    let mut met = meet(global, planned).remove(device).expect("it was met");
    match met.failure.take() {
        None => Ok(Row::of(device, of, Some(&met))),
        Some(mut failure) => {
            failure.hints.push("nothing was written; `--no-check` writes it down all the same".to_owned());
            Err(failure)
        }
    }
}

/// Whole or not at all, in place of what is there, through links, with its permissions.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    // A file that is not there yet has no other name.
    let path = path.canonicalize().unwrap_or_else(|_absent| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    let permissions = match fs::metadata(&path) {
        Ok(there) => there.permissions(),
        Err(_) => fs::Permissions::from_mode(0o644),
    };
    fs::set_permissions(file.path(), permissions)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
