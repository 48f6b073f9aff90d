//! The order of events: the only place that opens and closes blocks, steps and the one finish.
//!
//! Owns block ids, the rule that text and reasoning do not interleave, joining of surrogate halves cut between two
//! deltas, warnings, what the step says about itself (id, model, metadata) and the two last events. Protocols call it
//! and never build an event of text, reasoning, step or finish themselves. Twin of `runtimes/pure/lifecycle.py`.

use std::borrow::Cow;

use crate::event::{Emit, Event, FinishReason};
use crate::json::{Json, Meta, Text, Value, merge};
use crate::options::Options;
use crate::think::{Piece, ThinkSplitter};
use crate::usage::Counts;

const MAX_WARNINGS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
}

/// State of one step.
#[derive(Debug)]
pub struct Lifecycle {
    /// Counts and costs.
    pub usage: Counts,
    /// Whether an event was given out.
    pub started: bool,
    /// Why the model stopped, once the terminal was reached.
    pub reason: Option<FinishReason>,
    /// Whether the finish was given out.
    pub finished: bool,
    /// The answer's id.
    pub response_id: Option<String>,
    /// The model that answers.
    pub model: Option<String>,
    raw_events: bool,
    warnings: Vec<String>,
    step_metadata: Meta,
    blocks: u64,
    openings: u64,
    opened: u64,
    open: Option<(Kind, u64)>,
    id: String,
    text_id: Option<String>,
    half: Option<u16>,
    signature: Option<String>,
    end_metadata: Option<Meta>,
    think: Option<ThinkSplitter>,
    think_key: Option<u64>,
    /// See `Out::again`.
    pub(crate) again: Option<(usize, usize)>,
}

impl Lifecycle {
    /// A step that has not begun.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            usage: Counts::default(),
            started: false,
            reason: None,
            finished: false,
            response_id: None,
            model: None,
            raw_events: options.raw_events,
            warnings: Vec::new(),
            step_metadata: Meta::new(),
            blocks: 0,
            openings: 0,
            opened: 0,
            open: None,
            id: String::new(),
            text_id: None,
            half: None,
            signature: None,
            end_metadata: None,
            think: (!options.think_tags.is_empty()).then(|| ThinkSplitter::new(&options.think_tags)),
            think_key: None,
            again: None,
        }
    }

    /// Whether deltas come out as they go in.
    pub(crate) fn is_plain(&self) -> bool {
        self.open.is_some() && self.think.is_none() && self.half.is_none()
    }

    /// Something odd that is no failure; each text once, at most 64 of them.
    pub fn warn(&mut self, message: &str) {
        if self.warnings.len() < MAX_WARNINGS && !self.warnings.iter().any(|known| known == message) {
            self.warnings.push(message.to_owned());
        }
    }
}

/// The lifecycle together with the taker of its events: what protocols are handed.
///
/// A block is addressed by `key`, a number the protocol chooses (an index on the wire, mostly). Text and reasoning
/// share one place: opening a block closes the one before.
pub struct Out<'e> {
    /// The state.
    pub life: &'e mut Lifecycle,
    sink: &'e mut dyn Emit,
}

impl<'e> Out<'e> {
    /// Joins the two.
    pub fn new(life: &'e mut Lifecycle, sink: &'e mut dyn Emit) -> Self {
        Self { life, sink }
    }

    // Text and reasoning blocks

    /// A delta of a text block, opened by it where it is not open; empty text does nothing.
    pub fn text(&mut self, key: u64, text: Text<'_>) {
        if text.is_empty() {
            return;
        }
        if self.life.think.is_some() {
            return self.split(key, text);
        }
        if self.life.open != Some((Kind::Text, key)) {
            self.open_text(key, None);
        }
        self.delta(Kind::Text, text);
    }

    /// A delta of a reasoning block, opened by it where it is not open; empty text does nothing.
    pub fn reasoning(&mut self, key: u64, text: Text<'_>) {
        if !text.is_empty() {
            if self.life.open != Some((Kind::Reasoning, key)) || self.life.think_key.is_some() {
                self.open_reasoning(key, None);
            }
            self.delta(Kind::Reasoning, text);
        }
    }

    /// Says of the frame in progress: as things are now, the same one with another string in the place of `text` would
    /// be another delta of the open block, and nothing else.
    #[inline]
    pub fn again(&mut self, text: Value<'_>) {
        self.life.again = if text.is_string() { text.place() } else { None };
    }

