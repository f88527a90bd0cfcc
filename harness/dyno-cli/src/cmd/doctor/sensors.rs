//! `doctor --sensors`: every sensor of a device, and which sources of power can be believed.

mod remedy;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use dyno_model::board::{PlannedBoard, find_board};
use dyno_model::ids::DeviceId;
use dyno_model::plan::PlannedDevice;
use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope, SensorDeclared};
use dyno_model::sensor_test::{SourceTest, SourceVerdict};
use dyno_protocol::message::Lease;
use dyno_session::{SensorsFound, Visit};
use serde::Serialize;

use crate::args::Global;
use crate::cmd::devices::{chain, meet, pick};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::reach::{self, Agents};
use crate::render_error::Failure;

/// Version of the form; raised when a field changes its meaning.
const FORMAT: u32 = 1;

/// What `doctor --sensors --json` prints, described by `docs/schemas/sensors.schema.json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Inventory {
    /// Version of this form: 1.
    format: u32,
    /// One entry for each device, by name.
    devices: Vec<Device>,
}

/// One device.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Device {
    /// Its name in devices.toml.
    name: String,
    /// What it calls itself.
    model: Option<String>,
    /// Its entry in the catalogue of boards, where it has one.
    board: Option<String>,
    /// Why it could not be asked.
    error: Option<String>,
    /// What to do about that.
    hints: Vec<String>,
    /// Sources of power and energy, as they were tried.
    sources: Vec<SourceRow>,
    /// What the board's sources add up to; null where the catalogue names no sum.
    total: Option<Total>,
    /// All channels that can be read.
    channels: Vec<ChannelRow>,
    /// What is there and cannot be read.
    unreadable: Vec<UnreadableRow>,
    /// What to know before figures of this device are used.
    notes: Vec<String>,
}

/// A source of power or energy against known steps of load.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SourceRow {
    /// Driver.
    driver: String,
    /// What it measures.
    site: String,
    /// `power_uw` or `energy_uj`.
    quantity: String,
    /// How far it can be trusted, A to D.
    class: AccuracyClass,
    /// `device`, `board`, `package`, `part`; null where unknown.
    scope: Option<String>,
    /// Median time between two readings that differ.
    update_ns: Option<u64>,
    /// How late half of a change is there.
    lag_ns: Option<u64>,
    /// Power at rest.
    idle_uw: Option<i64>,
    /// Power under load.
    busy_uw: Option<i64>,
    /// Steps of load.
    n_steps: u32,
    /// Steps that it followed.
    n_followed: u32,
    /// `usable`, `negated`, `untried`, `unusable`.
    verdict: &'static str,
    /// Why, for the last two.
    why: Option<String>,
}

/// The sum of a board's sources.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Total {
    /// What is added up.
    sites: Vec<String>,
    /// What the sum covers.
    scope: String,
    /// The sum at rest; null unless all of them are there and none is unusable.
    idle_uw: Option<i64>,
    /// The sum under load.
    busy_uw: Option<i64>,
    /// What it leaves out.
    caveat: Option<String>,
}

/// One channel.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ChannelRow {
    /// Driver.
    driver: String,
    /// Where.
    site: String,
    /// What: `temp_mdegc`.
    quantity: String,
    /// Its unit; null for states, flags and counts.
    unit: Option<&'static str>,
    /// How far it can be trusted, A to D.
    class: AccuracyClass,
    /// As in [`SourceRow`].
    scope: Option<String>,
    /// How often a run reads it, in ms; 0 is at its boundaries only.
    period_ms: u32,
}

/// A sensor that cannot be read.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UnreadableRow {
    /// Driver.
    driver: String,
    /// What is there.
    what: String,
    /// Why it cannot be read.
    reason: String,
    /// What mends it; null where nothing does.
    fix: Option<&'static str>,
}

/// Tries the sensors of each device that is named; of this machine where none is.
pub(super) fn sensors(global: &Global, selectors: &[String], limit: Duration) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let this_machine = ["local".to_owned()];
    let planned = pick(&project, if selectors.is_empty() { &this_machine } else { selectors })?;
    let boards = dyno_plan::Catalog::load(&project.inputs()?)?.boards;
    let agents = Agents::default();
    let found = meet::each(global, &planned, &|call| {
        let lease = Lease { holder: reach::holder(), campaign: None, force: false, is_again: false };
        let mut transport = reach::transport(call.device, call.planned, call.ask)?;
        let mut visit = Visit::open(call.device, transport.as_mut(), &agents, &lease, call.observer)?;
        let found = visit.test_sensors(call.planned.sys_root.as_deref(), limit)?;
        visit.close();
        Ok(found)
    });
    let inventory = Inventory { format: FORMAT, devices: devices(&planned, &found, &boards) };
    if global.json {
        let mut json = serde_json::to_vec_pretty(&inventory).expect("it has only string keys");
        json.push(b'\n');
        output::stdout(&json)?;
    } else {
        output::stdout(table::render(&inventory, output::color(global)).as_bytes())?;
    }
    Ok(if inventory.devices.iter().any(|one| one.error.is_some()) { Exit::Lab } else { Exit::Ok })
}

