//! The property of every framing: the same frames, warnings and failure however the bytes were cut.

use zen_core::error::{DecodeError, Result};
use zen_core::frame::{Flow, Frame, FrameKind, FrameSink, Limits};
use zen_core::framing::Framing;

use crate::cut::CUTS;
use crate::mend::bodies;

/// Everything that came out of a framing.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    frames: Vec<(FrameKind, String, String)>,
    warnings: Vec<String>,
    failure: Option<DecodeError>,
}

impl FrameSink for Seen {
    fn frame(&mut self, frame: Frame<'_>) -> Result<Flow> {
        self.frames.push((frame.kind, frame.name.to_owned(), frame.data.to_owned()));
        Ok(Flow::More)
    }

    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }
}

/// Checks one body under the ordinary limits and under limits that it is likely to pass.
///
/// # Panics
/// When two cuts of the body give different results, or the framing is unknown.
pub fn check(name: &str, body: &[u8]) {
    let tight = Limits { max_event_bytes: 64, max_frame_bytes: 96, max_header_bytes: 48, max_response_bytes: None };
    for body in bodies(name, body) {
        for limits in [Limits::default(), tight] {
            let whole = run(name, &limits, &[&body]);
            for cut in CUTS {
                assert_eq!(run(name, &limits, &cut.apply(&body)), whole, "the result depends on the cut: {cut:?}");
            }
        }
    }
}

fn run(name: &str, limits: &Limits, reads: &[&[u8]]) -> Seen {
    let mut framing = Framing::new(name, limits).expect("a framing of zen-core");
    let mut seen = Seen::default();
    let fed = reads.iter().try_for_each(|read| framing.feed(read, &mut seen));
    seen.failure = fed.and_then(|()| framing.finish(&mut seen)).err();
    seen
}
