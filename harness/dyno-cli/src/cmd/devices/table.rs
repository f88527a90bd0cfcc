//! The inventory for people: a table where it fits, else a paragraph for each device.
//!
//! **Invariant:** all words of devices pass through [`one_line`], so that none can move the cursor.

use std::fmt::Write as _;

use console::measure_text_width;
use dyno_model::device::{AcceleratorKind, BatteryFacts, CpuCluster, DeviceFacts, EnergySource};
use dyno_report::terminal::ColorChoice;
use dyno_report::untrusted::one_line;
use dyno_report::words;
use dyno_view::report::FactValue;

use crate::cmd::devices::rows::{Inventory, Origin, Row};

/// What is not known, or not there.
const NOTHING: &str = "-";
/// The longest words of one cell; more is cut.
const MAX_CELL_CHARS: usize = 60;
/// More things than this are not named in one cell.
const MAX_NAMED: usize = 4;

/// Columns that every row has; the rest is of devices that said something.
const HEAD: [&str; 16] = [
    "NAME", "VIA", "STATE", "MODEL", "SOC", "ARCH", "CORES", "RAM", "FREE", "SYSTEM", "BATTERY", "GOVERNOR",
    "HOTTEST", "ENERGY", "GPU/NPU", "RUNTIMES",
];

/// All of it, `columns` wide where that is known.
pub(crate) fn render(inventory: &Inventory, columns: Option<u16>, color: ColorChoice) -> String {
    let rows: Vec<[String; 16]> = inventory.devices.iter().map(cells).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            rows.iter().map(|row| &*row[column]).chain([HEAD[column]]).map(measure_text_width).max()
        })
        .map(|width| width.unwrap_or(0))
        .collect();
    let total = widths.iter().sum::<usize>() + 2 * (HEAD.len() - 1);
    if columns.is_none_or(|columns| total <= usize::from(columns)) {
        table(inventory, &rows, &widths, color)
    } else {
        paragraphs(inventory, &rows, color)
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{}", text.trim_end()).expect("writing to a String cannot fail");
}

