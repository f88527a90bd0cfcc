//! Waiting until a device is as cool as it was before the campaign's first launch on it (MEASUREMENT §5.5).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dyno_model::care::CoolDown;
use dyno_model::clock::MonoNs;
use serde::{Deserialize, Serialize};

use super::watch::{Watch, degrees, seconds};
use crate::sys;

/// Its name in the campaign's folder.
const FILE: &str = "baseline.json";
/// A baseline that outlived its campaign's spools is cleared away after so long (house rule).
const KEPT_FOR: Duration = Duration::from_hours(30 * 24);
/// A device whose temperatures cannot be read for so long has none.
pub(super) const BLIND_NS: u64 = 3_000_000_000;
/// A device at rest gets cooler by no more than this from one half of its baseline to the other (house rule).
const SETTLED_MDEGC: i64 = 1000;

/// How warm a device is at rest, and how hard it is cooled then.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// Mean temperatures, by driver and site.
    temps_mdegc: BTreeMap<String, i64>,
    /// The highest states of cooling devices: a fan may run at rest.
    cooling: BTreeMap<String, i64>,
}

impl Baseline {
    /// That of the campaign in `folder`; `None` before its first launch.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(super) fn load(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(folder.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps it for the campaign's next launches: all of it or nothing.
    ///
    /// # Errors
    /// When the disk is full or broken.
    pub(super) fn store(&self, folder: &Path) -> io::Result<()> {
        let (path, fresh) = (folder.join(FILE), Fresh(folder.join(format!("{FILE}.new"))));
        let mut file = fs::File::create(&fresh.0)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        drop(file);
        fs::rename(&fresh.0, path)?;
        if let Some(all) = folder.parent() {
            clear_old(all, folder, SystemTime::now());
        }
        sys::sync_folder(folder)
    }
}

/// Clears away the folders of other campaigns that hold an old baseline and nothing else.
fn clear_old(all: &Path, own: &Path, now: SystemTime) {
    // Best effort: what stays is some hundred bytes.
    let Ok(folders) = fs::read_dir(all) else { return };
    for folder in folders.flatten().map(|entry| entry.path()).filter(|path| path != own) {
        let is_alone = fs::read_dir(&folder).is_ok_and(|names| names.count() == 1);
        let written = fs::metadata(folder.join(FILE)).and_then(|metadata| metadata.modified());
        let is_old = written.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > KEPT_FOR));
        if is_alone && is_old && fs::remove_file(folder.join(FILE)).is_ok() {
            drop(fs::remove_dir(&folder));
        }
    }
}

/// A file that has its name only once it is whole.
struct Fresh(PathBuf);

impl Drop for Fresh {
    fn drop(&mut self) {
        // Best effort: it has its name, or it is worth nothing.
        drop(fs::remove_file(&self.0));
    }
}

/// Decides when a device has cooled down.
#[derive(Debug)]
pub(super) struct Cooling {
    rule: CoolDown,
    baseline: Baseline,
    calm_since: Option<MonoNs>,
    seen_at: MonoNs,
    /// What keeps it from being calm: site, how far above.
    hottest: Option<(String, i64)>,
    /// A cooling device that is at work.
    active: Option<String>,
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Looked {
    /// It goes on.
    On,
    /// It has cooled down.
    Cool,
    /// No temperature can be read.
    Blind,
}

impl Cooling {
    pub(super) fn new(rule: CoolDown, baseline: Baseline, now: MonoNs) -> Self {
        Self { rule, baseline, calm_since: None, seen_at: now, hottest: None, active: None }
    }

    /// Looks at the temperatures now.
    pub(super) fn look(&mut self, watch: &Watch, now: MonoNs) -> Looked {
        let above = watch.temps.iter().filter_map(|spot| {
            let above = watch.value(spot)? - self.baseline.temps_mdegc.get(&spot.key)?;
            Some((&spot.site, above))
        });
        let Some((site, above)) = above.max_by_key(|(_, above)| *above) else {
            // What cannot be read for a moment is no reason to begin.
            self.calm_since = None;
            return if now.since(self.seen_at) >= BLIND_NS { Looked::Blind } else { Looked::On };
        };
        self.seen_at = now;
        self.hottest = Some((site.clone(), above));
        let is_active =
            |key: &String, state: i64| state > self.baseline.cooling.get(key).copied().unwrap_or(0);
        let active = watch
            .cooling
            .iter()
            .find(|spot| watch.value(spot).is_some_and(|state| is_active(&spot.key, state)));
        self.active = active.map(|spot| spot.site.clone());
        if above > i64::from(self.rule.above_mdegc) || self.active.is_some() {
            self.calm_since = None;
            return Looked::On;
        }
        let calm_since = *self.calm_since.get_or_insert(now);
        if now.since(calm_since) >= self.rule.for_ms.saturating_mul(1_000_000) {
            Looked::Cool
        } else {
            Looked::On
        }
    }

