//! Rules of the rest: load, memory, disk, hypervisor, display, sleep, board.

use dyno_model::device::{DeviceFacts, DiskKind, LoadFacts};

use super::Severity::{Info, Invalid, Shaky};
use super::{DeviceWords, Finding, bytes, percent};

/// Others may use so much of all CPUs, in thousandths (MEASUREMENT: wait for a background load below 5 %).
const BUSY_SHAKY_MILLI: u32 = 50;
/// From here on figures are those of what is left of the device (house rule).
const BUSY_INVALID_MILLI: u32 = 250;
/// The same by the load average over the number of CPUs, which also sees what waits for a disk (house rule).
const LOAD1_SHAKY_MILLI: u64 = 250;
const LOAD1_INVALID_MILLI: u64 = 750;
/// CPU time that a hypervisor may take, in thousandths (house rule); each request that it interrupts is late.
const STEAL_SHAKY_MILLI: u32 = 10;
const STEAL_INVALID_MILLI: u32 = 50;
/// Swap in use over RAM, in thousandths, from which on the weights of a model compete for memory (house rule).
const SWAP_SHAKY_MILLI: u64 = 250;
/// Available RAM over RAM, in thousandths, below which no model has room (house rule).
const AVAILABLE_SHAKY_MILLI: u64 = 100;
/// Free room below which no model fits, and below which few do (house rule): the smallest model of the catalogue has
/// about 0.1 GB, one of 1.5 billion parameters about 1 GB.
const ROOM_INVALID_BYTES: u64 = 256_000_000;
const ROOM_SHAKY_BYTES: u64 = 2_000_000_000;
/// So long after boot a system still starts services, in s (MEASUREMENT, cold start C0).
const SETTLE_S: u64 = 120;

pub(super) fn load(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(load) = &facts.load else { return Vec::new() };
    let n_cpus = u64::from(facts.n_cpus.unwrap_or(1).max(1));
    let busy = load.busy_milli.unwrap_or(0);
    let load1 = load.load1_milli.unwrap_or(0) / n_cpus;
    let tick = tick_milli(load, n_cpus);
    let severity = if busy >= BUSY_INVALID_MILLI.max(3 * tick) || load1 >= LOAD1_INVALID_MILLI {
        Invalid
    } else if busy >= BUSY_SHAKY_MILLI.max(2 * tick) || load1 >= LOAD1_SHAKY_MILLI {
        Shaky
    } else {
        return Vec::new();
    };
    let why = "other programs take CPU time, caches and memory bandwidth from the model";
    let finding = Finding::new("load", severity, load_words(load, n_cpus), why);
    vec![finding.mend("stop them, or wait until they are done")]
}

/// Share of one tick of the kernel's CPU clock, 10 ms, in all CPU time of the window, in thousandths: one tick is no
/// load yet.
fn tick_milli(load: &LoadFacts, n_cpus: u64) -> u32 {
    let window_ms = u64::from(load.window_ms.unwrap_or(u32::MAX).max(1));
    u32::try_from(10_000 / window_ms.saturating_mul(n_cpus)).unwrap_or(u32::MAX).min(1000)
}

fn load_words(load: &LoadFacts, n_cpus: u64) -> String {
    let mut words = Vec::new();
    if let Some(load1) = load.load1_milli {
        words.push(format!("load {:.2} over the last minute on {n_cpus} CPUs", load1 as f64 / 1e3));
    }
    if let Some(busy) = load.busy_milli {
        words.push(format!("{} of all CPUs busy with other programs", percent(busy)));
    }
    let named = load.busiest.iter().map(|one| format!("{} {} of one CPU", one.name, percent(one.cpu_milli)));
    words.extend(named);
    words.join("; ")
}

pub(super) fn stolen(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(load) = &facts.load else { return Vec::new() };
    let steal = load.steal_milli.unwrap_or(0);
    let tick = tick_milli(load, u64::from(facts.n_cpus.unwrap_or(1).max(1)));
    let severity = match steal {
        _ if steal >= STEAL_INVALID_MILLI.max(3 * tick) => Invalid,
        _ if steal >= STEAL_SHAKY_MILLI.max(2 * tick) => Shaky,
        _ => return Vec::new(),
    };
    let why = "another virtual machine uses the same CPUs";
    vec![
        Finding::new("steal", severity, format!("the hypervisor takes {} of CPU time", percent(steal)), why)
            .mend("measure on a machine of your own, or when the host is idle"),
    ]
}

