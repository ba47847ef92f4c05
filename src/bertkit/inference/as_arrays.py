"""Answers to many rows as one array. Shapes: `N` rows, `W` numbers of a vector, `C` labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from bertkit.errors import UserError
from bertkit.tasks.contract import Task
from bertkit.tasks.scoring import Labels
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.tasks.text_classification import TextClassification
from bertkit.vectors.quantising import Stored


def check_gives_vectors(task: Task) -> None:
    """Refuses a task that does not give one vector a text.

    Raises:
        UserError: saying which task does.
    """
    if not task.readout.pooling:
        raise UserError(f"{task.name} gives no vector a text", "Load the model with task='sentence-embedding'.")


def check_gives_probabilities(task: Task) -> None:
    """Refuses a task that does not give each of its labels a probability for a text.

    Raises:
        UserError: saying which task does.
    """
    if not isinstance(task, TextClassification):
        raise UserError(
            f"{task.name} gives no probability for each label",
            "Load a model with task='text-classification', or use predict.",
        )
    if task.problem == "regression":
        raise UserError("a regression gives numbers, not probabilities", "Use predict.")
    if len({*task.labels}) < len(task.labels):
        twice = next(label for label in task.labels if task.labels.count(label) > 1)
        raise UserError(f"two labels are called {twice!r}", "Give each a name of its own: id2label of config.json.")


def vectors(embeddings: Iterable[Embedding], count: int | None) -> Stored | None:
    """The vectors, (N, W), in the precision that they are stored in; None where there are none.

    Args:
        count: how many there will be, where that is known: they are then put in their place as they come.
    """
    each = (one.embedding for one in embeddings)
    first = next(each, None)
    if first is None:
        return None
    if count is None:
        return np.stack([first, *each])
    vectors_NW = np.empty((count, len(first)), first.dtype)
    done = 0
    for done, vector_W in enumerate(chain([first], each), 1):
        vectors_NW[done - 1] = vector_W
    return vectors_NW[:done]


def probabilities(answers: Iterable[Labels], labels: Sequence[str]) -> npt.NDArray[np.float64]:
    """The score of each label for each row, (N, C), in the order of the labels."""
    places = {label: place for place, label in enumerate(labels)}
    rows = []
    for answer in answers:
        scores_C = np.empty(len(labels))
        for one in answer.labels:
            scores_C[places[one.label]] = one.score
        rows.append(scores_C)
    return np.stack(rows) if rows else np.empty((0, len(labels)))
