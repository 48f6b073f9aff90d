//! Compact JSON text, letter for letter what Python's `json.dumps` writes.

use std::fmt::Write;

use super::{Json, Meta, is_integer};

impl Json {
    /// Compact text of the value: the one delta of a call whose input a provider gives as JSON, not as text.
    #[must_use]
    pub fn dump(&self) -> String {
        let mut out = String::new();
        dump(self, &mut out);
        out
    }
}

/// A string as JSON text.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote_into(text, &mut out);
    out
}

fn dump(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(text) => number(text, out),
        Json::String(text) => quote_into(text, out),
        Json::Array(items) => {
            let mut mark = '[';
            for item in items {
                out.push(mark);
                dump(item, out);
                mark = ',';
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Json::Object(members) => object(members, out),
    }
}

fn object(members: &Meta, out: &mut String) {
    let mut mark = '{';
    for (name, value) in members {
        out.push(mark);
        quote_into(name, out);
        out.push(':');
        dump(value, out);
        mark = ',';
    }
    out.push_str(if members.is_empty() { "{}" } else { "}" });
}

fn quote_into(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' => put(out, format_args!("\\u{:04x}", u32::from(char))),
            _ => out.push(char),
        }
    }
    out.push('"');
}

/// Integers keep their digits; fractions are written as Python's `repr` does: shortest digits that read back as the
/// same double, an exponent of at least two digits below 1e-4 and from 1e16 on.
fn number(text: &str, out: &mut String) {
    if is_integer(text) {
        out.push_str(if text == "-0" { "0" } else { text });
        return;
    }
    let value: f64 = text.parse().unwrap_or(0.0);
    let size = value.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        put(out, format_args!("{value:?}"));
        return;
    }
    let short = format!("{value:e}");
    let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    put(out, format_args!("{digits}e{sign}{exponent:0>2}"));
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text); // writing to a string does not fail
}
