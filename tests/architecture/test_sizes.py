"""Yardsticks that keep the sources readable."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src/bertkit"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 8  # of a command as many as it has options
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "common", "misc"}


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@cache
def functions_of(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def long_functions(source: str) -> list[str]:
    """Functions of more than the allowed lines, their decorators not counted."""
    return [
        f.name for f in functions_of(source) if (f.end_lineno or f.lineno) - f.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]


def crowded_functions(source: str) -> list[str]:
    """Functions of more than the allowed parameters, `self` and `cls` not counted; an overload is but a type."""
    own = (f for f in functions_of(source) if "overload" not in {getattr(one, "id", "") for one in f.decorator_list})
    return sorted({f.name for f in own if parameters_of(f.args) > MOST_PARAMETERS})


def parameters_of(given: ast.arguments) -> int:
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return sum(name not in ("self", "cls") for name in named) + (given.vararg is not None) + (given.kwarg is not None)


def test_there_are_sources() -> None:
    assert "errors.py" in map(name, SOURCES)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_file_and_functions_are_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MOST_LINES_OF_A_FILE
    assert long_functions(source) == []


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent.name != "cli"], ids=name)
def test_functions_take_few_parameters(path: Path) -> None:
    assert crowded_functions(path.read_text(encoding="utf-8")) == []


def test_a_crowded_function_is_seen() -> None:
    names = [f"a{number}" for number in range(MOST_PARAMETERS)]
    assert crowded_functions(f"class A:\n    def fits(self, {', '.join(names)}): ...") == []
    for more in ("one", "*, one", "*one", "**one"):
        assert crowded_functions(f"async def many({', '.join(names)}, {more}): ...") == ["many"]


def test_a_long_function_is_seen() -> None:
    body = ["        x = 1"] * (MOST_LINES_OF_A_FUNCTION - 1)
    assert long_functions("\n".join(["class A:", "    async def fits(self):", *body])) == []
    assert long_functions("\n".join(["class A:", "    def long(self):", *body, body[0]])) == ["long"]


def test_init_files_are_empty_but_the_lists_of_public_names() -> None:
    full = [name(path) for path in SOURCES if path.name == "__init__.py" and path.read_text(encoding="utf-8").strip()]
    assert full == ["__init__.py", "sklearn/__init__.py"]


def test_packages_are_one_level_deep_and_declared() -> None:
    assert [name(path) for path in SOURCES if len(path.relative_to(PACKAGE).parts) > 2] == []
    folders = {path.parent for path in SOURCES}
    assert [name(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_names_say_what_is_inside() -> None:
    assert [name(path) for path in SOURCES if NAMES_THAT_SAY_NOTHING & {path.stem, path.parent.name}] == []
