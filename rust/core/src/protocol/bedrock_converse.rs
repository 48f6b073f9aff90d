//! Amazon Bedrock Converse and `ConverseStream`.
//!
//! Owns the wire events and the end of the stream. Beside it, `bedrock_converse_blocks` has results of tools that Bedrock
//! runs and generated media, `_end` the names of usage and of stop reasons. A frame's name says which member of the union
//! its payload is; a payload that is wrapped in the member's name again is unwrapped. Padding (`p`) is never looked at.
//!
//! Sources: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>
//!
//! Decisions where the contract is silent:
//! - A block index that is missing is that of the block in progress, at a start the next one.
//! - A call without arguments whose block is stopped waits for the next block or `messageStop`: where the answer was
//!   cut, the last block is stopped as well, and no arguments came may mean that none came yet.
//! - After `messageStop`, metadata completes the answer once usage was seen, before it or with it.
//!
//! Twin of `runtimes/pure/protocol/bedrock_converse.py`.

use std::borrow::Cow;
use std::collections::HashMap;

use super::bedrock_converse_blocks::{KINDS, Media, Results, cite, give_media, on_citation};
use super::bedrock_converse_end::{normalized, take_usage};
use crate::cost;
use crate::error::{self, Result};
use crate::event::{FinishReason, Reason};
use crate::frame::{Frame, FrameKind};
use crate::json::{Json, Text, Value};
use crate::lifecycle::Out;
use crate::options::Options;
use crate::protocol::Machine;
use crate::template::Places;
use crate::tools::{Opening, Tools};

const DELTA: &str = "contentBlockDelta";
const EVENTS: [&str; 6] = [DELTA, "messageStart", "contentBlockStart", "contentBlockStop", "messageStop", "metadata"];
const SERVER_TOOL: &str = "server_tool_use";
const NOTED: [&str; 4] = ["metrics", "performanceConfig", "serviceTier", "trace"];

/// State of one answer. Blocks are addressed by `contentBlockIndex`.
#[derive(Debug, Default)]
pub(crate) struct BedrockConverse {
    issuer: String,
    tools: Tools,
    calls: HashMap<u64, (usize, Option<String>)>,
    results: Results,
    media: Media,
    at: Option<u64>,
    /// Index and slot of a call that was stopped without arguments.
    blank: Option<(u64, usize)>,
    redacted: Option<u64>,
    reason: Option<FinishReason>,
    counted: bool,
    described: bool,
}

impl BedrockConverse {
    pub(crate) fn new(options: &Options, out: &mut Out<'_>) -> Self {
        out.life.usage.input_excludes_cache = true;
        let results = Results::new(&options.provider);
        Self { issuer: options.provider.clone(), results, ..Self::default() }
    }
}

impl Machine for BedrockConverse {
    /// One event, named by its frame.
    fn step(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let named = EVENTS.into_iter().find(|name| *name == frame.name);
        let Some(name) = named.or_else(|| EVENTS.into_iter().find(|name| value.get(name).is_object())) else {
            return other(frame, value, out);
        };
        let inner = value.get(name);
        let value = if inner.is_object() { inner } else { value };
        match name {
            "metadata" => self.on_metadata(value, out),
            _ if self.reason.is_some() => out.warn("content after the end of the answer was ignored"),
            DELTA => self.on_content_block_delta(value, out),
            "contentBlockStart" => self.on_content_block_start(value, out),
            "contentBlockStop" => self.on_content_block_stop(value, out),
            "messageStop" => return self.on_message_stop(frame, value, out),
            _ => {}
        }
        Ok(())
    }

    // End

    /// Bedrock has no such end; it says nothing here.
    fn done(&mut self, _: &mut Out<'_>) -> Result<()> {
        Ok(())
    }

    /// The answer of Converse: the blocks whole, the rest under the names of the stream's events.
    fn document(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        if !value.is_object() {
            return Err(error::invalid_output("the answer is not a JSON object", frame.data));
        }
        for (index, block) in (0..).zip(value.get("output").get("message").get("content").items()) {
            if block.is_object() {
                self.block(index, block, out);
                out.close(index);
            }
        }
        cost::take(value, out);
        self.on_metadata(value, out);
        if !value.get("stopReason").is_null() {
            self.on_message_stop(frame, value, out)?;
        }
        if out.life.reason.is_none() { self.end(out) } else { Ok(()) }
    }

    /// The body ended: complete after `messageStop`, with a warning where metadata did not come.
    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let Some(reason) = self.reason.clone() else {
            return Err(error::incomplete("the stream ended without messageStop"));
        };
        if !self.described {
            out.warn("the stream ended without metadata");
        }
        out.complete(reason);
        Ok(())
    }

    fn places(&self, frame: Value<'_>, places: &mut Places) {
        places.unread(frame.pick(["p"]));
    }
}

