//! Chips that measure: `/sys/class/hwmon` (Documentation/hwmon/sysfs-interface.rst).
//!
//! Numbers of chips change between boots: a site is the chip's name with the label of its input, or the label of a rail
//! alone. Power, energy and current are read fast, all else slowly.

use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::root::SysRoot;
use crate::{rails, supply, thermal};

const FOLDER: &str = "sys/class/hwmon";
/// More chips than this are not looked at (house rule): servers have up to about 40.
const MAX_CHIPS: usize = 64;
/// More inputs than this are not sampled (house rule): mainboards have up to about 50.
const MAX_INPUTS: usize = 96;
/// Thermal zones whose twins among the chips are looked for.
const MAX_ZONES: usize = 64;

/// Finds one sensor with the slow inputs of all chips, and one for each chip with fast ones.
pub(crate) struct Hwmon;

impl SensorDriver for Hwmon {
    fn name(&self) -> &'static str {
        "hwmon"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let folders = found.names(root, self.name(), (FOLDER, "chips", MAX_CHIPS), |_any| true)?;
        let twins = twins(root);
        let chips: Vec<Chip> = folders
            .iter()
            .map(|folder| Chip::of(root, folder, &folders))
            .filter(|chip| !twins.contains(&chip.name))
            .collect();
        let mut budget = Budget { left: MAX_INPUTS, n_beyond: 0 };
        let mut slow = Figures::default();
        for chip in &chips {
            if chip.name.starts_with("ina3221") {
                rails::probe(root, context, &chip.folder, &mut found);
            }
            self.chip(root, context, chip, &mut slow, &mut budget, &mut found);
        }
        slow.give(&mut found);
        if budget.n_beyond > 0 {
            let what = format!("{} inputs", budget.n_beyond);
            found.leave_out(self.name(), what, &format_args!("more than {MAX_INPUTS} are not sampled"));
        }
        Ok(found)
    }
}

/// How many inputs may still be sampled.
struct Budget {
    left: usize,
    n_beyond: usize,
}

impl Hwmon {
    fn chip(
        &self,
        root: &SysRoot,
        context: &ProbeContext,
        chip: &Chip,
        slow: &mut Figures,
        budget: &mut Budget,
        found: &mut Found,
    ) {
        let mut fast = Figures::default();
        for input in inputs(root, chip) {
            if budget.left == 0 {
                budget.n_beyond += 1;
                continue;
            }
            let (sensor, period_ms) = if input.is_fast {
                (&mut fast, context.period_ms)
            } else {
                (&mut *slow, context.slow_period_ms)
            };
            let channel = Channel::new(input.kind.quantity, &*input.site, input.kind.class, period_ms);
            let channel = Channel { scope: input.scope, ..channel };
            let path = format!("{}/{}", chip.folder, input.file);
            match sensor.add(root, &path, input.kind.form, channel) {
                Ok(_) => budget.left -= 1,
                Err(error) => found.leave_out(self.name(), format!("{} {}", chip.name, input.file), &error),
            }
        }
        fast.give(found);
    }
}

/// Names of chips that repeat a thermal zone or a battery: the kernel makes such a chip for each of them.
fn twins(root: &SysRoot) -> Vec<String> {
    // Best effort: without the folder there are none.
    let zones = root.names(thermal::FOLDER).unwrap_or_default();
    let zones = zones.iter().filter(|name| name.starts_with("thermal_zone")).take(MAX_ZONES);
    let kinds = zones.filter_map(|zone| root.text(&format!("{}/{zone}/type", thermal::FOLDER)));
    let supplies = root.names(supply::FOLDER).unwrap_or_default().into_iter().take(MAX_CHIPS);
    // A chip's name has no `-` in it.
    kinds.chain(supplies).map(|name| name.replace('-', "_")).collect()
}

/// A chip with its name, which is not the name of any other.
struct Chip {
    folder: String,
    name: String,
    site: String,
}

