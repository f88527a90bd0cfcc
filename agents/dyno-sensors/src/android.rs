//! What only a phone's services say: how they rate its heat, what its power service counts, its battery where files
//! keep it back, and what was killed for want of memory.
//!
//! Each answer is that of a program of the system (`dumpsys`, `lshal`), bounded in time and size; that is why these
//! are read at boundaries only. The forms are those of AOSP.

mod battery;
mod energy;
mod thermal;

use std::collections::BTreeSet;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::facts::{self, clean};
use crate::figures;
use crate::odpm::Odpm;
use crate::root::SysRoot;
use crate::supply::PowerSupply;

/// More figures of one service than this are not sampled (house rule): phones have up to about 40 temperatures.
const MAX_FIGURES: usize = 64;
/// What a service says to one who may not ask it.
const DENIED: &str = "Permission Denial";

/// One figure in a service's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    quantity: Quantity,
    site: String,
    /// `None` if it is not one that the quantity can have.
    value: Option<i64>,
}

impl Told {
    fn new(quantity: Quantity, site: &str, value: Option<i64>) -> Option<Self> {
        let value = value.filter(|value| figures::believed(quantity).contains(value));
        Some(Self { quantity, site: clean(site)?, value })
    }
}

/// A program with its arguments, and how its answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Thermal,
    /// `IPowerStats`, HAL 2.
    Energy,
    /// `IPowerStats`, HAL 1 of Android 10 and 11.
    OlderEnergy,
    Battery,
    Kills,
}

impl Service {
    fn command(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Thermal => ("dumpsys", &["thermalservice"]),
            Self::Energy => ("dumpsys", &["android.hardware.power.stats.IPowerStats/default", "delta"]),
            Self::OlderEnergy => {
                ("lshal", &["debug", "android.hardware.power.stats@1.0::IPowerStats/default", "delta"])
            }
            Self::Battery => ("dumpsys", &["battery"]),
            Self::Kills => ("dumpsys", &["activity", "lmk"]),
        }
    }

    fn figures(self, text: &str) -> Vec<Told> {
        let mut told = match self {
            Self::Thermal => thermal::figures(text),
            Self::Energy | Self::OlderEnergy => energy::figures(text),
            Self::Battery => battery::figures(text),
            Self::Kills => kills(text),
        };
        told.truncate(MAX_FIGURES);
        told
    }

    /// Why figures that are told mean nothing; `None` where they do.
    fn doubt(self, text: &str) -> Option<&'static str> {
        match self {
            Self::Thermal => thermal::doubt(text),
            Self::Battery => battery::doubt(text),
            Self::Energy | Self::OlderEnergy | Self::Kills => None,
        }
    }

    fn ask(self, root: &SysRoot) -> Result<Option<String>, String> {
        let (program, args) = self.command();
        facts::ask(root, program, args)
    }

    /// What a person types.
    fn line(self) -> String {
        let (program, args) = self.command();
        [&[program], args].concat().join(" ")
    }
}

/// Finds a sensor for each service of a phone that tells something, all of them read at boundaries only.
pub(crate) struct Services;

impl SensorDriver for Services {
    fn name(&self) -> &'static str {
        "android"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        if facts::is_android(root) {
            self.add(Service::Thermal, root, &BTreeSet::new(), &mut found);
            self.energy(root, context, &mut found);
            // Best effort: a folder that cannot be listed tells nothing.
            let supplies = PowerSupply.probe(root, context).unwrap_or_default();
            let told = told_by(&supplies)
                .into_iter()
                .map(|(quantity, _)| (quantity, battery::SITE.to_owned()))
                .collect();
            self.add(Service::Battery, root, &told, &mut found);
            self.add(Service::Kills, root, &BTreeSet::new(), &mut found);
        }
        Ok(found)
    }
}

