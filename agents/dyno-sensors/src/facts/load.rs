//! What else the device does: load average, and who uses the CPUs in a short window.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use dyno_model::device::{BusyProcess, LoadFacts, Unread};

use crate::facts::clean;
use crate::root::SysRoot;
use crate::{sys, text};

/// How long it is looked who uses the CPUs: 10 ticks of the kernel's CPU clock, so that one tick is a tenth.
const WINDOW: Duration = Duration::from_millis(100);
/// More processes than this are not looked at (house rule).
const MAX_PROCESSES: usize = 4096;
/// Processes that are named.
const N_NAMED: usize = 5;
/// A process below this share of one CPU is not named (house rule): it is one tick of the window or less.
const LEAST_MILLI: u32 = 100;

/// CPU time of all processes and of the system, at one instant.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    at: Option<Instant>,
    own_ns: u64,
    /// Name and ticks, by number.
    processes: BTreeMap<u32, (String, i64)>,
    /// Busy, stolen and all ticks.
    system: Option<[i64; 3]>,
}

impl Snapshot {
    /// What is so now; in a tree of plain files nothing moves, and nothing is looked at.
    pub(crate) fn take(root: &SysRoot) -> Self {
        if !root.is_real() {
            return Self::default();
        }
        Self {
            at: Some(Instant::now()),
            own_ns: sys::process_cpu_ns(),
            processes: processes(root),
            system: root.read("proc/stat").ok().as_deref().and_then(system),
        }
    }
}

/// The load since `before`, of which a window's length is awaited.
pub(crate) fn load(root: &SysRoot, before: &Snapshot, unread: &mut Vec<Unread>) -> LoadFacts {
    let load1_milli = root.text("proc/loadavg").and_then(|text| milli(text.split(' ').next()?));
    let Some(at) = before.at else { return LoadFacts { load1_milli, ..LoadFacts::default() } };
    thread::sleep(WINDOW.saturating_sub(at.elapsed()));
    let after = Snapshot::take(root);
    let window_ns = u64::try_from(at.elapsed().as_nanos()).unwrap_or(u64::MAX);
    if !after.processes.contains_key(&1) {
        let reason = "processes of other users are hidden".to_owned();
        unread.push(Unread { what: "who uses the CPUs".to_owned(), reason });
    }
    let ns_per_tick = sys::ns_per_clock_tick();
    let shares = system_shares(before, &after, ns_per_tick);
    LoadFacts {
        load1_milli,
        busy_milli: shares.map(|shares| shares.0),
        steal_milli: shares.map(|shares| shares.1),
        window_ms: u32::try_from(window_ns / 1_000_000).ok(),
        busiest: busiest(before, &after, window_ns, ns_per_tick),
    }
}

/// Thousandths of a number with a decimal point: `1.50` is 1500.
fn milli(number: &str) -> Option<u64> {
    let (whole, part) = number.split_once('.')?;
    let digits = part.bytes().all(|byte| byte.is_ascii_digit()) && (1..=3).contains(&part.len());
    // Best effort: a text that is not a number is no load.
    let (whole, milli): (u64, u64) = (whole.parse().ok()?, format!("{part:0<3}").parse().ok()?);
    digits
        .then(|| whole.checked_mul(1000)?.checked_add(milli))
        .flatten()
        .filter(|milli| *milli < 1_000_000_000)
}

/// Name and CPU ticks of every process that can be seen, but this one.
fn processes(root: &SysRoot) -> BTreeMap<u32, (String, i64)> {
    // Best effort: what cannot be listed is not seen.
    let numbers = root.names("proc").unwrap_or_default().into_iter().filter_map(|name| name.parse().ok());
    let others = numbers.filter(|pid: &u32| *pid != std::process::id()).take(MAX_PROCESSES);
    let process = |pid: u32| {
        let stat = root.read(&format!("proc/{pid}/stat")).ok()?;
        Some((pid, ticks(&stat)?))
    };
    others.filter_map(process).collect()
}

/// Name, and user and system ticks: fields 2, 14 and 15 of proc_pid_stat(5); the name may hold anything.
fn ticks(stat: &str) -> Option<(String, i64)> {
    let (begin, end) = (stat.find('(')?, stat.rfind(')')?);
    let name = clean(stat.get(begin + 1..end)?).unwrap_or_else(|| "unnamed".to_owned());
    let mut fields =
        stat.get(end + 1..)?.split_whitespace().skip(11).map(|field| text::count(field.as_bytes()));
    let (user, system) = (fields.next()??, fields.next()??);
    Some((name, user.checked_add(system)?))
}

/// Busy, stolen and all ticks of the line `cpu` of proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
fn system(stat: &str) -> Option<[i64; 3]> {
    let line = text::after(stat.as_bytes(), b"cpu ")?;
    let ticks: Vec<i64> = text::words(line).take(8).map(text::count).collect::<Option<_>>()?;
    let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks.try_into().ok()?;
    let sum = |ticks: &[i64]| ticks.iter().try_fold(0_i64, |sum, ticks| sum.checked_add(*ticks));
    let busy = sum(&[user, nice, system, irq, softirq])?;
    Some([busy, steal, sum(&[busy, idle, iowait, steal])?])
}

