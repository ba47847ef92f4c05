"""Answers to millions of rows, in parts that are there whole or not at all: a run that is killed goes on after them.

    OUT/bulk.json          what is answered by what, and how the rows are dealt into parts
    OUT/part-00000.jsonl   answers to the first rows, one each, in order
    OUT/part-00001.jsonl   …

A part's file appears when its last answer is written, and is never written again, so that each row is answered exactly
once. A run with `--shard 2/3` makes every third part, from the second on: several machines share the work so. The rows
are counted first: a row that cannot be read is found before hours have gone by, and how long is left is known from the
letters of what is left. Torch-free.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from bertkit.checkpoints.durable import make_folder
from bertkit.checkpoints.folders import atomic_file
from bertkit.checkpoints.locks import locked
from bertkit.errors import InputError, OutputError, UserError
from bertkit.formats.row import Row

MANIFEST = "bulk.json"
PART_ROWS = 10_000
FORM = 1  # of the manifest

Item = Row | InputError  # a row, or why one could not be read, which has its place too
Seen = Callable[[Item], None]  # told of each row when it is answered
Write = Callable[[Path, Iterator[Item], Seen], None]


@dataclass(frozen=True, slots=True)
class BulkPart:
    """Neighbouring rows that are answered together.

    Attributes:
        letters: of all their texts: what the time that they take goes by.
    """

    number: int
    rows: int
    letters: int


@dataclass(frozen=True, slots=True)
class BulkShard:
    """Which parts a run makes: every `of`-th, from the `number`-th on, counted from 1."""

    number: int = 1
    of: int = 1

    def has(self, part: BulkPart) -> bool:
        """Whether the part is one of its own."""
        return part.number % self.of == self.number - 1


@dataclass(slots=True)
class BulkProgress:
    """How far a run is.

    Attributes:
        rows, letters: answered by this run.
        rows_left, letters_left: that it has yet to answer.
        began: seconds on the clock that is handed in.
    """

    rows_left: int
    letters_left: int
    began: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    rows: int = 0
    letters: int = 0

    def answered(self, item: Item) -> None:
        """One row more is answered."""
        size = letters(item)
        self.rows, self.rows_left = self.rows + 1, self.rows_left - 1
        self.letters, self.letters_left = self.letters + size, self.letters_left - size

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self.clock() - self.began

    @property
    def seconds_left(self) -> float | None:
        """By the letters that are left; None before the first answer."""
        return self.seconds * self.letters_left / self.letters if self.letters else None


@dataclass(frozen=True)
class Bulk:
    """A folder of answers.

    Args:
        folder: made where it is missing.
        ending: of the files of its parts.
        about: all that the answers depend on; a run with something else in a folder that is begun is refused.
    """

    folder: Path
    ending: str
    about: Mapping[str, object]

    def path(self, part: BulkPart) -> Path:
        """Where a part's answers are."""
        return self.folder / f"part-{part.number:05}{self.ending}"

    def run(
        self,
        items: Callable[[], Iterator[Item]],
        write: Write,
        *,
        part_rows: int = PART_ROWS,
        shard: BulkShard = BulkShard(),  # frozen
        began: Callable[[BulkProgress], None] = lambda progress: None,
    ) -> BulkProgress:
        """Answers what is not answered yet.

        Args:
            items: reads the input, from its beginning.
            write: answers a part's rows into a file that appears when it is whole, calling what it is given with each
                of them as it is answered.
            began: told before the first part, with what will say how far it is.

        Raises:
            FolderInUse: another run makes this shard.
            UserError: the folder was begun with something else.
            InputError: the input is not what it was when its rows were counted; or as `items`.
        """
        make_folder(self.folder)
        with locked(self.folder, f".lock-{shard.number}-of-{shard.of}"):
            parts = self._parts(items, part_rows)
            missing = {part.number for part in parts if shard.has(part) and not self.path(part).exists()}
            left = [part for part in parts if part.number in missing]
            progress = BulkProgress(
                sum(part.rows for part in left), sum(part.letters for part in left), time.monotonic()
            )
            began(progress)
            if missing:
                self._answer(items(), parts, missing, write, progress.answered)
        return progress

    def _answer(
        self, read: Iterator[Item], parts: Sequence[BulkPart], missing: set[int], write: Write, seen: Seen
    ) -> None:
        for part in parts[: max(missing) + 1]:
            rows = exactly(read, part.rows)
            if part.number in missing:
                write(self.path(part), rows, seen)
            for _ in rows:  # of a part that is there already
                pass

    def _parts(self, items: Callable[[], Iterator[Item]], part_rows: int) -> list[BulkPart]:
        """How the rows are dealt, as the folder says; counted where it is new."""
        path = self.folder / MANIFEST
        wanted = {"form": FORM, "ending": self.ending, "part_rows": part_rows, "about": dict(self.about)}
        if not path.exists():
            if strange := next(self.folder.glob("[!.]*"), None):
                raise UserError(
                    f"{self.folder}: there is {strange.name} in it, and no {MANIFEST}", "Name an empty folder."
                )
            parts = list(deal(items(), part_rows))
            said = wanted | {"parts": [[part.rows, part.letters] for part in parts]}
            with atomic_file(path, "w") as file:
                file.write(json.dumps(said, ensure_ascii=False, indent=1) + "\n")
            return parts
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            parts = [BulkPart(number, *map(int, one)) for number, one in enumerate(said["parts"])]
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise OutputError(f"{path}: cannot be read: {error}", "Name another folder.") from None
        if changed := different(wanted, said):
            named = changed.removeprefix("about.")
            raise UserError(
                f"{self.folder}: was begun with another {named}", "Say what was said then, or name another folder."
            )
        return parts


def exactly(read: Iterator[Item], count: int) -> Iterator[Item]:
    """The next rows, so many.

    Raises:
        InputError: there are fewer.
    """
    for done in range(count):
        item = next(read, None)
        if item is None:
            raise InputError(
                f"the input ends {count - done:,} rows before what was counted", "Let it be while it is read."
            )
        yield item


def deal(items: Iterator[Item], part_rows: int) -> Iterator[BulkPart]:
    """The parts of so many rows; the last one may have fewer."""
    for number in range(10**9):
        sizes = [letters(item) for item in islice(items, part_rows)]
        if sizes:
            yield BulkPart(number, len(sizes), sum(sizes))
        if len(sizes) < part_rows:
            return


def letters(item: Item) -> int:
    """How much there is to read in a row, at least 1."""
    return 1 if isinstance(item, InputError) else max(1, sum(map(_letters, item.fields.values())))


def _letters(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_letters, value.values()))
    return sum(map(_letters, value)) if isinstance(value, list | tuple) else 0


def different(wanted: object, said: object, name: str = "") -> str | None:
    """The first name under which two settings differ, dots between names; None where they are the same."""
    if not (isinstance(wanted, Mapping) and isinstance(said, Mapping)):
        return None if wanted == said else name
    names = dict.fromkeys(chain(wanted, (one for one in said if name)))
    found = (different(wanted.get(one), said.get(one), f"{name}.{one}" if name else str(one)) for one in names)
    return next((one for one in found if one is not None), None)
