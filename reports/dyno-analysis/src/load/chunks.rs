//! How tokens came in chunks (MEASUREMENT §1.4).

use std::collections::BTreeMap;

use dyno_view::load::{ChunkCountView, ChunksView};

use crate::cell::CellRecord;

/// MEASUREMENT §1.4: chunk gaps are those of tokens only if so many of the chunks hold exactly one.
const SINGLE_SHARE: f64 = 0.99;

/// The token chunks of a cell's requests that went well; `None` without one.
pub(crate) fn chunks(cell: &CellRecord<'_>) -> Option<ChunksView> {
    let record = cell.record;
    let rows = cell.ok_rows();
    let mut by_tokens: BTreeMap<Option<u32>, u64> = BTreeMap::new();
    let (mut n_chunks, mut n_single) = (0, 0);
    for row in &rows {
        let tokens: Vec<Option<u16>> = record.tokens(*row).counts().collect();
        n_chunks += tokens.len() as u64;
        for n in &tokens {
            *by_tokens.entry(n.map(u32::from)).or_default() += 1;
        }
        let is_counted = record.requests.usage_source[*row] != "chunks";
        let osl = record.requests.completion_tokens[*row].filter(|_| is_counted);
        let has_stopped = record.requests.finish[*row].as_deref() == Some("stop");
        n_single += single(&tokens, osl.map(|osl| osl.saturating_sub(u32::from(has_stopped))));
    }
    if n_chunks == 0 {
        return None;
    }
    let coalesced: Vec<u64> = rows.iter().filter_map(|row| record.requests.n_coalesced[*row]).collect();
    Some(ChunksView {
        n_chunks,
        itl_tail_unavailable: unavailable(n_chunks, n_single),
        by_tokens: by_tokens.into_iter().map(|(tokens, n)| ChunkCountView { tokens, n }).collect(),
        n_single,
        n_coalesced: (!coalesced.is_empty()).then(|| coalesced.iter().sum()),
    })
}

/// Chunks of one answer that surely hold exactly one token.
///
/// Where the runtime says no numbers, `n_tokens` of all chunks together leave at least so many: each chunk holds one
/// or more, so each token beyond the number of chunks takes at most one chunk away. `n_tokens` is without the
/// end-of-sequence token, which has no text.
fn single(chunks: &[Option<u16>], n_tokens: Option<u32>) -> u64 {
    let n_said = chunks.iter().flatten().count();
    if n_said > 0 {
        return chunks.iter().filter(|n| **n == Some(1)).count() as u64;
    }
    let n_chunks = chunks.len() as u64;
    n_tokens.map_or(0, |n| n_chunks.saturating_sub(u64::from(n).saturating_sub(n_chunks)))
}

fn unavailable(n_chunks: u64, n_single: u64) -> Option<String> {
    let share = n_single as f64 / n_chunks as f64;
    (share < SINGLE_SHARE).then(|| {
        format!(
            "{:.1} % of the chunks surely hold exactly one token, and it takes 99 %: chunk gaps are not gaps between tokens",
            (share * 1000.0).floor() / 10.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_one_token_are_counted_or_bounded() {
        let check =
            |chunks: &[Option<u16>], n_tokens, expected| assert_eq!(single(chunks, n_tokens), expected);
        // The runtime's word goes first, whatever the sum is.
        check(&[Some(1), Some(1), Some(3)], Some(3), 2);
        // Four chunks, four tokens: one each. Five tokens: one chunk has two. Seven: at worst three have two.
        check(&[None; 4], Some(4), 4);
        check(&[None; 4], Some(5), 3);
        check(&[None; 4], Some(7), 1);
        check(&[None; 4], Some(90), 0);
        check(&[None; 4], None, 0);
    }

    #[test]
    fn a_tail_needs_nearly_all_chunks_to_hold_one_token() {
        assert_eq!(unavailable(1000, 990), None);
        let words = "98.9 % of the chunks surely hold exactly one token, and it takes 99 %: chunk gaps are not gaps \
                     between tokens";
        assert_eq!(unavailable(1000, 989).as_deref(), Some(words));
    }
}
