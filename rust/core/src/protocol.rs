//! Names of protocols, what makes each, and what each must offer.
//!
//! Owns the registry; every protocol has a file of its own. Twin of `runtimes/pure/protocol/__init__.py`.

mod anthropic_messages;
mod anthropic_messages_blocks;
mod bedrock_converse;
mod bedrock_converse_blocks;
mod bedrock_converse_end;
mod bedrock_invoke;
mod google;
mod google_sources;
mod google_tools;
mod openai_chat;
mod openai_chat_extras;
mod openai_chat_reasoning;
mod openai_chat_state;
mod openai_chat_tools;
mod openai_chat_usage;
mod openai_responses;
mod openai_responses_blocks;
mod openai_responses_end;
mod openai_responses_frames;
mod openai_responses_hosted;
mod openai_responses_items;

use anthropic_messages::AnthropicMessages;
use bedrock_converse::BedrockConverse;
use bedrock_invoke::BedrockInvoke;
use google::Google;
use openai_chat::OpenAiChat;
use openai_responses::OpenAiResponses;

use crate::error::Result;
use crate::frame::Frame;
use crate::json::Value;
use crate::lifecycle::Out;
use crate::options::Options;
use crate::template::{Delta, Places};

/// Names of all protocols, sorted.
pub const PROTOCOLS: [&str; 6] = [
    "anthropic-messages",
    "bedrock-converse",
    "bedrock-invoke-anthropic",
    "google-generate-content",
    "openai-chat",
    "openai-responses",
];

/// The meaning of one wire format: a state machine without IO.
pub(crate) trait Machine: std::fmt::Debug + Send {
    /// One frame whose data is a JSON object. Calls `out.complete` at the protocol's terminal.
    ///
    /// # Errors
    /// What the frame says, or what is wrong with it.
    fn step(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()>;

    /// The data `[DONE]`.
    ///
    /// # Errors
    /// Where nothing was complete by then.
    fn done(&mut self, out: &mut Out<'_>) -> Result<()>;

    /// A whole ordinary answer (object or array) that is no error. Must call `out.complete` or fail.
    ///
    /// # Errors
    /// What the document says, or what is wrong with it.
    fn document(&mut self, frame: Frame<'_>, value: Value<'_>, out: &mut Out<'_>) -> Result<()>;

    /// The body ended before a terminal: calls `out.complete`, or fails as incomplete.
    ///
    /// # Errors
    /// The answer is incomplete.
    fn end(&mut self, out: &mut Out<'_>) -> Result<()>;

    /// Says where a frame may differ and be the same delta but for its text (see `Out::again`).
    fn places(&self, _: Value<'_>, _: &mut Places) {}

    /// The frame of which `Out::again` was said last, with other values in its places. False where it is of another
    /// kind.
    fn repeat(&mut self, delta: Delta<'_>, out: &mut Out<'_>) -> bool {
        out.more(delta.text);
        true
    }
}

/// The protocol of that name, `None` where there is none.
#[must_use]
pub(crate) fn new_protocol(name: &str, options: &Options, out: &mut Out<'_>) -> Option<Box<dyn Machine>> {
    Some(match name {
        "anthropic-messages" => Box::new(AnthropicMessages::new(options, out)),
        "bedrock-converse" => Box::new(BedrockConverse::new(options, out)),
        "bedrock-invoke-anthropic" => Box::new(BedrockInvoke::new(options, out)),
        "google-generate-content" => Box::new(Google::new(options, out)),
        "openai-chat" => Box::new(OpenAiChat::new(options)),
        "openai-responses" => Box::new(OpenAiResponses::new(options)),
        _ => return None,
    })
}
