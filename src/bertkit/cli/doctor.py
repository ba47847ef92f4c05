"""`bertkit doctor`: what of this machine and installation works, what does not, and what to do about it.

Without torch in this process: it is asked in one of its own.
"""

from __future__ import annotations

import json as json_library
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from bertkit.cli import options

if TYPE_CHECKING:
    from bertkit.doctor.finding import DoctorFinding, Level

FAILED = 1
COLOURS: dict[Level, str] = {"problem": "1;31", "warning": "33", "note": "36", "ok": "32"}
WIDEST, NARROWEST = 120, 60
LEVEL_CELLS, CHECK_CELLS = 9, 15


def doctor(json: options.Json = False) -> None:
    """Look at Python, torch, GPUs, the processor, memory, disks, models; name what is amiss, each with its cure.

    Ends with exit code 1 where there is a problem. docs/doctor.md lists what is looked at.
    """
    from bertkit.doctor.examination import examine
    from bertkit.doctor.gathering import gather

    found = examine(gather())
    if json:
        for finding in found:
            typer.echo(json_library.dumps(finding.record(), ensure_ascii=False))
    else:
        from bertkit.terminal.messages import is_coloured

        width = min(WIDEST, max(NARROWEST, shutil.get_terminal_size((WIDEST, 24)).columns))
        typer.echo("\n".join(lines(found, width, coloured=is_coloured(sys.stdout))))
    if any(finding.level == "problem" for finding in found):
        raise typer.Exit(FAILED)


def lines(found: Sequence[DoctorFinding], width: int, *, coloured: bool) -> list[str]:
    """The findings for a person: the verdict, then each with its cure below it, the worst first."""
    shown = [verdict(found), ""]
    for finding in found:
        level = finding.level.ljust(LEVEL_CELLS)
        if coloured:
            level = f"\x1b[{COLOURS[finding.level]}m{level}\x1b[0m"
        room = width - LEVEL_CELLS - CHECK_CELLS
        first, *more = textwrap.wrap(finding.seen, room) or [""]
        shown.append(f"{level}{finding.check.ljust(CHECK_CELLS)}{first}")
        indent = " " * (LEVEL_CELLS + CHECK_CELLS)
        shown += [indent + line for line in more]
        if finding.cure is not None:
            shown += textwrap.wrap(f"→ {finding.cure}", width, initial_indent=indent, subsequent_indent=indent + "  ")
    return shown


def verdict(found: Sequence[DoctorFinding]) -> str:
    """In a line: how many of what."""
    counts = {name: sum(finding.level == name for finding in found) for name in ("problem", "warning", "note")}
    words = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    if not counts["problem"]:
        return f"bertkit works here{': ' if words else ''}{', '.join(words)}"
    return f"something is amiss: {', '.join(words)}"
