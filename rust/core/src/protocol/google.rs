//! Google generateContent and streamGenerateContent, of the Gemini API and of Vertex AI.
//!
//! Owns text and thought parts, media, usage, finish reasons and the end of the stream. Function calls and tools that
//! Google runs are in `google_tools`, citations in `google_sources`.
//!
//! Sources: <https://ai.google.dev/api/generate-content>, <https://ai.google.dev/gemini-api/docs/thought-signatures>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse>
//!
//! Decisions where the contract is silent:
//! - A signature ends the block it stands on, so that a block has at most one and none is overwritten. An empty part
//!   with a signature signs the open block of its kind, or else an empty block of its own.
//! - A part that is no text closes the open block, so that parts can be replayed in their order.
//! - Blocks, calls and media of candidates after the first carry `{"candidate": index}`; the finish reason is that of
//!   candidate 0 where it has one. Log probabilities are not given out.
//! - An error after a finish reason is an error: some models say one with every chunk, so that only the body's end is
//!   the end.
//!
//! Twin of `runtimes/pure/protocol/google.py`.

use std::borrow::Cow;

use super::google_sources::GoogleSources;
use super::google_tools::GoogleTools;
use crate::cost;
use crate::error::{self, Result};
use crate::event::{FinishReason, Reason};
use crate::frame::{Frame, lossy};
use crate::json::{Json, Meta, Tape, Value};
use crate::lifecycle::Out;
use crate::options::Options;
use crate::protocol::Machine;
use crate::template::{Delta, Places};
use crate::usage::Field;

const MEDIA_TYPE: &str = "application/octet-stream";
const NOTED: [&str; 3] = ["avgLogprobs", "finishMessage", "safetyRatings"];

/// State of one answer.
#[derive(Debug, Default)]
pub(crate) struct Google {
    issuer: String,
    tools: GoogleTools,
    sources: GoogleSources,
    reason: Option<(u64, String)>,
    blocked: Option<String>,
    prompt: Option<u64>,
    tool_prompt: Option<u64>,
    /// Usage of frames that were the same as the last one but for their counts: the last of them, not read yet.
    late: Vec<u8>,
}

impl Google {
    pub(crate) fn new(options: &Options, out: &mut Out<'_>) -> Self {
        out.life.usage.output_excludes_reasoning = true;
        Self { issuer: options.provider.clone(), ..Self::default() }
    }
}

impl Machine for Google {
    /// One chunk of the stream, or one element of an array.
    fn step(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        self.read_late(out);
        let keys = ["candidates", "usageMetadata", "modelVersion", "responseId", "promptFeedback", "error", "cost"];
        let [candidates, usage, model, response_id, feedback, error, cost] = value.pick(keys);
        if !error.is_null() || !cost.is_null() || !candidates.is_array() {
            other(frame, value, out)?;
        }
        if usage.is_object() {
            self.on_usage_metadata(usage, out);
        }
        out.identify(response_id, model);
        if feedback.is_object() {
            self.on_prompt_feedback(feedback, out);
        }
        for (place, candidate) in (0..).zip(candidates.items()) {
            if candidate.is_object() {
                self.on_candidate(place, candidate, out);
            }
        }
        if candidates.items().nth(1).is_some() || !error.is_null() || !cost.is_null() {
            out.not_again();
        }
        Ok(())
    }

    // End

    /// Gateways end the stream with `[DONE]`; Google does not.
    fn done(&mut self, out: &mut Out<'_>) -> Result<()> {
        self.read_late(out);
        if self.reason.is_some() || self.blocked.is_some() {
            self.complete(out);
        }
        Ok(())
    }

    /// One response, or the array of chunks as one body.
    fn document(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        if value.is_object() {
            self.step(frame, value, out)?;
        }
        for chunk in value.items() {
            if chunk.is_object() {
                self.step(frame, chunk, out)?;
            }
        }
        self.end(out)
    }

    /// The body ended: complete if a candidate ended or the prompt was blocked.
    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        self.read_late(out);
        if self.reason.is_none() && self.blocked.is_none() {
            return Err(error::incomplete("the stream ended without a finish reason"));
        }
        self.complete(out);
        Ok(())
    }

    fn places(&self, frame: Value<'_>, places: &mut Places) {
        let usage = frame.get("usageMetadata");
        places.kept(usage);
        places.unread(usage.pick(["candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"]));
    }

    fn repeat(&mut self, delta: Delta<'_>, out: &mut Out<'_>) -> bool {
        self.late.clear();
        self.late.extend_from_slice(delta.kept);
        out.more(delta.text);
        true
    }
}

/// An error, a cost frame of a gateway, or a chunk without candidates.
fn other(frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
    if error::is_error(value) {
        return Err(error::provider_error(value, frame));
    }
    let known = value.pick(["candidates", "promptFeedback", "usageMetadata"]);
    if cost::take(value, out).is_none() && !known.iter().any(|value| value.is_object() || value.is_array()) {
        out.unknown(frame.name, value);
    }
    Ok(())
}

