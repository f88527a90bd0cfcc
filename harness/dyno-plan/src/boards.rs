//! `catalog/boards/*.toml`: what is known of boards before anything is measured on them.

use std::collections::BTreeMap;

use dyno_model::board::{BoardBandwidth, BoardSigns, BoardTotal, Certainty, PlannedBoard};
use dyno_model::ids::DeviceId;
use dyno_model::plan::PlannedDevice;
use dyno_model::sample::{Quantity, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::devices::check_name;
use crate::document::Document;
use crate::problem::Problems;
use crate::registry::Registry;

/// More than any memory of a board gives (house rule): a figure beyond was written in another unit.
const MAX_GB_PER_S: f64 = 20_000.0;

/// Boards.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the file is read table by table; this type is its schema")]
pub(crate) struct BoardsFile {
    /// Version of this file's form: 1.
    schema_version: u32,
    /// One table for each board, under the name that `board` of devices.toml takes.
    board: BTreeMap<String, BoardWords>,
}

/// One board.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BoardWords {
    /// Name in tables.
    title: String,
    /// By what it is known; one sign that fits is enough.
    signs: SignWords,
    /// What its memory could give at most.
    bandwidth: Option<BandwidthWords>,
    /// Which sources make the figure of the whole, where no single one is that.
    total: Option<TotalWords>,
    /// What a person who measures there needs to know, one sentence each.
    #[serde(default)]
    notes: Vec<String>,
}

/// By what a board is known.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct SignWords {
    /// Names of the device tree: `raspberrypi,5-model-b`.
    compatible: Vec<String>,
    /// Parts of what the device calls itself, whatever their case.
    model: Vec<String>,
    /// Parts of its chip's name, whatever their case.
    soc: Vec<String>,
    /// Parts of its CPU's name, whatever their case.
    cpu: Vec<String>,
}

/// The bandwidth of a data sheet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BandwidthWords {
    /// GB/s, of 10⁹ bytes, of the whole chip.
    #[schemars(range(min = 0.0))]
    gb_per_s: f64,
    /// Where the figure is from.
    source: String,
    /// How sure it is.
    certainty: CertaintyWords,
}

/// How sure a figure is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CertaintyWords {
    /// The maker's data sheet says it.
    DataSheet,
    /// Worked out from the memory's clock and width.
    Computed,
    /// As people know it, without a source that was read.
    Hearsay,
}

/// Sources whose sum is the figure of the whole.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TotalWords {
    /// What they measure.
    quantity: QuantityWords,
    /// Their sites, as `edgedyno doctor --sensors` lists them.
    sites: Vec<String>,
    /// What the sum covers.
    scope: ScopeWords,
    /// What it leaves out, or is not sure of.
    caveat: Option<String>,
}

/// What can be added up.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum QuantityWords {
    /// Power.
    PowerUw,
    /// Energy, cumulative.
    EnergyUj,
}

/// What a sum covers.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ScopeWords {
    /// All that the supply or the battery feeds.
    Device,
    /// A module or a platform, without what hangs on its carrier board.
    Board,
    /// One chip.
    Package,
    /// A part of it.
    Part,
}

/// Reads the boards of `documents`; gives them as a plan has them.
pub(crate) fn read(documents: &[Document<'_>], problems: &mut Problems) -> BTreeMap<String, PlannedBoard> {
    let registry: Registry<'_, BoardWords> = Registry::read("board", documents, problems);
    for (name, words, document) in registry.usable() {
        check_name("board", name, document, &["board", name], problems);
        check(name, words, document, problems);
    }
    registry.usable().map(|(name, words, _)| (name.to_owned(), words.plan())).collect()
}

/// What a schema cannot see.
fn check(name: &str, words: &BoardWords, document: &Document<'_>, problems: &mut Problems) {
    let mut report = |key: &[&str], message: String, hint: &str| {
        let path: Vec<&str> = ["board", name].iter().chain(key).copied().collect();
        problems.push(document.problem_at(&path, message, Some(hint.to_owned())));
    };
    let signs = &words.signs;
    let lists = [&signs.compatible, &signs.model, &signs.soc, &signs.cpu];
    if lists.iter().any(|list| list.iter().any(|sign| sign.trim().is_empty())) {
        report(
            &["signs"],
            format!("a sign of board `{name}` is empty, and every device has that"),
            "remove it",
        );
    }
    if lists.iter().all(|list| list.is_empty()) {
        let hint = "give one of compatible, model, soc, cpu; a device that is known by its `board` alone has its own name";
        report(&["signs"], format!("board `{name}` has no sign"), hint);
    }
    if let Some(bandwidth) = &words.bandwidth
        && !(bandwidth.gb_per_s > 0.0 && bandwidth.gb_per_s <= MAX_GB_PER_S)
    {
        let message = format!("{} GB/s is no memory's bandwidth", bandwidth.gb_per_s);
        report(&["bandwidth", "gb_per_s"], message, "in GB/s, of 10⁹ bytes: 68.2");
    }
    let sites = words.total.as_ref().map(|total| &total.sites);
    if sites.is_some_and(Vec::is_empty) {
        report(
            &["total", "sites"],
            "a sum of no sources".to_owned(),
            "name the sources, or leave `total` out",
        );
    }
    let twice =
        sites.and_then(|sites| sites.iter().enumerate().find(|(idx, site)| sites[..*idx].contains(site)));
    if let Some((_, site)) = twice {
        report(&["total", "sites"], format!("`{site}` would be added twice"), "name each source once");
    }
}

impl BoardWords {
    fn plan(&self) -> PlannedBoard {
        let signs = &self.signs;
        PlannedBoard {
            title: self.title.clone(),
            signs: BoardSigns {
                compatible: signs.compatible.clone(),
                model: signs.model.clone(),
                soc: signs.soc.clone(),
                cpu: signs.cpu.clone(),
            },
            bandwidth: self.bandwidth.as_ref().map(BandwidthWords::plan),
            total: self.total.as_ref().map(TotalWords::plan),
            notes: self.notes.clone(),
        }
    }
}

impl BandwidthWords {
    fn plan(&self) -> BoardBandwidth {
        BoardBandwidth {
            bytes_per_s: (self.gb_per_s * 1e9).round() as u64,
            source: self.source.clone(),
            certainty: match self.certainty {
                CertaintyWords::DataSheet => Certainty::DataSheet,
                CertaintyWords::Computed => Certainty::Computed,
                CertaintyWords::Hearsay => Certainty::Hearsay,
            },
        }
    }
}

impl TotalWords {
    fn plan(&self) -> BoardTotal {
        BoardTotal {
            quantity: match self.quantity {
                QuantityWords::PowerUw => Quantity::PowerUw,
                QuantityWords::EnergyUj => Quantity::EnergyUj,
            },
            sites: self.sites.clone(),
            scope: match self.scope {
                ScopeWords::Device => Scope::Device,
                ScopeWords::Board => Scope::Board,
                ScopeWords::Package => Scope::Package,
                ScopeWords::Part => Scope::Part,
            },
            caveat: self.caveat.clone(),
        }
    }
}

/// The boards that these devices name and the catalogue has.
pub(crate) fn named(
    devices: &BTreeMap<DeviceId, PlannedDevice>,
    known: &BTreeMap<String, PlannedBoard>,
) -> BTreeMap<String, PlannedBoard> {
    let names = devices.values().filter_map(|device| device.board.as_ref());
    names
        .filter_map(|name| known.get_key_value(name))
        .map(|(name, board)| (name.clone(), board.clone()))
        .collect()
}
