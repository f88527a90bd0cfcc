//! What a page shows of each prompt.

use dyno_model::ids::PromptId;
use dyno_view::canary::{CanaryChoice, CanaryFork, CanaryKind, CanaryRow};

use super::baseline::BaselineAnswer;
use super::difference::{Difference, Fork};
use super::tie::{Gap, Kind};

/// Characters of the texts that a row shows, before they part and after (house rule).
const MAX_BEFORE: usize = 60;
const MAX_AFTER: usize = 160;
/// Characters of a token.
const MAX_TOKEN: usize = 60;

/// A prompt that both sides answered.
pub(super) fn compared(
    id: &PromptId,
    both: [&BaselineAnswer; 2],
    found: &Difference,
    passed: [Option<bool>; 2],
) -> CanaryRow {
    let kind = match found.kind() {
        None => CanaryKind::Same,
        Some(Kind::Tie) => CanaryKind::Tie,
        Some(Kind::Disagreement) => CanaryKind::Disagreement,
        Some(Kind::Unexplained) => CanaryKind::Unexplained,
    };
    let n = found.kl.len();
    CanaryRow {
        prompt: id.0.clone(),
        category: both[0].category.clone(),
        kind,
        outcome: None,
        prefix_tokens: found.prefix_tokens.map(|n| n as u64),
        prefix_chars: found.prefix_chars as u64,
        n_tokens: both.map(|of| of.n_tokens),
        edit_ratio: Some(found.edit.ratio),
        edit_is_cut: found.edit.is_cut,
        mean_kl: (n > 0).then(|| found.kl.iter().sum::<f64>() / n as f64),
        passed,
        fork: found.fork.as_ref().map(|fork| fork_view(fork, both.map(|of| of.text.as_str()))),
    }
}

/// A prompt that only the baseline answered.
pub(super) fn unanswered(
    id: &PromptId,
    answer: &BaselineAnswer,
    outcome: Option<&str>,
    passed: Option<bool>,
) -> CanaryRow {
    CanaryRow {
        prompt: id.0.clone(),
        category: answer.category.clone(),
        kind: if outcome.is_some() { CanaryKind::Failed } else { CanaryKind::Missing },
        outcome: outcome.map(str::to_owned),
        prefix_tokens: None,
        prefix_chars: 0,
        n_tokens: [answer.n_tokens, None],
        edit_ratio: None,
        edit_is_cut: false,
        mean_kl: None,
        passed: [passed, None],
        fork: None,
    }
}

fn fork_view(fork: &Fork, texts: [&str; 2]) -> CanaryFork {
    let common = &texts[0][..fork.byte_at];
    let n_before = common.chars().count();
    let before: String = common.chars().skip(n_before.saturating_sub(MAX_BEFORE)).collect();
    let cut = if n_before > MAX_BEFORE { "…" } else { "" };
    let side = |i: usize| {
        let (choice, gap) = (&fork.forks.choices[i], fork.forks.gaps[i]);
        CanaryChoice {
            token: choice.piece.as_deref().map(|piece| shortened(piece, MAX_TOKEN)),
            p: choice.p,
            is_end: choice.is_end || texts[i].len() == fork.byte_at,
            gap_nats: match gap {
                Gap::Known(nats) | Gap::AtLeast(nats) => Some(nats),
                Gap::Unknown => None,
            },
            gap_is_least: matches!(gap, Gap::AtLeast(_)),
            text: shortened(&texts[i][fork.byte_at..], MAX_AFTER),
        }
    };
    CanaryFork {
        token_at: fork.token_at.map(|at| at as u64),
        before: format!("{cut}{before}"),
        sides: [side(0), side(1)],
    }
}

fn shortened(text: &str, n: usize) -> String {
    match text.char_indices().nth(n) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shortened_at_characters() {
        assert_eq!(shortened("日本語", 2), "日本…");
        assert_eq!(shortened("日本語", 3), "日本語");
        assert_eq!(shortened("", 3), "");
    }
}
