//! Sensors as counters.

use std::io;

use dyno_model::sample::Quantity;
use dyno_store::ChannelRow;

use super::event::Events;
use super::place::Placed;

/// How a quantity is shown.
struct Shown {
    name: &'static str,
    unit: &'static str,
    /// Data units to units shown.
    factor: f64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The value as it is.
    Level,
    /// What a cumulative value grows by in a second.
    PerSecond,
}

/// The readings of one channel; a value that did not change is not written again, for counters hold.
pub(super) fn counters(
    channel: &ChannelRow,
    points: &[(u64, i64)],
    placed: Placed,
    events: &mut Events<'_>,
) -> io::Result<()> {
    let shown = shown(channel.what.quantity);
    let name = format!("{} {} {}", shown.name, channel.driver, channel.what.site);
    let mut last = None;
    for (at, value) in values(&shown, points) {
        // Products of factors have more digits than are known.
        let value = (value * 1e6).round() / 1e6;
        if last != Some(value) {
            events.counter(placed.process, &name, placed.us(at), (shown.unit, value))?;
            last = Some(value);
        }
    }
    Ok(())
}

/// Values with the instants from which on they hold.
fn values<'p>(shown: &Shown, points: &'p [(u64, i64)]) -> Box<dyn Iterator<Item = (u64, f64)> + 'p> {
    let factor = shown.factor;
    match shown.kind {
        Kind::Level => Box::new(points.iter().map(move |(at, value)| (*at, *value as f64 * factor))),
        // A mean holds for the time between its readings; where a counter fell, it is another's.
        Kind::PerSecond => Box::new(points.windows(2).filter_map(move |pair| {
            let seconds = pair[1].0.checked_sub(pair[0].0).filter(|ns| *ns > 0)? as f64 / 1e9;
            let growth = pair[1].1.checked_sub(pair[0].1).filter(|growth| *growth >= 0)?;
            Some((pair[0].0, growth as f64 * factor / seconds))
        })),
    }
}

fn shown(quantity: Quantity) -> Shown {
    const MIB: f64 = 1.0 / 1_048_576.0;
    use Kind::{Level, PerSecond};
    let of = |name, unit, factor, kind| Shown { name, unit, factor, kind };
    match quantity {
        Quantity::RssBytes => of("resident memory", "MiB", MIB, Level),
        Quantity::PeakRssBytes => of("peak resident memory", "MiB", MIB, Level),
        Quantity::AnonBytes => of("anonymous memory", "MiB", MIB, Level),
        Quantity::FileBytes => of("file-backed memory", "MiB", MIB, Level),
        Quantity::AvailableBytes => of("available memory", "MiB", MIB, Level),
        Quantity::CpuNs => of("CPU use", "CPUs", 1e-9, PerSecond),
        Quantity::StealNs => of("stolen CPU time", "CPUs", 1e-9, PerSecond),
        Quantity::BusyNs => of("busy CPUs", "CPUs", 1e-9, PerSecond),
        Quantity::MajorFaults => of("major faults", "per s", 1.0, PerSecond),
        Quantity::ReadBytes => of("storage reads", "MiB/s", MIB, PerSecond),
        Quantity::FreqKhz => of("clock", "MHz", 1e-3, Level),
        Quantity::TempMdegc => of("temperature", "degC", 1e-3, Level),
        Quantity::StallNs => of("stalled tasks", "share", 1e-9, PerSecond),
        Quantity::PowerUw => of("power", "W", 1e-6, Level),
        Quantity::EnergyUj => of("power by energy counter", "W", 1e-6, PerSecond),
        Quantity::StallFullNs => of("all tasks stalled", "share", 1e-9, PerSecond),
        Quantity::VoltageUv => of("voltage", "V", 1e-6, Level),
        Quantity::CurrentUa => of("current", "A", 1e-6, Level),
        Quantity::ChargeUah => of("charge", "mAh", 1e-3, Level),
        Quantity::StoredUwh => of("stored energy", "Wh", 1e-6, Level),
        Quantity::CapacityPermille => of("battery", "%", 0.1, Level),
        Quantity::ChargeState => of("charge state", "state", 1.0, Level),
        Quantity::PluggedState => of("plugged in", "state", 1.0, Level),
        Quantity::FanRpm => of("fan", "rpm", 1.0, Level),
        Quantity::ThrottleCount => of("throttle events", "count", 1.0, Level),
        Quantity::ThrottleNs => of("throttled", "share", 1e-9, PerSecond),
        Quantity::ThrottleFlags => of("throttle flags", "bits", 1.0, Level),
        Quantity::AlarmState => of("alarm", "state", 1.0, Level),
        Quantity::CoolingState => of("cooling state", "state", 1.0, Level),
        Quantity::FreqCapKhz => of("clock cap", "MHz", 1e-3, Level),
        Quantity::SwapBytes => of("swapped out", "MiB", MIB, Level),
        Quantity::SwapInBytes => of("swap reads", "MiB/s", MIB, PerSecond),
        Quantity::SwapOutBytes => of("swap writes", "MiB/s", MIB, PerSecond),
        Quantity::GpuBytes => of("GPU memory", "MiB", MIB, Level),
        Quantity::AcceleratorBusyNs => of("accelerator use", "share", 1e-9, PerSecond),
        Quantity::PssBytes => of("proportional memory", "MiB", MIB, Level),
        Quantity::PssAnonBytes => of("proportional anonymous memory", "MiB", MIB, Level),
        Quantity::PssFileBytes => of("proportional file-backed memory", "MiB", MIB, Level),
        Quantity::UssBytes => of("unshared memory", "MiB", MIB, Level),
        Quantity::CgroupBytes => of("control group's memory", "MiB", MIB, Level),
        Quantity::CgroupPeakBytes => of("control group's peak memory", "MiB", MIB, Level),
        Quantity::OomKills => of("out-of-memory kills", "count", 1.0, Level),
        Quantity::FootprintBytes => of("footprint", "MiB", MIB, Level),
        Quantity::HeatState => of("heat state", "state", 1.0, Level),
    }
}
