//! Statistics as pure functions: no IO, no clock, no randomness of their own.
//!
//! Every percentile that edgedyno prints is an observation (type 1) with its exact order-statistic interval;
//! the tables that the tests compare with are those of MEASUREMENT §3.2 and §3.3.

mod binomial;
mod bootstrap;
mod capacity;
mod changes;
mod draws;
mod early_stopping;
mod integrate;
mod level;
mod line;
mod optimal;
mod precision;
mod quantile;
mod regression;
mod rolling;
mod segments;
mod series;
mod steady;
mod throughput;
mod trend;
mod verdict;

pub use binomial::{
    Binomial, FiniteRanks, Ranks, clopper_pearson_lower, clopper_pearson_upper, finite_ranks, interval_ranks,
    min_observations,
};
pub use bootstrap::{Ratio, median_ratio};
pub use capacity::{Capacity, CapacityRule, RateStep, SearchEnd, Settled, capacity, settled};
pub use changes::{LevelChanges, level_changes};
pub use early_stopping::{needed_for_claim, tolerated_misses};
pub use integrate::{Counted, CounterRule, Integral, Measured, MeterError, count, median_gap, trapezoid};
pub use level::Level;
pub use line::{Line, least_squares, slope_error};
pub use precision::Known;
pub use quantile::{type1, type1_rank, type7};
pub use regression::{NoRegression, Regression, regress, student_t};
pub use rolling::rolling_medians;
pub use segments::change_points;
pub use series::{effective_n, effective_ranks, lag1_autocorrelation, median};
pub use steady::{Segment, SteadyClass, SteadyRule, SteadyState, steady_state};
pub use throughput::{Goodput, OfferedRate, goodput, is_good, knee, saturation};
pub use trend::{Slope, theil_sen};
pub use verdict::{Verdict, all_of, confidence_of_each, slo_verdict};
