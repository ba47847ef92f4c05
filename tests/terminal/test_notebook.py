from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bertkit.terminal.notebook import NotebookObserver, in_notebook


class Cell:
    """A cell's output: what it showed, one after the other."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def update(self, html: str) -> None:
        self.shown.append(html)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """IPython, as far as it is used, in a kernel."""
    cell = Cell()

    def display(html: str, *, display_id: bool) -> Cell:
        assert display_id
        cell.update(html)
        return cell

    whole: Any = ModuleType("IPython")
    whole.get_ipython = lambda: SimpleNamespace(kernel="a kernel")
    whole.display = ModuleType("IPython.display")
    whole.display.HTML, whole.display.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", whole)
    monkeypatch.setitem(sys.modules, "IPython.display", whole.display)
    return cell


def test_a_cell_shows_what_was_said_a_bar_and_the_newest_measures(cell: Cell) -> None:
    observer = NotebookObserver()
    observer.say("the column <b> is the label")
    with observer.training(40) as records:
        records.on_record({"step": 10, "loss": 2.5})
        records.on_record({"step": 10, "evaluation": {"accuracy": 0.5}})
        records.on_record({"step": 20, "loss": 1.25})
    assert cell.shown[0] == "<div>the column &lt;b&gt; is the label</div>"
    assert cell.shown[-1] == (
        "<div>the column &lt;b&gt; is the label</div>"
        '<div><progress value="20" max="40"></progress> step 20 of 40</div>'
        "<div>loss 1.2500</div><div>held out: accuracy 50.0%</div>"
    )


def test_what_is_counted_is_shown_now_and_then(cell: Cell) -> None:
    observer = NotebookObserver()
    with observer.counting("texts") as tick:
        for _ in range(30):
            tick(8)
    assert cell.shown == ["<div>104 texts</div>", "<div>200 texts</div>"]
    with observer.stopping() as stopping:
        assert not stopping()


def test_a_kernel_is_a_notebook_and_a_terminal_is_none(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_notebook()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace())
    assert not in_notebook(), "IPython in a terminal has no kernel"


def test_without_ipython_there_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
