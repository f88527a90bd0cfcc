//! Windows has no process groups of this kind.

use std::process::{Child, Command};

/// Nothing is to be done.
pub(crate) fn prepare_child(_command: &mut Command) {}

/// Ends `child`.
pub(crate) fn end_group(child: &mut Child) {
    // Best effort: one that has ended cannot be ended.
    drop(child.kill());
    drop(child.wait());
}
