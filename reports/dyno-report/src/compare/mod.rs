//! What every form says of a comparison with verdicts, of a calibration and of a history.

mod blocks;
mod calibration;
mod history;
mod lines;
mod points;
mod quality;
mod sentences;

pub(crate) use blocks::block_charts;
pub(crate) use calibration::{
    CalibrationLine, calibration_facts, calibration_lines, calibration_verdict, false_alarm_words,
};
pub(crate) use history::{SeriesWords, history_verdict, series_words};
pub(crate) use lines::{Group, Line, groups};
pub(crate) use points::points;
pub(crate) use quality::{LOST_AND_GAINED, QualityLine, flipped_words, quality_lines};
pub(crate) use sentences::{
    Said, calibration_used, failure_words, how_measured, lettered, pairing_words, said_of, shape_words,
    side_line, tail_words,
};

use dyno_view::compare::{ChangeVerdictView, CompareView};

/// How grave something is, for those who choose a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Plain,
    Warn,
    Bad,
}

impl Tone {
    /// The class of a style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Plain => "note",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A verdict in one word.
pub(crate) fn verdict_word(verdict: Option<ChangeVerdictView>) -> &'static str {
    match verdict {
        Some(ChangeVerdictView::Regression) => "REGRESSION",
        Some(ChangeVerdictView::Improvement) => "IMPROVEMENT",
        Some(ChangeVerdictView::Equivalent) => "EQUIVALENT",
        Some(ChangeVerdictView::Inconclusive) => "INCONCLUSIVE",
        None => "NOT TESTED",
    }
}

/// How grave a verdict is.
pub(crate) fn verdict_tone(verdict: Option<ChangeVerdictView>) -> Tone {
    match verdict {
        Some(ChangeVerdictView::Regression) => Tone::Bad,
        Some(ChangeVerdictView::Improvement | ChangeVerdictView::Equivalent) => Tone::Good,
        Some(ChangeVerdictView::Inconclusive) | None => Tone::Warn,
    }
}

/// The letter of a side: `A` is the baseline.
pub(crate) fn letter(place: usize) -> String {
    match u8::try_from(place) {
        Ok(place) if place < 26 => char::from(b'A' + place).to_string(),
        _ => format!("side {}", place + 1),
    }
}

/// What is held against what: `new against old`.
pub(crate) fn title(view: &CompareView) -> String {
    let names: Vec<&str> = view.sides.iter().map(|side| side.name.as_str()).collect();
    match names.split_first() {
        Some((baseline, [])) => (*baseline).to_owned(),
        Some((baseline, others)) => format!("{} against {baseline}", others.join(", ")),
        None => "nothing to compare".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_have_letters_as_long_as_there_are_any() {
        assert_eq!([letter(0), letter(1), letter(25), letter(26)], ["A", "B", "Z", "side 27"]);
    }
}
