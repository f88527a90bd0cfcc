//! Energies side by side, as far as they mean the same (MEASUREMENT §4.1).
//!
//! Across devices only external meters are compared, or the same rails of one kind of chip. All else is compared on one
//! device only, by one source.

use dyno_view::energy::{EnergyGroupView, EnergyRowView, EnergyScopeView, EnergySourceView, EnergyTableView};
use dyno_view::report::CellView;

use super::energy_of;
use crate::cell::CellRecord;
use crate::contacts::Contacts;

/// The figures of a row, by their ids.
const SHOWN: [&str; 7] = [
    "j_per_request",
    "j_per_token",
    "net_j_per_token",
    "j_per_prefill_token",
    "j_per_decode_token",
    "tokens_per_j",
    "mean_power_w",
];

/// By what energies may be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Basis {
    /// External meters of one scope, on any device.
    Meter(EnergyScopeView),
    /// One source of one kind of chip.
    Chip { chip: String, source: String, class: String, scope: EnergyScopeView },
    /// One source of one device.
    Device { device: String, source: String, class: String, scope: EnergyScopeView },
}

impl Basis {
    fn of(cell: &CellRecord<'_>, source: &EnergySourceView) -> Self {
        let (name, class) = (source.name.clone(), source.class.clone());
        if class == "A" {
            return Self::Meter(source.scope);
        }
        let facts = Contacts::of(cell.record, &cell.cell.device).facts();
        let chip = facts.and_then(|facts| facts.soc.clone());
        if let Some(chip) = chip.filter(|_| class != "D") {
            return Self::Chip { chip, source: name, class, scope: source.scope };
        }
        let device = cell.cell.device.0.clone();
        Self::Device { device, source: name, class, scope: source.scope }
    }

    fn words(&self) -> String {
        match self {
            Self::Meter(scope) => format!("external meters of {}", scope_words(*scope)),
            Self::Chip { chip, source, class, scope } => {
                format!("{source} of {chip}, class {class}, {}", scope_words(*scope))
            }
            Self::Device { device, source, class, scope } => {
                format!("{source} of {device}, class {class}, {}", scope_words(*scope))
            }
        }
    }

    fn class_and_scope(&self) -> (&str, EnergyScopeView) {
        match self {
            Self::Meter(scope) => ("A", *scope),
            Self::Chip { class, scope, .. } | Self::Device { class, scope, .. } => (class, *scope),
        }
    }

    /// Why it is not put beside another one.
    fn unlike(&self, other: &Self) -> &'static str {
        let (one, two) = (self.class_and_scope(), other.class_and_scope());
        match (one.0 == two.0, one.1 == two.1) {
            (false, false) => "they differ in class and in what they cover",
            (false, true) => "they differ in class",
            (true, false) => "they differ in what they cover",
            (true, true) => "below class A only the same rails of the same kind of chip are comparable",
        }
    }
}

/// Why the energies of two cells may not be put side by side; `None` where they may, or where one has none.
pub(crate) fn unlike_energy(a: &CellRecord<'_>, b: &CellRecord<'_>) -> Option<String> {
    let basis = |cell: &CellRecord<'_>| Some(Basis::of(cell, energy_of(cell)?.view.source.as_ref()?));
    let (one, two) = (basis(a)?, basis(b)?);
    let words =
        || format!("energies by {} are not those by {}: {}", one.words(), two.words(), one.unlike(&two));
    (one != two).then(words)
}

fn scope_words(scope: EnergyScopeView) -> &'static str {
    match scope {
        EnergyScopeView::Device => "the whole device",
        EnergyScopeView::Board => "the board or module",
        EnergyScopeView::Package => "a chip",
        EnergyScopeView::Part => "a part",
        EnergyScopeView::Unknown => "nobody knows what",
    }
}

/// All cells that have a source; `None` without one.
pub(crate) fn energy_table(cells: &[CellRecord<'_>], views: &[CellView]) -> Option<EnergyTableView> {
    let mut groups: Vec<(Basis, Vec<EnergyRowView>)> = Vec::new();
    let mut missing = Vec::new();
    for (cell, view) in cells.iter().zip(views) {
        let Some(energy) = &view.energy else { continue };
        let campaign = view.campaign.as_ref().map(|id| format!(", campaign {id}")).unwrap_or_default();
        let name = format!("{} · {} on {}{campaign}", view.model, view.runtime, view.device);
        let Some(source) = &energy.source else {
            let why = energy.why_none.as_deref().unwrap_or("no source");
            missing.push(format!("{name}: {why}"));
            continue;
        };
        let basis = Basis::of(cell, source);
        let shown = SHOWN.iter().filter_map(|id| energy.figures.iter().find(|figure| figure.id == *id));
        let row = EnergyRowView {
            cell: view.id.clone(),
            name,
            class: source.class.clone(),
            scope: source.scope,
            source: source.name.clone(),
            figures: shown.cloned().collect(),
            parts: energy.parts.clone(),
        };
        match groups.iter_mut().find(|(of, _)| *of == basis) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((basis, vec![row])),
        }
    }
    let apart = apart(&groups);
    let view = |(basis, rows): (Basis, Vec<EnergyRowView>)| EnergyGroupView { basis: basis.words(), rows };
    let table = EnergyTableView { groups: groups.into_iter().map(view).collect(), apart, missing };
    (!table.groups.is_empty() || !table.missing.is_empty()).then_some(table)
}

/// Each group against the first.
fn apart(groups: &[(Basis, Vec<EnergyRowView>)]) -> Vec<String> {
    let Some((first, others)) = groups.split_first() else { return Vec::new() };
    let words = |other: &(Basis, Vec<EnergyRowView>)| {
        format!(
            "energies by {} are not compared with those by {}: {}",
            other.0.words(),
            first.0.words(),
            first.0.unlike(&other.0)
        )
    };
    others.iter().map(words).collect()
}
