//! What can go wrong while decoding: one enum of kinds, one struct that carries the evidence.
//!
//! Owns no classification of provider errors: that is Python's `errors` module, the one classifier for both runtimes.
//! Twin of `runtimes/pure/error.py`.

use crate::frame::Frame;
use crate::json::{Json, Value};

/// Which family of failure this is; the Python side maps it to a public exception class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The provider said that the request failed; `payload` holds its error object.
    Provider,
    /// The body ended before the protocol's terminal.
    Incomplete,
    /// The bytes are not what the protocol allows.
    InvalidOutput,
    /// A configured limit was passed.
    LimitExceeded,
    /// A CRC did not match.
    Checksum,
}

impl ErrorKind {
    /// The name both runtimes hand to `errors.decode_error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Incomplete => "incomplete",
            Self::InvalidOutput => "invalid-output",
            Self::LimitExceeded => "limit-exceeded",
            Self::Checksum => "checksum",
        }
    }
}

/// A failure with what is needed to explain it. One word wide, so that a step that does not fail carries nothing about.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeError(Box<Evidence>);

/// What a failure is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The family.
    pub kind: ErrorKind,
    /// One sentence, the same text in both runtimes.
    pub message: String,
    /// Original text of the frame or the head of the body.
    pub body: Option<String>,
    /// The provider's error, parsed.
    pub payload: Option<Json>,
    /// Event, exception or error name of the frame, empty when it had none.
    pub name: String,
}

impl DecodeError {
    /// A failure of `kind` that has no frame to show.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Evidence { kind, message: message.into(), body: None, payload: None, name: String::new() }))
    }

    /// The same failure with the text it came from.
    #[must_use]
    pub fn with_body(mut self, body: &str) -> Self {
        self.0.body = Some(body.to_owned());
        self
    }
}

impl std::ops::Deref for DecodeError {
    type Target = Evidence;

    fn deref(&self) -> &Evidence {
        &self.0
    }
}

/// The provider said that the request failed; `payload` holds its error object.
#[must_use]
pub fn provider_error(payload: Value<'_>, frame: Frame<'_>) -> DecodeError {
    reported(payload.to_json(), frame)
}

/// The same where the frame's data is no JSON but the message itself.
#[must_use]
pub fn bare_error(frame: Frame<'_>) -> DecodeError {
    reported(Json::Object(vec![("message".to_owned(), Json::str(frame.data))]), frame)
}

/// The same for an error object that had to be made, because the frame says it in another way.
#[must_use]
pub fn reported(payload: Json, frame: Frame<'_>) -> DecodeError {
    DecodeError(Box::new(Evidence {
        kind: ErrorKind::Provider,
        message: "the provider reported an error".to_owned(),
        body: Some(frame.data.to_owned()),
        payload: Some(payload),
        name: frame.name.to_owned(),
    }))
}

/// The body ended before the protocol's terminal.
#[must_use]
pub fn incomplete(message: &str) -> DecodeError {
    DecodeError::new(ErrorKind::Incomplete, message)
}

/// The bytes are not what the protocol allows; `body` is the frame's text.
#[must_use]
pub fn invalid_output(message: &str, body: &str) -> DecodeError {
    DecodeError::new(ErrorKind::InvalidOutput, message).with_body(body)
}

/// A configured limit was passed.
#[must_use]
pub fn limit_exceeded(message: &str) -> DecodeError {
    DecodeError::new(ErrorKind::LimitExceeded, message)
}

/// Whether a JSON value says by itself that the request failed, in any of the shapes that providers use.
#[must_use]
pub fn is_error(value: Value<'_>) -> bool {
    if value.is_array() {
        return is_error(value.item(0));
    }
    let [said, kind, base] = value.pick(["error", "type", "base_resp"]);
    if said.is_object() || said.items().next().is_some() || said.str().is_some_and(|text| !text.is_empty()) {
        return true;
    }
    if kind.str().is_some_and(|kind| kind == "error") {
        return true;
    }
    if base.get("status_code").count().is_some_and(|code| code != 0) {
        return true; // MiniMax
    }
    // ChatGPT; Bedrock, Cohere
    let mut names = value.members().map(|(name, _)| name);
    let first = names.next();
    names.all(|name| Some(&name) == first.as_ref())
        && first.is_some_and(|name| matches!(name.as_ref(), "detail" | "message" | "Message"))
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

/// Result of a decoding step.
pub type Result<T> = std::result::Result<T, DecodeError>;
