//! The tables of a recommendation, in words.

mod elsewhere;
mod rest;

use dyno_view::compliance::{ComplianceVerdict, DemandView};
use dyno_view::energy::EnergyScopeView;
use dyno_view::load::VerdictView;
use dyno_view::recommend::{
    AmountView, BuyerObjectiveView, CapacityFrom, ObjectiveResultView, OptionView, Recommendation, Standing,
};
use serde::Serialize;

use super::amount::worded;
use crate::compliance::{limit_line, share_of};
use crate::words::{Worded, count};

pub(crate) use rest::assumptions;

use elsewhere::{cloud, hybrid};
use rest::{left_out, predictions};

/// A table.
#[derive(Serialize)]
pub(crate) struct Sheet {
    /// For anchors.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) heads: Vec<String>,
    pub(crate) rows: Vec<Vec<Entry>>,
    /// What stands below it, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// A field of a table; the first of a row names it.
#[derive(Serialize, Clone)]
pub(crate) struct Entry {
    pub(crate) value: String,
    /// Interval or reason; may be empty.
    pub(crate) note: String,
    pub(crate) missing: bool,
    /// `good`, `warn`, `bad` for a badge, else empty.
    pub(crate) tone: &'static str,
    /// What to sort by.
    pub(crate) by: Option<f64>,
}

impl Entry {
    pub(super) fn text(value: impl Into<String>) -> Self {
        Self { value: value.into(), note: String::new(), missing: false, tone: "", by: None }
    }

    pub(super) fn noted(value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..Self::text(value) }
    }

    fn badge(tone: &'static str, value: &str, note: String) -> Self {
        Self { tone, ..Self::noted(value, note) }
    }

    /// A figure with its interval and what it is made of.
    pub(super) fn amount(of: &AmountView) -> Self {
        let found = worded(of);
        let (value, note) = match &found {
            Worded::Estimate { .. } => found.parts(),
            Worded::Missing { reason } => ("n/a".to_owned(), reason.clone()),
        };
        let missing = of.value.is_none();
        let why = of.why.as_ref().filter(|_| !missing && note.is_empty());
        let n = (of.n > 0 && !missing).then(|| format!("n = {}", count(of.n)));
        let notes: Vec<String> =
            [Some(note), why.cloned(), n].into_iter().flatten().filter(|note| !note.is_empty()).collect();
        Self { value: value.trim_end().to_owned(), note: notes.join(", "), missing, tone: "", by: of.value }
    }

    /// The same with another note behind it.
    fn and(mut self, more: &str) -> Self {
        if !self.missing && !more.is_empty() {
            self.note = if self.note.is_empty() { more.to_owned() } else { format!("{}, {more}", self.note) };
        }
        self
    }
}

/// All tables of devices, in the order to show; those without a row are left out.
pub(crate) fn all(of: &Recommendation) -> Vec<Sheet> {
    let sheets = [
        Some(ranking(of)),
        Some(costs(of)),
        cloud(of),
        hybrid(of),
        Some(published(of)),
        of.predictions.as_ref().map(predictions),
        of.predictions.as_ref().and_then(left_out),
    ];
    sheets.into_iter().flatten().filter(|sheet| !sheet.rows.is_empty()).map(without_empty).collect()
}

/// A column that says nothing of any row goes.
fn without_empty(mut sheet: Sheet) -> Sheet {
    let says = |place: usize| sheet.rows.iter().any(|row| row.get(place).is_some_and(|of| of.value != "–"));
    let kept: Vec<bool> = (0..sheet.heads.len()).map(says).collect();
    let is_kept = |place: usize| kept.get(place).copied().unwrap_or(true);
    let mut place = 0;
    sheet.heads.retain(|_| {
        place += 1;
        is_kept(place - 1)
    });
    for row in &mut sheet.rows {
        let mut place = 0;
        row.retain(|_| {
            place += 1;
            is_kept(place - 1)
        });
    }
    sheet
}

fn heads(list: &[&str]) -> Vec<String> {
    list.iter().map(|head| (*head).to_owned()).collect()
}

