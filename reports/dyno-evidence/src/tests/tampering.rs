//! Each kind of change is found and named.

use std::fs;
use std::path::Path;

use crate::tests::sample::{Desk, Loose, contents, key, members, problems};
use crate::{MANIFEST_FILE, Manifest, Opened, PUBLIC_KEY_FILE, SIGNATURE_FILE, SUMS_FILE, SignatureState};

fn manifest(path: &Path) -> Manifest {
    Opened::open(path).expect("a pack").manifest().clone()
}

fn check(path: &Path, expected: &[&str]) {
    let found = problems(path, &key(1).public());
    assert!(!found.is_empty(), "nothing was found");
    for words in expected {
        assert!(found.iter().any(|problem| problem.contains(words)), "{words:?} is not in {found:#?}");
    }
}

/// The members of a signed pack after a change, in an archive of good form.
fn changed(desk: &Desk, change: impl Fn(&mut Vec<Loose>)) -> std::path::PathBuf {
    let mut all = members(&desk.packed(Some(&key(1))));
    change(&mut all);
    all.sort();
    desk.archive(&all)
}

fn content<'a>(all: &'a mut [Loose], name: &str) -> &'a mut Vec<u8> {
    &mut all.iter_mut().find(|(of, _)| of == name).unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn a_pack_as_it_was_made_has_no_problem() {
    let desk = Desk::new();
    assert_eq!(problems(&desk.packed(Some(&key(1))), &key(1).public()), Vec::<String>::new());
}

#[test]
fn every_single_changed_byte_is_found() {
    let desk = Desk::new();
    for signer in [Some(key(1)), None] {
        let pack = desk.packed(signer.as_ref());
        let whole = fs::read(&pack).expect("the pack");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let path = desk.file("flipped.zip", &bytes);
            let found = match &signer {
                Some(_) => problems(&path, &key(1).public()),
                // Nobody signed: what is left must still be found by the archive's own form and digests.
                None => match Opened::open(&path) {
                    Err(error) => vec![error.to_string()],
                    Ok(pack) => match (pack.faults(), pack.signature(&[])) {
                        (Ok(faults), Ok(SignatureState::None)) if faults.is_empty() => Vec::new(),
                        other => vec![format!("{other:?}")],
                    },
                },
            };
            assert!(!found.is_empty(), "byte {at} of {} went unseen", whole.len());
        }
    }
}

#[test]
fn a_changed_byte_of_a_member_names_the_member() {
    let desk = Desk::new();
    for (name, bytes) in members(&desk.packed(Some(&key(1)))) {
        if bytes.is_empty() {
            continue;
        }
        let path = changed(&desk, |all| content(all, &name)[0] ^= 1);
        let named: &str = match name.as_str() {
            SIGNATURE_FILE => "Broken",
            other => other,
        };
        check(&path, &[named]);
    }
}

#[test]
fn a_pack_that_is_cut_off_anywhere_is_found() {
    let desk = Desk::new();
    let whole = fs::read(desk.packed(Some(&key(1)))).expect("the pack");
    for n in 0..whole.len() {
        assert!(!problems(&desk.file("cut.zip", &whole[..n]), &key(1).public()).is_empty(), "cut at {n}");
    }
    check(&desk.file("cut.zip", &whole[..whole.len() - 1]), &["cut off"]);
    check(&desk.file("long.zip", &[whole.as_slice(), b"x"].concat()), &["cut off, or its end was changed"]);
    check(&desk.file("ahead.zip", &[b"x".as_slice(), &whole].concat()), &["list of members"]);
}

#[test]
fn removed_added_renamed_and_swapped_members_are_named() {
    let desk = Desk::new();
    for name in ["plan.json", "journal.log", "report.json", "empty.txt", SUMS_FILE] {
        check(&changed(&desk, |all| all.retain(|(of, _)| of != name)), &[&format!("{name} is listed in")]);
    }
    check(&changed(&desk, |all| all.retain(|(of, _)| of != MANIFEST_FILE)), &["manifest.json is not in"]);
    check(&changed(&desk, |all| all.retain(|(of, _)| of != SIGNATURE_FILE)), &["Missing"]);
    check(
        &changed(&desk, |all| all.retain(|(of, _)| of != PUBLIC_KEY_FILE)),
        &["public-key.pem is listed", "Missing"],
    );
    let added = changed(&desk, |all| all.push(("extra.txt".to_owned(), b"x".to_vec())));
    check(&added, &["extra.txt is in the archive and not listed"]);
    let renamed = changed(&desk, |all| {
        all.iter_mut()
            .filter(|(name, _)| name == "plan.json")
            .for_each(|(name, _)| *name = "plot.json".to_owned());
    });
    check(&renamed, &["plan.json is listed", "plot.json is in the archive and not listed"]);
    let swapped = changed(&desk, |all| {
        let plan = content(all, "plan.json").clone();
        let report = std::mem::replace(content(all, "report.json"), plan);
        *content(all, "plan.json") = report;
    });
    check(&swapped, &["plan.json", "report.json"]);
    let longer = changed(&desk, |all| content(all, "journal.log").push(b'\n'));
    check(&longer, &["journal.log has 29 bytes; manifest.json says 28"]);
}

