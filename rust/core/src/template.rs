//! The template of a delta: a stream's events mostly differ in their text alone.
//!
//! Keeps the bytes of an event that was nothing but a delta, and the places in them that may differ: the text, and
//! what makes no difference (padding, a number). A read that is the same elsewhere is the next delta of the block
//! that is open, and needs no framing, no JSON and no protocol, nor what these hold. That counts where thousands of
//! streams share a processor, whose caches hold none of it from one read of a stream to the next.
//!
//! Owns the comparison. Whether an event is such a delta is for its protocol to say (`Out::again`). Strict: what the
//! places hold must be what the scanner takes for a string without escapes, or for a short whole number.

use crate::json::{Value, plain_end};

/// Most places of one template.
const MAX_PLACES: usize = 10;
/// Longest event that is kept.
const MAX_BYTES: usize = 2 << 10;
/// Digits of a number that is surely a count.
const MAX_DIGITS: usize = 15;
/// After so many templates in a row that no event was like, only each of so many is learned.
const PATIENCE: u8 = 8;
const SELDOM: u8 = 32;

/// What may stand in a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sort {
    /// The text, which is not empty.
    #[default]
    Text,
    /// A string.
    String,
    /// A whole number, not negative.
    Number,
    /// As many bytes, which are checked by other means.
    Bytes,
    /// Nothing: the edge of what is kept.
    Edge,
}

/// Where events differ: offsets into the bytes that are kept.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    start: u16,
    end: u16,
    sort: Sort,
}

/// The places of one event, in order.
#[derive(Debug, Default)]
pub(crate) struct Places {
    all: [Place; MAX_PLACES],
    count: u8,
    /// Where the frame's text begins in the event.
    base: usize,
    /// There were more than there is room for.
    full: bool,
}

/// What a template found in an event.
pub(crate) struct Delta<'a> {
    pub(crate) text: &'a str,
    /// What the protocol wants kept of the last one, empty where there is nothing.
    pub(crate) kept: &'a [u8],
}

/// See above. Without places until an event was learned.
#[derive(Debug, Default)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: Places,
    unused: u8,
}

impl Places {
    /// Those of an event in which the text of the frame begins at `base`, and that of the delta is there.
    pub(crate) fn new(base: usize, (start, end): (usize, usize)) -> Self {
        let mut places = Self { base, ..Self::default() };
        places.add(base + start, base + end, Sort::Text);
        places
    }

    /// Strings and numbers that make no difference; other values stay as they are.
    pub(crate) fn unread<const N: usize>(&mut self, values: [Value<'_>; N]) {
        for value in values {
            if let Some((start, end)) = value.place() {
                let sort = if value.is_string() { Sort::String } else { Sort::Number };
                self.add(self.base + start, self.base + end, sort);
            }
        }
    }

    /// An object that `Machine::repeat` is given as it stands.
    pub(crate) fn kept(&mut self, object: Value<'_>) {
        if let Some((start, end)) = object.span() {
            self.add(self.base + start, self.base + start, Sort::Edge);
            self.add(self.base + end, self.base + end, Sort::Edge);
        }
    }

    /// Bytes of the event that are checked by other means.
    pub(crate) fn bytes(&mut self, start: usize, end: usize) {
        self.add(start, end, Sort::Bytes);
    }

    fn add(&mut self, start: usize, end: usize, sort: Sort) {
        match (self.all.get_mut(usize::from(self.count)), u16::try_from(start), u16::try_from(end)) {
            (Some(place), Ok(start), Ok(end)) => {
                *place = Place { start, end, sort };
                self.count += 1;
            }
            _ => self.full = true,
        }
    }

    fn get(&self) -> &[Place] {
        self.all.get(..usize::from(self.count)).unwrap_or_default()
    }
}

impl Template {
    /// The text of an event that is the one learned but for its places.
    #[inline]
    pub(crate) fn delta<'a>(&mut self, event: &'a [u8]) -> Option<Delta<'a>> {
        let (mut rest, mut from) = (event, 0);
        let (mut text, mut edges) = (None, (0, 0));
        for place in self.places.get() {
            rest = rest.strip_prefix(self.bytes.get(from..usize::from(place.start))?)?;
            let (value, behind) = rest.split_at_checked(place.length(rest)?)?;
            match place.sort {
                Sort::Text => text = Some(value),
                Sort::Edge => edges = (edges.1, event.len() - rest.len()),
                _ => {}
            }
            (rest, from) = (behind, usize::from(place.end));
        }
        let text = text.filter(|text| !text.is_empty() && self.bytes.get(from..) == Some(rest))?;
        let text = std::str::from_utf8(text).ok()?;
        self.unused = 0;
        Some(Delta { text, kept: event.get(edges.0..edges.1)? })
    }

    /// Learns an event with these places.
    pub(crate) fn learn(&mut self, event: &[u8], places: Places) {
        self.forget();
        self.unused = self.unused.checked_add(1).unwrap_or(PATIENCE);
        let seldom = self.unused > PATIENCE && self.unused % SELDOM > 0;
        if seldom || places.full || event.len() > MAX_BYTES {
            return;
        }
        self.places = places;
        if let Some(places) = self.places.all.get_mut(..usize::from(self.places.count)) {
            places.sort_unstable_by_key(|place| (place.start, place.end));
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(event);
    }

    /// No event is like the last one.
    #[inline]
    pub(crate) fn forget(&mut self) {
        self.places.count = 0;
    }
}

impl Place {
    /// How many of the bytes belong into this place.
    #[inline]
    fn length(self, bytes: &[u8]) -> Option<usize> {
        match self.sort {
            Sort::Text | Sort::String => {
                let end = plain_end(bytes, 0);
                (bytes.get(end) == Some(&b'"')).then_some(end)
            }
            Sort::Number => digits(bytes),
            Sort::Bytes | Sort::Edge => Some(usize::from(self.end - self.start)),
        }
    }
}

/// The length of a short whole number in JSON, which has no zero in front.
#[inline(never)]
fn digits(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.iter().position(|byte| !byte.is_ascii_digit())?;
    let plain = digits == 1 || bytes.first() != Some(&b'0');
    ((1..=MAX_DIGITS).contains(&digits) && plain).then_some(digits)
}
