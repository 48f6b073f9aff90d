//! The joined machine: recorded bodies in every framing of HTTP and every cut give what the decoder alone gives.
#![allow(clippy::expect_used)] // as tests may, though helpers are no test functions

mod common;

use std::fs;
use std::path::Path;

use common::{MAX_HEAD, chunks, ok};
use zen_core::decoder::Decoder;
use zen_core::error::DecodeError;
use zen_core::event::{Emit, Event};
use zen_core::options::Options;
use zen_net::exchange::Exchange;
use zen_net::failure::Kind;

const BODY: &[u8] = include_bytes!("../../../tests/fixtures/anthropic-messages/text.sse");

#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: Vec<String>,
    error: Option<DecodeError>,
}

impl Emit for Seen {
    fn emit(&mut self, event: Event<'_>) {
        self.events.push(format!("{event:?}"));
    }
}

fn decoder(protocol: &str, framing: &str) -> Decoder {
    let options = Options { provider: "test".to_owned(), ..Options::default() };
    Decoder::new(protocol, framing, &options).expect("a protocol and a framing of zen-core")
}

/// What the decoder alone makes of a body.
fn alone(protocol: &str, framing: &str, body: &[u8]) -> Seen {
    let (mut decoder, mut seen) = (decoder(protocol, framing), Seen::default());
    decoder.feed(body, &mut seen);
    decoder.finish(&mut seen);
    Seen { error: decoder.error, ..seen }
}

/// What comes of a response in these reads, and the exchange afterwards.
fn joined<'a>(protocol: &str, framing: &str, reads: impl IntoIterator<Item = &'a [u8]>) -> (Seen, Exchange) {
    let (mut decoder, mut seen) = (decoder(protocol, framing), Seen::default());
    let mut exchange = Exchange::new(MAX_HEAD);
    exchange.begin("POST", true);
    for read in reads {
        exchange.feed(read, Some((&mut decoder, &mut seen)));
    }
    exchange.eof();
    decoder.finish(&mut seen);
    (Seen { error: decoder.error, ..seen }, exchange)
}

/// A body in the three framings of HTTP: in chunks of that size, with a length, until the connection closes.
fn responses(body: &[u8], size: usize) -> [Vec<u8>; 3] {
    let mut chunked = chunks("");
    for piece in body.chunks(size) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let length = ok(&format!("Content-Length: {}\r\n", body.len()), "");
    [chunked, [&length, body].concat(), [&ok("", ""), body].concat()]
}

/// Protocol, framing and body of every fixture.
fn fixtures() -> Vec<(String, &'static str, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    let mut found = Vec::new();
    for protocol in fs::read_dir(root).expect("the fixtures") {
        let protocol = protocol.expect("a directory");
        for file in fs::read_dir(protocol.path()).expect("a directory of fixtures") {
            let path = file.expect("a fixture").path();
            let framing = match path.extension().and_then(|end| end.to_str()) {
                Some("sse") => "sse",
                Some("bin") => "eventstream",
                _ => "document",
            };
            let name = protocol.file_name().into_string().expect("the name of a protocol");
            found.push((name, framing, fs::read(path).expect("a fixture")));
        }
    }
    found
}

#[test]
fn every_fixture_in_every_framing_and_size_of_reads() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 100, "{}", fixtures.len());
    for (protocol, framing, body) in &fixtures {
        let expected = alone(protocol, framing, body);
        for response in responses(body, 100) {
            for size in [response.len(), 1, 64] {
                let (seen, exchange) = joined(protocol, framing, response.chunks(size));
                assert_eq!(seen, expected, "{protocol} {framing}, reads of {size}");
                assert_eq!((exchange.answer.ended, exchange.answer.failure), (true, None));
            }
        }
    }
}

#[test]
fn a_response_cut_at_every_byte() {
    let expected = alone("anthropic-messages", "sse", BODY);
    for response in responses(BODY, 50) {
        for at in 1..response.len() {
            let (seen, exchange) = joined("anthropic-messages", "sse", <[&[u8]; 2]>::from(response.split_at(at)));
            assert_eq!(seen, expected, "cut at {at}");
            assert!(exchange.answer.decodes && exchange.answer.received && exchange.answer.raw.is_empty());
        }
    }
}

#[test]
fn what_follows_the_answer_is_counted() {
    let body = [BODY, b"0123456789"].concat();
    for response in responses(&body, BODY.len()) {
        let (seen, exchange) = joined("anthropic-messages", "sse", [response.as_slice()]);
        assert_eq!(seen, alone("anthropic-messages", "sse", BODY));
        let apart = response.starts_with(&chunks(""));
        assert_eq!(exchange.answer.skipped, if apart { 10 } else { 0 }, "only what was not given to the decoder");
        let (_, bytewise) = joined("anthropic-messages", "sse", response.chunks(1));
        assert_eq!(bytewise.answer.skipped, 10);
    }
}

