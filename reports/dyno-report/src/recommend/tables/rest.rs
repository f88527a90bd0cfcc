//! Predictions with their errors, and the assumptions.

use dyno_view::load::VerdictView;
use dyno_view::recommend::{
    AssumptionOrigin, AssumptionView, LeftOutView, PredictionView, PredictionsView, Recommendation,
};
use dyno_view::report::UnitView;

use super::{Entry, Sheet, heads, missing, sentence};
use crate::words::value;

pub(super) fn predictions(of: &PredictionsView) -> Sheet {
    let row = |board: &PredictionView| {
        let tpot = match board.tpot {
            Some(VerdictView::Pass) => Entry::text("within the limit, as predicted"),
            Some(VerdictView::Fail) => Entry::text("beyond the limit, as predicted"),
            Some(VerdictView::Inconclusive { .. }) => Entry::text("the interval holds the limit"),
            None => Entry::text("–"),
        };
        vec![
            Entry::badge("warn", &board.title, "PREDICTION".to_owned()),
            Entry::amount(&board.decode),
            Entry::amount(&board.ceiling),
            tpot,
            Entry::amount(&board.bandwidth),
            Entry::amount(&board.price),
        ]
    };
    let mut notes = vec![
        "Predicted, not measured: one user, not sustained, and never ranked. The interval is that of one more device \
         like those below."
            .to_owned(),
    ];
    notes.extend(of.why.iter().map(|why| sentence(why)));
    notes.extend(of.runtime.iter().map(|runtime| format!("Shares of the bandwidth are those of {runtime}.")));
    notes.extend(of.mean_error.map(|error| {
        format!(
            "Each measured device predicted by the others is off by {} in the mean.",
            value(UnitView::Ratio, error)
        )
    }));
    notes.extend(of.unused.iter().map(|text| format!("Not used: {text}.")));
    Sheet {
        id: "predictions",
        title: "Predictions of boards that nobody measured".to_owned(),
        heads: heads(&["Board", "Decode rate", "Memory allows at most", "TPOT", "Bandwidth", "Price"]),
        rows: of.boards.iter().map(row).collect(),
        notes,
    }
}

pub(super) fn left_out(of: &PredictionsView) -> Option<Sheet> {
    let rate = |figure: f64| value(UnitView::TokensPerSecond, figure);
    let row = |of: &LeftOutView| {
        vec![
            Entry::text(of.name.clone()),
            Entry::text(value(UnitView::Ratio, of.mbu)),
            Entry::text(rate(of.measured)),
            of.predicted.map_or_else(|| missing("no other device"), |predicted| Entry::text(rate(predicted))),
            of.error.map_or_else(|| Entry::text("–"), |error| Entry::text(signed(error))),
        ]
    };
    (!of.left_out.is_empty()).then(|| Sheet {
        id: "left-out",
        title: "How well such predictions do".to_owned(),
        heads: heads(&[
            "Measured device",
            "MBU of the data sheet",
            "Measured",
            "Predicted by the others",
            "Error",
        ]),
        rows: of.left_out.iter().map(row).collect(),
        notes: Vec::new(),
    })
}

fn signed(ratio: f64) -> String {
    let sign = if ratio > 0.0 { "+" } else { "" };
    format!("{sign}{}", value(UnitView::Ratio, ratio))
}

/// Every number that figures rest on.
pub(crate) fn assumptions(of: &Recommendation) -> Sheet {
    let row = |of: &AssumptionView| {
        let origin = match of.origin {
            AssumptionOrigin::Given => "given",
            AssumptionOrigin::Plan => "devices.toml",
            AssumptionOrigin::Default => "default",
            AssumptionOrigin::NotGiven => "not given",
        };
        let mut figure = Entry::amount(&of.amount);
        figure.note.clear();
        vec![Entry::text(of.label.clone()), figure, Entry::text(origin), Entry::text(of.note.clone())]
    };
    Sheet {
        id: "assumptions",
        title: "Assumptions".to_owned(),
        heads: heads(&["Number", "Value", "Who says so", "What follows"]),
        rows: of.assumptions.iter().map(row).collect(),
        notes: Vec::new(),
    }
}
