//! What a caller of dyno-plan sees.

mod lab;
mod loads;
mod plans;
mod problems;
mod servers;
mod shipped;
mod starts;
mod steering;
