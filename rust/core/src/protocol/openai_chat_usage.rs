//! Usage and finish reasons of chat completions: the tables of every dialect's spellings.
//!
//! Owns which wire field feeds which count. Sources and rules stand at the twin,
//! `runtimes/pure/protocol/openai_chat_usage.py`.

use crate::event::Reason;
use crate::json::Value;
use crate::lifecycle::Out;
use crate::usage::{Field, wire_cost, wire_ticks};

const UNREAD_COST: &str = "a cost on the wire could not be read";

const PROMPT: [&str; 2] = ["prompt_tokens_details", "input_tokens_details"];
const COMPLETION: [&str; 2] = ["completion_tokens_details", "output_tokens_details"];

/// A field, objects inside usage, spellings there, spellings in usage itself.
struct Spelling {
    field: Field,
    inside: &'static [&'static str],
    inner: &'static [&'static str],
    outer: &'static [&'static str],
}

const INPUT: Spelling =
    Spelling { field: Field::Input, inside: &[], inner: &[], outer: &["prompt_tokens", "input_tokens"] };
const OUTPUT: Spelling =
    Spelling { field: Field::Output, inside: &[], inner: &[], outer: &["completion_tokens", "output_tokens"] };
const TOTAL: Spelling = Spelling { field: Field::Total, inside: &[], inner: &[], outer: &["total_tokens"] };
const REASONING: Spelling = Spelling {
    field: Field::Reasoning,
    inside: &COMPLETION,
    inner: &["reasoning_tokens"],
    outer: &["reasoning_tokens"],
};
const CACHE: [Spelling; 2] = [
    Spelling {
        field: Field::CacheRead,
        inside: &PROMPT,
        inner: &["cached_tokens"],
        outer: &["prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens"],
    },
    Spelling {
        field: Field::CacheWrite,
        inside: &PROMPT,
        inner: &["cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens"],
        outer: &["cache_creation_input_tokens", "cache_write_tokens"],
    },
];

/// The reason in our words.
pub(super) fn reason(raw: &str) -> Reason {
    match raw {
        "stop" | "end" | "eos" | "stop_sequence" | "end_turn" => Reason::Stop,
        "length" | "max_tokens" | "model_length" => Reason::Length,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Reason::ToolCalls,
        "content_filter" | "sensitive" => Reason::ContentFilter,
        _ => Reason::Unknown,
    }
}

/// For a reason that is a failure, the type of error that it is, as far as it says that.
pub(super) fn failed(raw: &str) -> Option<&'static str> {
    match raw {
        "error" => Some(""),
        "network_error" => Some("server_error"),
        "insufficient_system_resource" => Some("overloaded_error"),
        _ => None,
    }
}

/// Takes a usage object; the first spelling that is a count feeds its field.
pub(super) fn take_usage(usage: Value<'_>, out: &mut Out<'_>) {
    let [input, mut output, total, reasoning] =
        [INPUT, OUTPUT, TOTAL, REASONING].map(|spelling| spelling.count(usage).map(|count| (spelling.field, count)));
    if let (Some((_, input)), Some((_, output)), Some((_, total)), Some((_, reasoning))) =
        (input, &mut output, total, reasoning)
        && reasoning > 0
        && total == input + *output + reasoning
    {
        *output += reasoning;
    }
    let cached = CACHE.iter().filter_map(|spelling| Some((spelling.field, spelling.count(usage)?)));
    for (field, count) in [input, output, total, reasoning].into_iter().flatten().chain(cached) {
        out.life.usage.put(field, count);
    }
    out.life.usage.keep_raw(usage);
    take_cost(usage, out);
}

impl Spelling {
    fn count(&self, usage: Value<'_>) -> Option<u64> {
        let inner = self.inside.iter().flat_map(|name| {
            let details = usage.get(name);
            self.inner.iter().filter_map(move |key| details.get(key).count())
        });
        inner.chain(self.outer.iter().filter_map(|key| usage.get(key).count())).next()
    }
}

fn take_cost(usage: Value<'_>, out: &mut Out<'_>) {
    let [ticks, mut cost] = usage.pick(["cost_in_usd_ticks", "cost"]);
    if cost.is_object() {
        cost = cost.get("total_cost"); // Perplexity itemises it.
    }
    let amount = match (cost.is_null(), ticks.is_null()) {
        (false, _) => wire_cost(cost),
        (true, false) => wire_ticks(ticks),
        (true, true) => return,
    };
    match amount {
        None => out.warn(UNREAD_COST),
        Some(amount) => out.life.usage.cost = Some(amount),
    }
}
