"""Where the progress of a job started from Python is shown: in the notebook's cell, the terminal, or nowhere."""

from __future__ import annotations

import sys

from bertkit.terminal.notebook import NotebookObserver, in_notebook
from bertkit.terminal.observer import TerminalObserver
from bertkit.workflows.observer import SILENT, Observer


def observer_for(progress: bool) -> Observer:
    """What draws where there is something to draw on: a program's log is its own.

    Args:
        progress: whether anything is to be shown.
    """
    if not progress:
        return SILENT
    if in_notebook():
        return NotebookObserver()
    return TerminalObserver() if sys.stderr is not None and sys.stderr.isatty() else SILENT
