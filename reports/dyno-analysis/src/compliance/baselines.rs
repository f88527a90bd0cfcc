//! Campaigns that drops of quality are held against.

use std::collections::BTreeMap;

use dyno_model::slo::Objective;
use dyno_store::Campaign;

/// What is at hand of baselines.
#[derive(Debug, Clone, Default)]
pub enum Baselines<'a> {
    /// Nothing: one campaign is judged by itself, as of an evidence pack. Drops stay open, and say why.
    #[default]
    Elsewhere,
    /// These.
    Given {
        /// By the names that objectives have for them.
        named: BTreeMap<String, &'a Campaign>,
        /// One in place of all of these.
        instead: Option<&'a Campaign>,
    },
}

/// What an objective is held against.
pub(super) enum Against<'a> {
    /// It is not at hand.
    Elsewhere,
    /// Nobody said.
    Unnamed,
    /// This.
    Campaign(&'a Campaign),
}

impl<'a> Baselines<'a> {
    pub(super) fn of(&self, objective: &Objective) -> Against<'a> {
        let Self::Given { named, instead } = self else { return Against::Elsewhere };
        let by_name = || named.get(objective.baseline.as_ref()?).copied();
        instead.or_else(by_name).map_or(Against::Unnamed, Against::Campaign)
    }
}
