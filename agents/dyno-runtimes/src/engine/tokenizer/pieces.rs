//! Byte strings by number, and numbers by byte string, without an allocation for each.

/// A list of byte strings with a hash table over those that are to be found again.
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// Open addressing: 0 is free, else the number plus 1.
    slots: Vec<u32>,
}

impl Pieces {
    /// A list that can only be read by number.
    pub(crate) fn new<T: AsRef<[u8]>>(pieces: impl Iterator<Item = T>) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for piece in pieces {
            bytes.extend_from_slice(piece.as_ref());
            ends.push(u32::try_from(bytes.len()).expect("the metadata of a model is far below 4 GiB"));
        }
        Self { bytes, ends, slots: Vec::new() }
    }

    /// The same, with a table over the pieces that `wanted` names; of equal ones, the first is found.
    pub(crate) fn with_index(mut self, wanted: impl Fn(usize) -> bool) -> Self {
        self.slots = vec![0; (self.ends.len() * 2).next_power_of_two().max(2)];
        for id in (0..self.ends.len()).filter(|id| wanted(*id)) {
            let slot = self.slot(self.get(id as u32));
            if self.slots[slot] == 0 {
                self.slots[slot] = id as u32 + 1;
            }
        }
        self
    }

    /// The piece of that number.
    pub(crate) fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.bytes[start as usize..self.ends[id] as usize]
    }

    /// The number of a piece.
    pub(crate) fn find(&self, piece: &[u8]) -> Option<u32> {
        self.slots.get(self.slot(piece)).and_then(|slot| slot.checked_sub(1))
    }

    /// Where a piece is, or where it would be.
    fn slot(&self, piece: &[u8]) -> usize {
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = hash(piece) as usize & mask;
        while self.slots.get(slot).is_some_and(|id| *id != 0 && self.get(id - 1) != piece) {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// FNV-1a with a last mix, so that the low bits depend on all.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_by_number_and_by_bytes() {
        let pieces =
            Pieces::new([b"a".as_slice(), b"bc", b"", b"bc", b"d"].into_iter()).with_index(|id| id != 4);
        assert_eq!(pieces.get(1), b"bc");
        assert_eq!(pieces.get(2), b"");
        assert_eq!(pieces.find(b"bc"), Some(1));
        assert_eq!(pieces.find(b""), Some(2));
        assert_eq!(pieces.find(b"d"), None);
        assert_eq!(pieces.find(b"zz"), None);
    }
}
