//! `OpenAI` Responses: `/v1/responses` as a stream or as one document, and the dialects of hosts that speak it.
//!
//! Owns what each frame does and the end of the answer. Beside it, `openai_responses_items` says which item a frame
//! means and what is known of it, `_blocks` makes text and reasoning of its parts, `_hosted` settles calls, `_end` reads
//! usage and the finish reason, `_frames` names frames that are told apart by name alone. Sources and decisions stand in
//! the twin, `runtimes/pure/protocol/openai_responses.py`.

use super::Machine;
use super::openai_responses_blocks::{
    add_reasoning, add_text, cite, finish_message, finish_opaque, finish_reasoning, open_reasoning, whole_reasoning,
    whole_text,
};
use super::openai_responses_end::{failure, finish_reason, step_metadata, take_usage};
use super::openai_responses_frames::{PROGRESS, call_input, index_of};
use super::openai_responses_hosted::Calls;
use super::openai_responses_items::{Hot, Item, Items, Kind, Sort, text, text_or};
use crate::cost;
use crate::error::{self, Result};
use crate::frame::Frame;
use crate::json::{Json, Meta, Value};
use crate::lifecycle::Out;
use crate::options::Options;
use crate::template::Places;

const UNFINISHED: [&str; 3] = ["incomplete", "failed", "cancelled"];
const RUNNING: [&str; 2] = ["queued", "in_progress"];
const HEAD: usize = 200;

// State

/// State of one answer.
#[derive(Debug)]
pub(super) struct OpenAiResponses {
    items: Items,
    calls: Calls,
    hot: Option<Hot>,
    ciphertexts: Meta,
}

impl OpenAiResponses {
    pub(super) fn new(options: &Options) -> Self {
        Self { items: Items::default(), calls: Calls::new(&options.provider), hot: None, ciphertexts: Meta::new() }
    }
}

impl Machine for OpenAiResponses {
    /// One frame; a frame without a type goes by its event name.
    fn step(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let [said, delta, item_id, output_index, content_index] =
            value.pick(["type", "delta", "item_id", "output_index", "content_index"]);
        let said = said.str();
        let name = said.as_deref().unwrap_or(frame.name);
        match name {
            "response.output_text.delta" => {
                self.on_output_text_delta(delta, [item_id, output_index, content_index], value, out);
            }
            "response.created" | "response.queued" | "response.in_progress" => Self::on_created(value, out),
            "response.output_item.added" => self.on_output_item_added(value, out),
            "response.output_text.annotation.added" => self.on_output_text_annotation_added(value, out),
            "response.output_text.done" => self.on_output_text_done(value, out),
            "response.refusal.delta" => self.on_refusal_delta(value, out),
            "response.refusal.done" => self.on_refusal_done(value, out),
            "response.content_part.done" => self.on_content_part_done(value, out),
            "response.reasoning_summary_text.delta" => self.on_reasoning_summary_text_delta(value, out),
            "response.reasoning_summary_text.done" => self.on_reasoning_summary_text_done(value, out),
            "response.reasoning_summary_part.done" => self.on_reasoning_summary_part_done(value, out),
            // The short names are those of older open-responses hosts.
            "response.reasoning_text.delta" | "response.reasoning.delta" => self.on_reasoning_text_delta(value, out),
            "response.reasoning_text.done" | "response.reasoning.done" => self.on_reasoning_text_done(value, out),
            "response.output_item.done" => self.on_output_item_done(value, out),
            _ => return self.step_further(name, frame, value, out),
        }
        Ok(())
    }

    /// Hosts that send `[DONE]` send it after the terminal; alone it says nothing.
    fn done(&mut self, _out: &mut Out<'_>) -> Result<()> {
        Ok(())
    }

    /// A response object, which some gateways wrap in `response`.
    fn document(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let inner = value.get("response");
        let response = if inner.is_object() { inner } else { value };
        let [status, output] = response.pick(["status", "output"]);
        let status = status.str();
        if !output.is_array() && status.is_none() {
            let head: String = frame.data.chars().take(HEAD).collect();
            return Err(error::invalid_output("the response is not an answer", &head));
        }
        let status = text_or(status.as_deref(), "completed");
        if RUNNING.contains(&status) {
            out.warn("the response is not finished yet");
        }
        self.terminal(status, frame, value, response, out)
    }

    fn end(&mut self, _out: &mut Out<'_>) -> Result<()> {
        Err(error::incomplete("the stream ended before the response was complete"))
    }

    fn places(&self, frame: Value<'_>, places: &mut Places) {
        places.unread(frame.pick(["sequence_number", "obfuscation"]));
    }
}

// Handlers, in wire order

impl OpenAiResponses {
    fn step_further(&mut self, name: &str, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        if let Some((wire_type, field)) = call_input(name) {
            match field {
                "delta" => self.on_call_input_delta(wire_type, value, out),
                _ => self.on_call_input_done(wire_type, value.get(field), value, out),
            }
            return Ok(());
        }
        match name {
            // The second is the WebSocket form.
            "response.completed" | "response.done" => self.on_completed(frame, value, out),
            "response.incomplete" => self.on_incomplete(frame, value, out),
            "response.cancelled" => self.on_cancelled(frame, value, out),
            "response.failed" => self.on_failed(frame, value, out),
            "error" => Self::on_error(frame, value),
            _ if PROGRESS.iter().any(|known| name.starts_with(known)) => Ok(()),
            _ => Self::on_other(name, frame, value, out),
        }
    }

