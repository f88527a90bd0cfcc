//! How far two texts are apart: Levenshtein's distance, at a bounded cost.

use std::collections::HashMap;

/// Characters of each text that are compared at most, once what both begin and end with is set aside (house rule). Two
/// such texts take a few milliseconds.
pub(super) const MAX_CHARS: usize = 8192;

/// Bits of a block of the column.
const BITS: usize = u64::BITS as usize;

/// A distance, and over how many characters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edit {
    /// Insertions, deletions and replacements of characters that make one text of the other.
    pub(super) distance: usize,
    /// `distance` by the characters of the longer text, 0 to 1; 0 for two empty texts.
    pub(super) ratio: f64,
    /// Only the first [`MAX_CHARS`] characters where they begin to differ were compared.
    pub(super) is_cut: bool,
}

/// The distance of two texts in Unicode scalar values.
pub(super) fn edit(a: &str, b: &str) -> Edit {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let before = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (&a[before..], &b[before..]);
    let after = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (&rest_a[..rest_a.len() - after], &rest_b[..rest_b.len() - after]);
    let is_cut = rest_a.len().max(rest_b.len()) > MAX_CHARS;
    let cut = |rest: &[char]| rest.len().min(MAX_CHARS);
    let (cut_a, cut_b) = (&rest_a[..cut(rest_a)], &rest_b[..cut(rest_b)]);
    let distance = levenshtein(cut_a, cut_b);
    // What was not looked at is in neither number.
    let longest = if is_cut { before + cut_a.len().max(cut_b.len()) } else { a.len().max(b.len()) };
    let ratio = if longest == 0 { 0.0 } else { distance as f64 / longest as f64 };
    Edit { distance, ratio, is_cut }
}

/// One block of 64 rows of a column, as differences of neighbours.
#[derive(Clone, Copy)]
struct Block {
    /// Rows whose value is one above that of the row before.
    up: u64,
    /// Rows whose value is one below it.
    down: u64,
}

/// Levenshtein's distance, 64 cells of a column at a time: Myers, "A fast bit-vector algorithm for approximate string
/// matching" (J. ACM 46, 1999), as Hyyrö has it for whole strings in blocks (2003).
fn levenshtein(a: &[char], b: &[char]) -> usize {
    if a.is_empty() || b.is_empty() {
        return a.len().max(b.len());
    }
    let n_blocks = a.len().div_ceil(BITS);
    let mut places: HashMap<char, Vec<u64>> = HashMap::new();
    for (i, c) in a.iter().enumerate() {
        places.entry(*c).or_insert_with(|| vec![0; n_blocks])[i / BITS] |= 1 << (i % BITS);
    }
    let nowhere = vec![0; n_blocks];
    let mut column = vec![Block { up: u64::MAX, down: 0 }; n_blocks];
    let last_bit = 1_u64 << ((a.len() - 1) % BITS);
    let mut distance = a.len();
    for c in b {
        let equal = places.get(c).unwrap_or(&nowhere);
        // The first row grows by one with each character of `b`.
        let mut carry = Carry::Up;
        for (i, block) in column.iter_mut().enumerate() {
            let bit = if i + 1 == n_blocks { last_bit } else { 1 << (BITS - 1) };
            carry = advance(block, equal[i], carry, bit);
        }
        match carry {
            Carry::Up => distance += 1,
            Carry::Down => distance -= 1,
            Carry::None => {}
        }
    }
    distance
}

/// By how much the row above a block, or its last one, differs from the column before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carry {
    Up,
    None,
    Down,
}

/// Takes a block on by one column; gives what its row `bit` does.
fn advance(block: &mut Block, equal: u64, carry: Carry, bit: u64) -> Carry {
    let vertical = equal | block.down;
    let equal = equal | u64::from(carry == Carry::Down);
    let horizontal = ((equal & block.up).wrapping_add(block.up) ^ block.up) | equal;
    let mut up = block.down | !(horizontal | block.up);
    let mut down = block.up & horizontal;
    let out = match (up & bit != 0, down & bit != 0) {
        (true, _) => Carry::Up,
        (false, true) => Carry::Down,
        (false, false) => Carry::None,
    };
    up = (up << 1) | u64::from(carry == Carry::Up);
    down = (down << 1) | u64::from(carry == Carry::Down);
    block.up = down | !(vertical | up);
    block.down = up & vertical;
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain table, as Wagner and Fischer have it (1974): a second method.
    fn by_table(a: &[char], b: &[char]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut corner = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let replaced = corner + usize::from(x != y);
                corner = row[j + 1];
                row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
            }
        }
        row[b.len()]
    }

    #[test]
    fn published_distances() {
        let check = |a: &str, b: &str, expected: usize| {
            assert_eq!(edit(a, b).distance, expected, "{a} {b}");
            assert_eq!(edit(b, a).distance, expected, "{b} {a}");
        };
        // Levenshtein's and Wagner and Fischer's textbook pairs.
        check("kitten", "sitting", 3);
        check("saturday", "sunday", 3);
        check("intention", "execution", 5);
        check("flaw", "lawn", 2);
        check("", "", 0);
        check("", "abc", 3);
        check("same", "same", 0);
        check("Grüße", "Grüsse", 2);
        check("日本語", "日本", 1);
    }

    #[test]
    fn a_ratio_is_of_the_longer_text() {
        assert!((edit("kitten", "sitting").ratio - 3.0 / 7.0).abs() < 1e-15);
        assert!(edit("", "").ratio.abs() < 1e-15);
        assert!((edit("", "abc").ratio - 1.0).abs() < 1e-15);
    }

    #[test]
    fn blocks_agree_with_the_plain_table() {
        // Lengths around the borders of blocks, over few letters so that much is equal; drawn by a fixed generator.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut draw = |n: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % n
        };
        for length in [1, 2, 63, 64, 65, 127, 128, 129, 200] {
            for _ in 0..20 {
                let n = length + draw(5) as usize;
                let text = |n: usize, draw: &mut dyn FnMut(u64) -> u64| -> Vec<char> {
                    (0..n).map(|_| char::from(b'a' + draw(4) as u8)).collect()
                };
                let a = text(length, &mut draw);
                let b = text(n, &mut draw);
                assert_eq!(levenshtein(&a, &b), by_table(&a, &b), "{a:?} {b:?}");
                assert_eq!(levenshtein(&b, &a), by_table(&a, &b), "{b:?} {a:?}");
            }
        }
    }

    #[test]
    fn a_megabyte_is_cut_and_says_so() {
        let (a, b) = ("a".repeat(1 << 20), "b".repeat(1 << 20));
        let found = edit(&a, &b);
        assert_eq!((found.distance, found.is_cut), (MAX_CHARS, true));
        assert!((found.ratio - 1.0).abs() < 1e-15);
        // What both begin with is not counted among the characters that are compared.
        let long = "x".repeat(1 << 20);
        assert!(!edit(&long, &format!("{long}y")).is_cut);
    }
}
