//! `dumpsys thermalservice`: the rating of heat, and what the thermal HAL measures (ThermalManagerService.java).

use dyno_model::sample::Quantity;

use crate::android::Told;
use crate::text;

/// The rating's name; 0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown.
const SITE: &str = "thermal service";

/// The rating, temperatures and cooling devices.
///
/// Of temperatures only those that the HAL measures now count: what is cached may be hours old.
pub(super) fn figures(text: &str) -> Vec<Told> {
    let rating = text.lines().find_map(|line| line.trim().strip_prefix("Thermal Status:"));
    let rating = rating.map(|rating| text::count(rating.as_bytes()));
    let mut told: Vec<Told> =
        rating.and_then(|rating| Told::new(Quantity::HeatState, SITE, rating)).into_iter().collect();
    let temperature = |fields: &str| {
        let mdegc = field(fields, "mValue=").and_then(|value| text::decimal(value.as_bytes(), 3));
        // Also a type of values that are percentages: what a regulator's current limit leaves.
        let is_heat = field(fields, "mType=").is_none_or(|kind| !NO_TEMPERATURES.contains(&kind));
        if is_heat { Told::new(Quantity::TempMdegc, &site(fields)?, mdegc) } else { None }
    };
    told.extend(section(text, "Current temperatures from HAL:", "Temperature{").filter_map(temperature));
    let cooling = |fields: &str| {
        let state = field(fields, "mValue=").and_then(|value| text::count(value.as_bytes()));
        Told::new(Quantity::CoolingState, &site(fields)?, state)
    };
    told.extend(section(text, "Current cooling devices from HAL:", "CoolingDevice{").filter_map(cooling));
    told
}

/// Why the rating means nothing.
pub(super) fn doubt(text: &str) -> Option<&'static str> {
    let is_set = text.lines().any(|line| line.trim() == "IsStatusOverride: true");
    is_set.then_some("somebody set the rating by hand: `cmd thermalservice reset` makes it true again")
}

/// `TYPE_BCL_VOLTAGE`, `TYPE_BCL_CURRENT` and `TYPE_BCL_PERCENTAGE` (android.hardware.thermal): limits of the battery.
const NO_TEMPERATURES: [&str; 3] = ["6", "7", "8"];

/// What is in the braces of the lines of one kind that follow a heading.
fn section<'a>(text: &'a str, heading: &str, kind: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = text.lines().skip_while(move |line| line.trim() != heading).skip(1);
    let within = lines.map(str::trim).take_while(move |line| line.starts_with(kind));
    within.filter_map(move |line| line.strip_prefix(kind)?.strip_suffix('}'))
}

/// The value behind a key; fields are parted by commas.
fn field<'a>(fields: &'a str, key: &str) -> Option<&'a str> {
    fields.split(',').find_map(|field| field.trim().strip_prefix(key))
}

fn site(fields: &str) -> Option<String> {
    Some(format!("hal {}", field(fields, "mName=").filter(|name| !name.trim().is_empty())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "IsStatusOverride: false\nThermalEventListeners:\n\tcallbacks: 2\n\tkilled: false\n\
        Thermal Status: 2\nCached temperatures:\n\
        \tTemperature{mValue=99.0, mType=3, mName=VIRTUAL-SKIN, mStatus=0}\nHAL Ready: true\nHAL connection:\n\
        \tThermalHAL AIDL 2  connected: yes\nCurrent temperatures from HAL:\n\
        \tTemperature{mValue=41.799004, mType=3, mName=VIRTUAL-SKIN, mStatus=2}\n\
        \tTemperature{mValue=-99.9, mType=0, mName=CPU0, mStatus=0}\n\
        \tTemperature{mValue=75.0, mType=8, mName=soc, mStatus=0}\n\
        Current cooling devices from HAL:\n\tCoolingDevice{mValue=3, mType=2, mName=thermal-cpufreq-0}\n\
        Temperature static thresholds from HAL:\n";

    fn said(text: &str) -> Vec<(Quantity, String, Option<i64>)> {
        figures(text).into_iter().map(|told| (told.quantity, told.site, told.value)).collect()
    }

    #[test]
    fn only_what_the_hal_measures_now_counts() {
        let expected = [
            (Quantity::HeatState, "thermal service", Some(2)),
            (Quantity::TempMdegc, "hal VIRTUAL-SKIN", Some(41_799)),
            // What the phone says for "unknown".
            (Quantity::TempMdegc, "hal CPU0", None),
            (Quantity::CoolingState, "hal thermal-cpufreq-0", Some(3)),
        ];
        assert_eq!(said(TEXT), expected.map(|(quantity, site, value)| (quantity, site.to_owned(), value)));
        assert_eq!(doubt(TEXT), None);
    }

    #[test]
    fn a_hal_without_temperatures_leaves_the_rating() {
        let text = "Thermal Status: 0\nCached temperatures:\nHAL Ready: true\nCurrent temperatures from HAL:\n\
                    Current cooling devices from HAL:\n";
        assert_eq!(said(text), [(Quantity::HeatState, "thermal service".to_owned(), Some(0))]);
        let text = "Thermal Status: 3\nHAL Ready: false\n";
        assert_eq!(said(text), [(Quantity::HeatState, "thermal service".to_owned(), Some(3))]);
    }

    #[test]
    fn a_rating_that_is_none_or_set_by_hand_is_none() {
        for absurd in ["Thermal Status: -1", "Thermal Status: 99", "Thermal Status: hot", "Thermal Status:"] {
            assert_eq!(said(absurd), [(Quantity::HeatState, "thermal service".to_owned(), None)], "{absurd}");
        }
        assert_eq!(said("Can't find service: thermalservice\n"), []);
        assert!(
            doubt("IsStatusOverride: true\nThermal Status: 4\n").is_some_and(|why| why.contains("reset"))
        );
    }

    #[test]
    fn lines_that_are_broken_are_passed_over() {
        let text = "Current temperatures from HAL:\n\tTemperature{mValue=40.0, mType=3}\n\
                    \tTemperature{mValue=, mName=a}\n\tTemperature{mName=b, mValue=NaN}\n\tTemperature{mValue=1.0, mN\n\
                    \tTemperature{mValue=30.5, mName=c, mStatus=0}\nx\n\tTemperature{mValue=31.0, mName=d}\n";
        let values: Vec<_> = said(text).into_iter().map(|(_, site, value)| (site, value)).collect();
        let expected = [("hal a", None), ("hal b", None), ("hal c", Some(30_500))];
        assert_eq!(values, expected.map(|(site, value)| (site.to_owned(), value)));
    }
}
