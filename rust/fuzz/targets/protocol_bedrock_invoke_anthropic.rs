//! The protocol `bedrock-invoke-anthropic`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| zen_fuzz::protocol::check(
    "bedrock-invoke-anthropic",
    &["eventstream", "document"],
    body
));
