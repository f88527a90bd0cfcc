//! Texts that say nearly the same.
//!
//! Two texts are near-duplicates where the sets of their 5-grams of characters overlap by a Jaccard index of at least a
//! limit (Broder, "On the resemblance and containment of documents", 1997).
//! What texts paste from one document is set aside first: several questions about one text are not the same question.
//!
//! Only pairs that can reach the limit are compared, found through an index of each text's rarest grams
//! (Bayardo, Ma, Srikant, "Scaling up all pairs similarity search", 2007; with more than one common gram as in Wang,
//! Li, Feng, "Can we beat the prefix filtering?", 2012).
//! The result is exact, and the same in every run.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use unicode_normalization::UnicodeNormalization as _;

/// From this Jaccard index on, prompts are near-duplicates (house rule; the shipped corpora stay below).
pub const NEAR_DUPLICATE: f64 = 0.35;

/// Characters of a gram.
const GRAM: usize = 5;
/// Characters that a line needs to count as pasted where several texts have it (house rule).
const PASTED_LINE: usize = 20;
/// Characters of pasted lines that a text needs, so that they are set aside (house rule): a document, not a phrase.
const PASTED_TOTAL: usize = 80;
/// Texts that need to have a line, so that it is set aside whatever its length (house rule): a system's message.
const BOILERPLATE_USES: u32 = 3;
/// Characters that must be left beside the pasted ones, so that they are set aside (house rule): a question of its own.
const OWN_TEXT: usize = 12;
/// How much of the overlap that the limit demands two texts must show within their rarest grams.
const SHARE_OF_OVERLAP: f64 = 0.25;

/// A text that is like an earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alike {
    /// Index of the earlier text; it is like no text before it.
    pub first: usize,
    /// Index of the later text.
    pub second: usize,
    /// Jaccard index of their 5-grams, from the limit to 1.
    pub similarity: f64,
}

/// The texts that are like an earlier one by at least `limit`, each with the most similar one that came before it.
///
/// A text that is like an earlier one is not compared with later ones: leaving out all `second` leaves texts that are
/// pairwise unlike.
/// `limit` is from above 0 to 1.
/// 100,000 prompts take seconds.
pub fn near_duplicates<T: AsRef<str>>(texts: &[T], limit: f64) -> Vec<Alike> {
    let limit = limit.clamp(0.01, 1.0);
    let sets = Sets::of(&own_texts(texts));
    let mut index = Index::new(&sets, limit);
    let mut found = Vec::new();
    for text in 0..texts.len() {
        match index.most_alike(text) {
            Some((first, similarity)) => found.push(Alike { first, second: text, similarity }),
            None => index.add(text),
        }
    }
    found
}

/// Each text in one writing, without what it has pasted.
fn own_texts<T: AsRef<str>>(texts: &[T]) -> Vec<String> {
    let lines = |text: &T| -> Vec<String> {
        text.as_ref().lines().map(plain).filter(|line| !line.is_empty()).collect()
    };
    let hasher = RandomState::new();
    // How many texts have a line, and the last of them that was counted.
    let mut uses: HashMap<u64, (u32, usize)> = HashMap::new();
    for (text, lines) in texts.iter().map(lines).enumerate() {
        for line in &lines {
            let uses = uses.entry(hasher.hash_one(line)).or_insert((0, usize::MAX));
            if uses.1 != text {
                *uses = (uses.0 + 1, text);
            }
        }
    }
    let uses = |line: &str| uses.get(&hasher.hash_one(line)).map_or(0, |uses| uses.0);
    texts.iter().map(|text| own(&lines(text), &uses).unwrap_or_else(|| plain(text.as_ref()))).collect()
}

/// What is left of a text without what it has pasted; `None` where it pastes nothing, or nothing else is left.
fn own(lines: &[String], uses: &dyn Fn(&str) -> u32) -> Option<String> {
    let pasted = |line: &&String| is_long(line) && uses(line) > 1;
    let has_document =
        lines.iter().filter(pasted).map(|line| line.chars().count()).sum::<usize>() >= PASTED_TOTAL;
    let is_own = |line: &&String| {
        // Short lines count where a document is pasted: it has some.
        if has_document { uses(line) < 2 } else { !is_long(line) || uses(line) < BOILERPLATE_USES }
    };
    let own: Vec<&str> = lines.iter().filter(is_own).map(String::as_str).collect();
    let is_enough = own.iter().map(|line| line.chars().count()).sum::<usize>() >= OWN_TEXT;
    (own.len() < lines.len() && is_enough).then(|| own.join(" "))
}

fn is_long(line: &str) -> bool {
    line.chars().nth(PASTED_LINE - 1).is_some()
}

