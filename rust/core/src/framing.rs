//! Framings: bytes to frames, independent of how the bytes were cut.
//!
//! Owns the registry, and what is the same for every framing: a byte order mark at offset 0 is dropped, and nothing is
//! read or kept after a stop, a failure or the end. How frames are found in the bytes is each framing's own file.
//! Twin of `runtimes/pure/framing.py`.

use crate::document::Collector;
use crate::error::Result;
use crate::eventstream::{self, EventStreamReader};
use crate::frame::{Flow, FrameSink, Limits};
use crate::json_array::JsonArrayReader;
use crate::lead::Mark;
use crate::sse::SseReader;
use crate::template::Places;

/// Names of all framings, sorted.
pub const FRAMINGS: [&str; 4] = ["document", "eventstream", "json-array", "sse"];

/// Cuts one body into frames.
#[derive(Debug)]
pub struct Framing {
    mark: Mark,
    /// Gone once nothing more is to be read, and with it all that it held.
    reader: Option<Reader>,
}

#[derive(Debug)]
enum Reader {
    Document(Collector),
    EventStream(EventStreamReader),
    JsonArray(JsonArrayReader),
    Sse(SseReader),
}

impl Framing {
    /// The framing of that name at offset 0, `None` where there is none.
    #[must_use]
    pub fn new(name: &str, limits: &Limits) -> Option<Self> {
        let reader = match name {
            "document" => Reader::Document(Collector::new(limits)),
            "eventstream" => Reader::EventStream(EventStreamReader::new(limits)),
            "json-array" => Reader::JsonArray(JsonArrayReader::new(limits)),
            "sse" => Reader::Sse(SseReader::new(limits)),
            _ => return None,
        };
        Some(Self { mark: Mark::default(), reader: Some(reader) })
    }

    /// Frames that the next bytes complete.
    ///
    /// # Errors
    /// Bytes that are no frames, a limit, or what the sink finds wrong.
    pub fn feed<S: FrameSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<()> {
        if self.mark.is_over() {
            return self.push(bytes, sink);
        }
        let (again, rest) = self.mark.strip(bytes);
        self.push(again, sink)?;
        self.push(rest, sink)
    }

    /// Frames that the end of the body completes.
    ///
    /// # Errors
    /// As `feed`, and a body that ended inside a frame.
    pub fn finish<S: FrameSink>(&mut self, sink: &mut S) -> Result<()> {
        let again = self.mark.finish();
        self.push(again, sink)?;
        match self.reader.take() {
            None => Ok(()),
            Some(Reader::Document(mut reader)) => reader.end(sink),
            Some(Reader::EventStream(mut reader)) => reader.end(sink),
            Some(Reader::JsonArray(mut reader)) => reader.end(sink),
            Some(Reader::Sse(mut reader)) => reader.end(sink),
        }
    }

    /// Whether the bytes so far end with an event, so that the next ones begin with one.
    pub(crate) fn is_between(&self) -> bool {
        match &self.reader {
            Some(Reader::EventStream(reader)) => reader.is_between(),
            Some(Reader::Sse(reader)) => reader.is_between(),
            _ => false,
        }
    }

    /// Adds the places of one whole event that follow from the others.
    pub(crate) fn places(&self, event: &[u8], places: &mut Places) {
        if matches!(self.reader, Some(Reader::EventStream(_))) {
            eventstream::places(event, places);
        }
    }

    /// Whether an event is one that `feed` would take for a whole one, if it is like one that was.
    #[inline]
    pub(crate) fn is_sound(&self, event: &[u8]) -> bool {
        match &self.reader {
            Some(Reader::EventStream(reader)) => reader.is_sound(event),
            Some(Reader::Sse(reader)) => reader.is_sound(event),
            _ => false,
        }
    }

    fn push<S: FrameSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<()> {
        let result = match &mut self.reader {
            None => return Ok(()),
            Some(Reader::Document(reader)) => reader.push(bytes).map(|()| Flow::More),
            Some(Reader::EventStream(reader)) => reader.read(bytes, sink),
            Some(Reader::JsonArray(reader)) => reader.read(bytes, sink),
            Some(Reader::Sse(reader)) => reader.read(bytes, sink),
        };
        if !matches!(result, Ok(Flow::More)) {
            self.reader = None;
        }
        result.map(|_: Flow| ())
    }
}
