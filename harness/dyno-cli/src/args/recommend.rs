//! The flags of `recommend`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(crate) const RECOMMEND_HELP: &str = "\
Examples:
  edgedyno recommend --slo interactive --price pi5-a=92 --price orin=289
  edgedyno recommend c-pi c-orin --slo interactive --kwh 0.30 --users 40 --requests-per-user-hour 12
  edgedyno recommend --slo sla.toml --kwh 0.30 --cloud 0.15,0.60 --format html --output buy.html
  edgedyno recommend --slo interactive --predict raspberry-pi-4=60 --predict apple-m2

Measure each device with `--suite latency` (enough launches to show the service level) and with
`--suite soak` (what it sustains). Prices also come from `price_eur` of devices.toml, as it was
when the campaign was measured.

Exit codes: 0 a device meets the service level, sustained · 1 none does · 5 nothing can be said";

#[derive(Debug, Args)]
pub(crate) struct RecommendArgs {
    /// Campaigns (ids or folders) that measured the devices; of two that measured the same, the later one counts
    /// [default: the newest]
    #[arg(value_name = "CAMPAIGN")]
    pub(crate) campaigns: Vec<PathBuf>,
    /// Objectives to meet: a file, or the name of a set in the catalogue
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) slo: String,
    /// The model that is meant, where the campaigns have several
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Users to be served
    #[arg(long, value_name = "N", requires = "requests_per_user_hour")]
    pub(crate) users: Option<u32>,
    /// How often each of them asks in an hour while there is load
    #[arg(long, value_name = "R", requires = "users")]
    pub(crate) requests_per_user_hour: Option<f64>,
    /// Price of a device; 0 is no price
    #[arg(long = "price", value_name = "DEVICE=EUR", value_parser = priced)]
    pub(crate) prices: Vec<(String, f64)>,
    /// Price of a kilowatt hour; without it energy is in no cost
    #[arg(long, value_name = "EUR")]
    pub(crate) kwh: Option<f64>,
    /// Years of use [default: 3]
    #[arg(long, value_name = "YEARS")]
    pub(crate) years: Option<f64>,
    /// Share of the years, day and night, during which there is load [default: 0.2]
    #[arg(long, value_name = "SHARE")]
    pub(crate) utilisation: Option<f64>,
    /// What a cloud takes for a million tokens, of prompts and of answers
    #[arg(long, value_name = "IN,OUT", value_parser = cloud)]
    pub(crate) cloud: Option<(f64, f64)>,
    /// A board of the catalogue that is not measured, to be predicted from those that are
    #[arg(long, value_name = "BOARD[=EUR]", value_parser = predicted)]
    pub(crate) predict: Vec<(String, Option<f64>)>,
    /// Form of the recommendation
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<RecommendFormat>,
    /// File to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Form of a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecommendFormat {
    /// The answer first, then tables.
    Terminal,
    /// One page, offline.
    Html,
    /// Markdown for pull requests.
    Md,
    /// The normative form.
    Json,
    /// One row for each figure.
    Csv,
}

fn number(text: &str) -> Result<f64, String> {
    let found: f64 = text.trim().parse().map_err(|error| format!("`{text}` is no number: {error}"))?;
    if found.is_finite() { Ok(found) } else { Err(format!("`{text}` is no number")) }
}

fn priced(text: &str) -> Result<(String, f64), String> {
    match text.rsplit_once('=') {
        Some((device, eur)) if !device.is_empty() => Ok((device.to_owned(), number(eur)?)),
        _ => Err("expected DEVICE=EUR".to_owned()),
    }
}

fn cloud(text: &str) -> Result<(f64, f64), String> {
    let (input, output) = text.split_once(',').ok_or_else(|| "expected IN,OUT".to_owned())?;
    Ok((number(input)?, number(output)?))
}

fn predicted(text: &str) -> Result<(String, Option<f64>), String> {
    match text.rsplit_once('=') {
        Some(_) => priced(text).map(|(board, eur)| (board, Some(eur))),
        None if text.is_empty() => Err("expected BOARD or BOARD=EUR".to_owned()),
        None => Ok((text.to_owned(), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_from_the_right() {
        assert_eq!(priced("pi5=92.5"), Ok(("pi5".to_owned(), 92.5)));
        assert_eq!(priced("a=b=3"), Ok(("a=b".to_owned(), 3.0)));
        assert!(priced("pi5").is_err() && priced("=3").is_err() && priced("pi5=cheap").is_err());
        assert!(priced("pi5=inf").is_err(), "no price is without end");
        assert_eq!(cloud("0.15,0.6"), Ok((0.15, 0.6)));
        assert!(cloud("0.15").is_err());
        assert_eq!(predicted("apple-m2"), Ok(("apple-m2".to_owned(), None)));
        assert_eq!(predicted("apple-m2=699"), Ok(("apple-m2".to_owned(), Some(699.0))));
    }
}
