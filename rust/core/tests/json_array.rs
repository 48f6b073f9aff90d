//! The JSON array framing: each rule by name, every cut.

mod common;

use common::{Keep, Kept, event, failure, framing, limited, run, run_cut};
use zen_core::frame::{FrameKind, Limits};

const CUT: (&str, &str) = ("incomplete", "stream ended inside the JSON array");
const INVALID: (&str, &str) = ("invalid-output", "response is not a JSON array");

fn outcome(body: &str) -> Keep {
    run_cut("json-array", &Limits::default(), body.as_bytes())
}

fn elements(texts: &[&str]) -> Vec<Kept> {
    texts.iter().map(|text| event("", text)).collect()
}

fn assert_elements(body: &str, texts: &[&str]) {
    assert_eq!(outcome(body), Keep { frames: elements(texts), ..Keep::default() }, "{body}");
}

#[test]
fn elements_in_order_whatever_the_cut() {
    for end in ["\n", "\r\n", "\r", ""] {
        let first = format!("{{\"a\": [1, {{\"b\": \"}}]\"}}],{end} \"c\": \"h\u{e9}\"}}");
        assert_elements(&format!("[{first}{end},{end}{{\"d\": {{}}}}{end}]{end}"), &[&first, "{\"d\": {}}"]);
    }
}

#[test]
fn element_is_yielded_with_its_last_byte() {
    let mut keep = Keep::default();
    let mut framing = framing("json-array", &Limits::default());
    for (bytes, count) in [(&b"[{\"a\": 1"[..], 0), (b"}", 1), (b",\"b\"", 2), (b", 12", 2), (b" ", 3)] {
        assert_eq!(framing.feed(bytes, &mut keep), Ok(()));
        assert_eq!(keep.frames.len(), count);
    }
    assert_eq!(keep.frames, elements(&["{\"a\": 1}", "\"b\"", "12"]));
}

#[test]
fn elements_of_every_type() {
    let texts = ["null", "true", "false", "-1.5e+3", "0", "\"a\\\"],[\"", "[]", "{}", "[[1], \"]\"]", "\"\\\\\""];
    assert_elements(&format!("[ {} ]", texts.join(" , ")), &texts);
}

#[test]
fn brackets_and_quotes_in_strings_are_text() {
    let text = "{\"a\": \"}]\\\"{[\\\\\", \"\\\"b\": \"\\u0022\"}";
    assert_elements(&format!("[{text}]"), &[text]);
}

#[test]
fn empty_array_and_empty_body_yield_nothing() {
    for body in ["[]", " [ \r\n ] ", "", " \n", "\u{feff}[]"] {
        assert_elements(body, &[]);
    }
}

#[test]
fn bytes_between_elements_are_refused() {
    for body in ["[1 2]", "[1,,2]", "[1,]", "[,1]", "[{} {}]", "[}", "[x]", "[\"a\"b]", "[1;2]", "[:"] {
        assert_eq!(failure(&outcome(body)), Some(INVALID), "{body}");
    }
}

#[test]
fn elements_before_a_failure_are_delivered() {
    for (body, error) in [("[{\"a\": 1}, x", INVALID), ("[{\"a\": 1}, {\"b\"", CUT)] {
        let keep = outcome(body);
        assert_eq!((keep.frames.as_slice(), failure(&keep)), (&elements(&["{\"a\": 1}"])[..], Some(error)));
    }
}

#[test]
fn end_inside_the_array_is_incomplete_at_every_length() {
    let body = b"[{\"a\": \"b\"}, 12, \"c\"]";
    for end in 1..body.len() {
        let keep = run("json-array", &Limits::default(), [body.split_at(end).0]);
        assert_eq!(failure(&keep), Some(CUT));
    }
}

#[test]
fn bytes_after_the_end_are_ignored_with_one_warning() {
    let keep = outcome("[1] \n x [2] ]\n{\"a\"");
    assert_eq!(keep.frames, elements(&["1"]));
    assert_eq!(keep.warnings, ["bytes after the end of the array were ignored"]);
    assert_eq!(keep.error, None);
}

#[test]
fn body_that_is_no_array_comes_whole() {
    for text in ["{\"error\": {\"code\": 400}}", "<html></html>", "Bad Gateway\n", "12"] {
        let keep = outcome(&format!("\u{feff} \r\n{text}"));
        assert_eq!(keep.frames, [(FrameKind::Document, String::new(), text.to_owned())]);
    }
    let keep = run_cut("json-array", &Limits::default(), b"\xef\xbbx");
    assert_eq!(keep.frames, [(FrameKind::Document, String::new(), "\u{fffd}x".to_owned())]);
}

#[test]
fn invalid_utf8_is_replaced_per_element() {
    let keep = run_cut("json-array", &Limits::default(), b"[\"\xf0\x9f\x98|\xff\"]");
    assert_eq!(keep.frames, elements(&["\"\u{fffd}|\u{fffd}\""]));
}

#[test]
fn limit_decides_alike_whatever_the_cut() {
    for (fits, over) in [
        ("[\"12345678\"]", "[\"123456789\"]"),
        ("[1234567890]", "[12345678901]"),
        ("[ {\"a\": [1]} ]", "[ {\"a\": [12]} ]"),
    ] {
        assert_eq!(failure(&run_cut("json-array", &limited(10), fits.as_bytes())), None);
        let refused = run_cut("json-array", &limited(10), over.as_bytes());
        assert_eq!(
            failure(&refused),
            Some(("limit-exceeded", "array element is larger than 10 bytes (max_event_bytes)"))
        );
    }
}

#[test]
fn large_elements_in_small_reads() {
    for text in [format!("\"{}\"", "x".repeat(8 << 20)), format!("[{}1]", "\"\\n\",".repeat(1 << 20))] {
        let body = format!("[{text}]");
        let keep = run("json-array", &Limits::default(), body.as_bytes().chunks(64));
        assert_eq!(keep.frames, elements(&[&text]));
    }
}

#[test]
fn stop_drops_the_rest() {
    let mut keep = Keep { stop_after: Some(1), ..Keep::default() };
    let mut framing = framing("json-array", &Limits::default());
    assert_eq!(framing.feed(b"[1, 2, x", &mut keep), Ok(()));
    assert_eq!(framing.feed(b"]]", &mut keep), Ok(()));
    assert_eq!(framing.finish(&mut keep), Ok(()));
    assert_eq!((keep.frames, keep.warnings.len()), (elements(&["1"]), 0));
}
