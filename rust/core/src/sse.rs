//! Framing `sse`: server-sent events.
//!
//! Source: WHATWG HTML, 9.2.6 "Interpreting an event stream", with tolerance: a last event
//! without its blank line is yielded with a warning, and `id` and `retry` are ignored, since nothing here reconnects.
//! A body that begins with `{`, `[` or `<` is no stream and is yielded whole at its end.
//!
//! Text is decoded per field value, never per read. Counted against `max_event_bytes`, byte for byte as they come: the
//! values of the event's data lines with one for each join, the value of its event line, and any other line that is no
//! comment while it lasts. Comments are neither held nor counted. Owns no meaning of names or data.
//! Twin of `runtimes/pure/sse.py`.

use crate::document::Collector;
use crate::error::{DecodeError, ErrorKind, Result};
use crate::field::{LONGEST_FIELD, Line, is_undecided, split_field};
use crate::frame::{Flow, Frame, FrameKind, FrameSink, Limits, too_large};
use crate::lead::{Head, KEPT_CAPACITY, is_document, recycle};
use memchr::memchr2;

/// How far the body is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Only white space so far; `indented` when its last line has some.
    Lead { indented: bool },
    /// Lines.
    Stream,
    /// One document.
    Document,
}

/// What the rest of the line in progress is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It is kept in `line`.
    Held,
    /// Nothing, it is a comment.
    Comment,
    /// Nothing, but so many bytes of it count.
    Counted(usize),
}

/// The event in progress as far as it lies in the bytes being fed; it goes before what is kept.
#[derive(Default)]
struct Here<'a> {
    name: Option<&'a str>,
    data: Option<&'a str>,
}

/// The event in progress as far as earlier bytes gave it, and what counts of all of it.
#[derive(Debug, Default)]
struct Kept {
    name: String,
    data: String,
    has_data: bool,
    name_bytes: usize,
    data_bytes: usize,
}

impl Kept {
    fn add_data(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        if self.has_data {
            self.data.push('\n');
        }
        self.has_data = true;
        self.data.push_str(text);
    }

    fn add(&mut self, here: &Here<'_>) {
        self.add_data(here.data);
        if let Some(name) = here.name {
            self.name.clear();
            self.name.push_str(name);
        }
    }

    /// Gets ready for the next event; a burst leaves a bounded capacity.
    #[inline]
    fn reset(&mut self) {
        self.data_bytes = 0;
        self.name_bytes = 0;
        self.has_data = false;
        for text in [&mut self.name, &mut self.data] {
            text.clear();
            if text.capacity() > KEPT_CAPACITY {
                text.shrink_to(KEPT_CAPACITY);
            }
        }
    }
}

/// Reads the events of a body.
#[derive(Debug)]
pub(crate) struct SseReader {
    limit: usize,
    head: Head,
    mode: Mode,
    document: Collector,
    /// A CR ended the bytes: a LF that follows belongs to it.
    after_cr: bool,
    line: Vec<u8>,
    rest: Rest,
    kept: Kept,
    yielded: bool,
    foreign: bool,
}

