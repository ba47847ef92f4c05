"""Labelled examples to measure on, read from wherever they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bertkit.checkpoints.digests import sha256
from bertkit.config.data_source import RowsInMemory, Source, Sources, each_source
from bertkit.config.evaluation import EvaluateConfig
from bertkit.formats.notes import Note
from bertkit.labelled.data import name_of
from bertkit.labelled.examples import Example
from bertkit.labelled.reading import read_examples
from bertkit.labelled.score_range import range_in_words
from bertkit.tasks.catalogue import find_spec
from bertkit.workflows.observer import Observer


class Notes(list[str]):
    """What a user should know of how data was understood: each line is told, and kept for the result."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer

    def note(self, line: str) -> None:
        """One line more."""
        self.append(line)
        self._observer.say(line)


def labelled_examples(config: EvaluateConfig, task: str, note: Note) -> list[Example]:
    """The examples of the data that is measured on.

    Args:
        note: takes a line about how the data was understood.

    Raises:
        UserError, InputError: as `read_examples`.
    """
    spec = find_spec(task)
    examples = list(
        read_examples(
            config.data,
            spec.labelled_as or task,
            problem=config.problem,
            format=config.format,
            columns=config.columns,
            dropped=note if config.bad_answers == "drop" else None,
            note=note,
        )
    )
    if spec.compares:
        for line in range_in_words([one.target for one in examples if isinstance(one.target, float)]):
            note(line)
    return examples


def name_of_data(data: Sources) -> str:
    """What the data is called in messages."""
    return data if isinstance(data, str) else name_of(data)


def sha256_of_data(data: Sources) -> str | None:
    """The fingerprint of the data; None where it can be read only once."""
    found = [_sha256(part) for part in each_source(data)]
    if len(found) == 1 or None in found:
        return None if None in found else found[0]
    return hashlib.sha256("\n".join(map(str, found)).encode()).hexdigest()


def _sha256(source: Source) -> str | None:
    if isinstance(source, RowsInMemory):
        return source.sha256
    return sha256(Path(source)) if Path(source).is_file() else None
