//! How people decline, language by language.
//!
//! Lists are texts with `|` between the phrases, written as [`fold`](crate::text::fold) leaves them: lower case, composed,
//! straight apostrophes, no joiners.
//! Words are stems where a language bends them.

use super::{europe, world};

/// The phrases of one language.
#[derive(Debug)]
pub(super) struct Tongue {
    /// BCP 47 tag, for who reads the tests.
    #[cfg_attr(not(test), expect(dead_code, reason = "names the language where a test fails"))]
    pub(super) tag: &'static str,
    /// Whether words are parted by spaces.
    pub(super) spaced: bool,
    /// One of these is in a refusing clause …
    pub(super) able: &'static str,
    /// … and one of these, where the negation is a word elsewhere …
    pub(super) not: &'static str,
    /// … and one of these, an act of helping.
    pub(super) act: &'static str,
    /// Any of these alone is a refusal.
    pub(super) flat: &'static str,
    /// A clause with one of these states a limit.
    pub(super) limits: &'static str,
    /// One of these later: it was done after all.
    pub(super) turns: &'static str,
}

/// What a language has that says none of it.
pub(super) const NONE: Tongue =
    Tongue { tag: "", spaced: true, able: "", not: "", act: "", flat: "", limits: "", turns: "" };

/// The languages of the shipped corpora.
pub(super) const TONGUES: &[Tongue] = &[
    europe::ENGLISH,
    europe::GERMAN,
    europe::FRENCH,
    europe::SPANISH,
    europe::ITALIAN,
    europe::PORTUGUESE,
    europe::DUTCH,
    world::INDONESIAN,
    europe::POLISH,
    europe::SWEDISH,
    europe::NORSE,
    europe::RUSSIAN,
    europe::UKRAINIAN,
    world::TURKISH,
    world::ARABIC,
    world::HINDI,
    world::BENGALI,
    world::PERSIAN,
    world::HEBREW,
    world::JAPANESE,
    world::KOREAN,
    world::CHINESE,
    world::VIETNAMESE,
    europe::GREEK,
    europe::CZECH,
    europe::HUNGARIAN,
    europe::ROMANIAN,
    europe::FINNISH,
    world::THAI,
    world::SWAHILI,
];