    /// What was in the way when the time was over.
    pub(super) fn hot_start(&self) -> String {
        let after = seconds(self.rule.limit_ms.saturating_mul(1_000_000));
        let (site, above) = self.hottest.clone().unwrap_or_default();
        let above = degrees(above);
        match &self.active {
            Some(device) => format!(
                "hot start: after {after} {device} still cools, and {site} is {above} above its baseline"
            ),
            None => format!("hot start: after {after} {site} is {above} above its baseline"),
        }
    }
}

/// Takes the baseline: means over a while.
#[derive(Debug, Default)]
pub(super) struct Taking {
    /// Sum and number of readings in the first and in the second half.
    sums: BTreeMap<String, [(i64, i64); 2]>,
    cooling: BTreeMap<String, i64>,
}

impl Taking {
    /// Looks at the temperatures now, in one of its halves.
    pub(super) fn look(&mut self, watch: &Watch, half: Half) {
        for spot in &watch.temps {
            if let Some(value) = watch.value(spot) {
                let (sum, n) = &mut self.sums.entry(spot.key.clone()).or_default()[half as usize];
                (*sum, *n) = (*sum + value, *n + 1);
            }
        }
        for spot in &watch.cooling {
            if let Some(value) = watch.value(spot) {
                let state = self.cooling.entry(spot.key.clone()).or_default();
                *state = value.max(*state);
            }
        }
    }

    /// Whether no temperature was read yet.
    pub(super) fn is_blind(&self) -> bool {
        self.sums.is_empty()
    }

    /// Whether the device still gets cooler: it was at work before.
    pub(super) fn is_settling(&self) -> bool {
        let fell = |[first, second]: &[(i64, i64); 2]| Some(mean(*first)? - mean(*second)?);
        self.sums.values().filter_map(fell).any(|mdegc| mdegc > SETTLED_MDEGC)
    }

    /// The baseline.
    pub(super) fn done(self) -> Baseline {
        let all = |[first, second]: [(i64, i64); 2]| mean((first.0 + second.0, first.1 + second.1));
        let temps = self.sums.into_iter().filter_map(|(key, halves)| Some((key, all(halves)?)));
        Baseline { temps_mdegc: temps.collect(), cooling: self.cooling }
    }
}

/// Half of the time in which a baseline is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    First,
    Second,
}

fn mean((sum, n): (i64, i64)) -> Option<i64> {
    sum.checked_div(n)
}

impl Baseline {
    /// What it came to, in words.
    pub(super) fn words(&self, over_ns: u64) -> String {
        let hottest = self.temps_mdegc.iter().max_by_key(|(_, mdegc)| **mdegc);
        let hottest = hottest.map(|(key, mdegc)| format!(", the hottest is {key} at {}", degrees(*mdegc)));
        let n = self.temps_mdegc.len();
        let of = if n == 1 { "temperature" } else { "temperatures" };
        format!("baseline of {n} {of} taken over {}{}", seconds(over_ns), hottest.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_baselines_of_campaigns_that_are_over_are_cleared_away() {
        let all = tempfile::tempdir().expect("a folder for temporary files");
        for (name, beside) in [("own", false), ("over", false), ("spooled", true)] {
            let folder = all.path().join(name);
            fs::create_dir(&folder).expect("a fresh folder");
            Baseline::default().store(&folder).expect("our own folder");
            if beside {
                fs::write(folder.join("00001-001.jsonl"), "").expect("our own folder");
            }
        }
        let left = || {
            let mut left: Vec<_> = fs::read_dir(all.path())
                .expect("our own folder")
                .flatten()
                .map(|entry| entry.file_name())
                .collect();
            left.sort();
            left
        };
        let (own, now) = (all.path().join("own"), SystemTime::now());
        clear_old(all.path(), &own, now + KEPT_FOR / 2);
        assert_eq!(left(), ["over", "own", "spooled"]);
        clear_old(all.path(), &own, now + KEPT_FOR * 2);
        assert_eq!(left(), ["own", "spooled"]);
    }

    #[test]
    fn a_baseline_is_stored_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        assert_eq!(Baseline::load(folder.path()).expect("nothing is there"), None);
        let baseline =
            Baseline { temps_mdegc: [("thermal z".to_owned(), 41_500)].into(), cooling: BTreeMap::new() };
        baseline.store(folder.path()).expect("our own folder");
        assert_eq!(Baseline::load(folder.path()).expect("it is there"), Some(baseline));
        let names: Vec<_> = fs::read_dir(folder.path())
            .expect("our own folder")
            .map(|entry| entry.expect("a name").file_name())
            .collect();
        assert_eq!(names, [FILE]);
        fs::write(folder.path().join(FILE), "{\"temps").expect("our own folder");
        assert!(Baseline::load(folder.path()).is_err(), "torn");
    }
}
