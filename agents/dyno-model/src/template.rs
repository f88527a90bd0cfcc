//! Arguments with gaps: `--port={port}`.
//!
//! A gap is a name of small letters, digits and underscores in braces; all other braces stand for themselves, so that
//! JSON can be an argument.

/// The names of the gaps of `text`, in order.
pub fn gaps(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, name, after)) = next_gap(rest) {
        names.push(name);
        rest = after;
    }
    names
}

/// `text` with its gaps filled by `value`; `None` when one of them has no value.
pub fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_gap(rest) {
        filled.push_str(before);
        filled.push_str(&value(name)?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// `args` with their gaps filled by `value`. An argument with a gap that has no value is left out, and with it the
/// option before, unless it is an option itself: `--threads {threads}`, `--threads={threads}`.
pub fn fill_args(args: &[String], value: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut filled: Vec<String> = Vec::with_capacity(args.len());
    let mut follows_option = false;
    for arg in args {
        let is_option = arg.starts_with('-');
        if let Some(arg) = fill(arg, value) {
            filled.push(arg);
            follows_option = is_option;
        } else {
            if follows_option && !is_option {
                filled.pop();
            }
            follows_option = false;
        }
    }
    filled
}

/// What stands before the first gap, its name, and what stands after it.
fn next_gap(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let inner = &text[open + 1..];
        let n = inner.bytes().take_while(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_')).count();
        if n > 0 && inner[n..].starts_with('}') {
            return Some((&text[..open], &inner[..n], &inner[n + 1..]));
        }
        from = open + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Option<String> {
        match name {
            "port" => Some("80".to_owned()),
            "model" => Some("/m/{port}.gguf".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn gaps_are_filled_once_and_other_braces_stay() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(fill(text, &value).as_deref(), expected, "{text}");
        };
        check("", Some(""));
        check("--port={port}", Some("--port=80"));
        check("{model}:{port}", Some("/m/{port}.gguf:80"));
        check(r#"{"a": {"b": 1}, "p": {port}}"#, Some(r#"{"a": {"b": 1}, "p": 80}"#));
        check("{}{{port}{Port}{po rt}{", Some("{}{80{Port}{po rt}{"));
        check("{threads}", None);
        assert_eq!(gaps("{a}x{b_2}{C}{a}"), ["a", "b_2", "a"]);
    }

    #[test]
    fn an_argument_without_a_value_goes_with_its_option() {
        let check = |args: &[&str], expected: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(fill_args(&args, &value), expected, "{args:?}");
        };
        check(&["-m", "{model}", "--threads", "{threads}", "-v"], &["-m", "/m/{port}.gguf", "-v"]);
        check(&["-v", "--threads={threads}", "-x"], &["-v", "-x"]);
        check(&["serve", "{threads}", "{none}", "{port}"], &["serve", "80"]);
    }
}
