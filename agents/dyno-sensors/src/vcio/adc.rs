//! What the power chip of a Raspberry Pi 5 measures: `pmic_read_adc`.
//!
//! Lines like ` VDD_CORE_A current(7)=0.97652000A` and ` VDD_CORE_V volt(15)=0.72066780V`; the numbers differ between
//! the two of one rail, its name does not. The input and the battery of the clock have a voltage only, so that what
//! hangs on the 5 V of the board (USB, HATs, NVMe) is in no rail.

use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use crate::facts::clean;
use crate::figures;
use crate::text;
use crate::vcio::READ_RAILS;
use crate::vcio::mailbox::Firmware;

/// More rails than this are not sampled (house rule): the chip measures twelve.
const MAX_RAILS: usize = 32;
/// More lines than this are not read (house rule).
const MAX_LINES: usize = 2 * MAX_RAILS;
/// The board's input.
const INPUT: &[u8] = b"EXT5V";

/// Which of the two a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Current,
    Voltage,
}

/// One line in parts: `0.97652 A` is 976,520.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    rail: &'a [u8],
    kind: Kind,
    /// µA or µV; `None` if it is none or nobody would believe it.
    micro: Option<i64>,
}

impl<'a> Line<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let mut words = text::words(line);
        let (name, told) = (words.next()?, words.next()?);
        let (rail, kind) = match (name.strip_suffix(b"_A"), name.strip_suffix(b"_V")) {
            (Some(rail), _) if told.starts_with(b"current(") => (rail, Kind::Current),
            (_, Some(rail)) if told.starts_with(b"volt(") => (rail, Kind::Voltage),
            _ => return None,
        };
        let end = told.iter().position(|byte| *byte == b'=')?;
        let (unit, quantity) = match kind {
            Kind::Current => (b"A", Quantity::CurrentUa),
            Kind::Voltage => (b"V", Quantity::VoltageUv),
        };
        // Without its unit the number was cut.
        let number = told[end + 1..].strip_suffix(unit)?;
        let believed = |micro: &i64| *micro >= 0 && figures::believed(quantity).contains(micro);
        Some(Self { rail, kind, micro: text::decimal(number, 6).filter(believed) })
    }
}

/// A rail that has both, and what it had in the row that is read.
#[derive(Debug)]
struct Rail {
    name: Vec<u8>,
    current_ua: Option<i64>,
    voltage_uv: Option<i64>,
}

/// All rails with both as columns, then their sum, then the voltage of the input where it is told.
#[derive(Debug)]
pub(super) struct Rails {
    channels: Vec<Channel>,
    paired: Vec<Rail>,
    has_input: bool,
}

impl Rails {
    /// Asks once.
    ///
    /// # Errors
    /// Why there is no rail, in words.
    pub(super) fn probe(firmware: &mut Firmware, period_ms: u32) -> Result<Self, String> {
        let text = firmware.text(READ_RAILS).ok_or("the firmware does not answer `pmic_read_adc`")?;
        Self::of(text, period_ms).ok_or_else(|| {
            "the firmware tells no currents: boards before the Raspberry Pi 5 do not measure them".to_owned()
        })
    }

    /// The rails of a text; `None` without any.
    fn of(text: &[u8], period_ms: u32) -> Option<Self> {
        let lines = || text.split(|byte| *byte == b'\n').filter_map(Line::of).take(MAX_LINES);
        let has = |rail: &[u8], kind| lines().any(|line| line.rail == rail && line.kind == kind);
        let has_both = |rail: &[u8]| has(rail, Kind::Current) && has(rail, Kind::Voltage);
        let mut rails: Vec<Rail> = Vec::new();
        for line in lines().filter(|line| has_both(line.rail)) {
            if rails.len() < MAX_RAILS && rails.iter().all(|known| known.name != line.rail) {
                rails.push(Rail { name: line.rail.to_vec(), current_ua: None, voltage_uv: None });
            }
        }
        if rails.is_empty() {
            return None;
        }
        let name = |rail: &[u8]| clean(&String::from_utf8_lossy(rail)).unwrap_or_default();
        let channel = |site: String, scope| Channel {
            scope: Some(scope),
            ..Channel::new(Quantity::PowerUw, site, AccuracyClass::D, period_ms)
        };
        let mut channels: Vec<Channel> =
            rails.iter().map(|rail| channel(name(&rail.name), Scope::Part)).collect();
        let lone = lines().filter(|line| !has_both(line.rail)).take(MAX_RAILS);
        channels.push(channel(sum_site(&lone.map(|line| name(line.rail)).collect::<Vec<_>>()), Scope::Board));
        let has_input = has(INPUT, Kind::Voltage);
        if has_input {
            channels.push(Channel::new(Quantity::VoltageUv, name(INPUT), AccuracyClass::C, period_ms));
        }
        Some(Self { channels, paired: rails, has_input })
    }

