//! The connection around the responses: which answers have a body, what stands in front, and who may ask again.

mod common;

use common::{MAX_HEAD, answer, chunks, cut, failure, ok, run};
use zen_net::failure::Kind;
use zen_net::response::{Part, Response};

const CLOSED: (Kind, &str) = (Kind::Head, "the server closed the connection before it answered");
const UNASKED: &str = "the server sent what nobody asked for";

#[test]
fn answers_without_a_body() {
    for (method, status, fields) in [
        ("HEAD", 200, "Content-Length: 5\r\n"),
        ("HEAD", 200, "Transfer-Encoding: chunked\r\n"),
        ("HEAD", 404, "Content-Length: 5\r\n"),
        ("POST", 204, ""),
        ("POST", 204, "Content-Length: 0\r\n"),
        ("GET", 304, "Content-Length: 5\r\n"),
        ("GET", 304, "Transfer-Encoding: chunked\r\n"),
        ("GET", 304, ""),
    ] {
        let seen = cut(method, format!("HTTP/1.1 {status} X\r\n{fields}\r\n").as_bytes());
        assert_eq!((seen.failure, seen.ends, seen.ready), (None, 1, true), "{method} {status} {fields}");
        assert_eq!(seen.body, b"");
    }
}

/// Who announces what must not come may send it all the same, and it would be the answer to the next request.
#[test]
fn a_body_that_must_not_come_ends_the_connection() {
    for fields in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        let seen = cut("POST", format!("HTTP/1.1 204 X\r\n{fields}\r\n").as_bytes());
        assert_eq!((seen.failure, seen.ends, seen.ready), (None, 1, false), "{fields}");
    }
}

#[test]
fn the_name_of_a_method_has_capitals() {
    let seen = cut("head", &ok("Content-Length: 2\r\n", "ok"));
    assert_eq!(seen.body, b"ok");
}

#[test]
fn informational_responses_are_left_out() {
    let info = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\nContent-Length: 9\r\n\r\nHTTP/1.0 199\r\n\r\n";
    let bytes = [info.as_bytes(), &ok("Content-Length: 2\r\n", "ok")].concat();
    let seen = answer(&bytes);
    assert_eq!((seen.body.as_slice(), seen.ready), (&b"ok"[..], true));
    assert_eq!(seen.head.expect("a head").fields.len(), 1);
}

#[test]
fn informational_responses_have_a_limit() {
    let many = |count: usize| [&b"HTTP/1.1 102\r\n\r\n".repeat(count), &ok("Content-Length: 0\r\n", "")[..]].concat();
    assert!(answer(&many(16)).ready);
    assert_eq!(failure(&many(17)), (Kind::Head, "the server sends informational responses without end"));
}

#[test]
fn each_answer_has_its_own_informational_responses() {
    let mut response = Response::new(MAX_HEAD);
    let bytes = [&b"HTTP/1.1 102\r\n\r\n".repeat(16), &ok("Content-Length: 0\r\n", "")[..]].concat();
    for _ in 0..2 {
        response.begin("GET").expect("a connection that takes a request");
        let mut rest = bytes.as_slice();
        while response.next(&mut rest).expect("a response").is_some() {}
        assert!(response.ready());
    }
}

#[test]
fn a_change_of_protocol_is_refused() {
    let bytes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05Hello";
    assert_eq!(failure(bytes), (Kind::Head, "the server changes to a protocol that nobody asked for"));
}

#[test]
fn the_head_is_cut() {
    assert_eq!(failure(b""), CLOSED);
    let whole = ok("Content-Length: 0\r\n", "");
    let cut_off = (Kind::Head, "the server closed the connection in the head of its response");
    for end in 1..whole.len() {
        assert_eq!(failure(&whole[..end]), cut_off, "{end}");
    }
    assert_eq!(failure(b"HTTP/1.1 100 Continue\r\n\r\n"), cut_off);
}

