"""What a command prints: the answer on stdout, and a sentence on stderr for all that goes wrong."""

import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

PACKAGES = ("activa_cli", "activa_core", "activa_eval", "activa_kernels", "activa_sim")
UsageError: Any = typer.BadParameter.__base__  # click's, or that of the copy inside newer typers
NARROWEST = 140  # where output is not a terminal, so that no table is squeezed to 80 columns


class OneSentence(TyperGroup):
    """Commands of which a user sees one sentence and exit code 2 when the input is at fault."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before the command's name; nothing at all asks for help."""
        if not args:
            return super().parse_args(ctx, args)
        try:
            return super().parse_args(ctx, args)
        except UsageError as error:
            _say_usage(error)
        raise typer.Exit(2)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; let through only what no user can mend."""
        try:
            with _warnings_in_one_sentence():
                return super().invoke(ctx)
        except UsageError as error:
            _say_usage(error)
        except BrokenPipeError:  # the reader had enough: no error of ours
            raise
        except OSError as error:
            say(f"cannot use {error.filename or 'a file'}: {error.strerror or error}")
        except ValueError as error:
            if not isinstance(error, _input_errors()):
                raise
            say(str(error))
        except KeyboardInterrupt as stop:
            say(str(stop) or "interrupted")
            raise typer.Exit(130) from None
        raise typer.Exit(2)


def say(message: str) -> None:
    """Write one sentence to stderr."""
    sys.stderr.write(f"activa: {' '.join(message.split())}\n")


def show(answer: Any, *, as_json: bool) -> None:
    """Write an answer to stdout: a rich table or text, or plain data as JSON."""
    if as_json:
        sys.stdout.write(json.dumps(answer, indent=2, allow_nan=False) + "\n")
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=NARROWEST)
    console.print(answer)


def grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Lay out a table: the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def number(value: float | None) -> str:
    """Write a number with four digits, or "-" where there is none."""
    return "-" if value is None else f"{value:.4g}"


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[..., None]]:
    """Show how far a long job is, how fast, and how long it will take; yields what counts one."""
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda *_: bar.advance(task)


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


def _say_usage(error: Any) -> None:
    say(f"{error.format_message()} (see {error.ctx.command_path} --help)")


def _input_errors() -> tuple[type[Exception], ...]:
    """InputError of each package in use: importing the others here would load torch for --help."""
    loaded = (sys.modules.get(f"{package}.errors") for package in PACKAGES)
    return tuple(module.InputError for module in loaded if module is not None)


@contextmanager
def _warnings_in_one_sentence() -> Iterator[None]:
    """Write a warning as a sentence, without the line of code that raised it."""

    def show_message(message: Warning | str, *_: Any, **__: Any) -> None:
        say(str(message))

    with warnings.catch_warnings():
        warnings.showwarning = show_message
        yield
