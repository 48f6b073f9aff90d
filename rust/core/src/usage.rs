//! Counts and costs of one step while its stream runs.
//!
//! Owns the snapshot rule (the last present value of a field wins, absent erases nothing), the inclusive totals, and
//! what counts as a cost on the wire. Which wire field feeds which count is the protocol's business.
//! Twin of `runtimes/pure/usage.py`.

use crate::json::{Json, MAX_COUNT, Value, is_integer, parse};

const MAX_COST_TEXT: usize = 64;
/// xAI: 1 tick is 1e-10 USD (<https://docs.x.ai/docs/key-information/consumption-and-rate-limits>).
const TICKS_EXPONENT: &str = "E-10";

/// What was reported so far; `build` makes the public `Usage` of it.
#[derive(Debug, Default)]
pub struct Counts {
    /// `input` is the prompt without cache reads and writes (Anthropic, Bedrock).
    pub input_excludes_cache: bool,
    /// `output` is without reasoning (Google).
    pub output_excludes_reasoning: bool,
    slots: [Option<u64>; FIELDS],
    /// USD charged, as decimal text.
    pub cost: Option<String>,
    /// USD at list price, as decimal text.
    pub list_cost: Option<String>,
    /// The JSON text of the provider's last usage object, parsed when it is needed: it may come with every chunk.
    raw: String,
    seen: bool,
}

/// A count.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "documented once, at zen_native.usage.Usage")]
pub enum Field {
    Input,
    Output,
    CacheRead,
    CacheWrite,
    CacheWrite1h,
    Reasoning,
    Total,
}

const FIELDS: usize = 7;

/// Twin of `zen_native.usage.Usage`; costs are decimal text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented once, at zen_native.usage.Usage")]
pub struct Usage {
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cache_read_tokens: Option<u64>,
    pub cache_write_tokens: Option<u64>,
    pub cache_write_1h_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
    pub cost: Option<String>,
    pub list_cost: Option<String>,
    pub raw: Option<Json>,
}

impl Counts {
    fn slot(&mut self, field: Field) -> &mut Option<u64> {
        let [input, output, read, write, long, reasoning, total] = &mut self.slots;
        match field {
            Field::Input => input,
            Field::Output => output,
            Field::CacheRead => read,
            Field::CacheWrite => write,
            Field::CacheWrite1h => long,
            Field::Reasoning => reasoning,
            Field::Total => total,
        }
    }

    /// What was reported for a field so far.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<u64> {
        self.slots.get(field as usize).copied().flatten()
    }

    /// Takes a count where it is one; anything else leaves the field as it was. Says whether it was one.
    pub fn set(&mut self, field: Field, value: Value<'_>) -> bool {
        let count = value.count();
        if count.is_some() {
            *self.slot(field) = count;
            self.seen = true;
        }
        count.is_some()
    }

    /// Sets a count that a protocol computed; one that is too large to be one leaves the field as it was.
    pub fn put(&mut self, field: Field, count: u64) {
        if count <= MAX_COUNT {
            *self.slot(field) = Some(count);
            self.seen = true;
        }
    }

    /// Keeps the provider's usage object.
    pub fn keep_raw(&mut self, usage: Value<'_>) {
        self.raw.clear();
        self.raw.push_str(usage.raw());
    }

    /// The `OpenCode` gateways' own summary; it only fills what the provider left unsaid.
    ///
    /// `inputTokens` there excludes cache reads and writes, `outputTokens` includes reasoning.
    pub fn normalized(&mut self, usage: Value<'_>) {
        if self.seen {
            return;
        }
        let keys = [
            "inputTokens",
            "outputTokens",
            "reasoningTokens",
            "cacheReadTokens",
            "cacheWrite5mTokens",
            "cacheWrite1hTokens",
        ];
        let [fresh, output, reasoning, read, short, long] = usage.pick(keys).map(|value| value.count());
        let write = match (short, long) {
            (None, None) => None,
            _ => Some(short.unwrap_or(0) + long.unwrap_or(0)),
        };
        let cached = if self.input_excludes_cache { 0 } else { read.unwrap_or(0) + write.unwrap_or(0) };
        let inside = if self.output_excludes_reasoning { reasoning.unwrap_or(0) } else { 0 };
        let input = fresh.map(|fresh| fresh + cached);
        let output = output.map(|output| output.saturating_sub(inside));
        for (slot, count) in self.slots.iter_mut().zip([input, output, read, write, long, reasoning]) {
            *slot = count.or(*slot);
        }
    }

    /// The public form: inclusive totals, a total that adds up.
    #[must_use]
    pub fn build(&self) -> Usage {
        let [mut input, mut output, read, write, long, reasoning, mut total] = self.slots;
        if self.input_excludes_cache {
            input = input.map(|fresh| fresh + read.unwrap_or(0) + write.unwrap_or(0));
        }
        if self.output_excludes_reasoning {
            output = output.map(|visible| visible + reasoning.unwrap_or(0));
        }
        if let (Some(input), Some(output)) = (input, output) {
            total = Some(input + output);
        }
        Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: read,
            cache_write_tokens: write,
            cache_write_1h_tokens: long,
            reasoning_tokens: reasoning,
            total_tokens: total,
            cost: self.cost.clone(),
            list_cost: self.list_cost.clone(),
            raw: parse(&self.raw).ok(),
        }
    }
}

/// USD as the wire said: a non-negative decimal number, or a string of one, of at most 64 characters.
///
/// The text of it, never by way of a float; `None` for anything else.
#[must_use]
pub fn wire_cost(value: Value<'_>) -> Option<String> {
    let text = match value.number() {
        Some("-0") => "0".to_owned(), // as a whole number, which has no sign of zero
        Some(number) => number.to_owned(),
        None => value.str()?.into_owned(),
    };
    (text.len() <= MAX_COST_TEXT && is_decimal(&text)).then_some(text)
}

/// USD of a whole number of ticks.
#[must_use]
pub fn wire_ticks(value: Value<'_>) -> Option<String> {
    wire_cost(value).filter(|text| is_integer(text)).map(|text| text + TICKS_EXPONENT)
}

/// `[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?`
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let unsigned = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    digits(whole) && fraction.is_none_or(digits) && unsigned.is_none_or(|text| digits(text) && text.len() <= 2)
}
