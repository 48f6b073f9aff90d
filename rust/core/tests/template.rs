//! One event a read: what a template takes for a delta is what the whole way would have made of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // as tests may, though these are no test functions

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zen_core::decoder::Decoder;
use zen_core::error::DecodeError;
use zen_core::event::{Emit, Event};
use zen_core::frame::Limits;
use zen_core::options::Options;

/// Everything that came out of a decoder.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: Vec<String>,
    failure: Option<DecodeError>,
}

impl Emit for Seen {
    fn emit(&mut self, event: Event<'_>) {
        self.events.push(format!("{event:?}"));
    }
}

fn run<'r>(protocol: &str, options: &Options, reads: impl IntoIterator<Item = &'r [u8]>) -> Seen {
    let framing = if protocol.starts_with("bedrock-") { "eventstream" } else { "sse" };
    let mut decoder = Decoder::new(protocol, framing, options).unwrap();
    let mut seen = Seen::default();
    for read in reads {
        decoder.feed(read, &mut seen);
    }
    decoder.finish(&mut seen);
    seen.failure = decoder.error;
    seen
}

/// Checks that one event a read and the whole in one are the same.
fn check(protocol: &str, options: &Options, events: &[Vec<u8>]) -> Seen {
    let whole = run(protocol, options, [&*events.concat()]);
    let each = run(protocol, options, events.iter().map(Vec::as_slice));
    assert_eq!(each, whole, "{:#?}", events.iter().map(|event| String::from_utf8_lossy(event)).collect::<Vec<_>>());
    whole
}

fn sse(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

fn frame(name: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (key, value) in [(":event-type", name), (":message-type", "event")] {
        headers.push(u8::try_from(key.len()).unwrap());
        headers.extend_from_slice(key.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = u32::try_from(16 + headers.len() + payload.len()).unwrap();
    let mut frame = total.to_be_bytes().to_vec();
    frame.extend_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload.as_bytes());
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame
}

fn chunk(inner: &str, padding: &str) -> Vec<u8> {
    frame("chunk", &format!(r#"{{"bytes":"{}","p":"{padding}"}}"#, STANDARD.encode(inner)))
}

/// A protocol, the frame of a delta with `@` for its text and `%` for what differs besides, and the frames around it.
struct Wire {
    protocol: &'static str,
    before: &'static [&'static str],
    delta: &'static str,
    after: &'static [&'static str],
}

const WIRES: [Wire; 10] = [
    Wire {
        protocol: "openai-chat",
        before: &[r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#],
        delta: r#"{"id":"c","created":1%,"choices":[{"index":0,"delta":{"content":"@"},"finish_reason":null}],"usage":null,"obfuscation":"%"}"#,
        after: &[r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#, "[DONE]"],
    },
    Wire {
        protocol: "openai-chat",
        before: &[r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"reasoning_content":"hm","content":""}}]}"#],
        delta: r#"{"id":"c","choices":[{"index":0,"delta":{"content":null,"reasoning_content":"@","tool_calls":[]},"finish_reason":null}]}"#,
        after: &[
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#,
        ],
    },
    Wire {
        protocol: "anthropic-messages",
        before: &[
            r#"{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":3}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ],
        delta: r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"@"}}"#,
        after: &[
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#,
            r#"{"type":"message_stop"}"#,
        ],
    },
    Wire {
        protocol: "anthropic-messages",
        before: &[r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#],
        delta: r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"@"}}"#,
        after: &[
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
        ],
    },
    Wire {
        protocol: "openai-responses",
        before: &[
            r#"{"type":"response.created","response":{"id":"r","model":"m"}}"#,
            r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"i","type":"message","content":[]}}"#,
        ],
        delta: r#"{"type":"response.output_text.delta","sequence_number":1%,"item_id":"i","output_index":0,"content_index":0,"delta":"@","obfuscation":"%"}"#,
        after: &[r#"{"type":"response.completed","response":{"id":"r","output":[],"usage":{"input_tokens":1}}}"#],
    },
    Wire {
        protocol: "openai-responses",
        before: &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"i","type":"reasoning","summary":[]}}"#,
        ],
        delta: r#"{"type":"response.reasoning_summary_text.delta","sequence_number":1%,"item_id":"i","output_index":0,"summary_index":0,"delta":"@"}"#,
        after: &[r#"{"type":"response.completed","response":{"id":"r","output":[]}}"#],
    },
    Wire {
        protocol: "google-generate-content",
        before: &[],
        delta: r#"{"candidates":[{"content":{"parts":[{"text":"@"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1%,"totalTokenCount":5%,"promptTokensDetails":[{"tokenCount":4}]},"modelVersion":"g"}"#,
        after: &[r#"{"candidates":[{"content":{},"finishReason":"STOP","index":0}],"modelVersion":"g"}"#],
    },
    Wire {
        protocol: "google-generate-content",
        before: &[],
        delta: r#"{"usageMetadata":{"thoughtsTokenCount":3%},"candidates":[{"content":{"parts":[{"text":"@","thought":true}]}}]}"#,
        after: &[r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}"#],
    },
    Wire {
        protocol: "bedrock-converse",
        before: &[],
        delta: r#"{"contentBlockIndex":0,"delta":{"text":"@"},"p":"%"}"#,
        after: &[],
    },
    Wire {
        protocol: "bedrock-invoke-anthropic",
        before: &[r#"{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":3}}}"#],
        delta: r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"@"}}"#,
        after: &[r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#, r#"{"type":"message_stop"}"#],
    },
];

