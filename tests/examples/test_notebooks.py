"""The notebooks run, cell by cell, as a kernel would run them; what they show is what a notebook would show."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples/notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == "code"]


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Runs a cell and returns its last line's value, where that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


def test_there_is_one() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_kept(path: Path) -> None:
    for cell in cells(path):
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.slow
def test_customers_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    path = next(path for path in NOTEBOOKS if path.stem == "intents")
    shown = [run_cell("".join(cell["source"]), names) for cell in cells(path)]
    accuracy = names["evaluation"].metrics["accuracy"]
    assert accuracy > 0.6  # 84 messages of 16 intents, in which counting words gets a third right
    assert names["evaluation"].intervals["accuracy"].low < accuracy < names["evaluation"].intervals["accuracy"].high
    pages = [value._repr_html_() for value in shown if hasattr(value, "_repr_html_")]
    assert len(pages) == 3  # training, evaluation, explanations
    assert all(page.startswith("<") for page in pages)
    assert names["vectors_NW"].shape[0] == len(names["messages"])
    assert shown[-1] > 0.6