fn devices(
    planned: &BTreeMap<DeviceId, PlannedDevice>,
    found: &BTreeMap<DeviceId, Result<SensorsFound, Failure>>,
    boards: &BTreeMap<String, PlannedBoard>,
) -> Vec<Device> {
    let one = |(device, found): (&DeviceId, &Result<SensorsFound, Failure>)| {
        let named = planned.get(device).and_then(|one| one.board.as_deref());
        match found {
            Ok(found) => of_device(device, found, named, boards),
            Err(failure) => Device {
                name: device.0.clone(),
                error: Some(chain(failure)),
                hints: failure.hints.clone(),
                ..Device::default()
            },
        }
    };
    found.iter().map(one).collect()
}

fn of_device(
    device: &DeviceId,
    found: &SensorsFound,
    named: Option<&str>,
    boards: &BTreeMap<String, PlannedBoard>,
) -> Device {
    let all = boards.iter().map(|(name, board)| (name.as_str(), board));
    let board = find_board(all, named, Some(&found.facts)).map(|(_, board)| board);
    let unreadable = found.unreadable.iter().map(|one| UnreadableRow {
        driver: one.driver.clone(),
        what: one.what.clone(),
        reason: one.reason.clone(),
        fix: remedy::of(&one.driver, &one.reason),
    });
    let mut notes = remedy::notes(&found.tests);
    notes.extend(board.iter().flat_map(|board| board.notes.clone()));
    Device {
        name: device.0.clone(),
        model: found.facts.model.clone(),
        board: board.map(|board| board.title.clone()),
        error: None,
        hints: Vec::new(),
        sources: found.tests.iter().map(SourceRow::from).collect(),
        total: board.and_then(|board| total(board, &found.tests)),
        channels: found.declared.iter().flat_map(channels).collect(),
        unreadable: unreadable.collect(),
        notes,
    }
}

fn channels(sensor: &SensorDeclared) -> impl Iterator<Item = ChannelRow> {
    let row = |channel: &Channel| {
        let quantity = word(&channel.quantity);
        ChannelRow {
            driver: sensor.driver.clone(),
            site: channel.site.clone(),
            unit: unit(&quantity),
            quantity,
            class: channel.class,
            scope: channel.scope.as_ref().map(word),
            period_ms: channel.period_ms,
        }
    };
    sensor.channels.iter().map(row)
}

impl From<&SourceTest> for SourceRow {
    fn from(test: &SourceTest) -> Self {
        let (verdict, why) = match &test.verdict {
            SourceVerdict::Usable => ("usable", None),
            SourceVerdict::Negated => ("negated", None),
            SourceVerdict::Untried { why } => ("untried", Some(why.clone())),
            SourceVerdict::Unusable { why } => ("unusable", Some(why.clone())),
        };
        Self {
            driver: test.driver.clone(),
            site: test.site.clone(),
            quantity: word(&test.quantity),
            class: test.class,
            scope: test.scope.as_ref().map(word),
            update_ns: test.update_ns,
            lag_ns: test.lag_ns,
            idle_uw: test.idle_uw,
            busy_uw: test.busy_uw,
            n_steps: test.n_steps,
            n_followed: test.n_followed,
            verdict,
            why,
        }
    }
}

/// The sum that the catalogue names: there only if all of its sources are, and none is known to be wrong.
fn total(board: &PlannedBoard, tests: &[SourceTest]) -> Option<Total> {
    let total = board.total.as_ref()?;
    let of = |site: &String| tests.iter().find(|test| test.site == *site && test.quantity == total.quantity);
    let is_good = |test: &&SourceTest| !matches!(test.verdict, SourceVerdict::Unusable { .. });
    let parts: Option<Vec<&SourceTest>> = total.sites.iter().map(|site| of(site).filter(is_good)).collect();
    let sum = |level: fn(&SourceTest) -> Option<i64>| {
        parts.as_ref()?.iter().map(|test| level(test)).sum::<Option<i64>>()
    };
    Some(Total {
        sites: total.sites.clone(),
        scope: word::<Scope>(&total.scope),
        idle_uw: sum(|test| test.idle_uw),
        busy_uw: sum(|test| test.busy_uw),
        caveat: total.caveat.clone(),
    })
}

/// The word of a value of a closed set, as in files.
fn word<T: Serialize>(value: &T) -> String {
    let json = serde_json::to_value(value).expect("a plain enum is JSON");
    json.as_str().expect("its variants have no fields").to_owned()
}

/// The unit that a quantity's name ends in; states and counts have none.
fn unit(quantity: &str) -> Option<&'static str> {
    let end = quantity.rsplit('_').next()?;
    let units = [
        ("uw", "µW"),
        ("uj", "µJ"),
        ("uv", "µV"),
        ("ua", "µA"),
        ("uah", "µAh"),
        ("uwh", "µWh"),
        ("permille", "‰"),
        ("bytes", "B"),
        ("ns", "ns"),
        ("khz", "kHz"),
        ("mdegc", "m°C"),
        ("rpm", "1/min"),
    ];
    units.iter().find(|(suffix, _)| *suffix == end).map(|(_, unit)| *unit)
}

/// Whether a test is of the power of something, and not of a part.
fn is_whole(test: &SourceTest) -> bool {
    matches!(test.scope, Some(Scope::Device | Scope::Board | Scope::Package))
        && matches!(test.quantity, Quantity::PowerUw | Quantity::EnergyUj)
}

#[cfg(test)]
mod tests;
