//! The one walk over a JSON text: checks the grammar and lays the tape.
//!
//! Linear in the text, without recursion; nothing is decoded here.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{JsonError, Kind, MAX_DEPTH, Node};

/// Longest fraction that is read.
const MAX_FRACTION: usize = 4300;
/// Most digits of a whole number, the ceiling that Python sets on `int(text)`. There it is one of the process too.
static MAX_DIGITS: AtomicUsize = AtomicUsize::new(4300);
/// A fraction shorter than this, without an exponent, is surely finite.
const SURELY_FINITE: usize = 300;

type Step = Result<usize, JsonError>;

pub(super) fn limit_digits(digits: usize) {
    MAX_DIGITS.store(digits, Ordering::Relaxed);
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Lays the tape of the value that `text` begins with and says where it ends.
pub(super) fn scan(text: &str, nodes: &mut Vec<Node>, open: &mut Vec<u32>) -> Step {
    nodes.clear();
    open.clear();
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError);
    }
    let mut walk = Walk { bytes: text.as_bytes(), nodes, open };
    let mut at = walk.skip(0);
    loop {
        let (next, opened) = walk.value(at)?;
        at = if opened { next } else { walk.behind(next)? };
        if walk.open.is_empty() {
            return Ok(at);
        }
    }
}

struct Walk<'t> {
    bytes: &'t [u8],
    nodes: &'t mut Vec<Node>,
    open: &'t mut Vec<u32>,
}

