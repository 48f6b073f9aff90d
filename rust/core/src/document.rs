//! Framing `document`: the whole body is one frame.
//!
//! Owns the collecting of a body that is no stream, which the other framings use when they meet one. White space before
//! the first other byte is dropped. Knows nothing of JSON. Twin of `runtimes/pure/document.py`.

use crate::error::Result;
use crate::frame::{Flow, Frame, FrameKind, FrameSink, Limits, lossy, too_large};
use crate::lead::is_blank;

/// Holds a body until its end, up to a limit, and yields it as one frame; nothing for a body of white space.
#[derive(Debug)]
pub(crate) struct Collector {
    bytes: Vec<u8>,
    limit: usize,
}

impl Collector {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { bytes: Vec::new(), limit: limits.max_event_bytes }
    }

    /// Adds bytes; those before the first that is no white space are dropped.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let bytes = if self.bytes.is_empty() { trim_start(bytes) } else { bytes };
        if self.bytes.len().saturating_add(bytes.len()) > self.limit {
            self.bytes = Vec::new();
            return Err(too_large("document", "max_event_bytes", self.limit));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Yields what was collected, if anything.
    pub(crate) fn end<S: FrameSink>(&mut self, sink: &mut S) -> Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.is_empty() {
            return Ok(());
        }
        let data = lossy(&bytes);
        sink.frame(Frame { kind: FrameKind::Document, name: "", data: &data }).map(|_: Flow| ())
    }
}

/// Drops leading white space as JSON counts it, which is less than what ASCII does.
fn trim_start(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}