    pub(super) fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Reads one row out of an answer. Allocates nothing.
    pub(super) fn read(&mut self, text: &[u8], row: &mut [Option<i64>]) {
        row.fill(None);
        for rail in &mut self.paired {
            (rail.current_ua, rail.voltage_uv) = (None, None);
        }
        for line in text.split(|byte| *byte == b'\n').filter_map(Line::of).take(MAX_LINES) {
            if self.has_input && line.rail == INPUT && line.kind == Kind::Voltage {
                row[self.paired.len() + 1] = line.micro;
            }
            if let Some(rail) = self.paired.iter_mut().find(|rail| rail.name == line.rail) {
                match line.kind {
                    Kind::Current => rail.current_ua = line.micro,
                    Kind::Voltage => rail.voltage_uv = line.micro,
                }
            }
        }
        for (value, rail) in row.iter_mut().zip(&self.paired) {
            let both = rail.voltage_uv.zip(rail.current_ua);
            let power = both.and_then(|(voltage, current)| figures::power_uw(voltage, current));
            *value = power.filter(|uw| figures::believed(Quantity::PowerUw).contains(uw));
        }
        // A sum without one of its rails would be a smaller number that looks the same.
        let n_rails = self.paired.len();
        row[n_rails] = row[..n_rails].iter().try_fold(0, |sum: i64, power| sum.checked_add((*power)?));
    }
}

/// The sum's name says what is not in it: what has no current or no voltage, and what hangs on the 5 V of the board.
fn sum_site(lone: &[String]) -> String {
    let without = if lone.is_empty() { String::new() } else { format!(" without {}", lone.join(", ")) };
    format!("sum of PMIC rails{without} (USB, HATs, NVMe)")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values by hand; form and names are those of a board that others have shown.
    const TOLD: &[u8] = b" 3V7_WL_SW_A current(0)=0.10000000A\n   3V3_SYS_A current(1)=0.20000000A\n\
          \x20 VDD_CORE_A current(7)=2.00000000A\n 3V7_WL_SW_V volt(8)=3.70000000V\n   3V3_SYS_V volt(9)=3.30000000V\n\
          \x20 VDD_CORE_V volt(15)=0.90000000V\n     EXT5V_V volt(24)=5.06788000V\n      BATT_V volt(25)=3.01110800V\n";

    fn rails() -> Rails {
        Rails::of(TOLD, 1000).expect("three rails")
    }

    fn row(text: &[u8]) -> Vec<Option<i64>> {
        let mut row = vec![Some(-1); 5];
        rails().read(text, &mut row);
        row
    }

    #[test]
    fn rails_with_both_are_summed_and_the_sum_says_what_it_lacks() {
        let rails = rails();
        let sites: Vec<_> =
            rails.channels().iter().map(|one| (one.quantity, &*one.site, one.scope)).collect();
        let sum = "sum of PMIC rails without EXT5V, BATT (USB, HATs, NVMe)";
        let expected = [
            (Quantity::PowerUw, "3V7_WL_SW", Some(Scope::Part)),
            (Quantity::PowerUw, "3V3_SYS", Some(Scope::Part)),
            (Quantity::PowerUw, "VDD_CORE", Some(Scope::Part)),
            (Quantity::PowerUw, sum, Some(Scope::Board)),
            (Quantity::VoltageUv, "EXT5V", None),
        ];
        assert_eq!(sites, expected);
        // 3.7 × 0.1 + 3.3 × 0.2 + 0.9 × 2 = 0.37 + 0.66 + 1.8 W.
        let expected = [370_000, 660_000, 1_800_000, 2_830_000, 5_067_880].map(Some);
        assert_eq!(row(TOLD), expected);
    }

    #[test]
    fn a_rail_that_is_gone_takes_the_sum_with_it() {
        let text = String::from_utf8_lossy(TOLD).replace("VDD_CORE_V volt(15)=0.90000000V", "");
        assert_eq!(row(text.as_bytes()), [Some(370_000), Some(660_000), None, None, Some(5_067_880)]);
        assert_eq!(row(b""), [None; 5]);
        assert_eq!(row(b"error=1 error_msg=\"Command not registered\""), [None; 5]);
    }

    #[test]
    fn what_nobody_would_believe_is_not_readable_now() {
        for absurd in
            ["-0.00010000A", "nanA", "infA", "1e3A", "2.00000000", "2.0000", "A", "2.0.0A", "5000.0A", "2,0A"]
        {
            let text = String::from_utf8_lossy(TOLD).replace("2.00000000A", absurd);
            assert_eq!(row(text.as_bytes())[2..4], [None, None], "{absurd}");
        }
        let text = String::from_utf8_lossy(TOLD).replace("volt(24)=5.06788000V", "volt(24)=99999V");
        assert_eq!(row(text.as_bytes())[4], None);
    }

    #[test]
    fn an_answer_that_is_cut_anywhere_gives_fewer_numbers_never_other_ones() {
        let whole = row(TOLD);
        for end in 0..TOLD.len() {
            for (told, expected) in row(&TOLD[..end]).iter().zip(&whole) {
                assert!(told.is_none() || told == expected, "{end}");
            }
        }
    }

    #[test]
    fn boards_without_currents_have_no_rails() {
        for text in [
            "",
            "VDD_CORE_V volt(15)=0.9V\n",
            "VDD_CORE_A current(7)=1.0A\n",
            "VDD_CORE_A volt(7)=1.0A\n",
            "\0\0\n_A\n",
        ] {
            assert!(Rails::of(text.as_bytes(), 1000).is_none(), "{text}");
        }
    }

    #[test]
    fn rails_beyond_all_measure_are_sampled_in_part() {
        let pair = |n: u32| format!("R{n}_A current(0)=1.0A\nR{n}_V volt(1)=1.0V\n");
        let text: String = (0..100).map(pair).collect();
        let rails = Rails::of(text.as_bytes(), 1000).expect("rails");
        assert_eq!(rails.channels().len(), MAX_RAILS + 1);
    }
}
