"""Ranges of vectors, the whole job: found on texts, kept in the model's folder, so that bytes mean the same later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from bertkit.checkpoints.hub import locate
from bertkit.config.data_source import RowsInMemory, each_source
from bertkit.config.evaluation import CalibrateConfig
from bertkit.config.vector_ranges import VectorRanges
from bertkit.errors import InputError, UserError
from bertkit.formats.python_rows import memory_rows
from bertkit.formats.rows import Row, read_rows
from bertkit.pretrained.calibrated import check_own
from bertkit.pretrained.vector_ranges import write_ranges
from bertkit.reports.notebook import small_table
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.vectors.quantising import Floats
from bertkit.workflows.evaluate import load_model, task_to_score
from bertkit.workflows.labelled_data import name_of_data, sha256_of_data
from bertkit.workflows.observer import SILENT, Observer

TASK = "sentence-embedding"
ENOUGH = 100  # texts; of fewer, the least and the greatest values say little of those of others


@dataclass(frozen=True)
class FoundRanges:
    """What was found, and is kept beside the model's weights. A model that was loaded before does not know of it.

    Attributes:
        path: of the file in the model's folder.
        kept: what it says.
    """

    path: Path
    kept: VectorRanges

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        return self.kept.model_dump()

    def __repr__(self) -> str:
        """One line: of how many numbers, found on how many texts."""
        return f"<bertkit.FoundRanges of {str(self.path.parent)!r}: {self._facts()}>"

    def _repr_html_(self) -> str:
        """The facts as a small table, for a notebook."""
        rows = [("numbers of a vector", f"{len(self.kept.low):,}"), ("texts", f"{self.kept.texts:,}")]
        return small_table(f"ranges of the vectors of {self.path.parent}", ("", ""), rows)

    def lines(self) -> Iterator[str]:
        """What was done, for a terminal."""
        yield self._facts()
        yield f"kept in {self.path}; --precision int8 and uint8 use them"

    def _facts(self) -> str:
        return f"ranges of {len(self.kept.low):,} numbers, found on {self.kept.texts:,} texts"


def asks_for_ranges(config: CalibrateConfig) -> bool:
    """Whether what is to be calibrated are vectors, not the scores of labels."""
    return find_spec(task_to_score(config)).compares


def find_ranges(config: CalibrateConfig, observer: Observer = SILENT) -> FoundRanges:
    """Finds the least and the greatest value of each number of a model's vectors, and writes them into its folder.

    Every row's `text` is read, and its `text_pair` where it has one; labels are not needed.

    Args:
        observer: counts the texts.

    Raises:
        UserError: the model has no folder of its own, or options that are for labels.
        ModelNotFound: there is no such model.
        InputError: the data cannot be read, or has fewer than two texts.
        OutputError: the folder cannot be written.
    """
    if config.model is None:
        raise UserError("--calibrate with predictions, which have no folder to keep it in", "Give -m MODEL instead.")
    for name in ("abstain_at_precision", "against", "report", "precision"):
        if getattr(config, name) is not None:
            option = name.replace("_", "-")
            raise UserError(f"--{option} with --calibrate of {TASK}, which finds ranges only", f"Leave --{option} out.")
    folder = locate(config.model)
    check_own(folder)
    texts = _texts(config)
    model = load_model(config, TASK, truncate_dim=None)
    low_W: Floats | None = None
    high_W: Floats | None = None
    count = 0
    with observer.counting("texts") as tick:
        for answer in model.stream(texts):
            count += 1
            vector_W = cast(Embedding, answer).vector
            low_W = vector_W if low_W is None else np.minimum(low_W, vector_W)
            high_W = vector_W if high_W is None else np.maximum(high_W, vector_W)
            tick(1)
    if low_W is None or high_W is None or count < 2:
        raise InputError(f"{name_of_data(config.data)}: {count} texts, which have no ranges", f"Give {ENOUGH} or more.")
    if count < ENOUGH:
        observer.say(f"note: {count} texts are few for ranges; {ENOUGH} or more that are like yours give better ones")
    kept = VectorRanges(low=low_W.tolist(), high=high_W.tolist(), texts=count, data_sha256=sha256_of_data(config.data))
    return FoundRanges(write_ranges(folder, kept), kept)


def _texts(config: CalibrateConfig) -> Iterator[Row]:
    for source in each_source(config.data):
        if isinstance(source, RowsInMemory):
            rows = memory_rows(source, config.columns)
        else:
            rows = read_rows(source, format=config.format, columns=config.columns)
        for row in rows:
            yield Row({"text": row.fields["text"]} if "text" in row.fields else row.fields, row.place)
            if "text_pair" in row.fields:
                yield Row({"text": row.fields["text_pair"]}, row.place)
