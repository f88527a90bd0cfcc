//! One record a line: eight hex digits of CRC-32, a space, JSON, a newline.
//!
//! The device's spool and the controller's journal are files of such lines: greppable, appendable,
//! and cut off cleanly at a torn tail.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// No line may be longer: a guard against a hostile or broken file.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Appends one line to `out`.
///
/// # Errors
/// When the value cannot be written as JSON (a map with keys that are no strings).
pub fn write_line<T: Serialize>(out: &mut Vec<u8>, value: &T) -> Result<(), serde_json::Error> {
    let start = out.len();
    out.extend_from_slice(b"00000000 ");
    serde_json::to_writer(&mut *out, value)?;
    let crc = crc32fast::hash(&out[start + 9..]);
    for (place, digit) in out[start..start + 8].iter_mut().zip(0..8) {
        let nibble = (crc >> (28 - 4 * digit)) & 0xf;
        *place = b"0123456789abcdef"[nibble as usize];
    }
    out.push(b'\n');
    Ok(())
}

/// Why a line is not one of ours.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Too short, no newline, or no CRC in front.
    #[error("line is cut off or has no checksum")]
    Torn,
    /// The checksum does not fit the text.
    #[error("checksum does not fit the line")]
    Checksum,
    /// The text is not what is expected here.
    #[error("line is not a record of this kind")]
    Content(#[from] serde_json::Error),
}

/// Reads one line, with or without its newline.
///
/// # Errors
/// [`LineError`]: torn, damaged, or of another kind.
pub fn read_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, LineError> {
    Ok(serde_json::from_slice(checked_json(line)?)?)
}

/// The JSON part of a line whose checksum fits.
///
/// # Errors
/// [`LineError::Torn`] or [`LineError::Checksum`].
pub fn checked_json(line: &[u8]) -> Result<&[u8], LineError> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    if line.len() < 10 || line[8] != b' ' {
        return Err(LineError::Torn);
    }
    let digits = std::str::from_utf8(&line[..8]).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let json = &line[9..];
    match digits {
        None => Err(LineError::Torn),
        Some(crc) if crc != crc32fast::hash(json) => Err(LineError::Checksum),
        Some(_) => Ok(json),
    }
}

/// The length of the intact lines at the start of `bytes`: what lies behind it is a torn tail.
pub fn intact_bytes(bytes: &[u8]) -> usize {
    let mut intact = 0;
    while let Some(n) = bytes[intact..].iter().position(|b| *b == b'\n') {
        if checked_json(&bytes[intact..intact + n]).is_err() {
            break;
        }
        intact += n + 1;
    }
    intact
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_lines() -> Vec<u8> {
        let mut out = Vec::new();
        write_line(&mut out, &serde_json::json!({"a": 1})).expect("plain JSON");
        write_line(&mut out, &serde_json::json!({"text": "ü\n"})).expect("plain JSON");
        out
    }

    #[test]
    fn checksum_is_the_published_crc32() {
        // CRC-32 (ISO-HDLC) of "123456789" is cbf43926 in the catalogue of parametrised CRC algorithms.
        assert_eq!(checked_json(b"cbf43926 123456789\n").expect("fits"), b"123456789");
    }

    #[test]
    fn a_tail_torn_at_every_byte_is_cut_off() {
        let bytes = two_lines();
        let first = bytes.iter().position(|b| *b == b'\n').expect("a newline") + 1;
        for cut in 0..bytes.len() {
            let expected = if cut >= first { first } else { 0 };
            assert_eq!(intact_bytes(&bytes[..cut]), expected, "cut at {cut}");
        }
        assert_eq!(intact_bytes(&bytes), bytes.len());
    }

    #[test]
    fn a_changed_byte_is_seen() {
        let mut bytes = two_lines();
        bytes[11] ^= 1;
        assert!(matches!(
            read_line::<serde_json::Value>(&bytes[..18]),
            Err(LineError::Checksum | LineError::Torn)
        ));
    }
}
