//! What a caller of dyno-plan sees.

mod arms;
mod boards;
mod care;
mod lab;
mod loads;
mod meters;
mod plans;
mod problems;
mod servers;
mod shipped;
mod slos;
mod starts;
mod steering;
