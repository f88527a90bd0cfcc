//! Files with one number each, as the channels of one row.

use std::io;
use std::ops::RangeInclusive;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{Channel, Quantity};

use crate::driver::{Found, Sensor};
use crate::error::SensorError;
use crate::hot::{HotFile, may_pass};
use crate::root::SysRoot;
use crate::text;

/// No file with one number in it is longer.
const MAX_BYTES: usize = 64;

/// How a file's text becomes a channel's value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// A whole number, times this.
    Times(i64),
    /// A whole number, divided by this towards zero.
    Over(i64),
    /// Bits as hexadecimal digits, with or without `0x`.
    Hex,
    /// One of these words, each with its value.
    Words(&'static [(&'static str, i64)]),
    /// The line `KEY N`, times this.
    Line(&'static str, i64),
}

impl Form {
    fn parse(self, bytes: &[u8]) -> Option<i64> {
        match self {
            Self::Times(factor) => text::number(bytes)?.checked_mul(factor),
            Self::Over(divisor) => text::number(bytes)?.checked_div(divisor),
            Self::Hex => text::hex(bytes),
            Self::Words(words) => {
                let word = bytes.trim_ascii();
                words.iter().find(|(known, _)| known.as_bytes() == word).map(|(_, value)| *value)
            }
            Self::Line(key, factor) => text::keyed(bytes, key.as_bytes())?.checked_mul(factor),
        }
    }

    /// Whether there is no value now but may be one under load: a chip that sleeps has no clock, and a battery that
    /// neither gives nor takes may not know what it does.
    fn is_at_rest(self, bytes: &[u8], quantity: Quantity) -> bool {
        match quantity {
            Quantity::FreqKhz => self.parse(bytes) == Some(0),
            Quantity::ChargeState => bytes.trim_ascii() == b"Unknown",
            _ => false,
        }
    }

    /// The value, if it is one that the quantity can have.
    pub(crate) fn value(self, bytes: &[u8], quantity: Quantity) -> Option<i64> {
        self.parse(bytes).filter(|value| believed(quantity).contains(value))
    }
}

/// Values that are believed (house rule): what no device of today can have is an error of its source.
pub(crate) fn believed(quantity: Quantity) -> RangeInclusive<i64> {
    match quantity {
        Quantity::TempMdegc => crate::thermal::BELIEVED_MDEGC,
        // 1 kHz to 20 GHz.
        Quantity::FreqKhz | Quantity::FreqCapKhz => 1..=20_000_000,
        // 1 kV and 1 kA either way.
        Quantity::VoltageUv | Quantity::CurrentUa | Quantity::ChargeUah => -1_000_000_000..=1_000_000_000,
        // 10 kW either way.
        Quantity::PowerUw => -10_000_000_000..=10_000_000_000,
        Quantity::StoredUwh => 0..=10_000_000_000,
        Quantity::CapacityPermille => 0..=1000,
        Quantity::PluggedState | Quantity::AlarmState => 0..=1,
        // Android and macOS count to 6 and to 4.
        Quantity::HeatState => 0..=15,
        Quantity::FanRpm => 0..=100_000,
        // 1 PiB.
        Quantity::CgroupBytes | Quantity::CgroupPeakBytes | Quantity::SwapBytes | Quantity::GpuBytes => {
            0..=1 << 50
        }
        _ => 0..=i64::MAX,
    }
}

/// Where a column comes from.
#[derive(Debug)]
enum Source {
    File(HotFile, Form),
    /// Voltage and current, by their columns.
    Product(usize, usize),
}

/// One row of such files, read in order.
///
/// The row's time is the middle of its reading: a chip behind a bus answers in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    channels: Vec<Channel>,
    sources: Vec<Source>,
}

impl Figures {
    /// Adds a file that says something sensible now, or may do so under load; gives its column.
    pub(crate) fn add(
        &mut self,
        root: &SysRoot,
        path: &str,
        form: Form,
        channel: Channel,
    ) -> io::Result<usize> {
        self.add_sized(root, path, MAX_BYTES, form, channel)
    }