fn bold(text: &str, color: ColorChoice) -> String {
    if color == ColorChoice::Always { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

fn table(inventory: &Inventory, rows: &[[String; 16]], widths: &[usize], color: ColorChoice) -> String {
    let mut out = String::new();
    let joined = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(widths).map(|(cell, width)| {
            let gap = width.saturating_sub(measure_text_width(cell));
            format!("{cell}{}", " ".repeat(gap))
        });
        padded.collect::<Vec<_>>().join("  ")
    };
    line(&mut out, &bold(joined(&mut HEAD.into_iter()).trim_end(), color));
    for (row, device) in rows.iter().zip(&inventory.devices) {
        line(&mut out, &joined(&mut row.iter().map(String::as_str)));
        trouble(&mut out, device);
    }
    out
}

fn paragraphs(inventory: &Inventory, rows: &[[String; 16]], color: ColorChoice) -> String {
    let mut out = String::new();
    for (row, device) in rows.iter().zip(&inventory.devices) {
        line(&mut out, &format!("{}  {}  {}", bold(&row[0], color), row[1], row[2]));
        for (head, cell) in HEAD.iter().zip(row).skip(3).filter(|(_, cell)| *cell != NOTHING) {
            line(&mut out, &format!("  {:<9} {cell}", head.to_lowercase()));
        }
        trouble(&mut out, device);
    }
    out
}

fn trouble(out: &mut String, row: &Row) {
    if let Some(error) = &row.error {
        line(out, &format!("  error: {}", one_line(error)));
    }
    for hint in &row.hints {
        line(out, &format!("  hint: {}", one_line(hint)));
    }
}

/// The cells of one row, in the order of [`HEAD`].
fn cells(row: &Row) -> [String; 16] {
    let via = match &row.carrier {
        Some(carrier) if carrier != row.transport => format!("{} ({carrier})", row.transport),
        _ => row.transport.to_owned(),
    };
    let of = |cell: fn(&DeviceFacts) -> Option<String>| row.facts.as_ref().and_then(cell);
    let platform = row.platform.as_ref();
    let cells = [
        Some(row.name.clone()),
        Some(via),
        Some(state(row)),
        of(|facts| facts.model.clone().or_else(|| facts.cpu.clone())),
        of(|facts| facts.soc.clone()),
        of(|facts| Some(facts.arch.clone())).or_else(|| platform.map(|one| one.machine.clone())),
        of(cores),
        of(|facts| facts.ram_bytes.map(bytes)),
        of(|facts| facts.free_bytes.map(bytes)),
        of(|facts| Some(system(facts))).or_else(|| platform.map(|one| one.os.clone())),
        of(|facts| facts.battery.as_ref().map(battery)),
        of(governors),
        of(hottest),
        of(energy),
        of(accelerators),
        of(|facts| named(facts.runtimes.iter().map(|runtime| runtime.name.clone()))),
    ];
    cells.map(|cell| {
        cell.map(|cell| cut(&cell)).filter(|cell| !cell.is_empty()).unwrap_or_else(|| NOTHING.to_owned())
    })
}

fn cut(text: &str) -> String {
    // Of what a hostile device sends no more is looked at than could be shown.
    let line = one_line(&text.chars().take(4 * MAX_CELL_CHARS).collect::<String>());
    if line.chars().count() <= MAX_CELL_CHARS {
        return line;
    }
    line.chars().take(MAX_CELL_CHARS - 1).chain(['…']).collect()
}

fn state(row: &Row) -> String {
    match (row.origin, row.reachable, row.latency_ns) {
        (_, Some(false), _) => "unreachable".to_owned(),
        (Origin::Adb | Origin::SshConfig, ..) => "not in devices.toml".to_owned(),
        (Origin::DevicesToml, _, Some(ns)) => words::fact(&FactValue::Ns(ns)),
        (Origin::DevicesToml, Some(true), None) if row.facts.is_none() => "no facts".to_owned(),
        (Origin::DevicesToml, ..) => "reached".to_owned(),
    }
}

fn bytes(n_bytes: u64) -> String {
    words::fact(&FactValue::Bytes(n_bytes))
}

/// Different words, at most four of them.
fn named(all: impl Iterator<Item = String>) -> Option<String> {
    let mut once: Vec<String> = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
        if once.len() > MAX_NAMED {
            once.truncate(MAX_NAMED);
            once.push("…".to_owned());
            break;
        }
    }
    (!once.is_empty()).then(|| once.join(", "))
}

/// `4 × Cortex-A76 2.40 GHz`, by cluster.
fn cores(facts: &DeviceFacts) -> Option<String> {
    let cluster = |cluster: &CpuCluster| {
        let core = cluster.core.as_deref().map(|core| core.trim_start_matches("Arm "));
        let clock =
            cluster.max_freq_khz.or(cluster.now_freq_khz).map(|khz| words::fact(&FactValue::Khz(khz)));
        let words: Vec<String> = [core.map(str::to_owned), clock].into_iter().flatten().collect();
        let words = if words.is_empty() { "CPU".to_owned() } else { words.join(" ") };
        format!("{} × {words}", cluster.cpus.len())
    };
    let clusters: Vec<String> = facts.clusters.iter().take(MAX_NAMED).map(cluster).collect();
    if clusters.is_empty() {
        return facts.n_cpus.map(|n| format!("{n} × CPU"));
    }
    Some(clusters.join(" + "))
}

fn system(facts: &DeviceFacts) -> String {
    let name = facts.os_version.as_ref().unwrap_or(&facts.os);
    facts.kernel.as_ref().map_or_else(|| name.clone(), |kernel| format!("{name}, {kernel}"))
}

