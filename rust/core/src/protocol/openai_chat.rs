//! OpenAI-compatible chat completions: the one shared core of every dialect, streamed and whole.
//!
//! Owns which choice a delta belongs to, the order inside a delta (reasoning, content, refusal, media, citations,
//! tools), the finish reason and the end of the stream. Dialects are tables of spellings in the sibling files. Owns no
//! assembly of arguments and no block order. Sources and decisions stand at the twin,
//! `runtimes/pure/protocol/openai_chat.py`.

use std::collections::{HashMap, HashSet};

use crate::cost;
use crate::error::{self, Result, is_error};
use crate::event::{FinishReason, Reason};
use crate::frame::Frame;
use crate::json::{Json, Text, Value};
use crate::lifecycle::Out;
use crate::options::Options;
use crate::template::Places;
use crate::tools::Tools;

use super::Machine;
use super::openai_chat_extras::{Extras, on_images};
use super::openai_chat_reasoning::Reasoning;
use super::openai_chat_state::{Choice, Chunk, KEYS, Place, REASONING, REFUSAL, TRANSCRIPT, filled, meta, only_said};
use super::openai_chat_tools::Calls;
use super::openai_chat_usage::{failed, reason, take_usage};

const NO_REASON: &str = "the answer ended without a finish reason";
const LATE: &str = "content came after the finish reason";
const INCOMPLETE: &str = "the stream ended without a finish reason";
const SPEAKING: [&str; 6] =
    ["content", "tool_calls", "function_call", "reasoning_content", "reasoning", "reasoning_text"];
const NOTED: [&str; 4] = ["prompt_filter_results", "provider", "service_tier", "system_fingerprint"];
/// State of one answer.
#[derive(Debug)]
pub(super) struct OpenAiChat {
    require_reason: bool,
    tools: Tools,
    reasoning: Reasoning,
    extras: Extras,
    choices: Vec<Choice>,
    places: HashMap<u64, usize>,
    reason: Option<String>,
    noted: bool,
    ends_on_cost: bool,
}

impl OpenAiChat {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            require_reason: options.require_finish_reason,
            tools: Tools::default(),
            reasoning: Reasoning::default(),
            extras: Extras::default(),
            choices: Vec::new(),
            places: HashMap::new(),
            reason: None,
            noted: false,
            ends_on_cost: false,
        }
    }
}

impl Machine for OpenAiChat {
    fn step(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let chunk = Chunk::read(frame, value);
        if frame.name == "error" || (chunk.may_fail && is_error(value)) {
            return Err(error::provider_error(value, frame));
        }
        if chunk.choices.is_array() {
            self.on_choices(&chunk, out)?;
        }
        let used = chunk.usage.is_object() && filled(chunk.usage);
        if used {
            self.on_usage(chunk.usage, value, out);
            out.not_again();
        }
        if chunk.rare {
            out.not_again();
            self.on_dialect(&chunk, out)?;
        } else if !chunk.choices.is_array() && !used {
            let [kind, object] = value.pick(["type", "object"]).map(|value| value.str().unwrap_or_default());
            if kind != "ping" {
                out.unknown(if object.is_empty() { frame.name } else { &object }, value);
            }
        }
        Ok(())
    }

    fn done(&mut self, out: &mut Out<'_>) -> Result<()> {
        self.complete_loosely(out)
    }

    fn document(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        if !value.get("choices").items().any(|choice| choice.is_object()) {
            let head: String = frame.data.chars().take(200).collect();
            return Err(error::invalid_output("the response is not a chat completion", &head));
        }
        self.step(frame, value, out)?;
        self.complete(out);
        Ok(())
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        if self.reason.is_none() && !self.ends_on_cost {
            return Err(error::incomplete(INCOMPLETE));
        }
        self.complete_loosely(out)
    }

    fn places(&self, frame: Value<'_>, places: &mut Places) {
        places.unread(frame.pick(["created", "obfuscation"]));
    }
}

/// Handlers.
impl OpenAiChat {
    fn on_choices(&mut self, chunk: &Chunk<'_>, out: &mut Out<'_>) -> Result<()> {
        out.identify(chunk.id, chunk.model);
        if !self.noted {
            self.noted = true;
            on_notes(chunk.value, out);
        }
        for choice in chunk.choices.items().filter(Value::is_object) {
            self.ends_on_cost = false;
            self.on_choice(choice, chunk, out)?;
        }
        if chunk.choices.items().nth(1).is_some() {
            out.not_again();
        }
        Ok(())
    }

