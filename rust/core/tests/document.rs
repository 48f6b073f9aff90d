//! The document framing.

mod common;

use common::{Keep, Kept, failure, framing, limited, run, run_cut};
use zen_core::frame::{FrameKind, Limits};

fn document(text: &str) -> Kept {
    (FrameKind::Document, String::new(), text.to_owned())
}

fn assert_document(body: &[u8], text: &str) {
    let keep = run_cut("document", &Limits::default(), body);
    assert_eq!(keep, Keep { frames: vec![document(text)], ..Keep::default() });
}

#[test]
fn body_comes_whole_whatever_the_cut() {
    for text in ["{\"a\": 1}\r\n", "plain text", "<html>\n</html>", "data: 1\n\n", "h\u{e9} \u{1f984}"] {
        assert_document(text.as_bytes(), text);
    }
}

#[test]
fn nothing_comes_before_or_after_the_end() {
    let mut keep = Keep::default();
    let mut framing = framing("document", &Limits::default());
    assert_eq!(framing.feed(b"{}", &mut keep), Ok(()));
    assert_eq!(keep.frames, []);
    for _ in 0..2 {
        assert_eq!(framing.finish(&mut keep), Ok(()));
        assert_eq!(framing.feed(b"{}", &mut keep), Ok(()));
        assert_eq!(keep.frames, [document("{}")]);
    }
}

#[test]
fn mark_and_leading_white_space_are_dropped() {
    assert_document(b"\xef\xbb\xbf \r\n\t{} ", "{} ");
    assert_document(b"\xef\xbb\xbf\xef\xbb\xbf{}", "\u{feff}{}");
}

#[test]
fn blank_body_yields_nothing() {
    for body in [&b""[..], b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf "] {
        assert_eq!(run_cut("document", &Limits::default(), body), Keep::default());
    }
}

#[test]
fn invalid_utf8_is_replaced() {
    assert_document(b"\xff{", "\u{fffd}{");
    assert_document(b"\xef\xbb", "\u{fffd}");
    assert_document(b"a\xf0\x9f\x98", "a\u{fffd}");
}

#[test]
fn limit_decides_alike_whatever_the_cut() {
    assert_eq!(failure(&run_cut("document", &limited(4), b"   {}  ")), None);
    let refused = run_cut("document", &limited(4), b"   {}   ");
    assert_eq!(failure(&refused), Some(("limit-exceeded", "document is larger than 4 bytes (max_event_bytes)")));
}

#[test]
fn white_space_without_end_is_held_nowhere() {
    assert_eq!(run("document", &limited(10), [&[b' '; 4096][..]; 64]), Keep::default());
}
