//! Metadata values, kept in the file's own encoding so that they can be written again byte for byte.

/// Type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One byte.
    U8,
    /// One byte, signed.
    I8,
    /// Two bytes.
    U16,
    /// Two bytes, signed.
    I16,
    /// Four bytes.
    U32,
    /// Four bytes, signed.
    I32,
    /// Single precision.
    F32,
    /// One byte, 0 or 1.
    Bool,
    /// Length and UTF-8.
    String,
    /// Element type, length, elements.
    Array,
    /// Eight bytes.
    U64,
    /// Eight bytes, signed.
    I64,
    /// Double precision.
    F64,
}

const KINDS: [Kind; 13] = [
    Kind::U8,
    Kind::I8,
    Kind::U16,
    Kind::I16,
    Kind::U32,
    Kind::I32,
    Kind::F32,
    Kind::Bool,
    Kind::String,
    Kind::Array,
    Kind::U64,
    Kind::I64,
    Kind::F64,
];

impl Kind {
    /// The type of that number.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        KINDS.get(usize::try_from(code).ok()?).copied()
    }

    /// Its number.
    pub(crate) fn code(self) -> u32 {
        self as u32
    }

    /// Bytes of one value; `None` where it varies.
    pub(crate) fn size(self) -> Option<u64> {
        match self {
            Self::U8 | Self::I8 | Self::Bool => Some(1),
            Self::U16 | Self::I16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::String | Self::Array => None,
        }
    }
}

/// One metadata value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// Its type; of an array, the type of the elements.
    pub(crate) kind: Kind,
    /// Number of elements of an array; `None` for a single value.
    pub(crate) len: Option<u64>,
    /// The value or the elements as they stand in the file.
    pub(crate) raw: Vec<u8>,
}

impl Value {
    /// A text.
    pub(crate) fn string(text: &str) -> Self {
        Self { kind: Kind::String, len: None, raw: encoded(text.as_bytes()) }
    }

    /// An unsigned number of 32 bits.
    pub(crate) fn u32(x: u32) -> Self {
        Self { kind: Kind::U32, len: None, raw: x.to_le_bytes().to_vec() }
    }

    /// A single-precision number.
    pub(crate) fn f32(x: f32) -> Self {
        Self { kind: Kind::F32, len: None, raw: x.to_le_bytes().to_vec() }
    }

    /// A truth value.
    pub(crate) fn bool(x: bool) -> Self {
        Self { kind: Kind::Bool, len: None, raw: vec![u8::from(x)] }
    }

    /// A list of texts.
    pub(crate) fn strings<T: AsRef<[u8]>>(texts: &[T]) -> Self {
        let raw = texts.iter().flat_map(|text| encoded(text.as_ref())).collect();
        Self { kind: Kind::String, len: Some(texts.len() as u64), raw }
    }

    /// A list of signed numbers of 32 bits.
    pub(crate) fn i32s(numbers: &[i32]) -> Self {
        let raw = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { kind: Kind::I32, len: Some(numbers.len() as u64), raw }
    }

    /// The value as an unsigned number, where it is a whole number and not negative.
    pub(crate) fn to_u64(&self) -> Option<u64> {
        if self.len.is_some() || matches!(self.kind, Kind::F32 | Kind::F64 | Kind::String | Kind::Array) {
            return None;
        }
        let mut bytes = [0; 8];
        bytes[..self.raw.len()].copy_from_slice(&self.raw);
        let signed = matches!(self.kind, Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64);
        let negative = signed && self.raw.last().is_some_and(|top| top & 0x80 != 0);
        (!negative).then_some(u64::from_le_bytes(bytes))
    }

    /// The value as a number.
    pub(crate) fn to_f32(&self) -> Option<f32> {
        match (self.kind, self.len) {
            (Kind::F32, None) => self.raw.first_chunk().map(|raw| f32::from_le_bytes(*raw)),
            (Kind::F64, None) => self.raw.first_chunk().map(|raw| f64::from_le_bytes(*raw) as f32),
            _ => None,
        }
    }

    /// The value as a truth value.
    pub(crate) fn to_bool(&self) -> Option<bool> {
        (self.kind == Kind::Bool && self.len.is_none()).then(|| self.raw.first() == Some(&1))
    }

    /// The value as a text.
    pub(crate) fn to_text(&self) -> Option<&str> {
        if self.kind != Kind::String || self.len.is_some() {
            return None;
        }
        str::from_utf8(self.raw.get(8..)?).ok()
    }

    /// The elements of a list of texts, in order.
    pub(crate) fn to_texts(&self) -> Option<impl Iterator<Item = &[u8]>> {
        if self.kind != Kind::String || self.len.is_none() {
            return None;
        }
        let mut rest = self.raw.as_slice();
        Some(std::iter::from_fn(move || {
            let (len, after) = rest.split_first_chunk::<8>()?;
            let (text, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
            rest = after;
            Some(text)
        }))
    }

    /// The elements of a list of 4-byte values of that type, as bits.
    pub(crate) fn to_words(&self, kind: Kind) -> Option<impl Iterator<Item = u32>> {
        (self.kind == kind && self.len.is_some())
            .then(|| self.raw.as_chunks::<4>().0.iter().map(|raw| u32::from_le_bytes(*raw)))
    }

    /// The value as it stands in a file, type first.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len() + 16);
        if let Some(len) = self.len {
            out.extend(Kind::Array.code().to_le_bytes());
            out.extend(self.kind.code().to_le_bytes());
            out.extend(len.to_le_bytes());
        } else {
            out.extend(self.kind.code().to_le_bytes());
        }
        out.extend(&self.raw);
        out
    }
}

/// A text with its length before it.
pub(crate) fn encoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_any_width() {
        let value = |kind, raw: &[u8]| Value { kind, len: None, raw: raw.to_vec() };
        assert_eq!(value(Kind::U8, &[7]).to_u64(), Some(7));
        assert_eq!(value(Kind::I16, &[0xff, 0xff]).to_u64(), None);
        assert_eq!(value(Kind::I32, &[5, 0, 0, 0]).to_u64(), Some(5));
        assert_eq!(value(Kind::F32, &1.5_f32.to_le_bytes()).to_f32(), Some(1.5));
        assert_eq!(value(Kind::F32, &1.5_f32.to_le_bytes()).to_u64(), None);
    }

    #[test]
    fn texts_come_back_in_order() {
        let value = Value::strings(&["a", "", "bcd"]);
        let texts: Vec<&[u8]> = value.to_texts().expect("a list of texts").collect();
        assert_eq!(texts, [b"a".as_slice(), b"", b"bcd"]);
        assert_eq!(Value::string("x").to_text(), Some("x"));
    }
}
