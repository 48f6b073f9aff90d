//! Decodes one recorded body over and over: what callgrind counts and a profiler looks at.
//!
//! Measures nothing itself. `compare.py` writes the body, runs this under callgrind and takes start-up out of the count.

use std::process::ExitCode;
use std::{env, fs};

use zen_core::decoder::Decoder;
use zen_core::event::{Emit, Event};
use zen_core::options::Options;

const USAGE: &str = "usage: decode PROTOCOL FILE PASSES";

/// Looks at every event and keeps none, as a consumer does.
struct Count(u64);

impl Emit for Count {
    fn emit(&mut self, event: Event<'_>) {
        std::hint::black_box(&event);
        self.0 += 1;
    }
}

/// Reads the arguments; `None` when they are no request (cargo itself passes `--bench`).
fn request() -> Option<(String, String, u32)> {
    let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    Some((arguments.next()?, arguments.next()?, arguments.next()?.parse().ok()?))
}

/// Decodes the body as often as told, in one read each time.
fn decode(protocol: &str, body: &[u8], passes: u32) -> Result<(), String> {
    let framing = if protocol.starts_with("bedrock-") { "eventstream" } else { "sse" };
    let mut count = Count(0);
    for _ in 0..passes {
        let mut decoder = Decoder::new(protocol, framing, &Options::default()).ok_or("unknown protocol")?;
        decoder.feed(body, &mut count);
        decoder.finish(&mut count);
        if let Some(error) = decoder.error {
            return Err(format!("{error:?}"));
        }
    }
    if count.0 == 0 { Err("no events".to_owned()) } else { Ok(()) }
}

fn main() -> ExitCode {
    let said = match request() {
        None => Err(USAGE.to_owned()),
        Some((protocol, file, passes)) => fs::read(&file)
            .map_err(|error| format!("{file}: {error}"))
            .and_then(|body| decode(&protocol, &body, passes)),
    };
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
