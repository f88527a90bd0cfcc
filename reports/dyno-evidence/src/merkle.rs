//! The Merkle tree hash of RFC 6962, section 2.1, with SHA-256.

use sha2::{Digest as _, Sha256};

/// Goes before what a leaf holds, so that no inner node can be taken for a leaf.
const LEAF: u8 = 0;
/// Goes before the hashes of an inner node's two sides.
const INNER: u8 = 1;

/// The root over `leaves` in their order. That of none is the hash of nothing.
///
/// A leaf is `SHA-256(0x00 ‖ leaf)`, an inner node `SHA-256(0x01 ‖ left ‖ right)`; the left side has as many leaves as
/// the largest power of two below their number.
pub fn merkle_root<T: AsRef<[u8]>>(leaves: &[T]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::new_with_prefix([LEAF]).chain_update(leaf).finalize().into(),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            let inner = Sha256::new_with_prefix([INNER]).chain_update(merkle_root(left));
            inner.chain_update(merkle_root(right)).finalize().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).expect("a hex digit") as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// The reference trees of Certificate Transparency (`google/certificate-transparency`,
    /// `cpp/merkletree/merkle_tree_test.cc`: `kSHA256Roots` over the first leaves of `kInputs`).
    const INPUTS: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves: Vec<Vec<u8>> = INPUTS.iter().map(|text| unhex(text)).collect();
        for (n, root) in (1..).zip(ROOTS) {
            assert_eq!(merkle_root(&leaves[..n]).to_vec(), unhex(root), "{n} leaves");
        }
    }

    #[test]
    fn the_root_of_no_leaves_is_the_digest_of_nothing() {
        // RFC 6962, 2.1: MTH({}) = SHA-256(); its value is in FIPS 180-4's examples.
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(merkle_root::<&[u8]>(&[]).to_vec(), unhex(nothing));
    }

    #[test]
    fn an_inner_node_is_no_leaf() {
        // Without the prefixes, one leaf that holds two hashes would have the root of two leaves.
        let (a, b) = (merkle_root(&["a"]), merkle_root(&["b"]));
        let forged = [a, b].concat();
        assert_ne!(merkle_root(&[forged]), merkle_root(&["a", "b"]));
    }
}
