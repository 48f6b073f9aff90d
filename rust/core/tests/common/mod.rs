//! What the framing tests share: a sink that keeps all it is given, and a way to feed a body in pieces.
#![allow(dead_code, unreachable_pub)] // each test binary is a crate and uses its own part
#![allow(clippy::panic)] // as tests may, though this is no test function

use zen_core::error::{DecodeError, Result};
use zen_core::frame::{Flow, Frame, FrameKind, FrameSink, Limits};
use zen_core::framing::Framing;

/// A frame that owns its text.
pub type Kept = (FrameKind, String, String);

/// Keeps frames and warnings; stops after `stop_after` frames.
#[derive(Debug, Default, PartialEq)]
pub struct Keep {
    pub frames: Vec<Kept>,
    pub warnings: Vec<String>,
    pub error: Option<DecodeError>,
    pub stop_after: Option<usize>,
}

impl FrameSink for Keep {
    fn frame(&mut self, frame: Frame<'_>) -> Result<Flow> {
        self.frames.push((frame.kind, frame.name.to_owned(), frame.data.to_owned()));
        Ok(if self.stop_after == Some(self.frames.len()) { Flow::Stop } else { Flow::More })
    }

    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }
}

/// The framing of that name.
pub fn framing(name: &str, limits: &Limits) -> Framing {
    Framing::new(name, limits).unwrap_or_else(|| panic!("no framing is named {name}"))
}

/// Feeds `pieces`, then the end, and returns all that came of it.
pub fn run<'a>(name: &str, limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Keep {
    let mut keep = Keep::default();
    let mut framing = framing(name, limits);
    for piece in pieces {
        if let Err(error) = framing.feed(piece, &mut keep) {
            keep.error = Some(error);
            return keep;
        }
    }
    keep.error = framing.finish(&mut keep).err();
    keep
}

/// The outcome of the whole body, after checking that no cut changes it.
pub fn run_cut(name: &str, limits: &Limits, body: &[u8]) -> Keep {
    let whole = run(name, limits, [body]);
    for cut in 0..=body.len() {
        let (left, right) = body.split_at(cut);
        assert_eq!(run(name, limits, [left, right]), whole, "cut at {cut} of {:?}", String::from_utf8_lossy(body));
    }
    assert_eq!(run(name, limits, body.chunks(1)), whole, "one byte at a time");
    whole
}

/// An ordinary event.
pub fn event(name: &str, data: &str) -> Kept {
    (FrameKind::Event, name.to_owned(), data.to_owned())
}

/// Kind and message of the error.
pub fn failure(keep: &Keep) -> Option<(&'static str, &str)> {
    keep.error.as_ref().map(|error| (error.kind.as_str(), error.message.as_str()))
}

/// Limits with one ceiling for everything.
pub fn limited(bytes: usize) -> Limits {
    Limits { max_event_bytes: bytes, max_frame_bytes: bytes, max_header_bytes: bytes, ..Limits::default() }
}
