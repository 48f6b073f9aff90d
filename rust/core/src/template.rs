//! The template of a delta: a stream's events mostly differ in their text alone.
//!
//! Keeps the bytes of an event that was nothing but a delta, and the places in them that may differ: the text, and
//! what the protocol never reads (padding, a number). A read that is the same elsewhere is the next delta of the block
//! that is open, and needs no framing, no JSON and no protocol, nor what these hold. That counts where thousands of
//! streams share a processor, whose caches hold none of it from one read of a stream to the next.
//!
//! Owns the comparison. Whether an event is such a delta is for its protocol to say (`Out::again`). Strict: what the
//! places hold must be what the scanner takes for a string without escapes, or for a short whole number.

use crate::json::plain_end;

/// Most places of one template.
pub(crate) const MAX_PLACES: usize = 6;
/// Longest event that is kept.
const MAX_BYTES: usize = 2 << 10;
/// Digits of a number that is surely a count.
const MAX_DIGITS: usize = 15;
/// After so many templates in a row that no event was like, only each of so many is learned.
const PATIENCE: u8 = 8;
const SELDOM: u8 = 32;

/// What may stand in a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// The text, which is not empty.
    #[default]
    Text,
    /// A string that nobody reads.
    String,
    /// A number that nobody reads.
    Number,
    /// As many bytes, which are checked by other means.
    Bytes,
}

/// Where events differ: offsets into the bytes that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: u16,
    pub(crate) end: u16,
    pub(crate) sort: Sort,
}

/// See above. Empty until an event was learned.
#[derive(Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: [Place; MAX_PLACES],
    count: u8,
    unused: u8,
}

impl Default for Template {
    fn default() -> Self {
        Self { bytes: Vec::new(), places: [Place::default(); MAX_PLACES], count: 0, unused: 0 }
    }
}

impl Template {
    /// The text of an event that is the one learned but for its places.
    #[inline]
    pub(crate) fn text<'a>(&mut self, event: &'a [u8]) -> Option<&'a str> {
        let places = self.places.get(..usize::from(self.count)).filter(|places| !places.is_empty())?;
        let (mut rest, mut from, mut text) = (event, 0, None);
        for place in places {
            rest = rest.strip_prefix(self.bytes.get(from..usize::from(place.start))?)?;
            let (value, behind) = rest.split_at_checked(place.length(rest)?)?;
            if place.sort == Sort::Text {
                text = Some(value);
            }
            (rest, from) = (behind, usize::from(place.end));
        }
        let text = text.filter(|text| !text.is_empty() && self.bytes.get(from..) == Some(rest))?;
        let text = std::str::from_utf8(text).ok()?;
        self.unused = 0;
        Some(text)
    }

    /// Learns an event with these places, in whatever order. They must not overlap.
    pub(crate) fn learn(&mut self, event: &[u8], places: impl IntoIterator<Item = Place>) {
        self.forget();
        self.unused = self.unused.checked_add(1).unwrap_or(PATIENCE);
        if event.len() > MAX_BYTES || (self.unused > PATIENCE && self.unused % SELDOM > 0) {
            return;
        }
        let mut count = 0;
        for (kept, place) in self.places.iter_mut().zip(places) {
            *kept = place;
            count += 1;
        }
        if let Some(places) = self.places.get_mut(..usize::from(count)) {
            places.sort_unstable_by_key(|place| place.start);
        }
        self.count = count;
        self.bytes.clear();
        self.bytes.extend_from_slice(event);
    }

    /// No event is like the last one.
    #[inline]
    pub(crate) fn forget(&mut self) {
        self.count = 0;
    }
}

impl Place {
    /// A place in an event that is short enough to be kept; of any other, nothing is kept.
    pub(crate) fn new(start: usize, end: usize, sort: Sort) -> Self {
        let [start, end] = [start, end].map(|offset| u16::try_from(offset).unwrap_or(u16::MAX));
        Self { start, end, sort }
    }

    /// How many of the bytes belong into this place.
    #[inline]
    fn length(self, bytes: &[u8]) -> Option<usize> {
        match self.sort {
            Sort::Text | Sort::String => {
                let end = plain_end(bytes, 0);
                (bytes.get(end) == Some(&b'"')).then_some(end)
            }
            Sort::Number => {
                let digits = bytes.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
                let plain = digits == 1 || bytes.first() != Some(&b'0');
                ((1..=MAX_DIGITS).contains(&digits) && plain).then_some(digits)
            }
            Sort::Bytes => Some(usize::from(self.end - self.start)),
        }
    }
}
