//! What a program's file says of itself.

/// `PT_INTERP`: the file names a dynamic linker (elf(5)).
const PT_INTERP: u32 = 3;

/// Whether an ELF program needs no dynamic linker, and thus no library of the device; `None` if it is no ELF file.
pub(crate) fn is_static_elf(file: &[u8]) -> Option<bool> {
    // Offsets of e_phoff, e_phentsize and e_phnum, by class.
    let wide = match file.get(..6)? {
        [0x7f, b'E', b'L', b'F', 1, 1] => false,
        [0x7f, b'E', b'L', b'F', 2, 1] => true,
        _ => return None,
    };
    let (start, size_at, count_at) =
        if wide { (number(file, 32, 8)?, 54, 56) } else { (number(file, 28, 4)?, 42, 44) };
    let (size, count) = (number(file, size_at, 2)?, number(file, count_at, 2)?);
    let mut kinds = Vec::new();
    for i in 0..count {
        let at = usize::try_from(start.checked_add(i * size)?).ok()?;
        kinds.push(number(file, at, 4)? as u32);
    }
    Some(!kinds.contains(&PT_INTERP))
}

/// The little-endian number of `n` bytes at `at`.
fn number(file: &[u8], at: usize, n: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(n)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Whether a text stands somewhere in a file.
pub(crate) fn contains(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|window| window == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of 64 bytes with program headers of 56 behind it, as elf(5) lays them out.
    fn elf64(kinds: &[u32]) -> Vec<u8> {
        let mut file = vec![0_u8; 64 + kinds.len() * 56];
        file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        file[32] = 64;
        file[54] = 56;
        file[56] = kinds.len() as u8;
        for (i, kind) in kinds.iter().enumerate() {
            file[64 + i * 56..][..4].copy_from_slice(&kind.to_le_bytes());
        }
        file
    }

    #[test]
    fn a_program_with_an_interpreter_is_dynamic() {
        assert_eq!(is_static_elf(&elf64(&[1, 1, 0x6474_e551])), Some(true));
        assert_eq!(is_static_elf(&elf64(&[6, 3, 1])), Some(false));
    }

    #[test]
    fn this_very_test_is_a_program() {
        let own = std::fs::read(std::env::current_exe().expect("it runs")).expect("it can be read");
        // The tests of a plain Linux target are linked against the system's C library.
        if cfg!(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static"))) {
            assert_eq!(is_static_elf(&own), Some(false));
        }
        assert!(contains(&own, "this_very_test_is_a_program"));
    }

    #[test]
    fn what_is_no_program_or_is_cut_says_nothing() {
        assert_eq!(is_static_elf(b"MZ\x90\0"), None);
        assert_eq!(is_static_elf(b""), None);
        let whole = elf64(&[1, 3]);
        assert_eq!(is_static_elf(&whole[..100]), None);
        assert!(!contains(b"ab", "abc"));
        assert!(contains(b"xabcx", "abc"));
    }
}
