//! The head of a response: found in the bytes, parsed, and what it says about its body and its connection.
//!
//! Fields are parsed by httparse, as strictly as it can: no space before a colon, no folded lines, no NUL and no CR
//! that ends no line. A single LF ends a line, as RFC 9112 section 2.2 allows. Owns no byte of the body.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};
use memchr::memchr_iter;

use crate::failure::{Failure, Result};

/// The most fields that a head or a trailer may have.
pub const MAX_FIELDS: usize = 128;
const START: &[u8] = b"HTTP/1.";
const NO_CONTENT: u16 = 204;

/// Status and header fields of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// From 100 to 999.
    pub status: u16,
    /// Names in lower case, in order of their first appearance; the values of one that is repeated are joined by ", ".
    /// A value that is no UTF-8 is taken as Latin-1.
    pub fields: Vec<(String, String)>,
    /// Whether the version was 1.0.
    pub(crate) old: bool,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    Close,
}

/// Where the head of at most `limit` bytes ends, None where that is still to come. `from`: where to look on.
pub(crate) fn find_end(bytes: &[u8], from: usize, limit: usize) -> Result<Option<usize>> {
    let window = bytes.get(..limit).unwrap_or(bytes);
    if window.iter().zip(START).any(|(byte, expected)| byte != expected) {
        return Err(Failure::head("the server does not speak HTTP/1"));
    }
    let found = end_of_fields(window, from);
    if found.is_none() && bytes.len() >= limit {
        return Err(Failure::head("the head of the response is too large"));
    }
    Ok(found)
}

/// Where the empty line behind the first line that ends at or after `from` ends.
pub(crate) fn end_of_fields(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    memchr_iter(b'\n', rest).find_map(|at| match rest.get(at + 1..)? {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}

impl Head {
    /// The head that `bytes` are, its last empty line included.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut room = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut []);
        let outcome = ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, &mut room);
        match outcome {
            Ok(Status::Complete(end)) if end == bytes.len() => {}
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Failure::head("the response has too many header fields"));
            }
            _ => return Err(Failure::head("the head of the response is malformed")),
        }
        let status = parsed.code.unwrap_or_default();
        if status < 100 {
            return Err(Failure::head("the status of the response is no status"));
        }
        let mut head =
            Self { status, fields: Vec::with_capacity(parsed.headers.len()), old: parsed.version == Some(0) };
        parsed.headers.iter().for_each(|field| head.add(field));
        Ok(head)
    }

    fn add(&mut self, field: &Header<'_>) {
        let name = field.name.to_ascii_lowercase();
        let value = text(field.value);
        if let Some((_, known)) = self.fields.iter_mut().find(|(known, _)| *known == name) {
            known.push_str(", ");
            known.push_str(&value);
        } else {
            self.fields.push((name, value));
        }
    }

    /// The value of a field whose name is in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How the body ends (RFC 9112, 6.3). `bodiless`: the request was of a kind whose answers have none.
    pub(crate) fn framing(&self, bodiless: bool) -> Result<Framing> {
        let framing = match (self.get("transfer-encoding"), self.get("content-length")) {
            (Some(_), Some(_)) => return Err(Failure::head("the response has both a transfer-encoding and a length")),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
            (Some(_), None) => return Err(Failure::head("the transfer-encoding of the response is not chunked")),
            (None, Some(length)) => Framing::Length(parse_length(length)?),
            (None, None) => Framing::Close,
        };
        Ok(if bodiless || matches!(self.status, NO_CONTENT | 304) { Framing::Length(0) } else { framing })
    }

    /// Whether the connection may be used again once the body is read (RFC 9112, 9.3).
    pub(crate) fn keeps(&self, framing: Framing) -> bool {
        let said = |option: &str| {
            let options = self.get("connection").unwrap_or_default().split(',');
            options.map(str::trim).any(|one| one.eq_ignore_ascii_case(option))
        };
        match framing {
            Framing::Close => false,
            Framing::Chunked if self.old => false, // 6.1: what framed it may not know what a chunk is
            _ if self.status == NO_CONTENT && self.announces() => false, // who must not (6.1, 6.2) may send it, too
            _ => !said("close") && (!self.old || said("keep-alive")),
        }
    }

    /// Whether a body is announced, if there may be one or not.
    fn announces(&self) -> bool {
        let length = self.get("content-length").map(parse_length);
        self.get("transfer-encoding").is_some() || length.is_some_and(|length| length != Ok(0))
    }
}

/// Digits and nothing else, also no second value, be it the same one.
fn parse_length(text: &str) -> Result<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let length = if digits { text.parse().ok() } else { None };
    length.ok_or_else(|| Failure::head("the content-length of the response is no single number"))
}

fn text(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(|_| value.iter().copied().map(char::from).collect(), str::to_owned)
}
