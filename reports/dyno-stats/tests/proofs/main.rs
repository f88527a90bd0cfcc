//! Proofs by simulation: what the functions say about their own errors holds in seeded experiments of many shapes.

mod claims;
mod draws;
mod effects;
mod quantiles;
mod releases;
