//! Sections 6 to 10: environment, measuring system, state of the start, limits of the report, evidence.

use sha2::{Digest as _, Sha256};

use dyno_view::compliance::{
    ComplianceView, EnvironmentView, JudgedCellView, MeasuringView, ProbeView, ZoneView,
};
use dyno_view::proof::StampsView;
use dyno_view::report::{FindingLevel, UnitView};
use dyno_view::steady::{SteadyLaunchView, SteadyWord};

use super::sections::facts;
use super::{Block, Line, Section, named};
use crate::{json, network, words};

pub(super) fn sections(view: &ComplianceView) -> Vec<Section> {
    vec![
        Section { title: "Environment", blocks: environment(view) },
        Section { title: "Measuring system", blocks: measuring(view) },
        Section { title: "State of the start, and steadiness", blocks: states(view) },
        Section { title: "What this report does not say", blocks: limits(view) },
        Section { title: "Evidence", blocks: evidence(view) },
    ]
}

fn by_cell(view: &ComplianceView, blocks_of: impl Fn(&JudgedCellView) -> Vec<Block>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for cell in &view.cells {
        if view.cells.len() > 1 {
            blocks.push(Block::Heading(named(cell)));
        }
        blocks.extend(blocks_of(cell));
    }
    blocks
}

fn environment(view: &ComplianceView) -> Vec<Block> {
    let mut blocks = by_cell(view, |cell| vec![Block::Facts(surroundings(&cell.environment))]);
    let clock = |device: &dyno_view::report::DeviceView| {
        let value = device.clock.as_ref().map(words::clock);
        Line::or(
            &format!("Clock of {}", device.id),
            value,
            "not compared: it is the controller's own, or was not reached",
        )
    };
    blocks.push(Block::Facts(view.devices.iter().map(clock).collect()));
    blocks
}

fn surroundings(of: &EnvironmentView) -> Vec<Line> {
    let percent = |ratio: f64| words::value(UnitView::Ratio, ratio);
    let ambient = of.ambient_mdegc.map(|mdegc| degrees(mdegc.into()));
    let zones: Vec<String> = of.zones.iter().map(zone).collect();
    let throttling = match (of.throttling.as_slice(), of.n_throttle_channels) {
        ([], 0) => None,
        ([], n) => Some(format!("none: {} stood still", words::plural(n.into(), "sensor", "sensors"))),
        (events, _) => Some(events.join("; ")),
    };
    let slowed = match of.n_slowed_launches {
        0 => "none was found".to_owned(),
        n => words::plural(n.into(), "launch", "launches"),
    };
    let charge = of.charge_ratio.map(|[from, to]| format!("{} to {}", percent(from), percent(to)));
    let battery = [of.battery.clone(), charge].into_iter().flatten().collect::<Vec<_>>().join("; ");
    let mut lines = vec![
        Line::or("Air around the device", ambient, "nobody said"),
        Line::or("Temperatures", (!zones.is_empty()).then(|| zones.join("; ")), "no zone could be read"),
        Line::or("Throttling", throttling, "no sensor would have told"),
        Line::text("Launches that became slower", slowed),
        Line::or("Battery", (!battery.is_empty()).then_some(battery), "none was seen"),
        Line::or("CPU time of other programs, worst launch", of.others_cpu_ratio.map(percent), "not told"),
        Line::or("CPU time taken by a hypervisor, worst launch", of.steal_ratio.map(percent), "not told"),
    ];
    if of.settings.is_empty() {
        lines.push(Line::text("Settings", "none was asked for: the device was as it was found"));
    }
    lines.extend(facts(&of.settings));
    if let Some(view) = &of.network {
        lines.push(Line::text("Network", network::headline(view).0));
        lines.extend(network::sockets(view).into_iter().map(|line| Line::text("Socket", line)));
        lines.extend(network::notes(view).into_iter().map(|note| Line::text("How it was watched", note)));
    }
    lines
}

fn zone(zone: &ZoneView) -> String {
    let [first, last, max] = [zone.first_mdegc, zone.last_mdegc, zone.max_mdegc].map(degrees);
    format!("{}: {first} first, {last} last, {max} at most", zone.site)
}

fn degrees(mdegc: i64) -> String {
    format!("{:.1} °C", mdegc as f64 / 1000.0)
}

fn measuring(view: &ComplianceView) -> Vec<Block> {
    by_cell(view, |cell| measured_by(&cell.measuring))
}

fn measured_by(of: &MeasuringView) -> Vec<Block> {
    let mut lines = vec![stamps(of.stamps.as_ref())];
    if let Some(source) = &of.energy {
        let tested = source.tested.as_ref().map_or_else(
            || "not tried against a load step".to_owned(),
            |words| format!("tried against a load step: {words}"),
        );
        lines.push(Line::text(
            "Energy",
            format!(
                "{} ({}, class {}); gain ± {}, offset ± {}; {tested}",
                source.name,
                source.driver,
                source.class,
                words::value(UnitView::Ratio, source.gain_ratio),
                words::value(UnitView::Watts, source.offset_w)
            ),
        ));
    }
    lines.push(match &of.aa_calibration_digest {
        Some(digest) => Line::digest("A/A calibration (SHA-256)", digest),
        None => Line::missing("A/A calibration", "none of this device"),
    });
    lines.extend(facts(&of.own_cost));
    let mut blocks = vec![Block::Facts(lines)];
    if of.probes.is_empty() {
        blocks.push(Block::Points(vec!["No sensor was sampled.".to_owned()]));
    } else {
        blocks.push(Block::Table {
            head: vec!["Probe", "Quantity", "Class", "Period", "Sites"],
            rows: of.probes.iter().map(probe).collect(),
        });
        blocks.push(Block::Points(vec![
            "Classes: A external calibrated meter or exact count, B hardware counter, C sampled sensor, D estimate."
                .to_owned(),
        ]));
    }
    blocks
}

