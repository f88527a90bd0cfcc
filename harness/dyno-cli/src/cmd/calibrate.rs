//! `calibrate`: a device held against itself, and what is kept of that.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_report::{json, markdown, terminal};
use dyno_store::{Campaign, Journal, Store};
use dyno_view::calibration::{CALIBRATION_SCHEMA_VERSION, CalibrationView};

use crate::args::{CalibrateArgs, CalibrationFormat, Global};
use crate::cmd::campaign::{self, Conduct, Shown, VERSION};
use crate::cmd::provenance::{self, Settled};
use crate::cmd::{report, run};
use crate::exit::Exit;
use crate::output;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::render_error::Failure;

/// Folder of the calibrations in the project folder.
const FOLDER: &str = "calibrations";
/// Two arms of which neither says anything: both are what the suite and the flags say.
const ARMS: [&str; 2] = ["name=one", "name=other"];

/// Measures devices against themselves, or takes what a campaign measured so.
pub(crate) fn calibrate(global: &Global, args: &CalibrateArgs) -> Result<Exit, Failure> {
    let project = Project::find(global)?;
    let campaign = match &args.from {
        Some(named) => report::open(&project, Some(named))?,
        None => match measured(global, args, &project)? {
            Some(campaign) => campaign,
            None => return Ok(Exit::Interrupted),
        },
    };
    let found = dyno_analysis::calibrations(&campaign)?;
    for calibration in &found {
        let path = keep(&project, calibration)?;
        let text = format!("calibration of {}: {}", calibration.device, path.display());
        say(Talk::of(global), Talk::Normal, &text);
    }
    output::stdout(shown(global, args, &found).as_bytes())?;
    Ok(if found.iter().all(|of| of.is_usable) { Exit::Ok } else { Exit::Invalid })
}

/// The campaign that holds each device against itself; `None` when the person asked to stop.
fn measured(global: &Global, args: &CalibrateArgs, project: &Project) -> Result<Option<Campaign>, Failure> {
    let ask = dyno_plan::Ask {
        suite: args.suite.clone(),
        devices: args.devices.clone(),
        models: args.model.iter().cloned().collect(),
        runtimes: args.runtime.iter().cloned().collect(),
        repetitions: Some(args.blocks),
        requests: args.requests,
        arms: ARMS.map(str::to_owned).into(),
        ..dyno_plan::Ask::default()
    };
    let plan = dyno_plan::freeze(&project.inputs()?, &ask)?;
    let store = Store::new(&project.runs);
    run::check_writable(project)?;
    let id = run::id(&store, args.name.as_deref(), "calibrate")?;
    let Settled { plan, models } = provenance::settle(global, plan, args.accept_terms)?;
    let campaign = store.create(&id, &plan)?;
    let journal = Journal::create(&campaign, VERSION, WallNs::now())?;
    let conduct = Conduct { models, reconnect_limit: args.reconnect.limit(), shown: Shown::Nothing };
    let exit = campaign::measure(global, &campaign, journal, &conduct)?;
    Ok((exit != Exit::Interrupted).then_some(campaign))
}

fn shown(global: &Global, args: &CalibrateArgs, found: &[CalibrationView]) -> String {
    let usual = if global.json { CalibrationFormat::Json } else { CalibrationFormat::Terminal };
    match args.format.unwrap_or(usual) {
        CalibrationFormat::Terminal => {
            let style = report::style(global);
            found.iter().map(|of| terminal::calibration(of, &style)).collect::<Vec<_>>().join("\n")
        }
        CalibrationFormat::Md => found.iter().map(markdown::calibration).collect::<Vec<_>>().join("\n"),
        CalibrationFormat::Json => {
            let all: Vec<String> = found.iter().map(json::calibration).collect();
            format!("[\n{}]\n", all.join(","))
        }
    }
}

/// Writes a calibration to where `compare` finds it: its canonical JSON, and its digest beside it as `sha256sum` has it.
fn keep(project: &Project, calibration: &CalibrationView) -> Result<PathBuf, Failure> {
    let Some(path) = place(project, &calibration.device) else {
        return Err(Failure::usage(
            format!("`{}` cannot be a file's name", calibration.device),
            "give the device another name in devices.toml",
        ));
    };
    let mut json = serde_json::to_vec(calibration).expect("a calibration has only string keys");
    json.push(b'\n');
    let sum = format!("{}  {}.json\n", Digest::of(&json).as_str(), calibration.device);
    report::write_file(&path, &json)?;
    report::write_file(&sum_of(&path), sum.as_bytes())?;
    Ok(path)
}

/// The file with a calibration's digest.
fn sum_of(path: &Path) -> PathBuf {
    path.with_extension("json.sha256")
}

/// Where the calibration of a device lies; `None` where its name would lead out of the folder.
pub(crate) fn place(project: &Project, device: &str) -> Option<PathBuf> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let is_name = !device.is_empty() && !device.starts_with('.') && device.chars().all(fits);
    is_name.then(|| project.root.join(FOLDER).join(format!("{device}.json")))
}

/// Reads a calibration that must be as it was written.
pub(crate) fn read(path: &Path) -> Result<CalibrationView, Failure> {
    let again = "make it anew: `edgedyno calibrate`, or `edgedyno calibrate --from CAMPAIGN`";
    let bytes = bytes_of(path, again)?;
    let sum = sum_of(path);
    let digest = bytes_of(&sum, again)?;
    if digest.get(..64) != Some(Digest::of(&bytes).as_str().as_bytes()) {
        let words = format!("{} was changed since it was written: {} differs", path.display(), sum.display());
        return Err(Failure::usage(words, again));
    }
    let calibration: CalibrationView = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::usage(format!("{} is no calibration: {error}", path.display()), again))?;
    let (found, known) = (calibration.schema_version, CALIBRATION_SCHEMA_VERSION);
    if found > known {
        return Err(Failure::usage(
            format!("{} has format {found}, this edgedyno reads up to {known}", path.display()),
            "use the edgedyno that wrote it",
        ));
    }
    Ok(calibration)
}

fn bytes_of(path: &Path, again: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::usage(format!("there is no calibration {}", path.display()), again),
        _ => Failure::io(format!("cannot read {}", path.display()), error, "check that you may read it"),
    })
}
