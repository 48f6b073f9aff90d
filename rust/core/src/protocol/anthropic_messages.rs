//! Protocol `anthropic-messages`: the Messages API of Anthropic, streamed or as one document.
//!
//! Owns the message: its frames in order, stop reasons, usage, and what the step says about itself. Content blocks are
//! `anthropic_messages_blocks`. Source: <https://docs.anthropic.com/en/docs/build-with-claude/streaming> and
//! <https://docs.anthropic.com/en/api/messages>; the older form is <https://docs.anthropic.com/en/api/complete>.
//!
//! Decided here:
//! - The `type` in the data says what a frame is; the event's name counts only where the data has no type.
//! - What a message says beyond its content, usage and stop reason (stop sequence and details, container, context
//!   management) is metadata of the step under its own name; so are the parts of usage that set the price of a token.
//! - A message without a stop reason that was closed by `message_stop` is complete with a warning.
//! - The older text completion (`completion` instead of content) is read as one text block.
//!
//! Twin of `runtimes/pure/protocol/anthropic_messages.py`.

use crate::cost;
use crate::error::{self, Result, is_error};
use crate::event::{FinishReason, Reason};
use crate::frame::Frame;
use crate::json::{Json, Meta, Value, merge};
use crate::lifecycle::Out;
use crate::options::Options;
use crate::protocol::Machine;
use crate::protocol::anthropic_messages_blocks::{Blocks, rest};
use crate::usage::{Counts, Field, wire_cost};

const MAX_NOTES: usize = 64;
const PRICED: [&str; 3] = ["inference_geo", "service_tier", "speed"];
const NOTED_ELSEWHERE: [&str; 13] = [
    "completion",
    "content",
    "cost",
    "delta",
    "id",
    "message",
    "model",
    "normalizedUsage",
    "role",
    "stop_reason",
    "type",
    "usage",
    "x-opencode-type",
];

/// State of one message.
#[derive(Debug)]
pub(super) struct AnthropicMessages {
    provider: String,
    blocks: Blocks,
    begun: bool,
    id: Option<String>,
    stop: Option<String>,
    notes: Meta,
}

impl AnthropicMessages {
    pub(super) fn new(options: &Options, out: &mut Out<'_>) -> Self {
        out.life.usage.input_excludes_cache = true;
        Self {
            provider: options.provider.clone(),
            blocks: Blocks::new(&options.provider),
            begun: false,
            id: None,
            stop: None,
            notes: Meta::new(),
        }
    }
}

impl Machine for AnthropicMessages {
    fn step(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let [said, index, delta] = value.pick(["type", "index", "delta"]);
        let said = said.str();
        let kind = said.as_deref().unwrap_or(frame.name);
        if said.is_some() && kind == "content_block_delta" {
            self.blocks.on_content_block_delta(index, delta, value, out); // nearly all frames
            return Ok(());
        }
        if kind == "error" || (value.has("error") && is_error(value)) {
            return on_error(frame, value);
        }
        match kind {
            "message_start" => return self.on_message_start(frame, value, out),
            "content_block_start" => self.blocks.on_content_block_start(value, out),
            "content_block_delta" => self.blocks.on_content_block_delta(index, delta, value, out),
            "content_block_stop" => self.blocks.on_content_block_stop(value, out),
            "message_delta" => self.on_message_delta(value, out),
            "message_stop" => self.on_message_stop(value, out),
            _ => return self.on_other(frame, value, out),
        }
        Ok(())
    }

    /// `[DONE]` is not of this protocol; some hosts send it where `message_stop` belongs.
    fn done(&mut self, out: &mut Out<'_>) -> Result<()> {
        if self.stop.is_some() { self.end(out) } else { Ok(()) }
    }

    /// A whole message, or a whole text completion.
    fn document(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        cost::take(value, out);
        let [completion, kind, content] = value.pick(["completion", "type", "content"]);
        if completion.is_string() {
            self.on_completion(value, out);
        } else if kind.str().is_some_and(|kind| kind == "message") || content.is_array() {
            self.message(value, out);
        } else {
            return Err(error::invalid_output("the response is not a message", frame.data));
        }
        if out.life.reason.is_none() {
            self.complete(out);
        }
        Ok(())
    }

    /// The body ended before `message_stop`; after a stop reason nothing of the answer can be missing.
    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        if self.stop.is_none() {
            return Err(error::incomplete("the stream ended before message_stop"));
        }
        out.warn("the stream ended before message_stop");
        self.complete(out);
        Ok(())
    }
}

/// Handlers, in wire order.
impl AnthropicMessages {
    /// The message begins. A repetition is ignored; another message replaces one of which nothing was given out.
    fn on_message_start(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let message = value.get("message");
        let id = filled(message.get("id"));
        if self.begun {
            if id.is_none() || self.id.is_none() || id == self.id {
                return Ok(());
            }
            if out.life.started {
                return Err(error::invalid_output("another message began before the first one ended", frame.data));
            }
            self.start_over(out);
        }
        self.begun = true;
        self.id = id;
        self.message(message, out);
        Ok(())
    }

    /// Stop reason and usage so far; not the end yet.
    fn on_message_delta(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        cost::take(value, out);
        let [delta, usage] = value.pick(["delta", "usage"]);
        if let Some(stop) = filled(delta.get("stop_reason")) {
            self.stop = Some(stop);
        }
        self.note(delta);
        self.note(value);
        self.usage(usage, out);
    }

    /// The end.
    fn on_message_stop(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        cost::take(value, out);
        self.note(value);
        self.complete(out);
    }

