//! The end of a Bedrock Converse answer: usage, and why the model stopped.
//!
//! Owns the field names of usage and the table of reasons. `inputTokens` excludes cache reads and writes: the recorded
//! totals only add up that way. Source:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>.
//! Twin of `runtimes/pure/protocol/bedrock_converse_end.py`.

use crate::event::Reason;
use crate::json::Value;
use crate::lifecycle::Out;
use crate::usage::Field;

const COUNTS: [(&str, Field); 7] = [
    ("inputTokens", Field::Input),
    ("outputTokens", Field::Output),
    ("cacheReadInputTokenCount", Field::CacheRead),
    ("cacheReadInputTokens", Field::CacheRead),
    ("cacheWriteInputTokenCount", Field::CacheWrite),
    ("cacheWriteInputTokens", Field::CacheWrite),
    ("totalTokens", Field::Total),
];

/// Cache counts have two names; the one that is documented is read last.
pub(super) fn take_usage(usage: Value<'_>, out: &mut Out<'_>) {
    let counts = &mut out.life.usage;
    counts.keep_raw(usage);
    for (name, field) in COUNTS {
        counts.set(field, usage.get(name));
    }
    let details = usage.get("cacheDetails");
    let long = details.items().filter(|item| item.get("ttl").str().is_some_and(|ttl| ttl == "1h"));
    let known = long.filter_map(|item| item.get("inputTokens").count());
    if let Some(written) = known.reduce(u64::saturating_add) {
        counts.put(Field::CacheWrite1h, written);
    }
}

/// Why the model stopped, by the name that Bedrock gives it.
pub(super) fn normalized(raw: &str) -> Reason {
    match raw {
        "end_turn" | "stop_sequence" => Reason::Stop,
        "tool_use" => Reason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => Reason::Length,
        "content_filtered" | "guardrail_intervened" => Reason::ContentFilter,
        _ => Reason::Unknown,
    }
}