/// What may stand for a text: the last ones need more than a comparison.
const TEXTS: [&str; 12] = [
    "a",
    " river",
    "é",
    "日本",
    "1",
    "😀",
    "x y z, and more of it than sixteen bytes",
    "",
    r"\n",
    r#"\""#,
    r"\ud83d",
    r"\ude00",
];
const PADDING: [&str; 4] = ["1", "22", "123456789", "4444"];

impl Wire {
    fn event(&self, data: &str, padding: &str) -> Vec<u8> {
        match self.protocol {
            "bedrock-converse" => frame("contentBlockDelta", data),
            "bedrock-invoke-anthropic" => chunk(data, padding),
            _ => sse(data),
        }
    }

    fn delta(&self, text: &str, padding: &str) -> String {
        self.delta.replace('@', text).replace('%', padding)
    }

    fn events(&self, deltas: &[String]) -> Vec<Vec<u8>> {
        let mut events: Vec<_> = self.before.iter().map(|data| self.event(data, "ab")).collect();
        events.extend(deltas.iter().zip(PADDING.iter().cycle()).map(|(data, padding)| self.event(data, padding)));
        events.extend(self.after.iter().map(|data| self.event(data, "abc")));
        if self.protocol == "bedrock-converse" {
            events.push(frame("messageStop", r#"{"stopReason":"end_turn"}"#));
            events.push(frame("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#));
        }
        events
    }
}

/// A linear congruential generator: the same draws in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn all_options() -> [Options; 4] {
    let plain = Options { provider: "test".to_owned(), ..Options::default() };
    [
        Options { think_tags: vec!["think".to_owned()], ..plain.clone() },
        Options { trailing_cost: true, raw_events: true, ..plain.clone() },
        Options { limits: Limits { max_event_bytes: 200, max_frame_bytes: 260, ..Limits::default() }, ..plain.clone() },
        plain,
    ]
}

#[test]
fn deltas_are_the_same_one_a_read() {
    for wire in &WIRES {
        let deltas: Vec<_> = TEXTS.iter().map(|text| wire.delta(text, "7")).collect();
        for options in all_options() {
            check(wire.protocol, &options, &wire.events(&deltas));
        }
        let plain = check(wire.protocol, &all_options()[3], &wire.events(&deltas));
        assert_eq!(plain.failure, None, "{}", wire.protocol);
    }
}

#[test]
fn any_order_of_texts_is_the_same() {
    let mut draw = Draw(1);
    for _ in 0..300 {
        let wire = &WIRES[draw.below(WIRES.len())];
        let options = &all_options()[draw.below(4)];
        let deltas: Vec<_> =
            (0..12).map(|_| wire.delta(TEXTS[draw.below(TEXTS.len())], PADDING[draw.below(4)])).collect();
        check(wire.protocol, options, &wire.events(&deltas));
    }
}

/// What hosts might put where a delta was expected, and hostile ones.
fn mutate(draw: &mut Draw, data: &str) -> String {
    const PIECES: [&str; 26] = [
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "0",
        "01",
        "1e9",
        "-",
        "null",
        "true",
        r#""p":"x","#,
        r#""type":"error","#,
        "\\",
        r#""delta":"x","#,
        r#""text":"x","#,
        r#""index":1,"#,
        r#""content":"","#,
        r#""error":{"message":"no"},"#,
        r#""usage":{"prompt_tokens":4},"#,
        r#""candidatesTokenCount":"x","#,
        "5.",
        r#""cost":"0.1","#,
        "\u{1}",
    ];
    let bytes = data.as_bytes();
    let at = draw.below(bytes.len());
    let mut end = at + draw.below(3).min(bytes.len() - at);
    let mut at = at;
    while !data.is_char_boundary(at) {
        at -= 1;
    }
    while !data.is_char_boundary(end) {
        end += 1;
    }
    match draw.below(4) {
        0 => format!("{}{}", &data[..at], &data[end..]),
        1 => data.replacen("\":", "\" :", 1 + draw.below(3)),
        _ => {
            let starts: Vec<_> = data.match_indices(['{', ',', '[']).map(|(start, _)| start + 1).collect();
            let at = if draw.below(2) == 0 { at } else { starts[draw.below(starts.len())] };
            format!("{}{}{}", &data[..at], PIECES[draw.below(PIECES.len())], &data[at..])
        }
    }
}

#[test]
fn changed_frames_are_the_same() {
    let mut draw = Draw(2);
    for _ in 0..6_000 {
        let wire = &WIRES[draw.below(WIRES.len())];
        let options = &all_options()[draw.below(4)];
        let mut deltas: Vec<_> = (0..5).map(|_| wire.delta(TEXTS[draw.below(7)], PADDING[draw.below(4)])).collect();
        let at = draw.below(deltas.len());
        deltas[at] = mutate(&mut draw, &deltas[at]);
        if draw.below(2) == 0 {
            // The changed frame is the one that is learned.
            let again = deltas[at].clone();
            deltas.insert(at, again);
        }
        check(wire.protocol, options, &wire.events(&deltas));
    }
}

#[test]
fn changed_bytes_are_the_same() {
    let mut draw = Draw(3);
    for _ in 0..3_000 {
        let wire = &WIRES[draw.below(WIRES.len())];
        let deltas: Vec<_> = (0..5).map(|at| wire.delta(TEXTS[at], PADDING[draw.below(4)])).collect();
        let mut events = wire.events(&deltas);
        let changed = wire.before.len() + draw.below(5);
        let at = draw.below(events[changed].len());
        events[changed][at] = u8::try_from(draw.below(256)).unwrap();
        check(wire.protocol, &all_options()[3], &events);
    }
}

#[test]
fn all_that_a_response_may_have_counts() {
    for wire in &WIRES {
        let deltas: Vec<_> = ["a", "b", "c", "d"].iter().map(|text| wire.delta(text, "7")).collect();
        let events = wire.events(&deltas);
        for room in 0..events.concat().len() as u64 + 2 {
            let limits = Limits { max_response_bytes: Some(room), ..Limits::default() };
            let options = Options { limits, ..Options::default() };
            let whole = run(wire.protocol, &options, [&*events.concat()]);
            let each = run(wire.protocol, &options, events.iter().map(Vec::as_slice));
            assert_eq!(each, whole, "{} of {room}", wire.protocol);
        }
    }
}

/// How many events came the short way.
#[derive(Default)]
struct Short(usize);

impl Emit for Short {
    fn emit(&mut self, _: Event<'_>) {}

    fn emit_same(&mut self, _: Event<'_>) {
        self.0 += 1;
    }
}

#[test]
fn all_deltas_after_the_first_come_the_short_way() {
    for wire in &WIRES {
        let framing = if wire.protocol.starts_with("bedrock-") { "eventstream" } else { "sse" };
        let mut decoder = Decoder::new(wire.protocol, framing, &all_options()[3]).unwrap();
        let deltas: Vec<_> = TEXTS[..7].iter().map(|text| wire.delta(text, "7")).collect();
        let mut short = Short::default();
        for read in wire.events(&deltas) {
            decoder.feed(&read, &mut short);
        }
        // Of the first read of all nobody knows whether an event began with it.
        let learned = if wire.before.is_empty() { 2 } else { 1 };
        assert_eq!(short.0, deltas.len() - learned, "{}", wire.delta);
    }
}
