//! The decoder: framing, protocol and lifecycle in one object that takes bytes and gives events.
//!
//! Owns what is the same for every protocol: which frames reach it, JSON or not, error frames, what happens after the
//! terminal, and the end of the body. Knows no socket and no clock. Twin of `runtimes/pure/decoder.py`.

use crate::cost::{self, Said};
use crate::error::{self, DecodeError, Result, is_error};
use crate::event::{Emit, Event};
use crate::frame::{Flow, Frame, FrameKind, FrameSink, Limits};
use crate::framing::Framing;
use crate::json::{JsonError, Tape};
use crate::lifecycle::{Lifecycle, Out};
use crate::options::Options;
use crate::protocol::{Machine, new_protocol};
use crate::template::{Places, Template};

/// How many frames after the terminal are looked at for a charge.
const TRAILING_FRAMES: u32 = 64;
const UNREADABLE: &str = "bytes after the end of the answer could not be read";
const HEAD: usize = 200;

/// One response. A failure is left in `error`, after the events before it.
#[derive(Debug)]
pub struct Decoder {
    /// Of the last read, if it was a delta.
    template: Template,
    framing: Framing,
    body: Body,
    room: Option<u64>,
    /// Whether the next read begins with an event.
    between: bool,
    /// What ended the decoding.
    pub error: Option<DecodeError>,
}

/// Everything behind the framing.
#[derive(Debug)]
struct Body {
    life: Lifecycle,
    machine: Box<dyn Machine>,
    tape: Tape,
    /// How many frames the read had, and where the text of the last one was.
    frames: u32,
    text: (usize, usize),
    unary: bool,
    trailing_cost: bool,
    after: u32,
    at_end: bool,
}

impl Decoder {
    /// A decoder of that protocol and framing; `None` where one of the names is unknown.
    #[must_use]
    pub fn new(protocol: &str, framing: &str, options: &Options) -> Option<Self> {
        let mut life = Lifecycle::new(options);
        let machine = new_protocol(protocol, options, &mut Out::new(&mut life, &mut Nobody))?;
        Some(Self {
            template: Template::default(),
            framing: Framing::new(framing, &options.limits)?,
            body: Body {
                life,
                machine,
                tape: Tape::default(),
                frames: 0,
                text: (0, 0),
                unary: framing == "document",
                trailing_cost: options.trailing_cost,
                after: 0,
                at_end: false,
            },
            room: options.limits.max_response_bytes,
            between: false,
            error: None,
        })
    }

    /// Whether nothing more can come: the finish was given out, or the stream failed.
    #[must_use]
    pub fn done(&self) -> bool {
        self.body.life.finished || self.error.is_some()
    }

    /// Whether the answer is complete. Until `done`, a charge may follow it.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.body.life.reason.is_some()
    }

    /// The events of the next bytes.
    pub fn feed(&mut self, data: &[u8], emit: &mut dyn Emit) {
        if !self.repeats(data, emit) && !self.done() {
            self.decode(data, emit);
        }
    }

    /// The whole way. Apart, so that the short one is short in memory, too.
    #[inline(never)]
    fn decode(&mut self, data: &[u8], emit: &mut dyn Emit) {
        let outcome = self.try_feed(data, emit);
        self.settle(outcome, emit);
        self.learn(data);
    }

    /// The events of the end of the body.
    pub fn finish(&mut self, emit: &mut dyn Emit) {
        self.template.forget();
        if !self.done() {
            let outcome = self.try_finish(emit);
            self.settle(outcome, emit);
        }
    }

    /// A failure ends the decoding; what is wrong with the bytes behind a complete answer is worth a warning.
    fn settle(&mut self, outcome: Result<()>, emit: &mut dyn Emit) {
        if outcome.is_err() && self.body.life.reason.is_some() {
            self.body.life.warn(UNREADABLE);
            self.body.finish(emit);
        } else {
            self.error = outcome.err();
        }
    }

    /// Takes a read that is the same delta as the last one, but for its text. False where it is not, and nothing is done.
    fn repeats(&mut self, data: &[u8], emit: &mut dyn Emit) -> bool {
        if !self.between {
            return false;
        }
        let Some(delta) = self.template.delta(data) else { return false };
        let room = self.room.map(|room| room.checked_sub(data.len() as u64));
        if room == Some(None) || !self.framing.is_sound(data) {
            return false;
        }
        let taken = self.body.machine.repeat(delta, &mut Out::new(&mut self.body.life, emit));
        if taken {
            self.room = room.flatten();
        }
        taken
    }

    /// Learns a read that was one event and a delta. Any other changes what comes next, so that the last one counts no
    /// more.
    fn learn(&mut self, data: &[u8]) {
        self.template.forget();
        let began = std::mem::replace(&mut self.between, self.framing.is_between());
        let is_one = began && self.between && self.body.frames == 1;
        if is_one && self.body.life.is_plain() && !self.done() {
            if let Some(mut places) = self.body.places(data) {
                self.framing.places(data, &mut places);
                self.template.learn(data, places);
            }
        }
    }

    fn try_feed(&mut self, data: &[u8], emit: &mut dyn Emit) -> Result<()> {
        self.body.frames = 0;
        let room = self.room.and_then(|room| usize::try_from(room).ok()).unwrap_or(usize::MAX);
        let fitting = data.get(..room).unwrap_or(data);
        self.framing.feed(fitting, &mut Sink { body: &mut self.body, emit })?;
        if fitting.len() < data.len() && !self.body.life.finished {
            return Err(error::limit_exceeded("the response is larger than max_response_bytes"));
        }
        self.room = self.room.map(|room| room.saturating_sub(data.len() as u64));
        Ok(())
    }

    fn try_finish(&mut self, emit: &mut dyn Emit) -> Result<()> {
        self.body.at_end = true;
        self.framing.finish(&mut Sink { body: &mut self.body, emit })?;
        if self.body.life.finished { Ok(()) } else { self.body.end(emit) }
    }
}

