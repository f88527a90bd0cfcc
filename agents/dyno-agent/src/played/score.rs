//! `play.json`: what the files of a played tree say over time.
//!
//! ```json
//! {
//!   "title": "a phone that throttles at 300 s",
//!   "files": [
//!     {"file": "sys/class/thermal/thermal_zone0/temp", "kind": "reading", "between": "ramps",
//!      "knots": [[0, 32000], [300, 85000]]},
//!     {"file": "sys/class/hwmon/hwmon1/curr1_input", "kind": "reading", "unit": 5000,
//!      "phases": {"idle": 4000000, "prefill": 12000000, "decode": 9000000}},
//!     {"file": "proc/vmstat", "kind": "text", "text": "oom_kill 1",
//!      "except": [{"from_s": 900, "until_s": 1e9, "text": "oom_kill 2"}]}
//!   ]
//! }
//! ```
//!
//! Seconds count from where the script's clock begins. `kind` is `reading` (the value divided by `unit`), `counter`
//! (the integral over seconds from `begin` on, which begins at 0 again after `wraps_at`), `text`, or `odpm` (the `rails`
//! of a phone's meter, each a name with a curve). A value follows `knots` of seconds and values, between which it
//! stays (`steps`, if nothing is said) or goes straight (`ramps`); or it follows what the runtime does (`phases`: `idle`
//! without one, `ready`, which is `idle` if nothing is said, `prefill` and `decode`). `frozen_from_s` keeps what is said
//! then, from `until_s` on the file cannot be read, and `except` are times in which it says something else.

use std::path::{Component, Path, PathBuf};

use dyno_sensors::played::{
    Activity, Curve, Knots, Levels, Part, Play, counter, except, fixed, frozen_from, level, level_counter,
    odpm, reading, until,
};
use serde::Deserialize;

use super::PlayError;

/// Its name in a tree.
pub(crate) const FILE: &str = "play.json";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Score {
    /// For people.
    #[serde(default, rename = "title")]
    _title: String,
    files: Vec<FileScore>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileScore {
    file: String,
    kind: Kind,
    #[serde(default)]
    between: Between,
    #[serde(default = "one")]
    unit: i64,
    #[serde(default)]
    begin: u64,
    #[serde(default)]
    wraps_at: Option<u64>,
    #[serde(default)]
    knots: Vec<(f64, i64)>,
    #[serde(default)]
    phases: Option<Phases>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    rails: Vec<Rail>,
    #[serde(default)]
    frozen_from_s: Option<f64>,
    #[serde(default)]
    until_s: Option<f64>,
    #[serde(default)]
    except: Vec<Except>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Reading,
    Counter,
    Text,
    Odpm,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Between {
    #[default]
    Steps,
    Ramps,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phases {
    idle: i64,
    #[serde(default)]
    ready: Option<i64>,
    prefill: i64,
    decode: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rail {
    name: String,
    #[serde(default)]
    between: Between,
    knots: Vec<(f64, i64)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Except {
    from_s: f64,
    until_s: f64,
    text: String,
}

fn one() -> i64 {
    1
}

/// The play that `path` describes, of the tree whose top is `top`.
///
/// # Errors
/// [`PlayError`]: what is wrong with it.
pub(super) fn read(path: &Path, top: &Path, activity: &Activity) -> Result<Play, PlayError> {
    let copied = |source| PlayError::Copy { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(copied)?;
    let score: Score = serde_json::from_slice(&bytes)
        .map_err(|source| PlayError::Score { path: path.to_owned(), source })?;
    let mut play = Play::of(PathBuf::from(top));
    for file in score.files {
        let part = file.part(activity).and_then(|part| {
            let is_inside =
                Path::new(&file.file).components().all(|part| matches!(part, Component::Normal(_)));
            if is_inside { Ok(part) } else { Err("lies outside of the tree") }
        });
        match part {
            Ok(part) => play = play.file(&file.file, file.framed(part)),
            Err(what) => return Err(PlayError::File { path: path.to_owned(), file: file.file, what }),
        }
    }
    Ok(play)
}

impl FileScore {
    /// What it says, but for the times when it does not.
    fn part(&self, activity: &Activity) -> Result<Part, &'static str> {
        let levels = self.phases.map(|phases| Levels {
            idle: phases.idle,
            ready: phases.ready.unwrap_or(phases.idle),
            prefill: phases.prefill,
            decode: phases.decode,
        });
        let curve = || {
            let knots = Some(&self.knots).filter(|knots| !knots.is_empty());
            knots.map(|knots| curve(self.between, knots)).ok_or("has neither knots nor phases")
        };
        Ok(match (self.kind, levels) {
            (Kind::Reading, Some(levels)) => level(activity, levels, self.unit),
            (Kind::Reading, None) => reading(curve()?, self.unit),
            (Kind::Counter, Some(levels)) => level_counter(activity, levels, self.begin, self.wraps_at),
            (Kind::Counter, None) => counter(curve()?, self.begin, self.wraps_at),
            (Kind::Text, _) => fixed(self.text.as_deref().ok_or("has no text")?),
            (Kind::Odpm, _) => {
                let rails = self.rails.iter();
                odpm(rails.map(|rail| (rail.name.clone(), curve_of(rail))).collect())
            }
        })
    }

    fn framed(&self, mut part: Part) -> Part {
        if let Some(at_s) = self.frozen_from_s {
            part = frozen_from(ns(at_s), part);
        }
        for Except { from_s, until_s, text } in &self.except {
            part = except(ns(*from_s)..ns(*until_s), text, part);
        }
        match self.until_s {
            Some(at_s) => until(ns(at_s), part),
            None => part,
        }
    }
}

fn curve_of(rail: &Rail) -> Curve {
    curve(rail.between, &rail.knots)
}

fn curve(between: Between, knots: &[(f64, i64)]) -> Curve {
    let kind = match between {
        Between::Steps => Knots::Steps,
        Between::Ramps => Knots::Ramps,
    };
    let knots: Vec<(u64, i64)> = knots.iter().map(|(at_s, value)| (ns(*at_s) / 1_000_000, *value)).collect();
    Curve::of(kind, &knots)
}

/// Seconds in ns, to the ms; a time before the begin is the begin.
fn ns(seconds: f64) -> u64 {
    // The cast stops at both ends of the type.
    ((seconds * 1000.0).round() as u64).saturating_mul(1_000_000)
}
