//! C3: the whole model in the page cache.

use std::fs::File;
use std::io::{self, Read as _};

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::start::StartMade;

use crate::cold::doubt;
use crate::cold::model_file::ModelFile;
use crate::sys::pages;

/// So much is read at a time.
const READ_BYTES: usize = 1 << 20;
/// Reading may take so long.
const READ_LIMIT_NS: u64 = 300_000_000_000;

/// Reads the file from end to end, and looks whether it stayed in memory.
pub(crate) fn read(file: &ModelFile, made: &mut StartMade) {
    let room = pages::memory_bytes();
    if let Some(room) = room.filter(|room| *room < file.bytes) {
        let bytes = file.bytes;
        return doubt(made, format!("the model has {bytes} bytes, and the machine {room} of memory"));
    }
    made.resident_before_bytes = file.resident_bytes().ok();
    made.steps.push(match read_all(file, monotonic_now().plus(READ_LIMIT_NS)) {
        Ok(n) if n < file.bytes => format!("read: {n} of {} bytes, then its time was over", file.bytes),
        Ok(n) => format!("read: {n} bytes"),
        Err(error) => format!("read: {error}"),
    });
    match file.resident_bytes() {
        Err(error) => doubt(made, format!("the model's pages in memory cannot be seen: {error}")),
        Ok(resident) => {
            made.resident_bytes = Some(resident);
            if !file.is_warm(resident) {
                let room =
                    room.map_or_else(String::new, |room| format!("; the machine has {room} bytes of memory"));
                doubt(made, format!("only {} of the model are in memory{room}", file.share(resident)));
            }
        }
    }
}

/// How many bytes were read before `until`.
fn read_all(file: &ModelFile, until: MonoNs) -> io::Result<u64> {
    let mut source = File::open(&file.path)?;
    let mut buffer = vec![0; READ_BYTES];
    let mut n_read = 0;
    while monotonic_now() < until {
        let n = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        n_read += n as u64;
    }
    Ok(n_read)
}
