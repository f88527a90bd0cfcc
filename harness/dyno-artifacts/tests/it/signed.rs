//! Signed models, and terms: what is taken into the store, and what is refused by name.
//!
//! The signatures are made by the crate `minisign`, which shares no code with what verifies them.

use std::fmt::Write as _;
use std::fs;

use dyno_artifacts::{Conditions, FileWords, PullError, PulledModel, Refusal, SignatureError};
use dyno_model::blame::{Blame, Classify as _};
use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, ModelSource, PlannedModel};
use dyno_model::trust::{ProgramPin, SignatureForm, SignatureSource, SignatureState, Trust, TrustedKey};
use minisign::KeyPair;

use crate::bench::{Bench, Log, NoQuantizer, from_file, model_bytes, published};
use crate::derived::{Halver, derived};
use crate::http::{Server, whole};

fn key_pair() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().expect("random bytes")
}

/// The signature file of these bytes.
fn sign(keys: &KeyPair, bytes: &[u8], comment: &str) -> String {
    minisign::sign(Some(&keys.pk), &keys.sk, bytes, Some(comment), None).expect("a signature").to_string()
}

/// A project that trusts `keys` as `lab`.
fn trust(keys: &KeyPair, require: bool) -> Trust {
    // `Ed`, eight bytes of id, the key: minisign's documented format.
    let raw = keys.pk.to_bytes();
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        })
    };
    let id: Vec<u8> = raw[2..10].iter().rev().copied().collect();
    let key = TrustedKey {
        name: "lab".to_owned(),
        ed25519: hex(&raw[10..]),
        minisign_id: Some(hex(&id).to_uppercase()),
    };
    Trust { keys: vec![key], require_for_models: require, require_for_runtimes: require, ..Trust::default() }
}

fn pull(bench: &Bench, model: &PlannedModel, trust: &Trust) -> Result<PulledModel, PullError> {
    let conditions = Conditions { trust: Some(trust), ..Conditions::default() };
    bench.store.pull("m", model, &conditions, &mut NoQuantizer, &mut Log::default())
}

fn refusal(result: Result<PulledModel, PullError>) -> Refusal {
    match result.expect_err("it is refused") {
        PullError::Refused(refused) => {
            assert_eq!(refused.what, "model `m`");
            assert!(!refused.hints().is_empty());
            refused.why
        }
        other => panic!("{other}"),
    }
}

fn signed_by_lab(comment: &str) -> SignatureState {
    SignatureState::Signed {
        key: "lab".to_owned(),
        form: SignatureForm::Minisign,
        comment: Some(comment.to_owned()),
    }
}

#[test]
fn a_signed_model_is_taken_and_checked_again_each_time() {
    let (bench, bytes, keys) = (Bench::new(), model_bytes(), key_pair());
    let mut model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    model.provenance.signature_from = Some(SignatureSource::Text { text: sign(&keys, &bytes, "one") });
    let trust = trust(&keys, true);
    let pulled = pull(&bench, &model, &trust).expect("it is signed");
    assert_eq!((pulled.signature, pulled.was_there), (signed_by_lab("one"), false));
    let again = pull(&bench, &model, &trust).expect("it is signed");
    assert_eq!((again.signature, again.was_there), (signed_by_lab("one"), true));

    let mut changed = bytes.clone();
    changed[1_234_567] ^= 1;
    fs::write(&again.path, &changed).expect("the file in the store");
    let Refusal::Changed { file, expected, found } = refusal(pull(&bench, &model, &trust)) else {
        panic!("another refusal")
    };
    assert_eq!((file.as_str(), expected, found), ("m.gguf", Digest::of(&bytes), Digest::of(&changed)));
}

