"""Every error has a page, which its message names: symptom, cause, cure."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bertkit.errors import BertkitError
from tests.architecture.test_chains import MODULES

PAGES = Path(__file__).parents[2] / "docs/errors"
HEADINGS = ["Symptom", "Cause", "Cure"]


def errors() -> set[str]:
    """The public classes that descend from `BertkitError`, by name, wherever they are; nothing is imported for it."""
    classes = [node for tree in MODULES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = {node.name: {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases} for node in classes}
    found = {"BertkitError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return {name for name in found if not name.startswith("_")}


def test_errors_outside_of_errors_py_are_found() -> None:
    assert {"TextTooLong", "OutOfMemory", "Diverged", "LostRank"} <= errors()


def test_every_error_has_a_page_and_every_page_an_error() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == errors()


@pytest.mark.parametrize("name", sorted(errors()))
def test_a_page_has_symptom_cause_and_cure(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n\n")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == HEADINGS
    assert all(len(part.split()) >= 3 for part in parts[1::2])
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert [link for link in links if not (PAGES / link).is_file()] == []


def test_a_message_names_its_page() -> None:
    class _OfOneFile(BertkitError):
        pass

    assert BertkitError("it broke").page == _OfOneFile("it broke").page == "docs/errors/BertkitError.md"
