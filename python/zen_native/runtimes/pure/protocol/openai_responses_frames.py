"""Frames of the OpenAI Responses format that are told apart by name alone.

Owns the tables of names; what each frame does is `openai_responses`. Source:
https://platform.openai.com/docs/api-reference/responses-streaming.
Twin of `rust/core/src/protocol/openai_responses_frames.rs`.
"""

from __future__ import annotations

from zen_native.runtimes.pure.protocol.openai_responses_blocks import REASONING, SUMMARY

__all__ = ["CALL_INPUTS", "PLACE", "PROGRESS"]

# What kind of call a frame of input belongs to, and the field it has.
CALL_INPUTS = {
    "response.function_call_arguments.delta": ("function_call", "delta"),
    "response.function_call_arguments.done": ("function_call", "arguments"),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "delta"),
    "response.custom_tool_call_input.done": ("custom_tool_call", "input"),
    "response.mcp_call_arguments.delta": ("mcp_call", "delta"),
    "response.mcp_call_arguments.done": ("mcp_call", "arguments"),
    "response.code_interpreter_call_code.delta": ("code_interpreter_call", "delta"),
    "response.code_interpreter_call_code.done": ("code_interpreter_call", "code"),
}

# The field that says which part of a reasoning item is meant.
PLACE = {SUMMARY: "summary_index", REASONING: "content_index"}

# Known frames that say nothing the items do not say.
PROGRESS = (
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
)
