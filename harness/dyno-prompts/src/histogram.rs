//! Histograms of lengths.

use serde::Serialize;

/// How many lengths lie in each bin: bin i holds the lengths from `edges[i]` up to, not including, `edges[i + 1]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// Limits of the bins, rising; one more than counts.
    pub edges: Vec<u64>,
    /// Lengths in each bin.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// The histogram of `lengths` with bins that double: 0 to 16, to 32 and so on, as far as there are lengths.
    pub fn of(lengths: &[u64]) -> Self {
        let most = lengths.iter().copied().max().unwrap_or_default();
        let mut edges = vec![0, 16];
        while *edges.last().expect("there are two") <= most {
            edges.push(edges.last().expect("there are two").saturating_mul(2));
        }
        let mut counts = vec![0; edges.len() - 1];
        for length in lengths {
            counts[edges.partition_point(|edge| edge <= length) - 1] += 1;
        }
        Self { edges, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_double_and_hold_all() {
        let of = |lengths: &[u64]| {
            let histogram = Histogram::of(lengths);
            (histogram.edges, histogram.counts)
        };
        assert_eq!(of(&[]), (vec![0, 16], vec![0]));
        assert_eq!(of(&[0, 15, 16, 31]), (vec![0, 16, 32], vec![2, 2]));
        assert_eq!(of(&[32]), (vec![0, 16, 32, 64], vec![0, 0, 1]));
    }
}
