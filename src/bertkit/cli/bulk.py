"""`bertkit predict -o FOLDER/`: answers in parts, which a run that is killed goes on after."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bertkit.errors import InputError, UserError
from bertkit.formats.files import STDIN

if TYPE_CHECKING:
    from bertkit.cli.carried import Carried
    from bertkit.cli.inputs import RowsOfTask
    from bertkit.formats.rows import Row
    from bertkit.inference.model import Model
    from bertkit.workflows.bulk import BulkProgress, BulkShard, Item, Seen

# Options that answers do not depend on, or that are said otherwise.
ASIDE = (
    *("input", "output", "model", "task", "revision", "device", "dtype", "batch_tokens"),
    *("json", "shard", "part_rows", "texts", "explain", "explain_target", "explain_steps"),
)
FIRST_SECONDS, SECONDS = 5.0, 30.0  # when the first line about what is left comes, and how often from then on


def parts_of(output: str | None) -> tuple[Path, str] | None:
    """The folder and the ending of parts, where `-o` names those: `out/`, a folder that is there, `out/*.parquet`."""
    if output is None:
        return None
    folder, name = os.path.split(output)
    if name.startswith("*."):
        return Path(folder or "."), name[1:]
    return (Path(output), ".jsonl") if not name or os.path.isdir(output) else None


def check_no_parts(shard: str | None, part_rows: int | None) -> None:
    """Refuses what is said of parts where there are none.

    Raises:
        UserError: naming the option.
    """
    if shard is not None or part_rows is not None:
        option = "--shard" if shard is not None else "--part-rows"
        raise UserError(f"{option} without a folder of parts", "Name one: -o 'FOLDER/*.jsonl'.")


def read_shard(text: str) -> BulkShard:
    """What `2/3` says.

    Raises:
        UserError: no such part.
    """
    from bertkit.workflows.bulk import BulkShard

    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"--shard {text}: not one of so many", "Write 1/4, 2/4, 3/4 and 4/4, one on each machine.")
    return BulkShard(int(found[1]), int(found[2]))


@dataclass
class BadRows:
    """Rows that could not be read, in their places among those that could."""

    _errors: deque[InputError] = field(default_factory=deque)

    def refused(self, error: InputError) -> None:
        """Notes one; it comes before the row that is read next."""
        self._errors.append(error)

    def among(self, rows: Iterator[Row]) -> Iterator[Item]:
        """All of them, in order."""
        self._errors.clear()
        for row in rows:
            while self._errors:
                yield self._errors.popleft()
            yield row
        while self._errors:
            yield self._errors.popleft()


@dataclass
class Reporter:
    """Says now and then how far a run is.

    Args:
        say: takes a line.
        clock: seconds.
    """

    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    progress: BulkProgress | None = None
    _next: float = 0.0

    def began(self, progress: BulkProgress) -> None:
        """There is so much to do."""
        self.progress, self._next = progress, self.clock() + FIRST_SECONDS

    def tick(self) -> None:
        """A row more is answered."""
        if self.progress is None or self.clock() < self._next:
            return
        self._next = self.clock() + SECONDS
        self.say(line(self.progress))


def line(progress: BulkProgress) -> str:
    """How far it is, how fast, how long it will be."""
    from bertkit.terminal.training_display import duration

    left = progress.seconds_left
    speed = progress.rows / max(progress.seconds, 1e-9)
    ending = "" if left is None else f", {duration(left)} left"
    return f"{progress.rows:,} of {progress.rows + progress.rows_left:,} rows, {speed:,.0f} rows/s{ending}"


@dataclass
class BulkAnswers:
    """A model, and how its answers to the rows of a part are written.

    Args:
        carried: what stands beside each answer.
        keeps: whether columns of the rows do.

    Attributes:
        failed: rows that have an error in the place of an answer.
    """

    model: Model
    carried: Carried
    on_error: Literal["stop", "record"]
    keeps: bool
    reporter: Reporter
    failed: int = 0

    def write(self, path: Path, items: Iterator[Item], seen: Seen) -> None:
        """Answers a part's rows into its file, which appears when it is whole."""
        from bertkit.cli.answers import Waiting, answers
        from bertkit.cli.written_answers import open_answers, put

        waiting = Waiting()
        read: deque[Item] = deque()

        def rows() -> Iterator[Row]:
            for item in items:
                read.append(item)
                if isinstance(item, InputError):
                    waiting.refused(item)
                else:
                    yield item

        with_errors = self.on_error == "record"
        with open_answers(str(path), as_json=True, with_errors=with_errors, keeps=self.keeps) as written:
            for number, answer in enumerate(answers(self.model, rows(), waiting, self.on_error, self.carried), 1):
                self.failed += put(written, number, answer, self.on_error)
                seen(read.popleft())
                self.reporter.tick()


def answer_in_parts(
    given: Mapping[str, Any],
    bulk: tuple[Path, str],
    rows: RowsOfTask,
    bad: BadRows,
    load: Callable[[], Model],
) -> None:
    """Answers the rows of files into a folder of parts, or goes on with it.

    Args:
        given: the command's options, by name.
        bulk: as `parts_of` gives it.
        rows: the input, read from its beginning whenever it is asked for.
        bad: is told of rows that cannot be read.

    Raises:
        UserError: what cannot be answered in parts; or as `Bulk.run`.
    """
    from bertkit.cli.carried import Carried
    from bertkit.formats.notes import unheard
    from bertkit.formats.paths import each_path
    from bertkit.terminal.messages import say
    from bertkit.workflows.bulk import PART_ROWS, Bulk

    folder, ending = bulk
    shard = read_shard(given["shard"] or "1/1")
    paths = each_path(given["input"] or [], unheard)
    if given["texts"] or not paths or STDIN in paths:
        raise UserError("answers in parts are of files, which are read twice", "Name them: -i FILE.")
    if given["explain"]:
        raise UserError("explanations are not written in parts", "Leave --explain out, or name a file: -o FILE.jsonl.")
    model = load()
    reporter = Reporter(say)
    answered = BulkAnswers(model, Carried.named(given["keep"]), given["on_error"], given["keep"] is not None, reporter)
    say("counting the rows")
    progress = Bulk(folder, ending, about(given, model, paths)).run(
        lambda: bad.among(rows(model.task.name, model.task.fields)),
        answered.write,
        part_rows=given["part_rows"] or PART_ROWS,
        shard=shard,
        began=reporter.began,
    )
    say(f"{progress.rows:,} rows answered into {folder}" if progress.rows else f"{folder}: nothing is left to be done")
    if answered.failed:
        say(f"{answered.failed:,} rows failed; their records say why")


def about(given: Mapping[str, Any], model: Model, paths: Sequence[str]) -> dict[str, object]:
    """All that answers depend on: what was asked of which model, over which files.

    Args:
        given: the command's options, by name.
        paths: the files that are read.
    """
    from bertkit.checkpoints.digests import folder_sha256, sha256

    return {
        "model": folder_sha256(model.source),
        "task": model.task.name,
        "dtype": model.dtype,
        "options": {name: value for name, value in given.items() if value is not None and name not in ASIDE},
        "input": [{"file": os.path.basename(path), "sha256": sha256(Path(path))} for path in paths],
    }
