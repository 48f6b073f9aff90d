//! JSON as providers send it: strict where the standard is, exact where common parsers are not.
//!
//! Owns what counts as JSON (RFC 8259), how deep and how big, and how strings with lone surrogates are cleaned. Knows
//! no field of any protocol. A text is walked once into a tape of nodes that the next text reuses; a `Value` borrows
//! both, so that only the fields a protocol asks for are decoded. Twin of `runtimes/pure/json.py`, to which a missing
//! member and `null` are the same too.

mod dump;
mod owned;
mod scan;
mod string;

use std::borrow::Cow;

pub use dump::quote;
pub use owned::{Json, Meta, merge};
pub(crate) use scan::plain_end;
pub use string::Text;

/// Deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 128;

pub(crate) const MAX_COUNT: u64 = (1 << 53) - 1;

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    /// A string with at least one backslash.
    Escaped,
    Array,
    Object,
}

/// One value of the tape: its place in the text (strings without their quotes) and the node behind its last one.
#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    next: u32,
}

/// Place of a member that is not there.
const ABSENT: usize = usize::MAX;
const NULL: Node = Node { kind: Kind::Null, start: 0, end: 0, next: 1 };
static NULL_TAPE: [Node; 1] = [NULL];

/// Room for the nodes of one text, reused from text to text.
#[derive(Debug, Default)]
pub struct Tape {
    nodes: Vec<Node>,
    open: Vec<u32>,
}

impl Tape {
    /// The value of a JSON text.
    ///
    /// # Errors
    /// The text is not JSON, nests deeper than `MAX_DEPTH`, or has a number out of range.
    pub fn parse<'a>(&'a mut self, text: &'a str) -> Result<Value<'a>, JsonError> {
        let (value, rest) = self.parse_prefix(text)?;
        if rest.bytes().all(scan::is_space) { Ok(value) } else { Err(JsonError) }
    }

    /// The value that `parse` gave of that same text, as long as it parsed no other.
    pub(crate) fn value<'a>(&'a self, text: &'a str) -> Value<'a> {
        Value { text, nodes: &self.nodes, at: 0 }
    }

    /// The value that a text begins with, and the text behind it.
    ///
    /// # Errors
    /// As `parse`.
    pub fn parse_prefix<'a, 't: 'a>(&'a mut self, text: &'t str) -> Result<(Value<'a>, &'t str), JsonError> {
        let end = scan::scan(text, &mut self.nodes, &mut self.open)?;
        let rest = text.get(end..).unwrap_or("");
        Ok((Value { text, nodes: &self.nodes, at: 0 }, rest))
    }
}

/// A value of a parsed text; `null` also stands for whatever is missing.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    text: &'a str,
    nodes: &'a [Node],
    at: usize,
}

impl<'a> Value<'a> {
    /// The value of everything missing.
    pub const NULL: Value<'static> = Value { text: "", nodes: &NULL_TAPE, at: 0 };

    #[inline]
    fn node(&self) -> Node {
        self.nodes.get(self.at).copied().unwrap_or(NULL)
    }

