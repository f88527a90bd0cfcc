//! What could be a device and is not in devices.toml yet. Nothing is done to it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dyno_model::ids::DeviceId;
use dyno_model::plan::{PlannedDevice, TransportSpec};
use dyno_transport::adb::{self, AdbListed, AdbState};
use dyno_transport::{TransportError, ssh};

use crate::cmd::devices::rows::{Inventory, Origin, Row};
use crate::reach::SSH_CONFIG_VARIABLE;

/// Adds what the adb server lists, and with `discover` what the user's ssh configuration names.
pub(crate) fn append(inventory: &mut Inventory, planned: &BTreeMap<DeviceId, PlannedDevice>, discover: bool) {
    match adb_listed() {
        Ok(listed) => inventory.devices.extend(of_adb(&listed, planned)),
        Err(error) => inventory.notes.push(format!("devices on adb were not looked for: {error}")),
    }
    if discover {
        let config = std::env::var_os(SSH_CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        inventory.devices.extend(of_ssh(&ssh::aliases(config.as_deref()), planned));
    }
}

fn adb_listed() -> Result<Vec<AdbListed>, TransportError> {
    adb::devices(&adb::Server::from_env()?)
}

/// Those that no device of devices.toml means.
fn of_adb(listed: &[AdbListed], planned: &BTreeMap<DeviceId, PlannedDevice>) -> Vec<Row> {
    let named = |serial: &str| {
        planned
            .values()
            .any(|device| matches!(&device.transport, TransportSpec::Adb { serial: own } if own == serial))
    };
    let n_usb = listed.iter().filter(|one| one.is_usb()).count();
    let known = |one: &&AdbListed| named(&one.serial) || one.is_usb() && n_usb == 1 && named("usb");
    let row = |one: &AdbListed| {
        let mut row = Row::candidate(&one.serial, Origin::Adb, "adb", Some(one.serial.clone()));
        if one.state == AdbState::Device {
            row.hints.push(format!("edgedyno devices add NAME --adb {}", one.serial));
        } else {
            row.reachable = Some(false);
            row.error = Some(one.state.to_string());
            row.hints = one.state.hints(&one.serial);
        }
        row
    };
    listed.iter().filter(|one| !known(one)).map(row).collect()
}

fn of_ssh(aliases: &[String], planned: &BTreeMap<DeviceId, PlannedDevice>) -> Vec<Row> {
    let known = |alias: &&String| {
        planned
            .values()
            .any(|device| matches!(&device.transport, TransportSpec::Ssh { host } if host == *alias))
    };
    let row = |alias: &String| {
        let mut row = Row::candidate(alias, Origin::SshConfig, "ssh", Some(alias.clone()));
        row.hints.push(format!("edgedyno devices add NAME --ssh {alias}"));
        row
    };
    aliases.iter().filter(|alias| !known(alias)).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(transports: &[TransportSpec]) -> BTreeMap<DeviceId, PlannedDevice> {
        let device = |transport: &TransportSpec| PlannedDevice {
            transport: transport.clone(),
            board: None,
            tags: Vec::new(),
            work_dir: None,
            price_eur_cents: None,
            prepare: None,
            sys_root: None,
            ambient_mdegc: None,
        };
        let names = (0..).map(|n| DeviceId(format!("d{n}")));
        names.zip(transports.iter().map(device)).collect()
    }

    fn listed(serial: &str, state: AdbState, usb: Option<&str>) -> AdbListed {
        let usb = usb.map(str::to_owned);
        AdbListed { serial: serial.to_owned(), state, product: None, model: None, usb }
    }

    fn adb(serial: &str) -> TransportSpec {
        TransportSpec::Adb { serial: serial.to_owned() }
    }

    #[test]
    fn what_devices_toml_has_is_no_candidate() {
        let all = [
            listed("A", AdbState::Device, Some("1-4")),
            listed("10.0.0.7:5555", AdbState::Device, None),
            listed("10.0.0.8:5555", AdbState::Unauthorized, None),
        ];
        let check = |transports: &[TransportSpec], expected: &[&str]| {
            let rows = of_adb(&all, &planned(transports));
            let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
            assert_eq!(names, expected, "{transports:?}");
        };
        check(&[], &["A", "10.0.0.7:5555", "10.0.0.8:5555"]);
        check(&[adb("A"), adb("10.0.0.7:5555")], &["10.0.0.8:5555"]);
        check(&[adb("usb")], &["10.0.0.7:5555", "10.0.0.8:5555"]);
        let ssh = TransportSpec::Ssh { host: "pi".to_owned() };
        let aliases = ["jet".to_owned(), "pi".to_owned()];
        assert_eq!(of_ssh(&aliases, &planned(&[ssh]))[0].name, "jet");
    }

    #[test]
    fn a_candidate_that_is_not_ready_says_why() {
        let row = &of_adb(&[listed("A", AdbState::Unauthorized, None)], &planned(&[]))[0];
        assert!(row.error.as_ref().is_some_and(|error| error.contains("unauthorized")), "{row:?}");
        assert!(row.hints[0].contains("Allow USB debugging"), "{row:?}");
    }
}
