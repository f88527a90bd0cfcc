//! `devices`: who is there and what they are; and what edgedyno put on them.

mod add;
mod candidates;
pub(crate) mod meet;
mod rows;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dyno_model::ids::DeviceId;
use dyno_model::plan::PlannedDevice;
use dyno_protocol::message::Lease;
use dyno_report::untrusted::one_line;
use dyno_report::words;
use dyno_session::Visit;
use dyno_view::report::FactValue;
use serde::Serialize;

use crate::args::{DevicesArgs, DevicesCommand, Global, ListArgs};
use crate::exit::Exit;
use crate::output;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::reach::{self, Agents};
use crate::render_error::Failure;

pub(crate) use meet::{Met, meet};
pub(crate) use rows::chain;

/// The subcommand.
pub(crate) fn devices(global: &Global, args: &DevicesArgs) -> Result<Exit, Failure> {
    match &args.command {
        None => list(global, &args.list),
        Some(DevicesCommand::List(args)) => list(global, args),
        Some(DevicesCommand::Discover) => list(global, &ListArgs { discover: true, ..ListArgs::default() }),
        Some(DevicesCommand::Add(args)) => add::add(global, args),
        Some(DevicesCommand::Clean { devices }) => clean(global, devices),
        Some(DevicesCommand::Release { devices }) => release(global, devices),
    }
}

/// The devices of devices.toml that `selectors` mean.
pub(crate) fn pick(
    project: &Project,
    selectors: &[String],
) -> Result<BTreeMap<DeviceId, PlannedDevice>, Failure> {
    Ok(dyno_plan::pick_devices(&project.inputs()?, selectors)?)
}

fn list(global: &Global, args: &ListArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let planned = pick(&project, &args.devices)?;
    let met = meet(global, &planned);
    let mut inventory = rows::Inventory::of(&planned, &met);
    // What is named is all that is wanted; else whatever else could be a device is told, too.
    if args.devices.is_empty() {
        candidates::append(&mut inventory, &planned, args.discover);
    }
    if global.json {
        output::stdout(&inventory.json())?;
    } else {
        let text = table::render(&inventory, output::columns(), output::color(global));
        output::stdout(text.as_bytes())?;
        for note in &inventory.notes {
            say(Talk::of(global), Talk::Verbose, &one_line(note));
        }
    }
    Ok(Exit::Ok)
}

/// What became of one device, for `clean` and `release`.
#[derive(Serialize)]
struct Done {
    name: String,
    /// Bytes that are free again; only where something was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    freed_bytes: Option<u64>,
    error: Option<String>,
    hints: Vec<String>,
}

fn clean(global: &Global, selectors: &[String]) -> Result<Exit, Failure> {
    let planned = pick(&Project::find(global)?, selectors)?;
    let freed = meet::each(global, &planned, &|call| {
        let mut transport = reach::transport(call.device, call.planned, call.ask)?;
        Ok(transport.clean()?)
    });
    finish(global, freed, |bytes| Some(*bytes), |bytes| format!("{} freed", size(*bytes)))
}

fn release(global: &Global, selectors: &[String]) -> Result<Exit, Failure> {
    let planned = pick(&Project::find(global)?, selectors)?;
    let agents = Agents::default();
    let lease = Lease { holder: reach::holder(), campaign: None, force: true, is_again: false };
    let released = meet::each(global, &planned, &|call| {
        let mut transport = reach::transport(call.device, call.planned, call.ask)?;
        let visit = Visit::open(call.device, transport.as_mut(), &agents, &lease, call.observer)?;
        visit.close();
        Ok(())
    });
    finish(global, released, |()| None, |()| "released: no agent works there any more".to_owned())
}

/// Says what became of each device; fails if one failed, after all were told.
fn finish<T>(
    global: &Global,
    done: BTreeMap<DeviceId, Result<T, Failure>>,
    freed: impl Fn(&T) -> Option<u64>,
    words: impl Fn(&T) -> String,
) -> Result<Exit, Failure> {
    let mut text = String::new();
    let (mut all, mut exit) = (Vec::new(), Exit::Ok);
    for (device, result) in done {
        let (freed_bytes, error, hints) = match result {
            Ok(value) => {
                writeln!(text, "{device}: {}", words(&value)).expect("writing to a String cannot fail");
                (freed(&value), None, Vec::new())
            }
            Err(failure) => {
                let error = chain(&failure);
                say(Talk::of(global), Talk::Quiet, &one_line(&format!("{device}: {error}")));
                for hint in &failure.hints {
                    say(Talk::of(global), Talk::Quiet, &one_line(&format!("  hint: {hint}")));
                }
                exit = failure.exit;
                (None, Some(error), failure.hints)
            }
        };
        all.push(Done { name: device.0, freed_bytes, error, hints });
    }
    if global.json {
        let mut json = serde_json::to_vec_pretty(&all).expect("it has only string keys");
        json.push(b'\n');
        output::stdout(&json)?;
    } else {
        output::stdout(text.as_bytes())?;
    }
    Ok(exit)
}

/// Bytes for people.
fn size(n_bytes: u64) -> String {
    words::fact(&FactValue::Bytes(n_bytes))
}
