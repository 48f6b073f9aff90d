//! Checksums made right, so that a changed `EventStream` body gets past them and reaches the protocol.
//!
//! The layout is that of `application/vnd.amazon.eventstream`: total length, headers length, CRC of these two, headers,
//! payload, CRC of all before.

use std::borrow::Cow;

/// The body as it is, and for `eventstream` also with the checksums mended.
#[must_use]
pub fn bodies<'b>(framing: &str, body: &'b [u8]) -> Vec<Cow<'b, [u8]>> {
    let mut bodies = vec![Cow::Borrowed(body)];
    if framing == "eventstream" {
        let mut mended = body.to_vec();
        mend(&mut mended);
        bodies.push(Cow::Owned(mended));
    }
    bodies
}

fn mend(mut rest: &mut [u8]) {
    while let Some(&[a, b, c, d]) = rest.first_chunk() {
        let Ok(total) = usize::try_from(u32::from_be_bytes([a, b, c, d])) else { return };
        if total < 16 || total > rest.len() {
            return;
        }
        let (message, tail) = rest.split_at_mut(total);
        let prelude = crc32fast::hash(&message[..8]);
        message[8..12].copy_from_slice(&prelude.to_be_bytes());
        let whole = crc32fast::hash(&message[..total - 4]);
        message[total - 4..].copy_from_slice(&whole.to_be_bytes());
        rest = tail;
    }
}
