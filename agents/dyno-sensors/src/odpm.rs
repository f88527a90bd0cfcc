//! Meters on the power rails of phones: IIO devices with accumulated energy (`energy_value`).
//!
//! The form is that of the drivers of Google's Pixel kernels (`odpm`): a line `t=MS`, then for each channel
//! `CH<N>(T=<ms>)[<rail>], <µWs>`. Whether the unit is exact differs between boards: a self-test settles it.

use std::io;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::facts::clean;
use crate::hot::HotFile;
use crate::root::SysRoot;
use crate::text;

const FOLDER: &str = "sys/bus/iio/devices";
/// More IIO devices than this are not looked at (house rule): phones have up to about 20.
const MAX_DEVICES: usize = 64;
/// More meters than this are not sampled (house rule): phones have two.
const MAX_METERS: usize = 8;
/// More rails of a meter than this are not sampled (house rule): meters have 8 or 12.
const MAX_RAILS: usize = 32;
/// A page, which is the most that the kernel shows.
const MAX_BYTES: usize = 4096;

/// Finds a sensor for each meter with a channel for each of its rails, as site `S2M_VDD_CPUCL2`.
pub(crate) struct Odpm;

impl SensorDriver for Odpm {
    fn name(&self) -> &'static str {
        "odpm"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let mut n_meters = 0;
        let of = (FOLDER, "IIO devices", MAX_DEVICES);
        for device in found.names(root, self.name(), of, |name| name.starts_with("iio:device"))? {
            let path = format!("{FOLDER}/{device}/energy_value");
            let name = root.text(&format!("{FOLDER}/{device}/name")).unwrap_or_else(|| device.clone());
            match HotFile::open(root, &path, MAX_BYTES).and_then(|file| Meter::new(file, context.period_ms)) {
                Ok(_) if n_meters == MAX_METERS => {
                    found.leave_out(
                        self.name(),
                        name,
                        &format_args!("more than {MAX_METERS} are not sampled"),
                    );
                }
                Ok(meter) => {
                    n_meters += 1;
                    found.sensors.push(Box::new(meter));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.leave_out(self.name(), name, &advice(&error)),
            }
        }
        Ok(found)
    }
}

/// Why a meter cannot be read, and what helps.
fn advice(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return format!(
            "{error}: on most phones only root and the system's own power service may read it; the battery's gauge \
             remains"
        );
    }
    error.to_string()
}

/// One meter; all its rails are latched at once when the file is read.
#[derive(Debug)]
struct Meter {
    channels: Vec<Channel>,
    /// What each rail's line begins with, and its name in brackets.
    rails: Vec<(Vec<u8>, Vec<u8>)>,
    file: HotFile,
}

impl Meter {
    fn new(mut file: HotFile, period_ms: u32) -> io::Result<Self> {
        let mut rails: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut channels = Vec::new();
        for line in file.read()?.split(|byte| *byte == b'\n') {
            let Some(rail) = Line::of(line) else { continue };
            let is_known = rails.iter().any(|(number, _)| number == rail.number);
            if rails.len() == MAX_RAILS || is_known {
                continue;
            }
            let number = String::from_utf8_lossy(rail.number);
            let site = clean(&String::from_utf8_lossy(rail.name)).unwrap_or_else(|| number.into_owned());
            let channel = Channel::new(Quantity::EnergyUj, site, AccuracyClass::B, period_ms);
            channels.push(Channel { scope: Some(Scope::Part), ..channel });
            rails.push((rail.number.to_vec(), rail.name.to_vec()));
        }
        if rails.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no line of a rail in it"));
        }
        Ok(Self { channels, rails, file })
    }
}

/// One rail's line in parts.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    number: &'a [u8],
    name: &'a [u8],
    energy_uj: i64,
}

impl<'a> Line<'a> {
    /// `CH3(T=199784)[S2M_VDD_CPUCL2], 88055221`
    fn of(line: &'a [u8]) -> Option<Self> {
        let at = |text: &[u8], byte| text.iter().position(|one| *one == byte);
        let number = &line[..at(line, b'(')?];
        if !number.starts_with(b"CH") {
            return None;
        }
        let rest = &line[at(line, b'[')? + 1..];
        let end = at(rest, b']')?;
        let energy_uj = text::count(rest[end + 1..].strip_prefix(b",")?)?;
        Some(Self { number, name: &rest[..end], energy_uj })
    }
}

impl Sensor for Meter {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let begun_at = monotonic_now();
        row.fill(None);
        let lines = self.file.text().unwrap_or_default().split(|byte| *byte == b'\n');
        for line in lines.filter_map(Line::of) {
            // A channel may be given to another rail: what it counts then is not what was declared.
            let column =
                self.rails.iter().position(|(number, name)| line.number == number && line.name == name);
            if let Some(column) = column {
                row[column] = Some(line.energy_uj);
            }
        }
        Ok(begun_at.plus(monotonic_now().since(begun_at) / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_or_left() {
        let rail = Line { number: b"CH3", name: b"S2M_VDD_CPUCL2", energy_uj: 88_055_221 };
        assert_eq!(Line::of(b"CH3(T=199784)[S2M_VDD_CPUCL2], 88055221"), Some(rail));
        let broken: [&[u8]; 7] = [
            b"t=199784",
            b"CH3(T=199784)[S2M_VDD_CPUCL2], -5",
            b"CH3(T=199784)[S2M_VDD_CPUCL2]",
            b"CH3(T=199784)[S2M_VDD",
            b"CH3(T=1",
            b"",
            b"CH3(T=1)[X], 12 34",
        ];
        for line in broken {
            assert_eq!(Line::of(line), None, "{}", String::from_utf8_lossy(line));
        }
    }
}
