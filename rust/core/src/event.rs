//! Events as the decoder produces them: borrowed, in the order of fields of the public classes.
//!
//! A producer's shape, not a second model: `zen_native.events` defines, and a test holds this list against it.

use crate::json::{Json, Meta};
use crate::usage::Usage;

/// Why the model stopped, in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The model was done.
    Stop,
    /// A limit on tokens was reached.
    Length,
    /// The caller must run tools.
    ToolCalls,
    /// A filter or the model refused.
    ContentFilter,
    /// The provider paused a long turn; send the answer back to go on.
    Pause,
    /// The provider says the answer failed.
    Error,
    /// Nobody said, or in words that no table knows.
    Unknown,
}

impl Reason {
    /// The public name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool-calls",
            Self::ContentFilter => "content-filter",
            Self::Pause => "pause",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// Why the model stopped: in our words, and in the provider's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishReason {
    /// In our words.
    pub normalized: Reason,
    /// In the provider's.
    pub raw: Option<String>,
}

impl FinishReason {
    /// A reason with the provider's word for it, if it gave one.
    pub fn new(normalized: Reason, raw: Option<impl Into<String>>) -> Self {
        Self { normalized, raw: raw.map(Into::into) }
    }
}

/// One event. `metadata` is what stands under the provider's key.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields are documented once, at the classes of zen_native.events")]
pub enum Event<'a> {
    /// `StepStart`
    StepStart { index: u64 },
    /// `TextStart`
    TextStart { id: &'a str, metadata: Option<&'a Meta> },
    /// `TextDelta`
    TextDelta { id: &'a str, text: &'a str },
    /// `TextEnd`
    TextEnd { id: &'a str, metadata: Option<&'a Meta> },
    /// `ReasoningStart`
    ReasoningStart { id: &'a str, metadata: Option<&'a Meta> },
    /// `ReasoningDelta`
    ReasoningDelta { id: &'a str, text: &'a str },
    /// `ReasoningEnd`
    ReasoningEnd { id: &'a str, signature: Option<&'a str>, metadata: Option<&'a Meta> },
    /// `ToolInputStart`
    ToolInputStart { id: &'a str, name: &'a str, provider_executed: bool },
    /// `ToolInputDelta`
    ToolInputDelta { id: &'a str, text: &'a str },
    /// `ToolInputEnd`
    ToolInputEnd { id: &'a str },
    /// `ToolCall`
    ToolCall { id: &'a str, name: &'a str, input: &'a Json, provider_executed: bool, metadata: Option<&'a Meta> },
    /// `ToolInputError`
    ToolInputError { id: &'a str, name: &'a str, raw: &'a str, message: &'a str },
    /// `ToolResult`
    ToolResult {
        id: &'a str,
        name: &'a str,
        result: &'a Json,
        is_error: bool,
        provider_executed: bool,
        metadata: Option<&'a Meta>,
    },
    /// `Citation`
    Citation {
        block_id: Option<&'a str>,
        url: Option<&'a str>,
        title: Option<&'a str>,
        text: Option<&'a str>,
        metadata: Option<&'a Meta>,
    },
    /// `Media`
    Media { id: &'a str, mime_type: &'a str, data: Option<&'a str>, url: Option<&'a str>, metadata: Option<&'a Meta> },
    /// `StepFinish`
    StepFinish {
        index: u64,
        reason: &'a FinishReason,
        usage: &'a Usage,
        response_id: Option<&'a str>,
        model: Option<&'a str>,
        metadata: Option<&'a Meta>,
    },
    /// `Finish`
    Finish { reason: &'a FinishReason, usage: &'a Usage, steps: u64, warnings: &'a [String] },
    /// `Raw`
    Raw { name: &'a str, data: &'a Json },
}

/// Takes events, in order.
pub trait Emit {
    /// Takes one event.
    fn emit(&mut self, event: Event<'_>);

    /// Takes an event of the same block as the last one: their ids need not be compared.
    fn emit_same(&mut self, event: Event<'_>) {
        self.emit(event);
    }
}
