//! The power mode of an NVIDIA Jetson, which outlives a reboot.
//!
//! Source: Jetson Linux Developer Guide, "Power Management": `nvpmodel -q`, `nvpmodel -m ID`, and the form of
//! `/etc/nvpmodel.conf`.

use dyno_model::prepare::SettingKind;

use super::host::Host;
use super::knob::{Knob, Means, Refusal, program};

const PROGRAM: &str = "usr/sbin/nvpmodel";
const PROGRAM_PATH: &str = "/usr/sbin/nvpmodel";
const MODES: &str = "etc/nvpmodel.conf";
/// Ids that are believed (house rule); boards have fewer than ten.
const MAX_ID: u32 = 255;

/// The power mode, if this is a Jetson.
pub(super) fn knobs(host: &dyn Host) -> Vec<Knob> {
    let knob = Knob::new(SettingKind::PowerMode, "nvpmodel", Means::Nvpmodel);
    host.has(PROGRAM).then_some(knob).into_iter().collect()
}

/// The id of the mode that a person names by id or name.
pub(super) fn id_of(host: &dyn Host, word: &str) -> Result<String, Refusal> {
    let modes = modes(host);
    if let Ok(id) = word.parse::<u32>() {
        return Ok(id.to_string());
    }
    match modes.iter().find(|(_, name)| name.eq_ignore_ascii_case(word)) {
        Some((id, _)) => Ok(id.to_string()),
        None => Err(unknown(word, &modes)),
    }
}

/// The id of the mode now: the last line of `nvpmodel -q`, below its name.
pub(super) fn read(host: &dyn Host) -> Result<String, Refusal> {
    let text = program(host, &[PROGRAM_PATH, "-q"])?;
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    let id = last.and_then(|line| line.parse::<u32>().ok());
    id.map(|id| id.to_string()).ok_or_else(|| Refusal::new("nvpmodel does not tell its mode"))
}

pub(super) fn write(host: &dyn Host, id: &str) -> Result<(), Refusal> {
    let set = program(host, &[PROGRAM_PATH, "-m", id]);
    let hint =
        format!("only root may do this: reach the device as root, or run `sudo nvpmodel -m {id}` on it");
    set.map(drop).map_err(|refusal| refusal.hint(hint))
}

pub(super) fn check(host: &dyn Host, id: &str) -> Result<(), Refusal> {
    let modes = modes(host);
    let number = id.parse::<u32>().ok().filter(|number| *number <= MAX_ID);
    let is_known = |number: u32| modes.is_empty() || modes.iter().any(|(id, _)| *id == number);
    if number.is_some_and(is_known) { Ok(()) } else { Err(unknown(id, &modes)) }
}

fn unknown(word: &str, modes: &[(u32, String)]) -> Refusal {
    let refusal = Refusal::new(format!("there is no power mode `{word}`"));
    let known: Vec<String> = modes.iter().map(|(id, name)| format!("{id} {name}")).collect();
    if known.is_empty() { refusal } else { refusal.hint(format!("it has: {}", known.join(", "))) }
}

/// Ids and names: the lines `< POWER_MODEL ID=2 NAME=MODE_15W >`.
fn modes(host: &dyn Host) -> Vec<(u32, String)> {
    // Best effort: without the file, modes are known by id only.
    let text = host.read(MODES).unwrap_or_default();
    text.lines().filter_map(mode).collect()
}

fn mode(line: &str) -> Option<(u32, String)> {
    let words = line.trim().strip_prefix('<')?.trim_start().strip_prefix("POWER_MODEL")?;
    let value = |key: &str| words.split_whitespace().find_map(|word| word.strip_prefix(key));
    Some((value("ID=")?.parse().ok()?, value("NAME=")?.to_owned()))
}
