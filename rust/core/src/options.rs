//! What a caller may set on a decoder, already validated. Twin of `runtimes/pure/options.py`.

use crate::frame::Limits;

/// See `zen_native.Decoder` for the meaning of each.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Key of metadata.
    pub provider: String,
    /// Ceilings.
    pub limits: Limits,
    /// Names of tags whose text is reasoning; empty: none.
    pub think_tags: Vec<String>,
    /// Wait for a charge after the terminal.
    pub trailing_cost: bool,
    /// An answer without any finish reason is incomplete.
    pub require_finish_reason: bool,
    /// Give out frames that no handler knows.
    pub raw_events: bool,
}
