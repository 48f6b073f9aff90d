//! zen-net: what a server sends over one connection of HTTP/1.1 in, heads, bodies and typed events out.
//!
//! Owns the response side of the protocol and its joining to the decoder. Knows no Python, socket, clock or thread;
//! requests are written elsewhere, by whoever has the socket.
//!
//! Source: RFC 9110 and RFC 9112, with what they leave to the recipient decided on the safe side: a response whose
//! length can be understood in two ways is refused.
#![forbid(unsafe_code)]

mod chunked;
pub mod exchange;
pub mod failure;
pub mod head;
pub mod response;
