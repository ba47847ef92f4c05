from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import BertConfig

from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.task_metadata import named, task_metadata
from bertkit.tasks.contract import Task
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model")
    make_task_peer("text-classification", place)
    return place


@pytest.fixture(scope="module")
def source(folder: Path) -> Pretrained:
    return open_pretrained(folder)


def task_of(source: Pretrained, name: str, **options: object) -> Task:
    return source.build_task(name, source.load_tokenizer(), **options)


@pytest.mark.parametrize("problem", ["single-label", "multi-label", "regression"])
def test_a_classifier_is_read_by_transformers_as_it_was_trained(problem: str, source: Pretrained) -> None:
    labels = ("value",) if problem == "regression" else ("low", "middle", "high")
    task = task_of(source, "text-classification", problem=problem, labels=labels)
    said = task_metadata(task, source, source.family, 16)
    theirs = BertConfig(**said.values)
    assert theirs.architectures == ["BertForSequenceClassification"]
    assert theirs.id2label == dict(enumerate(labels))
    assert theirs.label2id == {label: id for id, label in enumerate(labels)}
    ours = {"single-label": "single_label_classification", "multi-label": "multi_label_classification"}
    assert theirs.problem_type == ours.get(problem, problem)
    assert (said.settings, said.cross_encoder) == (None, None)
    foreign = replace(source.foreign, values={**source.foreign.values, **said.values})
    again = replace(source, foreign=foreign)
    options = again.task_options(type(task))
    assert (options["labels"], options["problem"]) == (labels, problem)


def test_vectors_are_read_as_far_as_was_learnt(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    source = open_pretrained(tmp_path)
    said = task_metadata(task_of(source, "sentence-embedding", normalize=False), source, source.family, 7)
    assert said.settings is not None
    assert said.settings.reads.max_length == 7
    assert not said.settings.normalize
    assert said.values["architectures"] == ["BertModel"]
    again = replace(source, settings=said.settings)
    assert again.max_length(task_of(again, "sentence-embedding")) == 7


@pytest.mark.parametrize(("outputs", "labels"), [(1, ("relevance",)), (2, ("irrelevant", "relevant"))])
def test_a_ranking_names_what_its_outputs_say(outputs: int, labels: tuple[str, ...], source: Pretrained) -> None:
    task = task_of(source, "text-ranking", activation="identity", outputs=outputs)
    said = task_metadata(task, source, source.family, 16)
    assert said.cross_encoder is not None
    assert said.cross_encoder.activation == "identity"
    assert {key: said.values[key] for key in ("id2label", "label2id")} == named(labels)


def test_no_labels_have_no_names() -> None:
    assert named(()) == {}