    /// Takes `again` back.
    pub fn not_again(&mut self) {
        self.life.again = None;
    }

    /// Another delta of the open block, behind one; `is_plain` was asked before.
    #[inline]
    pub(crate) fn more(&mut self, text: &str) {
        if let Some((kind, _)) = self.life.open {
            let id = self.life.id.as_str();
            self.sink.emit_same(match kind {
                Kind::Text => Event::TextDelta { id, text },
                Kind::Reasoning => Event::ReasoningDelta { id, text },
            });
        }
    }

    /// Opens a text block, which may stay empty. One that is open under the same key stays open.
    pub fn open_text(&mut self, key: u64, metadata: Option<Meta>) {
        self.flush_think();
        self.open(Kind::Text, key, metadata.as_ref());
    }

    /// Opens a reasoning block, which may stay empty. One that is open under the same key stays open: false.
    pub fn open_reasoning(&mut self, key: u64, metadata: Option<Meta>) -> bool {
        self.flush_think();
        self.open(Kind::Reasoning, key, metadata.as_ref())
    }

    /// Whether the open text or reasoning block has this key.
    #[must_use]
    pub fn is_open(&self, key: u64) -> bool {
        self.life.think_key == Some(key) || self.life.open.is_some_and(|(_, open)| open == key)
    }

    /// Signature of the open reasoning block, given out at its end; the last one wins.
    pub fn sign(&mut self, signature: Cow<'_, str>) {
        self.life.signature = Some(signature.into_owned());
    }

    /// Metadata for the end of the open block, merged over what came before.
    pub fn annotate(&mut self, metadata: Meta) {
        merge(self.life.end_metadata.get_or_insert_default(), metadata);
    }

    /// Closes the open text or reasoning block if it has this key.
    pub fn close(&mut self, key: u64) {
        if self.is_open(key) {
            self.close_block();
        }
    }

    /// Closes the open text or reasoning block, if there is one.
    pub fn close_block(&mut self) {
        self.flush_think();
        self.close_open();
    }

    /// The place of what opens now in the order of opening, which blocks and tool inputs share.
    pub(crate) fn opening(&mut self) -> u64 {
        self.life.openings += 1;
        self.life.openings
    }

    /// Closes the open text or reasoning block if it was opened before that place.
    pub(crate) fn close_before(&mut self, opening: u64) {
        if self.life.open.is_some() && self.life.opened < opening {
            self.close_block();
        }
    }

    fn close_open(&mut self) {
        let Some((kind, _)) = self.life.open.take() else { return };
        self.flush_half(kind);
        let signature = self.life.signature.take();
        let metadata = self.life.end_metadata.take();
        let (id, metadata) = (self.life.id.as_str(), metadata.as_ref());
        self.sink.emit(match kind {
            Kind::Text => Event::TextEnd { id, metadata },
            Kind::Reasoning => Event::ReasoningEnd { id, signature: signature.as_deref(), metadata },
        });
    }

    fn open(&mut self, kind: Kind, key: u64, metadata: Option<&Meta>) -> bool {
        if self.life.open == Some((kind, key)) {
            return false;
        }
        self.close_open();
        self.start();
        self.life.open = Some((kind, key));
        self.life.id = match kind {
            Kind::Text => self.new_id("text"),
            Kind::Reasoning => self.new_id("reasoning"),
        };
        self.life.opened = self.opening();
        if kind == Kind::Text {
            self.life.text_id = Some(self.life.id.clone());
        }
        let id = self.life.id.as_str();
        self.sink.emit(match kind {
            Kind::Text => Event::TextStart { id, metadata },
            Kind::Reasoning => Event::ReasoningStart { id, metadata },
        });
        true
    }

    fn delta(&mut self, kind: Kind, text: Text<'_>) {
        let text = text.join(&mut self.life.half);
        if !text.is_empty() {
            self.emit_delta(kind, &text);
        }
    }

    fn split(&mut self, key: u64, text: Text<'_>) {
        if self.life.think_key != Some(key) {
            self.flush_think();
            self.life.think_key = Some(key);
            if let Some((kind, _)) = self.life.open {
                self.flush_half(kind);
            }
        }
        let text = text.join(&mut self.life.half);
        let half = self.life.half.take(); // of what comes after the pieces, whichever block they end in
        let pieces = self.life.think.as_mut().map_or_else(Vec::new, |think| think.feed(&text));
        self.give(key, pieces);
        self.life.half = half;
    }

