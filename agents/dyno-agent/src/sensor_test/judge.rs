//! What to do with a source, from what it said over known phases.

use dyno_model::sample::{Channel, Quantity, Scope};
use dyno_model::sensor_test::{SourceTest, SourceVerdict};

use super::Phase;
use super::series::{Point, Series, median, unwrapped};
use super::source::Source;

/// What a whole device draws when all its CPUs work lies between (house rule): a small phone with its display off, and a
/// workstation. A gauge that tells mA where µA are meant is off by a thousand.
const DEVICE_UW: std::ops::RangeInclusive<i64> = 50_000..=500_000_000;
/// More than this nothing here draws (house rule).
const MOST_UW: i64 = 10_000_000_000;
/// A step is followed if at least this part in a hundred of the usual change is there (house rule).
const FOLLOWED_PERCENT: i64 = 50;
/// Of this many steps in a hundred (house rule): chance follows fewer.
const STEPS_PERCENT: u32 = 75;
/// A change below this part in a hundred of the greater level is none (house rule).
const LEAST_PERCENT: i64 = 2;
/// Nor is one below this many times the scatter of the readings (house rule).
const TIMES_SCATTER: i64 = 3;
/// The kernel's number for a battery that gives power (include/linux/power_supply.h).
const DISCHARGING: i64 = 2;

/// Levels of the phases, and how the steps between them were followed.
struct Steps {
    idle_uw: Option<i64>,
    busy_uw: Option<i64>,
    n: u32,
    n_followed: u32,
    lag_ns: Option<u64>,
}

/// Judges one source.
pub(super) fn test(source: &Source, phases: &[Phase]) -> SourceTest {
    let readings: Vec<Point> =
        source.points.iter().filter_map(|(at, value)| Some((*at, (*value)?))).collect();
    let channel = &source.channel;
    let (series, n_back) = match channel.quantity {
        Quantity::EnergyUj => {
            let (grown, n_back) = unwrapped(&readings, channel.wraps_at);
            (Series::Energy(grown), n_back)
        }
        _ => (Series::Power(readings.clone()), 0),
    };
    let steps = steps(&series, phases);
    let faulty = faulty(source, readings.len(), n_back);
    let verdict = match faulty {
        Some(why) => SourceVerdict::Unusable { why },
        None => verdict(source, &series, &steps),
    };
    SourceTest {
        driver: source.driver.clone(),
        site: channel.site.clone(),
        quantity: channel.quantity,
        class: channel.class,
        scope: channel.scope,
        update_ns: series.update_ns(),
        lag_ns: steps.lag_ns,
        idle_uw: steps.idle_uw,
        busy_uw: steps.busy_uw,
        n_steps: steps.n,
        n_followed: steps.n_followed,
        verdict,
    }
}

/// What is wrong with the readings as such, whatever the load.
fn faulty(source: &Source, n_readings: usize, n_back: u32) -> Option<String> {
    let n_rows = source.points.len();
    if n_readings * 2 <= n_rows || n_rows == 0 {
        return Some(format!("it could be read {n_readings} of {n_rows} times"));
    }
    if n_back > 0 {
        return Some(format!("its count went back {n_back} times"));
    }
    let fed = source.states.iter().find(|state| **state != DISCHARGING)?;
    Some(match fed {
        1 => "the battery is being charged: unplug the device and try again".to_owned(),
        _ => "the battery gives no power, the charger does: unplug the device and try again".to_owned(),
    })
}

