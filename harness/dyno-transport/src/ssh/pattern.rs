//! Patterns of host names, as in ssh_config(5): `*`, `?`, and `!` in front of what must not match.

/// Whether a list matches: one of its patterns does, and none of those with `!`.
pub(super) fn list_matches<'a>(patterns: impl IntoIterator<Item = &'a str>, name: &str) -> bool {
    let mut is_match = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern, name) => return false,
            Some(_) => {}
            None => is_match |= matches(pattern, name),
        }
    }
    is_match
}

/// Whether one pattern matches the whole name; upper and lower case are the same.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    // The last `*` seen, and how much of the name it stands for: going back to it is enough.
    let (mut at, mut begin, mut star) = (0, 0, None);
    while begin < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, begin));
                at += 1;
            }
            Some(c) if *c == b'?' || *c == name[begin] => {
                at += 1;
                begin += 1;
            }
            _ => {
                let Some((star_at, star_begin)) = star else { return false };
                star = Some((star_at, star_begin + 1));
                at = star_at + 1;
                begin = star_begin + 1;
            }
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_ssh_config() {
        let check = |patterns: &str, name: &str, expected: bool| {
            assert_eq!(list_matches(patterns.split(','), name), expected, "{patterns} on {name}");
        };
        check("pi4", "PI4", true);
        check("pi4", "pi40", false);
        check("*", "", true);
        check("*.example.com", "a.b.example.com", true);
        check("*.example.com", "example.com", false);
        check("192.168.0.?", "192.168.0.7", true);
        check("192.168.0.?", "192.168.0.17", false);
        check("*,!*.dialup.example.com", "x.dialup.example.com", false);
        check("*a*b", "aXabYb", true);
        check("!x", "y", false);
        check("[10.0.0.7]:2222", "[10.0.0.7]:2222", true);
    }

    #[test]
    fn many_stars_take_no_time() {
        let name = "a".repeat(5000);
        assert!(!matches(&format!("{}b", "*a".repeat(50)), &name));
    }
}
