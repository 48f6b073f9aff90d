//! Heads: what is read, and what is refused.
#![allow(clippy::expect_used)] // as tests may, though helpers are no test functions

mod common;

use common::{MAX_HEAD, answer, cut, failure, ok};
use zen_net::failure::Kind;
use zen_net::head::MAX_FIELDS;

const MALFORMED: (Kind, &str) = (Kind::Head, "the head of the response is malformed");
const FOREIGN: (Kind, &str) = (Kind::Head, "the server does not speak HTTP/1");
const NO_LENGTH: (Kind, &str) = (Kind::Head, "the content-length of the response is no single number");
const NOT_CHUNKED: (Kind, &str) = (Kind::Head, "the transfer-encoding of the response is not chunked");

fn fields(bytes: &[u8]) -> Vec<(String, String)> {
    answer(bytes).head.expect("a head").fields
}

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn fields_of_an_answer() {
    let bytes = ok("Content-Length:0\r\nX-Empty:\r\nX-Space: \t a b \t\r\nx_Odd!#$%&'*+-.^`|~9: \"q\"\r\n", "");
    let expected = [("content-length", "0"), ("x-empty", ""), ("x-space", "a b"), ("x_odd!#$%&'*+-.^`|~9", "\"q\"")];
    assert_eq!(fields(&bytes), pairs(&expected));
}

#[test]
fn a_repeated_field_is_one() {
    let bytes = ok("Via: a\r\nContent-Length: 0\r\nVIA: b\r\nvia:\r\n", "");
    assert_eq!(fields(&bytes), pairs(&[("via", "a, b, "), ("content-length", "0")]));
}

#[test]
fn text_that_is_no_ascii() {
    let bytes = b"HTTP/1.1 200 \xe4\r\nContent-Length: 0\r\nA: \xc3\xa4\r\nB: \xe4\r\n\r\n";
    let seen = answer(bytes);
    let head = seen.head.expect("a head");
    assert_eq!((head.get("a"), head.get("b"), head.get("c")), (Some("\u{e4}"), Some("\u{e4}"), None));
}

