//! The firmware of a Raspberry Pi, asked through its mailbox: flags of slowing down, temperature, clocks, and on a
//! Raspberry Pi 5 the rails of its power chip.
//!
//! No program is started: `vcgencmd` asks in the same way. An answer takes the firmware up to some milliseconds, in
//! which the sampler sleeps; that is why its rows come last and once a second at most.

mod adc;
mod mailbox;

use std::io;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::figures;
use crate::root::SysRoot;
use crate::throttle;
use crate::vcio::adc::Rails;
use crate::vcio::mailbox::{Firmware, Mailbox};

/// What the firmware's channels are called.
const SITE: &str = "firmware";
/// The command that the rails of the power chip are read by.
pub(crate) const READ_RAILS: &str = "pmic_read_adc";
/// The command that the flags are read by.
pub(crate) const READ_FLAGS: &str = "get_throttled";

/// Finds a sensor with flags, temperature and clocks, as sites `firmware` and `firmware arm`, and one with the rails
/// of the power chip, as site `VDD_CORE`.
pub(crate) struct Vcio;

impl SensorDriver for Vcio {
    fn name(&self) -> &'static str {
        "vcio"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        match mailbox::open(root) {
            Ok(mailbox) => self.ask(root, context, mailbox, &mut found),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_raspberry_pi(root) => {}
            Err(error) => found.leave_out(self.name(), "/dev/vcio", &advice(&error)),
        }
        Ok(found)
    }
}

impl Vcio {
    fn ask(&self, root: &SysRoot, context: &ProbeContext, mailbox: Box<dyn Mailbox>, found: &mut Found) {
        let mut firmware = Firmware::of(mailbox);
        let period_ms = context.slow_period_ms;
        // The kernel's own file has the flags already, and each of its reads clears what the firmware remembers.
        let has_file = throttle::flags_path(root).is_some_and(|path| root.text(&path).is_some());
        let told = |figure: &&Figure| !(has_file && figure.quantity() == Quantity::ThrottleFlags);
        let figures: Vec<Figure> = FIGURES
            .iter()
            .filter(told)
            .filter(|figure| figure.ask(&mut firmware).is_some())
            .copied()
            .collect();
        match Rails::probe(&mut firmware, period_ms) {
            Ok(rails) => {
                self.figures(figures, root, period_ms, found);
                found.sensors.push(Box::new(RailSensor { firmware, rails }));
            }
            Err(why) => {
                found.leave_out(self.name(), "rails of the PMIC", &why);
                if !figures.is_empty() {
                    found.sensors.push(Box::new(FigureSensor::of(figures, firmware, period_ms)));
                }
            }
        }
    }

    /// The figures have a mailbox of their own, for the other is the rails'.
    fn figures(&self, figures: Vec<Figure>, root: &SysRoot, period_ms: u32, found: &mut Found) {
        if figures.is_empty() {
            return;
        }
        match mailbox::open(root) {
            Ok(mailbox) => {
                let firmware = Firmware::of(mailbox);
                found.sensors.push(Box::new(FigureSensor::of(figures, firmware, period_ms)));
            }
            Err(error) => found.leave_out(self.name(), "figures of the firmware", &error),
        }
    }
}

/// Whether the firmware tells the currents of rails; why not, if it does not.
pub(crate) fn tells_rails(root: &SysRoot) -> Result<(), String> {
    let mailbox = mailbox::open(root).map_err(|error| format!("/dev/vcio: {}", advice(&error)))?;
    Rails::probe(&mut Firmware::of(mailbox), 0).map(drop)
}

/// The flags as they are now; `None` where the firmware does not tell them.
///
/// # Errors
/// Why it cannot be asked, in words.
pub(crate) fn flags(root: &SysRoot) -> Result<Option<i64>, String> {
    let mailbox = mailbox::open(root).map_err(|error| advice(&error))?;
    Ok(Figure::Flags.ask(&mut Firmware::of(mailbox)))
}

/// By the names that the device tree gives the board.
fn is_raspberry_pi(root: &SysRoot) -> bool {
    // Best effort: a board without a device tree is none.
    root.read("proc/device-tree/compatible").is_ok_and(|names| names.contains("raspberrypi,"))
}

/// Why the mailbox cannot be asked, and what helps.
fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("{error}: add the agent's user to the group `video`, then log in anew")
        }
        io::ErrorKind::NotFound => {
            format!("{error}: this kernel or container has no mailbox; Raspberry Pi's own kernels have one")
        }
        _ => error.to_string(),
    }
}

/// One figure that is asked for by a property's tag (the firmware's mailbox property interface).
#[derive(Debug, Clone, Copy)]
enum Figure {
    /// Bits 0 to 3 are so now, bits 16 to 19 were so since somebody last cleared them: this read does not.
    Flags,
    /// Of the chip.
    Temperature,
    /// A measured clock: its number and name.
    Clock(u32, &'static str),
}

/// Clocks by their numbers: arm, core, v3d.
const FIGURES: &[Figure] = &[
    Figure::Flags,
    Figure::Temperature,
    Figure::Clock(3, "firmware arm"),
    Figure::Clock(4, "firmware core"),
    Figure::Clock(5, "firmware v3d"),
];

const GET_THROTTLED: u32 = 0x0003_0046;
const GET_TEMPERATURE: u32 = 0x0003_0006;
const GET_CLOCK_RATE_MEASURED: u32 = 0x0003_0047;
/// The flags' bits that have a meaning.
const KNOWN_FLAGS: i64 = 0x000F_000F;

impl Figure {
    fn quantity(self) -> Quantity {
        match self {
            Self::Flags => Quantity::ThrottleFlags,
            Self::Temperature => Quantity::TempMdegc,
            Self::Clock(..) => Quantity::FreqKhz,
        }
    }