fn steps(series: &Series, phases: &[Phase]) -> Steps {
    let levels: Vec<Option<i64>> = phases.iter().map(|phase| series.level_uw(phase)).collect();
    let of = |is_busy: bool| {
        let of_kind = phases.iter().zip(&levels).filter(|(phase, _)| phase.is_busy == is_busy);
        median(&of_kind.filter_map(|(_, level)| *level).collect::<Vec<_>>())
    };
    let (idle_uw, busy_uw) = (of(false), of(true));
    let n = u32::try_from(phases.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let mut found = Steps { idle_uw, busy_uw, n, n_followed: 0, lag_ns: None };
    let (Some(idle), Some(busy)) = (idle_uw, busy_uw) else { return found };
    let change = busy.saturating_sub(idle);
    let least = (idle.saturating_abs().max(busy.saturating_abs()) / 100 * LEAST_PERCENT)
        .max(series.scatter_uw(phases).saturating_mul(TIMES_SCATTER));
    if change.saturating_abs() <= least {
        return found;
    }
    let mut lags = Vec::new();
    for (pair, phases) in levels.windows(2).zip(phases.windows(2)) {
        let [Some(before), Some(after)] = *pair else { continue };
        let moved =
            if phases[1].is_busy { after.saturating_sub(before) } else { before.saturating_sub(after) };
        if moved.signum() == change.signum()
            && moved.saturating_abs() >= change.saturating_abs() / 100 * FOLLOWED_PERCENT
        {
            found.n_followed += 1;
            lags.extend(series.lag_ns(&phases[1], before, after).map(u64::cast_signed));
        }
    }
    if found.n_followed * 100 >= n * STEPS_PERCENT {
        found.lag_ns = median(&lags).map(i64::cast_unsigned);
    }
    found
}

fn verdict(source: &Source, series: &Series, steps: &Steps) -> SourceVerdict {
    let channel = &source.channel;
    if series.n_changes() == 0 {
        return not_moved(
            source,
            match series {
                Series::Power(points) => {
                    let value = points.first().map_or_else(|| "nothing".to_owned(), |point| watts(point.1));
                    format!("it said {value} all the time")
                }
                Series::Energy(_) => "it did not count".to_owned(),
            },
        );
    }
    let (Some(idle), Some(busy)) = (steps.idle_uw, steps.busy_uw) else {
        let n = series.n_changes();
        return not_moved(source, format!("it changed {n} times, too seldom for steps of this length"));
    };
    let levels = format!("{} at rest, {} under load", watts(idle), watts(busy));
    if let Some(limits) = implausible(channel, idle, busy) {
        return SourceVerdict::Unusable { why: format!("{levels}: {limits}") };
    }
    if steps.n_followed * 100 < steps.n * STEPS_PERCENT {
        return not_moved(source, format!("{levels}: it followed {} of {} steps", steps.n_followed, steps.n));
    }
    match (busy > idle, busy > 0) {
        (true, true) => SourceVerdict::Usable,
        (false, false) => SourceVerdict::Negated,
        (true, false) => SourceVerdict::Unusable {
            why: format!("{levels}: negative, and more so at rest: the device is fed"),
        },
        (false, true) => SourceVerdict::Unusable { why: format!("{levels}: it falls when the load rises") },
    }
}

/// Why these levels cannot be power of that scope.
fn implausible(channel: &Channel, idle: i64, busy: i64) -> Option<&'static str> {
    let (idle, busy) = (idle.saturating_abs(), busy.saturating_abs());
    if channel.scope == Some(Scope::Device) && (!DEVICE_UW.contains(&busy) || idle > *DEVICE_UW.end()) {
        return Some(
            "a whole device under load draws 0.05 W to 500 W; its unit may be another one, mA for µA or the other way \
             round",
        );
    }
    (idle.max(busy) > MOST_UW).then_some("nothing here draws that")
}

/// The verdict on a source that did not follow: whether the load should have reached it decides.
fn not_moved(source: &Source, seen: String) -> SourceVerdict {
    let site = source.channel.site.to_lowercase();
    let is_graphics = source.driver == "nvml"
        || ["amdgpu", "i915", "xe ", "nouveau", "gpu"].iter().any(|name| site.starts_with(name));
    let is_processor = site.contains("cpu") || (site.contains("core") && !site.contains("uncore"));
    let is_reached = match source.channel.scope {
        Some(Scope::Device | Scope::Board) => true,
        Some(Scope::Package) => !is_graphics,
        Some(Scope::Part) | None => is_processor && !is_graphics,
    };
    if is_reached {
        SourceVerdict::Unusable { why: seen }
    } else {
        SourceVerdict::Untried { why: format!("{seen}; a load of the CPUs need not reach it") }
    }
}

/// `4.880 W`.
fn watts(uw: i64) -> String {
    format!("{:.3} W", uw as f64 / 1e6)
}
