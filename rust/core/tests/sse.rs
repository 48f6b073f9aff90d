//! The SSE framing: each rule and each quirk by name, every cut, three line ends.

mod common;

use common::{Keep, Kept, event, failure, framing, limited, run, run_cut};
use zen_core::frame::{FrameKind, Limits};

fn events(body: &[u8]) -> Vec<Kept> {
    let keep = run_cut("sse", &Limits::default(), body);
    assert_eq!(keep.error, None);
    assert_eq!(keep.warnings, Vec::<String>::new());
    keep.frames
}

fn outcome(body: &[u8]) -> Keep {
    run_cut("sse", &Limits::default(), body)
}

#[test]
fn a1_character_cut_across_reads() {
    assert_eq!(events("data: h\u{e9}\u{4e2d}\u{1f984}\n\n".as_bytes()), [event("", "h\u{e9}\u{4e2d}\u{1f984}")]);
}

#[test]
fn a2_three_line_ends_mixed() {
    for end in ["\n", "\r\n", "\r"] {
        let body = ["event: a", "data: 1", "data: 2", "", "data: 3", "", ""].join(end);
        assert_eq!(events(body.as_bytes()), [event("a", "1\n2"), event("", "3")], "{end:?}");
    }
    assert_eq!(events(b"data: 1\r\n\ndata: 2\n\r\ndata: 3\r\n\r\n"), [event("", "1"), event("", "2"), event("", "3")]);
}

#[test]
fn a2_event_that_ends_in_a_lone_cr_is_not_delayed() {
    let mut keep = Keep::default();
    let mut framing = framing("sse", &Limits::default());
    assert_eq!(framing.feed(b"data: 1\r\r", &mut keep), Ok(()));
    assert_eq!(keep.frames, [event("", "1")]);
    assert_eq!(framing.feed(b"\ndata: 2\r\n\r", &mut keep), Ok(()));
    assert_eq!(keep.frames, [event("", "1"), event("", "2")]);
    assert_eq!(framing.feed(b"\n", &mut keep), Ok(()));
    assert_eq!(framing.finish(&mut keep), Ok(()));
    assert_eq!(keep.frames.len(), 2);
}

#[test]
fn a3_other_separators_are_text() {
    let text = "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\u{1c}g";
    assert_eq!(events(format!("data: {text}\n\n").as_bytes()), [event("", text)]);
}

#[test]
fn a5_mark_is_dropped_once() {
    assert_eq!(events(b"\xEF\xBB\xBFdata: 1\n\n"), [event("", "1")]);
    assert_eq!(events(b"\xEF\xBB\xBF\xEF\xBB\xBFdata: 1\n\ndata: 2\n\n"), [event("", "2")]);
}

#[test]
fn a6_comments_are_ignored() {
    assert_eq!(events(b": x\nevent: a\n:x\ndata: 1\n:\ndata: 2\n: y\n\n: z\n\n"), [event("a", "1\n2")]);
}

#[test]
fn a7_no_event_without_data() {
    assert_eq!(events(b"id: 1\nevent: a\n: c\n\nretry: 5\n\ndata: 1\n\n"), [event("", "1")]);
}

#[test]
fn a8_space_is_optional_and_order_free() {
    assert_eq!(
        events(b"data:1\nevent:a\n\ndata:  2\n\ndata:\t3\n\n"),
        [event("a", "1"), event("", " 2"), event("", "\t3")]
    );
}

#[test]
fn a9_data_lines_join_with_lf() {
    assert_eq!(events(b"data\ndata:1\ndata:\ndata: \ndata: 2\n\ndata\n\n"), [event("", "\n1\n\n\n2"), event("", "")]);
}

#[test]
fn a10_last_event_without_blank_line_is_flushed() {
    for body in [
        &b"data: 1\n\nevent: a\ndata: 2"[..],
        b"data: 1\n\nevent: a\ndata: 2\n",
        b"data: 1\n\nevent: a\rdata: 2\r",
        b"data: 1\n\ndata: 2\r\nevent: a",
    ] {
        let keep = outcome(body);
        assert_eq!(keep.frames, [event("", "1"), event("a", "2")]);
        assert_eq!(keep.warnings, ["last event was not terminated by a blank line"]);
        assert_eq!(keep.error, None);
    }
}

