//! Why a device became slower: what else happened within 10 s (MEASUREMENT §5.3).

use dyno_model::sample::Quantity;
use dyno_view::heat::HeatCause;

use super::pace::Pace;
use super::sensors::{Readings, Sensors};

/// Something that happened within so long of a slowdown may be its cause.
const REACH_NS: u64 = 10_000_000_000;
/// Medians of clocks are those of twice as long on each side: a drop further away than the reach changes neither.
const CLOCK_REACH_NS: u64 = 2 * REACH_NS;
/// A clock that falls by this share (house rule).
const CLOCK_DROP: f64 = 0.05;
/// Readings that a median of a clock takes.
const MIN_CLOCKS: usize = 3;
/// Pieces of evidence that are told.
const MAX_EVIDENCE: usize = 6;

/// Flags that say why a source slows down, as mask and cause.
type Bits = [(i64, HeatCause, &'static str)];

/// `get_throttled` of a Raspberry Pi's firmware; bits from 16 on say that it was so since the read before.
const FIRMWARE_BITS: &Bits = &[
    (0x1_0001, HeatCause::UnderVoltage, "under-voltage"),
    (0x2_0002, HeatCause::ClockCap, "clock capped"),
    (0x4_0004, HeatCause::Thermal, "throttled"),
    (0x8_0008, HeatCause::Thermal, "soft temperature limit"),
];

/// NVML's reasons for clocks.
const NVML_BITS: &Bits = &[
    (0x04, HeatCause::PowerCap, "software power cap"),
    (0x08, HeatCause::ClockCap, "hardware slowdown"),
    (0x20, HeatCause::Thermal, "software thermal slowdown"),
    (0x40, HeatCause::Thermal, "hardware thermal slowdown"),
    (0x80, HeatCause::PowerCap, "power brake"),
];

/// What a reading says.
struct Sign {
    cause: HeatCause,
    words: String,
}

/// Causes of a slowdown, and what says so. Lower clocks alone are an effect: they are a cause only where nothing else
/// is.
pub(super) fn causes(
    pace: &Pace<'_, '_>,
    sensors: &Sensors<'_>,
    at_ns: u64,
) -> (Vec<HeatCause>, Vec<String>) {
    let mut signs: Vec<Sign> = sensors.all().filter_map(|of| sign(pace, &of, at_ns)).collect();
    signs.sort_by(|a, b| (a.cause, &a.words).cmp(&(b.cause, &b.words)));
    let mut causes: Vec<HeatCause> = signs.iter().map(|sign| sign.cause).collect();
    causes.dedup();
    if causes.len() > 1 {
        causes.retain(|cause| *cause != HeatCause::ClockCap);
    }
    let mut words: Vec<String> = signs.into_iter().map(|sign| sign.words).collect();
    words.truncate(MAX_EVIDENCE);
    (causes, words)
}

fn sign(pace: &Pace<'_, '_>, of: &Readings<'_>, at_ns: u64) -> Option<Sign> {
    let site = of.site();
    match of.quantity() {
        Quantity::ThrottleCount => {
            let by = rise(of, at_ns).map(|(from, to)| to - from)?;
            Some(Sign { cause: counter_cause(of), words: format!("{site}: {by} throttle events more") })
        }
        Quantity::ThrottleNs => {
            let by = rise(of, at_ns).map(|(from, to)| to - from)?;
            let words = format!("{site}: {:.1} s of throttling more", by as f64 / 1e9);
            Some(Sign { cause: counter_cause(of), words })
        }
        Quantity::ThrottleFlags => flags(of, at_ns),
        Quantity::HeatState => {
            let state = around(of, at_ns).iter().map(|(_, state)| *state).max().filter(|state| *state > 0)?;
            Some(Sign { cause: HeatCause::Thermal, words: format!("{site}: state {state}") })
        }
        Quantity::AlarmState => {
            rise(of, at_ns)?;
            Some(Sign { cause: HeatCause::UnderVoltage, words: format!("{site}: alarm") })
        }
        // A fan that runs faster keeps a device fast.
        Quantity::CoolingState if !site.contains("fan") => {
            let (from, to) = rise(of, at_ns)?;
            Some(Sign { cause: HeatCause::Thermal, words: format!("{site} rose from {from} to {to}") })
        }
        Quantity::FreqCapKhz => cap(of, at_ns),
        Quantity::FreqKhz => clock(pace, of, at_ns),
        _ => None,
    }
}

/// Readings from 10 s before to 10 s after.
fn around<'a>(of: &Readings<'a>, at_ns: u64) -> &'a [(u64, i64)] {
    let start = of.points.partition_point(|(at, _)| *at < at_ns.saturating_sub(REACH_NS));
    let end = of.points.partition_point(|(at, _)| *at <= at_ns.saturating_add(REACH_NS));
    of.points.get(start..end.max(start)).unwrap_or_default()
}

