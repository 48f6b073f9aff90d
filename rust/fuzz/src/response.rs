//! The properties of responses: the same head, body, events and failure however the bytes were cut, and exactly one end.

use zen_core::decoder::Decoder;
use zen_core::event::{Emit, Event};
use zen_core::options::Options;
use zen_net::exchange::Exchange;
use zen_net::failure::Failure;
use zen_net::head::Head;
use zen_net::response::{Part, Response};

use crate::cut::CUTS;

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Everything that came out of a connection.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    head: Option<Head>,
    body: Vec<u8>,
    ends: usize,
    failure: Option<Failure>,
    ready: bool,
}

#[derive(Debug, Default, PartialEq)]
struct Events(Vec<String>);

impl Emit for Events {
    fn emit(&mut self, event: Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

/// Checks the input as a response, as what follows a status line, as chunks, and as the data of two chunks.
///
/// # Panics
/// When two cuts give different results, or the response has not one end.
pub fn check(input: &[u8]) {
    let (start, rest) = input.split_at(input.len() / 2);
    let mut data = CHUNKED.to_vec();
    for piece in [start, rest].into_iter().filter(|piece| !piece.is_empty()) {
        data.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        data.extend_from_slice(piece);
        data.extend_from_slice(b"\r\n");
    }
    data.extend_from_slice(b"0\r\n\r\n");
    let fields = [b"HTTP/1.1 200 OK\r\n", input].concat();
    let chunks = [CHUNKED, input].concat();
    for bytes in [input, &fields, &chunks, &data] {
        check_parts(bytes);
        check_events(bytes);
    }
    let whole = run("POST", 1 << 16, &[&data]);
    assert_eq!((whole.body.as_slice(), whole.ends, whole.ready), (input, 1, true), "the data of chunks is the input");
}

fn check_parts(bytes: &[u8]) {
    for (method, max_head) in [("POST", 1 << 16), ("HEAD", 1 << 16), ("POST", 64)] {
        let whole = run(method, max_head, &[bytes]);
        assert_eq!(whole.ends, usize::from(whole.failure.is_none()), "neither ended nor failed, or both");
        for cut in CUTS {
            assert_eq!(run(method, max_head, &cut.apply(bytes)), whole, "the result depends on the cut: {cut:?}");
        }
    }
}

fn check_events(bytes: &[u8]) {
    let whole = join(&[bytes]);
    for cut in CUTS {
        assert_eq!(join(&cut.apply(bytes)), whole, "the events depend on the cut: {cut:?}");
    }
}

fn run(method: &str, max_head: usize, reads: &[&[u8]]) -> Seen {
    let mut response = Response::new(max_head);
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

/// Events, raw body, and how it ended. How much was skipped depends on the cut.
fn join(reads: &[&[u8]]) -> (Events, Vec<u8>, bool, Option<Failure>) {
    let options = Options { provider: "fuzz".to_owned(), ..Options::default() };
    let mut decoder = Decoder::new("openai-chat", "sse", &options).expect("a protocol and a framing of zen-core");
    let mut events = Events::default();
    let mut exchange = Exchange::new(1 << 16);
    exchange.begin("POST", true);
    for read in reads {
        exchange.feed(read, Some((&mut decoder, &mut events)));
    }
    exchange.eof();
    assert!(exchange.answer.ended, "an answer without an end");
    (events, exchange.answer.raw, exchange.answer.decodes, exchange.answer.failure)
}