#[test]
fn a10_nothing_pending_gives_no_warning() {
    assert_eq!(events(b"data: 1\n\nevent: a\nid: 3"), [event("", "1")]);
    assert_eq!(events(b"data: 1\n\n: bye"), [event("", "1")]);
    assert_eq!(events(b"data: 1\n\ndat"), [event("", "1")]);
}

#[test]
fn event_name_is_reset_and_the_last_one_wins() {
    assert_eq!(events(b"event: a\nevent: b\ndata: 1\n\ndata: 2\n\n"), [event("b", "1"), event("", "2")]);
    assert_eq!(events(b"event: a\nevent\ndata: 1\n\n"), [event("", "1")]);
}

#[test]
fn field_names_are_exact() {
    assert_eq!(
        events(b"data: 1\nData: 2\n data: 3\ndata : 4\ndatax: 5\ndata\x00: 6\neventdata: 7\n\n"),
        [event("", "1")]
    );
}

#[test]
fn nul_is_text() {
    assert_eq!(events(b"event: \x00\ndata: \x00a\n\n"), [event("\0", "\0a")]);
}

#[test]
fn invalid_utf8_is_replaced_per_maximal_subpart() {
    let body = b"event: \xFF\ndata: \xF0\x9F\x98|\xC0\xAF|\xED\xA0\x80|\xE2\x82\ndata: \xAC\n\n";
    let data = "\u{fffd}|\u{fffd}\u{fffd}|\u{fffd}\u{fffd}\u{fffd}|\u{fffd}\n\u{fffd}";
    assert_eq!(events(body), [event("\u{fffd}", data)]);
}

#[test]
fn document_instead_of_a_stream_comes_whole() {
    for text in ["{\"error\": {\"code\": 5}}\r\n", "[1,\n\n2]", "<html>\ndata: 1\n\n</html>"] {
        let keep = outcome(format!("\u{feff} \r\n\t{text}").as_bytes());
        assert_eq!(keep.frames, [(FrameKind::Document, String::new(), text.to_owned())]);
        assert_eq!((keep.error, keep.warnings.len()), (None, 0));
    }
}

#[test]
fn document_is_limited() {
    assert_eq!(failure(&run_cut("sse", &limited(4), b" {}  ")), None);
    let keep = run_cut("sse", &limited(4), b"{}   ");
    assert_eq!(failure(&keep), Some(("limit-exceeded", "document is larger than 4 bytes (max_event_bytes)")));
}

#[test]
fn foreign_body_is_refused_with_its_head() {
    let body = format!("Bad Gateway {}\n: c\nevent: x\n", "\u{e9}".repeat(120));
    let keep = outcome(body.as_bytes());
    assert_eq!(failure(&keep), Some(("invalid-output", "response is not an event stream")));
    let head = format!("Bad Gateway {}", "\u{e9}".repeat(94));
    assert_eq!(keep.error.and_then(|error| error.body.clone()), Some(head));
}

#[test]
fn foreign_line_beside_an_event_is_ignored() {
    assert_eq!(events(b"hello\ndata: 1\n\n"), [event("", "1")]);
    assert_eq!(outcome(b"hello\ndata: 1").error, None);
}

#[test]
fn indented_first_line_is_foreign() {
    let keep = outcome(b" \n data: 1\n\n");
    assert_eq!(failure(&keep), Some(("invalid-output", "response is not an event stream")));
    assert_eq!(events(b" \n data: 1\n\ndata: 2\n\n"), [event("", "2")]);
}

#[test]
fn body_of_known_lines_only_is_silent() {
    for body in [&b""[..], b"\n\r\n", b" \t ", b": a\n\n: b", b"id: 1\nretry: 5\nevent: x\n\n", b"\xEF\xBB\xBF"] {
        assert_eq!(events(body), []);
    }
}

