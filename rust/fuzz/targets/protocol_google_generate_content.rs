//! The protocol `google-generate-content`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| zen_fuzz::protocol::check(
    "google-generate-content",
    &["sse", "json-array", "document"],
    body
));