fn stamps(of: Option<&StampsView>) -> Line {
    const LABEL: &str = "Error of token stamps";
    match of {
        None => Line::missing(LABEL, "nothing was launched"),
        Some(StampsView::Unknown { reason }) => Line::missing(LABEL, &format!("not calibrated: {reason}")),
        Some(StampsView::Calibrated { ttft_ns, gap_ns, n_launches, of, paths }) => {
            let figure = |name: &str, ns: &Option<f64>| {
                ns.map(|ns| format!("{name} within {}", words::value(UnitView::Ns, ns)))
            };
            let figures: Vec<String> =
                [figure("TTFT", ttft_ns), figure("gaps", gap_ns)].into_iter().flatten().collect();
            let text = format!(
                "{} for 99 of 100, calibrated in {n_launches} of {of} launches over {}",
                figures.join(", "),
                paths.join(", ")
            );
            Line::text(LABEL, text)
        }
    }
}

fn probe(of: &ProbeView) -> Vec<String> {
    let period = match of.period_ms {
        0 => "at boundaries".to_owned(),
        ms => format!("{ms} ms"),
    };
    vec![of.driver.clone(), of.quantity.clone(), of.class.clone(), period, of.n_sites.to_string()]
}

fn states(view: &ComplianceView) -> Vec<Block> {
    by_cell(view, |cell| {
        let start =
            cell.start.clone().unwrap_or_else(|| "as it happened to be: no state was asked for".to_owned());
        vec![Block::Facts(vec![
            Line::text("Launches start from", start),
            Line::or("Pace of the launches", steadiness(&cell.steady), "no request went well"),
        ])]
    })
}

/// `2 steady, 1 slower at first (3 launches)`.
fn steadiness(launches: &[SteadyLaunchView]) -> Option<String> {
    let word = |class: SteadyWord| match class {
        SteadyWord::Steady => "steady all along",
        SteadyWord::WarmUp => "slower at first, then steady",
        SteadyWord::Slowdown => "faster at first, then steady",
        SteadyWord::NoSteadyState => "without a steady state",
        SteadyWord::TooFew { .. } => "with too few requests to tell",
    };
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for launch in launches {
        let name = word(launch.class);
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, n)) => *n += 1,
            None => counts.push((name, 1)),
        }
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(name, n)| format!("{} {name}", words::plural(*n, "launch", "launches")))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn limits(view: &ComplianceView) -> Vec<Block> {
    let mut blocks = vec![Block::Points(view.limits.clone())];
    if !view.findings.is_empty() {
        blocks.push(Block::Heading("What the record says against its figures".to_owned()));
        let word = |level: FindingLevel| match level {
            FindingLevel::Invalid => "Invalid",
            FindingLevel::Warning => "Warning",
            FindingLevel::Note => "Note",
        };
        let words = view.findings.iter().map(|of| format!("{}: {}", word(of.level), of.text));
        blocks.push(Block::Points(words.collect()));
    }
    blocks
}

fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        hex
    })
}

fn evidence(view: &ComplianceView) -> Vec<Block> {
    let of = &view.evidence;
    let torn = match of.torn_bytes {
        0 => String::new(),
        n => format!("; a torn tail of {} is in no figure", words::value(UnitView::Bytes, n as f64)),
    };
    vec![
        Block::Facts(vec![
            Line::text("Campaign", view.campaign.id.clone()),
            Line::digest("Plan (SHA-256)", &of.plan_digest),
            Line::digest("Journal (SHA-256)", &of.journal_digest),
            Line::text(
                "Journal",
                format!("{}{torn}", words::value(UnitView::Bytes, of.journal_bytes as f64)),
            ),
            Line::digest("SLO file (SHA-256)", &of.slo_digest),
            Line::text("Seed", of.seed.to_string()),
            Line::text("Measured by", format!("edgedyno {}", of.measured_by)),
            Line::text("Judged by", format!("edgedyno {}", of.checked_by)),
            Line::text("Agent builds", of.agent_builds.join(", ")),
            Line::text(
                "Form",
                format!("compliance.json, schema version {}; this is rendered from it", view.schema_version),
            ),
            Line::digest("compliance.json (SHA-256)", &sha256(&json::compliance(view))),
        ]),
        Block::Points(vec![
            "The same record and the same file give the same report, byte for byte, by this command; `--format json` \
             gives compliance.json, whose SHA-256 stands above."
                .to_owned(),
        ]),
        Block::Command(of.regenerate.clone()),
    ]
}
