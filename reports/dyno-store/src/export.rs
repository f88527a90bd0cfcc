//! Rows of comma-separated values as RFC 4180 has them.

/// Appends one row to `out`: fields with a comma, a quote or a line break are quoted, and the row ends with CR LF.
pub fn csv_row<S: AsRef<str>>(out: &mut Vec<u8>, fields: &[S]) {
    for (place, field) in fields.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        csv_field(out, field.as_ref());
    }
    out.extend_from_slice(b"\r\n");
}

fn csv_field(out: &mut Vec<u8>, field: &str) {
    if !field.contains(['"', ',', '\r', '\n']) {
        out.extend_from_slice(field.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in field.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[&str]) -> String {
        let mut out = Vec::new();
        csv_row(&mut out, fields);
        String::from_utf8(out).expect("fields are UTF-8")
    }

    #[test]
    fn fields_are_quoted_as_rfc_4180_section_2_says() {
        assert_eq!(row(&["aaa", "bbb", "ccc"]), "aaa,bbb,ccc\r\n");
        assert_eq!(row(&["aaa", "b\r\nbb", "ccc"]), "aaa,\"b\r\nbb\",ccc\r\n");
        assert_eq!(row(&["aaa", "b\"bb", "a,b"]), "aaa,\"b\"\"bb\",\"a,b\"\r\n");
        assert_eq!(row(&["", "ü"]), ",ü\r\n");
    }
}
