"""docs/commands.md: every option of every command, from the command line's own descriptions."""

from __future__ import annotations

import inspect

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from bertkit.cli.main import app

HEAD = """# Commands

Every command and every option, as `bertkit COMMAND --help` says them. This page is made from the command line:
`python -m pages.generate`.

Every command takes `--debug`, wherever it stands, which shows the traceback of an error. Exit codes: 0 done, 1 failed,
2 wrong use, bad input or bad configuration, 130 interrupted, 141 a closed pipe, 143 after SIGTERM. Settings without an
option of their own are in [settings](settings.md).
"""


def page() -> str:
    """The whole page."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    commands = sorted(group.commands.items())
    return "\n".join([HEAD, *(_section(name, one) for name, one in commands if isinstance(one, TyperCommand))])


def _section(name: str, command: TyperCommand) -> str:
    with command.make_context(f"bertkit {name}", [], resilient_parsing=True) as context:
        lines = [f"## bertkit {name}\n", inspect.cleandoc(command.help or "").replace("\f", ""), ""]
        usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
        lines += [f"`{usage}`", ""]
        for title in ("argument", "option"):
            params = [one for one in command.get_params(context) if one.param_type_name == title]
            records = [record for one in params if (record := one.get_help_record(context))]
            if records:
                lines += [f"| {title} | what it is |", "|---|---|"]
                lines += [f"| `{_cell(term)}` | {_cell(text)} |" for term, text in records] + [""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