impl Chip {
    fn of(root: &SysRoot, number: &str, all: &[String]) -> Self {
        let named = |number: &str| {
            let file = |inside: &str| root.text(&format!("{FOLDER}/{number}/{inside}"));
            file("name").or_else(|| file("device/name")).unwrap_or_else(|| number.to_owned())
        };
        let name = named(number);
        let is_one_of_many = all.iter().filter(|other| named(other) == name).count() > 1;
        let site = if is_one_of_many { format!("{name} ({number})") } else { name.clone() };
        Self { folder: format!("{FOLDER}/{number}"), name, site }
    }
}

/// A kind of input: its unit, how far it is trusted.
#[derive(Debug, Clone, Copy)]
struct Kind {
    quantity: Quantity,
    form: Form,
    class: AccuracyClass,
}

/// One file of a chip.
#[derive(Debug)]
struct Input {
    file: String,
    site: String,
    kind: Kind,
    is_fast: bool,
    scope: Option<Scope>,
}

/// The inputs of a chip that are sampled, in the order of their names.
fn inputs(root: &SysRoot, chip: &Chip) -> Vec<Input> {
    // Best effort: a chip that cannot be listed has no inputs.
    let files = root.names(&chip.folder).unwrap_or_default();
    let has = |file: &str| files.iter().any(|name| name == file);
    let input = |file: &String| {
        let (stem, end) = file.split_once('_')?;
        let letters = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = &stem[letters.len()..];
        let kind = kind(&chip.name, letters, end)?;
        // An average over its whole period beats a glance.
        if letters == "power" && end == "input" && has(&format!("{stem}_average")) {
            return None;
        }
        // Its rails are sampled as such.
        if chip.name.starts_with("ina3221") && matches!(letters, "in" | "curr") {
            return None;
        }
        let label = root.text(&format!("{}/{stem}_label", chip.folder));
        let is_fast = match letters {
            "power" | "energy" | "curr" => true,
            "in" => has(&format!("curr{number}_input")),
            _ => false,
        };
        let scope = scope(&chip.name, letters, label.as_deref());
        let site = format!("{} {}", chip.site, label.as_deref().unwrap_or(stem));
        Some(Input { file: file.clone(), site, kind, is_fast, scope })
    };
    files.iter().filter_map(input).collect()
}

/// What a file's name says that it is; `None` for limits and settings.
fn kind(chip: &str, letters: &str, end: &str) -> Option<Kind> {
    use AccuracyClass::{A, B, C};
    let kind = |quantity, form, class| Some(Kind { quantity, form, class });
    match (letters, end) {
        ("energy", "input") => kind(Quantity::EnergyUj, Form::Times(1), B),
        ("power", "input" | "average") => kind(Quantity::PowerUw, Form::Times(1), C),
        ("curr", "input") => kind(Quantity::CurrentUa, Form::Times(1000), C),
        ("in", "input") => kind(Quantity::VoltageUv, Form::Times(1000), C),
        ("temp", "input") => kind(Quantity::TempMdegc, Form::Times(1), C),
        ("fan", "input") => kind(Quantity::FanRpm, Form::Times(1), C),
        ("freq", "input") => kind(Quantity::FreqKhz, Form::Over(1000), C),
        // A Raspberry Pi that is fed less than 4.63 V.
        ("in", "lcrit_alarm") if chip == "rpi_volt" => kind(Quantity::AlarmState, Form::Times(1), A),
        // Times that a Jetson slowed down for its current or voltage.
        ("oc", "event_cnt") if chip == "soctherm_oc" => kind(Quantity::ThrottleCount, Form::Times(1), A),
        _ => None,
    }
}

/// What a power or energy figure covers, where the driver's documentation says so.
fn scope(chip: &str, letters: &str, label: Option<&str>) -> Option<Scope> {
    if !matches!(letters, "power" | "energy") {
        return None;
    }
    match (chip, label) {
        // The ACPI power meter is that of the whole machine (Documentation/hwmon/acpi_power_meter.rst).
        ("power_meter" | "acpi_power_meter", _) => Some(Scope::Device),
        ("amdgpu" | "i915" | "xe", _) => Some(Scope::Package),
        // Documentation/hwmon/amd_energy.rst of Linux 5.8 to 5.12.
        ("amd_energy", Some(label)) if label.starts_with("Esocket") => Some(Scope::Package),
        ("amd_energy", _) => Some(Scope::Part),
        _ => None,
    }
}
