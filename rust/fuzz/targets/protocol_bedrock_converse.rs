//! The protocol `bedrock-converse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| zen_fuzz::protocol::check(
    "bedrock-converse",
    &["eventstream", "document"],
    body
));
