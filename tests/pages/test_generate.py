"""The pages that are made from the program say what it is now; what makes them leaves nothing out."""

from __future__ import annotations

import re

import pytest
from pydantic import Field
from typer.main import get_command

from bertkit.cli.main import app
from bertkit.config.strict import Strict, dotted_keys
from bertkit.config.training import Positive
from pages import generate, settings


@pytest.mark.parametrize("name", generate.MADE)
def test_it_is_not_stale(name: str) -> None:
    written = (generate.DOCS / name).read_text(encoding="utf-8")
    assert written == generate.MADE[name](), "stale: python -m pages.generate"


def test_every_command_and_option_is_there() -> None:
    page = (generate.DOCS / "commands.md").read_text(encoding="utf-8")
    sections = dict(zip(re.findall(r"^## bertkit (\S+)$", page, re.MULTILINE), page.split("\n## ")[1:], strict=True))
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert set(sections) == set(commands)
    for name, command in commands.items():
        for parameter in command.params:
            if not getattr(parameter, "hidden", False):
                options = [one for one in parameter.opts if one.startswith("--")]
                assert all(f"{one} " in sections[name] or f"{one}`" in sections[name] for one in options), options


def test_every_setting_is_there() -> None:
    page = (generate.DOCS / "settings.md").read_text(encoding="utf-8")
    for _, _, kind in settings.SECTIONS:
        prefix = "search." if kind is settings.SearchTable else ""
        names = [prefix + name for name in dotted_keys(kind)]
        tables = {name.rpartition(".")[0] for name in names}
        assert [name for name in names if name not in tables and f"| `{name}` |" not in page] == []


class _Inner(Strict):
    """A table.

    Attributes:
        one, two: what they are,
            on two lines.
    """

    one: Positive = 0.5
    two: list[int] = Field(default_factory=list)


class _Outer(Strict):
    """A configuration.

    Attributes:
        three: a word.
    """

    inner: _Inner = _Inner()
    three: str | None = None


def test_a_docstring_says_what_each_setting_is() -> None:
    assert settings.explained(_Inner) == dict.fromkeys(("one", "two"), "what they are, on two lines.")
    assert [name for name, _ in settings.tables(_Outer, "outer")] == ["outer", "outer.inner"]