/// An error that came as an event, or an event that nobody knows.
fn other(frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
    let exceptions = || value.members().filter(|(name, _)| name.ends_with("Exception"));
    let last: HashMap<_, _> = exceptions().collect();
    let said =
        exceptions().find_map(|(name, _)| last.get(&name).filter(|item| item.is_object()).map(|item| (name, *item)));
    if let Some((name, item)) = said {
        let frame = Frame { kind: FrameKind::Exception, name: &name, data: frame.data };
        return Err(error::provider_error(item, frame));
    }
    if error::is_error(value) {
        return Err(error::provider_error(value, frame));
    }
    if cost::take(value, out).is_none() {
        out.unknown(frame.name, value);
    }
    Ok(())
}

impl BedrockConverse {
    /// Tool calls, tool results and images have a start; text and reasoning have none.
    fn on_content_block_start(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let [index, start] = value.pick(["contentBlockIndex", "start"]);
        let index = index.count().unwrap_or_else(|| self.at.map_or(0, |at| at + 1));
        self.at = Some(index);
        self.end_blank(out);
        let [tool, result, image] = start.pick(["toolUse", "toolResult", "image"]);
        if tool.is_object() {
            self.start_tool(index, tool, out);
        } else if result.is_object() {
            out.close_block();
            self.results.start(index, result);
        } else if image.is_object() {
            out.close_block();
            self.media.start(index, image);
        }
    }

    /// Opens a call; `None` for the same start again.
    fn start_tool(&mut self, index: u64, tool: Value<'_>, out: &mut Out<'_>) -> Option<usize> {
        let [id, name, kind] = tool.pick(["toolUseId", "name", "type"]);
        let (id, name) = (id.str(), name.str());
        if let Some((slot, known)) = self.calls.get(&index) {
            if id.as_deref().is_some_and(|id| !id.is_empty()) && known.as_deref() == id.as_deref() {
                return None;
            }
            self.tools.close(*slot, out);
        }
        out.close_block();
        let provider_executed = kind.str().is_some_and(|kind| kind == SERVER_TOOL);
        let metadata = provider_executed.then(|| vec![self.issuer()]);
        let name = name.as_deref();
        let opening = Opening { id: id.as_deref(), name, provider_executed, metadata, ..Opening::default() };
        let slot = self.tools.open(opening, out);
        let id = id.map(Cow::into_owned);
        if let Some(id) = id.as_ref().filter(|id| provider_executed && !id.is_empty()) {
            self.results.expect(id, slot);
        }
        self.calls.insert(index, (slot, id));
        Some(slot)
    }

    /// The index of a block in progress.
    fn index(&mut self, index: Value<'_>) -> u64 {
        let index = index.count().or(self.at).unwrap_or(0);
        self.at = Some(index);
        index
    }

    /// More of a block: one member of a union.
    fn on_content_block_delta(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let [index, delta] = value.pick(["contentBlockIndex", "delta"]);
        let index = self.index(index);
        if self.blank.is_some_and(|(blank, _)| blank != index) {
            self.end_blank(out);
        }
        let text = delta.only("text").unwrap_or_else(|| delta.get("text"));
        if let Some(said) = text.text() {
            out.text(index, said);
            out.again(text);
        } else {
            self.delta(index, delta, out);
        }
    }

    fn delta(&mut self, index: u64, delta: Value<'_>, out: &mut Out<'_>) {
        let [tool, reasoning, citation, result, image] =
            delta.pick(["toolUse", "reasoningContent", "citation", "toolResult", "image"]);
        if tool.is_object() {
            self.on_tool_use(index, tool, out);
        } else if reasoning.is_object() {
            self.on_reasoning_content(index, reasoning, out);
        } else if citation.is_object() {
            on_citation(index, citation, out);
        } else if result.is_array() {
            for part in result.items() {
                self.results.add(index, part);
            }
        } else if image.is_object() {
            self.media.add(index, image, out);
        } else if delta.members().next().is_some() {
            out.unknown(DELTA, delta);
        }
    }

    /// Argument text of a tool call.
    fn on_tool_use(&mut self, index: u64, tool: Value<'_>, out: &mut Out<'_>) {
        let Some((slot, _)) = self.calls.get(&index) else {
            out.warn("tool input without the start of its call was ignored");
            return;
        };
        if let Some(text) = tool.get("input").text() {
            self.tools.delta(*slot, text, out);
        }
    }

