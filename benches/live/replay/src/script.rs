//! What is played: a response head, the frames before the deltas, one delta with a slot for the time, the frames after.
//!
//! The Python side writes the four parts, with NUL between them, so that the wire is the same as in the other benches.

use std::fs;
use std::path::Path;

use memchr::memmem;

use crate::clock;

/// Digits of a time in nanoseconds; a delta's text is a slot of so many zeros.
pub(crate) const STAMP: usize = 18;
const SLOT: [u8; STAMP] = [b'0'; STAMP];

/// One wire, as chunks of an HTTP/1.1 body.
pub(crate) struct Script {
    opening: Vec<u8>,
    delta: Vec<u8>,
    slot: usize,
    closing: Vec<u8>,
}

impl Script {
    /// Reads the four parts.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut parts = text.split(|&byte| byte == 0);
        let mut part = || parts.next().ok_or_else(|| format!("{}: a part is missing", file.display()));
        let (head, before, delta, after) = (part()?, part()?, chunk(part()?), part()?);
        let slot = memmem::find(&delta, &SLOT).ok_or_else(|| format!("{}: no slot for a time", file.display()))?;
        let closing = [chunk(after), b"0\r\n\r\n".to_vec()].concat();
        Ok(Self { opening: [head, &chunk(before)].concat(), delta, slot, closing })
    }

    /// Head and frames before the deltas.
    pub(crate) fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.opening);
    }

    /// One delta that says when it was made.
    pub(crate) fn delta(&self, out: &mut Vec<u8>) {
        let at = out.len() + self.slot;
        out.extend_from_slice(&self.delta);
        let mut rest = clock::now();
        for digit in out.iter_mut().skip(at).take(STAMP).rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
    }

    /// Frames after the deltas and the end of the body.
    pub(crate) fn close(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.closing);
    }
}

fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}
