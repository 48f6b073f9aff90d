"""Answers that are a value of a Python type: asked for, read, and asked for again once where that is wanted.

Owns the way they are asked for: the provider's own schema where the model has it, a tool that must be called where not,
a tool that may be called where calls cannot be forced. Owns no step (`_tool_loop`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from ._output_schema import OutputSchema
from ._validation import listed
from .errors import InvalidProviderOutputError
from .events import FinishReason, ToolCall, ToolInputError, ToolResult
from .formats import lower
from .request import LLMRequest, Message, Tool, ToolChoice

if TYPE_CHECKING:
    from .response import LLMResponse
    from .route import Route

__all__ = ["Output", "OutputWay"]

OutputWay = Literal["schema", "forced-tool", "offered-tool"]

_TOOL = "final_answer"
_FENCED = re.compile(r"\A```\w*\s*\n(.*)\n\s*```\Z", re.DOTALL)
_CUT = {"length": "the answer was cut off", "content-filter": "the answer was withheld"}


class Output:
    """The output of one operation: `value` is there once `found` is true."""

    def __init__(self, request: LLMRequest, routes: Iterable[Route], *, repair: bool = False) -> None:
        self._schema = OutputSchema(request.output_type)
        self._may_repair = repair
        self.repairs = 0
        """How often it was asked for again."""
        self._problem: tuple[str, str] | None = None
        self._request = request
        self.way: OutputWay = self._way(tuple(routes))
        self.tool_name = None if self.way == "schema" else _free_name({tool.name for tool in request.tools})
        self.value: Any = None
        self.found = False

    def asked(self, request: LLMRequest) -> LLMRequest:
        """The request in the way that its models know."""
        return self._asked(request, self.way)

    def take(self, call: ToolCall | ToolInputError) -> ToolResult:
        """The answer to a call that gives the output."""
        text = call.raw if isinstance(call, ToolInputError) else json.dumps(call.input)
        wrong = self._read(text)
        if wrong is None:
            return ToolResult(call.id, call.name, "accepted")
        self._problem = (wrong, text)
        return ToolResult(call.id, call.name, wrong, is_error=True)

    def settle(self, step: LLMResponse, *, ended: bool, reason: FinishReason) -> tuple[Message, ...]:
        """Look at a step that is over: what the model is told where its output is wrong and it may try again.

        Raises:
            InvalidProviderOutputError: it may not; `body` is the text that was to be the output.
        """
        if self.found:
            return ()
        called, self._problem = self._problem, None
        if called is None:
            if not ended:
                return ()
            wrong = self._read(step.text)
            if wrong is None:
                return ()
            called = (wrong, step.text)
        if self.repairs or not self._may_repair or reason.normalized in _CUT:
            said = f"{_CUT[reason.normalized]}: " if reason.normalized in _CUT else ""
            raise InvalidProviderOutputError(f"{said}{called[0]}", body=called[1])
        self.repairs += 1
        return (Message.model_validate({"role": "user", "content": self._again(called[0])}),) if ended else ()

    def _read(self, text: str) -> str | None:
        """Take the output from a text; what is wrong with it, None where nothing is."""
        found = _FENCED.match(text.strip())
        try:
            value = self._schema.read(found.group(1) if found else text)
        except ValidationError as error:
            return f"this is no valid {self._schema.name}: {listed(error)}"
        if not self.found:
            self.value, self.found = value, True
        return None

    def _again(self, wrong: str) -> str:
        how = "Answer with the JSON alone" if self.tool_name is None else f"Call {self.tool_name}"
        return f"{wrong}. {how}, corrected."

    # How it is asked for

    def _way(self, routes: tuple[Route, ...]) -> OutputWay:
        if all(self._carried("schema", "response_format", route) for route in routes):
            return "schema"
        forced = all(self._carried("forced-tool", "tool_choice", route) for route in routes)
        return "forced-tool" if forced else "offered-tool"

    def _carried(self, way: OutputWay, field: str, route: Route) -> bool:
        """Whether a route carries the request asked in one way: its format says so itself."""
        self.tool_name = _TOOL
        asked = self._asked(self._request, way).model_copy(update={"strict": False})
        return not any(text.startswith(f"left out {field}") for text in lower(asked, route, stream=True).warnings)

    def _asked(self, request: LLMRequest, way: OutputWay) -> LLMRequest:
        if way == "schema":
            given = request.response_format
            return request.model_copy(update={"response_format": given or self._schema.response_format()})
        tool = Tool(
            name=self.tool_name or _TOOL,
            description="Gives the answer. Call it once, when nothing else is to be done.",
            input_schema=self._schema.schema,
        )
        changed: dict[str, Any] = {"tools": (*request.tools, tool), "output_type": None, "response_format": None}
        if way == "forced-tool":
            forced = {"mode": "required"} if request.tools else {"mode": "tool", "name": tool.name}
            changed["tool_choice"] = ToolChoice.model_validate(forced)
        return request.model_copy(update=changed)


def _free_name(taken: set[str]) -> str:
    name = _TOOL
    while name in taken:
        name += "_"
    return name
