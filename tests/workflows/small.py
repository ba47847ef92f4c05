"""Jobs of a second: a model of one layer, texts of a few words, and an observer that remembers."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from bertkit.training.observer import Record
from tests.parity.bert_peer import Sizes, make_peer

FAST = {"train.optimiser.learning_rate": 3e-3, "train.batch_samples": 16}


def make_model(folder: Path) -> str:
    make_peer(Sizes(layers=1, segment_types=2), folder, deviation=0.1)
    return str(folder)


def labelled(count: int, seed: int = 1) -> list[dict[str, object]]:
    """Texts that are good where they say w1, and bad where they say w2."""
    chance = random.Random(seed)
    rows: list[dict[str, object]] = []
    for number in range(count):
        words = [f"w{chance.randrange(10, 60)}" for _ in range(chance.randrange(1, 9))]
        words.insert(chance.randrange(len(words) + 1), "w1" if number % 2 else "w2")
        rows.append({"text": " ".join(words), "label": "good" if number % 2 else "bad"})
    return rows


def write_table(path: Path, rows: list[dict[str, object]]) -> str:
    lines = ["\t".join(rows[0]), *("\t".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


class Remembers:
    """An observer that keeps what it is told.

    Args:
        stop_after: the job is asked to stop after so many records of steps.
        interrupt_after: as by Ctrl-C, after so many.
    """

    def __init__(self, stop_after: int | None = None, interrupt_after: int | None = None) -> None:
        self.said: list[str] = []
        self.counted: dict[str, float] = {}
        self.steps: list[int] = []
        self.records: list[Record] = []
        self._stop_after = stop_after
        self._interrupt_after = interrupt_after

    def say(self, line: str) -> None:
        self.said.append(line)

    def counting(self, unit: str) -> AbstractContextManager[Callable[[float], None]]:
        def tick(items: float) -> None:
            self.counted[unit] = self.counted.get(unit, 0) + items

        return nullcontext(tick)

    def training(self, steps: int) -> AbstractContextManager[Remembers]:
        self.steps.append(steps)
        return nullcontext(self)

    def stopping(self) -> AbstractContextManager[Callable[[], bool]]:
        return nullcontext(lambda: self._stop_after is not None and self._learnt() >= self._stop_after)

    def on_record(self, record: Record) -> None:
        self.records.append(record)
        if self._interrupt_after is not None and self._learnt() >= self._interrupt_after:
            raise KeyboardInterrupt

    def _learnt(self) -> int:
        return sum("loss" in record for record in self.records)
