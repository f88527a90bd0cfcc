//! When the token chunks of all requests arrived, kept small: a record may have a hundred million of them.
//!
//! Within an answer only the gaps are kept, four bytes each; the few that are too long for that stand apart. What is
//! the same for all chunks of an answer, as their number of tokens mostly is, is kept once.

use std::collections::BTreeMap;

use dyno_model::request::ChunkKind;
use dyno_store::{ChunkColumns, RequestColumns, Tables};

use crate::error::AnalysisError;

/// Chunks that are read at once: some 50 MB.
const CHUNKS_AT_ONCE: usize = 2_000_000;
/// Stands for a gap that is too long for 32 bits (4.3 s).
const LONG: u32 = u32::MAX;
/// Stands for a number of tokens that the runtime does not say, or that no chunk holds: 65,535 and more.
const UNSAID: u16 = u16::MAX;

/// The token chunks of all requests.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    answers: Vec<AnswerChunks>,
    /// Gaps of all answers: each has one less than it has token chunks.
    gaps: Vec<u32>,
    /// Gaps that are too long, by their place.
    long: BTreeMap<usize, u64>,
    /// Numbers of tokens, of answers whose chunks differ.
    counts: Vec<u16>,
}

/// Where the chunks of one answer are.
#[derive(Debug, Clone, Copy)]
struct AnswerChunks {
    n: u32,
    first_ns: u64,
    last_ns: u64,
    gaps_from: usize,
    counts: Counts,
    output: Output,
}

#[derive(Debug, Clone, Copy)]
enum Counts {
    /// All chunks have so many.
    Same(u16),
    /// They stand from here on.
    From(usize),
}

/// Where an answer's reasoning ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Output {
    /// Whether there is any.
    pub(crate) has_reasoning: bool,
    /// The first token chunk that is none, in ns after the request was sent.
    pub(crate) first_ns: Option<u64>,
}

/// Arrivals of one answer's token chunks, in ns after the request was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrivals<'t> {
    of: &'t Tokens,
    answer: AnswerChunks,
}

impl Tokens {
    /// Reads them part by part.
    pub(crate) fn read(tables: &Tables, requests: &RequestColumns) -> Result<Self, AnalysisError> {
        let n_expected = requests.n_chunks.iter().map(|n| u64::from(*n)).sum();
        if tables.n_chunks() != n_expected {
            return Err(AnalysisError::ChunksMissing { n_expected, n_found: tables.n_chunks() });
        }
        let mut tokens = Self { answers: Vec::with_capacity(requests.len()), ..Self::default() };
        tokens.gaps.reserve_exact((n_expected as usize).saturating_sub(requests.len()));
        let (mut row, mut first) = (0, 0);
        while row < requests.len() {
            let (n_rows, n_chunks) = part(&requests.n_chunks[row..]);
            let chunks = tables.chunks(first, n_chunks)?;
            if chunks.at_ns.len() != n_chunks {
                let n_found = (first + chunks.at_ns.len()) as u64;
                return Err(AnalysisError::ChunksMissing { n_expected, n_found });
            }
            let mut next = 0;
            for n in &requests.n_chunks[row..row + n_rows] {
                tokens.push(&chunks, next..next + *n as usize);
                next += *n as usize;
            }
            (row, first) = (row + n_rows, first + n_chunks);
        }
        Ok(tokens)
    }

    /// Takes in the chunks of the next request.
    fn push(&mut self, chunks: &ChunkColumns, range: std::ops::Range<usize>) {
        let mut answer = AnswerChunks {
            n: 0,
            first_ns: 0,
            last_ns: 0,
            gaps_from: self.gaps.len(),
            counts: Counts::Same(UNSAID),
            output: Output::default(),
        };
        let counts_from = self.counts.len();
        let mut is_same = true;
        for chunk in range.filter(|chunk| chunks.is_token(*chunk)) {
            // Time does not run backwards, whatever a record says.
            let at_ns = chunks.at_ns[chunk].max(answer.last_ns);
            if answer.n == 0 {
                answer.first_ns = at_ns;
            } else {
                self.push_gap(at_ns - answer.last_ns);
            }
            (answer.n, answer.last_ns) = (answer.n + 1, at_ns);
            let count = chunks.n_tokens[chunk].and_then(|n| u16::try_from(n).ok()).unwrap_or(UNSAID);
            is_same &= self.counts.get(counts_from).is_none_or(|first| *first == count);
            self.counts.push(count);
            match chunks.kind[chunk] {
                ChunkKind::Reasoning => answer.output.has_reasoning = true,
                ChunkKind::Content | ChunkKind::Tool | ChunkKind::Role => {
                    answer.output.first_ns = answer.output.first_ns.or(Some(at_ns));
                }
            }
        }
        answer.counts = if is_same {
            let same = Counts::Same(self.counts.get(counts_from).copied().unwrap_or(UNSAID));
            self.counts.truncate(counts_from);
            same
        } else {
            Counts::From(counts_from)
        };
        self.answers.push(answer);
    }

    fn push_gap(&mut self, gap_ns: u64) {
        match u32::try_from(gap_ns) {
            Ok(gap) if gap != LONG => self.gaps.push(gap),
            Ok(_) | Err(_) => {
                self.long.insert(self.gaps.len(), gap_ns);
                self.gaps.push(LONG);
            }
        }
    }

    /// Arrivals of request `row`.
    pub(crate) fn of(&self, row: usize) -> Arrivals<'_> {
        Arrivals { of: self, answer: self.answers[row] }
    }
}

