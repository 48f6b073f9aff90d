//! Lines of an event stream by their field.
//!
//! Source: WHATWG HTML, 9.2.6 "Interpreting an event stream". Owns the names of the fields and where a value starts;
//! holds nothing. Twin of `runtimes/pure/field.py`.

/// A line by its field.
pub(crate) enum Line<'a> {
    Data(&'a [u8]),
    Event(&'a [u8]),
    Comment,
    /// `id` or `retry`, else (not `known`) no field of an event stream.
    Other {
        known: bool,
    },
}

/// Bytes that decide what a line is and where its value starts: the longest field name, its colon, one space.
pub(crate) const LONGEST_FIELD: usize = 7;

/// Whether an unfinished line could still become any field.
pub(crate) fn is_undecided(line: &[u8]) -> bool {
    [&b"data:"[..], b"event:", b"id:", b"retry:"]
        .iter()
        .any(|field| field.len() > line.len() && field.starts_with(line))
}

/// Splits a whole line, or one whose field name is whole, into field and value.
#[inline]
pub(crate) fn split_field(line: &[u8]) -> Line<'_> {
    if let Some(value) = line.strip_prefix(b"data:") {
        return Line::Data(value.strip_prefix(b" ").unwrap_or(value));
    }
    if let Some(value) = line.strip_prefix(b"event:") {
        return Line::Event(value.strip_prefix(b" ").unwrap_or(value));
    }
    match line {
        [b':', ..] => Line::Comment,
        b"data" => Line::Data(b""),
        b"event" => Line::Event(b""),
        b"id" | b"retry" | [b'i', b'd', b':', ..] | [b'r', b'e', b't', b'r', b'y', b':', ..] => {
            Line::Other { known: true }
        }
        _ => Line::Other { known: false },
    }
}
