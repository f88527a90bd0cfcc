//! One cell of a side against the baseline's: everything but what takes the family.

use dyno_view::chart::Chart;
use dyno_view::compare::{
    Change, ChangeOutcome, ChangeRow, ContrastView, PairingView, QualityChange, ShapeRow, TailRow,
};
use dyno_view::comparison::RowPart;

use super::Questions;
use super::ask::CompareAsk;
use super::beside::{Pooled, shapes, tails};
use super::change::delta_in_use;
use super::changes::{changes, notes};
use super::charts::charts;
use super::draft::{Both, Data, Draft, draft as draft_row};
use super::failures::Failures;
use super::matching::{Field, Pair, value_words};
use super::pairing::pairing;
use super::quality::Answers;
use super::scenario::{metrics_of, primary_of};
use super::sides::Opened;
use super::unlike::Unlike;
use crate::metrics::unit_view;

/// A contrast before the family is known.
pub(super) struct Drafted<'r, 'a> {
    pair: Pair<'r, 'a>,
    pub(super) drafts: Vec<Draft>,
    pub(super) failures: Failures,
    pub(super) answers: Answers,
    /// What the answers show, once the families are known.
    pub(super) quality: Option<QualityChange>,
    /// One for each draft, once the family is known.
    pub(super) changes: Vec<Option<Change>>,
    primary: Option<String>,
    differences: Vec<String>,
    pairing: PairingView,
    tails: Vec<TailRow>,
    shapes: Vec<ShapeRow>,
    notes: Vec<String>,
    charts: Vec<Chart>,
}

pub(super) fn draft<'r, 'a>(
    opened: &[Opened<'r, 'a>],
    pair: Pair<'r, 'a>,
    asked: &Questions,
    ask: &CompareAsk,
) -> Drafted<'r, 'a> {
    let (baseline, candidate) = (pair.baseline, pair.candidate);
    let names = [opened[0].name.as_str(), opened[pair.side].name.as_str()];
    let both = Both { baseline, candidate, names };
    let metrics = metrics_of(baseline.cell, &asked.metrics);
    let ids: Vec<&str> = metrics.iter().map(|metric| metric.id).collect();
    let unlike = Unlike::of(baseline, candidate, names, &ids);
    let pairing = pairing(baseline, candidate, names);
    let drafts: Vec<Draft> =
        metrics.iter().map(|metric| draft_row(&both, &pairing, metric, &unlike, ask.delta)).collect();
    let tested: Vec<&str> =
        drafts.iter().filter(|draft| draft.is_tested()).map(|draft| draft.metric.id).collect();
    let pooled = Pooled::of(&both, &pairing, &drafts);
    let answers =
        if asked.quality { Answers::of(&both, &pairing, ask.quality_delta) } else { Answers::Ungraded };
    Drafted {
        primary: primary_of(baseline.cell, &asked.metrics, &tested),
        failures: Failures::of(baseline, candidate, &pairing),
        changes: Vec::new(),
        differences: changes(&both),
        tails: tails(&pooled, baseline.record.plan.seed),
        shapes: shapes(&pooled),
        notes: notes(&both, &pairing, &answers),
        answers,
        quality: None,
        charts: charts(&pooled, names, pair.side),
        pairing: pairing.view(baseline, names),
        drafts,
        pair,
    }
}

impl Drafted<'_, '_> {
    pub(super) fn view(self) -> ContrastView {
        let (baseline, candidate) = (self.pair.baseline.cell, self.pair.candidate.cell);
        let differs = [
            (RowPart::Device, baseline.device != candidate.device),
            (RowPart::Model, baseline.model != candidate.model),
            (RowPart::Runtime, baseline.runtime != candidate.runtime),
            (RowPart::Threads, baseline.threads != candidate.threads),
        ];
        let primary = self.primary;
        let rows = self.drafts.into_iter().zip(self.changes).map(|(draft, change)| {
            let is_primary = primary.as_deref() == Some(draft.metric.id);
            row(draft, change, is_primary)
        });
        ContrastView {
            side: self.pair.side as u32,
            device: baseline.device.0.clone(),
            label: label(&self.pair),
            baseline_cell: baseline.id.0.clone(),
            candidate_cell: candidate.id.0.clone(),
            differ_in: differs.into_iter().filter(|of| of.1).map(|of| of.0).collect(),
            changes: self.differences,
            pairing: self.pairing,
            rows: rows.collect(),
            failures: self.failures.view(),
            quality: self.quality,
            tails: self.tails,
            shapes: self.shapes,
            notes: self.notes,
            charts: self.charts,
        }
    }
}

/// Model and load, and what else tells contrasts apart; the device stands beside it.
fn label(pair: &Pair<'_, '_>) -> String {
    let cell = pair.baseline.cell;
    let mut parts = vec![value_words(Field::Model, cell), value_words(Field::Load, cell)];
    let is_told = |field: &&Field| !matches!(field, Field::Device | Field::Model | Field::Load);
    parts.extend(pair.told_by.iter().filter(is_told).map(|field| value_words(*field, cell)));
    parts.join(" · ")
}

fn row(draft: Draft, change: Option<Change>, is_primary: bool) -> ChangeRow {
    let (delta, better) = (delta_in_use(&draft), draft.better());
    let missing = |reason: String| ChangeOutcome::Missing { reason };
    ChangeRow {
        metric: draft.metric.id.to_owned(),
        label: draft.metric.label.to_owned(),
        unit: unit_view(draft.metric.unit),
        better,
        is_primary,
        delta,
        baseline: draft.baseline,
        candidate: draft.candidate,
        outcome: match (change, draft.data) {
            (Some(change), _) => ChangeOutcome::Tested(change),
            (None, Data::Unlike(reason)) => ChangeOutcome::Unlike { reason },
            (None, Data::Missing(reason)) => missing(reason),
            (None, Data::Blocks(_) | Data::Launches { .. }) => missing("nothing to test".to_owned()),
        },
    }
}