    fn on_choice(&mut self, choice: Value<'_>, chunk: &Chunk<'_>, out: &mut Out<'_>) -> Result<()> {
        let keys = ["index", "delta", "finish_reason", "message", "error", "usage", "finish_details"];
        let [index, mut delta, finish, message, failure, usage, details] = choice.pick(keys);
        let at = self.choice(index.count().unwrap_or(0));
        let Some(state) = self.choices.get_mut(at) else { return Ok(()) };
        if delta.is_object() {
            state.streamed = true;
        } else if !state.streamed {
            delta = message;
        }
        if delta.is_object() {
            self.on_delta(at, delta, out);
        }
        if filled(failure) {
            let payload = Json::Object(vec![("error".to_owned(), failure.to_json())]);
            return Err(error::reported(payload, chunk.frame));
        }
        if usage.is_object() && filled(usage) {
            self.on_usage(usage, chunk.value, out);
            out.not_again();
        }
        if finish.is_null() && details.is_null() {
            return Ok(());
        }
        let said = [finish, details.get("type")].into_iter().filter_map(|value| value.str());
        match said.into_iter().find(|said| !said.is_empty()) {
            Some(said) => {
                out.not_again();
                self.on_finish_reason(at, &said, choice, chunk, out)
            }
            None => Ok(()),
        }
    }

    fn on_delta(&mut self, at: usize, delta: Value<'_>, out: &mut Out<'_>) {
        let Some(state) = self.choices.get(at) else { return };
        let place = state.place;
        if state.reason.is_some() && delta.pick(SPEAKING).into_iter().any(filled) {
            out.warn(LATE);
        }
        let [content, refusal] = delta.pick(["content", "refusal"]);
        let plain = delta.members().all(|(name, _)| matches!(name.as_ref(), "content" | "role" | "refusal"));
        if !plain {
            self.reasoning.on_reasoning(place.block(REASONING), delta, out);
        }
        match content.text() {
            Some(text) => self.text(place, text, out),
            None => self.on_content(place, content, out),
        }
        if let Some(text) = refusal.text() {
            self.on_refusal(place, text, out);
        }
        if !plain {
            self.on_rest(at, delta, out);
        }
        if self.choices.get(at).is_some_and(|state| state.reason.is_none()) {
            out.again(if plain && refusal.is_null() { content } else { only_said(delta) });
        }
    }

    fn on_content(&mut self, place: Place, parts: Value<'_>, out: &mut Out<'_>) {
        for part in parts.items() {
            if let Some(text) = part.text() {
                self.text(place, text, out);
            } else if part.is_object() {
                self.on_part(place, part, out);
            }
        }
    }

    fn on_part(&mut self, place: Place, part: Value<'_>, out: &mut Out<'_>) {
        let [kind, text, refusal] = part.pick(["type", "text", "refusal"]);
        let kind = kind.str().unwrap_or_default();
        match kind.as_ref() {
            "text" | "output_text" => self.text(place, text.text().unwrap_or_else(|| "".into()), out),
            "thinking" => self.reasoning.on_thinking(place.block(REASONING), part, out),
            "refusal" => self.on_refusal(place, refusal.text().unwrap_or_else(|| "".into()), out),
            "reference" => self.extras.cite(None, None, None, Some(meta(part)), out),
            "image_url" => on_images(std::iter::once(part), out),
            "" => out.unknown("content", part),
            _ => out.unknown(&kind, part),
        }
    }

    fn on_refusal(&mut self, place: Place, text: Text<'_>, out: &mut Out<'_>) {
        self.text(place.block(REFUSAL), text, out);
    }

    fn on_rest(&mut self, at: usize, delta: Value<'_>, out: &mut Out<'_>) {
        let keys = ["images", "audio", "annotations", "tool_calls", "function_call", "executed_tools", "extra_content"];
        let [images, audio, annotations, calls, legacy, executed, extra] = delta.pick(keys);
        let Some(place) = self.choices.get(at).map(|state| state.place) else { return };
        on_images(images.items(), out);
        if let Some(transcript) = audio.get("transcript").text() {
            self.text(place.block(TRANSCRIPT), transcript, out);
        }
        self.extras.on_audio(audio, out);
        self.extras.on_annotations(annotations, out);
        if filled(calls) || filled(legacy) || filled(executed) {
            self.reasoning.leave(out);
            out.close_block();
        }
        let Some(state) = self.choices.get_mut(at) else { return };
        state.calls.on_tool_calls(calls, place, &mut self.tools, out);
        if legacy.is_object() {
            state.calls.on_function_call(legacy, place, &mut self.tools, out);
        }
        self.extras.on_executed_tools(executed, &mut self.tools, out);
        if extra.is_object() && filled(extra) {
            out.note(vec![("extra_content".to_owned(), extra.to_json())]);
        }
    }

    fn on_finish_reason(
        &mut self,
        at: usize,
        said: &str,
        choice: Value<'_>,
        chunk: &Chunk<'_>,
        out: &mut Out<'_>,
    ) -> Result<()> {
        if let Some(kind) = failed(said) {
            return Err(failure(said, kind, chunk.frame));
        }
        let normalized = reason(said);
        let Some(state) = self.choices.get_mut(at) else { return Ok(()) };
        if state.reason.is_none() && !is_cut(normalized) {
            state.calls.finish(normalized == Reason::ToolCalls, &mut self.tools, out);
        }
        state.reason = Some(said.to_owned());
        if state.place.choice == 0 || self.reason.is_none() {
            self.reason = Some(said.to_owned());
        }
        on_notes(chunk.value, out);
        let [native, filtered] = choice.pick(["native_finish_reason", "content_filter_results"]);
        if native.is_string() && filled(native) {
            out.note(vec![("native_finish_reason".to_owned(), native.to_json())]);
        }
        if filled(filtered) && normalized == Reason::ContentFilter {
            out.note(vec![("content_filter_results".to_owned(), filtered.to_json())]);
        }
        Ok(())
    }