/// The framing's view of what is behind it.
struct Sink<'s> {
    body: &'s mut Body,
    emit: &'s mut dyn Emit,
}

impl FrameSink for Sink<'_> {
    fn frame(&mut self, frame: Frame<'_>) -> Result<Flow> {
        let body = &mut *self.body;
        body.frames += 1;
        body.text = (frame.data.as_ptr() as usize, frame.data.len());
        body.life.again = None;
        if body.life.reason.is_none() {
            body.on_frame(frame, self.emit)?;
            if body.life.reason.is_some() && !body.trailing_cost {
                body.finish(self.emit);
            }
        } else {
            body.on_trailing(frame, self.emit);
        }
        Ok(if body.life.finished { Flow::Stop } else { Flow::More })
    }

    fn warn(&mut self, message: &str) {
        self.body.life.warn(message);
    }
}

impl Body {
    /// The places of the last frame, which was all of `read`; `None` where it may not come again.
    fn places(&self, read: &[u8]) -> Option<Places> {
        let (start, length) = self.text;
        let start = start.wrapping_sub(read.as_ptr() as usize);
        let text = read.get(start..start.checked_add(length)?)?;
        let mut places = Places::new(start, self.life.again?);
        self.machine.places(self.tape.value(std::str::from_utf8(text).ok()?), &mut places);
        Some(places)
    }

    fn finish(&mut self, emit: &mut dyn Emit) {
        if !self.life.finished {
            Out::new(&mut self.life, emit).finish();
        }
    }

    fn end(&mut self, emit: &mut dyn Emit) -> Result<()> {
        if self.life.reason.is_none() {
            self.machine.end(&mut Out::new(&mut self.life, emit))?;
        }
        self.finish(emit);
        Ok(())
    }

    fn on_frame(&mut self, frame: Frame<'_>, emit: &mut dyn Emit) -> Result<()> {
        if frame.kind != FrameKind::Event {
            return self.on_other_kind(frame, emit);
        }
        let out = &mut Out::new(&mut self.life, emit);
        match frame.data {
            "" => return Ok(()),
            "[DONE]" => return self.machine.done(out),
            _ => {}
        }
        match self.tape.parse(frame.data) {
            Ok(value) if value.is_object() => self.machine.step(frame, value, out),
            _ if frame.name == "ping" => Ok(()),
            Ok(_) => Err(error::invalid_output("the frame is not a JSON object", frame.data)),
            Err(JsonError) if self.at_end => Ok(()), // what the end of the body cut is missing, not malformed
            Err(JsonError) => Err(error::invalid_output("the frame is not valid JSON", frame.data)),
        }
    }

    fn on_other_kind(&mut self, frame: Frame<'_>, emit: &mut dyn Emit) -> Result<()> {
        if frame.kind == FrameKind::Document {
            return self.on_document(frame, emit);
        }
        Err(match self.tape.parse(frame.data) {
            Ok(payload) => error::provider_error(payload, frame),
            Err(JsonError) => error::bare_error(frame),
        })
    }

    /// A whole body: an answer where one was asked for, else an error's JSON or no stream at all.
    fn on_document(&mut self, frame: Frame<'_>, emit: &mut dyn Emit) -> Result<()> {
        let rest = match self.tape.parse_prefix(frame.data) {
            Ok((value, _)) if is_error(value) => return Err(error::provider_error(value, frame)),
            Ok((value, rest)) if self.unary && (value.is_object() || value.is_array()) => {
                self.machine.document(frame, value, &mut Out::new(&mut self.life, emit))?;
                rest
            }
            parsed => {
                let what = if self.unary { "an answer" } else { "a stream" };
                let is_json = parsed.is_ok_and(|(value, _)| value.is_object() || value.is_array());
                let hint = if is_json { " but a JSON document, which framing=\"document\" decodes" } else { "" };
                let head: String = frame.data.chars().take(HEAD).collect();
                return Err(error::invalid_output(&format!("the response is not {what}{hint}"), &head));
            }
        };
        self.glued(rest, emit)?;
        self.finish(emit);
        Ok(())
    }

    /// `OpenCode`'s gateways put a cost frame right behind the document.
    fn glued(&mut self, rest: &str, emit: &mut dyn Emit) -> Result<()> {
        if rest.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            return Ok(());
        }
        let Some(mut framing) = Framing::new("sse", &Limits::default()) else { return Ok(()) };
        let sink = &mut Sink { body: self, emit };
        framing.feed(rest.as_bytes(), sink)?;
        framing.finish(sink)
    }

    /// After the terminal only cost matters; an error there, or content, is worth a warning.
    fn on_trailing(&mut self, frame: Frame<'_>, emit: &mut dyn Emit) {
        self.after += 1;
        let out = &mut Out::new(&mut self.life, emit);
        let value = self.tape.parse(frame.data).unwrap_or(crate::json::Value::NULL);
        if frame.kind != FrameKind::Event || is_error(value) {
            out.warn("an error after the end of the answer was ignored");
        } else if value.is_object() {
            let found = cost::take(value, out);
            if found.is_none() && value.get("type").str().is_none_or(|kind| kind != "ping") {
                out.warn("content after the end of the answer was ignored");
            } else if found == Some(Said::Charge) && !self.unary {
                self.finish(emit);
            }
        }
        if self.after >= TRAILING_FRAMES && !self.unary {
            self.finish(emit);
        }
    }
}

/// Takes no event: a protocol's constructor has none to give.
struct Nobody;

impl Emit for Nobody {
    fn emit(&mut self, _: Event<'_>) {}
}
