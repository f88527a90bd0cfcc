//! What a caller of dyno-plan sees.

mod arms;
mod boards;
mod care;
mod corpora;
mod lab;
mod loads;
mod meters;
mod plans;
mod problems;
mod prompts;
mod servers;
mod shipped;
mod slos;
mod slos_quality;
mod starts;
mod steering;
mod trust;
