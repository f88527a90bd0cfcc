//! What verifying found, for people and for programs.

use std::fmt::Write as _;

use dyno_evidence::{Manifest, RedactionMode, SignatureState, Tool};
use dyno_report::untrusted::one_line;
use serde::Serialize;
use serde_json::Value;

/// What a program reads.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the word that programs read")]
pub(super) struct Verified {
    pub(super) schema_version: u32,
    pub(super) pack: String,
    /// Whether all that was asked holds.
    pub(super) verified: bool,
    pub(super) campaign: Option<String>,
    pub(super) packed_by: Option<Tool>,
    pub(super) signature: Option<Signature>,
    pub(super) redaction: Option<RedactionMode>,
    pub(super) checks: Vec<Check>,
}

/// A signature in a word.
#[derive(Debug, Serialize)]
pub(super) struct Signature {
    /// `good`, `unknown_key`, `wrong_key`, `no_signature`, `missing` or `broken`.
    pub(super) state: &'static str,
    pub(super) fingerprint: Option<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the word that programs read")]
pub(super) struct Check {
    pub(super) check: String,
    pub(super) state: State,
    pub(super) text: String,
    /// Where the first difference is, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packed: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recomputed: Option<Value>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Holds,
    Fails,
    /// This build cannot tell.
    CannotTell,
    /// Nobody asked for it.
    NotAsked,
    /// Something before it failed.
    NotChecked,
}

impl Check {
    pub(super) fn new(check: &str, state: State, text: impl Into<String>) -> Self {
        let (check, text) = (check.to_owned(), text.into());
        Self { check, state, text, pointer: None, packed: None, recomputed: None }
    }

    pub(super) fn holds(check: &str, text: impl Into<String>) -> Self {
        Self::new(check, State::Holds, text)
    }

    pub(super) fn fails(check: &str, text: impl Into<String>) -> Self {
        Self::new(check, State::Fails, text)
    }

    /// Whether it stands in the way of "verified".
    pub(super) fn is_bad(&self) -> bool {
        match self.state {
            State::Holds | State::NotAsked => false,
            State::Fails | State::CannotTell | State::NotChecked => true,
        }
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "FAILS",
            Self::CannotTell => "cannot tell",
            Self::NotAsked => "not asked",
            Self::NotChecked => "not checked",
        }
    }
}

impl Signature {
    pub(super) fn of(state: &SignatureState) -> Self {
        let (state, fingerprint) = match state {
            SignatureState::None => ("no_signature", None),
            SignatureState::Missing => ("missing", None),
            SignatureState::Broken => ("broken", None),
            SignatureState::UnknownKey { fingerprint } => ("unknown_key", Some(fingerprint)),
            SignatureState::WrongKey { fingerprint } => ("wrong_key", Some(fingerprint)),
            SignatureState::Good { fingerprint } => ("good", Some(fingerprint)),
        };
        Self { state, fingerprint: fingerprint.cloned() }
    }
}

impl Verified {
    /// What a person reads.
    pub(super) fn words(&self) -> String {
        let mut text = format!("{}\n", self.pack);
        if let (Some(campaign), Some(tool)) = (&self.campaign, &self.packed_by) {
            let (campaign, version) = (one_line(campaign), one_line(&tool.tool_version));
            writeln!(text, "campaign {campaign}, packed by edgedyno {version}").expect(MEMORY);
        }
        for check in &self.checks {
            // A pack's own words must not look like lines of ours.
            let said = one_line(&check.text);
            writeln!(text, "  {:<11}  {:<15}  {said}", check.state.word(), check.check).expect(MEMORY);
        }
        let n_bad = self.checks.iter().filter(|check| check.is_bad()).count();
        let is_vouched = self.signature.as_ref().is_some_and(|of| of.state == "good");
        match (self.verified, is_vouched) {
            (true, true) => text.push_str(VOUCHED),
            (true, false) => text.push_str(AS_FAR_AS_ASKED),
            (false, _) => {
                let n = self.checks.len();
                writeln!(text, "NOT verified: {n_bad} of {n} checks do not hold").expect(MEMORY);
            }
        }
        text
    }
}

const VOUCHED: &str =
    "verified: signed by the key that was asked for, and every figure follows from the record\n";
const AS_FAR_AS_ASKED: &str = "verified as far as asked: every figure follows from the record. Nobody was asked to \
    vouch for the record itself: give --public-key for that\n";
const MEMORY: &str = "writing to a String cannot fail";

/// A manifest for people.
pub(super) fn manifest_words(manifest: &Manifest) -> String {
    let (campaign, version) = (one_line(&manifest.campaign), one_line(&manifest.packed_by.tool_version));
    let signer = manifest.signer.as_ref().map_or("nobody".to_owned(), |signer| one_line(&signer.fingerprint));
    let mut text =
        format!("campaign     {campaign}\npacked by    edgedyno {version}\nsigned by    {signer}\n");
    writeln!(text, "Merkle root  {}", manifest.merkle_root).expect(MEMORY);
    for file in &manifest.files {
        let name = one_line(&file.name);
        writeln!(text, "file         {}  {:>12}  {name}", file.sha256.short(), file.bytes).expect(MEMORY);
    }
    for removed in manifest.redaction.iter().flat_map(|redaction| &redaction.removed) {
        writeln!(text, "not in it    {}", one_line(removed)).expect(MEMORY);
    }
    for command in &manifest.by_hand {
        writeln!(text, "by hand      {}", one_line(command)).expect(MEMORY);
    }
    text
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packs_own_words_stay_on_their_line() {
        let check = Check::fails("archive", "member name `a\n  holds        signature        good` is none");
        let verified = Verified {
            schema_version: 1,
            pack: "p.zip".to_owned(),
            verified: false,
            campaign: Some("c\nverified: signed".to_owned()),
            packed_by: Some(Tool {
                tool_version: "1\n".to_owned(),
                build_id: String::new(),
                program_sha256: None,
            }),
            signature: None,
            redaction: None,
            checks: vec![check],
        };
        let words = verified.words();
        assert_eq!(words.lines().count(), 4, "{words}");
        assert!(words.ends_with("NOT verified: 1 of 1 checks do not hold\n"));
    }

    #[test]
    fn numbers_are_grouped() {
        let check = |number, expected| assert_eq!(grouped(number), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(1_234_567, "1,234,567");
    }
}
