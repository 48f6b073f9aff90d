//! Framing `eventstream`: `application/vnd.amazon.eventstream`.
//!
//! Source: Smithy, "Amazon Event Stream Specification". A frame is a prelude of twelve bytes (total length, header
//! length, CRC of those eight), headers, payload, and the CRC of all before it. The prelude is checked as soon as it is
//! there, sizes before anything is buffered, the message CRC always. Nothing is resynchronised by guess.
//!
//! Choices: a frame without `:message-type` is an event if it has an `:event-type`; a payload's text that is not UTF-8
//! is replaced. A body that begins as a document (see `lead`) is yielded whole at its end, and one
//! that begins with other printable text is refused: a frame with such a first byte would have over 512 MiB. Owns no
//! meaning of event names or payloads. Twin of `runtimes/pure/eventstream.py`.

use crate::document::Collector;
use crate::error::{DecodeError, ErrorKind, Result};
use crate::frame::{Flow, Frame, FrameKind, FrameSink, Limits, lossy, too_large};
use crate::header::{HeaderValue, invalid, parse_header, parse_headers};
use crate::lead::{Head, is_blank, is_document, recycle};
use crate::template::Places;

const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
/// A frame without headers and payload.
const SMALLEST_FRAME: usize = PRELUDE_BYTES + CRC_BYTES;

// Frames

/// The lengths that a frame begins with.
#[derive(Clone, Copy, Debug)]
struct Prelude {
    total: usize,
    headers: usize,
}

impl Prelude {
    fn parse(bytes: &[u8; PRELUDE_BYTES], limits: &Limits) -> Result<Self> {
        let [lengths @ .., _, _, _, _] = *bytes;
        let [_, _, _, _, _, _, _, _, crc @ ..] = *bytes;
        if crc32fast::hash(&lengths) != u32::from_be_bytes(crc) {
            return Err(DecodeError::new(ErrorKind::Checksum, "prelude checksum mismatch"));
        }
        let [total @ .., _, _, _, _] = lengths;
        let [_, _, _, _, headers @ ..] = lengths;
        let (total, headers) = (to_usize(u32::from_be_bytes(total)), to_usize(u32::from_be_bytes(headers)));
        if total < SMALLEST_FRAME {
            return Err(invalid(format!("frame length {total} is too small")));
        }
        if headers > total - SMALLEST_FRAME {
            return Err(invalid(format!("header length {headers} does not fit a frame of {total} bytes")));
        }
        if total > limits.max_frame_bytes {
            return Err(too_large("frame", "max_frame_bytes", limits.max_frame_bytes));
        }
        if headers > limits.max_header_bytes {
            return Err(too_large("header block", "max_header_bytes", limits.max_header_bytes));
        }
        Ok(Self { total, headers })
    }

    /// Splits a whole frame into header block and payload.
    fn split(self, frame: &[u8]) -> Result<(&[u8], &[u8])> {
        let (signed, crc) = frame.split_last_chunk().ok_or_else(cut_frame)?;
        if crc32fast::hash(signed) != u32::from_be_bytes(*crc) {
            return Err(DecodeError::new(ErrorKind::Checksum, "message checksum mismatch"));
        }
        let (_, body) = signed.split_at_checked(PRELUDE_BYTES).ok_or_else(cut_frame)?;
        body.split_at_checked(self.headers).ok_or_else(cut_frame)
    }
}

/// Headers in their order, and the payload.
pub type Message<'a> = (Vec<(&'a str, HeaderValue<'a>)>, &'a [u8]);

/// Reads one whole frame and says what follows it.
///
/// # Errors
/// `incomplete` for a piece of a frame, else as the reader.
pub fn parse_frame<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Message<'a>, &'a [u8])> {
    let prelude = Prelude::parse(bytes.first_chunk().ok_or_else(cut_frame)?, limits)?;
    let (frame, rest) = bytes.split_at_checked(prelude.total).ok_or_else(cut_frame)?;
    let (block, payload) = prelude.split(frame)?;
    Ok(((parse_headers(block)?, payload), rest))
}