    fn on_usage(&mut self, usage: Value<'_>, value: Value<'_>, out: &mut Out<'_>) {
        self.ends_on_cost = false;
        on_notes(value, out);
        take_usage(usage, out);
    }

    fn on_dialect(&mut self, chunk: &Chunk<'_>, out: &mut Out<'_>) -> Result<()> {
        if cost::take(chunk.value, out).is_some() && !(chunk.choices.is_array() && filled(chunk.choices)) {
            self.ends_on_cost = true;
        }
        let [groq, results, citations] = chunk.value.pick(["x_groq", "search_results", "citations"]);
        let [usage, failure] = groq.pick(["usage", "error"]);
        if filled(failure) {
            let payload = Json::Object(vec![("error".to_owned(), failure.to_json())]);
            return Err(error::reported(payload, chunk.frame));
        }
        if usage.is_object() && filled(usage) {
            self.on_usage(usage, chunk.value, out);
        }
        self.extras.on_sources(results, citations, out);
        Ok(())
    }
}

fn on_notes(value: Value<'_>, out: &mut Out<'_>) {
    let said = NOTED.into_iter().zip(value.pick(NOTED)).filter(|(_, value)| filled(*value));
    out.note(said.map(|(key, value)| (key.to_owned(), value.to_json())).collect());
}

/// The end.
impl OpenAiChat {
    fn complete_loosely(&mut self, out: &mut Out<'_>) -> Result<()> {
        if self.reason.is_none() {
            if self.require_reason {
                return Err(error::incomplete(INCOMPLETE));
            }
            out.warn(NO_REASON);
        }
        self.complete(out);
        Ok(())
    }

    fn complete(&mut self, out: &mut Out<'_>) {
        self.extras.speak(out);
        self.reasoning.leave(out);
        let said = self.reason.as_deref().unwrap_or_default();
        let mut normalized = reason(said);
        let mut cut = HashSet::new();
        for choice in &mut self.choices {
            choice.calls.flush(&mut self.tools, out);
            let said = choice.reason.as_deref().unwrap_or(said);
            if is_cut(reason(said)) {
                cut.extend(choice.calls.slots());
            }
        }
        self.tools.settle(|slot| cut.contains(&slot), out);
        if matches!(normalized, Reason::Stop | Reason::Unknown) && self.tools.any() {
            normalized = Reason::ToolCalls;
        }
        if self.choices.len() > 1 {
            out.note(vec![("finish_reasons".to_owned(), self.finish_reasons())]);
        }
        out.complete(FinishReason::new(normalized, self.reason.take()));
    }

    fn finish_reasons(&self) -> Json {
        let reasons = self.choices.iter().map(|choice| {
            let said = choice.reason.as_deref().map_or(Json::Null, Json::str);
            (choice.place.choice.to_string(), said)
        });
        Json::Object(reasons.collect())
    }
}

// Helpers

impl OpenAiChat {
    fn choice(&mut self, index: u64) -> usize {
        if self.choices.first().is_some_and(|first| first.place.choice == index) {
            return 0;
        }
        *self.places.entry(index).or_insert_with(|| {
            let key = self.choices.len() as u64 * KEYS;
            let place = Place { key, choice: index };
            if self.choices.is_empty() {
                self.choices.reserve_exact(1); // most answers have one, and a vector begins with room for four
            }
            self.choices.push(Choice { place, calls: Calls::default(), reason: None, streamed: false });
            self.choices.len() - 1
        })
    }

    fn text(&mut self, place: Place, text: Text<'_>, out: &mut Out<'_>) {
        if text.is_empty() {
            return;
        }
        if out.is_open(place.key) {
            out.text(place.key, text);
            return;
        }
        self.reasoning.leave(out);
        if let Some(metadata) = place.metadata() {
            out.open_text(place.key, Some(metadata));
        }
        out.text(place.key, text);
        self.extras.speak(out);
    }
}

fn is_cut(reason: Reason) -> bool {
    matches!(reason, Reason::Length | Reason::ContentFilter)
}

fn failure(said: &str, kind: &str, frame: Frame<'_>) -> error::DecodeError {
    let message = format!("the provider ended the answer with finish_reason {said}");
    let error = vec![
        ("type".to_owned(), Json::str(kind)),
        ("code".to_owned(), Json::str(said)),
        ("message".to_owned(), Json::String(message)),
    ];
    error::reported(Json::Object(vec![("error".to_owned(), Json::Object(error))]), frame)
}
