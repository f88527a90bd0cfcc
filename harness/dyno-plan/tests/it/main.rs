//! What a caller of dyno-plan sees.

mod boards;
mod care;
mod lab;
mod loads;
mod meters;
mod plans;
mod problems;
mod servers;
mod shipped;
mod starts;
mod steering;
