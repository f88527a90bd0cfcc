//! What a runtime says of the probabilities of an answer's tokens, within bounds.
//!
//! A server may say anything, of any length: each piece, the choices of a place and all of them together are bounded, so
//! that a record stays far below the longest line and the longest frame (64 MiB) even where every byte is escaped.

use dyno_model::request::{TokenChoice, TokenLogprob};

/// The longest piece in bytes; house rule: far above any token of a vocabulary.
pub const MAX_PIECE_BYTES: usize = 256;
/// What is kept of one answer, where each choice counts as its piece and [`CHOICE_BYTES`] more; house rule: some ten
/// thousand tokens with ten choices each.
pub const MAX_BYTES: usize = 8 << 20;
/// About what a choice takes in a record beside its piece.
const CHOICE_BYTES: usize = 64;
/// No probability is smaller than e to this, in millionths: what is impossible has none.
const LEAST_MICRO: f64 = -1e12;

/// What was said of one answer's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logprobs {
    /// In the order of the tokens.
    tokens: Vec<TokenLogprob>,
    /// Choices kept of each place.
    max_top: usize,
    n_bytes: usize,
    n_lost: u64,
}

impl Logprobs {
    /// Room for tokens with that many choices each.
    pub fn new(top: u8) -> Self {
        Self { max_top: usize::from(top), ..Self::default() }
    }

    /// The next token, with the likeliest ones at its place in any order.
    pub fn push(&mut self, mut one: TokenLogprob) {
        // Stable: choices that are equal stay as they came.
        one.top.sort_by_key(|choice| std::cmp::Reverse(choice.logprob_micro));
        one.top.truncate(self.max_top);
        let choices = std::iter::once(&mut one.token).chain(&mut one.top);
        let n_bytes: usize = choices
            .map(|choice| {
                choice.piece.truncate(choice.piece.floor_char_boundary(MAX_PIECE_BYTES));
                choice.piece.len() + CHOICE_BYTES
            })
            .sum();
        // Once one was left out, later ones are, too: places stay those of the answer's beginning.
        if self.n_lost > 0 || self.n_bytes + n_bytes > MAX_BYTES {
            self.n_lost += 1;
            return;
        }
        self.n_bytes += n_bytes;
        self.tokens.push(one);
    }

    /// A token of which what was said could not be understood; those after it are left out, too.
    pub fn lose(&mut self) {
        self.n_lost += 1;
    }

    /// The tokens so far.
    pub fn tokens(&self) -> &[TokenLogprob] {
        &self.tokens
    }

    /// The tokens, `None` where nothing was said, and how many more were said something of that is not kept.
    pub fn finish(self) -> (Option<Vec<TokenLogprob>>, u64) {
        (Some(self.tokens).filter(|tokens| !tokens.is_empty()), self.n_lost)
    }
}

/// A token's text: bytes that are no UTF-8 as `\xNN`.
pub fn piece_of(bytes: &[u8]) -> String {
    let mut piece = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        piece.push_str(chunk.valid());
        for byte in chunk.invalid() {
            piece.push_str("\\x");
            piece.extend(
                [byte >> 4, byte & 15].map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])),
            );
        }
    }
    piece
}

/// A natural logarithm of a probability in millionths: never above 0, and bounded below, which is where what is no number
/// goes, too.
pub fn micro(ln: f64) -> i64 {
    let micro = (ln * 1e6).round();
    (if micro.is_nan() { LEAST_MICRO } else { micro.clamp(LEAST_MICRO, 0.0) }) as i64
}

/// A token as it is recorded.
pub fn choice(id: Option<u32>, piece: String, ln: f64) -> TokenChoice {
    TokenChoice { id, piece, logprob_micro: micro(ln) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(piece: &str, top: &[i64]) -> TokenLogprob {
        let choice = |logprob_micro| TokenChoice { id: None, piece: piece.to_owned(), logprob_micro };
        TokenLogprob { token: choice(-1), top: top.iter().map(|micro| choice(*micro)).collect() }
    }

    #[test]
    fn logarithms_are_rounded_and_never_above_zero() {
        let check = |ln: f64, expected: i64| assert_eq!(micro(ln), expected, "{ln}");
        check(-std::f64::consts::LN_2, -693_147);
        check(-1.4e-6, -1);
        check(-4e-7, 0);
        check(1e-3, 0);
        check(-9999.0, -9_999_000_000);
        check(f64::from(f32::MIN), -1_000_000_000_000);
        check(f64::NEG_INFINITY, -1_000_000_000_000);
        check(f64::NAN, -1_000_000_000_000);
    }

    #[test]
    fn bytes_that_are_no_text_are_written_in_hex() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(piece_of(bytes), expected);
        check("hé".as_bytes(), "hé");
        check(b"", "");
        check(&[0xe2, 0x82], "\\xe2\\x82");
        check(b"a\xffb", "a\\xffb");
    }

    #[test]
    fn the_likeliest_come_first_and_no_more_than_were_asked_for() {
        let mut kept = Logprobs::new(2);
        kept.push(one("a", &[-30, -10, -20]));
        let told: Vec<i64> = kept.tokens()[0].top.iter().map(|choice| choice.logprob_micro).collect();
        assert_eq!(told, [-10, -20]);
        assert_eq!(kept.finish().1, 0);
        assert_eq!(Logprobs::new(2).finish(), (None, 0));
    }

    #[test]
    fn megabytes_are_cut_and_counted() {
        let mut kept = Logprobs::new(3);
        // Each é is two bytes: 256 of them are 128.
        let long = "é".repeat(1000);
        for _ in 0..40_000 {
            kept.push(one(&long, &[-1; 3]));
        }
        assert!(kept.tokens().iter().all(|one| one.top.iter().all(|top| top.piece.chars().count() == 128)));
        // Four choices of 256 + 64 bytes each: 6553 places fill 8 MiB.
        let (tokens, n_lost) = kept.finish();
        assert_eq!((tokens.expect("some").len(), n_lost), (6553, 33_447));
    }

    #[test]
    fn a_record_of_the_worst_pieces_fits_a_line() {
        let mut kept = Logprobs::new(255);
        let worst = "\u{1}".repeat(MAX_PIECE_BYTES);
        while kept.n_lost == 0 {
            kept.push(one(&worst, &[-1_000_000_000_000; 255]));
        }
        let (tokens, _) = kept.finish();
        let n_bytes = serde_json::to_vec(&tokens).expect("plain data").len();
        // With a text of 1 MiB, each byte of it escaped to six.
        assert!(n_bytes + (6 << 20) < dyno_model::line::MAX_LINE_BYTES, "{n_bytes}");
        assert!(n_bytes > 20 << 20, "{n_bytes}: the worst is really tried");
    }
}
