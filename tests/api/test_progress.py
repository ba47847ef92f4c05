from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bertkit.api.progress import observer_for
from bertkit.terminal.notebook import NotebookObserver
from bertkit.terminal.observer import TerminalObserver
from bertkit.workflows.observer import SILENT


def test_python_code_is_shown_its_jobs_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert observer_for(False) is SILENT
    for stderr, kind in ((True, TerminalObserver), (False, type(SILENT))):
        monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda stderr=stderr: stderr))
        assert isinstance(observer_for(True), kind)
    monkeypatch.setattr(sys, "stderr", None)
    assert observer_for(True) is SILENT
    whole: Any = ModuleType("IPython")
    whole.get_ipython = lambda: SimpleNamespace(kernel="a kernel")
    whole.display = ModuleType("IPython.display")
    whole.display.HTML = str
    monkeypatch.setitem(sys.modules, "IPython", whole)
    monkeypatch.setitem(sys.modules, "IPython.display", whole.display)
    assert isinstance(observer_for(True), NotebookObserver)
    assert observer_for(False) is SILENT
