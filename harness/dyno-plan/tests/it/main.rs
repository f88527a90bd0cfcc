//! What a caller of dyno-plan sees.

mod lab;
mod loads;
mod plans;
mod problems;
mod shipped;
