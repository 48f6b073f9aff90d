//! zen-core: bytes of a language-model response in, typed events out.
//!
//! Owns framing, the meaning of every wire protocol, and the order of events. Knows no Python, socket, clock or
//! thread. Its twin is `python/zen_native/runtimes/pure`: same stems, same sections, same handler names.
#![forbid(unsafe_code)]

pub mod cost;
pub mod decoder;
mod document;
pub mod error;
pub mod event;
pub mod eventstream;
mod field;
pub mod frame;
pub mod framing;
pub mod header;
pub mod json;
mod json_array;
mod lead;
pub mod lifecycle;
pub mod options;
pub mod protocol;
mod sse;
mod template;
pub mod think;
pub mod tools;
pub mod usage;
