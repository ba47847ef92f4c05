"""`bertkit index` as it is typed; what it does is tried in workflows/test_index.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertkit.config.indexing import IndexConfig
from tests.cli.conftest import Ended

Run = Callable[..., Ended]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[IndexConfig]:
    """What is asked of the job, which says that it is done."""
    import bertkit.workflows.index as workflow

    seen: list[IndexConfig] = []

    def done(config: IndexConfig, observer: Any) -> workflow.Indexed:
        seen.append(config)
        observer.say("left out: x.pdf: not a PDF, or damaged")
        counts = (1_003, 12_345, 3, 1, 999, 120)
        told: Any = {"left_out": ("x.pdf: damaged",), "passed_over": {".py": 2, "": 1}}
        return workflow.Indexed(Path(config.index), *counts, **told)

    monkeypatch.setattr(workflow, "index", done)
    return seen


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """Nothing is loaded here, so nothing is put in its place."""


def test_it_is_made_as_it_is_typed(run: Run, asked: list[IndexConfig]) -> None:
    given = ["docs", "a.pdf", "-o", "n.idx", "-m", "m", "--precision", "binary", "--words", "50", "--overlap", "9"]
    done = run("index", *given, "--prompt", "passage: ", "--query-prompt", "query: ", "--text-column", "body")
    assert (done.code, done.err) == (0, "left out: x.pdf: not a PDF, or damaged\n")
    assert done.out.splitlines() == [
        "n.idx: 12,345 passages of 1,003 files",
        "  3 files new or changed, 999 unchanged, 1 removed; 120 passages embedded",
        "  of other kinds, passed over: 1 (no ending), 2 .py",
        '  search it: bertkit search n.idx "your question"',
    ]
    assert asked[0] == IndexConfig(
        index="n.idx",
        sources=("docs", "a.pdf"),
        model="m",
        precision="binary",
        words=50,
        overlap=9,
        prompt="passage: ",
        query_prompt="query: ",
        text_column="body",
    )


def test_again_without_sources_as_json(run: Run, asked: list[IndexConfig]) -> None:
    done = run("index", "-o", "n.idx", "--json")
    assert done.code == 0
    assert asked[0] == IndexConfig(index="n.idx")
    record = json.loads(done.out)
    assert (record["passages"], record["left_out"], record["passed_over"]) == (
        12_345,
        ["x.pdf: damaged"],
        {".py": 2, "": 1},
    )


def test_the_index_must_be_named(run: Run, asked: list[IndexConfig]) -> None:
    done = run("index", "docs")
    assert done.code == 2
    assert "'--output'" in done.err
    assert not asked
