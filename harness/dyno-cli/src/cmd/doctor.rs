//! `doctor`: what would make a measurement on a device invalid, and how to mend it.

mod sensors;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use dyno_model::ids::DeviceId;
use dyno_model::plan::PlannedDevice;
use dyno_report::terminal::ColorChoice;
use dyno_report::untrusted::one_line;
use dyno_session::DEFAULT_SENSOR_TEST;
use dyno_session::doctor::{DeviceWords, Finding, Severity, diagnose};
use serde::Serialize;

use crate::args::{DoctorArgs, Global};
use crate::cmd::devices::{Met, chain, meet, pick};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Version of the form; raised when a field changes its meaning.
const DOCTOR_FORMAT: u32 = 1;

/// What `doctor --json` prints, described by `docs/schemas/doctor.schema.json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Diagnoses {
    /// Version of this form: 1.
    format: u32,
    /// One entry for each device, by name.
    devices: Vec<Diagnosis>,
}

/// One device.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Diagnosis {
    /// Its name in devices.toml.
    name: String,
    /// What it calls itself.
    model: Option<String>,
    /// `fit`, `shaky`, `invalid` or `unreachable`.
    verdict: &'static str,
    /// Why it could not be asked.
    error: Option<String>,
    /// What to do about that.
    hints: Vec<String>,
    /// What speaks against measuring, the worst first.
    findings: Vec<FindingRow>,
}

/// One thing that speaks against measuring now.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FindingRow {
    /// Which rule found it: `governor`.
    rule: &'static str,
    /// `info`, `shaky` or `invalid`.
    severity: &'static str,
    /// What was observed, with its unit.
    observed: String,
    /// Why it matters.
    why: &'static str,
    /// What mends it: a command for a shell on the device, or words; null where nothing does.
    fix: Option<String>,
}

/// Looks at each device that is named.
pub(crate) fn doctor(global: &Global, args: &DoctorArgs) -> Result<Exit, Failure> {
    let selectors = args.selectors();
    if args.sensors {
        let limit = args.load_time.map_or(DEFAULT_SENSOR_TEST, Duration::from_secs);
        return sensors::sensors(global, &selectors, limit);
    }
    let planned = pick(&Project::find(global)?, &selectors)?;
    let met = meet(global, &planned);
    let diagnoses = Diagnoses { format: DOCTOR_FORMAT, devices: diagnoses(&planned, &met) };
    if global.json {
        let mut json = serde_json::to_vec_pretty(&diagnoses).expect("it has only string keys");
        json.push(b'\n');
        output::stdout(&json)?;
    } else {
        output::stdout(render(&diagnoses, output::color(global)).as_bytes())?;
    }
    Ok(exit(&diagnoses))
}

fn diagnoses(planned: &BTreeMap<DeviceId, PlannedDevice>, met: &BTreeMap<DeviceId, Met>) -> Vec<Diagnosis> {
    let one = |(device, met): (&DeviceId, &Met)| {
        let words = DeviceWords { board: planned.get(device).and_then(|one| one.board.as_deref()) };
        let findings = met.facts.as_ref().map(|facts| diagnose(facts, words));
        let failure = met.failure.as_ref().filter(|_| findings.is_none());
        Diagnosis {
            name: device.0.clone(),
            model: met.facts.as_ref().and_then(|facts| facts.model.clone()),
            verdict: findings.as_deref().map_or("unreachable", verdict),
            error: failure.map(chain),
            hints: failure.map(|failure| failure.hints.clone()).unwrap_or_default(),
            findings: findings.unwrap_or_default().into_iter().map(FindingRow::from).collect(),
        }
    };
    met.iter().map(one).collect()
}

fn verdict(findings: &[Finding]) -> &'static str {
    match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Invalid) => "invalid",
        Some(Severity::Shaky) => "shaky",
        Some(Severity::Info) | None => "fit",
    }
}

impl From<Finding> for FindingRow {
    fn from(finding: Finding) -> Self {
        let Finding { rule, severity, observed, why, fix } = finding;
        Self { rule, severity: severity.word(), observed, why, fix }
    }
}

/// 3 where a device is not there, else 5 where figures would be invalid, else 0.
fn exit(diagnoses: &Diagnoses) -> Exit {
    let any = |verdict: &str| diagnoses.devices.iter().any(|one| one.verdict == verdict);
    if any("unreachable") {
        Exit::Lab
    } else if any("invalid") {
        Exit::Invalid
    } else {
        Exit::Ok
    }
}

