//! What a buyer asks, checked, and why it cannot be answered.

use std::collections::BTreeMap;

use dyno_model::blame::{Blame, Classify};
use dyno_model::board::PlannedBoard;
use dyno_model::slo::Slo;
use dyno_view::comparison::WorkPart;

use crate::error::AnalysisError;

/// Years of use where nobody says (house rule).
pub(super) const YEARS: f64 = 3.0;
/// Share of the years under load where nobody says (house rule): 4.8 hours a day.
pub(super) const UTILISATION: f64 = 0.2;

/// What a buyer asks.
#[derive(Debug, Clone, PartialEq)]
pub struct BuyerAsk {
    /// What the devices are held against.
    pub slo: Slo,
    /// The users to be served; `None` is one device that works whenever there is load.
    pub demand: Option<Demand>,
    /// Prices of devices by their id, in euro; they come before those of devices.toml. 0 is no price.
    pub prices_eur: BTreeMap<String, f64>,
    /// Euro for a kilowatt hour; `None` leaves energy out.
    pub kwh_eur: Option<f64>,
    /// Years of use; `None` is 3.
    pub years: Option<f64>,
    /// Share of the years under load, above 0 and at most 1; `None` is 0.2.
    pub utilisation: Option<f64>,
    /// What the cloud takes.
    pub cloud: Option<CloudPrice>,
    /// Boards to be predicted.
    pub predict: Vec<PredictAsk>,
    /// The catalogue of boards by name.
    pub boards: BTreeMap<String, PlannedBoard>,
    /// The model that is meant, where the campaigns have several.
    pub model: Option<String>,
    /// The command that asks this, for the page.
    pub regenerate: String,
    /// edgedyno's version.
    pub tool_version: String,
}

/// The users to be served.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// How many there are.
    pub users: u32,
    /// How often each of them asks in an hour under load.
    pub requests_per_user_hour: f64,
}

impl Demand {
    /// Requests per second while there is load.
    pub(super) fn per_s(&self) -> f64 {
        f64::from(self.users) * self.requests_per_user_hour / 3600.0
    }
}

/// Euro for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CloudPrice {
    /// Of prompts.
    pub input_eur: f64,
    /// Of answers.
    pub output_eur: f64,
}

/// A board to be predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictAsk {
    /// Its name in the catalogue.
    pub board: String,
    /// Price of one, in euro.
    pub price_eur: Option<f64>,
}

impl BuyerAsk {
    pub(super) fn years(&self) -> f64 {
        self.years.unwrap_or(YEARS)
    }

    pub(super) fn utilisation(&self) -> f64 {
        self.utilisation.unwrap_or(UTILISATION)
    }

    /// All numbers must mean something, and all boards must be known.
    pub(super) fn check(&self) -> Result<(), RecommendError> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let amount = |value: f64| value >= 0.0 && value.is_finite();
        let refuse = |what: &'static str, value: f64, allowed: &'static str| {
            Err(RecommendError::Impossible { what, value, allowed })
        };
        if !positive(self.years()) {
            return refuse("years", self.years(), "above 0");
        }
        if !(positive(self.utilisation()) && self.utilisation() <= 1.0) {
            return refuse("utilisation", self.utilisation(), "above 0 and at most 1");
        }
        let demand = self.demand.map(|of| [f64::from(of.users), of.requests_per_user_hour]);
        if let Some(value) = demand.into_iter().flatten().find(|value| !positive(*value)) {
            return refuse("number of users or of their requests", value, "above 0");
        }
        let cloud = self.cloud.map(|of| [of.input_eur, of.output_eur]);
        let predicted = self.predict.iter().filter_map(|of| of.price_eur);
        let prices = self.prices_eur.values().copied().chain(self.kwh_eur).chain(predicted);
        if let Some(value) = prices.chain(cloud.into_iter().flatten()).find(|value| !amount(*value)) {
            return refuse("price", value, "0 or more");
        }
        let unknown = self.predict.iter().find(|of| !self.boards.contains_key(&of.board));
        match unknown {
            None => Ok(()),
            Some(of) => Err(RecommendError::UnknownBoard {
                board: of.board.clone(),
                known: self.boards.keys().cloned().collect(),
            }),
        }
    }
}