/// A device's name and what limits its figures.
fn name(of: &OptionView) -> Entry {
    Entry::noted(of.name.clone(), of.marks.join(", "))
}

fn ranking(of: &Recommendation) -> Sheet {
    let mut all = heads(&["Device", "Rank", "Service level"]);
    all.extend(of.slo.objectives.iter().map(objective_head));
    all.extend(heads(&[
        "Sustained output",
        "Sustained / peak",
        "Energy a token",
        "Price",
        "EUR per million tokens",
    ]));
    let row = |option: &OptionView| {
        let mut row = vec![name(option), rank(of, option), verdict(option)];
        let figure = |objective: &BuyerObjectiveView| {
            let found = option.objectives.iter().find(|result| result.name == objective.name);
            found.map_or_else(|| missing("not measured"), objective_entry)
        };
        row.extend(of.slo.objectives.iter().map(figure));
        row.extend([
            Entry::amount(&option.rates.sustained),
            Entry::amount(&option.rates.ratio),
            energy(option),
            Entry::amount(&option.money.price),
            Entry::amount(&option.money.per_million),
        ]);
        row
    };
    Sheet {
        id: "ranking",
        title: "Who meets it, and what a token costs".to_owned(),
        heads: all,
        rows: of.options.iter().map(row).collect(),
        notes: vec![
            "A rank is 1 and the number of devices that surely cost less; where intervals overlap, devices share it. \
             Sustained output is what the last quarter of a long load delivers, prefill included; a peak is never used \
             in its place."
                .to_owned(),
            sentence(&of.energy.why),
        ],
    }
}

/// With a capital and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}

/// `TTFT ≤ 1 s, for 95 %`.
fn objective_head(of: &BuyerObjectiveView) -> String {
    let limits: Vec<String> = of.conditions.iter().map(limit_line).collect();
    match of.demand {
        DemandView::Every => format!("{}, always", limits.join(" and ")),
        DemandView::Drop { most, .. } => {
            format!("{}, at most {} fewer than a baseline", limits.join(" and "), share_of(most))
        }
        DemandView::Share { fraction, .. } => format!("{}, for {}", limits.join(" and "), share_of(fraction)),
    }
}

fn objective_entry(of: &ObjectiveResultView) -> Entry {
    let counts = format!("{} of {} violate", count(of.n_violations), count(of.n));
    let mark = verdict_word(of.verdict).1;
    match &of.figure {
        Some(figure) => {
            // The counts say how many there are.
            let entry = Entry::amount(&AmountView { n: 0, ..figure.clone() }).and(&counts).and(mark);
            Entry { by: figure.value, ..entry }
        }
        None => Entry::noted(mark, counts),
    }
}

fn verdict_word(of: ComplianceVerdict) -> (&'static str, &'static str) {
    match of {
        ComplianceVerdict::Pass => ("good", "PASS"),
        ComplianceVerdict::Fail => ("bad", "FAIL"),
        ComplianceVerdict::Inconclusive => ("warn", "INCONCLUSIVE"),
        ComplianceVerdict::Invalid => ("warn", "INVALID"),
    }
}

fn rank(of: &Recommendation, option: &OptionView) -> Entry {
    match &option.standing {
        Standing::Ranked { rank, tied } => {
            let names: Vec<&str> = tied
                .iter()
                .filter_map(|place| of.options.get(*place as usize))
                .map(|other| other.name.as_str())
                .collect();
            let note = match names.len() {
                0 => String::new(),
                _ => format!("not distinguishable from {}", names.join(", ")),
            };
            Entry { by: Some(f64::from(*rank)), ..Entry::noted(rank.to_string(), note) }
        }
        Standing::Unpriced
        | Standing::SustainedNotShown
        | Standing::Inconclusive { .. }
        | Standing::Misses
        | Standing::NotMeasured => Entry::text("–"),
    }
}

