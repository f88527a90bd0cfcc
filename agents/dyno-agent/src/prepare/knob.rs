//! One setting of this device: how it is found, read and set.

use dyno_model::prepare::{Setting, SettingKind};

use super::host::{End, Host, OnStop, Ran};
use super::{android, jetson, sysfs};

/// How long a program that reads or sets one setting may take (house rule).
pub(super) const PROGRAM_LIMIT_MS: u64 = 15_000;
/// How often a setting that a program sets is looked at until it has taken effect.
const LOOKS: u32 = 10;
/// The longest value of a setting.
pub(super) const MAX_VALUE_CHARS: usize = 64;

/// Why a setting cannot be read or set, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) problem: String,
    pub(super) hint: Option<String>,
}

impl Refusal {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// A setting that this device has.
#[derive(Debug, Clone)]
pub(super) struct Knob {
    pub(super) setting: Setting,
    means: Means,
}

/// How a setting is read and set.
#[derive(Debug, Clone)]
pub(super) enum Means {
    /// A file below `/sys`.
    File(sysfs::SysFile),
    /// Programs of Android.
    Android(android::Service),
    /// The program `nvpmodel`.
    Nvpmodel,
}

impl Knob {
    pub(super) fn new(kind: SettingKind, site: impl Into<String>, means: Means) -> Self {
        Self { setting: Setting { kind, site: Some(site.into()) }, means }
    }

    /// Its value now.
    pub(super) fn read(&self, host: &dyn Host) -> Result<String, Refusal> {
        let value = match &self.means {
            Means::File(file) => file.read(host),
            Means::Android(service) => service.read(host),
            Means::Nvpmodel => jetson::read(host),
        }?;
        if value.chars().count() > MAX_VALUE_CHARS {
            return Err(Refusal::new("its value makes no sense"));
        }
        Ok(value)
    }

    /// Sets it.
    pub(super) fn write(&self, host: &dyn Host, value: &str) -> Result<(), Refusal> {
        match &self.means {
            Means::File(file) => file.write(host, value),
            Means::Android(service) => service.write(host, value),
            Means::Nvpmodel => jetson::write(host, value),
        }
    }

    /// Reads it back after it was set; gives it some time if it is not yet as expected.
    pub(super) fn read_back(&self, host: &dyn Host, expected: &str) -> Result<String, Refusal> {
        let mut found = self.read(host)?;
        if matches!(self.means, Means::File(_)) {
            return Ok(found);
        }
        for _ in 1..LOOKS {
            if found == expected {
                break;
            }
            host.settle();
            found = self.read(host)?;
        }
        Ok(found)
    }

    /// Whether it can have this value.
    pub(super) fn check(&self, host: &dyn Host, value: &str) -> Result<(), Refusal> {
        match &self.means {
            Means::File(file) => file.check(host, value),
            Means::Android(service) => service.check(value),
            Means::Nvpmodel => jetson::check(host, value),
        }
    }

    /// Whether it outlives a reboot.
    pub(super) fn is_lasting(&self) -> bool {
        match &self.means {
            Means::File(_) => false,
            Means::Android(service) => service.is_lasting(),
            Means::Nvpmodel => true,
        }
    }

    /// What it is taken to be where it cannot be read.
    pub(super) fn assumed(&self) -> Option<&'static str> {
        match &self.means {
            Means::Android(service) => service.assumed(),
            Means::File(_) | Means::Nvpmodel => None,
        }
    }
}

/// All settings of a kind that this device has.
pub(super) fn knobs(host: &dyn Host, kind: SettingKind) -> Vec<Knob> {
    match kind {
        SettingKind::PowerMode => {
            [jetson::knobs(host), android::power_modes(host), sysfs::platform_profile(host)].concat()
        }
        SettingKind::Governor | SettingKind::MinFreqKhz | SettingKind::MaxFreqKhz => {
            sysfs::policies(host, kind)
        }
        SettingKind::StayAwake => android::stay_awake(host),
        SettingKind::AirplaneMode => android::airplane_mode(host),
        SettingKind::SuspendCharging => sysfs::charging(host),
        SettingKind::Screen => [android::screen(host), sysfs::backlights(host)].concat(),
    }
}

/// Runs a setting's program; its stdout if it ended well.
pub(super) fn program(host: &dyn Host, argv: &[&str]) -> Result<String, Refusal> {
    let Ran { end, stdout, stderr, .. } = host.run(argv, PROGRAM_LIMIT_MS, OnStop::GoOn);
    let name = argv.first().map_or("", |path| path.rsplit('/').next().unwrap_or(path));
    let why = match end {
        End::Good => return Ok(stdout),
        End::Bad(exit) => match first_line(&stderr).or_else(|| first_line(&stdout)) {
            Some(line) => line,
            None => exit,
        },
        End::TooLate => format!("no answer within {PROGRAM_LIMIT_MS} ms"),
        End::Stopped => "stopped from outside".to_owned(),
        End::NotStarted(why) => why,
    };
    Err(Refusal::new(format!("{name}: {why}")))
}

/// The first line that says something, and the next one after a colon, cut to a length that fits a message.
fn first_line(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let next = lines.next().filter(|_| first.ends_with(':'));
    let line = [Some(first), next].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(line.chars().take(200).collect())
}