pub(super) fn memory(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(ram) = facts.ram_bytes.filter(|ram| *ram > 0) else { return Vec::new() };
    let milli = |part: u64| part.saturating_mul(1000) / ram;
    let mut findings = Vec::new();
    if let Some(used) = facts.swap_used_bytes.filter(|used| milli(*used) >= SWAP_SHAKY_MILLI) {
        let observed = format!("{} of swap in use, with {} of RAM", bytes(used), bytes(ram));
        let why = "pages that come back from swap delay tokens";
        findings.push(
            Finding::new("swap", Shaky, observed, why).mend("close other programs, or restart the device"),
        );
    }
    if let Some(free) = facts.ram_available_bytes.filter(|free| milli(*free) < AVAILABLE_SHAKY_MILLI) {
        let observed = format!("{} of {} of RAM are available", bytes(free), bytes(ram));
        let why = "a model's weights are pushed out of memory and read again for each token";
        findings.push(
            Finding::new("memory", Shaky, observed, why).mend("close other programs, or restart the device"),
        );
    }
    findings
}

pub(super) fn room(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(free) = facts.free_bytes else { return Vec::new() };
    let (severity, why) = match free {
        ..ROOM_INVALID_BYTES => (Invalid, "no model fits"),
        ROOM_INVALID_BYTES..ROOM_SHAKY_BYTES => (Shaky, "larger models do not fit"),
        _ => return Vec::new(),
    };
    let finding = Finding::new("room", severity, format!("{} free in the work folder", bytes(free)), why);
    vec![finding.mend(
        "`edgedyno devices clean` removes models of earlier campaigns; or set `work_dir` in devices.toml",
    )]
}

pub(super) fn disk(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(disk) = &facts.work_disk else { return Vec::new() };
    let (severity, words, why) = match disk.kind {
        Some(DiskKind::Sd) => (Shaky, "an SD card", "slow to load from, and its speed varies with its wear"),
        Some(DiskKind::Usb) => (Shaky, "a disk on USB", "load times are those of the cable and the bridge"),
        Some(DiskKind::Rotating) => {
            (Shaky, "a disk with platters", "load times depend on where the file lies")
        }
        Some(DiskKind::Network) => (Shaky, "another machine's disk", "load times are those of the network"),
        Some(DiskKind::Memory) => {
            (Info, "RAM", "loading is faster than from any disk, and models take RAM twice")
        }
        Some(DiskKind::Emmc | DiskKind::Nvme | DiskKind::Solid | DiskKind::Virtual) | None => {
            return Vec::new();
        }
    };
    let name = disk.device.as_deref().or(disk.file_system.as_deref()).unwrap_or("unnamed");
    let finding = Finding::new("disk", severity, format!("the work folder lies on {words} ({name})"), why);
    vec![finding.mend("set `work_dir` of the device in devices.toml to a folder on another disk")]
}

pub(super) fn virtual_machine(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(hypervisor) = &facts.hypervisor else { return Vec::new() };
    let why = "figures are those of a share of a computer, and its clock and counters are not its own";
    let observed = format!("a virtual machine ({hypervisor})");
    vec![Finding::new("hypervisor", Shaky, observed, why).mend("measure on the machine itself")]
}

pub(super) fn screen(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    if facts.android.as_ref().and_then(|android| android.screen_on) != Some(true) {
        return Vec::new();
    }
    let why = "the display takes energy and the GPU, and differs with what it shows";
    let fix = "input keyevent KEYCODE_SLEEP, with `cmd deviceidle disable` so that the phone does not doze";
    vec![Finding::new("screen", Shaky, "the display is on", why).mend(fix)]
}

pub(super) fn doze(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(android) = &facts.android else { return Vec::new() };
    // Documentation of `dumpsys deviceidle`: ACTIVE and INACTIVE are awake, IDLE is doze, the others lead there.
    let asleep = android.doze.as_deref().filter(|state| state.starts_with("IDLE"));
    let Some(state) = asleep else { return Vec::new() };
    let why = "the system suspends the CPUs between its maintenance windows";
    let fix = "cmd deviceidle disable, and input keyevent KEYCODE_WAKEUP";
    vec![Finding::new("doze", Invalid, format!("the phone dozes ({state})"), why).mend(fix)]
}

pub(super) fn just_booted(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(uptime) = facts.uptime_s.filter(|uptime| *uptime < SETTLE_S) else { return Vec::new() };
    let why = "a system that has just started still starts services";
    let fix = format!("wait {} s", SETTLE_S - uptime);
    vec![Finding::new("just-booted", Shaky, format!("up for {uptime} s"), why).mend(fix)]
}

pub(super) fn other_board(facts: &DeviceFacts, words: DeviceWords<'_>) -> Vec<Finding> {
    let (Some(board), Some(model)) = (words.board, &facts.model) else { return Vec::new() };
    let told = format!("{model} {}", facts.compatible.join(" ")).to_lowercase();
    let told: Vec<&str> = told.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let board_words = board.to_lowercase();
    let mut parts = board_words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    if parts.all(|part| told.contains(&part)) {
        return Vec::new();
    }
    let why = "figures would be listed under another board";
    let finding =
        Finding::new("board", Info, format!("devices.toml says {board}, the device says {model}"), why);
    vec![finding.mend("correct `board` in devices.toml")]
}