/// Thousandths of all CPU time that others used, and that the hypervisor took.
fn system_shares(before: &Snapshot, after: &Snapshot, ns_per_tick: i64) -> Option<(u32, u32)> {
    let (before_ticks, after_ticks) = (before.system?, after.system?);
    let [busy, steal, all] = [0, 1, 2].map(|idx| after_ticks[idx] - before_ticks[idx]);
    let own = i64::try_from(after.own_ns.saturating_sub(before.own_ns)).ok()? / ns_per_tick.max(1);
    // Without a tick in between there is no share.
    let share = |ticks: i64| u32::try_from(ticks.max(0).checked_mul(1000)?.checked_div(all)?).ok();
    (all > 0).then(|| Some((share(busy - own)?.min(1000), share(steal)?.min(1000))))?
}

/// The processes that used most, the busiest first.
fn busiest(before: &Snapshot, after: &Snapshot, window_ns: u64, ns_per_tick: i64) -> Vec<BusyProcess> {
    let used = |(pid, (name, ticks)): (&u32, &(String, i64))| {
        let earlier = before.processes.get(pid).filter(|earlier| earlier.0 == *name)?.1;
        let ns = u64::try_from((ticks - earlier).checked_mul(ns_per_tick)?).ok()?;
        let cpu_milli = u32::try_from(ns.checked_mul(1000)?.checked_div(window_ns)?).ok()?;
        (cpu_milli >= LEAST_MILLI).then(|| BusyProcess { name: name.clone(), cpu_milli })
    };
    let mut found: Vec<BusyProcess> = after.processes.iter().filter_map(used).collect();
    found.sort_by(|a, b| (b.cpu_milli, &a.name).cmp(&(a.cpu_milli, &b.name)));
    found.truncate(N_NAMED);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(own_ns: u64, processes: &[(u32, &str, i64)], system: [i64; 3]) -> Snapshot {
        let processes =
            processes.iter().map(|(pid, name, ticks)| (*pid, ((*name).to_owned(), *ticks))).collect();
        Snapshot { at: None, own_ns, processes, system: Some(system) }
    }

    #[test]
    fn who_used_the_cpus_is_worked_out_from_two_instants() {
        let before = snapshot(0, &[(1, "init", 100), (7, "old", 5), (8, "calm", 50)], [1000, 10, 5000]);
        let after = snapshot(
            20_000_000,
            &[(1, "init", 110), (7, "new", 900), (8, "calm", 50), (9, "late", 99)],
            [1012, 12, 5020],
        );
        // 10 ticks of 10 ms in 200 ms are half a CPU; process 7 is another one than before, 9 was not there.
        let init = BusyProcess { name: "init".to_owned(), cpu_milli: 500 };
        assert_eq!(busiest(&before, &after, 200_000_000, 10_000_000), [init]);
        // Of 20 ticks 12 were busy, 2 of them our own; 2 were stolen.
        assert_eq!(system_shares(&before, &after, 10_000_000), Some((500, 100)));
        assert_eq!(system_shares(&after, &after, 10_000_000), None, "no tick, no share");
    }

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let stat = "42 (a) (b c) S 1 42 42 0 -1 0 5 0 0 0 30 12 0 0 20 0 1 0 77";
        assert_eq!(ticks(stat), Some(("a) (b c".to_owned(), 42)));
        for broken in ["", "42", "42 (a", ") (", "42 (a) S 1", "42 (a) S 1 2 3 4 5 6 7 8 9 10 11 x 5"] {
            assert_eq!(ticks(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_load_is_a_number_with_a_point() {
        let check = |text, expected| assert_eq!(milli(text), expected, "{text}");
        check("1.50", Some(1500));
        check("0.05", Some(50));
        check("12.345", Some(12_345));
        check("1", None);
        check("1.", None);
        check("-1.50", None);
        check("1.5x", None);
        check("999999999999.00", None);
        check("99999999999999999999.00", None);
    }

    #[test]
    fn a_machine_that_works_is_seen_to_work() {
        let root = SysRoot::real();
        let mut unread = Vec::new();
        let mut child = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .expect("there is a shell");
        // The shell must have begun before the window does.
        thread::sleep(Duration::from_millis(200));
        let before = Snapshot::take(&root);
        thread::sleep(Duration::from_millis(400));
        let load = load(&root, &before, &mut unread);
        child.kill().expect("our own child");
        child.wait().expect("our own child");
        assert!(load.busy_milli.is_some_and(|busy| (1..=1000).contains(&busy)), "{load:?}");
        assert!(load.window_ms.is_some_and(|ms| ms >= 400) && load.load1_milli.is_some(), "{load:?}");
    }
}
