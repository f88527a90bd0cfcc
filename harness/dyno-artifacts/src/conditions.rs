//! Under which conditions a model may be used: whose signatures count, which terms are accepted.

use dyno_model::clock::WallNs;
use dyno_model::plan::ModelSource;
use dyno_model::trust::{AcceptedTerms, Trust};

use crate::pull::describe;
use crate::record::ModelRecord;

/// How the file with the project's trust is called in records.
const TRUST_FILE: &str = "catalog/trust.toml";
/// How an acceptance is called that an older version asked for and did not keep.
const EARLIER: &str = "the pull by an earlier version, which asked for it";

/// What a person and a project have said before a model is taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'c> {
    /// The flag by which the person accepts terms of any model; `None` when it was not given.
    pub accepted_by: Option<&'c str>,
    /// Whom the project trusts; `None` when it does not say.
    pub trust: Option<&'c Trust>,
}

impl Conditions<'_> {
    /// Whether an unsigned model is refused.
    pub(crate) fn requires_signature(&self) -> bool {
        self.trust.is_some_and(|trust| trust.require_for_models)
    }

    /// The acceptance of the terms at `url`: the one on record, or the one that is given now.
    pub(crate) fn acceptance(
        &self,
        license: &str,
        url: &str,
        record: Option<&ModelRecord>,
        sources: &[ModelSource],
    ) -> Option<AcceptedTerms> {
        let of = |by: &str, at| AcceptedTerms {
            license: license.to_owned(),
            url: url.to_owned(),
            by: by.to_owned(),
            at,
        };
        let kept = record.and_then(|record| record.terms.clone()).filter(|terms| terms.url == url);
        let now = || Some(of(self.accepted_by?, Some(WallNs::now())));
        let project = || {
            let is_accepted = self.trust?.accepted_terms.iter().any(|accepted| accepted == url);
            is_accepted.then(|| of(TRUST_FILE, Some(WallNs::now())))
        };
        let earlier = || record.filter(|record| was_pulled(record, sources)).map(|_| of(EARLIER, None));
        kept.or_else(now).or_else(project).or_else(earlier)
    }
}

/// Whether the file came over the network by a pull, which never went on without an acceptance. A copied file may as
/// well have been brought by a person, whom nobody asked.
fn was_pulled(record: &ModelRecord, sources: &[ModelSource]) -> bool {
    let is_remote = |source: &&ModelSource| !matches!(source, ModelSource::File { .. });
    sources.iter().filter(is_remote).any(|source| describe(source) == record.source)
}
