//! Energy counters of the CPU: `/sys/class/powercap`, which Intel's and AMD's RAPL share.
//!
//! Documentation/power/powercap/powercap.rst. A package holds its cores and its graphics part, and a platform holds
//! the package: figures of one are never added to those of another.

use std::io;

use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::root::SysRoot;

/// Where the zones are.
const FOLDER: &str = "sys/class/powercap";
/// More zones than this are not sampled (house rule): a server with eight packages has about 32.
const MAX_ZONES: usize = 64;

/// Finds one sensor with a channel for each zone, as site `package-0` or `package-0/core`.
pub(crate) struct Powercap;

impl SensorDriver for Powercap {
    fn name(&self) -> &'static str {
        "powercap"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let mut sensor = Figures::default();
        // `intel-rapl` is the control type; `intel-rapl:0` is a zone of it, and `intel-rapl:0:1` a part of that.
        let of = (FOLDER, "zones", MAX_ZONES);
        let mut zones = found.names(root, self.name(), of, |name| name.contains(':'))?;
        // Intel's newer chips have a second way to the same counters; the first one updates as documented.
        zones.sort_by_key(|zone| zone.starts_with("intel-rapl-mmio"));
        for zone in zones {
            let path = format!("{FOLDER}/{zone}/energy_uj");
            let site = site(root, &zone);
            if sensor_has(&sensor, &site) {
                let what = format!("{site} of {zone}");
                found.leave_out(self.name(), what, &"a second way to a counter that is sampled");
                continue;
            }
            let channel = Channel {
                wraps_at: root.number(&format!("{FOLDER}/{zone}/max_energy_range_uj")).filter(|top| *top > 0),
                scope: Some(scope(&site)),
                ..Channel::new(Quantity::EnergyUj, &*site, AccuracyClass::B, context.period_ms)
            };
            match sensor.add(root, &path, Form::Times(1), channel) {
                Ok(_) => {}
                // A zone that only sets limits has no counter.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.leave_out(self.name(), site, &advice(&error, &path)),
            }
        }
        sensor.give(&mut found);
        Ok(found)
    }
}

fn sensor_has(sensor: &Figures, site: &str) -> bool {
    use crate::driver::Sensor as _;
    sensor.channels().iter().any(|channel| channel.site == site)
}

/// The zone's own name behind that of the zone it is a part of.
fn site(root: &SysRoot, zone: &str) -> String {
    let named = |zone: &str| root.text(&format!("{FOLDER}/{zone}/name"));
    let own = named(zone).unwrap_or_else(|| zone.to_owned());
    let parent = zone.rsplit_once(':').filter(|(parent, _)| parent.contains(':'));
    match parent.and_then(|(parent, _)| named(parent)) {
        Some(parent) => format!("{parent}/{own}"),
        None => own,
    }
}

fn scope(site: &str) -> Scope {
    match site {
        "psys" => Scope::Board,
        _ if site.contains('/') => Scope::Part,
        _ => Scope::Package,
    }
}

/// Why a counter cannot be read, and what helps.
pub(crate) fn advice(error: &io::Error, path: &str) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        // Linux 5.10 and its stable series, commit 949dd0104c49.
        return format!(
            "{error}: since CVE-2020-8694 only root may read it; run the agent as root, or as root \
             `chmod a+r /{path}`, which lasts until the next boot"
        );
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_read_it_is_told_what_helps() {
        let told =
            advice(&io::Error::from_raw_os_error(libc::EACCES), "sys/class/powercap/intel-rapl:0/energy_uj");
        assert!(told.starts_with("Permission denied"), "{told}");
        assert!(told.contains("chmod a+r /sys/class/powercap/intel-rapl:0/energy_uj"), "{told}");
        assert!(!advice(&io::Error::from_raw_os_error(libc::EIO), "x").contains("root"));
    }

    #[test]
    fn only_whole_packages_have_the_scope_of_one() {
        let scopes = ["psys", "package-0", "package-0/core", "package-0/dram"].map(scope);
        assert_eq!(scopes, [Scope::Board, Scope::Package, Scope::Part, Scope::Part]);
    }
}
