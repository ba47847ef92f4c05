"""The table of formulas, `page_files/formulas.txt`, and what it makes of given numbers.

The table is data: the page in the browser reads the same file (`page_files/formulas.js`). Only names, numbers and the
operators that the file lists are formulas; anything else in it is refused when it is read.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, Literal

TABLE = Path(__file__).with_name("page_files") / "formulas.txt"

Number = float  # whole ones are exact: Python's own
FUNCTIONS: dict[str, Any] = {
    "ceil": math.ceil,
    "floor": math.floor,
    "max": max,
    "min": min,
    "round": lambda value: math.floor(value + 0.5),
}
_ALLOWED = (
    *(ast.Expression, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UnaryOp, ast.USub, ast.Not),
    *(ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.BoolOp, ast.And, ast.Or, ast.IfExp),
    ast.Load,
)
NAME = "[a-z][a-z0-9_]*"
Rows = Literal["texts", "steps"]
_ROWS: dict[str, Rows] = {"texts": "texts", "steps": "steps"}


@dataclass(frozen=True, slots=True)
class Formula:
    """One line.

    Attributes:
        text: the expression as it stands in the file.
        over: the rows that it is computed for, one by one: `texts` are summed, of `steps` the largest is taken.
        names: what it reads.
    """

    text: str
    code: CodeType
    over: Rows | None
    names: frozenset[str]

    @property
    def number(self) -> Number:
        """The value of a formula that reads nothing: a constant."""
        return float(eval(self.code, _GLOBALS))


@cache
def formulas() -> Mapping[str, Formula]:
    """All of the table, by name."""
    return read_formulas(TABLE.read_text(encoding="utf-8"))


def read_formulas(text: str) -> dict[str, Formula]:
    """Formulas of a text.

    Raises:
        ValueError: a line that is none, or a name that is defined twice.
    """
    lines = [(head, name, expression) for head, name, expression in _lines(text)]
    owned: dict[str, set[str]] = {}
    for head, name, _ in lines:
        for prefix in _prefixes(head):
            owned.setdefault(prefix, set()).add(name)
    found: dict[str, Formula] = {}
    for head, name, expression in lines:
        over = _ROWS.get(head)
        made = {f"{prefix}_{name}": _formula(expression, over, prefix, owned[prefix]) for prefix in _prefixes(head)}
        if len(made) > 1:
            made[f"sum_{name}"] = _formula(" + ".join(made), None, "", set())
        for whole, formula in (made or {name: _formula(expression, over, "", set())}).items():
            if whole in found:
                raise ValueError(f"{whole} is defined twice")
            found[whole] = formula
    return found


def _lines(text: str) -> list[tuple[str, str, str]]:
    """The heading, the name and the expression of each formula."""
    head, found = "", []
    joined = re.sub(r"\n[ \t]+", " ", re.sub(r"(?m)^#.*\n", "", text))
    for line in filter(None, map(str.strip, joined.split("\n"))):
        if line.startswith("["):
            head = line.strip("[]")
            continue
        name, equals, expression = line.partition(" = ")
        if not equals or not re.fullmatch(NAME, name):
            raise ValueError(f"no formula: {line!r}")
        found.append((head, name, expression))
    return found


def _prefixes(head: str) -> list[str]:
    return re.split(r",\s*", head.removeprefix("for ")) if head.startswith("for ") else []


def _formula(text: str, over: Rows | None, prefix: str, owned: set[str]) -> Formula:
    tree = ast.parse(text, mode="eval")
    names = set()
    for node in ast.walk(tree):
        if not _may_stand(node):
            raise ValueError(f"{type(node).__name__} in {text!r}")
        if isinstance(node, ast.Name) and node.id not in FUNCTIONS:
            node.id = f"{prefix}_{node.id}" if node.id in owned else node.id
            names.add(node.id)
    return Formula(text, compile(tree, "formulas.txt", "eval"), over, frozenset(names))


def _may_stand(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords
    if isinstance(node, ast.Name):
        return re.fullmatch(NAME, node.id) is not None
    return isinstance(node, _ALLOWED)


_GLOBALS: dict[str, Any] = {"__builtins__": {}, **FUNCTIONS}


class Values(dict[str, Any]):
    """Given numbers, and what the table makes of them when it is asked: `values["needed_bytes"]`.

    What is given comes before a formula of the same name.
    """

    def __init__(
        self,
        given: Mapping[str, Number],
        lengths: Sequence[int] | Mapping[int, int] = (),
        steps: Sequence[Mapping[str, Number]] = (),
    ) -> None:
        """Begin with what is given.

        Args:
            given: numbers by name; true and false count as 1 and 0.
            lengths: of the batch's texts, in tokens; or how many there are of each length.
            steps: what is given of each of the encoder's.
        """
        super().__init__(given)
        counted = Counter(lengths)
        if counted:
            self.setdefault("longest", max(counted))
        self._texts = [(_Row(self, "texts", {"length": length}), count) for length, count in counted.items()]
        self._steps = [_Row(self, "steps", step) for step in steps]

    def __missing__(self, name: str) -> Number:
        formula = formulas().get(name)
        if formula is None:
            raise KeyError(f"{name} is neither given nor a formula")
        if formula.over is None:
            value: Number = eval(formula.code, _GLOBALS, self)
        elif formula.over == "texts":
            value = sum(count * row[name] for row, count in self._texts)
        else:
            value = max(row[name] for row in self._steps)
        self[name] = value
        return value


class _Row(dict[str, Any]):
    """The names of one row: its own, what formulas make of them, and what is the same for all rows."""

    def __init__(self, outer: Values, over: str, given: Mapping[str, Number]) -> None:
        super().__init__(given)
        self._outer, self._over = outer, over

    def __missing__(self, name: str) -> Number:
        formula = formulas().get(name)
        if formula is None or formula.over != self._over:
            outer: Number = self._outer[name]
            return outer
        value: Number = eval(formula.code, _GLOBALS, self)
        self[name] = value
        return value