/// **Invariant:** all words of devices pass through [`one_line`], so that none can move the cursor.
fn render(diagnoses: &Diagnoses, color: ColorChoice) -> String {
    let paint = |text: &str, sgr: &str| {
        if color == ColorChoice::Always { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let mut out = String::new();
    let mut line =
        |text: String| writeln!(out, "{}", text.trim_end()).expect("writing to a String cannot fail");
    for one in &diagnoses.devices {
        let model = one.model.as_deref().map(|model| format!(", {}", one_line(model))).unwrap_or_default();
        let words = match one.verdict {
            "fit" => paint("fit to be measured", "32"),
            "shaky" => paint("can be measured, but figures may be off", "33"),
            "invalid" => paint("not fit: figures would be invalid", "1;31"),
            _ => paint("could not be asked", "1;31"),
        };
        line(format!("{}{model}: {words}", paint(&one.name, "1")));
        if let Some(error) = &one.error {
            line(format!("  error: {}", one_line(error)));
        }
        for hint in &one.hints {
            line(format!("  hint: {}", one_line(hint)));
        }
        for finding in &one.findings {
            let sgr = match finding.severity {
                "invalid" => "1;31",
                "shaky" => "33",
                _ => "2",
            };
            let severity = paint(&format!("{:<7}", finding.severity), sgr);
            line(format!("  {severity}  {}: {}", finding.rule, one_line(&finding.observed)));
            line(format!("           {}", finding.why));
            if let Some(fix) = &finding.fix {
                line(format!("           fix: {}", one_line(fix)));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dyno_model::device::DeviceFacts;
    use dyno_model::plan::TransportSpec;

    use super::*;

    fn met(facts: Option<DeviceFacts>) -> Diagnoses {
        let device = DeviceId::from("pi");
        let planned = PlannedDevice {
            transport: TransportSpec::Local,
            board: Some("raspberry-pi-5".to_owned()),
            tags: Vec::new(),
            work_dir: None,
            price_eur_cents: None,
            prepare: None,
            sys_root: None,
            ambient_mdegc: None,
        };
        let failure = facts.is_none().then(|| Failure::usage("no way", "walk"));
        let met = BTreeMap::from([(device.clone(), Met { facts, failure, ..Met::default() })]);
        Diagnoses { format: 1, devices: diagnoses(&BTreeMap::from([(device, planned)]), &met) }
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst_device() {
        let check = |facts: Option<DeviceFacts>, verdict: &str, code: u8| {
            let diagnoses = met(facts);
            assert_eq!(
                (diagnoses.devices[0].verdict, exit(&diagnoses).code()),
                (verdict, code),
                "{diagnoses:?}"
            );
        };
        check(None, "unreachable", 3);
        check(Some(DeviceFacts::default()), "shaky", 0);
        check(Some(DeviceFacts { battery_percent: Some(3), ..DeviceFacts::default() }), "invalid", 5);
    }

    #[test]
    fn each_finding_is_told_with_its_reason_and_what_mends_it() {
        let facts = DeviceFacts {
            model: Some("Raspberry\u{1b}[2J Pi 4".to_owned()),
            battery_percent: Some(3),
            ..DeviceFacts::default()
        };
        let text = render(&met(Some(facts)), ColorChoice::Never);
        assert!(!text.contains('\u{1b}'), "{text}");
        let expected = "  invalid  battery-low: battery at 3 %, below 20 %\n           devices lower their clocks when \
                        the battery is nearly empty\n           fix: charge it above 20 %, then unplug it\n";
        assert!(text.contains(expected), "{text}");
        assert!(
            text.contains("  info     board: devices.toml says raspberry-pi-5, the device says"),
            "{text}"
        );
        let gone = render(&met(None), ColorChoice::Never);
        assert_eq!(gone, "pi: could not be asked\n  error: no way\n  hint: walk\n");
    }

    #[test]
    fn the_schema_is_current_and_fits() {
        let schema = schemars::schema_for!(Diagnoses).to_value();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/doctor.schema.json");
        let mut generated = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        generated.push('\n');
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &generated).expect("docs can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == generated,
            "docs/schemas/doctor is old: run `UPDATE_GOLDEN=1 cargo test` and read it"
        );
        let json = serde_json::to_value(met(Some(DeviceFacts::default()))).expect("it is JSON");
        let validator = jsonschema::validator_for(&schema).expect("it is a schema");
        assert!(validator.is_valid(&json), "{json}");
    }
}
