//! Bodies: how each framing ends, and what is no chunk.

mod common;

use common::{MAX_HEAD, answer, chunks, cut, failure, ok};
use zen_net::failure::Kind;

const BAD_SIZE: (Kind, &str) = (Kind::Body, "the size of a chunk is malformed");
const BAD_END: (Kind, &str) = (Kind::Body, "a chunk of the response does not end where it says");
const BAD_EXTENSIONS: (Kind, &str) = (Kind::Body, "the extensions of a chunk are malformed");
const BAD_TRAILER: (Kind, &str) = (Kind::Body, "the trailer of the response is malformed");
const CUT: (Kind, &str) = (Kind::Body, "the server closed the connection before the end of the body");

fn body(bytes: &[u8]) -> Vec<u8> {
    answer(bytes).body
}

#[test]
fn chunks_of_a_body() {
    for (encoded, expected) in [
        ("0\r\n\r\n", ""),
        ("2\r\nok\r\n0\r\n\r\n", "ok"),
        ("2\r\nok\r\n00000\r\n\r\n", "ok"),
        ("0000000000000002\r\nok\r\n0\r\n\r\n", "ok"),
        ("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "abc"),
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("A\r\n0\r\n3456\r\n9\r\n0\r\n\r\n", "0\r\n3456\r\n9"),
        ("1F\r\n0123456789012345678901234567890\r\n0\r\n\r\n", "0123456789012345678901234567890"),
    ] {
        let seen = answer(&chunks(encoded));
        assert_eq!((String::from_utf8_lossy(&seen.body).as_ref(), seen.ready), (expected, true), "{encoded:?}");
    }
}

#[test]
fn extensions_are_dropped() {
    for extensions in [";", ";a", ";a=b", ";a=\"b;c\"", " ;a = b ; c", "\t", "  ", ";\u{e4}"] {
        let encoded = format!("2{extensions}\r\nok\r\n0{extensions}\r\n\r\n");
        assert_eq!(body(&chunks(&encoded)), b"ok", "{extensions:?}");
    }
    let most = format!("2;{}\r\nok\r\n0\r\n\r\n", "a".repeat(1023));
    assert_eq!(body(&chunks(&most)), b"ok");
    let more = format!("2;{}\r\nok\r\n0\r\n\r\n", "a".repeat(1024));
    assert_eq!(failure(&chunks(&more)), (Kind::Body, "the extensions of a chunk are too large"));
}

#[test]
fn sizes_that_are_refused() {
    for size in ["", "x", "-2", "+2", "0x2", " 2", "\t2", "2x", "2,", "2\0", "g", "_2", "2_0", ";a", "\u{ff12}"] {
        assert_eq!(failure(&chunks(&format!("{size}\r\nok\r\n0\r\n\r\n"))), BAD_SIZE, "{size:?}");
        assert_eq!(failure(&chunks(&format!("2\r\nok\r\n{size}\r\nok\r\n"))), BAD_SIZE, "{size:?}");
    }
    for size in ["10000000000000000", "00000000000000002", "fffffffffffffffffffff2"] {
        let large = (Kind::Body, "the size of a chunk is too large");
        assert_eq!(failure(&chunks(&format!("{size}\r\nok\r\n0\r\n\r\n"))), large, "{size}");
    }
    assert_eq!(failure(&chunks("ffffffffffffffff\r\nok\r\n0\r\n\r\n")), CUT);
}

#[test]
fn line_ends_that_are_refused() {
    for (encoded, expected) in [
        ("2\nok\r\n0\r\n\r\n", BAD_SIZE),
        ("2;a\nok\r\n0\r\n\r\n", BAD_EXTENSIONS),
        ("2;a\0\r\nok\r\n0\r\n\r\n", BAD_EXTENSIONS),
        ("2;a\rb\r\nok\r\n0\r\n\r\n", BAD_END),
        ("2\r\r\nok\r\n0\r\n\r\n", BAD_END),
        ("2\rok\r\n0\r\n\r\n", BAD_END),
        ("2\r\nok\n0\r\n\r\n", BAD_END),
        ("2\r\nok\r0\r\n\r\n", BAD_END),
        ("2\r\nok0\r\n\r\n", BAD_END),
        ("2\r\noks\r\n0\r\n\r\n", BAD_END),
        ("3\r\nok\r\n0\r\n\r\n", BAD_END),
        ("2\r\nok\r\n0\n\r\n", BAD_SIZE),
        ("2\r\nok\r\n0\r\n\n", BAD_TRAILER),
        ("2\r\nok\r\n0\r\na: b\n\r\n", BAD_TRAILER),
    ] {
        assert_eq!(failure(&chunks(encoded)), expected, "{encoded:?}");
    }
}

#[test]
fn trailers_are_checked_and_dropped() {
    for trailer in ["A: b\r\n", "a: b\r\nC:\r\nd: e\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: gzip\r\n"] {
        let seen = answer(&chunks(&format!("2\r\nok\r\n0\r\n{trailer}\r\n")));
        assert_eq!((seen.body.as_slice(), seen.ready), (&b"ok"[..], true), "{trailer:?}");
        assert_eq!(seen.head.expect("a head").fields.len(), 1);
    }
    for trailer in
        ["a\r\n", "a : b\r\n", " a: b\r\n", "a: b\r\n c\r\n", "a: \0\r\n", "a: b\rc\r\n", ": a\r\n", "\r\r\n"]
    {
        assert_eq!(failure(&chunks(&format!("0\r\n{trailer}\r\n"))), BAD_TRAILER, "{trailer:?}");
    }
    assert_eq!(failure(&chunks(&format!("0\r\n{}\r\n", "a: b\r\n".repeat(129)))), BAD_TRAILER);
}

#[test]
fn the_trailer_has_a_limit() {
    let trailer = |size: usize| chunks(&format!("0\r\na: {}\r\n\r\n", "b".repeat(size - 7)));
    assert!(answer(&trailer(MAX_HEAD)).ready);
    let large = (Kind::Body, "the trailer of the response is too large");
    assert_eq!(failure(&trailer(MAX_HEAD + 1)), large);
    assert_eq!(failure(&chunks(&format!("0\r\n{}", "a".repeat(MAX_HEAD)))), large);
}

#[test]
fn bodies_until_the_connection_closes() {
    for text in ["", "ok", "2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let seen = answer(&ok("", text));
        assert_eq!((seen.body.as_slice(), seen.ready), (text.as_bytes(), false));
    }
}

#[test]
fn bodies_that_are_cut() {
    let whole = chunks("2\r\nok\r\n0\r\na: b\r\n\r\n");
    let start = chunks("").len();
    for end in start..whole.len() {
        assert_eq!(failure(&whole[..end]), CUT, "{end}");
    }
    assert_eq!(failure(&ok("Content-Length: 3\r\n", "")), CUT);
    let seen = cut("POST", &ok("Content-Length: 3\r\n", "ok"));
    assert_eq!((seen.body.as_slice(), seen.ends), (&b"ok"[..], 0));
}

#[test]
fn what_was_read_before_a_bad_chunk_is_there() {
    let seen = cut("POST", &chunks("2\r\nok\r\nx"));
    assert_eq!((seen.body.as_slice(), seen.ends), (&b"ok"[..], 0));
}

#[test]
fn a_length_that_does_not_fit_memory() {
    assert_eq!(failure(&ok("Content-Length: 18446744073709551615\r\n", "ok")), CUT);
}