impl Google {
    /// What one candidate adds.
    fn on_candidate(&mut self, place: u64, candidate: Value<'_>, out: &mut Out<'_>) {
        let keys = ["content", "index", "finishReason", "groundingMetadata", "citationMetadata", "urlContextMetadata"];
        let [content, index, reason, grounding, cited, fetched] = candidate.pick(keys);
        let index = index.count().unwrap_or(place);
        for part in content.get("parts").items() {
            if part.is_object() {
                self.on_part(index, part, out);
            }
        }
        let is_more = content.get("parts").items().nth(1).is_some() || !reason.is_null();
        if is_more || [grounding, cited, fetched].iter().any(|said| !said.is_null()) {
            out.not_again();
        }
        if !reason.is_null() {
            self.on_finish_reason(index, reason);
        }
        self.sources.on_candidate(index, grounding, cited, fetched);
        for (name, value) in NOTED.into_iter().zip(candidate.pick(NOTED)) {
            if !value.is_null() {
                let name = if index == 0 { name.to_owned() } else { format!("candidates.{index}.{name}") };
                out.note(vec![(name, value.to_json())]);
            }
        }
    }

    /// Text, or one kind of data.
    fn on_part(&mut self, index: u64, part: Value<'_>, out: &mut Out<'_>) {
        if let Some(text) = part.only("text").filter(|text| index == 0 && text.is_string()) {
            out.text(0, text.text().unwrap_or_else(|| "".into()));
            return out.again(text);
        }
        let [text, thought, signature] = part.pick(["text", "thought", "thoughtSignature"]);
        let kinds = part.pick(DATA);
        let thought = thought.bool() == Some(true);
        let Some((kind, data)) = DATA.into_iter().zip(kinds).find(|(_, data)| data.is_object()) else {
            if !text.is_string() && signature.str().is_none_or(|text| text.is_empty()) {
                out.unknown("part", part);
            }
            self.on_text(index, text, thought, signature, out);
            if signature.is_null() {
                out.again(text);
            }
            return;
        };
        self.on_text(index, text, thought, Value::NULL, out);
        out.close_block();
        let metadata = self.metadata(index, thought, signature, kind);
        self.give(kind, index, data, metadata, out);
    }

    fn give(&mut self, kind: &str, index: u64, data: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
        match kind {
            "functionCall" => self.tools.on_function_call(index, data, metadata, out),
            "executableCode" => self.tools.on_executable_code(data, metadata, out),
            "codeExecutionResult" => self.tools.on_code_execution_result(data, metadata, out),
            "toolCall" => self.tools.on_tool_call(data, metadata, out),
            "toolResponse" => self.tools.on_tool_response(data, metadata, out),
            "functionResponse" => self.tools.on_function_response(data, metadata, out),
            "inlineData" => on_inline_data(data, metadata, out),
            _ => on_file_data(data, metadata, out),
        }
    }

    /// What a part says about itself besides its data, and who issued what only its issuer can read again.
    fn metadata(&self, index: u64, thought: bool, signature: Value<'_>, kind: &str) -> Option<Meta> {
        let mut metadata = candidate_of(index).unwrap_or_default();
        if thought {
            metadata.push(("thought".to_owned(), Json::Bool(true)));
        }
        if let Some(signature) = signature.str().filter(|text| !text.is_empty()) {
            metadata.append(&mut self.signed(signature));
        } else if HOSTED.contains(&kind) {
            metadata.push(self.issuer());
        }
        Some(metadata).filter(|metadata| !metadata.is_empty())
    }

    fn signed(&self, signature: Cow<'_, str>) -> Meta {
        vec![("thoughtSignature".to_owned(), Json::str(signature)), self.issuer()]
    }

    fn issuer(&self) -> (String, Json) {
        ("issuer".to_owned(), Json::str(self.issuer.as_str()))
    }

    /// A text or thought part that may be signed; one with neither text nor signature is nothing.
    fn on_text(&mut self, index: u64, text: Value<'_>, thought: bool, signature: Value<'_>, out: &mut Out<'_>) {
        let text = text.text().filter(|text| !text.is_empty());
        let signature = signature.str().filter(|text| !text.is_empty());
        if text.is_none() && signature.is_none() {
            return;
        }
        if thought {
            out.open_reasoning(index, candidate_of(index));
        } else {
            out.open_text(index, candidate_of(index));
        }
        match text {
            Some(text) if thought => out.reasoning(index, text),
            Some(text) => out.text(index, text),
            None => {}
        }
        let Some(signature) = signature else { return };
        if thought {
            out.sign(signature);
            out.annotate(vec![self.issuer()]);
        } else {
            out.annotate(self.signed(signature));
        }
        out.close(index);
    }

