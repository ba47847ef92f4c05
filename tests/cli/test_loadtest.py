"""`bertkit loadtest` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertkit.benchmarking.load_summary import LoadStep
from bertkit.benchmarking.open_loop import Reply, SentRequest
from bertkit.workflows.loadtest import LoadtestConfig
from tests.cli.conftest import Ended

Run = Callable[..., Ended]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[list[LoadtestConfig], list[Reply]]:
    """What is asked, and what is to come back; nobody is."""
    seen: list[LoadtestConfig] = []
    replies = [Reply("200", "right"), Reply("429")]

    def loadtest(config: LoadtestConfig, observer: Any) -> list[LoadStep]:
        seen.append(config)
        return [LoadStep(5.0, 10.0, [SentRequest(n, n, n + 0.2, one) for n, one in enumerate(replies)])]

    monkeypatch.setattr("bertkit.workflows.loadtest.loadtest", loadtest)
    return seen, replies


def test_it_prints_a_table_and_json_last(run: Run, asked: tuple[Any, Any], tmp_path: Path) -> None:
    page, rows, records = tmp_path / "page.html", tmp_path / "rows.txt", tmp_path / "records.jsonl"
    rows.write_text("one\ntwo\n")
    records.write_text('{"value": 1}\n{"value": 2}\n')
    typed = [
        "loadtest",
        "box:8000",
        "--rate",
        "5,10.5",
        "-i",
        str(rows),
        "--check",
        str(records),
        "--api-key",
        "secret",
    ]
    done = run(*typed, "--html", str(page))
    assert done.code == 0
    (config,) = asked[0]
    assert (config.rates, config.key, len(config.expected or [])) == ((5.0, 10.5), "secret", 2)
    assert config.rows == [{"text": "one"}, {"text": "two"}]
    lines = done.out.splitlines()
    assert lines[0].startswith("rate/s  answered/s")
    told = json.loads(lines[-1])
    assert (told["url"], told["rows"], told["steps"][0]["statuses"]) == ("box:8000", 2, {"200": 1, "429": 1})
    assert page.read_text().startswith("<!doctype html>")
    assert "secret" not in done.out + done.err + page.read_text() + repr(config)
    assert json.loads(run("loadtest", "box:8000", "--json").out) == json.loads(json.dumps(told | {"rows": 1_000}))


@pytest.mark.parametrize("reply", [Reply("200", "wrong"), Reply("200", "mixed up"), Reply("lost")])
def test_a_wrong_answer_or_none_at_all_is_a_failure(run: Run, asked: tuple[Any, list[Reply]], reply: Reply) -> None:
    asked[1].append(reply)
    assert run("loadtest", "box:8000").code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rate", "many"], "--rate many: not numbers"),
        (["--check", "x"], "--check without --input"),
        (["-i", "empty.txt"], "has no rows"),
        (["-i", "rows.txt", "--check", "bad"], "record 2 is an error"),
    ],
)
def test_what_cannot_be_is_refused(
    run: Run, arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("")
    Path("rows.txt").write_text("a\n")
    Path("bad").write_text('{"value": 1}\n{"error": {}}\n')
    done = run("loadtest", "box:8000", *arguments)
    assert done.code == 2
    assert words in done.err
