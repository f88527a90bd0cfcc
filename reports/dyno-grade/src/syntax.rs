//! Whether code parses.
//!
//! Parsers recurse, and an answer may nest or chain as deep as it is long.
//! So code is parsed on a thread with a stack for its length, and code beyond a bound does not pass.

use std::thread;

use dyno_model::grader::Syntax;

/// Code that is longer does not parse (house rule): some 8,000 tokens.
const MAX_CODE_BYTES: usize = 32 << 10;

/// Brackets within brackets that code may have (house rule): people who read it give up much earlier.
const MAX_BRACKETS: usize = 100;

/// Room for one level of a parser that goes one level deeper with each byte, twice what an unoptimised one needs.
const STACK_PER_BYTE: usize = 16 << 10;
const SMALLEST_STACK: usize = 4 << 20;

/// The first fenced block of `answer`, or all of it where there is none.
///
/// A block that is not closed goes on to the end: answers are cut off by their limit of tokens.
pub(crate) fn code_of(answer: &str) -> &str {
    let Some(fence) = answer.find("```") else { return answer };
    let Some(line) = answer[fence..].find('\n') else { return answer };
    let block = &answer[fence + line + 1..];
    block.find("```").map_or(block, |end| &block[..end])
}

/// Whether `code` parses; `None` where the system gives no room to find out.
pub(crate) fn parses(syntax: Syntax, code: &str) -> Option<bool> {
    if code.trim().is_empty() || code.len() > MAX_CODE_BYTES || brackets(code) > MAX_BRACKETS {
        return Some(false);
    }
    if syntax == Syntax::Json {
        // Its parser has a bound of its own.
        return Some(serde_json::from_str::<serde::de::IgnoredAny>(code).is_ok());
    }
    let stack = (code.len() * STACK_PER_BYTE).max(SMALLEST_STACK);
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("grade-parse".to_owned()).stack_size(stack);
        let parser = builder.spawn_scoped(scope, || parses_here(syntax, code));
        // Best effort: without a thread, or where a parser gives up, the answer is not judged.
        parser.ok()?.join().ok()
    })
}

fn parses_here(syntax: Syntax, code: &str) -> bool {
    match syntax {
        Syntax::Python => ruff_python_parser::parse_module(&dedented(code)).is_ok(),
        Syntax::Json => serde_json::from_str::<serde::de::IgnoredAny>(code).is_ok(),
        Syntax::Toml => code.parse::<toml::Table>().is_ok(),
        Syntax::Rust => {
            syn::parse_file(code).is_ok() || syn::parse_str::<syn::Block>(&format!("{{{code}\n}}")).is_ok()
        }
    }
}

/// `code` without the indentation that all its lines have: blocks stand within list items.
fn dedented(code: &str) -> String {
    let lines = code.lines().filter(|line| !line.trim().is_empty());
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = lines.map(indentation).min().unwrap_or_default();
    let cut = |line: &str| line.get(common..).unwrap_or_default().to_owned() + "\n";
    code.lines().map(cut).collect()
}

/// The most brackets that are open at once, whether they are in texts or not.
fn brackets(code: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in code.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_the_first_fenced_block() {
        let check = |answer: &str, expected: &str| assert_eq!(code_of(answer), expected, "{answer}");
        check("x = 1", "x = 1");
        check("Here:\n```python\nx = 1\n```\nand\n```\ny\n```", "x = 1\n");
        check("```\nx = 1", "x = 1");
        check("``` ```", "``` ```");
    }

    #[test]
    fn code_parses_or_does_not() {
        let check = |syntax, code: &str, expected| assert_eq!(parses(syntax, code), Some(expected), "{code}");
        check(Syntax::Python, "def f(x):\n    return x + 1\n", true);
        check(Syntax::Python, "    x = 1\n    y = 2\n", true);
        check(Syntax::Python, "match p:\n    case (x, _):\n        pass\n", true);
        check(Syntax::Python, "def f(x)\n    return x", false);
        check(Syntax::Python, "print 'two'", false);
        check(Syntax::Python, "if x:\nreturn", false);
        check(Syntax::Python, "", false);
        check(Syntax::Json, "{\"a\": [1, 2]}", true);
        check(Syntax::Json, "{'a': 1}", false);
        check(Syntax::Json, "{} and more", false);
        check(Syntax::Toml, "a = 1\n[b]\nc = \"d\"\n", true);
        check(Syntax::Toml, "a = 1\na = 2\n", false);
        check(Syntax::Rust, "fn f(x: u8) -> u8 { x + 1 }", true);
        check(Syntax::Rust, "let x = f(1)?;\nx + 1", true);
        check(Syntax::Rust, "fn f( { }", false);
        check(Syntax::Rust, "plain words of prose", false);
    }

    #[test]
    fn code_as_deep_as_it_is_long_ends_with_an_answer() {
        for syntax in [Syntax::Python, Syntax::Json, Syntax::Toml, Syntax::Rust] {
            let chains = [
                "-",
                "not ",
                "!",
                "&",
                "[",
                "{",
                "(",
                "a.",
                "a=",
                "if a:\n ",
                "lambda:",
                "||",
                "return ",
                "a if a else ",
            ];
            for chain in chains {
                let code = chain.repeat(MAX_CODE_BYTES / chain.len() - 1) + "a";
                assert!(parses(syntax, &code).is_some(), "{chain}");
            }
        }
        assert_eq!(parses(Syntax::Json, &"1".repeat(MAX_CODE_BYTES + 1)), Some(false));
    }
}