#[test]
fn members_out_of_order_are_no_pack() {
    let desk = Desk::new();
    let mut all = members(&desk.packed(Some(&key(1))));
    all.swap(0, 1);
    check(&desk.archive(&all), &["order of the members"]);
}

#[test]
fn a_manifest_that_was_made_to_fit_has_no_signature_that_does() {
    let desk = Desk::new();
    let pack = desk.packed(Some(&key(1)));
    let (mut all, like) = (members(&pack), manifest(&pack));
    *content(&mut all, "report.json") = b"{\"ttft\": 2}\n".to_vec();
    let signature = content(&mut all, SIGNATURE_FILE).clone();
    let path = desk.repacked(all, &like, None);
    check(&path, &["Missing"]);
    let mut all = members(&path);
    all.push((SIGNATURE_FILE.to_owned(), signature));
    all.sort();
    check(&desk.archive(&all), &["Broken"]);
}

#[test]
fn another_signer_is_told_from_the_one_that_was_asked_for() {
    let desk = Desk::new();
    let pack = desk.packed(Some(&key(2)));
    check(&pack, &["WrongKey", &key(2).public().fingerprint()]);
    let opened = Opened::open(&pack).expect("a pack");
    let fingerprint = key(2).public().fingerprint();
    let unknown = SignatureState::UnknownKey { fingerprint: fingerprint.clone() };
    assert_eq!(opened.signature(&[]).expect("readable"), unknown);
    let both = [key(1).public(), key(2).public()];
    assert_eq!(opened.signature(&both).expect("readable"), SignatureState::Good { fingerprint });
}

#[test]
fn a_manifest_signed_anew_with_another_key_is_another_signers() {
    let desk = Desk::new();
    let pack = desk.packed(Some(&key(1)));
    let (mut all, mut like) = (members(&pack), manifest(&pack));
    *content(&mut all, "report.json") = b"{\"ttft\": 2}\n".to_vec();
    *content(&mut all, PUBLIC_KEY_FILE) = key(2).public().pem().into_bytes();
    // Who forgets to name the new signer is found by that.
    check(&desk.repacked(all.clone(), &like, Some(&key(2))), &["Broken"]);
    like.signer = Some(crate::Signer::of(&key(2).public()));
    check(&desk.repacked(all, &like, Some(&key(2))), &["WrongKey"]);
}

#[test]
fn a_pack_whose_signature_was_taken_off_is_unsigned() {
    let desk = Desk::new();
    let pack = desk.packed(Some(&key(1)));
    let mut like = manifest(&pack);
    like.signer = None;
    let all: Vec<Loose> = members(&pack).into_iter().filter(|(name, _)| name != PUBLIC_KEY_FILE).collect();
    let path = desk.repacked(all, &like, None);
    assert_eq!(problems(&path, &key(1).public()), ["None"]);
    // A signature that no signer explains is not passed over.
    let mut all = members(&path);
    all.push((SIGNATURE_FILE.to_owned(), vec![0; 64]));
    all.sort();
    check(&desk.archive(&all), &["Broken"]);
}

#[test]
fn a_root_and_a_list_of_digests_that_do_not_fit_are_named() {
    let desk = Desk::new();
    let pack = desk.packed(None);
    let mut like = manifest(&pack);
    like.merkle_root = dyno_model::digest::Digest::of(b"another");
    let mut all = members(&pack);
    *content(&mut all, MANIFEST_FILE) = like.canonical();
    check(&desk.archive(&all), &["Merkle root is"]);
    let mut all = members(&pack);
    content(&mut all, SUMS_FILE).pop();
    check(&desk.archive(&all), &["SHA256SUMS does not list the digests"]);
    let mut all = members(&pack);
    content(&mut all, MANIFEST_FILE).push(b'\n');
    check(&desk.archive(&all), &["not in the form"]);
}

#[test]
fn the_same_contents_and_key_give_the_same_bytes() {
    let desk = Desk::new();
    let first = fs::read(desk.packed(Some(&key(1)))).expect("the pack");
    let mut backwards = contents();
    backwards.members.reverse();
    let path = desk.path("again.zip");
    let packed = backwards.write(Some(&key(1)), &path).expect("a pack is written");
    let second = fs::read(&path).expect("the pack");
    assert_eq!(first, second);
    assert_eq!((packed.bytes, packed.digest), (second.len() as u64, dyno_model::digest::Digest::of(&second)));
}
