//! Strings: escapes undone, surrogate halves kept apart at the edges of a delta.

use std::borrow::Cow;

/// The text of a delta. A pair of surrogate escapes may have been cut between two deltas: then the first ends with
/// `high` and the second begins with `low`, and neither half is part of `body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// What needs no neighbour; lone surrogates inside have become U+FFFD.
    pub body: Cow<'a, str>,
    /// A low surrogate that the text begins with.
    pub low: Option<u16>,
    /// A high surrogate that the text ends with.
    pub high: Option<u16>,
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self { body: Cow::Borrowed(text), low: None, high: None }
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self { body: Cow::Owned(text), low: None, high: None }
    }
}

impl<'a> Text<'a> {
    /// Whether it holds nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty() && self.low.is_none() && self.high.is_none()
    }

    /// Puts `half` (a high surrogate that ended the delta before) in front, and takes the half at the end out into it.
    /// Where there is no text the half goes on waiting.
    #[must_use]
    #[inline]
    pub fn join(self, half: &mut Option<u16>) -> Cow<'a, str> {
        let plain = self.low.is_none() && self.high.is_none() && (half.is_none() || self.body.is_empty());
        if plain { self.body } else { self.join_half(half) }
    }

    #[cold]
    fn join_half(self, half: &mut Option<u16>) -> Cow<'a, str> {
        let mut joined = String::with_capacity(self.body.len() + 4);
        match (half.take(), self.low) {
            (Some(high), Some(low)) => joined.push(pair(high, low)),
            (None, None) => {}
            _ => joined.push(char::REPLACEMENT_CHARACTER),
        }
        joined.push_str(&self.body);
        *half = self.high;
        Cow::Owned(joined)
    }

    /// The text by itself: halves at its edges become U+FFFD.
    #[must_use]
    pub fn into_string(self) -> String {
        let mut half = None;
        let mut text = self.join(&mut half).into_owned();
        if half.is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        text
    }
}

fn pair(high: u16, low: u16) -> char {
    char::decode_utf16([high, low]).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Undoes the escapes of a string that the scanner has checked.
pub(super) fn unescape(raw: &str) -> Text<'static> {
    let mut out = Unescaped { body: String::with_capacity(raw.len()), low: None, high: None };
    let mut rest = raw;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = after.chars();
        match chars.next() {
            Some('u') => {
                let (digits, behind) = after.split_at_checked(5).unwrap_or((after, ""));
                let unit = digits.get(1..).and_then(|hex| u16::from_str_radix(hex, 16).ok()).unwrap_or(0xfffd);
                out.push_unit(unit);
                rest = behind;
            }
            escape => {
                out.push_str(simple(escape));
                rest = chars.as_str();
            }
        }
    }
    out.push_str(rest);
    Text { body: Cow::Owned(out.body), low: out.low, high: out.high }
}

fn simple(escape: Option<char>) -> &'static str {
    match escape {
        Some('n') => "\n",
        Some('t') => "\t",
        Some('r') => "\r",
        Some('b') => "\u{8}",
        Some('f') => "\u{c}",
        Some('"') => "\"",
        Some('/') => "/",
        _ => "\\",
    }
}

struct Unescaped {
    body: String,
    low: Option<u16>,
    high: Option<u16>,
}

impl Unescaped {
    fn push_str(&mut self, text: &str) {
        if !text.is_empty() {
            self.settle();
            self.body.push_str(text);
        }
    }

    fn push_unit(&mut self, unit: u16) {
        match (unit, self.high) {
            (0xdc00..=0xdfff, Some(high)) => {
                self.high = None;
                self.body.push(pair(high, unit));
            }
            (0xdc00..=0xdfff, None) if self.body.is_empty() && self.low.is_none() => self.low = Some(unit),
            (0xd800..=0xdbff, _) => {
                self.settle();
                self.high = Some(unit);
            }
            _ => {
                self.settle();
                self.body.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
    }

    /// A high half that nothing joined stays alone.
    fn settle(&mut self) {
        if self.high.take().is_some() {
            self.body.push(char::REPLACEMENT_CHARACTER);
        }
    }
}
