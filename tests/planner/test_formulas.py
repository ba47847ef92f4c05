"""The table of formulas: what it may hold, how rows are counted, and that nothing in it is dead or circular."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bertkit.planner import formulas as module
from bertkit.planner.formulas import Values, formulas, read_formulas

PACKAGE = Path(module.__file__).parent
SOURCES = [
    path for path in (*PACKAGE.glob("*.py"), *PACKAGE.glob("page_files/*.js")) if not path.name.startswith("formulas")
]


def test_texts_are_summed_and_the_largest_step_is_taken() -> None:
    assert Values({"radius": 2, "padded": False}, [3, 3, 5])["square_pairs"] == 9 + 9 + 25
    assert Values({"radius": 2, "padded": True}, {3: 2, 5: 1})["square_pairs"] == 3 * 25
    given = {"recompute": True, "tokens": 1, "width": 1, "stream": 1, "product": 4}
    steps = [{"globals_before": count, "locals_before": 0} for count in (2, 7, 3)]
    assert Values(given, steps=steps)["kept_so_far"] == 8


def test_what_is_given_comes_first() -> None:
    assert Values({"masked_share": 0.5}, [10])["masked"] == 5
    assert Values({"masked": 3, "masked_share": 0.5}, [10])["masked"] == 3


def test_halves_are_rounded_up_as_the_page_rounds_them() -> None:
    assert [Values({}, [length])["masked"] for length in (10, 30, 50, 1)] == [2, 5, 8, 1]


def test_a_section_of_several_is_each_of_them_and_their_sum() -> None:
    text = "[for a]\nx = 2\n[for b]\nx = 3\n[for a, b]\ny = x * z\n  + 1\n[]\nz = 10\n"
    found = read_formulas(text)
    assert {name: formula.text for name, formula in found.items() if name.endswith("_y")} == {
        "a_y": "x * z + 1",
        "b_y": "x * z + 1",
        "sum_y": "a_y + b_y",
    }
    assert found["a_y"].names == {"a_x", "z"}


@pytest.mark.parametrize(
    "line",
    [
        "x = open('file')",
        "x = y.z",
        "x = [1]",
        "x = lambda: 1",
        "x = __import__",
        "x = 'text'",
        "x == 1",
        "x = f(1)",
        "x = 1\nx = 2",
    ],
)
def test_anything_else_is_no_formula(line: str) -> None:
    with pytest.raises(ValueError, match=r"in |no formula|twice"):
        read_formulas(line)


def test_an_unknown_name_is_said() -> None:
    with pytest.raises(KeyError, match="nothing is neither given nor a formula"):
        Values({})["nothing"]


def test_no_formula_reads_itself() -> None:
    table = formulas()

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, above
        if name not in seen and name in table:
            for one in table[name].names:
                walk(one, (*above, name))
            seen.add(name)

    seen: set[str] = set()
    for name in table:
        walk(name, ())


def test_no_formula_is_dead() -> None:
    table = formulas()
    read = {name for formula in table.values() for name in formula.names}
    asked = " ".join(path.read_text(encoding="utf-8") for path in SOURCES)
    # Python asks for some by a part of their name.
    parts = re.findall(r"f\"(\{\w+\}_\w+|\w+_\{\w+\})\"", asked)
    patterns = [re.compile(re.sub(r"\{\w+\}", r"\\w+", part)) for part in parts]
    dead = [
        name
        for name in table
        if name not in read and f'"{name}"' not in asked and not any(one.fullmatch(name) for one in patterns)
    ]
    assert [name for name in dead if not name.startswith("sum_")] == []
