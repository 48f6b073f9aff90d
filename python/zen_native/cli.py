"""The command line: `zen-native run`, `explain`, `models`, `record`, `replay`, `demo`, `decode`, `doctor`.

Owns the arguments and the exit codes. Commands stand in `_cli` and `_demo` and are imported when they are called.

Exit codes: 0 done; 1 there is an error instead of an answer, the demo found a difference, or something needed is
missing; 2 wrong use. As the shell has it, 130 after Ctrl-C and 141 when the reader of a pipe has gone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from zen_native._cli.problem import UsageError
from zen_native.runtimes.pure.names import DEFAULT_FRAMING, FRAMINGS

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a model may answer what the terminal's encoding lacks
    try:
        code: int = chosen.call(chosen)
        sys.stdout.flush()
    except UsageError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130
    except BrokenPipeError:
        # What is still buffered would fail again when the interpreter flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


# --- the commands, imported when called


def _run(chosen: argparse.Namespace) -> int:
    from zen_native._cli.run import run_run

    return run_run(chosen)


def _models(chosen: argparse.Namespace) -> int:
    from zen_native._cli.models import run_models

    return run_models(chosen)


def _explain(chosen: argparse.Namespace) -> int:
    from zen_native._cli.explain import run_explain

    return run_explain(chosen)


def _record(chosen: argparse.Namespace) -> int:
    from zen_native._cli.cassettes import run_record

    return run_record(chosen)


def _replay(chosen: argparse.Namespace) -> int:
    from zen_native._cli.cassettes import run_replay

    return run_replay(chosen)


def _decode(chosen: argparse.Namespace) -> int:
    from zen_native._cli.decode import run_decode

    return run_decode(
        chosen.file,
        protocol=chosen.protocol,
        framing=chosen.framing,
        runtime=chosen.runtime,
        as_json=chosen.json,
        summary=chosen.summary,
    )


def _doctor(chosen: argparse.Namespace) -> int:
    from zen_native._cli.doctor import run_doctor

    return run_doctor(as_json=chosen.json)


def _demo(chosen: argparse.Namespace) -> int:
    from zen_native._demo import run_demo

    return run_demo(as_json=chosen.json)


# --- the arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zen-native", description="Ask any model of any provider; see what it says.")
    parser.add_argument("--version", action=_Version, nargs=0, help="what is installed")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, call, add_arguments, help, description in (
        ("run", _run, _add_run, "ask a model; its answer as it comes", _RUN),
        ("explain", _explain, _add_explain, "where a request would go, and why; sends nothing", _EXPLAIN),
        ("models", _models, _add_models, "models with their formats, limits and prices", _MODELS),
        ("record", _record, _add_record, "ask a model, and keep the exchange in a cassette", _RECORD),
        ("replay", _replay, _add_replay, "the answers of a cassette again, without a network", _REPLAY),
        ("demo", _demo, _add_json, "every protocol over a loopback server; no key, no network", _DEMO),
        ("decode", _decode, _add_decode, "events of a recorded answer", _DECODE),
        ("doctor", _doctor, _add_json, "what is installed, and which runtime decodes and why", _DOCTOR),
    ):
        command = commands.add_parser(name, help=help, description=description)
        command.set_defaults(call=call)
        add_arguments(command)
    return parser


class _Version(argparse.Action):
    """Looked up when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from zen_native._cli.doctor import package_version

        sys.stdout.write(f"{parser.prog} {package_version('zen-native') or 'not installed as a package'}\n")
        parser.exit()


