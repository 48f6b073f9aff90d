//! Protocol `bedrock-invoke-anthropic`: Messages of Claude models inside the chunks of Bedrock's `InvokeModel` stream.
//!
//! Owns the envelope, `{"bytes": base64 JSON, "p": padding}`, and Bedrock's own counts; the JSON inside is
//! `anthropic_messages`. Source: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PayloadPart.html>.
//!
//! Decided here:
//! - `amazon-bedrock-invocationMetrics` fills the counts that the message left unsaid, and is metadata of the step.
//! - A frame without `bytes` is unknown, unless it says an error.
//!
//! Twin of `runtimes/pure/protocol/bedrock_invoke.py`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::cost;
use crate::error::{self, Result, is_error};
use crate::frame::{Frame, FrameKind, lossy};
use crate::json::{Tape, Value};
use crate::lifecycle::Out;
use crate::options::Options;
use crate::protocol::Machine;
use crate::protocol::anthropic_messages::AnthropicMessages;
use crate::template::{Delta, Places, Template};
use crate::usage::Field;

const METRICS: &str = "amazon-bedrock-invocationMetrics";
const COUNTS: [(Field, &str); 4] = [
    (Field::Input, "inputTokenCount"),
    (Field::Output, "outputTokenCount"),
    (Field::CacheRead, "cacheReadInputTokenCount"),
    (Field::CacheWrite, "cacheWriteInputTokenCount"),
];

/// Strict but for the bits that the last digit has left over, as Python's `b64decode(validate=True)`.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// State of one message.
#[derive(Debug)]
pub(super) struct BedrockInvoke {
    messages: AnthropicMessages,
    bytes: Vec<u8>,
    tape: Tape,
    /// Of the message's frames.
    template: Template,
}

impl BedrockInvoke {
    pub(super) fn new(options: &Options, out: &mut Out<'_>) -> Self {
        let (bytes, tape, template) = (Vec::new(), Tape::default(), Template::default());
        Self { messages: AnthropicMessages::new(options, out), bytes, tape, template }
    }
}

impl Machine for BedrockInvoke {
    fn step(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        let payload = value.get("bytes");
        if payload.is_null() { on_other(frame, value, out) } else { self.on_chunk(frame, payload, out) }
    }

    /// `[DONE]` is not of this protocol.
    fn done(&mut self, _: &mut Out<'_>) -> Result<()> {
        Ok(())
    }

    /// What `InvokeModel` answers is a message as it is.
    fn document(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        metrics(value, out);
        self.messages.document(frame, value, out)
    }

    /// The body ended before the message did.
    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        self.messages.end(out)
    }

    fn places(&self, frame: Value<'_>, places: &mut Places) {
        places.unread(frame.pick(["p"]));
    }

    fn repeat(&mut self, delta: Delta<'_>, out: &mut Out<'_>) -> bool {
        if self.decode(delta.text).is_none() {
            return false;
        }
        self.template.delta(&self.bytes).map(|delta| out.more(delta.text)).is_some()
    }
}

// Handlers

impl BedrockInvoke {
    /// A chunk, with one frame of the Messages stream in it.
    fn on_chunk(&mut self, frame: Frame<'_>, payload: Value<'_>, out: &mut Out<'_>) -> Result<()> {
        self.template.forget();
        if payload.str().and_then(|text| self.decode(&text)).is_none() {
            return Err(error::invalid_output("the chunk is not base64", frame.data));
        }
        let text = lossy(&self.bytes);
        match self.tape.parse(&text) {
            Ok(value) if value.is_object() => {
                metrics(value, out);
                self.messages.step(Frame { kind: FrameKind::Event, name: "", data: &text }, value, out)?;
                if let Some(place) = out.life.again {
                    self.template.learn(text.as_bytes(), Places::new(0, place));
                    out.again(payload);
                }
                Ok(())
            }
            _ => Err(error::invalid_output("the chunk is not a JSON object", frame.data)),
        }
    }
}

// Base64

impl BedrockInvoke {
    fn decode(&mut self, text: &str) -> Option<()> {
        self.bytes.clear();
        BASE64.decode_vec(text, &mut self.bytes).ok()
    }
}

/// A frame that is no chunk.
fn on_other(frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()> {
    if is_error(value) {
        return Err(error::provider_error(value, frame));
    }
    if cost::take(value, out).is_none() {
        out.unknown(frame.name, value);
    }
    Ok(())
}

// Usage

fn metrics(value: Value<'_>, out: &mut Out<'_>) {
    let metrics = value.get(METRICS);
    for (field, name) in COUNTS {
        if metrics.is_object() && out.life.usage.get(field).is_none() {
            out.life.usage.set(field, metrics.get(name));
        }
    }
}