/// The value before, and the highest within the reach, where that is more.
fn rise(of: &Readings<'_>, at_ns: u64) -> Option<(i64, i64)> {
    let near = around(of, at_ns);
    let from = of.before(at_ns.saturating_sub(REACH_NS)).or_else(|| near.first().map(|(_, value)| *value))?;
    let to = near.iter().map(|(_, value)| *value).max()?;
    (to > from).then_some((from, to))
}

/// What a counter counts: by its driver and site.
fn counter_cause(of: &Readings<'_>) -> HeatCause {
    let site = of.site();
    if of.channel.driver == "throttle" {
        return HeatCause::Thermal;
    }
    match () {
        () if site.contains("power") => HeatCause::PowerCap,
        () if site.contains("therm") && !site.contains("soctherm") => HeatCause::Thermal,
        // Documentation of Tegra's soctherm: OC1 is under-voltage, OC2 and OC3 are over-current.
        () if site.contains("oc1") => HeatCause::UnderVoltage,
        () if site.contains("oc") => HeatCause::PowerCap,
        () => HeatCause::Thermal,
    }
}

/// Flags that are set now and were not before; flags of heat and voltage also where they were.
fn flags(of: &Readings<'_>, at_ns: u64) -> Option<Sign> {
    let bits = if of.channel.driver == "nvml" { NVML_BITS } else { FIRMWARE_BITS };
    let before = of.before(at_ns.saturating_sub(REACH_NS)).unwrap_or(0);
    let now = around(of, at_ns).iter().fold(0, |all, (_, value)| all | value);
    let is_sign = |(mask, cause, _): &&(i64, HeatCause, &str)| {
        let lasts = matches!(cause, HeatCause::Thermal | HeatCause::UnderVoltage);
        now & mask != 0 && (lasts || before & mask == 0)
    };
    let set: Vec<_> = bits.iter().filter(is_sign).collect();
    let cause = set.iter().map(|(_, cause, _)| *cause).min()?;
    let words: Vec<&str> = set.iter().map(|(_, _, words)| *words).collect();
    Some(Sign { cause, words: format!("{}: {}", of.site(), words.join(", ")) })
}

fn cap(of: &Readings<'_>, at_ns: u64) -> Option<Sign> {
    let from = of.before(at_ns.saturating_sub(REACH_NS))?;
    let to = around(of, at_ns).iter().map(|(_, value)| *value).min()?;
    let words = || format!("{}: cap fell from {} to {} MHz", of.site(), from / 1000, to / 1000);
    let fell = to as f64 <= (1.0 - CLOCK_DROP) * from as f64;
    fell.then(|| Sign { cause: HeatCause::ClockCap, words: words() })
}

/// The median clock while requests were in flight, before and after.
fn clock(pace: &Pace<'_, '_>, of: &Readings<'_>, at_ns: u64) -> Option<Sign> {
    let busy = |from: u64, to: u64| {
        let readings: Vec<(u64, i64)> =
            of.within(from, to).iter().copied().filter(|(at, _)| is_busy(pace, *at)).collect();
        (readings.len() >= MIN_CLOCKS).then(|| super::sensors::median(&readings)).flatten()
    };
    let from = busy(at_ns.saturating_sub(CLOCK_REACH_NS), at_ns)?;
    let to = busy(at_ns, at_ns.saturating_add(CLOCK_REACH_NS))?;
    let words = || format!("{}: clock fell from {} to {} MHz", of.site(), from / 1000, to / 1000);
    let fell = to as f64 <= (1.0 - CLOCK_DROP) * from as f64;
    fell.then(|| Sign { cause: HeatCause::ClockCap, words: words() })
}

