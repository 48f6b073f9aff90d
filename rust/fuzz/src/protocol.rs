//! The properties of every protocol: the same events and failure however the bytes were cut, and exactly one end.

use zen_core::decoder::Decoder;
use zen_core::error::DecodeError;
use zen_core::event::{Emit, Event};
use zen_core::options::Options;

use crate::cut::CUTS;
use crate::mend::bodies;

/// Everything that came out of a decoder.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: Vec<String>,
    finishes: usize,
    failure: Option<DecodeError>,
}

impl Emit for Seen {
    fn emit(&mut self, event: Event<'_>) {
        assert_eq!(self.finishes, 0, "an event after the finish");
        self.finishes += usize::from(matches!(event, Event::Finish { .. }));
        self.events.push(format!("{event:?}"));
    }
}

/// Checks one body in each of the framings, with every option off and with every option on.
///
/// # Panics
/// When two cuts of the body give different results, when it has not one end, or when a name is unknown.
pub fn check(protocol: &str, framings: &[&str], body: &[u8]) {
    let options = Options { provider: "fuzz".to_owned(), ..Options::default() };
    let all = Options {
        think_tags: vec!["think".to_owned()],
        trailing_cost: true,
        require_finish_reason: true,
        raw_events: true,
        ..options.clone()
    };
    for framing in framings {
        for body in bodies(framing, body) {
            check_cuts(protocol, framing, &options, &body);
            check_cuts(protocol, framing, &all, &body);
        }
    }
}

fn check_cuts(protocol: &str, framing: &str, options: &Options, body: &[u8]) {
    let whole = run(protocol, framing, options, &[body]);
    assert_eq!(whole.finishes, usize::from(whole.failure.is_none()), "neither finished nor failed, or both");
    for cut in CUTS {
        let parts = run(protocol, framing, options, &cut.apply(body));
        assert_eq!(parts, whole, "{framing}: the result depends on the cut: {cut:?}");
    }
}

fn run(protocol: &str, framing: &str, options: &Options, reads: &[&[u8]]) -> Seen {
    let mut decoder = Decoder::new(protocol, framing, options).expect("a protocol and a framing of zen-core");
    let mut seen = Seen::default();
    for read in reads {
        decoder.feed(read, &mut seen);
    }
    decoder.finish(&mut seen);
    seen.failure = decoder.error;
    seen
}