    fn flush_think(&mut self) {
        let (Some(key), Some(think)) = (self.life.think_key.take(), self.life.think.as_mut()) else { return };
        let mut pieces = if self.life.half.take().is_some() { think.feed("\u{fffd}") } else { Vec::new() };
        pieces.extend(think.flush());
        self.give(key, pieces);
    }

    fn give(&mut self, key: u64, pieces: Vec<Piece>) {
        for (is_reasoning, text) in pieces {
            let kind = if is_reasoning { Kind::Reasoning } else { Kind::Text };
            self.open(kind, key, None);
            self.emit_delta(kind, &text);
        }
    }

    fn flush_half(&mut self, kind: Kind) {
        if self.life.half.take().is_some() {
            self.emit_delta(kind, "\u{fffd}");
        }
    }

    fn emit_delta(&mut self, kind: Kind, text: &str) {
        let id = self.life.id.as_str();
        self.sink.emit(match kind {
            Kind::Text => Event::TextDelta { id, text },
            Kind::Reasoning => Event::ReasoningDelta { id, text },
        });
    }

    // Events of other kinds

    /// A tool event (from `tools`), after the step's start.
    pub fn emit(&mut self, event: Event<'_>) {
        self.start();
        self.sink.emit(event);
    }

    /// The result of a tool that the provider ran.
    pub fn tool_result(&mut self, id: &str, name: &str, result: &Json, is_error: bool, metadata: Option<Meta>) {
        let metadata = metadata.as_ref();
        self.emit(Event::ToolResult { id, name, result, is_error, provider_executed: true, metadata });
    }

    /// A citation of the text block that is open or was last.
    pub fn citation(&mut self, url: Option<&str>, title: Option<&str>, text: Option<&str>, metadata: Option<Meta>) {
        self.start();
        let block_id = self.life.text_id.as_deref();
        self.sink.emit(Event::Citation { block_id, url, title, text, metadata: metadata.as_ref() });
    }

    /// Generated media, as base64 text or by address.
    pub fn media(&mut self, id: &str, mime_type: &str, data: Option<&str>, url: Option<&str>, metadata: Option<Meta>) {
        self.emit(Event::Media { id, mime_type, data, url, metadata: metadata.as_ref() });
    }

    /// A frame that no handler knows: given out only when raw events were asked for.
    pub fn unknown(&mut self, name: &str, value: Value<'_>) {
        if self.life.raw_events {
            self.emit(Event::Raw { name, data: &value.to_json() });
        }
    }

    /// An id unique in the step, from the same counter as block ids.
    pub fn new_id(&mut self, prefix: &str) -> String {
        self.life.blocks += 1;
        format!("{prefix}-{}", self.life.blocks - 1)
    }

    // The step

    /// Opens the step before its first content.
    pub fn start(&mut self) {
        if !self.life.started {
            self.life.started = true;
            self.sink.emit(Event::StepStart { index: 0 });
        }
    }

    /// Id and model of the answer: the first ones that are not empty stay.
    pub fn identify(&mut self, response_id: Value<'_>, model: Value<'_>) {
        for (slot, value) in [(&mut self.life.response_id, response_id), (&mut self.life.model, model)] {
            if slot.is_none() {
                *slot = value.str().filter(|text| !text.is_empty()).map(Cow::into_owned);
            }
        }
    }

    /// Metadata of the step, merged over what came before.
    pub fn note(&mut self, metadata: Meta) {
        merge(&mut self.life.step_metadata, metadata);
    }

    /// Something odd that is no failure; each text once, at most 64 of them.
    pub fn warn(&mut self, message: &str) {
        self.life.warn(message);
    }

    /// The protocol's terminal was reached: blocks close now, step and finish wait for `finish`.
    pub fn complete(&mut self, reason: FinishReason) {
        self.start();
        self.close_block();
        self.life.reason = Some(reason);
    }

    /// The two last events.
    pub fn finish(&mut self) {
        let Some(reason) = self.life.reason.as_ref() else { return };
        self.life.finished = true;
        let usage = &self.life.usage.build();
        self.sink.emit(Event::StepFinish {
            index: 0,
            reason,
            usage,
            response_id: self.life.response_id.as_deref(),
            model: self.life.model.as_deref(),
            metadata: Some(&self.life.step_metadata).filter(|metadata| !metadata.is_empty()),
        });
        self.sink.emit(Event::Finish { reason, usage, steps: 1, warnings: &self.life.warnings });
    }
}
