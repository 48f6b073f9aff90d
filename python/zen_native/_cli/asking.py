"""What `run`, `explain` and `record` ask a model, from the words of the command line.

Owns where the prompt comes from, and which failures are wrong use: all that stands in the command or in the
environment, before anything is sent.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .problem import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from zen_native.explain import Explanation
    from zen_native.request import LLMRequest

__all__ = ["as_wrong_use", "explained", "prompt_of", "request_of"]

_MAX_PROMPT = 32 << 20


def prompt_of(chosen: Namespace) -> str:
    """The prompt: the argument, or standard input where that is `-` or a pipe."""
    said: str | None = chosen.prompt
    if said is None and sys.stdin.isatty():
        raise UsageError("there is no prompt: give one, or - to read standard input")
    if said is None or said == "-":
        said = _read()
    if not said.strip():
        raise UsageError("the prompt is empty")
    return said


def request_of(chosen: Namespace, prompt: str, tools: Sequence[Callable[..., Any]] = ()) -> LLMRequest:
    """The request."""
    from zen_native.request import LLMRequest

    with as_wrong_use():
        return LLMRequest.model_validate(
            {
                "model": chosen.model,
                "messages": prompt,
                "system": chosen.system or (),
                "tools": tuple(tools),
            }
        )


def explained(request: LLMRequest, runtime: str) -> Explanation:
    """What would happen to the request.

    Raises:
        LLMError: it cannot be sent.
    """
    from zen_native.client import Client

    choice: Any = runtime  # checked by the gate
    with as_wrong_use(), Client(runtime=choice) as client:
        return client.explain(request)


@contextmanager
def as_wrong_use() -> Generator[None]:
    """What fails in here is wrong use: a name, a flag, a file that is configured."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise UsageError(f"{where}{error.strerror or error}") from None
    except (ValueError, ImportError) as error:
        raise UsageError(str(error)) from None


def _read() -> str:
    data = sys.stdin.buffer.read(_MAX_PROMPT + 1)
    if len(data) > _MAX_PROMPT:
        raise UsageError(f"the prompt has more than {_MAX_PROMPT:,} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError("standard input is not UTF-8 text") from None
