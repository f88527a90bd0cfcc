//! Where a runtime's sockets led.

use dyno_view::report::CellView;

use super::{Ink, Page};
use crate::network::{self, Tone};
use crate::untrusted::one_line;

impl Page {
    /// A line; where there is more to say than that nothing was seen, what it is.
    pub(super) fn network(&mut self, cell: &CellView) {
        let Some(view) = &cell.network else { return };
        let (text, tone) = network::headline(view);
        let ink = match tone {
            Tone::Good => Ink::Plain,
            Tone::Unknown => Ink::Warn,
            Tone::Bad => Ink::Bad,
        };
        self.wrapped("Network:", &one_line(&text), ink);
        for line in network::sockets(view) {
            self.wrapped("", &one_line(&line), ink);
        }
    }
}