fn battery(battery: &BatteryFacts) -> String {
    let percent = battery.percent.map(|percent| format!("{percent} %"));
    let words: Vec<String> = [percent, battery.status.clone()].into_iter().flatten().collect();
    if words.is_empty() { "there".to_owned() } else { words.join(" ") }
}

fn governors(facts: &DeviceFacts) -> Option<String> {
    named(facts.clusters.iter().filter_map(|cluster| cluster.governor.clone()))
}

fn hottest(facts: &DeviceFacts) -> Option<String> {
    let zones = facts.thermal_zones.iter().filter_map(|zone| Some((zone.temp_mdegc?, zone)));
    let (mdegc, zone) = zones.max_by_key(|(mdegc, _)| *mdegc)?;
    let name = zone.kind.as_deref().unwrap_or(&zone.name);
    Some(format!("{:.1} °C {name}", mdegc as f64 / 1e3))
}

/// `rapl (B), battery (C)`; what cannot be read says so.
fn energy(facts: &DeviceFacts) -> Option<String> {
    let word = |source: &EnergySource| match source.unread {
        None => format!("{} ({:?})", source.source, source.class),
        Some(_) => format!("{} (unreadable)", source.source),
    };
    named(facts.energy_sources.iter().map(word))
}

fn accelerators(facts: &DeviceFacts) -> Option<String> {
    let word = |kind: AcceleratorKind| match kind {
        AcceleratorKind::Gpu => "GPU",
        AcceleratorKind::Npu => "NPU",
        AcceleratorKind::Dsp => "DSP",
    };
    let one = |name: &str, kind: AcceleratorKind| {
        let said = name.to_uppercase().contains(word(kind));
        if said { name.to_owned() } else { format!("{name} {}", word(kind)) }
    };
    named(facts.accelerators.iter().map(|found| one(&found.name, found.kind)))
}

#[cfg(test)]
mod tests {
    use dyno_model::device::{RuntimeFound, ThermalZone};
    use dyno_model::sample::AccuracyClass;

    use super::*;

    fn facts() -> DeviceFacts {
        let cluster = |n: u32, core: &str, khz| CpuCluster {
            cpus: (0..n).collect(),
            core: Some(core.to_owned()),
            governor: Some("schedutil".to_owned()),
            max_freq_khz: Some(khz),
            ..CpuCluster::default()
        };
        let zone = |kind: &str, temp_mdegc| ThermalZone {
            kind: Some(kind.to_owned()),
            temp_mdegc,
            ..ThermalZone::default()
        };
        let source = |source: &str, unread: Option<&str>| EnergySource {
            source: source.to_owned(),
            site: "x".to_owned(),
            class: AccuracyClass::B,
            unread: unread.map(str::to_owned),
        };
        DeviceFacts {
            model: Some("Google Pixel 8".to_owned()),
            arch: "aarch64".to_owned(),
            clusters: vec![cluster(1, "Arm Cortex-X3", 2_914_000), cluster(4, "Arm Cortex-A510", 1_704_000)],
            ram_bytes: Some(8_000_000_000),
            os: "android".to_owned(),
            os_version: Some("Android 14".to_owned()),
            kernel: Some("5.15".to_owned()),
            battery: Some(BatteryFacts {
                percent: Some(64),
                status: Some("Full".to_owned()),
                ..BatteryFacts::default()
            }),
            thermal_zones: vec![zone("skin", Some(31_000)), zone("BIG", Some(41_500)), zone("dead", None)],
            energy_sources: vec![source("odpm", None), source("odpm", None), source("battery", Some("no"))],
            runtimes: vec![RuntimeFound { name: "llama-cli".to_owned(), ..RuntimeFound::default() }],
            ..DeviceFacts::default()
        }
    }

    fn row(facts: Option<DeviceFacts>) -> Row {
        let mut row = Row::candidate("phone", Origin::DevicesToml, "adb", Some("A".to_owned()));
        (row.reachable, row.facts) = (Some(facts.is_some()), facts);
        row
    }

