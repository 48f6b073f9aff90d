//! Frames of the `OpenAI` Responses format that are told apart by name alone.
//!
//! Owns the tables of names; what each frame does is `openai_responses`. Source:
//! <https://platform.openai.com/docs/api-reference/responses-streaming>.
//! Twin of `runtimes/pure/protocol/openai_responses_frames.py`.

use super::openai_responses_items::Sort;
use crate::json::Value;

/// The index of the part that a frame speaks of.
pub(super) fn index_of(kind: Sort, value: Value<'_>) -> u64 {
    value.get(if kind == Sort::Summary { "summary_index" } else { "content_index" }).count().unwrap_or(0)
}

/// What kind of call a frame of input belongs to, and the field it has.
pub(super) fn call_input(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "response.function_call_arguments.delta" => ("function_call", "delta"),
        "response.function_call_arguments.done" => ("function_call", "arguments"),
        "response.custom_tool_call_input.delta" => ("custom_tool_call", "delta"),
        "response.custom_tool_call_input.done" => ("custom_tool_call", "input"),
        "response.mcp_call_arguments.delta" => ("mcp_call", "delta"),
        "response.mcp_call_arguments.done" => ("mcp_call", "arguments"),
        "response.code_interpreter_call_code.delta" => ("code_interpreter_call", "delta"),
        "response.code_interpreter_call_code.done" => ("code_interpreter_call", "code"),
        _ => return None,
    })
}

/// Known frames that say nothing the items do not say.
pub(super) const PROGRESS: [&str; 14] = [
    "response.content_part.added",
    "response.reasoning_summary_part.added",
    "response.compaction.",
    "response.web_search_call.",
    "response.file_search_call.",
    "response.code_interpreter_call.",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    "response.image_generation_call.completed",
    "response.mcp_call.",
    "response.mcp_list_tools.",
    "response.shell_call_command.",
    "response.shell_call_output_content.",
    "response.apply_patch_call_operation_diff.",
];