    fn site(self) -> &'static str {
        match self {
            Self::Flags | Self::Temperature => SITE,
            Self::Clock(_, site) => site,
        }
    }

    fn ask(self, firmware: &mut Firmware) -> Option<i64> {
        let value = match self {
            // The request is a mask of the bits that the firmware is to forget: none.
            Self::Flags => {
                let flags = firmware.property(GET_THROTTLED, [0]).map(|[flags]| i64::from(flags));
                flags
                    .or_else(|| firmware.text(READ_FLAGS).and_then(flags_of))
                    .map(|flags| flags & KNOWN_FLAGS)
            }
            Self::Temperature => {
                let [_sensor, mdegc] = firmware.property(GET_TEMPERATURE, [0, 0])?;
                // 0 is what a firmware without the sensor says.
                Some(i64::from(mdegc)).filter(|mdegc| *mdegc > 0)
            }
            Self::Clock(number, _) => {
                let [of, hz] = firmware.property(GET_CLOCK_RATE_MEASURED, [number, 0])?;
                (of == number).then_some(i64::from(hz) / 1000)
            }
        };
        value.filter(|value| figures::believed(self.quantity()).contains(value))
    }
}

/// The flags in `throttled=0x50005`.
fn flags_of(text: &[u8]) -> Option<i64> {
    crate::text::hex(text.strip_prefix(b"throttled=")?)
}

/// What the firmware tells of itself.
struct FigureSensor {
    channels: Vec<Channel>,
    figures: Vec<Figure>,
    firmware: Firmware,
}

impl FigureSensor {
    fn of(figures: Vec<Figure>, firmware: Firmware, period_ms: u32) -> Self {
        let channel = |one: &Figure| Channel::new(one.quantity(), one.site(), AccuracyClass::C, period_ms);
        Self { channels: figures.iter().map(channel).collect(), figures, firmware }
    }
}

impl Sensor for FigureSensor {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let begun_at = monotonic_now();
        for (value, figure) in row.iter_mut().zip(&self.figures) {
            *value = figure.ask(&mut self.firmware);
        }
        Ok(begun_at.plus(monotonic_now().since(begun_at) / 2))
    }
}

/// The rails of the power chip: all of them come with one answer.
struct RailSensor {
    firmware: Firmware,
    rails: Rails,
}

impl Sensor for RailSensor {
    fn channels(&self) -> &[Channel] {
        self.rails.channels()
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let begun_at = monotonic_now();
        self.rails.read(self.firmware.text(READ_RAILS).unwrap_or_default(), row);
        Ok(begun_at.plus(monotonic_now().since(begun_at) / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcio::mailbox::tests::Scripted;

    fn asked(figure: Figure, answers: Scripted) -> Option<i64> {
        figure.ask(&mut Firmware::of(Box::new(answers)))
    }

    #[test]
    fn flags_are_read_without_being_cleared_and_only_known_bits_count() {
        let flags = |value| asked(Figure::Flags, Scripted::property(GET_THROTTLED, vec![value]));
        assert_eq!(flags(0x50005), Some(0x50005));
        assert_eq!(flags(0), Some(0));
        assert_eq!(flags(0xFFFF_FFFF), Some(0x000F_000F));
        // The mask of what is to be forgotten, as the request has it.
        let mut mailbox = Scripted::property(GET_THROTTLED, vec![1]);
        mailbox.wants = Some(vec![0]);
        assert_eq!(asked(Figure::Flags, mailbox), Some(1));
    }

    #[test]
    fn flags_come_as_text_where_only_commands_are_allowed() {
        let flags = |text: &str| asked(Figure::Flags, Scripted::text(READ_FLAGS, text));
        assert_eq!(flags("throttled=0xE0008"), Some(0xE0008));
        for absurd in
            ["", "throttled=", "throttled=0x", "0x1", "error=1 error_msg=\"Command not registered\""]
        {
            assert_eq!(flags(absurd), None, "{absurd}");
        }
    }

    #[test]
    fn temperatures_and_clocks_are_those_of_their_number_and_sense() {
        let heat = |value| asked(Figure::Temperature, Scripted::property(GET_TEMPERATURE, vec![0, value]));
        assert_eq!(heat(49_850), Some(49_850));
        assert_eq!((heat(0), heat(151_000), heat(u32::MAX)), (None, None, None));
        let arm = |of, hz| asked(FIGURES[2], Scripted::property(GET_CLOCK_RATE_MEASURED, vec![of, hz]));
        assert_eq!(arm(3, 2_400_033_792), Some(2_400_033));
        assert_eq!((arm(4, 2_400_033_792), arm(3, 0), arm(3, 999)), (None, None, None));
    }

    #[test]
    fn who_may_not_ask_is_told_what_helps() {
        let denied = advice(&io::ErrorKind::PermissionDenied.into());
        assert!(denied.contains("group `video`"), "{denied}");
        assert!(advice(&io::ErrorKind::NotFound.into()).contains("kernel"));
    }
}