    /// Reasoning text, its signature, or reasoning that is kept from us. Documents wrap text and signature.
    fn on_reasoning_content(&mut self, index: u64, content: Value<'_>, out: &mut Out<'_>) {
        let inner = content.get("reasoningText");
        let content = if inner.is_object() { inner } else { content };
        let [text, signature, redacted] = content.pick(["text", "signature", "redactedContent"]);
        if let Some(text) = text.text().filter(|text| !text.is_empty()) {
            if out.open_reasoning(index, None) {
                out.annotate(vec![self.issuer()]);
            }
            out.reasoning(index, text);
        }
        if let Some(signature) = signature.str().filter(|text| !text.is_empty()) {
            out.open_reasoning(index, None);
            out.sign(signature);
            out.annotate(vec![self.issuer()]);
        }
        if let Some(redacted) = redacted.str().filter(|text| !text.is_empty()) {
            if self.redacted == Some(index) {
                out.close(index); // each has a block of its own, so that none is overwritten
            }
            self.redacted = Some(index);
            out.open_reasoning(index, None);
            out.annotate(vec![("redactedContent".to_owned(), Json::str(redacted)), self.issuer()]);
        }
    }

    fn issuer(&self) -> (String, Json) {
        ("issuer".to_owned(), Json::str(self.issuer.as_str()))
    }

    /// A block is complete.
    fn on_content_block_stop(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let index = self.index(value.get("contentBlockIndex"));
        out.close(index);
        if let Some((slot, _)) = self.calls.get(&index) {
            if self.tools.is_blank(*slot) {
                self.blank = Some((index, *slot));
            } else {
                self.tools.close(*slot, out);
            }
        }
        self.results.stop(index, &self.tools, out);
        self.media.stop(index, out);
    }

    /// Another block begins: the call before it has no arguments.
    fn end_blank(&mut self, out: &mut Out<'_>) {
        if let Some((_, slot)) = self.blank.take() {
            self.tools.close(slot, out);
        }
    }

    /// Why the model stopped; usage may have come before or will follow.
    fn on_message_stop(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let [raw, extra] = value.pick(["stopReason", "additionalModelResponseFields"]);
        let raw = raw.str();
        if let Some(raw @ ("malformed_model_output" | "malformed_tool_use")) = raw.as_deref() {
            return Err(error::invalid_output(&format!("the model gave malformed output: {raw}"), frame.data));
        }
        if !extra.is_null() {
            out.note(vec![("additionalModelResponseFields".to_owned(), extra.to_json())]);
        }
        let reason = match normalized(raw.as_deref().unwrap_or_default()) {
            Reason::Stop if self.tools.any() => Reason::ToolCalls,
            reason => reason,
        };
        let cut = matches!(reason, Reason::Length | Reason::ContentFilter);
        self.tools.settle(|_| cut, out);
        self.results.end(&self.tools, out);
        self.media.end(out);
        let reason = FinishReason::new(reason, raw);
        self.reason = Some(reason.clone());
        if self.counted {
            out.complete(reason);
        }
        Ok(())
    }

    /// Usage, and what else is worth keeping. Metadata without usage erases nothing.
    fn on_metadata(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        self.described = true;
        for (name, said) in NOTED.into_iter().zip(value.pick(NOTED)) {
            if !said.is_null() {
                out.note(vec![(name.to_owned(), said.to_json())]);
            }
        }
        let counts = value.get("usage");
        if counts.is_object() {
            self.counted = true;
            take_usage(counts, out);
        }
        if let Some(reason) = self.reason.clone().filter(|_| self.counted) {
            out.complete(reason);
        }
    }

    fn block(&mut self, index: u64, block: Value<'_>, out: &mut Out<'_>) {
        self.end_blank(out);
        let [text, reasoning, tool, result, cited] =
            block.pick(["text", "reasoningContent", "toolUse", "toolResult", "citationsContent"]);
        if let Some(text) = text.text() {
            out.text(index, text);
        } else if reasoning.is_object() {
            self.on_reasoning_content(index, reasoning, out);
        } else if tool.is_object() {
            self.whole_tool(index, tool, out);
        } else if result.is_object() {
            out.close_block();
            self.results.start(index, result);
            for part in result.get("content").items() {
                self.results.add(index, part);
            }
            self.results.stop(index, &self.tools, out);
        } else if cited.is_object() {
            cite(index, cited, out);
        } else if !KINDS.into_iter().any(|kind| give_media(kind, block.get(kind), out)) {
            out.unknown("content", block);
        }
    }

    fn whole_tool(&mut self, index: u64, tool: Value<'_>, out: &mut Out<'_>) {
        let Some(slot) = self.start_tool(index, tool, out) else { return };
        let value = tool.get("input");
        if value.is_null() || (value.is_object() && value.members().next().is_none()) {
            self.blank = Some((index, slot));
            return;
        }
        let value = value.to_json();
        self.tools.delta(slot, Text::from(value.dump()), out);
        self.tools.close_value(slot, &value, out);
    }
}
