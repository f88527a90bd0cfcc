//! The random numbers of a plan: one stored seed, one independent stream for each purpose.
//!
//! A stream is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014),
//! started from SHA-256 of the seed, the purpose and the place; it is the same on every machine.

use dyno_model::digest::Digest;

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Stream(u64);

impl Stream {
    /// The stream of `purpose` at `place` (a repetition, a prompt), under the plan's seed.
    pub(crate) fn new(seed: u64, purpose: &str, place: &str) -> Self {
        let digest = Digest::of(format!("{seed}/{purpose}/{place}").as_bytes());
        let start = u64::from_str_radix(&digest.as_str()[..16], 16).expect("a digest is hexadecimal");
        Self(start)
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, all equally likely (rejection of the uneven rest). `n` must not be 0.
    fn below(&mut self, n: u64) -> u64 {
        let uneven = u64::MAX % n;
        loop {
            let draw = self.next_u64();
            if draw < u64::MAX - uneven {
                return draw % n;
            }
        }
    }

    /// Permutes `items` (Fisher–Yates: all orders equally likely).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_the_published_numbers() {
        // The sequence for seed 1234567 that is used to check SplitMix64 implementations (Rosetta Code).
        let mut stream = Stream(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| stream.next_u64()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn all_orders_of_three_come_about_equally_often() {
        let mut counts = std::collections::BTreeMap::new();
        let mut stream = Stream::new(1, "test", "");
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            stream.shuffle(&mut items);
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1000 expected each; standard deviation 29, so 150 is five of them.
        assert!(counts.values().all(|n| n.abs_diff(1000) < 150), "{counts:?}");
    }

    #[test]
    fn purposes_and_places_have_streams_of_their_own() {
        let first = |purpose, place| Stream::new(7, purpose, place).next_u64();
        assert_ne!(first("order", "1"), first("order", "2"));
        assert_ne!(first("order", "1"), first("prompts", "1"));
        assert_eq!(first("order", "1"), first("order", "1"));
    }
}
