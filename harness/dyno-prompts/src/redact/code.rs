//! Which parts of a text are code.

use std::ops::Range;

/// What a line of code has and a line of prose has not.
const SIGNS: [&str; 14] =
    ["==", "=>", "->", "::", "();", " = ", "+=", "!=", "&&", "||", "):", "/*", "*/", "</"];
/// How a line of code begins.
const BEGINNINGS: [&str; 7] = ["#include", "def ", "const ", "let ", "fn ", "var ", "//"];

/// Fenced blocks, `inline code` and lines that look like code, in order of place.
pub(super) fn code_spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut at = 0;
    // What stands between fences alternates: prose, code, prose …
    for (nth, part) in text.split("```").enumerate() {
        if nth % 2 == 1 {
            spans.push(at..at + part.len());
        } else {
            prose_spans(part, at, &mut spans);
        }
        at += part.len() + "```".len();
    }
    spans.sort_by_key(|span| span.start);
    merged(spans)
}

fn prose_spans(part: &str, offset: usize, spans: &mut Vec<Range<usize>>) {
    let mut at = offset;
    for line in part.split_inclusive('\n') {
        if looks_like_code(line) {
            spans.push(at..at + line.len());
        } else {
            inline_spans(line, at, spans);
        }
        at += line.len();
    }
}

fn inline_spans(line: &str, offset: usize, spans: &mut Vec<Range<usize>>) {
    let ticks: Vec<usize> = line.match_indices('`').map(|(at, _)| offset + at).collect();
    spans.extend(ticks.chunks_exact(2).map(|pair| pair[0]..pair[1]));
}

fn looks_like_code(line: &str) -> bool {
    let line = line.trim_end();
    let begins = |word: &&str| line.trim_start().starts_with(*word);
    line.ends_with([';', '{', '}'])
        || SIGNS.iter().any(|sign| line.contains(sign))
        || BEGINNINGS.iter().any(begins)
}

fn merged(spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}