fn verdict(option: &OptionView) -> Entry {
    let reasons = option.reasons.join("; ");
    // The badge says it already.
    let reasons = reasons.strip_prefix("sustained not shown: ").unwrap_or(&reasons).to_owned();
    let end: Vec<String> = option
        .at_end
        .iter()
        .filter(|of| of.verdict != VerdictView::Pass)
        .map(|of| {
            format!("{} of {} violate {} in the last quarter", count(of.n_violations), count(of.n), of.name)
        })
        .filter(|_| option.standing == Standing::Misses)
        .collect();
    let note =
        [reasons, end.join("; ")].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
    match &option.standing {
        Standing::Ranked { .. } | Standing::Unpriced => Entry::badge("good", "PASS, sustained", note),
        Standing::SustainedNotShown => Entry::badge("warn", "PASS, sustained not shown", note),
        Standing::Inconclusive { .. } => Entry::badge("warn", "INCONCLUSIVE", note),
        Standing::Misses => Entry::badge("bad", "FAIL", note),
        Standing::NotMeasured => Entry::badge("bad", "not measured", note),
    }
}

fn energy(option: &OptionView) -> Entry {
    match &option.energy {
        None => missing("nothing measures power"),
        Some(of) => {
            Entry::amount(&of.j_per_token).and(&format!("class {}, {}", of.class, scope_word(of.scope)))
        }
    }
}

fn scope_word(scope: EnergyScopeView) -> &'static str {
    match scope {
        EnergyScopeView::Device => "whole device",
        EnergyScopeView::Board => "board",
        EnergyScopeView::Package => "one chip",
        EnergyScopeView::Part => "a part",
        EnergyScopeView::Unknown => "nobody says of what",
    }
}

fn missing(why: &str) -> Entry {
    Entry { missing: true, ..Entry::noted("n/a", why) }
}

fn costs(of: &Recommendation) -> Sheet {
    let row = |option: &OptionView| {
        let money = &option.money;
        let from = match money.capacity_from {
            CapacityFrom::Sweep => "of a sweep",
            CapacityFrom::ServiceTime => "from the time of a request",
            CapacityFrom::Unknown => "",
        };
        let devices =
            money.devices.as_ref().map_or_else(|| missing("no number of users was given"), Entry::amount);
        let with_energy =
            money.per_million_with_energy.as_ref().map_or_else(|| Entry::text("–"), Entry::amount);
        vec![
            Entry::text(option.name.clone()),
            Entry::amount(&money.price),
            Entry::amount(&option.rates.service),
            Entry::amount(&money.capacity).and(from),
            devices,
            Entry::amount(&money.at_work),
            Entry::amount(&money.tokens),
            Entry::amount(&money.tco_energy),
            Entry::amount(&money.tco),
            with_energy,
            option
                .energy
                .as_ref()
                .and_then(|of| of.tokens_per_charge.as_ref())
                .map_or_else(|| Entry::text("–"), Entry::amount),
        ]
    };
    let is_shown =
        |option: &&OptionView| option.money.tco.value.is_some() || option.money.price.value.is_some();
    Sheet {
        id: "costs",
        title: "What it comes to over the years".to_owned(),
        heads: heads(&[
            "Device",
            "Price of one",
            "Time of a request",
            "Capacity of one",
            "Devices",
            "At work under load",
            "Tokens",
            "Energy",
            "Total cost",
            "EUR per million with its own energy",
            "Tokens of a charge",
        ]),
        rows: of.options.iter().filter(is_shown).map(row).collect(),
        notes: vec![
            "Intervals follow from those of the measured figures; prices are taken as exact. Assumptions and formulas \
             stand below."
                .to_owned(),
        ],
    }
}

fn published(of: &Recommendation) -> Sheet {
    let row = |option: &OptionView| {
        let of = &option.published;
        let figures = [&of.first, &of.sustained, &of.throttle, &of.decode, &of.ttft, &of.memory];
        [name(option)].into_iter().chain(figures.map(Entry::amount)).collect()
    };
    Sheet {
        id: "published",
        title: "The table that is usually published".to_owned(),
        heads: heads(&[
            "Device",
            "First run",
            "Sustained",
            "Throttle",
            "Decode rate p50",
            "First-token latency p50",
            "Memory",
        ]),
        rows: of.options.iter().map(row).collect(),
        notes: vec!["Decode rates: prefill is not in them.".to_owned()],
    }
}
