"""docs/bert.md is true: its commands and its Python say what stands there, and its pictures are made by its script."""

from __future__ import annotations

import doctest
import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from bertkit.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/bert.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"(?<![\w.#])\d+\.\d+")
CLOSE = 0.02  # of scores and opacities: other processors and torch versions give other last digits


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def sessions() -> list[tuple[str, list[str]]]:
    """Commands, each with the lines that stand below it."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def alike(one: str, two: str) -> bool:
    """The same but for the last digits of numbers with a point."""
    if NUMBER.sub("0.0", one) != NUMBER.sub("0.0", two):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(two), strict=True)
    return all(abs(float(a) - float(b)) <= CLOSE for a, b in pairs)


def test_commands_say_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("docs", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    for command, expected in sessions():
        program, *arguments = shlex.split(command)
        assert program == "bertkit"
        assert main(arguments) == 0, command
        said = iter([line.rstrip() for line in capsys.readouterr().out.splitlines()])
        skips = False
        for line in expected:
            if line == "…":  # any number of lines
                skips = True
                continue
            found = any(alike(line, one) for one in said) if skips else alike(line, next(said, ""))
            assert found, f"{command}: {line}"
            skips = False


def test_python_says_what_stands_there() -> None:
    parsed = doctest.DocTestParser().get_doctest("\n".join(blocks("python")), {}, "bert.md", None, 0)
    result = doctest.DocTestRunner().run(parsed)
    assert (result.failed, result.attempted > 15) == (0, True)


def script() -> Any:
    spec = importlib.util.spec_from_file_location("bert_pictures", ROOT / "docs/bert/pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["sums", "packing", "attention", "masking"])
def test_the_pictures_are_what_the_script_makes(name: str) -> None:
    made = script()
    assert set(made.PICTURES) == {path.stem for path in (ROOT / "docs/bert").glob("*.svg")}
    committed = (ROOT / f"docs/bert/{name}.svg").read_text(encoding="utf-8").splitlines()
    drawn = made.PICTURES[name]().splitlines()
    # A cell of the attention that is hardly there may be left out on another machine.
    faint = [line for line in committed if line not in drawn and not any(alike(line, one) for one in drawn)]
    assert all('fill-opacity="0.0' in line for line in faint)
    assert f"(bert/{name}.svg)" in PAGE
