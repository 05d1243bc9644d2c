"""The program ``edgeir``: its commands, and what an error looks like.

Every error that the library raises on purpose is one line on stderr, ``edgeir: error: …``, and exit code 2; so is
a wrong option. Exit code 1 is a job that was done in part, findings where ``--strict`` asks for it, or a failure nobody
foresaw; 130 an interruption.
Set ``EDGEIR_DEBUG=1`` to see the traceback of any of them.
"""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from edgeir.cli.android import android
from edgeir.cli.bench import bench
from edgeir.cli.cache import cache
from edgeir.cli.channels import channels
from edgeir.cli.demo import demo
from edgeir.cli.doctor import doctor
from edgeir.cli.eval import evaluate
from edgeir.cli.export import export
from edgeir.cli.fit import fit
from edgeir.cli.import_weights import import_weights
from edgeir.cli.inspect import inspect
from edgeir.cli.lint import lint
from edgeir.cli.models import models
from edgeir.cli.output import PIPE_CLOSED, Output
from edgeir.cli.prove import prove
from edgeir.cli.publish import publish
from edgeir.cli.recipes import recipes
from edgeir.cli.report import report
from edgeir.cli.restore import restore
from edgeir.cli.sensitivity import sensitivity
from edgeir.cli.serve import serve
from edgeir.cli.streams import close_quietly, open_missing, say
from edgeir.cli.study import study
from edgeir.cli.train import distill, train
from edgeir.cli.verify import verify
from edgeir.core.errors import EdgeIRError
from edgeir.core.requires import missing_extra

__all__ = ["INTERRUPTED", "app", "main"]

INTERRUPTED = 128 + 2
"""Exit code after Ctrl-C, as for a program that SIGINT ended."""

app = typer.Typer(
    name="edgeir",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

_MAKE, _USE, _LOOK = "Make a network", "Use and judge it", "Look around"
app.command(rich_help_panel=_MAKE)(train)
app.command(rich_help_panel=_MAKE)(distill)
app.command(rich_help_panel=_MAKE)(fit)
app.command("import", rich_help_panel=_MAKE)(import_weights)
app.command(rich_help_panel=_MAKE)(export)
app.command(rich_help_panel=_MAKE)(prove)
app.command(rich_help_panel=_MAKE)(verify)
app.command(rich_help_panel=_MAKE)(publish)
app.command(rich_help_panel=_MAKE)(android)
app.command(rich_help_panel=_USE)(restore)
app.command("eval", rich_help_panel=_USE)(evaluate)
app.command(rich_help_panel=_USE)(serve)
app.command(rich_help_panel=_USE)(bench)
app.command(rich_help_panel=_USE)(study)
app.command(rich_help_panel=_USE)(report)
app.command(rich_help_panel=_LOOK)(channels)
app.command(rich_help_panel=_LOOK)(demo)
app.command(rich_help_panel=_LOOK)(inspect)
app.command(rich_help_panel=_LOOK)(sensitivity)
app.command(rich_help_panel=_LOOK)(lint)
app.command(rich_help_panel=_LOOK)(models)
app.command(rich_help_panel=_LOOK)(recipes)
app.add_typer(cache, rich_help_panel=_LOOK)
app.command(rich_help_panel=_LOOK)(doctor)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Turn an image-restoration network into one that runs on a phone, and prove that it is still good.

    The stages in order: train or distill, export, eval and bench, report, restore. `edgeir COMMAND --help` explains
    each; `edgeir demo` runs them all on a few photographs.
    """
    if version:
        import edgeir

        Output().emit(None, [edgeir.__version__])
    elif context.invoked_subcommand is None:
        Output().emit(None, [context.get_help()])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: the words after ``edgeir``; those of the process by default.
    """
    open_missing()
    signal.signal(signal.SIGTERM, _terminate)
    # OpenMP's threads burn the core that a waiting one needs: beside another busy process, two threads of a small
    # network take many times as long as one. Threads that sleep instead share the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    code = _run(arguments, debug=os.environ.get("EDGEIR_DEBUG", "") not in ("", "0"))
    failure = close_quietly()
    if isinstance(failure, BrokenPipeError):
        return PIPE_CLOSED
    return code if failure is None else max(code, 2)


def _run(arguments: Sequence[str] | None, *, debug: bool) -> int:
    if not debug:
        warnings.simplefilter("ignore")  # third-party deprecations; the tests see them as errors
    try:
        words = None if arguments is None else list(arguments)
        code = int(app(args=words, prog_name="edgeir", standalone_mode=False) or 0)
        # Typer turns Ctrl-C into this code without a word; a command that saved and stopped asks for it.
        return _stop("interrupted", INTERRUPTED) if code == INTERRUPTED else code
    except KeyboardInterrupt:
        return _stop("interrupted", INTERRUPTED)
    except typer.Abort as stop:  # what typer makes of an EOFError, wherever it came from
        return _unforeseen(stop.__cause__ if isinstance(stop.__cause__, EOFError) else stop, debug)
    except EdgeIRError as error:
        return _stop(f"error: {error}", 2, debug=debug)
    except typer.TyperException as error:
        return _stop(f"error: {_usage(error)}", 2)
    except ModuleNotFoundError as error:
        missing = missing_extra(error, "this command")
        if missing is None:
            return _unforeseen(error, debug)
        return _stop(f"error: {missing}", 2, debug=debug)
    except OSError as error:
        if error.filename is None:
            return _unforeseen(error, debug)
        return _stop(f"error: {error.filename}: {error.strerror or error}", 2, debug=debug)
    except MemoryError:
        return _stop("error: not enough memory (a smaller image, tile or batch needs less)", 2, debug=debug)
    except Exception as error:
        return _unforeseen(error, debug)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    # An exception instead of a sudden death, so that temporary files are removed on the way out.
    raise SystemExit(128 + number)


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "edgeir"
    message = error.format_message().rstrip(".").replace("Value error, ", "")
    return f"{message} (see {command} --help)"


def _unforeseen(error: Exception, debug: bool) -> int:
    hint = "" if debug else " (set EDGEIR_DEBUG=1 to see where, `edgeir doctor` for a bug report)"
    return _stop(f"error: unexpected {type(error).__name__}: {error}{hint}", 1, debug=debug)


def _stop(message: str, code: int, *, debug: bool = False) -> int:
    if debug:
        say(traceback.format_exc().rstrip())
    say(f"edgeir: {' '.join(message.split())}")
    return code