    fn on_created(value: Value<'_>, out: &mut Out<'_>) {
        let [id, model] = value.get("response").pick(["id", "model"]);
        out.identify(id, model);
    }

    fn on_output_item_added(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let [raw, index] = value.pick(["item", "output_index"]);
        let Some(wire_type) = text(raw.get("type")) else { return };
        let index = index.count();
        let known = self.items.known(raw, &wire_type, index);
        if known.and_then(|place| self.items.get(place)).is_some_and(|item| item.closed) {
            return;
        }
        let place = known.unwrap_or_else(|| self.items.create(&wire_type, text(raw.get("id")), index));
        self.hot = None;
        self.with(place, |machine, item| {
            item.describe(raw);
            match item.kind {
                Kind::Call => machine.calls.begin(place, item, raw, &mut machine.items, out),
                Kind::Message => out.close_block(),
                Kind::Reasoning if item.key.is_none() => open_reasoning(item, &mut machine.items, out),
                _ => {}
            }
        });
    }

    fn on_output_text_delta(&mut self, delta: Value<'_>, place: [Value<'_>; 3], value: Value<'_>, out: &mut Out<'_>) {
        let Some(said) = delta.text() else { return };
        let [item_id, output_index, content_index] = place;
        if let Some(hot) = &self.hot
            && item_id.str().as_deref() == hot.item_id.as_deref()
            && output_index.count() == hot.output_index
            && content_index.count() == hot.content_index
            && out.is_open(hot.key)
        {
            out.text(hot.key, said);
            return out.again(delta);
        }
        let (output_index, content_index) = (output_index.count(), content_index.count());
        let at = self.items.find(value, "message");
        let part = (Sort::Text, content_index.unwrap_or(0));
        let key = self.with(at, |machine, item| add_text(item, part, said, &mut machine.items, out));
        if let Some(key) = key {
            let item_id = item_id.str().map(std::borrow::Cow::into_owned);
            self.hot = Some(Hot { item_id, output_index, content_index, key });
            out.again(delta);
        }
    }

    fn on_output_text_annotation_added(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let [content_index, place, annotation] = value.pick(["content_index", "annotation_index", "annotation"]);
        let at = self.items.find(value, "message");
        self.with(at, |machine, item| {
            if item.closed {
                return;
            }
            let part = machine.items.part(item, Sort::Text, content_index.count().unwrap_or(0));
            let place = place.count().unwrap_or(part.cited);
            if place >= part.cited {
                cite(annotation, out);
                part.cited = place + 1;
            }
        });
    }

    fn on_output_text_done(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        self.text_done(Sort::Text, value, value.get("text"), out);
    }

    fn on_refusal_delta(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        if let Some(said) = value.get("delta").text() {
            let at = self.items.find(value, "message");
            let part = (Sort::Refusal, index_of(Sort::Refusal, value));
            self.with(at, |machine, item| add_text(item, part, said, &mut machine.items, out));
        }
    }

    fn on_refusal_done(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        self.text_done(Sort::Refusal, value, value.get("refusal"), out);
    }

    fn on_content_part_done(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let [kind, said, refusal] = value.get("part").pick(["type", "text", "refusal"]);
        match kind.str().as_deref() {
            Some("reasoning_text") => self.reasoning_done(Sort::Reasoning, value, said, out),
            Some("output_text") => self.text_done(Sort::Text, value, said, out),
            Some("refusal") => self.text_done(Sort::Refusal, value, refusal, out),
            _ => {}
        }
    }

    fn on_reasoning_summary_text_delta(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        self.reasoning_delta(Sort::Summary, value, out);
    }

    fn on_reasoning_summary_text_done(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        self.reasoning_done(Sort::Summary, value, value.get("text"), out);
    }

    fn on_reasoning_summary_part_done(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        self.reasoning_done(Sort::Summary, value, value.get("part").get("text"), out);
    }

    fn on_reasoning_text_delta(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        self.reasoning_delta(Sort::Reasoning, value, out);
    }

    fn on_reasoning_text_done(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        self.reasoning_done(Sort::Reasoning, value, value.get("text"), out);
    }

    fn on_call_input_delta(&mut self, wire_type: &str, value: Value<'_>, out: &mut Out<'_>) {
        if let Some(said) = value.get("delta").text() {
            let at = self.items.find(value, wire_type);
            self.with(at, |machine, item| machine.calls.add_input(at, item, said, &mut machine.items, out));
        }
    }

    fn on_call_input_done(&mut self, wire_type: &str, last: Value<'_>, value: Value<'_>, out: &mut Out<'_>) {
        if let Some(said) = last.str() {
            let at = self.items.find(value, wire_type);
            self.with(at, |machine, item| machine.calls.whole_input(at, item, &said, &mut machine.items, out));
        }
    }

    /// An item is complete: the authority on what it says, streamed or not.
    fn on_output_item_done(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let [raw, index] = value.pick(["item", "output_index"]);
        let Some(wire_type) = text(raw.get("type")) else { return };
        let index = index.count();
        let known = self.items.known(raw, &wire_type, index);
        let place = known.unwrap_or_else(|| self.items.create(&wire_type, text(raw.get("id")), index));
        self.finish_item(place, raw, out, false);
    }

    /// `response.completed`; the response's own status goes before the name of the frame.
    fn on_completed(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let response = value.get("response");
        let status = response.get("status").str().filter(|status| UNFINISHED.contains(&&**status));
        self.terminal(text_or(status.as_deref(), "completed"), frame, value, response, out)
    }

    fn on_incomplete(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        self.terminal("incomplete", frame, value, value.get("response"), out)
    }

    fn on_cancelled(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        self.terminal("cancelled", frame, value, value.get("response"), out)
    }

    fn on_failed(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        self.terminal("failed", frame, value, value.get("response"), out)
    }

    /// `error`, in any of its three shapes: flat, under `error`, under `response.error`.
    fn on_error(frame: Frame<'_>, value: Value<'_>) -> Result<()> {
        Err(error::provider_error(value, frame))
    }

    /// A cost frame, an error without a type, or what nobody knows.
    fn on_other(name: &str, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        if error::is_error(value) {
            return Err(error::provider_error(value, frame));
        }
        if cost::take(value, out).is_none() && name != "ping" {
            out.unknown(name, value);
        }
        Ok(())
    }

    // Shared by handlers

    /// Works on the item at a place with the rest of the machine at hand.
    fn with<T>(&mut self, place: usize, work: impl FnOnce(&mut Self, &mut Item) -> T) -> T {
        let mut item = self.items.take(place);
        let result = work(self, &mut item);
        self.items.put(place, item);
        result
    }

    fn text_done(&mut self, kind: Sort, value: Value<'_>, said: Value<'_>, out: &mut Out<'_>) {
        self.hot = None;
        let at = self.items.find(value, "message");
        let part = (kind, index_of(kind, value));
        self.with(at, |machine, item| whole_text(item, part, said, &mut machine.items, out));
    }

    fn reasoning_delta(&mut self, kind: Sort, value: Value<'_>, out: &mut Out<'_>) {
        let delta = value.get("delta");
        if let Some(said) = delta.text() {
            let at = self.items.find(value, "reasoning");
            let part = (kind, index_of(kind, value));
            if self.with(at, |machine, item| add_reasoning(item, part, said, &mut machine.items, out)) {
                out.again(delta);
            }
        }
    }

    fn reasoning_done(&mut self, kind: Sort, value: Value<'_>, said: Value<'_>, out: &mut Out<'_>) {
        let at = self.items.find(value, "reasoning");
        let part = (kind, index_of(kind, value));
        self.with(at, |machine, item| whole_reasoning(item, part, said, &mut machine.items, out));
    }

    /// An item is complete; one that is closed already may still have another ciphertext to say.
    fn finish_item(&mut self, place: usize, raw: Value<'_>, out: &mut Out<'_>, cut: bool) {
        self.hot = None;
        self.with(place, |machine, item| {
            if item.closed {
                return machine.ciphertexts.extend(item.other_ciphertext(raw));
            }
            item.describe(raw);
            let Self { items, calls, .. } = machine;
            match item.kind {
                Kind::Message => finish_message(item, raw, items, out),
                Kind::Reasoning => finish_reasoning(item, raw, items, out),
                Kind::Call => calls.finish(place, item, raw, items, out, cut),
                Kind::Output => calls.finish_output(item, raw, items, out),
                Kind::Opaque => finish_opaque(item, raw, items, out),
            }
        });
    }

    // The end

    fn terminal(
        &mut self,
        status: &str,
        frame: Frame<'_>,
        value: Value<'_>,
        response: Value<'_>,
        out: &mut Out<'_>,
    ) -> Result<()> {
        let [id, model, usage, said, output] = response.pick(["id", "model", "usage", "error", "output"]);
        out.identify(id, model);
        take_usage(usage, out);
        cost::take(value, out);
        if status == "failed" {
            return Err(failure(said, value, frame));
        }
        let cut = UNFINISHED.contains(&status);
        for (raw, place) in self.items.match_output(output) {
            self.finish_item(place, raw, out, cut);
        }
        self.finish_open(out, cut);
        out.note(step_metadata(status, response));
        if !self.ciphertexts.is_empty() {
            let texts = Json::object(std::mem::take(&mut self.ciphertexts));
            out.note(vec![("encrypted_content".to_owned(), texts)]);
        }
        out.complete(finish_reason(status, response, self.calls.tools.any()));
        Ok(())
    }

    /// Items that the provider never completed.
    fn finish_open(&mut self, out: &mut Out<'_>, cut: bool) {
        for place in 0..self.items.len() {
            if self.items.get(place).is_some_and(|item| item.is_left_open(cut)) {
                self.finish_item(place, Value::NULL, out, false);
            }
        }
        self.calls.tools.cut_all(out);
    }
}
