//! Emulated devices for trying things out: started, described, and kept until Ctrl-C or until a command is done.
//!
//! **Invariant:** nothing that an emulated processor does is a measure of speed; what it measures stays in the lab.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use dyno_testbench::{
    LaptopValue, Machine, MachineKind, SshHost, Userland, UserlandOptions, combined_config, path_with_ssh,
};

const USAGE: &str = "\
cargo xtask lab [DEVICE...] [-- COMMAND [ARGUMENT...]]
  raspi3b    a Raspberry Pi 3 Model B: four cores, thermal zone, cpufreq, I2C thermometer
  laptop     an x86 laptop: ACPI battery, AC adapter, thermal zone, power meter
  virt       an arm64 machine with its own kernel and netem
  userland   an arm64 Debian on this machine's kernel
Without a device: raspi3b and laptop. Without a command the devices run until Ctrl-C, and lines on stdin change them:
  NAME link-down | link-up | freeze | thaw | reset
  laptop state | rate-mw | remaining-mwh | voltage-mv | temp-dk | ac-online | power-mw  NUMBER
  raspi3b temp-mdegc NUMBER
The command gets EDGEDYNO_PROJECT, a folder whose devices.toml names them, and a PATH whose ssh reaches them:
  cargo xtask lab raspi3b -- target/release/edgedyno devices
Timings of emulated devices say nothing about any real one.
";
/// The thermometer on the Pi's I2C bus shows up when it is named.
const NAME_THERMOMETER: &str =
    "echo tmp105 0x48 | tee /sys/devices/platform/soc/3f804000.i2c/i2c-*/new_device";
const DESCRIBE: &str = r#"
uname -srm
tr -d '\0' < /proc/device-tree/model 2>/dev/null && echo
for f in /sys/class/thermal/thermal_zone*/temp /sys/class/hwmon/hwmon*/*_input \
  /sys/class/hwmon/hwmon*/device/power1_average \
  /sys/class/power_supply/*/status /sys/class/power_supply/*/online /sys/class/power_supply/*/power_now \
  /sys/class/power_supply/*/energy_now /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor; do
  [ -r "$f" ] && echo "$f: $(cat "$f")"
done
true
"#;

/// One device of the lab.
#[derive(Debug)]
enum Device {
    Machine(MachineKind, Box<Machine>),
    Userland(Box<Userland>),
}

/// Starts the devices that `args` name, and runs the command after `--`.
///
/// # Errors
/// When a device cannot be started (a missing package is named), or the command fails.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let (names, command) = match args.iter().position(|arg| arg == "--") {
        Some(idx) => (&args[..idx], &args[idx + 1..]),
        None => (args, &args[..0]),
    };
    if names.iter().any(|name| name == "--help" || name == "-h") {
        return crate::print(USAGE);
    }
    let usual = ["raspi3b".to_owned(), "laptop".to_owned()];
    let names = if names.is_empty() { &usual[..] } else { names };
    anyhow::ensure!(names.iter().all(|name| is_known(name)), "{USAGE}");
    let devices = names.iter().map(|name| start(name)).collect::<anyhow::Result<Vec<Device>>>()?;
    let (project, path) = write_project(&devices)?;
    say(&format!("EDGEDYNO_PROJECT={} PATH={}\n", project.display(), path.display()))?;
    let Some((program, rest)) = command.split_first() else {
        return obey_stdin(&devices);
    };
    let status =
        Command::new(program).args(rest).env("EDGEDYNO_PROJECT", &project).env("PATH", &path).status();
    let status = status.with_context(|| format!("cannot start {program}"))?;
    anyhow::ensure!(status.success(), "{program}: {status}");
    Ok(())
}

/// Obeys one line after the other, and waits for Ctrl-C when there are no more.
fn obey_stdin(devices: &[Device]) -> anyhow::Result<()> {
    say("running until Ctrl-C; a line such as `laptop power-mw 22500` changes a device\n")?;
    for line in std::io::stdin().lines() {
        let line = line?;
        match obey(devices, &line) {
            Ok(()) => say(&format!("done: {line}\n"))?,
            Err(error) => say(&format!("{error:#}\n"))?,
        }
    }
    loop {
        std::thread::sleep(Duration::from_mins(1));
    }
}

