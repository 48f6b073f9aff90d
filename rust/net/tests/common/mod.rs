//! Reads responses whole and in every cut, and keeps what came out.
#![allow(dead_code, unreachable_pub)] // each test binary is a crate and uses its own part
#![allow(clippy::panic, clippy::expect_used)] // as tests may, though these are no test functions

use zen_net::failure::{Failure, Kind};
use zen_net::head::Head;
use zen_net::response::{Part, Response};

/// The most bytes of a head here.
pub const MAX_HEAD: usize = 1024;

/// Everything that came out of a connection that asked once, and was closed at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub head: Option<Head>,
    pub body: Vec<u8>,
    /// The response was complete before the connection was closed, or by that.
    pub ends: usize,
    pub failure: Option<Failure>,
    /// Before it was closed.
    pub ready: bool,
}

/// What comes of these reads as the answer to a request with that method.
pub fn run<'a>(method: &str, reads: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut response = Response::new(MAX_HEAD);
    response.begin(method).expect("a new connection takes a request");
    let mut seen = Seen::default();
    for read in reads {
        feed(&mut response, read, &mut seen);
    }
    seen.ready = response.ready();
    match response.eof() {
        Ok(ended) => seen.ends += usize::from(ended),
        Err(failure) => seen.failure = Some(failure),
    }
    assert!(!response.ready() && !response.under_way());
    seen
}

fn feed(response: &mut Response, mut bytes: &[u8], seen: &mut Seen) {
    loop {
        match response.next(&mut bytes) {
            Ok(Some(Part::Head(head))) => assert!(seen.head.replace(head).is_none(), "a second head"),
            Ok(Some(Part::Body(data))) => {
                assert!(!data.is_empty(), "an empty piece");
                seen.body.extend_from_slice(data);
            }
            Ok(Some(Part::End)) => seen.ends += 1,
            Ok(None) => break,
            Err(failure) => assert!(seen.failure.replace(failure).is_none(), "a second failure"),
        }
    }
    assert!(bytes.is_empty(), "bytes were left");
}

/// The same whole, in two reads cut at every place, and in reads of one and of three bytes.
pub fn cut(method: &str, bytes: &[u8]) -> Seen {
    let whole = run(method, [bytes]);
    for at in 1..bytes.len() {
        let (start, rest) = bytes.split_at(at);
        assert_eq!(run(method, [start, rest]), whole, "cut at {at}: {}", bytes.escape_ascii());
    }
    for size in [1, 3] {
        assert_eq!(run(method, bytes.chunks(size)), whole, "reads of {size}: {}", bytes.escape_ascii());
    }
    assert!(whole.ends <= 1 && (whole.ends == 0 || whole.failure.is_none()), "{whole:?}");
    whole
}

/// The answer to a POST, which is complete.
pub fn answer(bytes: &[u8]) -> Seen {
    let seen = cut("POST", bytes);
    assert_eq!((seen.failure, seen.ends), (None, 1), "{}", bytes.escape_ascii());
    seen
}

/// Why the answer to a POST is none.
pub fn failure(bytes: &[u8]) -> (Kind, &'static str) {
    let seen = cut("POST", bytes);
    let failure = seen.failure.unwrap_or_else(|| panic!("no failure: {} {seen:?}", bytes.escape_ascii()));
    assert!(!seen.ready);
    (failure.kind, failure.message)
}

/// Bytes of a status line of 200, these fields, and a body.
pub fn ok(fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}").into_bytes()
}

/// The bytes of a chunked answer.
pub fn chunks(body: &str) -> Vec<u8> {
    ok("Transfer-Encoding: chunked\r\n", body)
}
