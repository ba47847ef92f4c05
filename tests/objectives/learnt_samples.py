"""What examples become: which tokens learn what."""

from __future__ import annotations

from bertkit.finetuning.training_data import samples_of
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Target
from bertkit.objectives.contract import TaskTraining
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.reading import Reader

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "##ing", "in", "paris", "is", "fun", "who", "?"]


def example(target: Target, **fields: str) -> Example:
    return Example(Row(fields, "file.tsv:3"), target, "0")


def learnt(one: Example, learning: TaskTraining, reader: Reader) -> list[Sample]:
    return samples_of([one], learning, reader)