#[test]
fn limit_decides_alike_whatever_the_cut() {
    let too_large = Some(("limit-exceeded", "event is larger than 10 bytes (max_event_bytes)"));
    for (fits, over) in [
        (&b"data: 0123456789\n\n"[..], &b"data: 0123456789a\n\n"[..]),
        (b"data:0123456789", b"data:0123456789a"),
        (b"data: 0123\ndata: 45678\n\n", b"data: 0123\ndata: 456789\n\n"),
        (b"event: abcde\ndata: 12345\n\n", b"event: abcde\ndata: 123456\n\n"),
        (b"data: 12345\nevent: abcde\n\n", b"data: 12345\nevent: abcdef\n\n"),
        (b"data: 1\nid: 34567", b"data: 1\nid: 345678"),
        (b"data: 1\nforeign89", b"data: 1\nforeign890"),
        (b"data: 12345678\nda\n\n", b"data: 12345678\ndat\n\n"),
        (b"data: 123456789\ndata\n\n", b"data: 1234567890\ndata\n\n"),
        (b"data: 1\n: a long comment\n\n", b"data: 1\n: comment\nxxxxxxxxxxxxx"),
    ] {
        assert_eq!(failure(&run_cut("sse", &limited(10), fits)), None, "{:?}", String::from_utf8_lossy(fits));
        assert_eq!(failure(&run_cut("sse", &limited(10), over)), too_large, "{:?}", String::from_utf8_lossy(over));
    }
}

#[test]
fn events_before_the_limit_are_delivered() {
    let keep = run_cut("sse", &limited(4), b"data: 1\n\ndata: 2\n\ndata: 12345");
    assert_eq!(keep.frames, [event("", "1"), event("", "2")]);
}

#[test]
fn a11_event_of_megabytes_in_small_reads() {
    let text = "x".repeat(8 << 20);
    let body = format!("data: {text}\n\n");
    let keep = run("sse", &Limits::default(), body.as_bytes().chunks(64));
    assert_eq!(keep.frames, [event("", &text)]);
}

#[test]
fn a12_comment_without_end_is_no_failure() {
    let piece = [b'x'; 4096];
    let pieces = std::iter::once(&b":"[..]).chain(std::iter::repeat_n(&piece[..], 64));
    assert_eq!(run("sse", &limited(1000), pieces), Keep::default());
}

#[test]
fn stop_drops_the_rest() {
    let mut keep = Keep { stop_after: Some(1), ..Keep::default() };
    let mut framing = framing("sse", &Limits::default());
    assert_eq!(framing.feed(b"data: 1\n\ndata: 2\n\ndata: 3", &mut keep), Ok(()));
    assert_eq!(framing.feed(b"\n\nforeign\n", &mut keep), Ok(()));
    assert_eq!(framing.finish(&mut keep), Ok(()));
    assert_eq!(keep.frames, [event("", "1")]);
    assert_eq!(keep.warnings, Vec::<String>::new());
}

#[test]
fn whole_event_is_borrowed_from_the_bytes() {
    use zen_core::error::Result;
    use zen_core::frame::{Flow, Frame, FrameSink};
    struct Within(std::ops::Range<*const u8>, usize);
    impl FrameSink for Within {
        fn frame(&mut self, frame: Frame<'_>) -> Result<Flow> {
            assert!(self.0.contains(&frame.name.as_ptr()) && self.0.contains(&frame.data.as_ptr()));
            self.1 += 1;
            Ok(Flow::More)
        }
        fn warn(&mut self, _message: &str) {}
    }
    let body = b"event: a\ndata: 1\n\nevent: b\r\ndata: 2\r\n\r\n";
    let mut sink = Within(body.as_ptr_range(), 0);
    assert_eq!(framing("sse", &Limits::default()).feed(body, &mut sink), Ok(()));
    assert_eq!(sink.1, 2);
}