/// A length that no address space holds is larger than any limit.
fn to_usize(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn cut_frame() -> DecodeError {
    DecodeError::new(ErrorKind::Incomplete, "stream ended inside a frame")
}

// Routing

/// The headers that say what a frame is, as far as it has them.
#[derive(Default)]
struct Route<'a> {
    message_type: Option<HeaderValue<'a>>,
    event_type: Option<HeaderValue<'a>>,
    exception_type: Option<HeaderValue<'a>>,
    error_code: Option<HeaderValue<'a>>,
    error_message: Option<HeaderValue<'a>>,
}

impl<'a> Route<'a> {
    fn parse(block: &'a [u8]) -> Result<Self> {
        let mut route = Self::default();
        let mut rest = block;
        while !rest.is_empty() {
            let (name, value, tail) = parse_header(rest)?;
            match name {
                ":message-type" => route.message_type = Some(value),
                ":event-type" => route.event_type = Some(value),
                ":exception-type" => route.exception_type = Some(value),
                ":error-code" => route.error_code = Some(value),
                ":error-message" => route.error_message = Some(value),
                _ => {}
            }
            rest = tail;
        }
        Ok(route)
    }

    /// The frame that a payload becomes.
    fn frame(self, payload: &'a str) -> Result<Frame<'a>> {
        let message_type = text(":message-type", self.message_type)?;
        let event_type = text(":event-type", self.event_type)?;
        let exception_type = text(":exception-type", self.exception_type)?;
        let error_code = text(":error-code", self.error_code)?;
        let error_message = text(":error-message", self.error_message)?;
        let (kind, name, data) = match (message_type, event_type) {
            (Some("event"), _) | (None, Some(_)) => (FrameKind::Event, event_type, payload),
            (Some("exception"), _) => (FrameKind::Exception, exception_type, payload),
            (Some("error"), _) => (FrameKind::Error, error_code, error_message.unwrap_or_default()),
            (Some(other), _) => return Err(invalid(format!("message type {other} is unknown")).with_body(payload)),
            (None, None) => return Err(invalid("frame has no message type").with_body(payload)),
        };
        Ok(Frame { kind, name: name.unwrap_or_default(), data })
    }
}

fn text<'a>(name: &str, value: Option<HeaderValue<'a>>) -> Result<Option<&'a str>> {
    match value {
        None => Ok(None),
        Some(HeaderValue::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("header {name} is not a string"))),
    }
}

/// How far the body is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Only white space so far, if any.
    Lead { blank: bool },
    /// Frames.
    Frames,
    /// One document.
    Document,
    /// Text that is refused once its head is there.
    Text,
}

/// Reads the frames of a body.
#[derive(Debug)]
pub(crate) struct EventStreamReader {
    limits: Limits,
    head: Head,
    mode: Mode,
    document: Collector,
    /// A frame that is not whole yet.
    held: Vec<u8>,
    /// Its lengths, once checked.
    prelude: Option<Prelude>,
}

