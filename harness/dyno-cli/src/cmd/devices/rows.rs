//! The inventory as plain data: what `devices --json` prints, described by `docs/schemas/inventory.schema.json`.

use std::collections::BTreeMap;

use dyno_model::device::DeviceFacts;
use dyno_model::ids::DeviceId;
use dyno_model::plan::{PlannedDevice, TransportSpec};
use dyno_transport::Platform;
use serde::Serialize;

use crate::cmd::devices::Met;
use crate::render_error::Failure;

/// Version of the inventory's form; raised when a field changes its meaning.
const INVENTORY_FORMAT: u32 = 1;

/// All devices that were asked for, and what else could be one.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Inventory {
    /// Version of this form: 1.
    pub(crate) format: u32,
    /// One entry for each device, those of devices.toml first, by name.
    pub(crate) devices: Vec<Row>,
    /// What could not be looked for, and why.
    pub(crate) notes: Vec<String>,
}

/// One device.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Row {
    /// Its name in devices.toml; for a candidate its serial number or its ssh alias.
    pub(crate) name: String,
    /// Where it is known from.
    pub(crate) origin: Origin,
    /// `local`, `ssh` or `adb`.
    pub(crate) transport: &'static str,
    /// Host or serial number; null for this machine.
    pub(crate) address: Option<String>,
    /// What carries the bytes: `libssh2`, `the ssh program`, `adb`; null where it was not tried.
    pub(crate) carrier: Option<String>,
    /// What board devices.toml says it is.
    pub(crate) board: Option<String>,
    /// Its labels in devices.toml.
    pub(crate) tags: Vec<String>,
    /// What it costs, in hundredths of a euro.
    pub(crate) price_eur_cents: Option<u64>,
    /// Whether it could be reached; null where it was not tried: candidates are left alone.
    pub(crate) reachable: Option<bool>,
    /// Round trip of the quickest of several questions to the agent there, in ns.
    pub(crate) latency_ns: Option<u64>,
    /// Why it says nothing, or less than it could.
    pub(crate) error: Option<String>,
    /// What to do about it.
    pub(crate) hints: Vec<String>,
    /// What it runs, where no agent could say more.
    pub(crate) platform: Option<PlatformRow>,
    /// What it says of itself; null where it could not be asked.
    pub(crate) facts: Option<DeviceFacts>,
}

/// Where a device is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// devices.toml, or what edgedyno ships with: this machine.
    DevicesToml,
    /// The adb server lists it; nothing was done to it.
    Adb,
    /// The user's ssh configuration names it; nothing was done to it.
    SshConfig,
}

/// What a device runs.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PlatformRow {
    /// `Linux`, `Android`, `Darwin`, `Windows`.
    pub(crate) os: String,
    /// Instruction set of the kernel, as `uname -m` says it.
    pub(crate) machine: String,
    /// ABIs that Android lists, best first.
    abis: Vec<String>,
    /// Width of a pointer in its programs.
    bits: Option<u32>,
}

impl From<&Platform> for PlatformRow {
    fn from(platform: &Platform) -> Self {
        let Platform { os, machine, abis, bits, .. } = platform.clone();
        Self { os, machine, abis, bits }
    }
}

impl Inventory {
    /// The devices of devices.toml.
    pub(crate) fn of(planned: &BTreeMap<DeviceId, PlannedDevice>, met: &BTreeMap<DeviceId, Met>) -> Self {
        let devices = planned.iter().map(|(device, planned)| Row::of(device, planned, met.get(device)));
        Self { format: INVENTORY_FORMAT, devices: devices.collect(), notes: Vec::new() }
    }

    /// As bytes for stdout.
    pub(crate) fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("an inventory has only string keys");
        json.push(b'\n');
        json
    }
}

impl Row {
    /// One of devices.toml.
    pub(crate) fn of(device: &DeviceId, planned: &PlannedDevice, met: Option<&Met>) -> Self {
        let (transport, address) = address(&planned.transport);
        let failure = met.and_then(|met| met.failure.as_ref());
        Self {
            board: planned.board.clone(),
            tags: planned.tags.clone(),
            price_eur_cents: planned.price_eur_cents,
            carrier: met.and_then(|met| met.carrier.clone()),
            reachable: met.map(|met| met.facts.is_some() || met.platform.is_some()),
            latency_ns: met.and_then(|met| met.latency_ns),
            error: failure.map(chain),
            hints: failure.map(|failure| failure.hints.clone()).unwrap_or_default(),
            platform: met.and_then(|met| met.platform.as_ref()).map(PlatformRow::from),
            facts: met.and_then(|met| met.facts.clone()),
            ..Self::candidate(&device.0, Origin::DevicesToml, transport, address)
        }
    }