/// Whether a request was in flight.
fn is_busy(pace: &Pace<'_, '_>, at_ns: u64) -> bool {
    let sent = pace.points.partition_point(|point| point.sent_at <= at_ns);
    // With many users an older request may last longer than the newest.
    pace.points[..sent].iter().rev().take(8).any(|point| point.ended_at >= at_ns)
}

#[cfg(test)]
mod tests {
    use dyno_model::sample::{AccuracyClass, Channel};
    use dyno_store::ChannelRow;

    use super::*;

    const S: u64 = 1_000_000_000;

    fn row(driver: &str, quantity: Quantity, site: &str) -> ChannelRow {
        let what = Channel::new(quantity, site, AccuracyClass::A, 1000);
        ChannelRow { run: 0, launch: 1, sensor: 0, channel: 0, driver: driver.to_owned(), what }
    }

    /// Flags that change at 100 s, at a slowdown at 95 s.
    fn flagged(driver: &str, before: i64, after: i64) -> Option<(HeatCause, String)> {
        let channel = row(driver, Quantity::ThrottleFlags, "firmware");
        let points: Vec<(u64, i64)> =
            (0..200).map(|s| (s * S, if s < 100 { before } else { after })).collect();
        let sign = flags(&Readings { channel: &channel, points: &points }, 95 * S)?;
        Some((sign.cause, sign.words))
    }

    #[test]
    fn flags_say_what_their_source_means() {
        let check = |driver: &str, before, after, expected: Option<(HeatCause, &str)>| {
            let expected = expected.map(|(cause, words)| (cause, format!("firmware: {words}")));
            assert_eq!(flagged(driver, before, after), expected, "{driver} {before:#x} {after:#x}");
        };
        check("throttle", 0, 0, None);
        check("throttle", 0, 0x8, Some((HeatCause::Thermal, "soft temperature limit")));
        check("throttle", 0, 0x5_0005, Some((HeatCause::UnderVoltage, "under-voltage, throttled")));
        check("throttle", 0x4, 0x4, Some((HeatCause::Thermal, "throttled")));
        check("throttle", 0x2, 0x2, None);
        check("nvml", 0, 0x44, Some((HeatCause::Thermal, "software power cap, hardware thermal slowdown")));
        // A card at its power limit is so under any load: it explains no change.
        check("nvml", 0x4, 0x4, None);
        check("nvml", 0x1, 0x4, Some((HeatCause::PowerCap, "software power cap")));
    }

    #[test]
    fn counters_have_the_cause_of_their_site() {
        let check = |driver: &str, site: &str, expected| {
            let channel = row(driver, Quantity::ThrottleNs, site);
            assert_eq!(counter_cause(&Readings { channel: &channel, points: &[] }), expected, "{site}");
        };
        check("throttle", "package0", HeatCause::Thermal);
        check("nvml", "gpu0 power cap", HeatCause::PowerCap);
        check("nvml", "gpu0 hardware thermal", HeatCause::Thermal);
        check("nvml", "gpu0 power brake", HeatCause::PowerCap);
        check("hwmon", "soctherm_oc oc1", HeatCause::UnderVoltage);
        check("hwmon", "soctherm_oc oc3", HeatCause::PowerCap);
    }

    #[test]
    fn a_counter_that_moves_too_far_away_is_no_sign() {
        let channel = row("throttle", Quantity::ThrottleCount, "cpu0");
        let points: Vec<(u64, i64)> = (0..200).map(|s| (s * S, i64::from(s >= 100))).collect();
        let of = Readings { channel: &channel, points: &points };
        assert_eq!(rise(&of, 91 * S), Some((0, 1)));
        assert_eq!(rise(&of, 109 * S), Some((0, 1)));
        assert_eq!((rise(&of, 89 * S), rise(&of, 111 * S)), (None, None));
    }
}