/// Letter case, composition and white space aside.
fn plain(text: &str) -> String {
    let lower = text.nfc().collect::<String>().to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The grams of all texts as numbers, rare ones first.
struct Sets {
    /// For each text, the ranks of its grams that other texts have, too, rising: a low rank is a rare gram.
    shared: Vec<Vec<u32>>,
    /// For each text, how many grams it has.
    sizes: Vec<usize>,
    /// Ranks that there are.
    n_ranks: usize,
}

impl Sets {
    fn of(texts: &[String]) -> Self {
        let grams: Vec<Vec<u64>> = texts.iter().map(|text| grams(text)).collect();
        let mut all: Vec<u64> = grams.iter().flatten().copied().collect();
        all.sort_unstable();
        // Grams of one text alone tell nothing but its size.
        let mut counted: Vec<(usize, u64)> = all
            .chunk_by(|a, b| a == b)
            .filter(|same| same.len() > 1)
            .map(|same| (same.len(), same[0]))
            .collect();
        drop(all);
        counted.sort_unstable();
        let ranks: HashMap<u64, u32> =
            counted.iter().enumerate().map(|(rank, (_, gram))| (*gram, rank as u32)).collect();
        let sizes = grams.iter().map(Vec::len).collect();
        let shared = grams.into_iter().map(|grams| {
            let mut shared: Vec<u32> = grams.iter().filter_map(|gram| ranks.get(gram).copied()).collect();
            shared.sort_unstable();
            shared
        });
        Self { shared: shared.collect(), sizes, n_ranks: counted.len() }
    }
}

/// The distinct grams of a text, each folded into 64 bits.
fn grams(text: &str) -> Vec<u64> {
    let chars: Vec<u64> = text.chars().map(u64::from).collect();
    let pack = |gram: &[u64]| gram.iter().fold(0_u64, |packed, c| packed.wrapping_mul(0x0100_0000_01b3) ^ c);
    let mut packed: Vec<u64> =
        if chars.len() < GRAM { vec![pack(&chars)] } else { chars.windows(GRAM).map(pack).collect() };
    packed.sort_unstable();
    packed.dedup();
    packed
}

/// The texts that were found unlike each other, by their rarest grams.
struct Index<'s> {
    sets: &'s Sets,
    limit: f64,
    /// For each rank, the texts that have it among their rarest grams.
    texts: Vec<Vec<u32>>,
    /// For each text, how many rare grams it has in common with the one that is looked at.
    common: Vec<u32>,
}

impl<'s> Index<'s> {
    fn new(sets: &'s Sets, limit: f64) -> Self {
        let (texts, common) = (vec![Vec::new(); sets.n_ranks], vec![0; sets.sizes.len()]);
        Self { sets, limit, texts, common }
    }

    /// The fewest grams that a text has in common with any text that reaches the limit.
    fn least_overlap(&self, text: usize) -> usize {
        (self.limit * self.sets.sizes[text] as f64).ceil() as usize
    }

    /// How many of these must be among the rarest grams.
    fn wanted(&self, text: usize) -> usize {
        ((self.least_overlap(text) as f64 * SHARE_OF_OVERLAP) as usize).max(1)
    }

    /// The rarest grams of `text`: so many that a pair which reaches the limit has the wanted number within them.
    fn rarest(&self, text: usize) -> &'s [u32] {
        let shared = &self.sets.shared[text];
        // What is left out are the commonest grams, fewer than the overlap by the wanted number.
        let left_out = self.least_overlap(text) - self.wanted(text);
        &shared[..shared.len() - left_out.min(shared.len())]
    }

    fn add(&mut self, text: usize) {
        for rank in self.rarest(text) {
            self.texts[*rank as usize].push(text as u32);
        }
    }

    /// The most similar text of the index, where one reaches the limit; the first of several.
    fn most_alike(&mut self, text: usize) -> Option<(usize, f64)> {
        let mut candidates = Vec::new();
        for rank in self.rarest(text) {
            for other in &self.texts[*rank as usize] {
                let common = &mut self.common[*other as usize];
                *common += 1;
                if *common == 1 {
                    candidates.push(*other as usize);
                }
            }
        }
        candidates.sort_unstable();
        let wanted = self.wanted(text);
        let mut best: Option<(usize, f64)> = None;
        for other in candidates {
            let common = std::mem::take(&mut self.common[other]) as usize;
            if common < wanted.min(self.wanted(other)) {
                continue;
            }
            let similarity = self.jaccard(text, other);
            if similarity >= self.limit && best.is_none_or(|best| similarity > best.1) {
                best = Some((other, similarity));
            }
        }
        best
    }

    fn jaccard(&self, a: usize, b: usize) -> f64 {
        let common = overlap(&self.sets.shared[a], &self.sets.shared[b]);
        common as f64 / (self.sets.sizes[a] + self.sets.sizes[b] - common) as f64
    }
}

/// Numbers that two rising lists share.
fn overlap(mut a: &[u32], mut b: &[u32]) -> usize {
    let mut shared = 0;
    while let ([first, rest_of_a @ ..], [second, rest_of_b @ ..]) = (a, b) {
        match first.cmp(second) {
            std::cmp::Ordering::Less => a = rest_of_a,
            std::cmp::Ordering::Greater => b = rest_of_b,
            std::cmp::Ordering::Equal => {
                (a, b) = (rest_of_a, rest_of_b);
                shared += 1;
            }
        }
    }
    shared
}
