//! The end of an `OpenAI` Responses answer: usage, cost, what the step says of itself, why the model
//! stopped or failed.
//!
//! Owns the field names of usage and the table of reasons. Sources:
//! <https://platform.openai.com/docs/api-reference/responses/object> (usage, `incomplete_details`),
//! <https://openrouter.ai/docs/use-cases/usage-accounting> (`cost`), <https://docs.x.ai/docs/api-reference>
//! (`cost_in_usd_ticks`). Twin of `runtimes/pure/protocol/openai_responses_end.py`.

use super::openai_responses_items::text;
use crate::error::{DecodeError, provider_error, reported};
use crate::event::{FinishReason, Reason};
use crate::frame::Frame;
use crate::json::{Json, Meta, Value};
use crate::lifecycle::Out;
use crate::usage::{Field, wire_cost, wire_ticks};

const STEP_FIELDS: [&str; 4] = ["service_tier", "incomplete_details", "end_turn", "tool_usage"];

/// `input_tokens` includes cache reads and writes, `output_tokens` reasoning.
pub(super) fn take_usage(usage: Value<'_>, out: &mut Out<'_>) {
    if !usage.is_object() {
        return;
    }
    let counts = &mut out.life.usage;
    counts.keep_raw(usage);
    let details = usage.get("input_tokens_details");
    counts.set(Field::Input, usage.get("input_tokens"));
    counts.set(Field::Output, usage.get("output_tokens"));
    counts.set(Field::Total, usage.get("total_tokens"));
    counts.set(Field::CacheRead, details.get("cached_tokens"));
    counts.set(Field::CacheWrite, details.get("cache_write_tokens"));
    counts.set(Field::Reasoning, usage.get("output_tokens_details").get("reasoning_tokens"));
    let [said, ticks] = usage.pick(["cost", "cost_in_usd_ticks"]);
    if said.is_null() && ticks.is_null() {
        return;
    }
    match if said.is_null() { wire_ticks(ticks) } else { wire_cost(said) } {
        None => out.warn("a cost on the wire could not be read"),
        amount => counts.cost = amount,
    }
}

/// What the response says about itself; counts beside `usage` (images, searches) stay as they are.
pub(super) fn step_metadata(status: &str, response: Value<'_>) -> Meta {
    let mut metadata = vec![("status".to_owned(), Json::str(status))];
    for (field, value) in STEP_FIELDS.iter().zip(response.pick(STEP_FIELDS)) {
        if !value.is_null() {
            metadata.push(((*field).to_owned(), value.to_json()));
        }
    }
    metadata
}

/// Why the model stopped: `raw` is the status, or the reason of an incomplete response.
pub(super) fn finish_reason(status: &str, response: Value<'_>, calls: bool) -> FinishReason {
    if status == "completed" {
        return FinishReason::new(if calls { Reason::ToolCalls } else { Reason::Stop }, Some(status));
    }
    if status != "incomplete" {
        return FinishReason::new(Reason::Unknown, Some(status));
    }
    let said = text(response.get("incomplete_details").get("reason"));
    let reason = match said.as_deref() {
        Some("max_output_tokens") => Reason::Length,
        Some("content_filter") => Reason::ContentFilter,
        _ => Reason::Unknown,
    };
    FinishReason::new(reason, Some(said.unwrap_or(status.into())))
}

/// What a failed response says: its own error, else the frame.
pub(super) fn failure(said: Value<'_>, value: Value<'_>, frame: Frame<'_>) -> DecodeError {
    if said.members().next().is_some() || text(said).is_some() {
        return reported(Json::Object(vec![("error".to_owned(), said.to_json())]), frame);
    }
    provider_error(value, frame)
}
