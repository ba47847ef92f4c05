"""Labelled examples to measure on, read from wherever they are."""

from __future__ import annotations

from pathlib import Path

from bertkit.checkpoints.digests import sha256
from bertkit.config.evaluation import EvaluateConfig
from bertkit.labelled.examples import Example
from bertkit.labelled.notes import Note
from bertkit.labelled.reading import read_examples
from bertkit.labelled.score_range import range_in_words

LABELLED_AS = {"zero-shot-classification": "text-classification"}  # whose data is labelled alike


def labelled_examples(config: EvaluateConfig, task: str, note: Note) -> list[Example]:
    """The examples of the data that is measured on.

    Args:
        note: takes a line about how the data was understood.

    Raises:
        UserError, InputError: as `read_examples`.
    """
    examples = list(
        read_examples(
            config.data,
            LABELLED_AS.get(task, task),
            problem=config.problem,
            format=config.format,
            columns=config.columns,
            dropped=note if config.bad_answers == "drop" else None,
            note=note,
        )
    )
    if task == "sentence-embedding":
        for line in range_in_words([one.target for one in examples if isinstance(one.target, float)]):
            note(line)
    return examples


def name_of_data(data: str) -> str:
    """What the data is called in messages."""
    return data


def sha256_of_data(data: str) -> str | None:
    """The fingerprint of the data; None where it can be read only once."""
    return sha256(Path(data)) if Path(data).is_file() else None
