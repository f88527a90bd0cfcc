//! Where a runtime's sockets led.

use dyno_view::report::CellView;

use super::{escaped, push};
use crate::network;

/// A line, and what stands behind it.
pub(super) fn network(cell: &CellView, out: &mut String) {
    let Some(view) = &cell.network else { return };
    push(out, format_args!("\nNetwork: {}.\n", escaped(&network::headline(view).0)));
    let sockets = network::sockets(view);
    if !sockets.is_empty() {
        out.push('\n');
    }
    for line in sockets {
        push(out, format_args!("- {}\n", escaped(&line)));
    }
    let notes = network::notes(view);
    if notes.is_empty() {
        return;
    }
    out.push_str("\n<details><summary>How the network was watched</summary>\n\n");
    for note in notes {
        push(out, format_args!("- {}\n", escaped(&note)));
    }
    out.push_str("\n</details>\n");
}
