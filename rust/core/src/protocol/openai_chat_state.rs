//! What one choice of a chat completion has said so far, and what every file of the protocol reads chunks with.
//!
//! Owns the keys and marks of a choice's blocks. Twin of `runtimes/pure/protocol/openai_chat_state.py`.

use crate::frame::Frame;
use crate::json::{Json, Meta, Value};

use super::openai_chat_reasoning::FIELDS;
use super::openai_chat_tools::Calls;

/// Block keys of one choice: content, refusal, reasoning, transcript.
pub(super) const KEYS: u64 = 4;
pub(super) const REFUSAL: u64 = 1;
pub(super) const REASONING: u64 = 2;
pub(super) const TRANSCRIPT: u64 = 3;

/// A block of a choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) key: u64,
    pub(super) choice: u64,
}

impl Place {
    /// What marks blocks and calls of a choice other than the first.
    pub(super) fn mark(self) -> Option<Meta> {
        (self.choice > 0).then(|| vec![("choice".to_owned(), Json::int(self.choice))])
    }

    pub(super) fn block(self, part: u64) -> Self {
        Self { key: self.key + part, ..self }
    }

    pub(super) fn metadata(self) -> Option<Meta> {
        let name = match self.key % KEYS {
            REFUSAL => "refusal",
            TRANSCRIPT => "transcript",
            _ => return self.mark(),
        };
        let mut metadata = self.mark().unwrap_or_default();
        metadata.push((name.to_owned(), Json::Bool(true)));
        Some(metadata)
    }
}

/// What one choice has said so far.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) place: Place,
    pub(super) calls: Calls,
    pub(super) reason: Option<String>,
    pub(super) streamed: bool,
}

/// Members of a chunk, read in one walk.
pub(super) struct Chunk<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) value: Value<'a>,
    pub(super) id: Value<'a>,
    pub(super) model: Value<'a>,
    pub(super) choices: Value<'a>,
    pub(super) usage: Value<'a>,
    pub(super) may_fail: bool,
    pub(super) rare: bool,
}

impl<'a> Chunk<'a> {
    pub(super) fn read(frame: Frame<'a>, value: Value<'a>) -> Self {
        // One walk; the last five are what `on_dialect` reads.
        let [id, model, choices, usage, error, kind, base, cost, summary, groq, results, citations] = value.pick([
            "id",
            "model",
            "choices",
            "usage",
            "error",
            "type",
            "base_resp",
            "cost",
            "normalizedUsage",
            "x_groq",
            "search_results",
            "citations",
        ]);
        let rare = [cost, summary, groq, results, citations].iter().any(|said| !said.is_null());
        // An object without choices may be an error by its only member.
        let may_fail = !choices.is_array() || [error, kind, base].iter().any(|said| !said.is_null());
        Self { frame, value, id, model, choices, usage, may_fail, rare }
    }
}

/// Whether it is text, a list or an object, and not an empty one.
#[inline]
pub(super) fn filled(value: Value<'_>) -> bool {
    !value.is_null() && has_content(value)
}

fn has_content(value: Value<'_>) -> bool {
    value.items().next().is_some()
        || value.members().next().is_some()
        || value.text().is_some_and(|text| !text.is_empty())
}

/// Members of an object, each name once.
pub(super) fn meta(value: Value<'_>) -> Meta {
    match value.to_json() {
        Json::Object(members) => members,
        _ => Meta::new(),
    }
}

/// The one text of a delta, content or reasoning, where all else that it has says nothing but the role.
pub(super) fn only_said(delta: Value<'_>) -> Value<'_> {
    let is_silent =
        |value: Value<'_>| value.is_null() || (value.is_string() || value.is_array()) && !has_content(value);
    let mut said = delta.members().filter(|(name, value)| name != "role" && !is_silent(*value));
    let Some((name, text)) = said.next().filter(|_| said.next().is_none()) else { return Value::NULL };
    let known = name == "content" || FIELDS.contains(&name.as_ref());
    // Of a repeated member the last one counts, which may be silent.
    if known && text.is_string() && delta.get(&name).place() == text.place() { text } else { Value::NULL }
}
