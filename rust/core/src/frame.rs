//! A frame: what every framing yields and every protocol takes, and the limits all framings keep.
//!
//! Owns no parsing. Twin of `runtimes/pure/frame.py`.

use std::borrow::Cow;

use crate::error::{DecodeError, Result, limit_exceeded};

/// What sort of message the frame is; only `EventStream` has more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// An ordinary event.
    Event,
    /// `:message-type: exception`, `name` is the `:exception-type`.
    Exception,
    /// `:message-type: error`, `name` is the `:error-code`, `data` the `:error-message`.
    Error,
    /// A whole body that is no stream: one JSON document, HTML or text. `data` holds all of it.
    Document,
}

/// One frame, borrowed from the framing's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Sort of message.
    pub kind: FrameKind,
    /// Event name as the wire says, empty when there is none.
    pub name: &'a str,
    /// Payload text; invalid UTF-8 has become U+FFFD.
    pub data: &'a str,
}

/// Whether the consumer of frames wants more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    More,
    /// The protocol is complete: drop the rest of the bytes.
    Stop,
}

/// Takes frames from a framing.
pub trait FrameSink {
    /// Takes one frame.
    ///
    /// # Errors
    /// Whatever the protocol finds wrong; the framing passes it on unchanged.
    fn frame(&mut self, frame: Frame<'_>) -> Result<Flow>;

    /// Notes something odd that is no failure; ends in `finish.warnings`.
    fn warn(&mut self, message: &str);
}

/// Ceilings on what a peer may make us hold, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest SSE event, JSON array element or document.
    pub max_event_bytes: usize,
    /// Largest `EventStream` frame, prelude and CRC included.
    pub max_frame_bytes: usize,
    /// Largest header block of one `EventStream` frame.
    pub max_header_bytes: usize,
    /// Largest whole response, unlimited when `None`.
    pub max_response_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_event_bytes: 16 << 20,
            max_frame_bytes: 16 << 20,
            max_header_bytes: 128 << 10,
            max_response_bytes: None,
        }
    }
}

/// More of `what` than the limit of that name allows.
#[must_use]
pub fn too_large(what: &str, name: &str, limit: usize) -> DecodeError {
    limit_exceeded(&format!("{what} is larger than {limit} bytes ({name})"))
}

/// Text of bytes, U+FFFD for what is no UTF-8. Nearly all of it is, which `from_utf8` finds out much faster.
#[must_use]
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
