//! The protocol `openai-responses`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| zen_fuzz::protocol::check("openai-responses", &["sse", "document"], body));