#[test]
fn a_file_with_another_signature_does_not_enter_the_store() {
    let (bench, bytes, keys) = (Bench::new(), model_bytes(), key_pair());
    let mut model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    let mut with = |text: String, require: bool| {
        model.provenance.signature_from = Some(SignatureSource::Text { text });
        let refused = pull(&bench, &model, &trust(&keys, require)).expect_err("it is refused");
        assert_eq!(bench.files(), [""; 0], "{refused}");
        refused
    };
    let mut changed = bytes.clone();
    changed[0] ^= 1;
    for require in [true, false] {
        let error = with(sign(&keys, &changed, "one"), require);
        let PullError::Refused(refused) = &error else { panic!("{error}") };
        assert!(matches!(
            &refused.why,
            Refusal::Wrong { file, why: SignatureError::OtherFile { key } } if file == "m.gguf" && key == "lab"
        ));
        assert_eq!((error.blame(), error.is_transient()), (Blame::Lab, false));
        let error = with("garbage".to_owned(), require);
        assert!(error.to_string().starts_with("model `m` is refused: the signature of `m.gguf`"), "{error}");
    }
    // A good signature, of somebody else.
    let error = with(sign(&key_pair(), &bytes, "one"), true);
    assert_eq!(error.blame(), Blame::User);
    assert!(error.to_string().contains("does not trust (it trusts lab)"), "{error}");
}

#[test]
fn nothing_is_fetched_that_must_be_signed_and_is_not() {
    let (bench, bytes) = (Bench::new(), model_bytes());
    // An address that nobody answers at: it is not asked.
    let model = published(&bytes, vec![ModelSource::Https { url: "http://127.0.0.1:9/m".to_owned() }]);
    assert!(matches!(refusal(pull(&bench, &model, &trust(&key_pair(), true))), Refusal::Unsigned { .. }));
}

#[test]
fn a_signer_that_nobody_knows_is_named_and_nothing_is_demanded() {
    let (bench, bytes, keys) = (Bench::new(), model_bytes(), key_pair());
    let mut model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    model.provenance.signature_from = Some(SignatureSource::Text { text: sign(&keys, &bytes, "one") });
    let found = bench.pull(&model).expect("no signature is demanded").signature;
    let SignatureState::UnknownSigner { signer, form } = found else { panic!("{found:?}") };
    assert_eq!(Some(signer), trust(&keys, false).keys[0].minisign_id.clone());
    assert_eq!(form, SignatureForm::Minisign);
}

#[test]
fn a_signature_comes_from_a_file_or_an_address() {
    let (bench, bytes, keys) = (Bench::new(), model_bytes(), key_pair());
    let trust = trust(&keys, true);
    let text = sign(&keys, &bytes, "one");
    let mut model = published(&bytes, vec![from_file(&bench.file("own.gguf", &bytes))]);
    let path = bench.file("m.minisig", text.as_bytes());
    model.provenance.signature_from =
        Some(SignatureSource::File { path: path.to_str().expect("a plain path").to_owned() });
    assert_eq!(pull(&bench, &model, &trust).expect("signed").signature, signed_by_lab("one"));
    fs::write(&path, vec![b'A'; 1 << 20]).expect("a temporary file");
    assert!(matches!(
        refusal(pull(&bench, &model, &trust)),
        Refusal::Wrong { why: SignatureError::TooLong, .. }
    ));
    fs::remove_file(&path).expect("a temporary file");
    assert!(matches!(refusal(pull(&bench, &model, &trust)), Refusal::NoSignature { .. }));

    // The second answer is longer than any signature, and is not read to its end.
    let server = Server::start(vec![whole(text.as_bytes()), whole(&vec![b'A'; 1 << 20])]);
    let ModelSource::Https { url } = server.source() else { panic!("a server has an address") };
    model.provenance.signature_from = Some(SignatureSource::Https { url: url.clone() });
    for _ in 0..2 {
        // Asked for once: it is kept beside the model.
        assert_eq!(pull(&bench, &model, &trust).expect("signed").signature, signed_by_lab("one"));
    }
    model.provenance.signature_from = Some(SignatureSource::Https { url: format!("{url}2") });
    assert!(matches!(
        refusal(pull(&bench, &model, &trust)),
        Refusal::Wrong { why: SignatureError::TooLong, .. }
    ));
    assert_eq!(server.heads().len(), 2);
}

