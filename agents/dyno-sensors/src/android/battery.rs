//! `dumpsys battery`: what the battery service says where files keep it back (BatteryService.java).
//!
//! It has no current: that is in files only.

use dyno_model::sample::Quantity;

use crate::android::Told;
use crate::text;

/// What its figures are called.
pub(super) const SITE: &str = "battery service";

/// State, voltage, charge, level and temperature, and whether anything is plugged in.
pub(super) fn figures(text: &str) -> Vec<Told> {
    let number = |key: &str| value(text, key).and_then(|value| text::number(value.as_bytes()));
    // `BatteryManager`: 1 unknown, 2 charging, 3 discharging, 4 not charging, 5 full; the kernel has one less.
    let state = number("status:").map(|state| state - 1).filter(|state| (1..=4).contains(state));
    let level =
        || number("level:")?.checked_mul(1000)?.checked_div(number("scale:").filter(|scale| *scale > 0)?);
    let times = |key, factor| number(key)?.checked_mul(factor);
    let plugs: Vec<&str> = PLUGS.iter().filter_map(|plug| value(text, plug)).collect();
    let plugged = (!plugs.is_empty()).then(|| i64::from(plugs.contains(&"true")));
    let told = [
        (Quantity::ChargeState, state),
        (Quantity::VoltageUv, times("voltage:", 1000)),
        (Quantity::ChargeUah, number("Charge counter:").filter(|charge| *charge > 0)),
        (Quantity::CapacityPermille, level()),
        (Quantity::TempMdegc, times("temperature:", 100)),
        (Quantity::PluggedState, plugged),
    ];
    let told = told.into_iter().filter(|(_, value)| value.is_some());
    told.filter_map(|(quantity, value)| Told::new(quantity, SITE, value)).collect()
}

/// Why figures mean nothing.
pub(super) fn doubt(text: &str) -> Option<&'static str> {
    let is_frozen = text.contains("UPDATES STOPPED");
    is_frozen.then_some("somebody froze what the service says: `dumpsys battery reset` makes it true again")
}

const PLUGS: [&str; 4] = ["AC powered:", "USB powered:", "Wireless powered:", "Dock powered:"];

/// What follows the key on the first line that begins with it: some makers repeat lines.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Current Battery Service state:\n  AC powered: false\n  USB powered: true\n\
        \x20 Wireless powered: false\n  Max charging current: 500000\n  Charge counter: 2860000\n  status: 3\n  status: 2\n\
        \x20 health: 2\n  present: true\n  level: 64\n  scale: 100\n  voltage: 4015\n  temperature: 287\n";

    fn said(text: &str) -> Vec<(Quantity, Option<i64>)> {
        figures(text).into_iter().map(|told| (told.quantity, told.value)).collect()
    }

    #[test]
    fn states_are_the_kernels_and_units_ours() {
        let expected = [
            (Quantity::ChargeState, Some(2)),
            (Quantity::VoltageUv, Some(4_015_000)),
            (Quantity::ChargeUah, Some(2_860_000)),
            (Quantity::CapacityPermille, Some(640)),
            (Quantity::TempMdegc, Some(28_700)),
            (Quantity::PluggedState, Some(1)),
        ];
        assert_eq!(said(TEXT), expected);
        assert_eq!(doubt(TEXT), None);
    }

    #[test]
    fn what_is_unknown_or_absurd_is_not_told() {
        assert_eq!(said("  status: 1\n  level: 50\n  scale: 0\n  Charge counter: 0\n  voltage: x\n"), []);
        let absurd =
            said("  status: 99\n  voltage: 4015000\n  temperature: 9999\n  level: 200\n  scale: 100\n");
        assert!(absurd.iter().all(|(_, value)| value.is_none()), "{absurd:?}");
        let huge = i64::MAX;
        assert_eq!(
            said(&format!("voltage: {huge}\nlevel: {huge}\nscale: 1\nstatus: {}\n", i64::MIN + 1)),
            []
        );
    }

    #[test]
    fn a_frozen_service_is_doubted() {
        let frozen =
            "Current Battery Service state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n  level: 10\n";
        assert!(doubt(frozen).is_some_and(|why| why.contains("reset")));
    }
}