    /// Like [`Figures::add`], for a file of which the first `limit_bytes` matter.
    pub(crate) fn add_sized(
        &mut self,
        root: &SysRoot,
        path: &str,
        limit_bytes: usize,
        form: Form,
        channel: Channel,
    ) -> io::Result<usize> {
        let mut file = HotFile::open(root, path, limit_bytes)?;
        let bytes = match file.read() {
            Ok(bytes) => bytes,
            Err(error) if may_pass(&error) => return Ok(self.put(Source::File(file, form), channel)),
            Err(error) => return Err(error),
        };
        if form.value(bytes, channel.quantity).is_none() && !form.is_at_rest(bytes, channel.quantity) {
            let said: String = String::from_utf8_lossy(bytes).trim().chars().take(32).collect();
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{said}` is no sensible value")));
        }
        Ok(self.put(Source::File(file, form), channel))
    }

    /// Adds a file that is open.
    pub(crate) fn add_open(&mut self, file: HotFile, form: Form, channel: Channel) {
        self.put(Source::File(file, form), channel);
    }

    /// Adds the power that follows from two columns before it.
    pub(crate) fn add_power(&mut self, voltage: usize, current: usize, channel: Channel) {
        self.put(Source::Product(voltage, current), channel);
    }

    fn put(&mut self, source: Source, channel: Channel) -> usize {
        self.sources.push(source);
        self.channels.push(channel);
        self.channels.len() - 1
    }

    /// Hands the row on, unless it has no columns.
    pub(crate) fn give(self, found: &mut Found) {
        if !self.channels.is_empty() {
            found.sensors.push(Box::new(self));
        }
    }
}

/// µV × µA in µW.
pub(crate) fn power_uw(voltage_uv: i64, current_ua: i64) -> Option<i64> {
    Some(voltage_uv.checked_mul(current_ua)? / 1_000_000)
}

impl Sensor for Figures {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let begun_at = monotonic_now();
        for (idx, (source, channel)) in self.sources.iter_mut().zip(&self.channels).enumerate() {
            row[idx] = match source {
                Source::File(file, form) => file.text().and_then(|bytes| form.value(bytes, channel.quantity)),
                Source::Product(voltage, current) => {
                    row[*voltage].zip(row[*current]).and_then(|(voltage, current)| power_uw(voltage, current))
                }
            };
        }
        Ok(begun_at.plus(monotonic_now().since(begun_at) / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_the_unit_of_its_quantity_or_nothing() {
        let check = |form: Form, quantity, bytes: &str, expected| {
            assert_eq!(form.value(bytes.as_bytes(), quantity), expected, "{form:?} {bytes}");
        };
        check(Form::Times(1000), Quantity::VoltageUv, "5032\n", Some(5_032_000));
        check(Form::Times(1000), Quantity::VoltageUv, "9223372036854775807", None);
        check(Form::Times(100), Quantity::TempMdegc, "287\n", Some(28_700));
        check(Form::Times(100), Quantity::TempMdegc, "-2740\n", None);
        check(Form::Over(1000), Quantity::FreqKhz, "1300500999\n", Some(1_300_500));
        check(Form::Hex, Quantity::ThrottleFlags, "50005\n", Some(0x50005));
        check(Form::Hex, Quantity::ThrottleFlags, "0x4\n", Some(4));
        check(Form::Hex, Quantity::ThrottleFlags, "-4\n", None);
        check(Form::Words(&[("Charging", 1)]), Quantity::ChargeState, "Charging\n", Some(1));
        check(Form::Words(&[("Charging", 1)]), Quantity::ChargeState, "charging\n", None);
        check(Form::Line("oom_kill", 1), Quantity::OomKills, "oom 2\noom_kill 3\n", Some(3));
        check(Form::Times(1), Quantity::PowerUw, "10000000001", None);
    }

    #[test]
    fn what_sleeps_now_may_have_a_value_later() {
        let words = Form::Words(&[("Charging", 1)]);
        assert!(Form::Times(1000).is_at_rest(b"0\n", Quantity::FreqKhz));
        assert!(words.is_at_rest(b"Unknown\n", Quantity::ChargeState));
        assert!(!Form::Times(1).is_at_rest(b"-1\n", Quantity::FreqKhz));
        assert!(!Form::Times(1).is_at_rest(b"0\n", Quantity::FreqCapKhz));
        assert!(!words.is_at_rest(b"\n", Quantity::ChargeState));
    }

    #[test]
    fn power_is_voltage_times_current_with_its_sign() {
        // 5.032 V × 0.968 A = 4.870976 W.
        assert_eq!(power_uw(5_032_000, 968_000), Some(4_870_976));
        assert_eq!(power_uw(4_015_000, -512_000), Some(-2_055_680));
        assert_eq!(power_uw(1_000_000_000, 1_000_000_000), Some(1_000_000_000_000));
        assert_eq!(power_uw(i64::MAX, 2), None);
    }
}
