//! What the fuzz targets share: cut a body in several ways and hold the results against each other.
//!
//! An input is a plain response body, so that every fixture is a seed; `response` also takes it for a whole response. Owns no knowledge of a format but the places of
//! `EventStream` checksums.

pub mod cut;
pub mod framing;
pub mod mend;
pub mod protocol;
pub mod response;
