//! Check digits.

/// Whether the digits of `text` end with the right check digit (ISO/IEC 7812-1, annex B: Luhn).
pub(super) fn luhn(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let doubled = |(place, digit): (usize, &u32)| match (place % 2, digit) {
        (0, digit) => *digit,
        (_, digit) if *digit > 4 => digit * 2 - 9,
        (_, digit) => digit * 2,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// Whether `text` has the right check digits of an IBAN (ISO 13616-1: mod 97 of the digits, letters counting from 10).
pub(super) fn iban(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let turned = plain[4..].chars().chain(plain[..4].chars());
    let rest = turned.filter_map(|c| c.to_digit(36)).fold(0_u32, |rest, value| {
        let shift = if value > 9 { 100 } else { 10 };
        (rest * shift + value) % 97
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples() {
        // The worked example of the Luhn literature, and a neighbour.
        assert!(luhn("7992 7398 713"));
        assert!(!luhn("7992 7398 710"));
        assert!(!luhn(""));
        // The registry's examples.
        assert!(iban("GB82 WEST 1234 5698 7654 32"));
        assert!(iban("FR1420041010050500013M02606"));
        assert!(!iban("GB82 WEST 1234 5698 7654 33"));
        assert!(!iban("GB82"));
    }
}
