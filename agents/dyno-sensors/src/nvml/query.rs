//! What a GPU is asked, one call each.

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::enums::device::{DeviceArchitecture, SampleValue};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id::{
    NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN,
    NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN, NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP,
    NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN, NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_POWER_AVERAGE,
    NVML_FI_DEV_POWER_INSTANT,
};

use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use super::busy::Busy;
use super::processes;
use crate::figures::believed;
use crate::root::SysRoot;

/// First byte of the PCI device numbers of GA100, the one Ampere chip whose plain power is not averaged.
const GA100: u32 = 0x20;

/// One call.
#[derive(Debug)]
pub(super) enum Query {
    Energy,
    /// A field by its number, times this.
    Field(u32, i64),
    /// The plain call.
    Power,
    Clock(Clock),
    Temperature,
    /// The library's bits of what holds the clocks back.
    Reasons,
    Busy(Busy),
    Memory,
    /// That of the runtime and of all that it started.
    OwnMemory,
}

/// Who the runtime is, and where processes are looked up.
pub(super) struct Runtime<'a> {
    pub(super) root: &'a SysRoot,
    /// `None` before it is known.
    pub(super) pid: Option<u32>,
}

/// A channel, and the call that fills it.
#[derive(Debug)]
pub(super) struct Figure {
    query: Query,
    pub(super) channel: Channel,
    /// What it is, for people.
    pub(super) name: &'static str,
}

impl Figure {
    /// Asks; `None` is no value now, or one that no GPU can have.
    pub(super) fn read(
        &mut self,
        device: &Device<'_>,
        runtime: &Runtime<'_>,
    ) -> Result<Option<i64>, NvmlError> {
        let value = match &mut self.query {
            Query::Energy => times(device.total_energy_consumption()?, 1000),
            Query::Field(id, factor) => field(device, *id)?.and_then(|value| value.checked_mul(*factor)),
            Query::Power => times(u64::from(device.power_usage()?), 1000),
            Query::Clock(clock) => times(u64::from(device.clock_info(*clock)?), 1000),
            Query::Temperature => times(u64::from(device.temperature(TemperatureSensor::Gpu)?), 1000),
            Query::Reasons => times(device.current_throttle_reasons()?.bits(), 1),
            Query::Busy(busy) => busy.read(device)?,
            Query::Memory => times(device.memory_info()?.used, 1),
            // Asked even before the runtime is known: whether the GPU tells it is to be found out at once.
            Query::OwnMemory => processes::bytes(device, runtime)?,
        };
        // A card that is asked too soon says 0 W; none that answers needs none.
        let is_nothing = |value: &i64| self.channel.quantity == Quantity::PowerUw && *value == 0;
        Ok(value.filter(|value| believed(self.channel.quantity).contains(value) && !is_nothing(value)))
    }

    /// Whether there may be a value later where there is none now: the runtime has no memory yet, and the driver no
    /// sample.
    pub(super) fn may_begin_later(&self) -> bool {
        matches!(self.query, Query::OwnMemory | Query::Busy(_))
    }
}

/// `None` where it does not fit: the library's word for "not available" is the highest number.
fn times(value: u64, factor: i64) -> Option<i64> {
    i64::try_from(value).ok()?.checked_mul(factor)
}

/// A field's value of the GPU itself (scope 0), not of a module that it is a part of.
fn field(device: &Device<'_>, id: u32) -> Result<Option<i64>, NvmlError> {
    let answer = device.field_values_for(&[FieldId(id)])?.into_iter().next();
    Ok(match answer.ok_or(NvmlError::NoData)??.value? {
        SampleValue::U32(u32::MAX) | SampleValue::F64(_) => None,
        SampleValue::U32(value) => Some(i64::from(value)),
        SampleValue::U64(value) => i64::try_from(value).ok(),
        SampleValue::I64(value) => Some(value),
    })
}

/// The counter of energy.
pub(super) fn energy(gpu: &str, period_ms: u32) -> Figure {
    let channel = Channel::new(Quantity::EnergyUj, gpu, AccuracyClass::B, period_ms);
    whole_card(Query::Energy, channel, "energy")
}