#[test]
fn what_is_not_decoded() {
    for (status, fields, decodes) in [
        ("200 OK", "", true),
        ("299 Odd", "Content-Encoding: identity\r\n", true),
        ("199 Odd\r\n\r\nHTTP/1.1 201 Created", "Content-Encoding:\r\n", true),
        ("200 OK", "Content-Encoding: gzip\r\n", false),
        ("200 OK", "Content-Encoding: identity, gzip\r\n", false),
        ("300 Choices", "", false),
        ("400 Bad Request", "", false),
        ("529 Overloaded", "", false),
    ] {
        let length = BODY.len();
        let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\n\r\n");
        let response = [head.as_bytes(), BODY].concat();
        let (seen, exchange) = joined("anthropic-messages", "sse", response.chunks(99));
        assert_eq!((exchange.answer.decodes, exchange.answer.ended), (decodes, true), "{status} {fields}");
        assert_eq!(exchange.answer.raw, if decodes { &b""[..] } else { BODY });
        assert_eq!(seen.error.is_none(), decodes);
    }
}

#[test]
fn a_failure_of_the_decoder_does_not_end_the_response() {
    let body = [BODY.get(..300).expect("a part"), b"\n\ndata: {broken\n\n", b"data: {}\n\n"].concat();
    let [response, ..] = responses(&body, 40);
    let (seen, exchange) = joined("anthropic-messages", "sse", response.chunks(7));
    assert!(seen.error.is_some());
    assert_eq!((exchange.answer.ended, exchange.answer.failure), (true, None));
    assert!(exchange.answer.skipped > 0);
}

#[test]
fn an_answer_that_is_cut() {
    let [chunked, length, _] = responses(BODY, 50);
    for response in [chunked, length] {
        let start = response.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        for end in 0..response.len() {
            let (_, exchange) = joined("anthropic-messages", "sse", response.get(..end));
            let expected = if end < start { Kind::Head } else { Kind::Body };
            let answer = &exchange.answer;
            assert_eq!((answer.ended, answer.failure.map(|failure| failure.kind)), (true, Some(expected)), "{end}");
            assert_eq!((answer.received, answer.head.is_some()), (end > 0, end >= start), "{end}");
        }
    }
}

#[test]
fn a_connection_that_is_lost() {
    let [chunked, ..] = responses(BODY, 50);
    let (mut decoder, mut seen) = (decoder("anthropic-messages", "sse"), Seen::default());
    let mut exchange = Exchange::new(MAX_HEAD);
    exchange.begin("POST", true);
    exchange.feed(chunked.get(..200).expect("a part"), Some((&mut decoder, &mut seen)));
    assert!(exchange.lost(), "it broke an answer off");
    assert_eq!((exchange.answer.ended, exchange.answer.failure, exchange.ready()), (true, None, false));
    assert!(!exchange.lost(), "that was over before");
    exchange.begin("POST", true);
    assert_eq!(exchange.answer.failure.map(|failure| failure.kind), Some(Kind::Head));
    assert_eq!((exchange.answer.ended, exchange.answer.received), (true, false));
}

#[test]
fn a_connection_that_is_lost_before_anything_was_asked() {
    let mut exchange = Exchange::new(MAX_HEAD);
    assert!(!exchange.lost());
    assert!(!exchange.ready() && !exchange.answer.ended);
    exchange.begin("GET", false);
    exchange.feed(b"HTTP/1.1 204\r\n\r\n", None);
    let answer = &exchange.answer;
    assert_eq!((answer.ended, answer.received, answer.head.is_some()), (true, false, false));
    assert_eq!(answer.failure.map(|failure| failure.kind), Some(Kind::Head));
}

#[test]
fn several_answers_on_one_connection() {
    let mut exchange = Exchange::new(MAX_HEAD);
    let expected = alone("anthropic-messages", "sse", BODY);
    for response in responses(BODY, 50) {
        let (mut decoder, mut seen) = (decoder("anthropic-messages", "sse"), Seen::default());
        assert!(exchange.ready());
        exchange.begin("POST", true);
        exchange.feed(&response, Some((&mut decoder, &mut seen)));
        assert_eq!(seen.events, expected.events);
    }
    assert!(exchange.under_way(), "the last one goes on until the connection closes");
    exchange.eof();
    assert_eq!((exchange.answer.ended, exchange.answer.failure, exchange.ready()), (true, None, false));
}