/// How many requests of a list are read at once, and how many chunks they have: at least one request.
fn part(n_chunks: &[u32]) -> (usize, usize) {
    let (mut n_rows, mut sum) = (0, 0);
    for n in n_chunks {
        if n_rows > 0 && sum + *n as usize > CHUNKS_AT_ONCE {
            break;
        }
        (n_rows, sum) = (n_rows + 1, sum + *n as usize);
    }
    (n_rows, sum)
}

impl<'t> Arrivals<'t> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.answer.n as usize
    }

    /// The first.
    pub(crate) fn first(&self) -> Option<u64> {
        (self.answer.n > 0).then_some(self.answer.first_ns)
    }

    /// The second.
    pub(crate) fn second(&self) -> Option<u64> {
        Some(self.first()? + self.gaps().next()?)
    }

    /// The last.
    pub(crate) fn last(&self) -> Option<u64> {
        (self.answer.n > 0).then_some(self.answer.last_ns)
    }

    /// From each to the next.
    pub(crate) fn gaps(&self) -> impl ExactSizeIterator<Item = u64> + use<'t> {
        let (from, of) = (self.answer.gaps_from, self.of);
        let gaps = &of.gaps[from..from + self.len().saturating_sub(1)];
        gaps.iter().enumerate().map(move |(place, gap)| match *gap {
            LONG => of.long.get(&(from + place)).copied().unwrap_or(u64::from(LONG)),
            gap => u64::from(gap),
        })
    }

    /// All of them.
    pub(crate) fn at_ns(&self) -> impl Iterator<Item = u64> + use<'t> {
        let mut at_ns = self.answer.first_ns;
        let later = self.gaps().map(move |gap| {
            at_ns += gap;
            at_ns
        });
        self.first().into_iter().chain(later)
    }

    /// Tokens of each; `None` where the runtime does not say.
    pub(crate) fn counts(&self) -> impl ExactSizeIterator<Item = Option<u16>> + use<'t> {
        let (counts, of) = (self.answer.counts, self.of);
        (0..self.len()).map(move |place| {
            let count = match counts {
                Counts::Same(count) => count,
                Counts::From(from) => of.counts[from + place],
            };
            (count != UNSAID).then_some(count)
        })
    }

    /// Where its reasoning ends.
    pub(crate) fn output(&self) -> Output {
        self.answer.output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(rows: &[(u64, ChunkKind, u32, Option<u32>)]) -> ChunkColumns {
        ChunkColumns {
            at_ns: rows.iter().map(|row| row.0).collect(),
            kind: rows.iter().map(|row| row.1).collect(),
            n_bytes: rows.iter().map(|row| row.2).collect(),
            n_tokens: rows.iter().map(|row| row.3).collect(),
        }
    }

    #[test]
    fn arrivals_come_back_as_they_were() {
        use ChunkKind::{Content, Reasoning, Role};
        let all = chunks(&[
            (5, Role, 0, None),
            (10, Reasoning, 4, Some(1)),
            (30, Content, 4, Some(2)),
            // Ten seconds, which do not fit in 32 bits, and then none at all.
            (10_000_000_030, Content, 4, Some(1)),
            (10_000_000_030, Content, 4, None),
            (7, Content, 3, Some(1)),
            (9, Content, 3, Some(1)),
        ]);
        let mut tokens = Tokens::default();
        for range in [0..5, 5..5, 5..7] {
            tokens.push(&all, range);
        }
        let first = tokens.of(0);
        assert_eq!(first.at_ns().collect::<Vec<_>>(), [10, 30, 10_000_000_030, 10_000_000_030]);
        assert_eq!(first.gaps().collect::<Vec<_>>(), [20, 10_000_000_000, 0]);
        assert_eq!(first.counts().collect::<Vec<_>>(), [Some(1), Some(2), Some(1), None]);
        assert_eq!((first.first(), first.second(), first.last()), (Some(10), Some(30), Some(10_000_000_030)));
        assert_eq!(first.output(), Output { has_reasoning: true, first_ns: Some(30) });
        let none = tokens.of(1);
        assert_eq!((none.len(), none.first(), none.second(), none.at_ns().count()), (0, None, None, 0));
        let last = tokens.of(2);
        assert_eq!(last.counts().collect::<Vec<_>>(), [Some(1), Some(1)]);
        assert_eq!(last.at_ns().collect::<Vec<_>>(), [7, 9]);
        // Only the answer whose chunks differ keeps a number for each.
        assert_eq!(tokens.counts.len(), 4);
    }

    #[test]
    fn a_record_that_goes_backwards_or_counts_too_far_is_borne() {
        use ChunkKind::Content;
        let all = chunks(&[
            (u64::MAX, Content, 4, Some(65_534)),
            (3, Content, 4, Some(65_535)),
            (u64::MAX, Content, 4, Some(u32::MAX)),
        ]);
        let mut tokens = Tokens::default();
        tokens.push(&all, 0..3);
        let answer = tokens.of(0);
        assert_eq!(answer.at_ns().collect::<Vec<_>>(), [u64::MAX; 3]);
        assert_eq!(answer.last(), Some(u64::MAX));
        assert_eq!(answer.counts().collect::<Vec<_>>(), [Some(65_534), None, None]);
    }

    #[test]
    fn parts_are_whole_requests() {
        let most = CHUNKS_AT_ONCE as u32;
        assert_eq!(part(&[3, 4, 5]), (3, 12));
        assert_eq!(part(&[most - 1, 1, 1]), (2, CHUNKS_AT_ONCE));
        assert_eq!(part(&[most + 9, 1]), (1, CHUNKS_AT_ONCE + 9));
        assert_eq!(part(&[]), (0, 0));
    }
}