/// Ways to ask for power, best first: one of them is sampled.
pub(super) fn powers(gpu: &str, device: &Device<'_>, period_ms: u32) -> [Figure; 3] {
    let figure = |query, kind: &str| {
        let site = if kind.is_empty() { gpu.to_owned() } else { format!("{gpu} {kind}") };
        let channel = Channel::new(Quantity::PowerUw, site, AccuracyClass::C, period_ms);
        whole_card(query, channel, "power")
    };
    [
        figure(Query::Field(NVML_FI_DEV_POWER_INSTANT, 1000), "instant"),
        figure(Query::Field(NVML_FI_DEV_POWER_AVERAGE, 1000), "average"),
        figure(Query::Power, plain_power(device)),
    ]
}

fn whole_card(query: Query, channel: Channel, name: &'static str) -> Figure {
    Figure { query, channel: Channel { scope: Some(Scope::Package), ..channel }, name }
}

/// What the plain call for power gives: `instant`, or an `average` over 1 s; nothing where that is not known.
fn plain_power(device: &Device<'_>) -> &'static str {
    // Best effort: an architecture that is not told leaves the word out.
    let architecture = device.architecture().ok();
    let number = device.pci_info().ok().map(|pci| pci.pci_device_id);
    plain_power_of(architecture.as_ref(), number)
}

fn plain_power_of(architecture: Option<&DeviceArchitecture>, pci_device_id: Option<u32>) -> &'static str {
    use DeviceArchitecture::{
        Ada, Ampere, Blackwell, Hopper, Kepler, Maxwell, Pascal, Turing, Unknown, Volta,
    };
    match (architecture, pci_device_id) {
        (Some(Kepler | Maxwell | Pascal | Volta | Turing), _) => "instant",
        (Some(Ampere), Some(id)) if id >> 24 == GA100 => "instant",
        (Some(Ampere), None) | (Some(Unknown) | None, _) => "",
        (Some(Ampere | Ada | Hopper | Blackwell), _) => "average",
    }
}

/// All that changes slowly, or costs more to ask.
pub(super) fn slow(gpu: &str, period_ms: u32) -> Vec<Figure> {
    use AccuracyClass::{A, B, C};
    let figure = |name, query, quantity, part: &str, class| {
        let site = if part.is_empty() { gpu.to_owned() } else { format!("{gpu} {part}") };
        Figure { query, channel: Channel::new(quantity, site, class, period_ms), name }
    };
    let held_back = |name, id, part| figure(name, Query::Field(id, 1), Quantity::ThrottleNs, part, B);
    vec![
        figure("clock", Query::Clock(Clock::SM), Quantity::FreqKhz, "sm", C),
        figure("memory clock", Query::Clock(Clock::Memory), Quantity::FreqKhz, "memory", C),
        figure("temperature", Query::Temperature, Quantity::TempMdegc, "", C),
        figure(
            "memory temperature",
            Query::Field(NVML_FI_DEV_MEMORY_TEMP, 1000),
            Quantity::TempMdegc,
            "memory",
            C,
        ),
        figure("what holds its clocks back", Query::Reasons, Quantity::ThrottleFlags, "", A),
        held_back("time at its power limit", NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP, "power cap"),
        held_back("time slowed for heat", NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN, "thermal"),
        held_back(
            "time slowed by hardware for heat",
            NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN,
            "hardware thermal",
        ),
        held_back(
            "time slowed by the supply",
            NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN,
            "power brake",
        ),
        figure("busy time", Query::Busy(Busy::default()), Quantity::AcceleratorBusyNs, "", C),
        figure("memory", Query::Memory, Quantity::GpuBytes, "", A),
        figure("memory of processes", Query::OwnMemory, Quantity::GpuBytes, "process", A),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_plain_call_gives_depends_on_the_chip() {
        use DeviceArchitecture::{Ada, Ampere, Hopper, Turing, Unknown};
        let check = |architecture, number, expected| {
            assert_eq!(plain_power_of(Some(&architecture), number), expected, "{architecture:?} {number:?}");
        };
        check(Turing, None, "instant");
        // A100 and GeForce RTX 3090.
        check(Ampere, Some(0x20b0_10de), "instant");
        check(Ampere, Some(0x2204_10de), "average");
        check(Ampere, None, "");
        check(Ada, None, "average");
        check(Hopper, Some(0x2330_10de), "average");
        check(Unknown, None, "");
        assert_eq!(plain_power_of(None, None), "");
    }

    #[test]
    fn what_does_not_fit_is_no_value() {
        assert_eq!(times(123_456, 1000), Some(123_456_000));
        assert_eq!(times(u64::MAX, 1), None);
        assert_eq!(times(i64::MAX as u64, 1000), None);
    }
}
