//! The framing `eventstream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| zen_fuzz::framing::check("eventstream", body));