    fn source(&self) -> &'a str {
        let node = self.node();
        self.text.get(node.start as usize..node.end as usize).unwrap_or("")
    }

    /// Whether it is `null` or missing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.node().kind == Kind::Null
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.node().kind == Kind::Object
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.node().kind == Kind::Array
    }

    /// Whether it is a string.
    #[must_use]
    pub fn is_string(&self) -> bool {
        matches!(self.node().kind, Kind::String | Kind::Escaped)
    }

    /// The truth value, `None` for anything else.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        match self.node().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// A whole number from 0 to 2^53 - 1 (RFC 8259 section 6: what everybody reads alike), `None` for anything else
    /// (`1.0` is no count).
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        as_count(self.number()?)
    }

    /// A number in its own spelling, `None` for anything else.
    #[must_use]
    pub fn number(&self) -> Option<&'a str> {
        (self.node().kind == Kind::Number).then(|| self.source())
    }

    /// The string without lone surrogates, `None` for anything else.
    #[must_use]
    #[inline]
    pub fn str(&self) -> Option<Cow<'a, str>> {
        match self.node().kind {
            Kind::String => Some(Cow::Borrowed(self.source())),
            Kind::Escaped => Some(Cow::Owned(string::unescape(self.source()).into_string())),
            _ => None,
        }
    }

    /// The string as a delta, which may begin or end with one half of a surrogate pair.
    #[must_use]
    #[inline]
    pub fn text(&self) -> Option<Text<'a>> {
        match self.node().kind {
            Kind::String => Some(Text::from(self.source())),
            Kind::Escaped => Some(string::unescape(self.source())),
            _ => None,
        }
    }

    /// The member of that name, the last one where it is repeated; `null` where there is none.
    #[must_use]
    pub fn get(&self, key: &str) -> Value<'a> {
        let [value] = self.pick([key]);
        value
    }

    /// Several members in one walk over the object.
    #[must_use]
    #[allow(clippy::inline_always, reason = "with the keys known, most comparisons are of two lengths; measured")]
    #[inline(always)]
    pub fn pick<const N: usize>(&self, keys: [&str; N]) -> [Value<'a>; N] {
        let bytes = self.text.as_bytes();
        let mut found = [ABSENT; N];
        let (mut at, end) = self.inside(Kind::Object);
        while at < end {
            let (Some(name), Some(value)) = (self.nodes.get(at), self.nodes.get(at + 1)) else { break };
            let decoded;
            let mut written = bytes.get(name.start as usize..name.end as usize).unwrap_or_default();
            if name.kind == Kind::Escaped {
                decoded = Value { at, ..*self }.str().unwrap_or_default();
                written = decoded.as_bytes();
            }
            for (key, place) in keys.iter().zip(found.iter_mut()) {
                if written == key.as_bytes() {
                    *place = at + 1;
                }
            }
            at = value.next as usize;
        }
        found.map(|at| if at == ABSENT { Value::NULL } else { Value { at, ..*self } })
    }

    /// The member of that name where the object has no other.
    #[must_use]
    #[inline]
    pub fn only(&self, key: &str) -> Option<Value<'a>> {
        let (at, end) = self.inside(Kind::Object);
        let name = self.nodes.get(at).filter(|name| at < end && name.kind == Kind::String)?;
        let value = Value { at: at + 1, ..*self };
        let found = self.text.as_bytes().get(name.start as usize..name.end as usize)? == key.as_bytes();
        (found && value.node().next as usize == end).then_some(value)
    }

    /// Whether a member of that name is there, even if it is `null`.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.members().any(|(name, _)| name == key)
    }

    /// Elements of an array, none of anything else.
    pub fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (text, nodes) = (self.text, self.nodes);
        let (mut at, end) = self.inside(Kind::Array);
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let value = Value { text, nodes, at };
            at = value.node().next as usize;
            Some(value)
        })
    }

    /// The element at a place of an array; `null` where there is none.
    #[must_use]
    pub fn item(&self, index: usize) -> Value<'a> {
        self.items().nth(index).unwrap_or(Value::NULL)
    }

    /// Members of an object in order of the text, repeated keys included; none of anything else.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'a, str>, Value<'a>)> + use<'a> {
        let (text, nodes) = (self.text, self.nodes);
        let (mut at, end) = self.inside(Kind::Object);
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let name = Value { text, nodes, at }.str().unwrap_or_default();
            let value = Value { text, nodes, at: at + 1 };
            at = value.node().next as usize;
            Some((name, value))
        })
    }

    /// Where a string (without its quotes) or a number that is not empty stands in the text.
    pub(crate) fn place(&self) -> Option<(usize, usize)> {
        let Node { kind, start, end, .. } = self.node();
        let found = matches!(kind, Kind::String | Kind::Escaped | Kind::Number) && start < end;
        found.then_some((start as usize, end as usize))
    }

    /// Where an object stands in the text.
    pub(crate) fn span(&self) -> Option<(usize, usize)> {
        let Node { kind, start, end, .. } = self.node();
        (kind == Kind::Object).then_some((start as usize, end as usize))
    }

    /// The JSON text of the value as it stood on the wire.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        let node = self.node();
        let quote = usize::from(self.is_string());
        self.text.get((node.start as usize).saturating_sub(quote)..node.end as usize + quote).unwrap_or("null")
    }

    fn inside(&self, kind: Kind) -> (usize, usize) {
        let node = self.node();
        if node.kind == kind { (self.at + 1, node.next as usize) } else { (0, 0) }
    }
}

fn as_count(number: &str) -> Option<u64> {
    if number == "-0" {
        return Some(0);
    }
    number.parse::<u64>().ok().filter(|count| *count <= MAX_COUNT)
}

/// Whether a number's text is a whole number.
#[must_use]
pub fn is_integer(number: &str) -> bool {
    !number.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// Sets how many digits a whole number may have in all that is read from now on, which is 4300 before: a number that is
/// read here is one for Python, where the ceiling is the process's to set.
pub fn limit_digits(digits: usize) {
    scan::limit_digits(digits);
}

/// The value of a JSON text, owned. For what is parsed once: arguments, payloads kept for replay.
///
/// # Errors
/// As `Tape::parse`.
pub fn parse(text: &str) -> Result<Json, JsonError> {
    Tape::default().parse(text).map(|value| value.to_json())
}

#[cfg(test)]
mod tests;