impl Services {
    /// The power service counts what the meters' files count: it is asked for those that are closed.
    fn energy(&self, root: &SysRoot, context: &ProbeContext, found: &mut Found) {
        // Best effort: a folder that cannot be listed has no meters.
        let meters = Odpm.probe(root, context).unwrap_or_default();
        if !meters.sensors.is_empty() && meters.unreadable.is_empty() {
            return;
        }
        let told = told_by(&meters);
        if !self.add(Service::Energy, root, &told, found) {
            self.add(Service::OlderEnergy, root, &told, found);
        }
    }

    /// Adds what the service tells and files do not; says whether it tells anything.
    fn add(&self, service: Service, root: &SysRoot, told: &Known, found: &mut Found) -> bool {
        let text = match service.ask(root) {
            Ok(Some(text)) => text,
            Ok(None) => return false,
            Err(why) => {
                found.leave_out(self.name(), service.line(), &why);
                return false;
            }
        };
        let figures = service.figures(&text);
        if let Some(why) = service.doubt(&text) {
            found.leave_out(self.name(), service.line(), &why);
        } else if figures.is_empty() && text.contains(DENIED) {
            found.leave_out(self.name(), service.line(), &"the service does not answer this user");
        }
        let mut known = told.clone();
        let channels: Vec<Channel> = figures
            .iter()
            .filter(|one| known.insert((one.quantity, one.site.clone())))
            .map(channel)
            .collect();
        if !channels.is_empty() {
            found.sensors.push(Box::new(ServiceSensor {
                root: root.clone(),
                service,
                channels,
                is_late: false,
            }));
        }
        !figures.is_empty()
    }
}

/// Quantities with their sites.
type Known = BTreeSet<(Quantity, String)>;

/// What the files of another driver tell.
fn told_by(found: &Found) -> Known {
    let channels = found.sensors.iter().flat_map(|sensor| sensor.channels());
    channels.map(|channel| (channel.quantity, channel.site.clone())).collect()
}

fn channel(told: &Told) -> Channel {
    let (class, scope) = match told.quantity {
        Quantity::EnergyUj => (AccuracyClass::B, Some(Scope::Part)),
        Quantity::OomKills => (AccuracyClass::A, None),
        _ => (AccuracyClass::C, None),
    };
    Channel { scope, ..Channel::new(told.quantity, &*told.site, class, 0) }
}

/// `Total number of kills: 71`, of lmkd, as the activity manager counts them.
fn kills(text: &str) -> Vec<Told> {
    let total = text.lines().find_map(|line| line.trim().strip_prefix("Total number of kills:"));
    let count = total.and_then(|count| crate::text::count(count.as_bytes()));
    count.and_then(|count| Told::new(Quantity::OomKills, "lmkd", Some(count))).into_iter().collect()
}

/// What one service tells at each boundary.
struct ServiceSensor {
    root: SysRoot,
    service: Service,
    channels: Vec<Channel>,
    /// It did not answer in time once: it is not waited for again.
    is_late: bool,
}

impl Sensor for ServiceSensor {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let begun_at = monotonic_now();
        row.fill(None);
        let said = if self.is_late { Ok(None) } else { self.service.ask(&self.root) };
        self.is_late |= said.as_ref().is_err_and(|why| facts::is_late(why));
        // Best effort: a service that does not answer now has a row without figures.
        let text = said.ok().flatten().filter(|text| self.service.doubt(text).is_none()).unwrap_or_default();
        for told in self.service.figures(&text) {
            let of = |one: &Channel| one.quantity == told.quantity && one.site == told.site;
            if let Some(column) = self.channels.iter().position(of) {
                row[column] = row[column].or(told.value);
            }
        }
        Ok(begun_at.plus(monotonic_now().since(begun_at) / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_on_one_line() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(kills(text).first().and_then(|told| told.value), expected, "{text}");
        };
        let text = "ACTIVITY MANAGER LMK KILLS (dumpsys activity lmk)\n  Total number of kills: 71\n\
                    \x20   kills at or below oom_adj 999: 71\n    kills at or below oom_adj 900: 0\n";
        check(text, Some(71));
        check("  Total number of kills: -1\n", None);
        check("  Total number of kills: many\n", None);
        check("Bad activity command, or no activities match: lmk\n", None);
    }
}
