//! The `EventStream` framing: each rule by name, every cut, every flipped byte.

mod common;

use common::{Keep, Kept, event, failure, framing, limited, run, run_cut};
use zen_core::eventstream::parse_frame;
use zen_core::frame::{FrameKind, Limits};
use zen_core::header::{HeaderValue, parse_headers};

fn header(name: &[u8], kind: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![u8::try_from(name.len()).unwrap_or(u8::MAX)];
    out.extend(name);
    out.push(kind);
    out.extend(value);
    out
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let mut sized = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    sized.extend(value.as_bytes());
    header(name.as_bytes(), 7, &sized)
}

fn prelude(total: usize, headers: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for length in [total, headers] {
        out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

fn build(headers: &[Vec<u8>], payload: &[u8]) -> Vec<u8> {
    let block = headers.concat();
    let mut out = prelude(block.len() + payload.len() + 16, block.len());
    out.extend(block);
    out.extend(payload);
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

fn frame(name: &str, payload: &str) -> Vec<u8> {
    build(&[text(":event-type", name), text(":message-type", "event")], payload.as_bytes())
}

fn outcome(body: &[u8]) -> Keep {
    run_cut("eventstream", &Limits::default(), body)
}

fn frames(body: &[u8]) -> Vec<Kept> {
    let keep = outcome(body);
    assert_eq!((keep.error, keep.warnings.len()), (None, 0));
    keep.frames
}

fn refused(headers: &[Vec<u8>]) -> String {
    let keep = outcome(&[frame("a", "{}"), build(headers, b"body")].concat());
    assert_eq!(keep.frames, [event("a", "{}")]);
    let (kind, message) = failure(&keep).unwrap_or_default();
    assert_eq!(kind, "invalid-output");
    message.to_owned()
}

#[test]
fn frames_in_order_whatever_the_cut() {
    let body = [frame("a", "{}"), frame("b", "h\u{e9}"), frame("c", "")].concat();
    assert_eq!(frames(&body), [event("a", "{}"), event("b", "h\u{e9}"), event("c", "")]);
}

#[test]
fn vector_in_full() {
    let vector = b"\0\0\0\x2b\0\0\0\x14\xc9\xe9\x15\x01\x0b:event-type\x07\0\x05delta{\"n\":1}\x1b\xf1\x8d\xe9";
    assert_eq!(frames(vector), [event("delta", "{\"n\":1}")]);
}

#[test]
fn exception_and_error_frames_are_named() {
    let exception = build(&[text(":exception-type", "slow"), text(":message-type", "exception")], b"{}");
    assert_eq!(frames(&exception), [(FrameKind::Exception, "slow".to_owned(), "{}".to_owned())]);
    let error = build(
        &[text(":message-type", "error"), text(":error-code", "500"), text(":error-message", "broke")],
        b"ignored",
    );
    assert_eq!(frames(&error), [(FrameKind::Error, "500".to_owned(), "broke".to_owned())]);
    let bare = build(&[text(":message-type", "error")], b"");
    assert_eq!(frames(&bare), [(FrameKind::Error, String::new(), String::new())]);
}

#[test]
fn either_type_makes_an_event() {
    assert_eq!(frames(&build(&[text(":event-type", "a")], b"1")), [event("a", "1")]);
    assert_eq!(frames(&build(&[text(":message-type", "event")], b"1")), [event("", "1")]);
}

#[test]
fn frame_without_a_known_type_is_refused() {
    assert_eq!(refused(&[text("a", "b")]), "frame has no message type");
    assert_eq!(refused(&[text(":message-type", "novel")]), "message type novel is unknown");
    let number = header(b":message-type", 4, &[0, 0, 0, 1]);
    assert_eq!(refused(&[text(":event-type", "a"), number]), "header :message-type is not a string");
}

#[test]
fn last_value_of_a_repeated_header_wins() {
    let headers = [text(":message-type", "error"), text(":event-type", "a"), text(":message-type", "event")];
    assert_eq!(frames(&build(&headers, b"1")), [event("a", "1")]);
}

#[test]
fn all_header_types_are_read() {
    let uuid = [7; 16];
    let block = [
        header(b"t", 0, b""),
        header(b"f", 1, b""),
        header(b"byte", 2, b"\xfe"),
        header(b"short", 3, b"\xff\xfd"),
        header(b"int", 4, b"\x80\0\0\0"),
        header(b"long", 5, b"\x7f\xff\xff\xff\xff\xff\xff\xff"),
        header(b"bytes", 6, b"\0\x02\xff\0"),
        text("\u{e9}", "\u{1f984}"),
        header(b"timestamp", 8, b"\0\0\0\0\0\0\0\x2a"),
        header(b"uuid", 9, &uuid),
    ]
    .concat();
    let expected = vec![
        ("t", HeaderValue::Bool(true)),
        ("f", HeaderValue::Bool(false)),
        ("byte", HeaderValue::Byte(-2)),
        ("short", HeaderValue::Short(-3)),
        ("int", HeaderValue::Int(i32::MIN)),
        ("long", HeaderValue::Long(i64::MAX)),
        ("bytes", HeaderValue::Bytes(b"\xff\0")),
        ("\u{e9}", HeaderValue::String("\u{1f984}")),
        ("timestamp", HeaderValue::Timestamp(42)),
        ("uuid", HeaderValue::Uuid(uuid)),
    ];
    assert_eq!(parse_headers(&block), Ok(expected.clone()));
    let whole = build(&[block], b"payload");
    let followed = [whole, b"rest".to_vec()].concat();
    assert_eq!(parse_frame(&followed, &Limits::default()), Ok(((expected, &b"payload"[..]), &b"rest"[..])));
}

#[test]
fn bad_header_is_refused() {
    let cut = "header block ends inside a header";
    for (block, message) in [
        (vec![0], "header name is empty"),
        (vec![0; 1000], "header name is empty"),
        (header(b"a", 10, b""), "header type 10 is unknown"),
        (header(b"a", 255, b""), "header type 255 is unknown"),
        (header(b"\xff", 0, b""), "header name is not UTF-8"),
        (header(b"a", 7, b"\0\x01\xff"), "header value is not UTF-8"),
        (b"\x05abc".to_vec(), cut),
        (b"\x01a".to_vec(), cut),
        (header(b"a", 7, b"\0\x05abc"), cut),
        (header(b"a", 9, &[0; 15]), cut),
    ] {
        assert_eq!(refused(&[block]), message);
    }
}

#[test]
fn payload_is_decoded_with_replacement() {
    let body = build(&[text(":event-type", "a")], b"\xf0\x9f\x98|\xff");
    assert_eq!(frames(&body), [event("a", "\u{fffd}|\u{fffd}")]);
}

#[test]
fn g15_any_flipped_byte_is_refused() {
    let good = frame("a", "{}");
    for at in 0..good.len() {
        for bit in 0..8 {
            let bad: Vec<u8> =
                good.iter().enumerate().map(|(i, b)| if i == at { b ^ (1 << bit) } else { *b }).collect();
            let keep = run("eventstream", &Limits::default(), [&bad[..], &good[..]]);
            assert!(keep.error.is_some() && keep.frames.iter().all(|(kind, ..)| *kind != FrameKind::Event));
        }
    }
}

#[test]
fn prelude_checksum_is_checked_as_soon_as_it_is_there() {
    let mut keep = Keep::default();
    let mut framing = framing("eventstream", &Limits::default());
    assert_eq!(framing.feed(b"\0\0\x10\0\0\0\0\0\0\0\0", &mut keep), Ok(()));
    keep.error = framing.feed(b"\0", &mut keep).err();
    assert_eq!(failure(&keep), Some(("checksum", "prelude checksum mismatch")));
    assert_eq!(framing.feed(&frame("a", "{}"), &mut keep), Ok(()));
    assert_eq!(keep.frames, []);
}

#[test]
fn message_checksum_is_checked() {
    let mut body = frame("a", "{}");
    body.extend(frame("b", "{}"));
    body.pop();
    body.push(0);
    let keep = outcome(&body);
    assert_eq!(keep.frames, [event("a", "{}")]);
    assert_eq!(failure(&keep), Some(("checksum", "message checksum mismatch")));
}

#[test]
fn lengths_are_refused_before_anything_is_buffered() {
    let limits = Limits { max_frame_bytes: 1000, max_header_bytes: 100, ..Limits::default() };
    for (total, headers, error) in [
        (0, 0, ("invalid-output", "frame length 0 is too small")),
        (15, 0, ("invalid-output", "frame length 15 is too small")),
        (20, 5, ("invalid-output", "header length 5 does not fit a frame of 20 bytes")),
        (1001, 0, ("limit-exceeded", "frame is larger than 1000 bytes (max_frame_bytes)")),
        (0xffff_ffff, 0, ("limit-exceeded", "frame is larger than 1000 bytes (max_frame_bytes)")),
        (500, 101, ("limit-exceeded", "header block is larger than 100 bytes (max_header_bytes)")),
    ] {
        assert_eq!(failure(&run_cut("eventstream", &limits, &prelude(total, headers))), Some(error));
    }
}

#[test]
fn frame_of_exactly_the_limit_passes() {
    let body = build(&[text(":event-type", "a")], &[b'x'; 100]);
    let keep = run_cut("eventstream", &limited(body.len()), &body);
    assert_eq!((keep.error, keep.frames.len()), (None, 1));
}

#[test]
fn leftover_bytes_are_incomplete_at_every_length() {
    let whole = frame("a", "{}");
    for end in 1..whole.len() {
        let (piece, _) = whole.split_at(end);
        let keep = run("eventstream", &Limits::default(), [&whole[..], piece]);
        assert_eq!(keep.frames, [event("a", "{}")]);
        assert_eq!(failure(&keep), Some(("incomplete", "stream ended inside a frame")));
    }
}

#[test]
fn empty_body_is_silent() {
    assert_eq!(outcome(b""), Keep::default());
    assert_eq!(outcome(b" \r\n"), Keep::default());
}

#[test]
fn document_instead_of_a_stream_comes_whole() {
    for text in ["{\"message\": \"no\"}", "[1]", "<html></html>\n"] {
        let body = format!("\u{feff} \n{text}");
        assert_eq!(frames(body.as_bytes()), [(FrameKind::Document, String::new(), text.to_owned())]);
    }
}

#[test]
fn text_instead_of_a_stream_is_refused_with_its_head() {
    for text in ["HTTP/1.1 502", "data: 1\n\n", &"Bad Gateway ".repeat(30), " \0\0\0\x10"] {
        let keep = outcome(text.as_bytes());
        assert_eq!(failure(&keep), Some(("invalid-output", "response is not an event stream")));
        assert_eq!(keep.error.and_then(|error| error.body.clone()), Some(text.chars().take(200).collect()));
    }
}

#[test]
fn large_frame_in_small_reads() {
    let payload = "x".repeat(8 << 20);
    let keep = run("eventstream", &Limits::default(), frame("a", &payload).chunks(64));
    assert_eq!(keep.frames, [event("a", &payload)]);
}

#[test]
fn stop_drops_the_rest() {
    let mut keep = Keep { stop_after: Some(1), ..Keep::default() };
    let mut framing = framing("eventstream", &Limits::default());
    let body = [frame("a", "1"), frame("b", "2"), b"junk".to_vec()].concat();
    assert_eq!(framing.feed(&body, &mut keep), Ok(()));
    assert_eq!(framing.feed(b"junk", &mut keep), Ok(()));
    assert_eq!(framing.finish(&mut keep), Ok(()));
    assert_eq!(keep.frames, [event("a", "1")]);
}
