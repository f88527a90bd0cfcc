//! Merging neighbours by priority: the loop that both kinds of BPE share.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A part of the text that is one symbol so far.
#[derive(Clone, Copy)]
pub(super) struct Symbol {
    /// Where it starts.
    pub(super) start: usize,
    /// Where it ends; equal to the start once it is merged into the one before.
    pub(super) end: usize,
    /// Its token, if it is one.
    pub(super) token: Option<u32>,
    prev: usize,
    next: usize,
}

const NONE: usize = usize::MAX;

/// Two neighbours that may become one: lowest rank first, then leftmost.
type Candidate = Reverse<(u32, usize, usize, u32)>;

/// Merges until no pair has a rule. `rule` gives the rank of a pair (lower is earlier) and what it becomes.
pub(super) fn merge(
    spans: impl Iterator<Item = (usize, usize, Option<u32>)>,
    rule: impl Fn(&Symbol, &Symbol) -> Option<(u32, u32)>,
) -> impl Iterator<Item = Symbol> {
    let mut symbols: Vec<Symbol> = Vec::new();
    for (i, (start, end, token)) in spans.enumerate() {
        symbols.push(Symbol { start, end, token, prev: i.wrapping_sub(1), next: i + 1 });
    }
    if let Some(last) = symbols.last_mut() {
        last.next = NONE;
    }
    let mut heap: BinaryHeap<Candidate> = BinaryHeap::new();
    let propose = |symbols: &[Symbol], left: usize, heap: &mut BinaryHeap<Candidate>| {
        let Some(first) = symbols.get(left) else { return };
        let Some(second) = symbols.get(first.next) else { return };
        if let Some((rank, token)) = rule(first, second) {
            heap.push(Reverse((rank, left, second.end, token)));
        }
    };
    for left in 0..symbols.len() {
        propose(&symbols, left, &mut heap);
    }
    while let Some(Reverse((_, left, end, token))) = heap.pop() {
        let right = symbols[left].next;
        // Stale: the left one is gone, or it or its neighbour has grown.
        let fresh = symbols[left].start < symbols[left].end
            && symbols.get(right).is_some_and(|right| right.end == end);
        if !fresh || rule(&symbols[left], &symbols[right]).map(|rule| rule.1) != Some(token) {
            continue;
        }
        let gone = symbols[right];
        symbols[right].end = gone.start;
        symbols[left].end = gone.end;
        symbols[left].token = Some(token);
        symbols[left].next = gone.next;
        if let Some(after) = symbols.get_mut(gone.next) {
            after.prev = left;
        }
        let before = symbols[left].prev;
        propose(&symbols, before, &mut heap);
        propose(&symbols, left, &mut heap);
    }
    symbols.into_iter().filter(|symbol| symbol.start < symbol.end)
}