#[test]
fn status_lines() {
    for (line, status) in [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.1 200", 200),
        ("HTTP/1.1 200 ", 200),
        ("HTTP/1.0 404 Not Found", 404),
        ("HTTP/1.1 529 Site is overloaded: \tsorry", 529),
        ("HTTP/1.1 999 ", 999),
    ] {
        let seen = answer(format!("{line}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        assert_eq!(seen.head.expect("a head").status, status, "{line}");
    }
}

#[test]
fn status_lines_that_are_refused() {
    for line in [
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 20",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 abc OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1 200OK",
        "HTTP/1.2 200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.10 200 OK",
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 200 O\x1bK",
    ] {
        assert_eq!(failure(format!("{line}\r\nContent-Length: 0\r\n\r\n").as_bytes()), MALFORMED, "{line:?}");
    }
    let low = (Kind::Head, "the status of the response is no status");
    assert_eq!(failure(b"HTTP/1.1 099 Low\r\n\r\n"), low);
    assert_eq!(failure(b"HTTP/1.1 000 None\r\n\r\n"), low);
}

#[test]
fn other_protocols_are_told_at_once() {
    for bytes in [
        &b"\r\nHTTP/1.1 200 OK\r\n\r\n"[..],
        b"http/1.1 200 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"\0",
        b"<html>",
        b"{",
    ] {
        assert_eq!(failure(bytes), FOREIGN, "{}", bytes.escape_ascii());
    }
}

#[test]
fn fields_that_are_refused() {
    for field in [
        "Name : value",
        "Name\t: value",
        " Name: value",
        ": value",
        "Name",
        "Na me: value",
        "Name\0: value",
        "N\u{e4}me: value",
        "Name: va\0lue",
        "Name: va\rlue",
        "Name: value\r",
        "Name: va\x0blue",
        "Name: va\x7flue",
        "(Name): value",
        "Name: value\r\n folded",
        "Name: value\r\n\tfolded",
        "Name: value\n folded",
        "Name:\r\n folded",
    ] {
        assert_eq!(failure(&ok(&format!("{field}\r\nContent-Length: 0\r\n"), "")), MALFORMED, "{field:?}");
        assert_eq!(failure(&ok(&format!("Content-Length: 0\r\n{field}\r\n"), "")), MALFORMED, "{field:?}");
    }
}

#[test]
fn a_line_may_end_in_lf_alone() {
    let seen = answer(b"HTTP/1.1 200 OK\nContent-Length: 2\nA: b\n\nok");
    assert_eq!((seen.body.as_slice(), seen.ready), (&b"ok"[..], true));
    assert_eq!(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok").body, b"ok");
    assert_eq!(answer(b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\nok").body, b"ok");
    assert_eq!(answer(b"HTTP/1.1 204\n\n").body, b"");
}

#[test]
fn the_head_has_a_limit() {
    let least = ok("Content-Length: 0\r\nA: \r\n", "").len();
    let head = |size: usize| ok(&format!("Content-Length: 0\r\nA: {}\r\n", "a".repeat(size - least)), "");
    let large = (Kind::Head, "the head of the response is too large");
    assert!(answer(&head(MAX_HEAD)).ready);
    assert_eq!(failure(&head(MAX_HEAD + 1)), large);
    assert_eq!(failure(&head(MAX_HEAD + 500)), large);
    assert_eq!(failure(&head(MAX_HEAD * 2)[..MAX_HEAD]), large);
}

#[test]
fn the_fields_have_a_limit() {
    let head = |count: usize| ok(&format!("Content-Length: 0\r\n{}", "a: b\r\n".repeat(count - 1)), "");
    assert_eq!(answer(&head(MAX_FIELDS)).head.expect("a head").fields.len(), 2);
    assert_eq!(failure(&head(MAX_FIELDS + 1)), (Kind::Head, "the response has too many header fields"));
}

// What frames the body

#[test]
fn lengths() {
    for (length, body) in [("0", ""), ("2", "ok"), ("0002", "ok"), (" 2 ", "ok")] {
        let seen = answer(&ok(&format!("Content-Length:{length}\r\n"), body));
        assert_eq!((seen.body.as_slice(), seen.ready), (body.as_bytes(), true));
    }
}

#[test]
fn lengths_that_are_refused() {
    for length in [
        "",
        "x",
        "+2",
        "-2",
        "2.0",
        "0x2",
        "2 2",
        "2,2",
        "2, 2",
        "2,3",
        "2;",
        "\u{ff12}",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        assert_eq!(failure(&ok(&format!("Content-Length: {length}\r\n"), "ok")), NO_LENGTH, "{length}");
    }
    for twice in ["Content-Length: 2\r\ncontent-length: 2\r\n", "Content-Length: 2\r\nA: b\r\nContent-Length: 3\r\n"] {
        assert_eq!(failure(&ok(twice, "ok")), NO_LENGTH);
    }
}

#[test]
fn codings() {
    for coding in ["chunked", "Chunked", "CHUNKED", " chunked "] {
        let seen = answer(&ok(&format!("Transfer-Encoding: {coding}\r\n"), "2\r\nok\r\n0\r\n\r\n"));
        assert_eq!((seen.body.as_slice(), seen.ready), (&b"ok"[..], true));
    }
}

#[test]
fn codings_that_are_refused() {
    for coding in [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked,",
        "xchunked",
        "chunked;q=1",
        "\"chunked\"",
        "chunked\x0b",
    ] {
        let bytes = ok(&format!("Transfer-Encoding: {coding}\r\n"), "2\r\nok\r\n0\r\n\r\n");
        let expected = if coding.ends_with('\x0b') { MALFORMED } else { NOT_CHUNKED };
        assert_eq!(failure(&bytes), expected, "{coding:?}");
    }
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(failure(&ok(twice, "0\r\n\r\n")), NOT_CHUNKED);
}

#[test]
fn a_coding_and_a_length_are_refused() {
    let both = (Kind::Head, "the response has both a transfer-encoding and a length");
    for fields in [
        "Transfer-Encoding: chunked\r\nContent-Length: 12\r\n",
        "Content-Length: 12\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 12\r\nTransfer-Encoding: identity\r\n",
    ] {
        assert_eq!(failure(&ok(fields, "2\r\nok\r\n0\r\n\r\n")), both);
        assert_eq!(cut("HEAD", &ok(fields, "")).failure.map(|failure| (failure.kind, failure.message)), Some(both));
    }
}
