//! What the power service counts on its rails (hardware/google/pixel/powerstats, `PowerStatsAidl.cpp` and
//! `PowerStats.cpp`).
//!
//! The service prints with the 24 bits of a short float: a counter of 1 MJ moves in steps of 0.06 J.

use dyno_model::sample::Quantity;

use crate::android::Told;
use crate::text;

/// What a table of rails begins with; other tables of that answer are of states and of estimated consumers.
const HEADINGS: [&str; 2] = ["PowerStats HAL 2.0 energy meter", "PowerStats HAL 1.0 rail energy data"];

/// The counter of each rail, by the rail's name.
///
/// Lines are `[S2M_VDD_CPUCL2]:CPU(BIG)   88055.22 mWs (  12.01)` and, with HAL 1, `CPU   S2M_VDD_CPUCL2   88055.22 mWs`.
pub(super) fn figures(text: &str) -> Vec<Told> {
    let is_rule = |line: &str| line.trim().starts_with("====");
    let is_heading = |line: &str| is_rule(line) && HEADINGS.iter().any(|heading| line.contains(heading));
    let table = text.lines().skip_while(|line| !is_heading(line)).skip(1);
    table.take_while(|line| !is_rule(line)).filter_map(rail).collect()
}

fn rail(line: &str) -> Option<Told> {
    let (told, _delta) = line.trim().split_once(" mWs")?;
    let (name, mws) = told.trim().rsplit_once(char::is_whitespace)?;
    let name = match name.trim().strip_prefix('[').and_then(|name| name.split_once(']')) {
        Some((name, _subsystem)) => name,
        None => name.split_whitespace().next_back()?,
    };
    let uj = text::decimal(mws.as_bytes(), 3).filter(|uj| *uj >= 0);
    Told::new(Quantity::EnergyUj, name, uj)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, Option<i64>)> {
        figures(text).into_iter().map(|told| (told.site, told.value)).collect()
    }

    #[test]
    fn rails_are_those_of_the_meter_not_of_estimates() {
        let text = "\n============= PowerStats HAL 2.0 energy consumers ==============\n\
            \x20                            Name   Cumulative Energy\n                              CPUCL0   999.00 mWs\n\
            ========== End of PowerStats HAL 2.0 energy consumers ==========\n\
            \n============= PowerStats HAL 2.0 energy meter ==============\nElapsed time: 5031 ms\n\
            \x20                         Channel    Cumulative Energy (      Delta   )\n\
            \x20     [S2M_VDD_CPUCL2]:CPU(BIG)         88055.22 mWs (         12.01)\n\
            \x20        [VSYS_PWR_MODEM]:Modem            -1.00 mWs (          0.00)\n\
            \x20                [S4M_LLDO]:x y             0.30 mWs (          0.00)\n\
            ========== End of PowerStats HAL 2.0 energy meter ==========\n   late   1.00 mWs\n";
        let expected =
            [("S2M_VDD_CPUCL2", Some(88_055_220)), ("VSYS_PWR_MODEM", None), ("S4M_LLDO", Some(300))];
        assert_eq!(said(text), expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn older_services_name_the_rail_second() {
        let text = "\n============= PowerStats HAL 1.0 rail energy data ==============\nElapsed time: unknown ms\n\
            \x20       Subsys                 Rail   Cumulative Energy (      Delta   )\n\
            \x20          CPU          S1_VDD_CPU          1234.50 mWs (          none)\n\
            ========== End of PowerStats HAL 1.0 rail energy data ==========\n";
        assert_eq!(said(text), [("S1_VDD_CPU".to_owned(), Some(1_234_500))]);
    }

    #[test]
    fn a_service_without_rails_says_nothing() {
        let empty = "\n============= PowerStats HAL 2.0 energy meter ==============\nElapsed time: 0 ms\n\
                     \x20  Channel   Cumulative Energy (Delta)\n========== End of PowerStats HAL 2.0 energy meter ====\n";
        for text in [
            "",
            empty,
            "Can't find service: android.hardware.power.stats.IPowerStats/default\n",
            "[A]:B 1.00 mWs",
        ] {
            assert_eq!(said(text), [], "{text}");
        }
        let broken = "==== PowerStats HAL 2.0 energy meter ====\n mWs\n[A] mWs\n[B]:x 1e9 mWs (0)\n[C]:y 99999999999999999 mWs\n";
        assert_eq!(said(broken), [("B".to_owned(), None), ("C".to_owned(), None)]);
    }
}
