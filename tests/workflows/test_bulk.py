"""Parts of a long answer: whole or not at all, each row once, whatever happens in between."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bertkit.checkpoints.folders import atomic_file
from bertkit.checkpoints.locks import locked
from bertkit.errors import FolderInUse, InputError, OutputError, UserError
from bertkit.formats.rows import Row
from bertkit.workflows.bulk import MANIFEST, Bulk, BulkPart, BulkProgress, BulkShard, Item, deal, different, letters

ROWS = [Row({"text": "a" * (1 + number % 7)}, f"row {number}") for number in range(95)]
ABOUT = {"model": "m", "options": {"dtype": "float32"}}


class Killed(Exception):
    """The process is no more."""


def write(path: Path, items: Iterator[Item], seen: Callable[[Item], None]) -> None:
    with atomic_file(path, "w") as file:
        for item in items:
            file.write(item.place + "\n" if isinstance(item, Row) else "bad\n")
            seen(item)


def items() -> Iterator[Item]:
    return iter(ROWS)


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("part-*"))}


def run(
    folder: Path, part_rows: int = 10, read: Callable[[], Iterator[Item]] = items, **options: object
) -> BulkProgress:
    return Bulk(folder, ".txt", ABOUT).run(read, write, part_rows=part_rows, **options)  # type: ignore[arg-type]


def test_each_row_is_in_one_part_in_order(tmp_path: Path) -> None:
    progress = run(tmp_path / "out")
    found = content(tmp_path / "out")
    assert list(found) == [f"part-{number:05}.txt" for number in range(10)]
    assert "".join(found.values()).split("\n")[:-1] == [row.place for row in ROWS]
    assert (progress.rows, progress.rows_left, progress.letters_left) == (95, 0, 0)


def test_killed_ten_times_at_random_it_is_the_same(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    chance = random.Random(0)
    kills = 0

    def dying() -> Iterator[Item]:
        last = chance.randrange(len(ROWS))
        for number, row in enumerate(ROWS):
            if number == last and kills < 10:
                raise Killed
            yield row

    while True:
        try:
            run(tmp_path / "out", read=dying)
            break
        except Killed:
            kills += 1
    assert kills == 10
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / "part-00003.txt").unlink()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("part-*")}
    assert run(tmp_path).rows == 10
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert run(tmp_path).rows == 0


def test_shards_make_what_one_run_makes(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    made = [run(tmp_path / "out", shard=BulkShard(number, 3)).rows for number in (2, 3, 1)]
    assert made == [30, 30, 35]
    assert content(tmp_path / "out") == content(tmp_path / "whole")


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20])
def test_rows_that_do_and_do_not_fill_the_last_part(count: int) -> None:
    parts = list(deal(iter(ROWS[:count]), 10))
    assert sum(part.rows for part in parts) == count
    assert all(part.rows == 10 for part in parts[:-1])
    assert [part.number for part in parts] == list(range(-(-count // 10)))


def test_rows_that_cannot_be_read_have_their_place(tmp_path: Path) -> None:
    mixed: list[Item] = [*ROWS[:3], InputError("row 4: bad"), *ROWS[3:5]]
    run(tmp_path, part_rows=4, read=lambda: iter(mixed))
    assert content(tmp_path) == {"part-00000.txt": "row 0\nrow 1\nrow 2\nbad\n", "part-00001.txt": "row 3\nrow 4\n"}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model": "other"}, "model"),
        ({"options": {"dtype": "int8"}}, "options.dtype"),
        ({"more": 1}, "more"),
    ],
)
def test_another_question_is_refused_by_name(changed: dict[str, object], named: str, tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(UserError, match=f"another {named}"):
        Bulk(tmp_path, ".txt", ABOUT | changed).run(items, write, part_rows=10)
    with pytest.raises(UserError, match="another part_rows"):
        run(tmp_path, part_rows=11)


def test_two_runs_of_one_shard_are_refused_and_of_two_are_not(tmp_path: Path) -> None:
    with locked(tmp_path, ".lock-1-of-2"):
        with pytest.raises(FolderInUse):
            run(tmp_path, shard=BulkShard(1, 2))
        run(tmp_path, shard=BulkShard(2, 2))


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(UserError, match=r"letter\.txt"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["letter.txt"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"parts": [[1]]}', '{"parts": "no"}'])
def test_a_damaged_manifest_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(OutputError, match=MANIFEST):
        run(tmp_path)


def test_an_input_that_shrinks_leaves_no_part_of_fewer_rows(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / "part-00009.txt").unlink()
    with pytest.raises(InputError, match="ends 2 rows before"):
        run(tmp_path, read=lambda: iter(ROWS[:93]))
    assert not (tmp_path / "part-00009.txt").exists()


def test_what_is_left_goes_by_letters() -> None:
    now = [100.0]
    progress = BulkProgress(rows_left=3, letters_left=30, began=100.0, clock=lambda: now[0])
    assert progress.seconds_left is None
    now[0] = 102.0
    progress.answered(Row({"text": "abcde", "documents": ["a", "bcde"], "label": 3}, "row 1"))
    assert (progress.rows, progress.rows_left, progress.letters_left) == (1, 2, 20)
    assert progress.seconds_left == pytest.approx(4.0)


def test_letters_of_rows() -> None:
    assert letters(InputError("bad")) == 1
    assert letters(Row({"text": ""}, "row 1")) == 1
    assert letters(Row({"a": {"b": ["cd", 5]}, "e": "f"}, "row 1")) == 3


def test_settings_that_differ() -> None:
    assert different({"a": {"b": 1}}, {"a": {"b": 1}, "c": 2}) is None
    assert different({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}) == "a.c"
    assert different({"a": 1}, {}) == "a"
    assert BulkShard(2, 3).has(BulkPart(4, 1, 1))