_RUN = """Asks a model and shows the answer as it comes: on a terminal with reasoning, tool calls, usage and cost; a
pipe gets the text alone. Keys come from the environment; `zen-native explain -m MODEL` names the variables. Tools run
here, with all that you may do: each call is shown and asked about first, unless --yes is given. Exits with 1 where
there is no whole answer; the error goes to standard error."""
_EXPLAIN = """Shows the route, the runtime and the reason for it, and what would be sent; never a key. Exits with 1 if
it could not be sent, for want of a key or otherwise."""
_MODELS = """Shows the models whose names have every word of the query, by the table in force. Exits with 1 if there are
none."""
_RECORD = """Asks and shows as `run` does, and writes the exchange to a cassette, also where the answer is an error:
with the boundaries and the timing of its chunks, and without its secrets. A file that is there is replaced."""
_REPLAY = """Decodes the answers of a cassette in the chunks they came in: of our own form, vcrpy's, or an exchange
file. Exits with 1 if one of them is an error."""
_DEMO = """Plays recorded streams of every protocol from a server on this machine, decodes each with both runtimes as it
arrives, and compares them. Exits with 1 if they differ."""
_DECODE = """Decodes the bytes of one answer: a raw body, or an exchange file (JSON with protocol, provider, response).
A raw body from a pipe is decoded as it comes. Exits with 1 if the answer is an error, which goes to standard error."""
_DOCTOR = "Shows what is installed, which runtime decodes, and why."


def _add_json(command: argparse.ArgumentParser, what: str = "one JSON document") -> None:
    command.add_argument("--json", action="store_true", help=what)


def _add_runtime(command: argparse.ArgumentParser) -> None:
    command.add_argument("--runtime", metavar="R", default="auto", help="auto, native or python")


def _add_request(command: argparse.ArgumentParser, prompt: str) -> None:
    command.add_argument("-m", "--model", metavar="MODEL", required=True, help="provider/model, or an id of `models`")
    command.add_argument("prompt", metavar="PROMPT", nargs="?", help=prompt)
    command.add_argument("--system", metavar="TEXT", help="what the model is told to be")
    _add_runtime(command)


def _add_run(run: argparse.ArgumentParser) -> None:
    _add_request(run, "what is asked; - or nothing reads it from a pipe")
    tool = "a function that the model may call: module:function or path/to/file.py:function; once for each"
    run.add_argument("--tool", metavar="WHERE:NAME", action="append", default=[], help=tool)
    run.add_argument("--yes", action="store_true", help="run tools without asking before each call")
    run.add_argument("--max-steps", metavar="N", type=_from_one, help="how often the model is called; default 16")
    _add_json(run, "events as JSON lines")


def _from_one(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return int(text)


def _add_record(record: argparse.ArgumentParser) -> None:
    # An option, for argparse cannot tell two arguments around options apart where one may be left out.
    record.add_argument("-o", "--output", metavar="FILE", required=True, help="the cassette")
    _add_run(record)


def _add_replay(replay: argparse.ArgumentParser) -> None:
    replay.add_argument("file", metavar="FILE", help="the cassette")
    replay.add_argument("--protocol", metavar="P", help=f"{', '.join(DEFAULT_FRAMING)}; default: by the address")
    replay.add_argument("--timings", action="store_true", help="at the pace at which it came")
    _add_runtime(replay)
    _add_json(replay, "events as JSON lines")


def _add_explain(explain: argparse.ArgumentParser) -> None:
    _add_request(explain, "what would be asked; - reads it from a pipe")
    _add_json(explain)


def _add_models(models: argparse.ArgumentParser) -> None:
    what = models.add_mutually_exclusive_group()
    what.add_argument("query", metavar="QUERY", nargs="*", default=[], help="words that a name must have; default: all")
    what.add_argument(
        "--refresh",
        metavar="FILE|URL",
        help="replace the table in ZEN_NATIVE_MODELS by this one: our form, or the api.json of models.dev",
    )
    _add_json(models)


def _add_decode(decode: argparse.ArgumentParser) -> None:
    decode.add_argument("file", metavar="FILE", help="a file, or - for standard input")
    decode.add_argument("--protocol", metavar="P", help=f"{', '.join(DEFAULT_FRAMING)}; an exchange file names its own")
    decode.add_argument("--framing", metavar="F", help=f"{', '.join(FRAMINGS)}; by default what the bytes look like")
    _add_runtime(decode)
    _add_json(decode, "events as JSON lines; the summary as one JSON document")
    shown = decode.add_mutually_exclusive_group()
    shown.add_argument("--events", action="store_true", help="one line for each event (the default)")
    shown.add_argument("--summary", action="store_true", help="the answer: text, tool calls and the rest")
