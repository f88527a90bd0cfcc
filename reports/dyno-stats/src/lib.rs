//! Statistics as pure functions: no IO, no clock, no randomness of their own.
//!
//! Every percentile that edgedyno prints is an observation (type 1) with its exact order-statistic interval;
//! the tables that the tests compare with are those of MEASUREMENT §3.2 and §3.3.
//! What an interval or a test says about its own errors is shown by simulation, in `tests/proofs` and beside the code.

mod band;
mod binomial;
mod bootstrap;
mod capacity;
mod change_verdict;
mod changes;
mod clustered;
mod draws;
mod early_stopping;
mod effect;
mod few_runs;
mod integrate;
mod level;
mod line;
mod multiple;
mod optimal;
mod paired;
mod paired_share;
mod power;
mod precision;
mod quantile;
mod rank;
mod ranksum;
mod regression;
mod releases;
mod rolling;
mod runs;
mod segments;
mod series;
mod shape;
mod signed_rank;
mod steady;
mod sums;
mod throughput;
mod trend;
mod verdict;

pub use band::dkw_half_height;
pub use binomial::{
    Binomial, FiniteRanks, Ranks, clopper_pearson_lower, clopper_pearson_upper, finite_ranks, interval_ranks,
    min_observations,
};
pub use bootstrap::{Ratio, median_ratio};
pub use capacity::{Capacity, CapacityRule, RateStep, SearchEnd, Settled, capacity, settled};
pub use change_verdict::{ChangeVerdict, blocks_to_decide, change_verdict};
pub use changes::{LevelChanges, level_changes};
pub use clustered::{ClusteredShare, clustered_share};
pub use early_stopping::{needed_for_claim, tolerated_misses};
pub use effect::{Effect, hodges_lehmann, shift};
pub use few_runs::fails_in_every_run;
pub use integrate::{Counted, CounterRule, Integral, Measured, MeterError, count, median_gap, trapezoid};
pub use level::Level;
pub use line::{Line, least_squares, slope_error};
pub use multiple::benjamini_hochberg;
pub use paired::{block_effect, mcnemar};
pub use paired_share::{PairedDifference, paired_deviation, paired_difference, pairs_to_decide};
pub use power::{blocks_for, minimum_detectable};
pub use precision::Known;
pub use quantile::{type1, type1_rank, type7};
pub use ranksum::{MannWhitney, mann_whitney};
pub use regression::{NoRegression, Regression, regress, student_t};
pub use releases::{ReleaseChange, ReleaseRule, release_changes};
pub use rolling::rolling_medians;
pub use runs::run_quantile_ratio;
pub use segments::change_points;
pub use series::{effective_n, effective_ranks, lag1_autocorrelation, median};
pub use shape::{harrell_davis, ks_distance};
pub use signed_rank::{SignedRank, signed_rank};
pub use steady::{Segment, SteadyClass, SteadyRule, SteadyState, steady_state};
pub use sums::{SumRatio, sum_ratio};
pub use throughput::{Goodput, OfferedRate, goodput, is_good, knee, saturation};
pub use trend::{Slope, theil_sen};
pub use verdict::{Verdict, all_of, confidence_of_each, slo_verdict};
