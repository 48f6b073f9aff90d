//! The protocol `anthropic-messages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| zen_fuzz::protocol::check("anthropic-messages", &["sse", "document"], body));
