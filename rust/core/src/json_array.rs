//! Framing `json-array`: one JSON array whose elements are the events, as Google sends without `alt=sse`.
//!
//! Source: RFC 8259 for the array itself; the inside of an element is only followed (strings, escapes, depth), its
//! reader judges it. An element is yielded with its last byte; that of a number, `true`, `false` or `null` shows by the
//! byte after it. Between elements exactly one comma and white space are allowed. Bytes after the closing bracket are
//! ignored with a warning. A body that does not begin with `[` is yielded whole at its end. Owns no meaning of elements.
//! Twin of `runtimes/pure/json_array.py`.

use crate::document::Collector;
use crate::error::{DecodeError, ErrorKind, Result};
use crate::frame::{Flow, Frame, FrameKind, FrameSink, Limits, lossy, too_large};
use crate::lead::{is_blank, recycle};
use memchr::memchr2;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The first byte that is no white space.
    Lead,
    /// An element or the end, just after the opening bracket.
    First,
    /// An element, after a comma.
    Element,
    /// The rest of an object, an array or a string.
    Nested,
    /// The rest of a number or a word.
    Scalar,
    /// A comma or the end.
    Separator,
    /// White space, after the closing bracket; whether other bytes were warned of.
    Closed { warned: bool },
    /// The rest of a body that is no array.
    Document,
}

/// Reads the elements of a body that is an array.
#[derive(Debug)]
pub(crate) struct JsonArrayReader {
    limit: usize,
    mode: Mode,
    document: Collector,
    /// The element in progress as far as earlier bytes gave it.
    held: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl JsonArrayReader {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.max_event_bytes,
            mode: Mode::Lead,
            document: Collector::new(limits),
            held: Vec::new(),
            depth: 0,
            in_string: false,
            escaped: false,
        }
    }

    /// Takes the next bytes of the body.
    pub(crate) fn read<S: FrameSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<Flow> {
        let mut rest = bytes;
        while let [first, tail @ ..] = rest {
            match self.mode {
                Mode::Document => return self.document.push(rest).map(|()| Flow::More),
                Mode::Nested | Mode::Scalar => {
                    let (flow, after) = self.read_element(rest, sink)?;
                    if flow == Flow::Stop {
                        return Ok(Flow::Stop);
                    }
                    rest = after;
                }
                _ if is_blank(*first) => rest = tail,
                mode => {
                    self.mode = next_mode(mode, *first, sink)?;
                    // An element and a document begin with this very byte.
                    if !matches!(self.mode, Mode::Nested | Mode::Scalar | Mode::Document) {
                        rest = tail;
                    }
                }
            }
        }
        Ok(Flow::More)
    }

    /// Takes the end of the body.
    pub(crate) fn end<S: FrameSink>(&mut self, sink: &mut S) -> Result<()> {
        match self.mode {
            Mode::Lead | Mode::Closed { .. } => Ok(()),
            Mode::Document => self.document.end(sink),
            Mode::First | Mode::Element | Mode::Nested | Mode::Scalar | Mode::Separator => {
                Err(DecodeError::new(ErrorKind::Incomplete, "stream ended inside the JSON array"))
            }
        }
    }

    // Elements

    fn read_element<'a, S: FrameSink>(&mut self, bytes: &'a [u8], sink: &mut S) -> Result<(Flow, &'a [u8])> {
        let end = if self.mode == Mode::Nested { self.scan_nested(bytes) } else { scan_scalar(bytes) };
        let (piece, tail) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.held.len().saturating_add(piece.len()) > self.limit {
            return Err(too_large("array element", "max_event_bytes", self.limit));
        }
        if end.is_none() {
            self.held.extend_from_slice(piece);
            return Ok((Flow::More, tail));
        }
        self.mode = Mode::Separator;
        if self.held.is_empty() {
            return Ok((on_element(piece, sink)?, tail));
        }
        self.held.extend_from_slice(piece);
        let flow = on_element(&self.held, sink)?;
        recycle(&mut self.held);
        Ok((flow, tail))
    }

    /// Where the element ends, if it does.
    fn scan_nested(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..)?;
            if self.escaped {
                rest.first()?;
                self.escaped = false;
                at += 1;
                continue;
            }
            let step = if self.in_string { memchr2(b'"', b'\\', rest)? } else { find_structure(rest)? };
            at += step + 1;
            match rest.get(step)? {
                b'\\' => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' => self.depth += 1,
                _ => self.depth = self.depth.saturating_sub(1),
            }
            if self.depth == 0 && !self.in_string {
                return Some(at);
            }
        }
    }
}

fn find_structure(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
}

/// Where the number or word ends; what may follow it is judged there.
fn scan_scalar(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
}

fn on_element<S: FrameSink>(element: &[u8], sink: &mut S) -> Result<Flow> {
    sink.frame(Frame { kind: FrameKind::Event, name: "", data: &lossy(element) })
}

// Between elements

/// What a byte that is no white space leads to.
fn next_mode<S: FrameSink>(mode: Mode, byte: u8, sink: &mut S) -> Result<Mode> {
    Ok(match (mode, byte) {
        (Mode::Lead, b'[') => Mode::First,
        (Mode::Lead, _) => Mode::Document,
        (Mode::First | Mode::Separator, b']') => Mode::Closed { warned: false },
        (Mode::Separator, b',') => Mode::Element,
        (Mode::First | Mode::Element, b'{' | b'[' | b'"') => Mode::Nested,
        (Mode::First | Mode::Element, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => Mode::Scalar,
        (Mode::Closed { warned }, _) => {
            if !warned {
                sink.warn("bytes after the end of the array were ignored");
            }
            Mode::Closed { warned: true }
        }
        _ => return Err(DecodeError::new(ErrorKind::InvalidOutput, "response is not a JSON array")),
    })
}
