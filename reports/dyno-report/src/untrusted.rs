//! Foreign text made harmless for the eye: what would move the cursor, change the reading direction or hide
//! is shown by its code point.
//!
//! This comes on top of the escaping of each format; it never replaces it.

/// `text` with control, bidirectional and invisible format characters shown as `⟪U+202E⟫`.
///
/// Line feeds and tabs stay, `\r\n` becomes `\n`.
/// The joiners U+200C and U+200D stay too: Persian, Indic scripts and emoji need them.
pub fn visible(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' && chars.peek() == Some(&'\n') {
            continue;
        }
        if is_hidden(c) {
            write!(out, "⟪U+{:04X}⟫", u32::from(c)).expect("writing to a String cannot fail");
        } else {
            out.push(c);
        }
    }
    out
}

/// [`visible`] text on one line: line feeds are shown as `⏎`, tabs become spaces.
pub fn one_line(text: &str) -> String {
    visible(text).trim().replace('\n', "⏎").replace('\t', " ")
}

/// Format characters that direct or hide text: Arabic letter mark, Mongolian vowel separator, zero-width space,
/// direction marks, separators with embeddings and overrides, word joiner with invisible operators and isolates,
/// byte-order mark, interlinear annotation, tags.
const HIDDEN: [(char, char); 8] = [
    ('\u{061C}', '\u{061C}'),
    ('\u{180E}', '\u{180E}'),
    ('\u{200B}', '\u{200B}'),
    ('\u{200E}', '\u{200F}'),
    ('\u{2028}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFF9}', '\u{FFFB}'),
];

/// Whether a character acts on its surroundings instead of being seen.
fn is_hidden(c: char) -> bool {
    let is_control = c.is_control() && c != '\n' && c != '\t';
    let is_tag = ('\u{E0000}'..='\u{E007F}').contains(&c);
    is_control || is_tag || HIDDEN.iter().any(|&(first, last)| (first..=last).contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_and_what_is_read_stays() {
        let check = |input: &str, expected: &str| assert_eq!(visible(input), expected, "{input:?}");
        check("plain, ümläut, 日本語, 👩‍🚀", "plain, ümläut, 日本語, 👩‍🚀");
        check("a\u{202E}b", "a⟪U+202E⟫b");
        check("\u{1b}[31mred", "⟪U+001B⟫[31mred");
        check("nul\0del\u{7f}c1\u{9b}", "nul⟪U+0000⟫del⟪U+007F⟫c1⟪U+009B⟫");
        check("\u{2066}x\u{2069}\u{feff}", "⟪U+2066⟫x⟪U+2069⟫⟪U+FEFF⟫");
        check("tag\u{e0041}", "tag⟪U+E0041⟫");
        check("two\r\nlines\tand a tab", "two\nlines\tand a tab");
        check("back\rover", "back⟪U+000D⟫over");
    }

    #[test]
    fn one_line_has_no_line_feed() {
        assert_eq!(one_line(" a\nb\tc\r\nd "), "a⏎b c⏎d");
    }
}