#[test]
fn who_keeps_the_connection() {
    for (version, connection, keeps) in [
        ("1.1", "", true),
        ("1.1", "close", false),
        ("1.1", "CLOSE", false),
        ("1.1", "x ,\tclose", false),
        ("1.1", "keep-alive, close", false),
        ("1.1", "closed", true),
        ("1.1", "\"close\"", true),
        ("1.0", "", false),
        ("1.0", "keep-alive", true),
        ("1.0", "x, Keep-Alive", true),
        ("1.0", "keep-alive, close", false),
        ("1.0", "keep", false),
    ] {
        let bytes = format!("HTTP/{version} 200 OK\r\nConnection: {connection}\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(answer(bytes.as_bytes()).ready, keeps, "{version} {connection}");
    }
    let old = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let seen = answer(old.as_bytes());
    assert_eq!((seen.body.as_slice(), seen.ready), (&b"ok"[..], false));
}

#[test]
fn what_follows_an_answer_is_nobodys() {
    for follows in ["x", "\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"] {
        for bytes in [ok("Content-Length: 2\r\n", "ok"), chunks("2\r\nok\r\n0\r\n\r\n")] {
            let seen = answer(&[&bytes, follows.as_bytes()].concat());
            assert_eq!((seen.body.as_slice(), seen.ready), (&b"ok"[..], false));
        }
    }
    assert!(!run("HEAD", [&ok("Content-Length: 2\r\n", "ok")[..]]).ready);
}

#[test]
fn more_behind_an_answer_ends_the_connection() {
    let mut response = Response::new(MAX_HEAD);
    for (follows, ready) in [("", true), ("x", false)] {
        response.begin("GET").expect("a connection that takes a request");
        let bytes = ok("Content-Length: 0\r\n", follows);
        let mut rest = bytes.as_slice();
        assert!(matches!(response.next(&mut rest), Ok(Some(Part::Head(_)))));
        assert_eq!(response.next(&mut rest), Ok(Some(Part::End)));
        assert_eq!(response.next(&mut rest), Ok(None));
        assert_eq!(response.ready(), ready);
    }
    assert_eq!(response.begin("GET").map_err(|failure| failure.message), Err(UNASKED));
}

#[test]
fn one_request_after_the_other() {
    let mut response = Response::new(MAX_HEAD);
    let bytes = chunks("2\r\nok\r\n0\r\n\r\n");
    for _ in 0..3 {
        assert!(response.ready() && !response.under_way());
        assert_eq!(response.begin("POST"), Ok(()));
        assert!(response.begin("POST").is_err());
        for byte in bytes.chunks(1) {
            assert!(response.under_way() && !response.ready());
            let mut rest = byte;
            while response.next(&mut rest).expect("a response").is_some() {}
        }
    }
    assert_eq!(response.eof(), Ok(false));
    assert_eq!(response.begin("POST").map_err(|failure| (failure.kind, failure.message)), Err(CLOSED));
}

#[test]
fn bytes_before_the_first_request() {
    let mut response = Response::new(MAX_HEAD);
    assert_eq!(response.next(&mut &b"220 smtp"[..]), Ok(None));
    assert_eq!((response.ready(), response.under_way()), (false, false));
    assert_eq!(response.begin("GET").map_err(|failure| failure.message), Err(UNASKED));
    assert_eq!(response.eof(), Ok(false));
}

#[test]
fn pieces_of_a_body_are_parts_of_the_read() {
    let bytes = ok("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let mut response = Response::new(MAX_HEAD);
    response.begin("GET").expect("a new connection takes a request");
    let (mut rest, mut pieces) = (bytes.as_slice(), Vec::new());
    while let Some(part) = response.next(&mut rest).expect("a response") {
        if let Part::Body(data) = part {
            assert!(bytes.as_ptr_range().contains(&data.as_ptr()), "a copy");
            pieces.push(data);
        }
    }
    assert_eq!(pieces, [&b"abc"[..], b"de"]);
}
