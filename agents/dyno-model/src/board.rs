//! What is known of a board before anything is measured on it.

use serde::{Deserialize, Serialize};

use crate::device::DeviceFacts;
use crate::sample::{Quantity, Scope};

/// A board, as the catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedBoard {
    /// Name in tables.
    pub title: String,
    /// What a device of this kind says of itself.
    pub signs: BoardSigns,
    /// What its memory could give at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<BoardBandwidth>,
    /// Which sources make the figure of the whole; `None` where one source is that figure, or none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<BoardTotal>,
    /// What a person who measures there needs to know, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// By what a board is known; any one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BoardSigns {
    /// Names of the device tree: `raspberrypi,5-model-b`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compatible: Vec<String>,
    /// Parts of what the device calls itself, whatever their case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model: Vec<String>,
    /// Parts of its chip's name, whatever their case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub soc: Vec<String>,
    /// Parts of its CPU's name, whatever their case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu: Vec<String>,
}

/// The bandwidth of a data sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardBandwidth {
    /// Bytes per second of the whole chip; what its CPU alone can have may be less.
    pub bytes_per_s: u64,
    /// Where the figure is from.
    pub source: String,
    /// How sure it is.
    pub certainty: Certainty,
}

/// How sure a figure of a catalogue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The maker's data sheet says it.
    DataSheet,
    /// Worked out from the memory's clock and width.
    Computed,
    /// As people know it, without a source that was read.
    Hearsay,
}

/// Sources whose sum is the figure of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardTotal {
    /// What they measure.
    pub quantity: Quantity,
    /// Their sites; the sum is there only where all of them are.
    pub sites: Vec<String>,
    /// What the sum covers.
    pub scope: Scope,
    /// What it leaves out, or is not sure of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caveat: Option<String>,
}

/// How well a board fits: smaller is better.
type Fit = (u8, usize);

impl PlannedBoard {
    /// How well a device fits, by the kind of sign and its place or length; `None` where it does not.
    fn fit(&self, facts: &DeviceFacts) -> Option<Fit> {
        let tree = |name: &String| facts.compatible.iter().position(|one| one == name);
        let by_tree = self.signs.compatible.iter().filter_map(tree).min().map(|place| (0, place));
        let by_text = |signs: &[String], text: Option<&String>, rank: u8| {
            let text = text?.to_lowercase();
            let longest =
                signs.iter().filter(|sign| text.contains(&sign.to_lowercase())).map(String::len).max();
            longest.map(|length| (rank, usize::MAX - length))
        };
        let signs = &self.signs;
        by_tree
            .or_else(|| by_text(&signs.model, facts.model.as_ref(), 1))
            .or_else(|| by_text(&signs.soc, facts.soc.as_ref(), 2))
            .or_else(|| by_text(&signs.cpu, facts.cpu.as_ref(), 3))
    }
}

/// The board of a device: the one that `devices.toml` names, else the one that fits best what the device says of itself.
///
/// Of two that fit, the one by the more specific name: a name of the device tree before a part of the model's, and that
/// before the chip's and the CPU's.
pub fn find_board<'b>(
    boards: impl Iterator<Item = (&'b str, &'b PlannedBoard)>,
    named: Option<&str>,
    facts: Option<&DeviceFacts>,
) -> Option<(&'b str, &'b PlannedBoard)> {
    let boards: Vec<_> = boards.collect();
    if let Some(found) = boards.iter().find(|(name, _)| Some(*name) == named) {
        return Some(*found);
    }
    let fits = |(name, board): (&'b str, &'b PlannedBoard)| Some((board.fit(facts?)?, name, board));
    let best = boards.into_iter().filter_map(fits).min_by_key(|(fit, name, _)| (*fit, *name));
    best.map(|(_, name, board)| (name, board))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(compatible: &[&str], model: &[&str], cpu: &[&str]) -> PlannedBoard {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let signs = BoardSigns {
            compatible: texts(compatible),
            model: texts(model),
            soc: Vec::new(),
            cpu: texts(cpu),
        };
        PlannedBoard { title: String::new(), signs, bandwidth: None, total: None, notes: Vec::new() }
    }

    #[test]
    fn the_most_specific_sign_decides() {
        let boards = [
            ("chip", board(&["nvidia,tegra234"], &[], &[])),
            ("nano", board(&["nvidia,p3767-0005"], &[], &[])),
            ("m1", board(&[], &[], &["Apple M1"])),
            ("m1-max", board(&[], &[], &["apple m1 max"])),
            ("laptop", board(&[], &["ThinkPad"], &[])),
        ];
        let find = |named: Option<&str>, facts: &DeviceFacts| {
            let all = boards.iter().map(|(name, board)| (*name, board));
            find_board(all, named, Some(facts)).map(|(name, _)| name)
        };
        let orin = DeviceFacts {
            compatible: ["nvidia,p3768", "nvidia,p3767-0005", "nvidia,tegra234"].map(str::to_owned).to_vec(),
            ..DeviceFacts::default()
        };
        assert_eq!(find(None, &orin), Some("nano"));
        assert_eq!(find(Some("chip"), &orin), Some("chip"), "a person's word comes first");
        assert_eq!(find(Some("my own"), &orin), Some("nano"), "a name of one's own is no entry");
        let mac = |cpu: &str| DeviceFacts { cpu: Some(cpu.to_owned()), ..DeviceFacts::default() };
        assert_eq!(find(None, &mac("Apple M1 Max")), Some("m1-max"));
        assert_eq!(find(None, &mac("Apple M1")), Some("m1"));
        assert_eq!(find(None, &mac("AMD EPYC")), None);
        let lenovo = DeviceFacts { model: Some("LENOVO ThinkPad X1".to_owned()), ..mac("Apple M1") };
        assert_eq!(find(None, &lenovo), Some("laptop"));
        assert_eq!(find(None, &DeviceFacts::default()), None);
    }
}
