"""`predict -o FOLDER/`: the same answers as into a file, in parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bertkit.cli.bulk import FIRST_SECONDS, SECONDS, BadRows, Reporter, line, parts_of, read_shard
from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row
from bertkit.workflows.bulk import BulkProgress, BulkShard
from tests.cli.conftest import Ended

Run = Callable[..., Ended]


@pytest.fixture
def texts(tmp_path: Path) -> str:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"id": n, "text": "a" * (1 + n % 5)}) + "\n" for n in range(23)))
    return str(path)


def records(folder: Path) -> list[object]:
    return [json.loads(text) for part in sorted(folder.glob("part-*")) for text in part.read_text().splitlines()]


def test_parts_hold_what_a_file_would(run: Run, texts: str, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out"
    assert run("predict", "-i", texts, "-o", str(whole)).code == 0
    ended = run("predict", "-i", texts, "-o", f"{out}/", "--part-rows", "5")
    assert (ended.code, ended.out) == (0, "")
    assert "23 rows answered" in ended.err
    assert records(out) == [json.loads(text) for text in whole.read_text().splitlines()]
    assert len(list(out.glob("part-*"))) == 5
    again = run("predict", "-i", texts, "-o", str(out), "--part-rows", "5")
    assert "nothing is left" in again.err


def test_shards_and_another_form(run: Run, texts: str, tmp_path: Path) -> None:
    for shard in ("2/2", "1/2"):
        line = ("predict", "-i", texts, "-o", str(tmp_path / "out/*.csv"), "--part-rows", "5", "--shard", shard)
        assert run(*line, "--task", "text-classification").code == 0
    parts = sorted((tmp_path / "out").glob("part-*.csv"))
    assert [len(part.read_text().splitlines()) for part in parts] == [6, 6, 6, 6, 4]


def test_a_bad_row_stops_before_the_work_or_has_its_record(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b"}\nno\n{"text": "c"}\n')
    out = tmp_path / "out"
    stopped = run("predict", "-i", str(path), "-o", f"{out}/")
    assert stopped.code == 2
    assert "texts.jsonl:3" in stopped.err
    assert not list(out.glob("part-*"))
    recorded = run("predict", "-i", str(path), "-o", f"{out}/", "--on-error", "record", "--part-rows", "2")
    assert recorded.code == 0, recorded.err
    assert "1 rows failed" in recorded.err
    assert ["error" in record for record in records(out)] == [False, False, True, False]  # type: ignore[operator]


def test_another_question_into_the_same_folder(run: Run, texts: str, tmp_path: Path) -> None:
    out = f"{tmp_path}/out/"
    assert run("predict", "-i", texts, "-o", out).code == 0
    ended = run("predict", "-i", texts, "-o", out, "--task", "text-classification")
    assert ended.code == 2
    assert "another task" in ended.err
    Path(texts).write_text('{"text": "new"}\n')
    assert "another input" in run("predict", "-i", texts, "-o", out).err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["a text"], "files"),
        (["-i", "-"], "files"),
        (["-i", "texts.txt", "--explain", "heads"], "explanations"),
        (["-i", "texts.txt", "--shard", "3/2"], "--shard 3/2"),
    ],
)
def test_what_does_not_go_in_parts(
    more: list[str], said: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("texts.txt").write_text("a\n")
    ended = run("predict", "-o", "out/", *more, stdin=b"b\n")
    assert ended.code == 2
    assert said in ended.err
    assert not Path("out").exists()


@pytest.mark.parametrize("option", [["--shard", "1/2"], ["--part-rows", "3"]])
def test_options_of_parts_without_parts(option: list[str], run: Run) -> None:
    ended = run("predict", "a text", *option)
    assert ended.code == 2
    assert f"{option[0]} without a folder" in ended.err


def test_where_parts_are_named(tmp_path: Path) -> None:
    assert parts_of(None) is None
    assert parts_of("out.jsonl") is None
    assert parts_of("out/") == (Path("out/"), ".jsonl")
    assert parts_of(str(tmp_path)) == (tmp_path, ".jsonl")
    assert parts_of("out/*.parquet") == (Path("out"), ".parquet")
    assert parts_of("*.npy") == (Path(), ".npy")


def test_shards_that_are_none() -> None:
    assert read_shard("2/3") == BulkShard(2, 3)
    for text in ("0/3", "4/3", "1", "a/b"):
        with pytest.raises(UserError, match="--shard"):
            read_shard(text)


def test_bad_rows_keep_their_places() -> None:
    bad = BadRows()

    def rows() -> Iterator[Row]:
        yield Row({}, "1")
        bad.refused(InputError("2"))
        yield Row({}, "3")
        bad.refused(InputError("4"))

    names = [item.place if isinstance(item, Row) else item.what for item in bad.among(rows())]
    assert names == ["1", "2", "3", "4"]


def test_now_and_then_it_says_how_far_it_is() -> None:
    now, said = [0.0], list[str]()
    reporter = Reporter(said.append, clock=lambda: now[0])
    reporter.tick()
    progress = BulkProgress(rows_left=1_000, letters_left=10_000, began=0.0, clock=lambda: now[0])
    reporter.began(progress)
    for seconds in (1.0, FIRST_SECONDS + 1, FIRST_SECONDS + 2, FIRST_SECONDS + SECONDS + 2):
        now[0] = seconds
        progress.answered(Row({"text": "a" * 100}, "row"))
        reporter.tick()
    assert len(said) == 2
    assert said[0] == "2 of 1,000 rows, 0 rows/s, 4 min 54 s left"
    assert line(BulkProgress(5, 5, 0.0, clock=lambda: 0.0)) == "0 of 5 rows, 0 rows/s"
