//! Responses of HTTP/1.1.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| zen_fuzz::response::check(input));
