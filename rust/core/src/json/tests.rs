use super::{Json, MAX_DEPTH, Tape, Text, parse, quote};

fn ok(text: &str) -> Json {
    parse(text).unwrap()
}

#[test]
fn a_tape_is_reused_and_read_by_name() {
    let mut tape = Tape::default();
    for _ in 0..2 {
        let value = tape.parse(r#" {"a": [1, {"b": "x\ny"}], "c": null, "a\u0062": true, "e": {}} "#).unwrap();
        assert_eq!(value.get("a").item(1).get("b").str().unwrap(), "x\ny");
        assert_eq!(value.get("ab").bool(), Some(true));
        assert!(value.get("c").is_null() && value.has("c"));
        assert!(value.get("d").is_null() && !value.has("d"));
        assert_eq!(value.get("a").raw(), r#"[1, {"b": "x\ny"}]"#);
        assert_eq!(value.get("a").item(0).count(), Some(1));
        assert_eq!(value.members().count(), 4);
    }
}

#[test]
fn the_last_of_a_repeated_key_wins_in_the_first_place() {
    assert_eq!(
        ok(r#"{"a":1,"b":2,"a":3}"#),
        Json::Object(vec![("a".into(), Json::int(3)), ("b".into(), Json::int(2))])
    );
    let many: Vec<String> = (0..40).map(|n| format!("\"k{}\":{n}", n % 20)).collect();
    let Json::Object(members) = ok(&format!("{{{}}}", many.join(","))) else { panic!("object") };
    assert_eq!(members.len(), 20);
    assert_eq!(members[3], ("k3".into(), Json::int(23)));
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "{]",
        "[}",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "nul",
        "NaN",
        "Infinity",
        "-Infinity",
        "-",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "1e400",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"\0\"",
        "1 2",
        "[1] x",
        "'a'",
        "\u{feff}1",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(parse(&nested(MAX_DEPTH + 1)).is_err());
}

#[test]
fn numbers_keep_their_spelling_and_their_bounds() {
    assert_ne!(ok("1"), ok("1.0"));
    assert_eq!(ok("123456789012345678901234567890"), Json::Number("123456789012345678901234567890".into()));
    assert!(parse(&"9".repeat(4300)).is_ok());
    assert!(parse(&"9".repeat(4301)).is_err());
    assert!(parse(&format!("{}.5", "9".repeat(400))).is_err());
    let mut tape = Tape::default();
    for (text, count) in [
        ("-0", Some(0)),
        ("9007199254740991", Some(9_007_199_254_740_991)),
        ("9007199254740992", None),
        ("-1", None),
        ("1.0", None),
        ("\"1\"", None),
        ("true", None),
    ] {
        assert_eq!(tape.parse(text).unwrap().count(), count, "{text}");
    }
}

#[test]
fn surrogate_halves_are_joined_or_replaced() {
    assert_eq!(ok(r#""\ud83d\ude00""#), Json::str("😀"));
    assert_eq!(ok(r#""a\ud83db\ude00\ud83d\ud83d\ude00""#), Json::str("a\u{fffd}b\u{fffd}\u{fffd}😀"));
    assert_eq!(ok(r#""\ude00\ude00x\ud83d""#), Json::str("\u{fffd}\u{fffd}x\u{fffd}"));
    let mut tape = Tape::default();
    let mut half = None;
    let first = tape.parse(r#""ab\ud83d""#).unwrap().text().unwrap().join(&mut half).into_owned();
    assert_eq!((first.as_str(), half), ("ab", Some(0xd83d)));
    let empty = Text::from("").join(&mut half);
    assert_eq!((&*empty, half), ("", Some(0xd83d)));
    let second = tape.parse(r#""\ude00c""#).unwrap().text().unwrap().join(&mut half).into_owned();
    assert_eq!((second.as_str(), half), ("😀c", None));
}

#[test]
fn long_strings_are_scanned_in_steps() {
    for length in 0..40 {
        let plain = "x".repeat(length);
        assert_eq!(ok(&format!("\"{plain}\"")), Json::str(plain.clone()));
        assert_eq!(ok(&format!("\"{plain}é\\\\\"")), Json::str(format!("{plain}é\\")));
        assert!(parse(&format!("\"{plain}\u{1f}\"")).is_err());
        assert!(parse(&format!("\"{plain}")).is_err());
    }
}

#[test]
fn a_dump_is_what_python_writes() {
    let text = r#" {"a": [1.0, 1e5, -0, -0.0, 0.0001, 0.00001, 1.5e-7, 1e15, 1e16, 1E+22, 123456789012345678901234567890],
        "b\"\\": "\n\r\t\b\f\u0001\u007f\u00e9\/", "c": {}, "d": [], "e": null, "f": [true, false]} "#;
    let expected = concat!(
        r#"{"a":[1.0,100000.0,0,-0.0,0.0001,1e-05,1.5e-07,1000000000000000.0,1e+16,1e+22,"#,
        r#"123456789012345678901234567890],"b\"\\":"\n\r\t\b\f\u0001"#,
        "\u{7f}é",
        r#"/","c":{},"d":[],"e":null,"f":[true,false]}"#
    );
    assert_eq!(ok(text).dump(), expected);
    assert_eq!(quote("a\"b"), r#""a\"b""#);
}

#[test]
fn the_only_member_is_found_where_it_is_alone() {
    let only = |text: &str| Tape::default().parse(text).unwrap().only("a").map(|value| value.raw().to_owned());
    assert_eq!(only(r#"{"a": [1, 2]}"#).as_deref(), Some("[1, 2]"));
    for other in [r#"{"a": 1, "b": 2}"#, r#"{"b": 1}"#, r#"{"b": 1, "a": 2}"#, "{}", r#"["a"]"#, r#""a""#] {
        assert_eq!(only(other), None);
    }
}