impl SseReader {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.max_event_bytes,
            head: Head::default(),
            mode: Mode::Lead { indented: false },
            document: Collector::new(limits),
            after_cr: false,
            line: Vec::new(),
            rest: Rest::Held,
            kept: Kept::default(),
            yielded: false,
            foreign: false,
        }
    }

    /// Takes the next bytes of the body.
    pub(crate) fn read<S: FrameSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<Flow> {
        self.head.note(bytes);
        match self.mode {
            Mode::Stream => self.read_lines(bytes, sink),
            Mode::Document => self.document.push(bytes).map(|()| Flow::More),
            Mode::Lead { indented } => self.read_lead(bytes, indented, sink),
        }
    }

    /// Takes the end of the body.
    pub(crate) fn end<S: FrameSink>(&mut self, sink: &mut S) -> Result<()> {
        match self.mode {
            Mode::Lead { .. } => Ok(()),
            Mode::Document => self.document.end(sink),
            Mode::Stream => self.flush(sink),
        }
    }

    /// Whether the bytes so far end with an event.
    pub(crate) fn is_between(&self) -> bool {
        let whole = self.rest == Rest::Held && self.line.is_empty() && !self.after_cr;
        let Kept { has_data, name_bytes, data_bytes, .. } = self.kept;
        self.mode == Mode::Stream && whole && !has_data && name_bytes == 0 && data_bytes == 0
    }

    /// Whether the limit lets an event pass.
    #[inline]
    pub(crate) fn is_sound(&self, event: &[u8]) -> bool {
        event.len() <= self.limit
    }

    // Before the first byte that says what the body is

    fn read_lead<S: FrameSink>(&mut self, bytes: &[u8], mut indented: bool, sink: &mut S) -> Result<Flow> {
        let mut rest = bytes;
        while let [first, tail @ ..] = rest {
            match first {
                b' ' | b'\t' => indented = true,
                b'\r' | b'\n' => indented = false,
                &first if is_document(first) => {
                    self.mode = Mode::Document;
                    return self.document.push(rest).map(|()| Flow::More);
                }
                _ => {
                    self.mode = Mode::Stream;
                    if indented {
                        // Its field name begins with white space: no field at all.
                        self.foreign = true;
                        self.rest = Rest::Counted(0);
                    }
                    return self.read_lines(rest, sink);
                }
            }
            rest = tail;
        }
        self.mode = Mode::Lead { indented };
        Ok(Flow::More)
    }

    // Lines

    fn read_lines<S: FrameSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<Flow> {
        let mut rest = bytes;
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            rest = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        let mut held = Vec::new();
        if self.rest != Rest::Held || !self.line.is_empty() {
            let Some((piece, tail)) = self.cut_line(rest) else {
                return self.hold(rest).map(|()| Flow::More);
            };
            self.hold(piece)?;
            held = self.take_held_line();
            rest = tail;
        }
        let mut here = Here::default();
        if !held.is_empty() {
            self.on_line(&held, &mut here)?;
        }
        while let Some((line, tail)) = self.cut_line(rest) {
            rest = tail;
            if !line.is_empty() {
                self.on_line(line, &mut here)?;
            } else if self.dispatch(&mut here, sink)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        self.kept.add(&here);
        if held.capacity() > 0 {
            recycle(&mut held);
            self.line = held;
        }
        self.hold(rest).map(|()| Flow::More)
    }

    /// Splits off a whole line, without its end.
    #[inline]
    fn cut_line<'a>(&mut self, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        if let [b'\n', tail @ ..] = bytes {
            return Some((b"", tail));
        }
        let (line, end) = bytes.split_at_checked(memchr2(b'\n', b'\r', bytes)?)?;
        match end {
            [b'\r'] => {
                self.after_cr = true;
                Some((line, b""))
            }
            [b'\r', b'\n', tail @ ..] | [_, tail @ ..] => Some((line, tail)),
            [] => None,
        }
    }

    #[inline]
    fn on_line<'a>(&mut self, line: &'a [u8], here: &mut Here<'a>) -> Result<()> {
        match split_field(line) {
            Line::Data(value) => self.on_data(value, here),
            Line::Event(value) => self.on_event(value, here),
            Line::Comment => Ok(()),
            Line::Other { known } => {
                self.foreign |= !known;
                self.count(line.len())
            }
        }
    }

    #[inline]
    fn on_data<'a>(&mut self, value: &'a [u8], here: &mut Here<'a>) -> Result<()> {
        let first = here.data.is_none() && !self.kept.has_data;
        self.count(value.len() + usize::from(!first))?;
        self.kept.data_bytes += value.len() + usize::from(!first);
        match std::str::from_utf8(value) {
            Ok(text) if first => here.data = Some(text),
            Ok(text) => {
                self.kept.add_data(here.data.take());
                self.kept.add_data(Some(text));
            }
            Err(_) => {
                self.kept.add_data(here.data.take());
                self.kept.add_data(Some(&String::from_utf8_lossy(value)));
            }
        }
        Ok(())
    }

    #[inline]
    fn on_event<'a>(&mut self, value: &'a [u8], here: &mut Here<'a>) -> Result<()> {
        self.count(value.len())?;
        self.kept.name_bytes = value.len();
        here.name = std::str::from_utf8(value).ok();
        if here.name.is_none() {
            self.kept.name = String::from_utf8_lossy(value).into_owned();
        }
        Ok(())
    }

    /// A blank line: the event is over, and is one if it had data.
    #[inline]
    fn dispatch<S: FrameSink>(&mut self, here: &mut Here<'_>, sink: &mut S) -> Result<Flow> {
        let data = match here.data {
            None if self.kept.has_data => Some(self.kept.data.as_str()),
            data => data,
        };
        let flow = match data {
            None => Flow::More,
            Some(data) => {
                self.yielded = true;
                sink.frame(Frame { kind: FrameKind::Event, name: here.name.unwrap_or(&self.kept.name), data })?
            }
        };
        *here = Here::default();
        self.kept.reset();
        Ok(flow)
    }

    // What outlives the bytes being fed

    /// Takes a piece of a line whose end is not there yet.
    fn hold(&mut self, piece: &[u8]) -> Result<()> {
        if piece.is_empty() {
            return Ok(());
        }
        match self.rest {
            Rest::Comment => Ok(()),
            Rest::Counted(before) => {
                let bytes = before.saturating_add(piece.len());
                self.rest = Rest::Counted(bytes);
                self.count(bytes)
            }
            Rest::Held => self.hold_field(piece),
        }
    }

    /// The first bytes tell whether the line is worth keeping.
    fn hold_field(&mut self, piece: &[u8]) -> Result<()> {
        let known = self.line.len();
        let mut more = piece;
        if known < LONGEST_FIELD {
            let sample;
            (sample, more) = piece.split_at(piece.len().min(LONGEST_FIELD - known));
            self.line.extend_from_slice(sample);
            if is_undecided(&self.line) {
                return Ok(());
            }
        }
        let counted = known.saturating_add(piece.len());
        match split_field(&self.line) {
            Line::Data(value) => {
                let joined = usize::from(self.kept.has_data);
                self.count(value.len().saturating_add(more.len() + joined))?;
                self.line.extend_from_slice(more);
            }
            Line::Event(value) => {
                self.count(value.len().saturating_add(more.len()))?;
                self.line.extend_from_slice(more);
            }
            Line::Comment => self.skip(Rest::Comment),
            Line::Other { known } => {
                self.foreign |= !known;
                self.skip(Rest::Counted(counted));
                self.count(counted)?;
            }
        }
        Ok(())
    }

    fn skip(&mut self, rest: Rest) {
        self.line.clear();
        self.rest = rest;
    }

    /// The line in progress, which has ended. Empty where nothing of it was held.
    fn take_held_line(&mut self) -> Vec<u8> {
        self.rest = Rest::Held;
        std::mem::take(&mut self.line)
    }

    /// Refuses `more` bytes on top of the event's own.
    #[inline]
    fn count(&self, more: usize) -> Result<()> {
        if self.kept.data_bytes.saturating_add(self.kept.name_bytes).saturating_add(more) > self.limit {
            return Err(self.too_large());
        }
        Ok(())
    }

    #[cold]
    fn too_large(&self) -> DecodeError {
        too_large("event", "max_event_bytes", self.limit)
    }

    // The end of the body

    fn flush<S: FrameSink>(&mut self, sink: &mut S) -> Result<()> {
        let line = self.take_held_line();
        if !line.is_empty() {
            let mut here = Here::default();
            self.on_line(&line, &mut here)?;
            self.kept.add(&here);
        }
        if self.kept.has_data {
            sink.warn("last event was not terminated by a blank line");
            self.dispatch(&mut Here::default(), sink)?;
        }
        if self.yielded || !self.foreign {
            return Ok(());
        }
        let message = "response is not an event stream";
        Err(DecodeError::new(ErrorKind::InvalidOutput, message).with_body(&self.head.text()))
    }
}
