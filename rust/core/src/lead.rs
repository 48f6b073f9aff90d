//! How a body begins: the byte order mark, white space, and whether it is a stream or one document.
//!
//! Shared by the text framings. Owns no framing. The body decides, not its content type: a body whose first byte that
//! is neither mark nor white space is `{`, `[` or `<` is JSON or HTML.
//! Twin of `runtimes/pure/lead.py`.

use std::borrow::Cow;

/// The UTF-8 byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a buffer may keep after a burst.
pub(crate) const KEPT_CAPACITY: usize = 64 << 10;

/// Length of the body's head shown in errors.
const SHOWN_BYTES: usize = 200;

/// Drops one byte order mark at offset 0, which may be cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    seen: usize,
    over: bool,
}

impl Mark {
    /// Whether the bytes that may be one are behind.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Splits `bytes` into bytes of a mark that turned out to be none, and the rest to read.
    pub(crate) fn strip<'a>(&mut self, bytes: &'a [u8]) -> (&'static [u8], &'a [u8]) {
        if self.over {
            return (b"", bytes);
        }
        let wanted = MARK.get(self.seen..).unwrap_or_default();
        let common = wanted.iter().zip(bytes).take_while(|(want, got)| want == got).count();
        let rest = bytes.get(common..).unwrap_or_default();
        let before = self.seen;
        self.seen += common;
        if self.seen == MARK.len() {
            self.over = true;
            return (b"", rest);
        }
        if rest.is_empty() {
            return (b"", rest);
        }
        self.over = true;
        (MARK.get(..before).unwrap_or_default(), bytes)
    }

    /// The bytes of a mark that the end of the body cut off.
    pub(crate) fn finish(&mut self) -> &'static [u8] {
        if self.over {
            return b"";
        }
        self.over = true;
        MARK.get(..self.seen).unwrap_or_default()
    }
}

/// The first bytes of the body, kept to show them in an error.
#[derive(Debug, Default)]
pub(crate) struct Head(Vec<u8>);

impl Head {
    /// Notes bytes of the body until there are enough.
    #[inline]
    pub(crate) fn note(&mut self, bytes: &[u8]) {
        if self.0.len() < SHOWN_BYTES {
            self.0.extend_from_slice(bytes.get(..SHOWN_BYTES - self.0.len()).unwrap_or(bytes));
        }
    }

    /// Whether more bytes would not show.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() == SHOWN_BYTES
    }

    /// The noted bytes as text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

/// JSON's white space; the rest of ASCII's is text.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Whether a body that begins with `byte` is JSON or markup rather than lines or binary frames.
pub(crate) fn is_document(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'<')
}

/// Gives back what a burst took.
pub(crate) fn recycle(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(KEPT_CAPACITY);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(pieces: &[&[u8]]) -> Vec<u8> {
        let mut mark = Mark::default();
        let mut out = Vec::new();
        for piece in pieces {
            let (again, rest) = mark.strip(piece);
            out.extend(again);
            out.extend(rest);
        }
        out.extend(mark.finish());
        out
    }

    #[test]
    fn mark_is_dropped_once_whatever_the_cut() {
        let body = b"\xEF\xBB\xBF\xEF\xBB\xBFx";
        for cut in 0..=body.len() {
            let (left, right) = body.split_at(cut);
            assert_eq!(stripped(&[left, right]), b"\xEF\xBB\xBFx", "cut at {cut}");
        }
    }

    #[test]
    fn mark_that_is_none_comes_back_whole() {
        for body in [&b"\xEF\xBBx"[..], b"\xEF\xBB", b"\xEF", b"x", b"", b"\xEFx\xEF\xBB\xBF"] {
            for cut in 0..=body.len() {
                let (left, right) = body.split_at(cut);
                assert_eq!(stripped(&[left, right]), body, "cut at {cut}");
            }
        }
    }

    #[test]
    fn head_keeps_two_hundred_bytes() {
        let mut head = Head::default();
        for _ in 0..3 {
            head.note(&[b'x'; 90]);
        }
        assert_eq!(head.text(), "x".repeat(200));
    }
}