impl EventStreamReader {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            head: Head::default(),
            mode: Mode::Lead { blank: false },
            document: Collector::new(limits),
            held: Vec::new(),
            prelude: None,
        }
    }

    /// Takes the next bytes of the body.
    pub(crate) fn read<S: FrameSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<Flow> {
        self.head.note(bytes);
        let rest = if let Mode::Lead { blank } = self.mode { self.read_lead(bytes, blank) } else { bytes };
        match self.mode {
            Mode::Frames => self.read_frames(rest, sink),
            Mode::Document => self.document.push(rest).map(|()| Flow::More),
            Mode::Text if self.head.is_full() => Err(self.foreign()),
            Mode::Lead { .. } | Mode::Text => Ok(Flow::More),
        }
    }

    /// Takes the end of the body.
    pub(crate) fn end<S: FrameSink>(&mut self, sink: &mut S) -> Result<()> {
        match self.mode {
            Mode::Lead { .. } => Ok(()),
            Mode::Document => self.document.end(sink),
            Mode::Text => Err(self.foreign()),
            Mode::Frames if self.held.is_empty() => Ok(()),
            Mode::Frames => Err(cut_frame()),
        }
    }

    /// Whether the bytes so far end with a frame.
    pub(crate) fn is_between(&self) -> bool {
        self.mode == Mode::Frames && self.held.is_empty()
    }

    /// Whether lengths, limits and checksums of a whole frame are right.
    pub(crate) fn is_sound(&self, frame: &[u8]) -> bool {
        let prelude = frame.first_chunk().and_then(|prelude| Prelude::parse(prelude, &self.limits).ok());
        prelude.is_some_and(|prelude| prelude.total == frame.len() && prelude.split(frame).is_ok())
    }

    // Before the first byte that says what the body is

    fn read_lead<'a>(&mut self, bytes: &'a [u8], blank: bool) -> &'a [u8] {
        let start = bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
        let rest = bytes.get(start..).unwrap_or_default();
        let blank = blank || start > 0;
        self.mode = match rest.first() {
            None => Mode::Lead { blank },
            Some(&first) if is_document(first) => Mode::Document,
            Some(first) if blank || first.is_ascii_graphic() => Mode::Text,
            Some(_) => Mode::Frames,
        };
        rest
    }

    fn foreign(&self) -> DecodeError {
        invalid("response is not an event stream").with_body(&self.head.text())
    }

    // Frames

    fn read_frames<S: FrameSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<Flow> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (flow, tail) =
                if self.held.is_empty() { self.read_here(rest, sink)? } else { self.read_held(rest, sink)? };
            if flow == Flow::Stop {
                return Ok(Flow::Stop);
            }
            rest = tail;
        }
        Ok(Flow::More)
    }

    /// A frame that lies whole in the bytes being fed; else they are kept.
    fn read_here<'a, S: FrameSink>(&mut self, bytes: &'a [u8], sink: &mut S) -> Result<(Flow, &'a [u8])> {
        self.prelude = bytes.first_chunk().map(|prelude| Prelude::parse(prelude, &self.limits)).transpose()?;
        if let Some(prelude) = self.prelude
            && let Some((frame, tail)) = bytes.split_at_checked(prelude.total)
        {
            self.prelude = None;
            return Ok((on_frame(prelude, frame, sink)?, tail));
        }
        self.held.extend_from_slice(bytes);
        Ok((Flow::More, b""))
    }

    /// Adds to the frame in progress what it still needs: its prelude first, then all of it.
    fn read_held<'a, S: FrameSink>(&mut self, bytes: &'a [u8], sink: &mut S) -> Result<(Flow, &'a [u8])> {
        let wanted = self.prelude.map_or(PRELUDE_BYTES, |prelude| prelude.total);
        let (piece, tail) = bytes.split_at(bytes.len().min(wanted.saturating_sub(self.held.len())));
        self.held.extend_from_slice(piece);
        if self.held.len() < wanted {
            return Ok((Flow::More, tail));
        }
        let Some(prelude) = self.prelude.take() else {
            let prelude = self.held.first_chunk().ok_or_else(cut_frame)?;
            self.prelude = Some(Prelude::parse(prelude, &self.limits)?);
            return Ok((Flow::More, tail));
        };
        let flow = on_frame(prelude, &self.held, sink)?;
        recycle(&mut self.held);
        Ok((flow, tail))
    }
}

/// Where a frame has its length and its checksums. (The length of its headers is no place: they stay the same.)
pub(crate) fn places(frame: &[u8], places: &mut Places) {
    let last = frame.len().saturating_sub(CRC_BYTES);
    places.bytes(0, 4);
    places.bytes(8, PRELUDE_BYTES);
    places.bytes(last, frame.len());
}

fn on_frame<S: FrameSink>(prelude: Prelude, frame: &[u8], sink: &mut S) -> Result<Flow> {
    let (block, payload) = prelude.split(frame)?;
    let route = Route::parse(block)?;
    let payload = lossy(payload);
    sink.frame(route.frame(&payload)?)
}
