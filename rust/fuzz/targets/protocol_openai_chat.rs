//! The protocol `openai-chat`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| zen_fuzz::protocol::check("openai-chat", &["sse", "document"], body));
