"""What a model's files say of its task: class, labels, problem, how a classifier reads, how vectors are made."""

from __future__ import annotations

from dataclasses import replace

from bertkit.families.contract import Family
from bertkit.families.labels import PROBLEMS
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.direct_reading import KEY, reading_of
from bertkit.pretrained.from_state import TaskMetadata
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, SentenceSettings
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.contract import Task
from bertkit.tasks.sentence_embedding import SentenceEmbedding
from bertkit.tasks.text_ranking import TextRanking

RELEVANCE = {1: ("relevance",), 2: ("irrelevant", "relevant")}  # labels of a ranking's outputs


def task_metadata(task: Task, source: Pretrained, family: Family, limit: int) -> TaskMetadata:
    """What the files of a model say that was trained for a task.

    Args:
        source: what it was before.
        family: with the head that was trained.
        limit: tokens of an input that it has learnt to read.
    """
    needs = () if task.head_name is None else (task.head_name,)
    ending = next(ending for ending, heads in family.architectures.items() if heads == needs)
    values: dict[str, object] = {"architectures": [family.class_names[source.foreign.model_type] + ending]}
    if (reading := reading_of(family)) is not None:
        values[KEY] = reading
    if task.problem is not None:
        values["problem_type"] = next(name for name, ours in PROBLEMS.items() if ours == task.problem)
    spec = find_spec(task.name)
    more: TaskMetadata = TaskMetadata() if spec.metadata is None else spec.load("metadata")(task, source, limit)
    return replace(more, values={**values, **(more.values or named(task.labels))})


def named(labels: tuple[str, ...]) -> dict[str, object]:
    """The names of a classifier's rows, as `config.json` has them; nothing where there are none."""
    if not labels:
        return {}
    return {
        "id2label": {str(id): label for id, label in enumerate(labels)},
        "label2id": {label: id for id, label in enumerate(labels)},
    }


def of_vectors(task: Task, source: Pretrained, limit: int) -> TaskMetadata:
    """How a text becomes a vector."""
    assert isinstance(task, SentenceEmbedding)
    settings = source.settings or SentenceSettings(normalize=task.normalize)
    reads = replace(settings.reads, max_length=limit, of_task={})
    return TaskMetadata(settings=replace(settings, reads=reads, routed=(), routes=()))


def of_scores(task: Task, source: Pretrained, limit: int) -> TaskMetadata:
    """How a query and a document get a score."""
    assert isinstance(task, TextRanking)
    scoring = source.cross_encoder or CrossEncoderSettings()
    return TaskMetadata(
        named(RELEVANCE[task.classes]), cross_encoder=replace(scoring, activation=task.activation, parts=None)
    )
