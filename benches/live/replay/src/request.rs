//! What a client asks for. The path says how the answer is played, because every client can be given a base URL.
//!
//! `/MODE/EVENTS/RATE/...`: `burst` writes all at once, `single` writes every event by itself, `paced` writes the first
//! event, waits for `/control/go`, and then writes RATE events a second. `.../messages` is the Messages wire.

use memchr::memmem;

/// The largest request that is read.
const LIMIT: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Burst,
    Single,
    Paced,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wire {
    Chat,
    Messages,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub(crate) mode: Mode,
    pub(crate) wire: Wire,
    pub(crate) events: u32,
    /// Nanoseconds between two events.
    pub(crate) period: u64,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    Play(Plan),
    /// Starts every stream that waits.
    Go,
    /// What the server has done since it was last told to go.
    Stats,
    Unknown,
}

/// Takes a whole request off `inbox`. `Ok(None)`: it is not all there yet.
pub(crate) fn take(inbox: &mut Vec<u8>) -> Result<Option<Asked>, &'static str> {
    let Some(end) = memmem::find(inbox, b"\r\n\r\n") else {
        return if inbox.len() > LIMIT { Err("the head is too long") } else { Ok(None) };
    };
    let head = String::from_utf8_lossy(inbox.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let mut lines = head.split("\r\n");
    let path = lines.next().and_then(|first| first.split(' ').nth(1)).unwrap_or_default();
    let length = lines.filter_map(|line| line.strip_prefix("content-length:")).map(str::trim).next().unwrap_or("0");
    let length: usize = length.parse().ok().filter(|&length| length <= LIMIT).ok_or("a content-length that is none")?;
    let whole = end + 4 + length;
    if inbox.len() < whole {
        return Ok(None);
    }
    let asked = parse(path);
    inbox.drain(..whole);
    Ok(Some(asked))
}

fn parse(path: &str) -> Asked {
    let path = path.split('?').next().unwrap_or_default();
    let words: Vec<&str> = path.split('/').collect();
    match *words.as_slice() {
        ["", "control", "go"] => Asked::Go,
        ["", "control", "stats"] => Asked::Stats,
        ["", mode, events, rate, ..] => plan(mode, events, rate, path).map_or(Asked::Unknown, Asked::Play),
        _ => Asked::Unknown,
    }
}

fn plan(mode: &str, events: &str, rate: &str, path: &str) -> Option<Plan> {
    let mode = match mode {
        "burst" => Mode::Burst,
        "single" => Mode::Single,
        "paced" => Mode::Paced,
        _ => return None,
    };
    let wire = if path.ends_with("/messages") { Wire::Messages } else { Wire::Chat };
    let (events, rate) = (events.parse().ok()?, rate.parse::<u64>().ok()?);
    if mode == Mode::Paced && events < 2 {
        return None; // the first comes at once: none would be left to pace
    }
    Some(Plan { mode, wire, events, period: 1_000_000_000 / rate.max(1) })
}

#[cfg(test)]
mod tests {
    use super::{Asked, Mode, Plan, Wire, take};

    #[test]
    fn a_request_is_taken_once_it_is_whole() {
        let whole = b"POST /paced/20/100/v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET ";
        for cut in 0..whole.len() - 4 {
            assert_eq!(take(&mut whole[..cut].to_vec()), Ok(None));
        }
        let mut inbox = whole.to_vec();
        let plan = Plan { mode: Mode::Paced, wire: Wire::Chat, events: 20, period: 10_000_000 };
        assert_eq!(take(&mut inbox), Ok(Some(Asked::Play(plan))));
        assert_eq!(inbox, b"GET ");
    }

    #[test]
    fn what_is_no_plan_is_unknown() {
        for path in ["/", "/v1/chat/completions", "/burst/x/0/v1", "/burst/1", "/paced/1/100/", "/other/1/1/"] {
            let mut inbox = format!("GET {path} HTTP/1.1\r\n\r\n").into_bytes();
            assert_eq!(take(&mut inbox), Ok(Some(Asked::Unknown)), "{path}");
        }
    }

    #[test]
    fn a_false_length_is_an_error() {
        assert!(take(&mut b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n".to_vec()).is_err());
    }
}