    /// Ratings of the prompt, and why it was blocked.
    fn on_prompt_feedback(&mut self, feedback: Value<'_>, out: &mut Out<'_>) {
        out.note(vec![("promptFeedback".to_owned(), feedback.to_json())]);
        self.blocked = name(feedback.get("blockReason")).or(self.blocked.take());
    }

    /// Why a candidate ended; the answer itself ends with the body, because usage may follow.
    fn on_finish_reason(&mut self, index: u64, reason: Value<'_>) {
        if let Some(name) = name(reason)
            && (index == 0 || self.reason.as_ref().is_none_or(|(known, _)| *known == index))
        {
            self.reason = Some((index, name));
        }
    }

    fn complete(&mut self, out: &mut Out<'_>) {
        let reason = self.finish_reason();
        self.tools.end(is_cut(reason.normalized), out);
        self.sources.end(out);
        out.complete(reason);
    }

    fn finish_reason(&self) -> FinishReason {
        let Some((_, raw)) = &self.reason else {
            return FinishReason::new(Reason::ContentFilter, self.blocked.as_deref());
        };
        let normalized = match normalized(raw) {
            Reason::Stop if self.tools.any() => Reason::ToolCalls, // Google has no reason of its own for calls
            reason => reason,
        };
        FinishReason::new(normalized, Some(raw.as_str()))
    }

    // Usage

    /// Each count of the frames that `repeat` took was in all of them: only the last one counts.
    fn read_late(&mut self, out: &mut Out<'_>) {
        if !self.late.is_empty() {
            let late = std::mem::take(&mut self.late);
            if let Ok(usage) = Tape::default().parse(&lossy(&late)) {
                self.on_usage_metadata(usage, out);
            }
        }
    }

    /// Cumulative counts, in every chunk. What tools put into the prompt is not part of `promptTokenCount`.
    fn on_usage_metadata(&mut self, usage: Value<'_>, out: &mut Out<'_>) {
        let counts = &mut out.life.usage;
        counts.keep_raw(usage);
        let [prompt, tools, candidates, thoughts, cached, total] = usage.pick([
            "promptTokenCount",
            "toolUsePromptTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
            "cachedContentTokenCount",
            "totalTokenCount",
        ]);
        self.prompt = prompt.count().or(self.prompt);
        self.tool_prompt = tools.count().or(self.tool_prompt);
        if let Some(prompt) = self.prompt {
            counts.put(Field::Input, prompt + self.tool_prompt.unwrap_or(0));
        }
        counts.set(Field::Output, candidates);
        counts.set(Field::Reasoning, thoughts);
        counts.set(Field::CacheRead, cached);
        counts.set(Field::Total, total);
    }
}

const HOSTED: [&str; 5] = ["executableCode", "codeExecutionResult", "toolCall", "toolResponse", "functionResponse"];
const DATA: [&str; 8] = [
    "functionCall",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
    "functionResponse",
    "inlineData",
    "fileData",
];

/// A generated image or audio clip.
fn on_inline_data(data: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
    let id = out.new_id("media");
    out.media(&id, &mime_type(data), Some(&data.get("data").str().unwrap_or_default()), None, metadata);
}

/// Generated media by address.
fn on_file_data(data: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
    let id = out.new_id("media");
    out.media(&id, &mime_type(data), None, Some(&data.get("fileUri").str().unwrap_or_default()), metadata);
}

fn mime_type(data: Value<'_>) -> Cow<'_, str> {
    data.get("mimeType").str().filter(|text| !text.is_empty()).unwrap_or(Cow::Borrowed(MEDIA_TYPE))
}

fn candidate_of(index: u64) -> Option<Meta> {
    (index != 0).then(|| vec![("candidate".to_owned(), Json::int(index))])
}

/// The name of an enum value, or its number as text.
fn name(value: Value<'_>) -> Option<String> {
    match value.count() {
        Some(number) => Some(number.to_string()),
        None => value.str().filter(|text| !text.is_empty()).map(Cow::into_owned),
    }
}

fn is_cut(reason: Reason) -> bool {
    matches!(reason, Reason::Length | Reason::ContentFilter | Reason::Error)
}

/// The Gemini API and Vertex AI number the later values differently, so only the numbers that both share are known:
/// <https://cloud.google.com/java/docs/reference/google-cloud-aiplatform/latest/com.google.cloud.aiplatform.v1.Candidate.FinishReason>
fn normalized(raw: &str) -> Reason {
    match raw {
        "STOP" | "1" => Reason::Stop,
        "MAX_TOKENS" | "2" => Reason::Length,
        "SAFETY"
        | "3"
        | "RECITATION"
        | "4"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "LANGUAGE"
        | "IMAGE_SAFETY"
        | "IMAGE_RECITATION"
        | "IMAGE_PROHIBITED_CONTENT" => Reason::ContentFilter,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "MALFORMED_RESPONSE"
        | "NO_IMAGE" => Reason::Error,
        _ => Reason::Unknown,
    }
}