#[test]
fn a_derived_model_is_as_trusted_as_what_it_was_made_from() {
    let (bench, bytes, keys) = (Bench::new(), model_bytes(), key_pair());
    let mut model = derived(&bench, &bytes, None);
    let trust = trust(&keys, true);
    let pull = |model: &PlannedModel| {
        let conditions = Conditions { trust: Some(&trust), ..Conditions::default() };
        bench.store.pull("m", model, &conditions, &mut Halver::default(), &mut Log::default())
    };
    let error = pull(&model).expect_err("its parent is unsigned");
    assert_eq!(
        error.to_string(),
        "model `parent` is refused: `m.gguf` is unsigned, and this project requires a signature"
    );
    model.provenance.parent_signature_from = Some(SignatureSource::Text { text: sign(&keys, &bytes, "one") });
    let expected = SignatureState::MadeFromSigned { from: "parent".to_owned(), key: "lab".to_owned() };
    let made = pull(&model).expect("its parent is signed");
    assert_eq!((made.was_there, &made.signature), (false, &expected));
    let there = pull(&model).expect("its parent is signed");
    assert_eq!((there.was_there, &there.signature), (true, &expected));
    let mut changed = fs::read(&there.path).expect("the model");
    changed[77] ^= 1;
    fs::write(&there.path, changed).expect("the model");
    assert!(matches!(refusal(pull(&model)), Refusal::Changed { .. }));
}

#[test]
fn terms_of_a_parent_hold_for_what_is_made_from_it_and_for_an_added_file() {
    const URL: &str = "https://terms.example/";
    let (bench, bytes) = (Bench::new(), model_bytes());
    let mut model = derived(&bench, &bytes, None);
    let ModelOrigin::Derived { published, .. } = &mut model.origin else { panic!("it is derived") };
    let ModelOrigin::Published { terms_url, .. } = published.as_mut() else { panic!("of a published one") };
    *terms_url = Some(URL.to_owned());
    let pull = |conditions: &Conditions<'_>| {
        bench.store.pull("m", &model, conditions, &mut Halver::default(), &mut Log::default())
    };
    let asked = |result: Result<PulledModel, PullError>| {
        assert!(
            matches!(result, Err(PullError::TermsNotAccepted { ref url, .. }) if url == URL),
            "{result:?}"
        );
    };
    asked(pull(&Conditions::default()));
    // Whoever brings the parent's file by hand was not asked.
    bench
        .store
        .add(&bench.dir.path().join("own.gguf"), &FileWords::default(), None, &mut Log::default())
        .expect("a GGUF file");
    asked(pull(&Conditions::default()));
    let project = Trust { accepted_terms: vec![URL.to_owned()], ..Trust::default() };
    let by_project = Conditions { trust: Some(&project), ..Conditions::default() };
    let first = pull(&by_project).expect("accepted").terms.expect("it says so");
    assert_eq!((first.by.as_str(), first.url.as_str()), ("catalog/trust.toml", URL));
    // It is on record, for the parent and for what was made from it.
    let again = pull(&Conditions::default()).expect("it was accepted");
    assert_eq!((again.was_there, again.terms), (true, Some(first)));
}

#[test]
fn the_pin_of_a_program_is_signed_by_its_digest() {
    let (bench, keys) = (Bench::new(), key_pair());
    let digest = Digest::of(b"a program on a device");
    let trust = trust(&keys, true);
    let check = |signature: Option<String>, trust: &Trust| {
        let signature_from = signature.map(|text| SignatureSource::Text { text });
        let pin = ProgramPin { sha256: digest.clone(), signature_from, signature: None };
        bench.store.check_program("served", "llama-server", &pin, Some(trust))
    };
    let words = |result: Result<SignatureState, PullError>| result.expect_err("refused").to_string();
    assert!(
        words(check(None, &trust)).starts_with("runtime `served` is refused: `llama-server` is unsigned")
    );
    assert_eq!(check(None, &Trust::default()).expect("nothing is demanded"), SignatureState::Unsigned);
    let comment = format!("sha256:{digest}");
    // The file itself is elsewhere: what it hashes to in minisign's way does not matter.
    let good = sign(&keys, b"a program on a device", &comment);
    assert_eq!(check(Some(good), &trust).expect("signed"), signed_by_lab(&comment));
    let bare = sign(&keys, b"a program on a device", "one");
    assert!(words(check(Some(bare), &trust)).contains("it does not tell the SHA-256"));
    let other = sign(&keys, b"x", &format!("sha256:{}", Digest::of(b"x")));
    assert!(words(check(Some(other), &trust)).contains("is pinned"));
    let stranger = sign(&key_pair(), b"a program on a device", &comment);
    assert!(words(check(Some(stranger), &trust)).contains("does not trust"));
}
