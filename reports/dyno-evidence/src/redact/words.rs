//! What looks like a person's or a machine's address within a sentence.

/// What stands for an address.
const ADDRESS: &str = "[address]";
/// Folders whose next part is a person's name.
const HOMES: [&str; 4] = ["/home/", "/Users/", "\\Users\\", "/media/"];
/// Fewer groups between colons are a time of day.
const LEAST_GROUPS: usize = 5;

/// A sentence without e-mail and network addresses and without names of home folders.
pub(crate) fn without_addresses(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut rest = words;
    while !rest.is_empty() {
        let n = rest.find(|c| !is_of_token(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(n);
        push_token(&mut out, token);
        let n = after.find(is_of_token).unwrap_or(after.len());
        out.push_str(&after[..n]);
        rest = &after[n..];
    }
    without_homes(&out)
}

fn is_of_token(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '@' | '.' | ':' | '-' | '_' | '+' | '%')
}

fn push_token(out: &mut String, token: &str) {
    let core = token.trim_end_matches(['.', ':', '-']);
    if is_address(core) {
        out.push_str(ADDRESS);
        out.push_str(&token[core.len()..]);
    } else {
        out.push_str(token);
    }
}

fn is_address(token: &str) -> bool {
    let is_mail = token.split_once('@').is_some_and(|(name, place)| !name.is_empty() && !place.is_empty());
    is_mail || is_ipv4(token) || is_colons(token)
}

/// Four numbers, a port perhaps behind them. The loopback says nothing of anybody.
fn is_ipv4(token: &str) -> bool {
    let host = token.split(':').next().unwrap_or_default();
    let parts: Vec<&str> = host.split('.').collect();
    parts.len() == 4 && parts[0] != "127" && parts.iter().all(|part| part.parse::<u8>().is_ok())
}

/// An IPv6 or a hardware address.
fn is_colons(token: &str) -> bool {
    // Behind `%` stands the interface that an address is of.
    let token = token.split('%').next().unwrap_or_default();
    let groups: Vec<&str> = token.split(':').collect();
    let is_hex = |group: &&str| group.len() <= 4 && group.chars().all(|c| c.is_ascii_hexdigit());
    let is_short = token.contains("::") && groups.len() >= 3 && token.len() > 3;
    groups.iter().all(is_hex) && (groups.len() >= LEAST_GROUPS || is_short)
}

fn without_homes(words: &str) -> String {
    HOMES.iter().fold(words.to_owned(), |words, home| {
        let mut parts = words.split(home);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let n = part
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
                .unwrap_or(part.len());
            out.push_str(home);
            out.push_str(if n == 0 { "" } else { "[user]" });
            out.push_str(&part[n..]);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_replaced_and_all_else_stays() {
        let check = |words: &str, expected: &str| assert_eq!(without_addresses(words), expected);
        check("held by ada@pi5-a.", "held by [address].");
        check("mail <a.b+c@example.org>: no", "mail <[address]>: no");
        check("connect to 192.168.0.7:8080: refused", "connect to [address]: refused");
        check("connect to 127.0.0.1:8080: refused", "connect to 127.0.0.1:8080: refused");
        check("fe80::1%eth0 and 2001:db8::7", "[address] and [address]");
        check("dc:a6:32:01:02:03 is its card", "[address] is its card");
        check("at 12:34:56 of 24.04.2 std::io::Error", "at 12:34:56 of 24.04.2 std::io::Error");
        check("no file /home/ada/models/x.gguf", "no file /home/[user]/models/x.gguf");
        check("C:\\Users\\Ada Lovelace\\x", "C:\\Users\\[user] Lovelace\\x");
        check("/Users/ada", "/Users/[user]");
        check("40 % of 7.5 s; größer als ö@", "40 % of 7.5 s; größer als ö@");
        check("", "");
    }
}
