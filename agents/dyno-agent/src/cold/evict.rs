//! C1: no page of the model in memory.

use std::thread;
use std::time::Duration;

use dyno_model::clock::monotonic_now;
use dyno_model::start::StartMade;

use crate::cold::doubt;
use crate::cold::model_file::ModelFile;
use crate::sys;
use crate::sys::pages::{self, FileSystem, Way};

/// Whoever still has the file may be about to end: the runtime before.
const PAUSES_MS: [u64; 5] = [0, 50, 200, 500, 1000];
/// No further try is begun after so long. A system with much to write to a slow disk takes long.
const LIMIT_NS: u64 = 60_000_000_000;
/// So many processes are named.
const MAX_NAMED: usize = 3;

/// Has the system let go of the file's pages, and looks whether it did.
pub(crate) fn evict(file: &ModelFile, made: &mut StartMade) {
    made.resident_before_bytes = file.resident_bytes().ok();
    let kind = pages::file_system(&file.file);
    if let FileSystem::Memory(name) = &kind {
        made.resident_bytes = made.resident_before_bytes;
        return doubt(made, format!("the model lies on {name}, which is memory itself"));
    }
    if made.resident_before_bytes.is_some() {
        try_and_look(file, made);
    } else {
        for way in pages::WAYS.iter().filter(|way| !way.needs_sight) {
            step(way, "", file, made, |()| "asked for".to_owned());
        }
    }
    judge(file, made);
    if let Some(why) = unseen_cache(&kind) {
        doubt(made, why);
    }
}

/// Looks at the file and leaves it alone: it is the controller that restarts a device, and knows that it did.
pub(crate) fn look(file: &ModelFile, made: &mut StartMade) {
    match sys::uptime_s() {
        Some(uptime_s) => made.steps.push(format!("the device was started {uptime_s} s ago")),
        None => doubt(made, "this system does not say when it was started".to_owned()),
    }
    judge(file, made);
}

/// Each way in turn until one did it, and all of them again: whoever has the file may be about to end.
fn try_and_look(file: &ModelFile, made: &mut StartMade) {
    let began = monotonic_now();
    for (n_try, pause_ms) in PAUSES_MS.into_iter().enumerate() {
        thread::sleep(Duration::from_millis(pause_ms));
        let again = if n_try == 0 { String::new() } else { format!(", try {}", n_try + 1) };
        for way in pages::WAYS {
            let mut is_cold = false;
            step(way, &again, file, made, |()| match file.resident_bytes() {
                Err(error) => format!("asked for; {error}"),
                Ok(resident) => {
                    is_cold = file.is_cold(resident);
                    format!("{} left", file.share(resident))
                }
            });
            if is_cold {
                return;
            }
        }
        if monotonic_now().since(began) > LIMIT_NS {
            return;
        }
    }
}

/// Takes one way and notes what came of it.
fn step(way: &Way, again: &str, file: &ModelFile, made: &mut StartMade, seen: impl FnOnce(()) -> String) {
    let words = (way.act)(&file.file, file.bytes).map_or_else(|error| error.to_string(), seen);
    made.steps.push(format!("{}{again}: {words}", way.name));
}

fn judge(file: &ModelFile, made: &mut StartMade) {
    match file.resident_bytes() {
        Err(error) => doubt(made, format!("the model's pages in memory cannot be seen: {error}")),
        Ok(resident) => {
            made.resident_bytes = Some(resident);
            if !file.is_cold(resident) {
                let holders = holders(file);
                doubt(made, format!("{} of the model are in memory{holders}", file.share(resident)));
            }
        }
    }
}

/// Who has the file mapped, as far as this agent may know.
fn holders(file: &ModelFile) -> String {
    let holders = pages::holders(&file.file, &file.path);
    let named: Vec<String> =
        holders.iter().take(MAX_NAMED).map(|(pid, name)| format!("{pid} ({name})")).collect();
    match (named.as_slice(), holders.len().saturating_sub(MAX_NAMED)) {
        ([], _) => String::new(),
        ([one], _) => format!("; process {one} has it mapped"),
        (many, 0) => format!("; processes {} have it mapped", many.join(", ")),
        (many, more) => format!("; processes {} and {more} more have it mapped", many.join(", ")),
    }
}

/// Why pages that are gone from here may still be in some memory.
fn unseen_cache(kind: &FileSystem) -> Option<String> {
    match kind {
        FileSystem::Storage | FileSystem::Memory(_) => None,
        FileSystem::Elsewhere(name) => {
            Some(format!("the model lies on {name}, behind which there are caches that are not seen here"))
        }
        FileSystem::Unknown(name) => {
            Some(format!("the model lies on a file system whose caches are not known: {name}"))
        }
    }
}