    /// One that is only known to be there.
    pub(crate) fn candidate(
        name: &str,
        origin: Origin,
        transport: &'static str,
        address: Option<String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            origin,
            transport,
            address,
            carrier: None,
            board: None,
            tags: Vec::new(),
            price_eur_cents: None,
            reachable: None,
            latency_ns: None,
            error: None,
            hints: Vec::new(),
            platform: None,
            facts: None,
        }
    }
}

fn address(transport: &TransportSpec) -> (&'static str, Option<String>) {
    match transport {
        TransportSpec::Local => ("local", None),
        TransportSpec::Ssh { host } => ("ssh", Some(host.clone())),
        TransportSpec::Adb { serial } => ("adb", Some(serial.clone())),
    }
}

/// An error and its causes on one line, nothing said twice.
pub(crate) fn chain(failure: &Failure) -> String {
    let mut words = String::new();
    for cause in failure.error.chain().map(ToString::to_string) {
        if words.is_empty() {
            words = cause;
        } else if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The page of the schema is current, or is made so where UPDATE_GOLDEN is set.
    fn check(name: &str, schema: &serde_json::Value) {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schemas/{name}.schema.json"));
        let mut generated = serde_json::to_string_pretty(schema).expect("a schema is JSON");
        generated.push('\n');
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &generated).expect("docs can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == generated,
            "docs/schemas/{name} is old: run `UPDATE_GOLDEN=1 cargo test` and read it"
        );
    }

    #[test]
    fn the_schema_of_the_inventory_is_current() {
        check("inventory", &schemars::schema_for!(Inventory).to_value());
    }

    fn planned(host: &str) -> PlannedDevice {
        PlannedDevice {
            transport: TransportSpec::Ssh { host: host.to_owned() },
            board: None,
            tags: vec!["pi".to_owned()],
            work_dir: None,
            price_eur_cents: Some(9200),
            prepare: None,
            sys_root: None,
            ambient_mdegc: None,
        }
    }

    #[test]
    fn what_a_device_said_and_did_not_say_is_in_its_row_and_fits_the_schema() {
        let (good, bad) = (DeviceId::from("a"), DeviceId::from("b"));
        let planned = BTreeMap::from([(good.clone(), planned("h")), (bad.clone(), planned("gone"))]);
        let facts = DeviceFacts { arch: "aarch64".to_owned(), ..DeviceFacts::default() };
        let failure = Failure::usage("no way", "walk");
        let met = BTreeMap::from([
            (good, Met { facts: Some(facts), latency_ns: Some(12_000_000), ..Met::default() }),
            (bad, Met { failure: Some(failure), ..Met::default() }),
        ]);
        let inventory = Inventory::of(&planned, &met);
        let json: serde_json::Value = serde_json::from_slice(&inventory.json()).expect("it is JSON");
        let [good, bad] = [&json["devices"][0], &json["devices"][1]];
        assert_eq!((&good["reachable"], &good["latency_ns"]), (&true.into(), &12_000_000.into()));
        assert_eq!(
            (good["facts"]["arch"].as_str(), &good["error"]),
            (Some("aarch64"), &serde_json::Value::Null)
        );
        assert_eq!((&bad["reachable"], bad["error"].as_str()), (&false.into(), Some("no way")));
        assert_eq!((bad["hints"][0].as_str(), bad["address"].as_str()), (Some("walk"), Some("gone")));
        let schema = schemars::schema_for!(Inventory).to_value();
        let validator = jsonschema::validator_for(&schema).expect("it is a schema");
        let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn causes_are_told_once() {
        let inner = std::io::Error::other("refused");
        let failure = Failure::io("cannot connect", inner, "start it");
        assert_eq!(chain(&failure), "cannot connect: refused");
        let failure = Failure::io("cannot connect: refused", std::io::Error::other("refused"), "start it");
        assert_eq!(chain(&failure), "cannot connect: refused");
    }
}