impl Walk<'_> {
    fn byte(&self, at: usize) -> u8 {
        // 0 is no JSON outside strings, so it can stand for the end of the text.
        self.bytes.get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn skip(&self, at: usize) -> usize {
        // Providers send compact JSON: mostly there is nothing to skip.
        if self.byte(at) > b' ' { at } else { self.skip_spaces(at) }
    }

    fn skip_spaces(&self, mut at: usize) -> usize {
        while is_space(self.byte(at)) {
            at += 1;
        }
        at
    }

    #[allow(clippy::cast_possible_truncation, reason = "the text's length was checked to fit in 32 bits")]
    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { kind, start: start as u32, end: end as u32, next });
    }

    /// One value; for a container that is not empty only its opening (and first key), with `true`.
    fn value(&mut self, at: usize) -> Result<(usize, bool), JsonError> {
        match self.byte(at) {
            b'"' => Ok((self.string(at)?, false)),
            b'{' => self.enter(at, Kind::Object, b'}'),
            b'[' => self.enter(at, Kind::Array, b']'),
            b't' => Ok((self.literal(at, b"true", Kind::True)?, false)),
            b'f' => Ok((self.literal(at, b"false", Kind::False)?, false)),
            b'n' => Ok((self.literal(at, b"null", Kind::Null)?, false)),
            b'-' | b'0'..=b'9' => Ok((self.number(at)?, false)),
            _ => Err(JsonError),
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "there are fewer nodes than bytes, and these fit in 32 bits")]
    fn enter(&mut self, at: usize, kind: Kind, close: u8) -> Result<(usize, bool), JsonError> {
        if self.open.len() == MAX_DEPTH {
            return Err(JsonError);
        }
        let node = self.nodes.len() as u32;
        self.push(kind, at, at);
        let inside = self.skip(at + 1);
        if self.byte(inside) == close {
            if let Some(container) = self.nodes.last_mut() {
                container.end = inside as u32 + 1;
            }
            return Ok((inside + 1, false));
        }
        self.open.push(node);
        let first = if kind == Kind::Object { self.key(inside)? } else { inside };
        Ok((first, true))
    }

    /// What follows a value: the next element or key, or the ends of containers. Where a value is to come next, its place.
    #[allow(clippy::cast_possible_truncation, reason = "the text's length was checked to fit in 32 bits")]
    fn behind(&mut self, mut at: usize) -> Step {
        while let Some(&container) = self.open.last() {
            at = self.skip(at);
            let nodes = self.nodes.len() as u32;
            let Some(node) = self.nodes.get_mut(container as usize) else { return Err(JsonError) };
            match (self.bytes.get(at), node.kind) {
                (Some(b','), Kind::Object) => {
                    let key = self.skip(at + 1);
                    return self.key(key);
                }
                (Some(b','), _) => return Ok(self.skip(at + 1)),
                (Some(b'}'), Kind::Object) | (Some(b']'), Kind::Array) => {
                    node.end = at as u32 + 1;
                    node.next = nodes;
                    self.open.pop();
                    at += 1;
                }
                _ => return Err(JsonError),
            }
        }
        Ok(at)
    }

    fn key(&mut self, at: usize) -> Step {
        if self.byte(at) != b'"' {
            return Err(JsonError);
        }
        let behind = self.string(at)?;
        let colon = self.skip(behind);
        if self.byte(colon) == b':' { Ok(self.skip(colon + 1)) } else { Err(JsonError) }
    }

    fn literal(&mut self, at: usize, word: &[u8], kind: Kind) -> Step {
        let end = at + word.len();
        if self.bytes.get(at..end) != Some(word) {
            return Err(JsonError);
        }
        self.push(kind, at, end);
        Ok(end)
    }

    fn string(&mut self, at: usize) -> Step {
        let start = at + 1;
        let mut kind = Kind::String;
        let mut place = start;
        loop {
            place = plain_end(self.bytes, place);
            match self.byte(place) {
                b'"' => break,
                b'\\' => {
                    kind = Kind::Escaped;
                    place = self.escape(place + 1)?;
                }
                _ => return Err(JsonError),
            }
        }
        self.push(kind, start, place);
        Ok(place + 1)
    }

    fn escape(&self, at: usize) -> Step {
        match self.byte(at) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 1),
            b'u' => {
                let digits = self.bytes.get(at + 1..at + 5).ok_or(JsonError)?;
                if digits.iter().all(u8::is_ascii_hexdigit) { Ok(at + 5) } else { Err(JsonError) }
            }
            _ => Err(JsonError),
        }
    }

    fn number(&mut self, start: usize) -> Step {
        let mut at = start + usize::from(self.byte(start) == b'-');
        let whole = at;
        at = match self.byte(at) {
            b'0' => at + 1,
            b'1'..=b'9' => self.digits(at),
            _ => return Err(JsonError),
        };
        let digits = at - whole;
        let mut long = 0;
        let mut finite = true;
        if self.byte(at) == b'.' && self.byte(at + 1).is_ascii_digit() {
            at = self.digits(at + 1);
            (long, finite) = (at - start, at - start < SURELY_FINITE);
        }
        let sign = at + 1;
        let exponent = sign + usize::from(matches!(self.byte(sign), b'+' | b'-'));
        if matches!(self.byte(at), b'e' | b'E') && self.byte(exponent).is_ascii_digit() {
            at = self.digits(exponent);
            (long, finite) = (at - start, false);
        }
        let is_long = if long > 0 { long > MAX_FRACTION } else { digits > MAX_DIGITS.load(Ordering::Relaxed) };
        if is_long || !(finite || self.is_finite(start, at)) {
            return Err(JsonError);
        }
        self.push(Kind::Number, start, at);
        Ok(at)
    }

    fn digits(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    fn is_finite(&self, start: usize, end: usize) -> bool {
        let text = self.bytes.get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.and_then(|text| text.parse::<f64>().ok()).is_some_and(f64::is_finite)
    }
}

/// The first quote, backslash or control character from `at` on, or the end: eight bytes at a time.
#[inline]
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const QUOTES: u64 = 0x2222_2222_2222_2222;
    const SLASHES: u64 = 0x5c5c_5c5c_5c5c_5c5c;
    const SPACES: u64 = 0x2020_2020_2020_2020;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        // The classic test for a zero byte, once per wanted byte; the lowest hit is exact.
        let quote = word ^ QUOTES;
        let slash = word ^ SLASHES;
        let control = word.wrapping_sub(SPACES) & !word;
        let hit = ((quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash) | control) & HIGH;
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            return at;
        }
        at += 1;
    }
    at
}
