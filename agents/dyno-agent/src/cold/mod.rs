//! The state that a launch starts from: made on purpose, looked at afterwards, and called unverified when it cannot be
//! shown (MEASUREMENT §2.4).
//!
//! **Invariant:** nothing here or after it reads the model until the runtime is spawned.

mod caches;
mod cost;
mod evict;
mod model_file;
mod warm;

#[cfg(test)]
mod tests;

use dyno_model::launch::LaunchSpec;
use dyno_model::start::{StartMade, StartState};

pub(crate) use cost::cost;

use crate::cold::model_file::ModelFile;

/// Brings a launch into the state that it is to start from; `None` when it may start as it is.
///
/// Whatever cannot be done is in the result: a launch that is not in its state is measured all the same, and said to
/// be unverified. Takes as long as reading the model once, at most some minutes.
pub(crate) fn make(spec: &LaunchSpec) -> Option<StartMade> {
    let mut made = StartMade { state: spec.start, ..StartMade::default() };
    if spec.start == StartState::AsItIs {
        return None;
    }
    if spec.start == StartState::CompileCold {
        caches::clear(spec, &mut made);
    }
    match ModelFile::open(spec.model_path.as_deref()) {
        Err(why) => doubt(&mut made, why),
        Ok(file) => {
            made.file_bytes = Some(file.bytes);
            match spec.start {
                StartState::AsItIs => {}
                StartState::DeviceCold => evict::look(&file, &mut made),
                StartState::StorageCold | StartState::CompileCold => evict::evict(&file, &mut made),
                StartState::PageWarm => warm::read(&file, &mut made),
            }
        }
    }
    Some(made)
}

/// Adds a reason why the state is not verified.
fn doubt(made: &mut StartMade, why: String) {
    made.unverified = Some(match made.unverified.take() {
        None => why,
        Some(before) => format!("{before}; {why}"),
    });
}
