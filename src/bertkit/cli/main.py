"""The command line: which commands there are, and how the program ends.

Starting must be quick: a command imports what it needs when it runs, and nothing here imports torch or numpy.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from bertkit.cli.bench import bench
from bertkit.cli.compare import compare
from bertkit.cli.compress import compress
from bertkit.cli.convert import convert
from bertkit.cli.distill import distill
from bertkit.cli.doctor import doctor
from bertkit.cli.evaluate import evaluate
from bertkit.cli.exits import exit_code
from bertkit.cli.export import export
from bertkit.cli.finetune import finetune
from bertkit.cli.help import HelpfulCommand
from bertkit.cli.index import index
from bertkit.cli.info import info
from bertkit.cli.loadtest import loadtest
from bertkit.cli.plan import plan
from bertkit.cli.predict import predict
from bertkit.cli.prepare import prepare
from bertkit.cli.pretrain import pretrain
from bertkit.cli.quickstart import quickstart
from bertkit.cli.runs import runs
from bertkit.cli.search import search
from bertkit.cli.serve import serve
from bertkit.cli.tokenize import tokenize
from bertkit.cli.train_tokenizer import train_tokenizer
from bertkit.errors import BertkitError

WRONG_USE = 2
COMPLETION = "_BERTKIT_COMPLETE"  # as typer names it

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Every command: --help lists its options, --debug shows the traceback of an error.",
)
for command in (
    predict,
    index,
    search,
    evaluate,
    info,
    tokenize,
    train_tokenizer,
    prepare,
    pretrain,
    finetune,
    distill,
    runs,
    convert,
    serve,
    loadtest,
    export,
    compare,
    compress,
    plan,
    bench,
    doctor,
    quickstart,
):
    app.command(cls=HelpfulCommand)(command)


def _print_version(asked: bool) -> None:
    if asked:
        from bertkit import __version__

        typer.echo(f"bertkit {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")]


@app.callback(invoke_without_command=True)
def bertkit(context: typer.Context, version: Version = False) -> None:
    """Raw text to a served BERT and back: embed, fill masks, look into checkpoints."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(WRONG_USE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code.

    Args:
        arguments: what follows the program's name; those of the process when left out.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # whatever the locale: JSON is UTF-8
    if COMPLETION in os.environ:  # a shell asks what could follow
        get_command(app).main(given, prog_name="bertkit")
    debug, given = _split_debug(given)
    return exit_code(lambda: _run(given), debug=debug, remedy=lambda error: _remedy(given, error))


def _run(arguments: list[str]) -> int:
    # Not `app(…)`: it would end Ctrl-C, a closed pipe and errors in typer's way before `exit_code` sees them.
    try:
        with get_command(app).make_context("bertkit", arguments) as context:
            context.command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _remedy(arguments: list[str], error: BertkitError) -> str:
    """What to do about an error, in the words of the command that was typed."""
    from bertkit.cli.remedies import in_words_of

    known = commands()
    return in_words_of(arguments[0], known, error) if arguments and arguments[0] in known else error.remedy


def commands() -> dict[str, TyperCommand]:
    """Every command by its name."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return {name: command for name, command in group.commands.items() if isinstance(command, TyperCommand)}


def _split_debug(arguments: list[str]) -> tuple[bool, list[str]]:
    """Takes --debug out, wherever it stands: people add it at the end of the line that failed."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options, texts = arguments[:end], arguments[end:]
    return "--debug" in options, [option for option in options if option != "--debug"] + texts
