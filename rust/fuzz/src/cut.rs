//! How a body is cut into reads.

/// The ways in which each input is cut besides coming whole.
pub const CUTS: [Cut; 4] = [Cut::Bytes, Cut::Halves, Cut::Uneven, Cut::Events];

/// One way to cut.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// One byte a read.
    Bytes,
    /// Two reads.
    Halves,
    /// Reads of 1 to 64 bytes, in an order that the length of the body decides.
    Uneven,
    /// Behind each blank line; binary frames go by their lengths.
    Events,
}

impl Cut {
    /// The reads of `body`.
    #[must_use]
    pub fn apply(self, mut body: &[u8]) -> Vec<&[u8]> {
        let mut state = body.len() as u64 | 1;
        let half = body.len().div_ceil(2);
        let mut reads = Vec::new();
        while !body.is_empty() {
            let size = match self {
                Self::Bytes => 1,
                Self::Halves => half,
                Self::Uneven => uneven(&mut state),
                Self::Events => event(body),
            };
            let (head, tail) = body.split_at(size.min(body.len()));
            reads.push(head);
            body = tail;
        }
        reads
    }
}

/// The size of the first event: never 0.
fn event(body: &[u8]) -> usize {
    if let Some(&[0, a, b, c]) = body.first_chunk() {
        return u32::from_be_bytes([0, a, b, c]).max(1) as usize;
    }
    let ends = |at: usize| [&b"\n\n"[..], b"\r\n\r\n"].into_iter().find(|blank| body[at..].starts_with(blank));
    (0..body.len()).find_map(|at| Some(at + ends(at)?.len())).unwrap_or(body.len())
}

/// A size from 1 to 64 by a linear congruential step.
fn uneven(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 58) as usize + 1
}