/// A recommendation cannot be worked out.
#[derive(Debug, thiserror::Error)]
pub enum RecommendError {
    /// A record cannot be read.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// There is no campaign.
    #[error("no campaign to recommend from")]
    NoCampaign,
    /// A number that means nothing.
    #[error("the {what} is {value}")]
    Impossible {
        /// Which.
        what: &'static str,
        /// It.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// A price of a device that no campaign has.
    #[error("a price is given for `{device}`, which no campaign has")]
    UnknownDevice {
        /// The id.
        device: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A board that the catalogue does not have.
    #[error("unknown board `{board}`")]
    UnknownBoard {
        /// Its name.
        board: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The model that was asked for is in no campaign.
    #[error("no campaign measured the model `{model}`")]
    UnknownModel {
        /// Its name.
        model: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Cells did unlike work, so that none can be preferred.
    #[error("{one} and {other} did unlike work: they differ in {}", part_words(.parts))]
    Unlike {
        /// One cell, in words.
        one: String,
        /// The other.
        other: String,
        /// In what they differ.
        parts: Vec<WorkPart>,
    },
}

fn part_words(parts: &[WorkPart]) -> String {
    let words: Vec<&str> = parts.iter().map(|part| part_word(*part)).collect();
    crate::comparison::listed(&words)
}

fn part_word(part: WorkPart) -> &'static str {
    match part {
        WorkPart::Model => "the model file",
        WorkPart::Load => "the load",
        WorkPart::Context => "the context length",
        WorkPart::Prompts => "the prompts",
        WorkPart::Answers => "the answers' lengths or sampling",
        WorkPart::Start => "the state that launches start from",
    }
}

impl Classify for RecommendError {
    fn blame(&self) -> Blame {
        match self {
            Self::Analysis(error) => error.blame(),
            Self::NoCampaign
            | Self::Impossible { .. }
            | Self::UnknownDevice { .. }
            | Self::UnknownBoard { .. }
            | Self::UnknownModel { .. }
            | Self::Unlike { .. } => Blame::User,
        }
    }

    fn hints(&self) -> Vec<String> {
        let known = |names: &[String]| vec![format!("known: {}", names.join(", "))];
        match self {
            Self::Analysis(error) => error.hints(),
            Self::NoCampaign => vec!["measure first: `edgedyno run --suite soak`".to_owned()],
            Self::Impossible { allowed, .. } => vec![(*allowed).to_owned()],
            Self::UnknownDevice { known: names, .. }
            | Self::UnknownBoard { known: names, .. }
            | Self::UnknownModel { known: names, .. } => known(names),
            Self::Unlike { parts, .. } if parts.contains(&WorkPart::Model) => {
                vec![
                    "name the model that is meant: `--model NAME`; or name campaigns of one model".to_owned(),
                ]
            }
            Self::Unlike { .. } => {
                vec!["name campaigns of one suite, with the same prompts on every device".to_owned()]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dyno_model::digest::Digest;

    use super::*;

    fn ask() -> BuyerAsk {
        BuyerAsk {
            slo: Slo {
                name: "s".to_owned(),
                description: String::new(),
                file: "s.toml".to_owned(),
                digest: Digest::of(b"s"),
                objectives: Vec::new(),
            },
            demand: None,
            prices_eur: BTreeMap::new(),
            kwh_eur: None,
            years: None,
            utilisation: None,
            cloud: None,
            predict: Vec::new(),
            boards: BTreeMap::new(),
            model: None,
            regenerate: String::new(),
            tool_version: String::new(),
        }
    }

    #[test]
    fn numbers_that_mean_nothing_are_refused() {
        let check = |change: &dyn Fn(&mut BuyerAsk), expected: Option<&str>| {
            let mut ask = ask();
            change(&mut ask);
            assert_eq!(ask.check().err().map(|error| error.to_string()).as_deref(), expected);
        };
        check(&|_| {}, None);
        check(&|ask| ask.years = Some(0.0), Some("the years is 0"));
        check(&|ask| ask.utilisation = Some(1.0), None);
        check(&|ask| ask.utilisation = Some(0.0), Some("the utilisation is 0"));
        check(&|ask| ask.utilisation = Some(1.5), Some("the utilisation is 1.5"));
        check(&|ask| ask.utilisation = Some(f64::NAN), Some("the utilisation is NaN"));
        check(&|ask| ask.kwh_eur = Some(-0.1), Some("the price is -0.1"));
        check(&|ask| ask.prices_eur = [("pi5".to_owned(), 0.0)].into(), None);
        let nobody = Demand { users: 0, requests_per_user_hour: 2.0 };
        check(&|ask| ask.demand = Some(nobody), Some("the number of users or of their requests is 0"));
        let moon = PredictAsk { board: "moon".to_owned(), price_eur: None };
        check(&|ask| ask.predict.push(moon.clone()), Some("unknown board `moon`"));
    }

    #[test]
    fn users_ask_so_often_a_second() {
        let demand = Demand { users: 30, requests_per_user_hour: 12.0 };
        assert!((demand.per_s() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn unlike_work_is_told_in_words() {
        let error = RecommendError::Unlike {
            one: "a".to_owned(),
            other: "b".to_owned(),
            parts: vec![WorkPart::Model, WorkPart::Prompts, WorkPart::Load],
        };
        assert_eq!(
            error.to_string(),
            "a and b did unlike work: they differ in the model file, the prompts and the load"
        );
        assert_eq!(error.blame(), Blame::User);
    }
}
