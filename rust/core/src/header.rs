//! Headers of an `eventstream` frame: names with values of ten types.
//!
//! Source: Smithy, "Amazon Event Stream Specification". A repeated header's last value wins, as a repeated JSON key's
//! does; text that is not UTF-8, a header without a name and an unknown type are refused. Owns no frame and no meaning
//! of names. The number of headers is bounded by the size of the block, which its caller limits.
//! Twin of `runtimes/pure/header.py`.

use crate::error::{DecodeError, ErrorKind, Result};

/// The value of a header, one variant for each pair of types of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// Types 0 and 1.
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Short(i16),
    /// Type 4.
    Int(i32),
    /// Type 5.
    Long(i64),
    /// Type 6.
    Bytes(&'a [u8]),
    /// Type 7.
    String(&'a str),
    /// Type 8, milliseconds since 1970.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// Reads a header block, one header after the other; the last value of a repeated name wins.
///
/// # Errors
/// `invalid-output` for anything but whole headers of known types with names.
pub fn parse_headers(block: &[u8]) -> Result<Vec<(&str, HeaderValue<'_>)>> {
    let mut headers = Vec::new();
    let mut rest = block;
    while !rest.is_empty() {
        let (name, value, tail) = parse_header(rest)?;
        headers.push((name, value));
        rest = tail;
    }
    Ok(headers)
}

/// Reads the first header of a block that is not empty, and says what follows it.
pub(crate) fn parse_header(block: &[u8]) -> Result<(&str, HeaderValue<'_>, &[u8])> {
    let (&[size], rest) = take::<1>(block)?;
    if size == 0 {
        return Err(invalid("header name is empty"));
    }
    let (name, rest) = rest.split_at_checked(usize::from(size)).ok_or_else(cut_header)?;
    let name = std::str::from_utf8(name).map_err(|_| invalid("header name is not UTF-8"))?;
    let (&[kind], rest) = take::<1>(rest)?;
    let (value, rest) = parse_value(kind, rest)?;
    Ok((name, value, rest))
}

fn parse_value(kind: u8, rest: &[u8]) -> Result<(HeaderValue<'_>, &[u8])> {
    Ok(match kind {
        0 => (HeaderValue::Bool(true), rest),
        1 => (HeaderValue::Bool(false), rest),
        2 => take(rest).map(|(bytes, rest)| (HeaderValue::Byte(i8::from_be_bytes(*bytes)), rest))?,
        3 => take(rest).map(|(bytes, rest)| (HeaderValue::Short(i16::from_be_bytes(*bytes)), rest))?,
        4 => take(rest).map(|(bytes, rest)| (HeaderValue::Int(i32::from_be_bytes(*bytes)), rest))?,
        5 => take(rest).map(|(bytes, rest)| (HeaderValue::Long(i64::from_be_bytes(*bytes)), rest))?,
        6 => take_sized(rest).map(|(bytes, rest)| (HeaderValue::Bytes(bytes), rest))?,
        7 => {
            let (bytes, rest) = take_sized(rest)?;
            let text = std::str::from_utf8(bytes).map_err(|_| invalid("header value is not UTF-8"))?;
            (HeaderValue::String(text), rest)
        }
        8 => take(rest).map(|(bytes, rest)| (HeaderValue::Timestamp(i64::from_be_bytes(*bytes)), rest))?,
        9 => take(rest).map(|(bytes, rest)| (HeaderValue::Uuid(*bytes), rest))?,
        _ => return Err(invalid(format!("header type {kind} is unknown"))),
    })
}

fn take<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8])> {
    bytes.split_first_chunk().ok_or_else(cut_header)
}

fn take_sized(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (size, rest) = take(bytes)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*size))).ok_or_else(cut_header)
}

fn cut_header() -> DecodeError {
    invalid("header block ends inside a header")
}

/// The bytes are not what the format allows.
pub(crate) fn invalid(message: impl Into<String>) -> DecodeError {
    DecodeError::new(ErrorKind::InvalidOutput, message)
}