fn obey(devices: &[Device], line: &str) -> anyhow::Result<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_meant = |device: &&Device| words.first() == Some(&device.name());
    let device = devices.iter().find(is_meant).context("no device of that name runs")?;
    let Device::Machine(_, machine) = device else { anyhow::bail!("a userland has nothing to change") };
    let number = || -> anyhow::Result<i32> { Ok(words.get(2).context("a number is missing")?.parse()?) };
    let laptop = |value| anyhow::Ok(machine.set_laptop(value, u32::try_from(number()?)?)?);
    match words.get(1).copied().unwrap_or_default() {
        "link-down" => Ok(machine.link_down()?),
        "link-up" => Ok(machine.link_up()?),
        "freeze" => Ok(machine.freeze()?),
        "thaw" => Ok(machine.thaw()?),
        "reset" => Ok(machine.reset()?),
        "temp-mdegc" => Ok(machine.set_thermometer(number()?)?),
        "state" => laptop(LaptopValue::BatteryState),
        "rate-mw" => laptop(LaptopValue::BatteryRateMw),
        "remaining-mwh" => laptop(LaptopValue::BatteryRemainingMwh),
        "voltage-mv" => laptop(LaptopValue::BatteryVoltageMv),
        "temp-dk" => laptop(LaptopValue::TemperatureDk),
        "ac-online" => laptop(LaptopValue::AcOnline),
        "power-mw" => laptop(LaptopValue::PowerMw),
        other => anyhow::bail!("`{other}` is nothing that a device does"),
    }
}

fn is_known(name: &str) -> bool {
    name == "userland" || kind(name).is_some()
}

fn kind(name: &str) -> Option<MachineKind> {
    [MachineKind::Virt, MachineKind::Raspi3b, MachineKind::Laptop]
        .into_iter()
        .find(|kind| kind.name() == name)
}

fn start(name: &str) -> anyhow::Result<Device> {
    say(&format!("{name}: starting (the first time, a system is downloaded)\n"))?;
    let begun = Instant::now();
    let device = match kind(name) {
        Some(kind) => Device::Machine(kind, Box::new(Machine::start(kind)?)),
        None => Device::Userland(Box::new(Userland::start(&UserlandOptions::default())?)),
    };
    if let Device::Machine(MachineKind::Raspi3b, machine) = &device {
        machine.ssh(NAME_THERMOMETER)?;
    }
    let facts = match &device {
        Device::Machine(_, machine) => machine.ssh(DESCRIBE)?,
        Device::Userland(userland) => userland.ssh(DESCRIBE)?,
    };
    anyhow::ensure!(facts.status.success(), "{name} does not answer: {}", facts.errors());
    let mut text = format!("{name}: up after {:.0} s\n", begun.elapsed().as_secs_f64());
    for line in facts.text().lines() {
        writeln!(text, "  {line}")?;
    }
    say(&text)?;
    Ok(device)
}

/// A project folder with a devices.toml for these devices, and the PATH with an ssh that reaches them.
fn write_project(devices: &[Device]) -> anyhow::Result<(PathBuf, std::ffi::OsString)> {
    let first = devices.first().context("there is at least one device")?;
    let project = first.client_home().join("project");
    std::fs::create_dir_all(&project)?;
    let mut toml = String::from("schema_version = 1\n");
    for device in devices {
        let (name, alias) = (device.name(), device.alias());
        write!(
            toml,
            "\n[device.{name}]\ntransport = {{ kind = \"ssh\", host = \"{alias}\" }}\ntags = [\"emulated\"]\n"
        )?;
    }
    std::fs::write(project.join("devices.toml"), &toml)?;
    let config = project.join("ssh_config");
    let hosts: Vec<&dyn SshHost> = devices.iter().map(Device::host).collect();
    combined_config(&config, &hosts)?;
    say(&format!("{toml}\nssh -F {} ALIAS\n", config.display()))?;
    let path = path_with_ssh(&project.join("bin"), &config)?;
    Ok((project, path))
}

impl Device {
    fn name(&self) -> &'static str {
        match self {
            Self::Machine(kind, _) => kind.name(),
            Self::Userland(_) => "userland",
        }
    }

    fn alias(&self) -> String {
        match self {
            Self::Machine(_, machine) => machine.alias(),
            Self::Userland(userland) => userland.alias(),
        }
    }

    fn client_home(&self) -> PathBuf {
        match self {
            Self::Machine(_, machine) => machine.client_home(),
            Self::Userland(userland) => userland.client_home(),
        }
    }

    fn host(&self) -> &dyn SshHost {
        match self {
            Self::Machine(_, machine) => machine.as_ref(),
            Self::Userland(userland) => userland.as_ref(),
        }
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut err = std::io::stderr().lock();
    Ok(err.write_all(text.as_bytes())?)
}