    #[test]
    fn a_device_is_told_in_sixteen_cells() {
        let mut told = row(Some(facts()));
        told.latency_ns = Some(2_000_000);
        let expected = [
            "phone",
            "adb",
            "2.0 ms",
            "Google Pixel 8",
            "-",
            "aarch64",
            "1 × Cortex-X3 2.914 GHz + 4 × Cortex-A510 1.704 GHz",
            "8.0 GB",
            "-",
            "Android 14, 5.15",
            "64 % Full",
            "schedutil",
            "41.5 °C BIG",
            "odpm (B), battery (unreadable)",
            "-",
            "llama-cli",
        ];
        let cells = cells(&told);
        for (column, (cell, expected)) in cells.iter().zip(expected).enumerate() {
            // How many digits a unit has is the report's business.
            if ![2, 6, 7].contains(&column) {
                assert_eq!(cell, expected, "column {column}");
            }
        }
        assert!(
            cells[6].starts_with("1 × Cortex-X3 2.9") && cells[6].contains(" + 4 × Cortex-A510 1.7"),
            "{}",
            cells[6]
        );
    }

    #[test]
    fn what_does_not_fit_side_by_side_is_told_line_by_line() {
        let mut gone = row(None);
        gone.name = "gone".to_owned();
        gone.error = Some("no route".to_owned());
        gone.hints = vec!["plug it in".to_owned()];
        let inventory = Inventory { format: 1, devices: vec![row(Some(facts())), gone], notes: Vec::new() };
        let wide = render(&inventory, None, ColorChoice::Never);
        let lines: Vec<&str> = wide.lines().collect();
        assert_eq!(lines.len(), 5, "{wide}");
        assert!(
            lines[0].starts_with("NAME ")
                && lines[2].starts_with("gone ")
                && lines[2].contains("unreachable")
        );
        assert_eq!(lines[3..], ["  error: no route", "  hint: plug it in"]);
        let narrow = render(&inventory, Some(80), ColorChoice::Never);
        assert!(narrow.lines().all(|line| measure_text_width(line) <= 80), "{narrow}");
        assert!(narrow.contains("\n  battery   64 % Full\n"), "{narrow}");
    }

    #[test]
    fn words_of_a_hostile_device_cannot_break_the_table() {
        let evil = |n: usize| "\u{1b}[2J\n\u{202e}evil\t".repeat(n);
        let facts = DeviceFacts {
            model: Some(evil(100_000)),
            arch: evil(1),
            os: evil(1),
            runtimes: (0..10_000)
                .map(|n| RuntimeFound { name: format!("{n}{}", evil(1)), ..RuntimeFound::default() })
                .collect(),
            ram_bytes: Some(u64::MAX),
            free_bytes: Some(u64::MAX),
            n_cpus: Some(u32::MAX),
            clusters: vec![
                CpuCluster {
                    cpus: (0..8192).collect(),
                    max_freq_khz: Some(u64::MAX),
                    ..CpuCluster::default()
                };
                1000
            ],
            thermal_zones: vec![
                ThermalZone {
                    temp_mdegc: Some(i64::MIN),
                    kind: Some(evil(9)),
                    ..ThermalZone::default()
                };
                1000
            ],
            ..DeviceFacts::default()
        };
        let mut told = row(Some(facts));
        told.error = Some(evil(3));
        let inventory = Inventory { format: 1, devices: vec![told], notes: Vec::new() };
        let text = render(&inventory, None, ColorChoice::Never);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\t']), "{text}");
        let widest = 16 * (MAX_CELL_CHARS + 2);
        assert!(text.lines().take(2).all(|line| line.chars().count() <= widest), "{text}");
        let json: serde_json::Value = serde_json::from_slice(&inventory.json()).expect("it is JSON");
        assert_eq!(json["devices"][0]["facts"]["ram_bytes"], u64::MAX);
    }
}
