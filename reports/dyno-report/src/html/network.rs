//! Where a runtime's sockets led, for the page.

use dyno_view::network::NetworkView;
use serde::Serialize;

use crate::network;

/// For the template.
#[derive(Serialize)]
pub(super) struct Network {
    text: String,
    tone: &'static str,
    word: &'static str,
    sockets: Vec<String>,
    notes: Vec<String>,
}

/// Of one cell.
pub(super) fn network(view: &NetworkView) -> Network {
    let (text, tone) = network::headline(view);
    Network {
        text,
        tone: tone.class(),
        word: tone.word(),
        sockets: network::sockets(view),
        notes: network::notes(view),
    }
}
