//! What a caller of dyno-plan sees.

mod lab;
mod plans;
mod problems;
mod shipped;