    /// A piece of a text completion; the one with a stop reason is the last.
    fn on_completion(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let [text, id, model, usage, stop] = value.pick(["completion", "id", "model", "usage", "stop_reason"]);
        if let Some(text) = text.text() {
            out.text(0, text);
        }
        out.identify(id, model);
        self.note(value);
        self.usage(usage, out);
        self.stop = filled(stop);
        if self.stop.is_some() {
            self.complete(out);
        }
    }

    /// Pings, with a cost or without, and what is not known.
    fn on_other(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let kind = value.get("type").str().filter(|kind| !kind.is_empty());
        let kind = kind.as_deref().unwrap_or(frame.name);
        if value.get("completion").is_string() {
            self.on_completion(value, out);
        } else if is_error(value) || frame.name == "error" {
            return on_error(frame, value);
        } else if cost::take(value, out).is_none() && kind != "ping" {
            out.unknown(kind, value);
        }
        Ok(())
    }
}

/// The provider gave up, at any point of the stream.
fn on_error(frame: Frame<'_>, value: Value<'_>) -> Result<()> {
    Err(error::provider_error(value, frame))
}

/// The message and its end.
impl AnthropicMessages {
    fn complete(&mut self, out: &mut Out<'_>) {
        let reason = finish_reason(self.stop.as_deref(), self.blocks.tools.any());
        if reason.raw.is_none() {
            out.warn("the message has no stop reason");
        }
        let cut = matches!(reason.normalized, Reason::Length | Reason::ContentFilter);
        self.blocks.settle(cut, out);
        let kept = self.blocks.take_kept();
        if !kept.is_empty() {
            merge(&mut self.notes, vec![("blocks".to_owned(), Json::Array(kept))]);
        }
        out.note(std::mem::take(&mut self.notes));
        out.complete(reason);
    }

    /// What `message_start` and a document have in common.
    fn message(&mut self, message: Value<'_>, out: &mut Out<'_>) {
        let [id, model, stop, usage, content] = message.pick(["id", "model", "stop_reason", "usage", "content"]);
        out.identify(id, model);
        self.stop = filled(stop);
        self.note(message);
        self.usage(usage, out);
        for block in content.items() {
            self.blocks.whole(block, out);
        }
    }

    fn note(&mut self, value: Value<'_>) {
        for said in rest(value, &NOTED_ELSEWHERE) {
            if self.notes.len() < MAX_NOTES {
                merge(&mut self.notes, vec![said]);
            }
        }
    }

    /// Forgets the first attempt, but for what was charged.
    fn start_over(&mut self, out: &mut Out<'_>) {
        let before = std::mem::take(&mut out.life.usage);
        out.life.usage.input_excludes_cache = true;
        out.life.usage.cost = before.cost;
        out.life.usage.list_cost = before.list_cost;
        out.life.response_id = None;
        out.life.model = None;
        self.blocks = Blocks::new(&self.provider);
        self.notes.clear();
    }

    // Usage

    /// A snapshot; the last one that says a field wins.
    fn usage(&mut self, usage: Value<'_>, out: &mut Out<'_>) {
        if usage.members().next().is_none() {
            return;
        }
        let keys = ["input_tokens", "output_tokens", "cache_read_input_tokens", "output_tokens_details", "cost"];
        let [input, output, read, details, cost] = usage.pick(keys);
        let counts = &mut out.life.usage;
        counts.keep_raw(usage);
        counts.set(Field::Input, input);
        counts.set(Field::Output, output);
        counts.set(Field::CacheRead, read);
        cache_writes(usage, counts);
        counts.set(Field::Reasoning, details.get("thinking_tokens"));
        for (name, said) in PRICED.into_iter().zip(usage.pick(PRICED)) {
            if let Some(said) = filled(said) {
                merge(&mut self.notes, vec![(name.to_owned(), Json::String(said))]);
            }
        }
        if cost.is_null() {
            return;
        }
        match wire_cost(cost) {
            None => out.warn("a cost on the wire could not be read"),
            amount => counts.cost = amount,
        }
    }
}

/// The total of the writes, and the part of it that is kept for an hour.
fn cache_writes(usage: Value<'_>, counts: &mut Counts) {
    let [by_lifetime, total] = usage.pick(["cache_creation", "cache_creation_input_tokens"]);
    let [short, long] = by_lifetime.pick(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"]);
    if short.count().is_some() || long.count().is_some() {
        counts.put(Field::CacheWrite, short.count().unwrap_or(0) + long.count().unwrap_or(0));
    }
    counts.set(Field::CacheWrite1h, long);
    counts.set(Field::CacheWrite, total);
}

/// The text, unless it is empty.
fn filled(value: Value<'_>) -> Option<String> {
    value.str().filter(|text| !text.is_empty()).map(std::borrow::Cow::into_owned)
}

// Finish reasons

fn normalized(raw: &str) -> Reason {
    match raw {
        "end_turn" | "stop_sequence" => Reason::Stop,
        "max_tokens" | "model_context_window_exceeded" => Reason::Length,
        "tool_use" => Reason::ToolCalls,
        "compaction" | "pause_turn" => Reason::Pause,
        "refusal" => Reason::ContentFilter,
        _ => Reason::Unknown,
    }
}

/// `calls`: the caller has calls to run, which decides where the provider's word does not say so.
fn finish_reason(raw: Option<&str>, calls: bool) -> FinishReason {
    let mut reason = normalized(raw.unwrap_or_default());
    if calls && (raw.is_none() || reason == Reason::Stop) {
        reason = Reason::ToolCalls;
    }
    FinishReason::new(reason, raw)
}
